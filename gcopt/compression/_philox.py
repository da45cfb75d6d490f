"""The kernel of `gcopt.compression._random`: numbers by the tile, so that the compiler can make several at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.solvers.jit import kernel

Array = NDArray[Any]

TILE = 1024
"""Coordinates that are dealt with at a time; their numbers stay in cache."""

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


@kernel
def mixed(a: Any, b: Any, c: Any, d: Any, k0: Any, k1: Any) -> tuple[Any, Any, Any, Any]:
    """One round of Philox4x32; every word is below 2^32 and held in 64 bits."""
    p, q = _M0 * a, _M1 * c
    return (q >> _HALF) ^ b ^ k0, q & _LOW, (p >> _HALF) ^ d ^ k1, p & _LOW


@kernel
def numbers(words: Array, tile: int, out: Array) -> None:
    """Write the numbers of one tile of a stream, below 2^32, into ``out`` of shape (4, TILE / 4).

    The ten rounds are written out and every word has a row of its own: only so does the compiler use vectors.
    """
    k0, k1 = words[3], words[4]
    places = out.shape[1]
    for i in range(places):
        x0, x1 = k0, k1
        a, b, c, d = mixed(np.uint64(tile * places + i), words[0], words[1], words[2], x0, x1)
        x0, x1 = (x0 + _W0) & _LOW, (x1 + _W1) & _LOW
        a, b, c, d = mixed(a, b, c, d, x0, x1)
        x0, x1 = (x0 + _W0) & _LOW, (x1 + _W1) & _LOW
        a, b, c, d = mixed(a, b, c, d, x0, x1)
        x0, x1 = (x0 + _W0) & _LOW, (x1 + _W1) & _LOW
        a, b, c, d = mixed(a, b, c, d, x0, x1)
        x0, x1 = (x0 + _W0) & _LOW, (x1 + _W1) & _LOW
        a, b, c, d = mixed(a, b, c, d, x0, x1)
        x0, x1 = (x0 + _W0) & _LOW, (x1 + _W1) & _LOW
        a, b, c, d = mixed(a, b, c, d, x0, x1)
        x0, x1 = (x0 + _W0) & _LOW, (x1 + _W1) & _LOW
        a, b, c, d = mixed(a, b, c, d, x0, x1)
        x0, x1 = (x0 + _W0) & _LOW, (x1 + _W1) & _LOW
        a, b, c, d = mixed(a, b, c, d, x0, x1)
        x0, x1 = (x0 + _W0) & _LOW, (x1 + _W1) & _LOW
        a, b, c, d = mixed(a, b, c, d, x0, x1)
        x0, x1 = (x0 + _W0) & _LOW, (x1 + _W1) & _LOW
        a, b, c, d = mixed(a, b, c, d, x0, x1)
        out[0, i], out[1, i], out[2, i], out[3, i] = a, b, c, d
