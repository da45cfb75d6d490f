"""Kernels of the noise of an exact code, for many straggler sets at once.

``a`` is the smallest decoding vector when nobody straggles (rows of B of length 1) and ``null`` projects on the vectors
that decode to nothing. Without the workers S the smallest decoding vector is longer by a_S^T (null_SS)^-1 a_S.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..jit import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SINGULAR = 1e-12


@kernel
def factor(a: Floats, null: Floats, lost: Ints, triangle: Floats, y: Floats) -> bool:
    """Cholesky factor of null_SS into ``triangle``, its solution for a_S into ``y``; whether S can be made up for."""
    for i in range(lost.size):
        for j in range(i + 1):
            value = null[lost[i], lost[j]]
            for m in range(j):
                value -= triangle[i, m] * triangle[j, m]
            if i > j:
                triangle[i, j] = value / triangle[j, j]
            elif value > SINGULAR:
                triangle[i, i] = np.sqrt(value)
            else:
                return False
        value = a[lost[i]]
        for m in range(i):
            value -= triangle[i, m] * y[m]
        y[i] = value / triangle[i, i]
    return True


@kernel
def growths(a: Floats, null: Floats, sets: Ints, out: Floats) -> None:
    """How much the squared length of the decoding vector grows without each set; infinity where nothing decodes."""
    size = sets.shape[1]
    triangle, y = np.zeros((size, size)), np.zeros(size)
    for m in range(sets.shape[0]):
        out[m] = np.inf
        if factor(a, null, sets[m], triangle, y):
            total = 0.0
            for i in range(size):
                total += y[i] * y[i]
            out[m] = total


@kernel
def pull(a: Floats, null: Floats, sets: Ints, weights: Floats, by_a: Floats, by_null: Floats) -> None:
    """Add the derivatives of the weighted sum of the growths by ``a``, and minus those by ``null``."""
    size = sets.shape[1]
    triangle, y = np.zeros((size, size)), np.zeros(size)
    for m in range(sets.shape[0]):
        if weights[m] == 0.0 or not factor(a, null, sets[m], triangle, y):
            continue
        for i in range(size - 1, -1, -1):
            for j in range(i + 1, size):
                y[i] -= triangle[j, i] * y[j]
            y[i] /= triangle[i, i]
        for i in range(size):
            by_a[sets[m, i]] += 2.0 * weights[m] * y[i]
            for j in range(size):
                by_null[sets[m, i], sets[m, j]] += weights[m] * y[i] * y[j]


@kernel
def product(one: Floats, other: Floats) -> Floats:
    """Logarithms of the coefficients of a product of polynomials, as many as the first one has."""
    size = one.size
    out = np.full(size, -np.inf)
    for t in range(size):
        top = -np.inf
        for i in range(t + 1):
            top = max(top, one[i] + other[t - i])
        if top > -np.inf:
            total = 0.0
            for i in range(t + 1):
                total += np.exp(one[i] + other[t - i] - top)
            out[t] = top + np.log(total)
    return out


def compile_kernels() -> None:
    """Compile for the types that are used, so that no clock counts that."""
    a, null, sets = np.ones(2), np.eye(2), np.array([[0], [1]], dtype=np.int64)
    growths(a, null, sets, np.zeros(2))
    pull(a, null, sets, np.ones(2), np.zeros(2), np.zeros((2, 2)))
    product(np.zeros(2), np.zeros(2))
