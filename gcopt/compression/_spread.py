"""How far a random rotation spreads a vector out; see `gcopt.compression.Rotated` for the proof."""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray


def power_below(length: int) -> int:
    """Return the largest power of two that is not above a length.

    Examples
    --------
    >>> power_below(1), power_below(1000), power_below(1024)
    (1, 512, 1024)
    """
    return 1 << (length.bit_length() - 1)


def spread(lengths: NDArray[np.int64]) -> float:
    """Return a bound on E sum_b D_b max_j |(U x)_bj|^2 / |x|^2 over blocks b of these lengths.

    Examples
    --------
    >>> round(spread(np.array([1024])), 3)
    17.249
    """
    power = power_below(int(lengths.sum()))
    return float(sum(2.0 * d / power * (log(2.0 * d) + 1.0) for d in lengths.tolist()))
