"""The exact variance of a gradient that is the sum of compressed messages of those who answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gcopt.code import GradientCode
from gcopt.compression import Compressor, Dither, Rotated
from gcopt.convergence._summing import chances_of, compressor_of, summing_rows
from gcopt.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Variance:
    """Mean and variance E |ghat - E ghat|^2 of a gradient estimate ghat.

    Attributes
    ----------
    mean : array, shape (D,)
        E ghat.
    stragglers : float
        What comes from who answers.
    compression : float
        What compression adds.
    """

    mean: Floats = field(repr=False)
    stragglers: float
    compression: float

    @property
    def total(self) -> float:
        """E |ghat - E ghat|^2."""
        return self.stragglers + self.compression


def variance(
    code: GradientCode, gradients: ArrayLike, probability: Any, *, compressor: Compressor | str | None = None
) -> Variance:
    """Return mean and variance of the sum of what arrives, for any allocation and weights.

    With messages y_j, worker j away with probability p_j independently of all others, and a compressor without bias:
    ``E ghat = sum_j (1 - p_j) y_j`` and ``Var = sum_j [p_j (1 - p_j) |y_j|^2 + (1 - p_j) E |C(y_j) - y_j|^2]``, since
    the variance of I C(y) is (1 - p) E |C(y)|^2 - (1 - p)^2 |y|^2 and E |C(y)|^2 = |y|^2 + E |C(y) - y|^2. Exact where
    `Compressor.variance` is, which for ``rotate+`` is a mean over a few rotations.

    Parameters
    ----------
    code : GradientCode
        Real, one segment, one block, decoder ``sum``.
    gradients : array, shape (k, D)
    probability : float or array, shape (n,)
        p, or p_j of every worker; below 1.
    compressor : Compressor or str, optional
        Instead of the code's; ``none`` for nothing.

    Returns
    -------
    Variance

    Raises
    ------
    InputError
        If the code is another one, a number is impossible, or the compressor is biased: always, or for these messages,
        because its fixed scale is too small.

    Examples
    --------
    >>> import numpy as np, gcopt
    >>> code = gcopt.families.one_bit(4, 0.25, 2, allocation="cyclic", compressor="dither1:norm")
    >>> found = variance(code, [[1, 2], [-3, 1], [2, -1], [0.5, 4]], 0.25)
    >>> found.mean.tolist(), round(found.stragglers, 6), round(found.total, 4)
    ([0.5, 6.0], 5.625, 28.125)
    """
    summing_rows(code)
    chances, chosen = chances_of(probability, code.workers), compressor_of(code, compressor)
    messages = code.compressed(None).encode(gradients)[0]
    heard = 1.0 - chances
    straggling = float(np.sum(chances * heard * np.sum(messages**2, axis=1)))
    added = 0.0
    if chosen is not None:
        _check_unbiased(chosen, messages)
        added = float(heard @ np.array([chosen.variance(y) for y in messages]))
    return Variance(heard @ messages, straggling, added)


def _check_unbiased(compressor: Compressor, messages: Floats) -> None:
    if not compressor.unbiased:
        raise InputError(f"compressor is {compressor}, which is biased; an unbiased one is needed")
    plain = compressor.inner if isinstance(compressor, Rotated) else compressor
    if not isinstance(plain, Dither) or isinstance(plain.scale, str):
        return
    # a rotation may put all of a message into one coordinate
    sizes = np.abs(messages) if plain is compressor else np.linalg.norm(messages, axis=1)
    if (largest := float(sizes.max())) > plain.scale:
        what = (
            "a message has a coordinate of size" if plain is compressor else "rotated messages have coordinates up to"
        )
        raise InputError(
            f"compressor is {compressor} and {what} {largest:.3g}, where it is biased; a larger scale would work"
        )
