"""Limited-memory BFGS for a few dozen numbers: scipy's calls LAPACK, whose threads cost ten times the rest here."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MEMORY = 10
_HALVINGS = 20
_ENOUGH = 1e-4  # of the decrease that the slope promises
_STILL = 1e-9  # relative decrease below which it has arrived


def minimise(function: Callable[[Floats], tuple[float, Floats]], start: Floats, steps: int) -> Floats:
    """Return a point lower than the start, after so many steps at most.

    Parameters
    ----------
    function : callable
        From a point to the value and its gradient.
    start : array
    steps : int

    References
    ----------
    Nocedal & Wright 2006, Numerical Optimization, Algorithms 7.4 and 3.1.

    Examples
    --------
    >>> minimise(lambda x: (float(x @ x), 2.0 * x), np.array([3.0, -4.0]), 20).tolist()
    [0.0, 0.0]
    """
    x = start
    value, gradient = function(x)
    pairs: deque[tuple[Floats, Floats, float]] = deque(maxlen=_MEMORY)
    for _ in range(steps):
        direction = _direction(gradient, pairs)
        slope = float(direction @ gradient)
        if not slope < 0.0:
            return x
        length = 1.0 if pairs else min(1.0, 1.0 / float(np.sqrt(gradient @ gradient)))
        for _ in range(_HALVINGS):
            there = x + length * direction
            below, steeper = function(there)
            if below <= value + _ENOUGH * length * slope:
                break
            length /= 2.0
        else:
            return x
        moved, turned = there - x, steeper - gradient
        curvature = float(moved @ turned)
        if curvature > 0.0:
            pairs.append((moved, turned, curvature))
        arrived = value - below <= _STILL * abs(value)
        x, value, gradient = there, below, steeper
        if arrived:
            return x
    return x


def _direction(gradient: Floats, pairs: deque[tuple[Floats, Floats, float]]) -> Floats:
    direction, shares = -gradient, []
    for moved, turned, curvature in reversed(pairs):
        share = float(moved @ direction) / curvature
        shares.append(share)
        direction = direction - share * turned
    if pairs:
        _, turned, curvature = pairs[-1]
        direction = direction * (curvature / float(turned @ turned))
    for (moved, turned, curvature), share in zip(pairs, reversed(shares), strict=True):
        direction = direction + (share - float(turned @ direction) / curvature) * moved
    return np.asarray(direction)
