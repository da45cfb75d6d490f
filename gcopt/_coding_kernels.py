"""Compiled kernels of encoding and decoding: numbers are read and written in place, by stretches that fit the cache.

A stretch is ``sums.shape[1]`` coordinates of a block. Sums have the type of ``sums``, float64 or complex128, whatever
that of the vectors; these are added four at a time, always in the order of the columns. All blocks have one width, but
the last ones of a gradient may be short, or empty.

A kernel returns whether all its sums are finite. If they are, so is every number that has a coefficient.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from gcopt.solvers.jit import fast_kernel, kernel

Array = NDArray[Any]


@fast_kernel
def add_one(sums: Array, c: Any, x: Array) -> None:
    """Add one vector, which may be shorter than the sums."""
    for f in range(len(x)):
        sums[f] += c * x[f]


@fast_kernel
def add_four(sums: Array, c: Array, x0: Array, x1: Array, x2: Array, x3: Array) -> None:
    """Add four vectors."""
    c0, c1, c2, c3 = c[0], c[1], c[2], c[3]
    for f in range(len(sums)):
        sums[f] += c0 * x0[f] + c1 * x1[f] + c2 * x2[f] + c3 * x3[f]


@fast_kernel
def add_four_to_two(sums: Array, c: Array, x0: Array, x1: Array, x2: Array, x3: Array) -> None:
    """Add four vectors to two sums, so that each number is loaded and converted half as often."""
    s0, s1 = sums[0], sums[1]
    a0, a1, a2, a3 = c[0, 0], c[0, 1], c[0, 2], c[0, 3]
    b0, b1, b2, b3 = c[1, 0], c[1, 1], c[1, 2], c[1, 3]
    for f in range(len(x0)):
        s0[f] += a0 * x0[f] + a1 * x1[f] + a2 * x2[f] + a3 * x3[f]
        s1[f] += b0 * x0[f] + b1 * x1[f] + b2 * x2[f] + b3 * x3[f]


@fast_kernel
def add_four_to_four(sums: Array, c: Array, x0: Array, x1: Array, x2: Array, x3: Array) -> None:
    """Add four vectors to four sums, so that each number is loaded and converted a quarter as often."""
    s0, s1, s2, s3 = sums[0], sums[1], sums[2], sums[3]
    a0, a1, a2, a3 = c[0, 0], c[0, 1], c[0, 2], c[0, 3]
    b0, b1, b2, b3 = c[1, 0], c[1, 1], c[1, 2], c[1, 3]
    c0, c1, c2, c3 = c[2, 0], c[2, 1], c[2, 2], c[2, 3]
    d0, d1, d2, d3 = c[3, 0], c[3, 1], c[3, 2], c[3, 3]
    for f in range(len(x0)):
        s0[f] += a0 * x0[f] + a1 * x1[f] + a2 * x2[f] + a3 * x3[f]
        s1[f] += b0 * x0[f] + b1 * x1[f] + b2 * x2[f] + b3 * x3[f]
        s2[f] += c0 * x0[f] + c1 * x1[f] + c2 * x2[f] + c3 * x3[f]
        s3[f] += d0 * x0[f] + d1 * x1[f] + d2 * x2[f] + d3 * x3[f]


@fast_kernel
def write(sums: Array, out: Array) -> None:
    """Round sums to the type of what is asked for."""
    for f in range(len(out)):
        out[f] = sums[f]


@fast_kernel
def write_real(sums: Array, out: Array) -> None:
    """Round the real parts of sums, of which the last ones may be left out."""
    for f in range(len(out)):
        out[f] = sums[f].real


@kernel
def finite(sums: Array) -> bool:
    """Whether all are; no `fast_kernel`, because the difference must not be worked out beforehand."""
    spoilt = False
    for f in range(len(sums)):
        spoilt |= (sums[f] - sums[f]) != 0.0
    return not spoilt


@fast_kernel
def encode(
    data: Array, indices: Array, indptr: Array, gradients: Array, begin: int, length: int, out: Array, sums: Array
) -> bool:
    """Write the messages, shape (n, width), of the coordinates from ``begin`` on.

    ``data``, ``indices`` and ``indptr`` are the encoding matrix, the columns of a row in order.
    """
    k, tile, width, fine = len(gradients), sums.shape[1], out.shape[1], True
    for a in range(0, width, tile):
        b = min(a + tile, width)
        total = sums[0, : b - a]
        for j in range(len(out)):
            for f in range(b - a):
                total[f] = 0.0
            p, stop = indptr[j], indptr[j + 1]
            while p < stop:
                # columns are in order: the block of the fourth reaches least far
                u = indices[min(p + 3, stop - 1)] // k
                if p + 4 <= stop and u * width + b <= length:
                    i0, i1, i2, i3 = indices[p], indices[p + 1], indices[p + 2], indices[p + 3]
                    s0, s1, s2, s3 = i0 // k * width, i1 // k * width, i2 // k * width, i3 // k * width
                    x0 = gradients[i0 % k, begin + s0 + a : begin + s0 + b]
                    x1 = gradients[i1 % k, begin + s1 + a : begin + s1 + b]
                    x2 = gradients[i2 % k, begin + s2 + a : begin + s2 + b]
                    x3 = gradients[i3 % k, begin + s3 + a : begin + s3 + b]
                    add_four(total, data[p : p + 4], x0, x1, x2, x3)
                    p += 4
                else:
                    s0 = indices[p] // k * width
                    start, end = min(s0 + a, length), min(s0 + b, length)
                    add_one(total, data[p], gradients[indices[p] % k, begin + start : begin + end])
                    p += 1
            fine &= finite(total)
            write(total, out[j, a:b])
    return fine


@fast_kernel
def decode(coefficients: Array, messages: Array, rows: Array, out: Array, sums: Array) -> bool:
    """Write the blocks of a gradient, the real parts of the sums of these rows of the messages.

    ``coefficients`` has shape (m, len(rows)); ``sums`` has room for four blocks.
    """
    blocks, used, tile, width, fine = len(coefficients), len(rows), sums.shape[1], messages.shape[1], True
    for a in range(0, width, tile):
        b, u = min(a + tile, width), 0
        while u < blocks:
            together = 4 if u + 4 <= blocks else 2 if u + 2 <= blocks else 1
            total, c = sums[:together], coefficients[u : u + together]
            for v in range(together):
                for f in range(b - a):
                    total[v, f] = 0.0
            p = 0
            while p + 4 <= used:
                x0, x1 = messages[rows[p], a:b], messages[rows[p + 1], a:b]
                x2, x3 = messages[rows[p + 2], a:b], messages[rows[p + 3], a:b]
                if together == 4:
                    add_four_to_four(total, c[:, p : p + 4], x0, x1, x2, x3)
                elif together == 2:
                    add_four_to_two(total, c[:, p : p + 4], x0, x1, x2, x3)
                else:
                    add_four(total[0, : b - a], c[0, p : p + 4], x0, x1, x2, x3)
                p += 4
            while p < used:
                for v in range(together):
                    add_one(total[v], c[v, p], messages[rows[p], a:b])
                p += 1
            for v in range(together):
                fine &= finite(total[v, : b - a])
                start = (u + v) * width
                write_real(total[v], out[start + a : start + b])
            u += together
    return fine
