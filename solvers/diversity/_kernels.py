"""Compiled parts of the sample averages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..jit import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@kernel
def latest(delays: Floats, heights: Floats, times: Floats, slope: Floats) -> None:
    """Write max_i delays[r, i] heights[i] of every row; add the delay that decides to its place in ``slope``."""
    rows, k = delays.shape
    for r in range(rows):
        worst, at = -1.0, 0
        for i in range(k):
            value = delays[r, i] * heights[i]
            if value > worst:
                worst, at = value, i
        times[r] = worst
        slope[at] += delays[r, at]


@kernel
def latest_level(delays: Floats, heights: Floats, times: Floats, which: Ints) -> None:
    """Write max_i delays[r, i] heights[i] of every row and the level that decides."""
    rows, k = delays.shape
    for r in range(rows):
        worst, at = -1.0, 0
        for i in range(k):
            value = delays[r, i] * heights[i]
            if value > worst:
                worst, at = value, i
        times[r] = worst
        which[r] = at
