"""Compiled kernels of coordinates drawn at random: the draw and the copying are one pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.compression._philox import TILE, numbers
from gcopt.solvers.jit import kernel

Array = NDArray[Any]

_MOST = 3.4028234663852886e38  # of float32
_WHOLE = np.uint64(32)


@kernel
def drawn(number: Any, wanted: int, left: int) -> Any:
    """Whether the next of ``left`` coordinates is among the ``wanted`` ones: with probability wanted / left."""
    return np.uint64(number) * np.uint64(left) < np.uint64(wanted) << _WHOLE


@kernel
def pack_drawn(x: Array, words: Array, values: Array) -> bool:
    """Write as many coordinates, drawn at random, as there is room for; return whether float32 can express all."""
    held, taken, fine = np.empty((4, TILE // 4), np.uint32), 0, True
    number = held.reshape(TILE)
    for start in range(0, len(x), TILE):
        numbers(words, start // TILE, held)
        for i in range(min(TILE, len(x) - start)):
            fine &= abs(x[start + i]) <= _MOST
            if drawn(number[i], len(values) - taken, len(x) - start - i):
                values[taken] = x[start + i]
                taken += 1
    return fine


@kernel
def add_drawn(values: Array, words: Array, coefficients: Array, out: Array) -> None:
    """Add multiples, one for each row of ``out``, of the coordinates that `pack_drawn` has written."""
    held, taken, length = np.empty((4, TILE // 4), np.uint32), 0, out.shape[1]
    number = held.reshape(TILE)
    for start in range(0, length, TILE):
        numbers(words, start // TILE, held)
        for i in range(min(TILE, length - start)):
            if drawn(number[i], len(values) - taken, length - start - i):
                for u in range(len(coefficients)):
                    out[u, start + i] += coefficients[u] * values[taken]
                taken += 1
