"""From relaxed allocations to whole coordinates: rounding, and the proof of the best where that is cheap."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from ..errors import InputError
from .levels import Levels

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Runtime = Callable[[Floats], tuple[float, Floats]]

_EXCHANGES = 200


def check_total(total: float) -> int:
    """Return the number of coordinates as an integer of at least 1, or raise InputError."""
    if isinstance(total, bool) or not np.isfinite(total) or total < 1 or total != int(total):
        raise InputError(f"parameters is {total!r}; an integer of at least 1 is needed")
    return int(total)


def rounded(lengths: Floats, total: int) -> Ints:
    """Return integers with a given sum, whose sums up to each level are those of the lengths, rounded.

    What one level lost, the next ones make up for. Where most lengths are below 1, the largest remainders would all
    come from the same few levels: for 1000 workers and 20,000 coordinates they cost 2 %, this 0.002 %.

    Examples
    --------
    >>> rounded(np.array([1.5, 0.2, 1.3]), 3).tolist(), rounded(np.array([0.4] * 5), 2).tolist()
    ([2, 0, 1], [0, 1, 0, 1, 0])
    """
    sums = np.rint(np.cumsum(lengths) * (total / lengths.sum())).astype(np.int64)
    return np.asarray(np.diff(sums, prepend=0))


def exchanged(runtime: Runtime, levels: Levels, lengths: Ints) -> tuple[Ints, float]:
    """Move single coordinates between levels as long as the gradient promises a gain and there is one."""
    x = lengths.copy()
    value, slope = runtime(levels.heights(x))
    for _ in range(_EXCHANGES):
        price = levels.loads * np.cumsum(slope[::-1])[::-1]
        giver = int(np.argmax(np.where(x > 0, price, -np.inf)))
        moved = x.copy()
        moved[giver] -= 1
        moved[int(np.argmin(price))] += 1
        tried, steeper = runtime(levels.heights(moved))
        if not tried < value:
            break
        x, value, slope = moved, tried, steeper
    return x, value


def proved(
    runtime: Runtime, levels: Levels, lengths: Ints, *, bound: float, tolerance: float, seconds: float
) -> tuple[Ints, float, float]:
    """Improve an integer allocation until it is proved best, by outer approximation.

    The runtime is convex and homogeneous of degree one, so each gradient is a cut, f(z') >= slope . z'. The integer
    program over the cuts so far gives a lower bound and the next point to look at (Duran & Grossmann 1986).

    Parameters
    ----------
    runtime : callable
        Heights in, (value, gradient) out.
    levels : Levels
    lengths : array of int, shape (K,)
        Where to start.
    bound : float
        A lower bound that is known.
    tolerance : float
        Relative gap at which to stop.
    seconds : float
        Time limit.

    Returns
    -------
    lengths, value, bound
    """
    began = time.perf_counter()
    total, k = int(lengths.sum()), levels.size
    best, value = lengths, np.inf
    cuts: list[Floats] = []
    scale = runtime(levels.heights(lengths))[0] / total
    x = lengths
    while True:
        found, slope = runtime(levels.heights(x))
        if found < value:
            best, value = x, found
        cuts.append(levels.loads * np.cumsum(slope[::-1])[::-1] / scale)
        left = seconds - (time.perf_counter() - began)
        if value - bound <= tolerance * value or left <= 0:
            break
        rows = np.column_stack([np.array(cuts), -np.ones(len(cuts))])
        sums = np.append(np.ones(k), 0.0)[None, :]
        solved = milp(
            np.append(np.zeros(k), 1.0),
            constraints=[LinearConstraint(rows, -np.inf, 0.0), LinearConstraint(sums, total, total)],
            bounds=Bounds(np.append(np.zeros(k), bound / scale), np.append(np.full(k, total), np.inf)),
            integrality=np.append(np.ones(k), 0.0),
            options={"time_limit": left, "mip_rel_gap": tolerance / 4},
        )
        if solved.mip_dual_bound is not None:
            bound = max(bound, min(float(solved.mip_dual_bound) * scale, value))
        if solved.x is None:
            break
        following = np.rint(solved.x[:k]).astype(np.int64)
        if (following == x).all():
            break
        x = following
    return best, value, bound
