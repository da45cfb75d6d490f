"""Compiled kernels of packing and unpacking: a vector is read once, bits are written eight to a byte, lowest first.

Levels are given per block of ``block`` coordinates, a multiple of 8; a message goes through tiles of at most `TILE`
coordinates that do not cross blocks, and tile t uses numbers of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.compression._philox import TILE, numbers
from gcopt.solvers.jit import fast_kernel, kernel

Array = NDArray[Any]

_STEP = 2.0**-31
_LANES = 16


@kernel
def dither(number: Any) -> float:
    """Return a number uniform on (-1, 1), symmetric, of one below 2^32."""
    return (np.float64(number) + 0.5) * _STEP - 1.0


@kernel
def largest(x: Array) -> float:
    """Return max |x|, by lanes, which compilers do not dare to make of one maximum; NaN is passed over."""
    lanes = np.zeros(_LANES, x.dtype)
    whole = len(x) // _LANES * _LANES
    for i in range(0, whole, _LANES):
        for lane in range(_LANES):
            size = abs(x[i + lane])
            lanes[lane] = size if size > lanes[lane] else lanes[lane]
    found = 0.0
    for i in range(whole, len(x)):
        found = max(found, np.float64(abs(x[i])))
    for lane in range(_LANES):
        found = max(found, np.float64(lanes[lane]))
    return found


@kernel
def extremes(x: Array) -> tuple[float, float]:
    """Return min x and max x, by lanes; NaN is passed over."""
    low, high = np.full(_LANES, np.inf), np.full(_LANES, -np.inf)
    for i in range(0, len(x) // _LANES * _LANES, _LANES):
        for lane in range(_LANES):
            value = np.float64(x[i + lane])
            low[lane] = value if value < low[lane] else low[lane]
            high[lane] = value if value > high[lane] else high[lane]
    for i in range(len(x) // _LANES * _LANES, len(x)):
        low[0], high[0] = min(low[0], np.float64(x[i])), max(high[0], np.float64(x[i]))
    return low.min(), high.max()


@fast_kernel
def squares(x: Array) -> float:
    """Return the sum of x^2, added in float64."""
    total = 0.0
    for i in range(len(x)):
        total += np.float64(x[i]) * np.float64(x[i])
    return total


@fast_kernel
def sizes(x: Array) -> float:
    """Return the sum of |x|, added in float64."""
    total = 0.0
    for i in range(len(x)):
        total += abs(np.float64(x[i]))
    return total


@kernel
def write_bits(flags: Array, bits: Array) -> None:
    """Pack flags, 0 or 1, of a tile; those beyond the last full byte are followed by zeros."""
    whole = len(flags) // 8
    for i in range(whole):
        byte = np.uint8(0)
        for place in range(8):
            byte |= np.uint8(flags[8 * i + place] << np.uint8(place))
        bits[i] = byte
    if len(flags) % 8:
        byte = np.uint8(0)
        for i in range(8 * whole, len(flags)):
            byte |= np.uint8(flags[i] << np.uint8(i - 8 * whole))
        bits[whole] = byte


@kernel
def pack(x: Array, low: Array, high: Array, block: int, words: Array, bits: Array) -> tuple[int, bool]:
    """Round every coordinate at random to the low or the high level of its block, without bias.

    Return how many lay beyond their levels, which means bias, and whether all were finite.
    """
    drawn, flags = np.empty((4, TILE // 4), np.uint32), np.empty(TILE, np.uint8)
    number, beyond, spoilt, tile = drawn.reshape(TILE), 0, False, 0
    for b in range(len(low)):
        middle, radius = (low[b] + high[b]) / 2.0, (high[b] - low[b]) / 2.0
        inverse = 1.0 / radius if radius > 0.0 else 0.0
        stop = min((b + 1) * block, len(x))
        for start in range(b * block, stop, TILE):
            size = min(TILE, stop - start)
            numbers(words, tile, drawn)
            tile += 1
            for i in range(size):
                value = np.float64(x[start + i])
                flags[i] = (value - middle) * inverse + dither(number[i]) > 0.0
                beyond += (value < low[b]) | (value > high[b])
                spoilt |= (value - value) != 0.0
            write_bits(flags[:size], bits[start // 8 : (start + size + 7) // 8])
    return beyond, not spoilt


@kernel
def pack_signs(x: Array, bits: Array) -> bool:
    """Write the signs, that of 0 being +; return whether all coordinates were finite."""
    flags, spoilt = np.empty(TILE, np.uint8), False
    for start in range(0, len(x), TILE):
        size = min(TILE, len(x) - start)
        for i in range(size):
            flags[i] = x[start + i] >= 0.0
            spoilt |= (x[start + i] - x[start + i]) != 0.0
        write_bits(flags[:size], bits[start // 8 : (start + size + 7) // 8])
    return not spoilt


@kernel
def add_tile(values: Array, coefficients: Array, out: Array) -> None:
    """Add multiples of one tile to those of the blocks of a gradient, shape (m, size)."""
    for u in range(len(coefficients)):
        c = coefficients[u]
        for i in range(len(values)):
            out[u, i] += c * values[i]


@kernel
def read_bits(bits: Array, low: float, high: float, values: Array) -> None:
    """Write the levels that some bits stand for."""
    levels = np.array([low, high])
    for i in range(len(values) // 8):
        for place in range(8):
            values[8 * i + place] = levels[(bits[i] >> np.uint8(place)) & np.uint8(1)]
    for i in range(len(values) // 8 * 8, len(values)):
        values[i] = levels[(bits[i // 8] >> np.uint8(i % 8)) & np.uint8(1)]


@kernel
def add(bits: Array, low: Array, high: Array, block: int, coefficients: Array, out: Array) -> None:
    """Add multiples, one for each row of ``out``, of what `pack` or `pack_signs` has packed."""
    scratch = np.empty(TILE)
    for b in range(len(low)):
        stop = min((b + 1) * block, out.shape[1])
        for start in range(b * block, stop, TILE):
            values = scratch[: min(TILE, stop - start)]
            read_bits(bits[start // 8 :], low[b], high[b], values)
            add_tile(values, coefficients, out[:, start : start + len(values)])


@kernel
def add_subtractive(
    bits: Array, low: Array, high: Array, block: int, words: Array, coefficients: Array, out: Array
) -> None:
    """Like `add`, and subtract the dither that `pack` has added."""
    drawn, scratch, tile = np.empty((4, TILE // 4), np.uint32), np.empty(TILE), 0
    number = drawn.reshape(TILE)
    for b in range(len(low)):
        radius = (high[b] - low[b]) / 2.0
        stop = min((b + 1) * block, out.shape[1])
        for start in range(b * block, stop, TILE):
            values = scratch[: min(TILE, stop - start)]
            read_bits(bits[start // 8 :], low[b], high[b], values)
            numbers(words, tile, drawn)
            tile += 1
            for i in range(len(values)):
                values[i] -= radius * dither(number[i])
            add_tile(values, coefficients, out[:, start : start + len(values)])
