"""Kernel of the time until the answers decode well enough: rows are taken in the order of their arrival."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..jit import fast_kernel, kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_INDEPENDENT = 1e-16  # squared length, relative, below which a row is a combination of those before it


@fast_kernel
def _rest(row: Floats, basis: Floats, count: int, out: Floats) -> float:
    """The part of a row outside the span of ``count`` orthonormal ones; returns its squared length."""
    out[:] = row
    for _ in range(2):  # once is not enough where little is left
        for b in range(count):
            inner = 0.0
            for c in range(len(row)):
                inner += basis[b, c] * out[c]
            for c in range(len(row)):
                out[c] -= inner * basis[b, c]
    square = 0.0
    for c in range(len(row)):
        square += out[c] * out[c]
    return square


@fast_kernel
def _inner(one: Floats, other: Floats) -> float:
    total = 0.0
    for c in range(len(one)):
        total += one[c] * other[c]
    return total


@kernel
def expected_time(
    matrix: Floats,
    target: Floats,
    loads: Floats,
    overhead: Floats,
    pace: Floats,
    tolerance: float,
    never: float,
    limit: float,
) -> float:
    """Mean over rounds of the time at which the error of those heard is at most ``tolerance``; ``never`` if that stays.

    ``overhead`` and ``pace`` (rounds, n): worker j answers after overhead + pace * load, which may be infinite. Stops
    as soon as the mean cannot be ``limit`` or less any more.
    """
    n, size = matrix.shape
    basis, rest = np.empty((n, size)), np.empty(size)
    total = 0.0
    squared = _inner(target, target)
    for r in range(len(overhead)):
        arrival = overhead[r] + pace[r] * loads
        left, count, done = squared, 0, never
        for j in np.argsort(arrival):
            if arrival[j] >= never:
                break
            length = _rest(matrix[j], basis, count, rest)
            if length > _INDEPENDENT * _inner(matrix[j], matrix[j]):
                scale = 1.0 / np.sqrt(length)
                basis[count] = rest * scale
                along = _inner(basis[count], target)
                left -= along * along
                count += 1
            if left <= tolerance:
                done = arrival[j]
                break
        total += done
        if total > limit * len(overhead):
            break
    return total / len(overhead)
