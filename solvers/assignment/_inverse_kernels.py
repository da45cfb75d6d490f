"""Kernels of the regularised problem: its inverse, kept up to date while rows of the encoding matrix change.

B is (n, V) and t the target. With P = (B B^T + eps I)^-1 and a = P B t, the regularised error min_r ||B_F^T r - t||^2 +
eps ||r||^2 of the responders F is t.t - a.B t + a_S^T (P_SS)^-1 a_S, where S are the stragglers. It is at least the
error, and finite and smooth for every B, singular or not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..jit import fast_kernel

Floats = NDArray[np.float64]


@fast_kernel
def products(row: Floats, matrix: Floats, out: Floats) -> None:
    """Inner products of one row with all rows of a matrix."""
    for j in range(matrix.shape[0]):
        total = 0.0
        for c in range(matrix.shape[1]):
            total += row[c] * matrix[j, c]
        out[j] = total


@fast_kernel
def without_row(P: Floats, i: int, line: Floats) -> None:
    """Take row and column i out of Q, in place in its inverse, where they become zeros; ``line`` is scratch space."""
    inverse = 1.0 / P[i, i]
    line[:] = P[i]
    for l in range(len(line)):
        factor = line[l] * inverse
        for m in range(len(line)):
            P[l, m] -= factor * line[m]
    P[i, :] = 0.0
    P[:, i] = 0.0


@fast_kernel
def with_row(P: Floats, i: int, line: Floats, x: Floats) -> None:
    """Put row and column i, which are zeros, back in place; ``line`` is row i of Q, ``x`` scratch space."""
    n = P.shape[0]
    pivot = line[i]
    for l in range(n):
        total = 0.0
        for m in range(n):
            total += P[l, m] * line[m]
        x[l] = total
    x[i] = 0.0
    for l in range(n):
        pivot -= line[l] * x[l] if l != i else 0.0
    inverse = 1.0 / pivot
    x[i] = -1.0
    for l in range(n):
        factor = x[l] * inverse
        for m in range(n):
            P[l, m] += factor * x[m]


@fast_kernel
def times(P: Floats, b: Floats, out: Floats) -> float:
    """Matrix times vector; returns the inner product of the two vectors."""
    product = 0.0
    for l in range(P.shape[0]):
        total = 0.0
        for m in range(P.shape[1]):
            total += P[l, m] * b[m]
        out[l] = total
        product += total * b[l]
    return product


def inverse_of(matrix: Floats, ridge: float) -> Any:
    """P from scratch, shape (n, n), symmetric."""
    gram = matrix @ matrix.T
    gram[np.diag_indices(len(gram))] += ridge
    found = np.linalg.inv(gram)
    return (found + found.T) / 2
