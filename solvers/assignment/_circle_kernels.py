"""Kernels of the annealing over quasi-cyclic codes: few parameters, and every one changes a whole circle of entries.

A copy is a row of circles, a column of circles, a shift and a coefficient: worker t of that row holds cluster t + shift
of that column. The first workers of all rows come first, then the second ones: every set of stragglers can be turned
into one that starts with one of them, which is as bad.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..jit import kernel
from ._inverse_kernels import products, with_row
from ._walk_kernels import Place, Sizes, Wanted, objective

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_TURN, _SWAP = 0.6, 0.75


@kernel
def unroll(copies: Ints, coefficients: Floats, circle: int, matrix: Floats) -> None:
    """Write the matrix that the copies stand for."""
    matrix[:] = 0.0
    rows = len(matrix) // circle
    for l in range(len(copies)):
        row, column, shift = copies[l]
        for t in range(circle):
            matrix[t * rows + row, column * circle + (t + shift) % circle] = coefficients[l]


@kernel
def settle(place: Place, fit: Sizes, ridge: float) -> None:
    """Bring everything in a place in line with its matrix, without a library whose threads get in the way here."""
    n = len(place.gram)
    line, x = np.empty(n), np.empty(n)
    place.inverse[:] = 0.0
    for j in range(n):
        products(place.matrix[j], place.matrix, line)
        line[j] += ridge
        place.gram[j] = line
        line[j + 1 :] = 0.0  # these are not there yet
        with_row(place.inverse, j, line, x)
        place.sums[j] = np.dot(place.matrix[j], fit.target)


@kernel
def _taken(copies: Ints, l: int) -> bool:
    """Whether another copy is where copy l is."""
    same = 0
    for m in range(len(copies)):
        same += (copies[m] == copies[l]).all()
    return same > 1


@kernel
def _change(copies: Ints, coefficients: Floats, circle: int, tuned: bool, u: Floats) -> bool:
    """Make a random change; whether the result is a code."""
    l = int(u[1] * len(copies))
    if u[0] < _TURN:
        copies[l, 2] = int(u[2] * circle)
        return not _taken(copies, l)
    if u[0] < _SWAP:
        m = int(u[2] * len(copies))
        copies[l, 1], copies[m, 1] = copies[m, 1], copies[l, 1]
        return copies[l, 1] != copies[m, 1] and not _taken(copies, l) and not _taken(copies, m)
    coefficients[l] *= np.exp(u[2] - 0.5) if u[3] < 0.9 else -1.0
    return tuned


@kernel
def walk_circles(
    place: Place,
    fit: Sizes,
    wanted: Wanted,
    copies: Ints,
    coefficients: Floats,
    circle: int,
    tuned: bool,
    value: float,
    best: float,
    best_copies: Ints,
    best_coefficients: Floats,
    ridge: float,
    uniforms: Floats,
    temperatures: Floats,
) -> tuple[float, float]:
    """Make a move for every row of ``uniforms``, as `walk` does. Returns the value at the end and the best one."""
    for t in range(len(uniforms)):
        before, weights = copies.copy(), coefficients.copy()
        if _change(copies, coefficients, circle, tuned, uniforms[t]):
            unroll(copies, coefficients, circle, place.matrix)
            settle(place, fit, ridge)
            limit = value - temperatures[t] * np.log(1.0 - uniforms[t, -1])
            reached = objective(place, fit, wanted, limit)
            if reached <= limit:
                value = reached
                if value < best:
                    best = value
                    best_copies[:], best_coefficients[:] = copies, coefficients
                continue
        copies[:], coefficients[:] = before, weights
    unroll(copies, coefficients, circle, place.matrix)
    return value, best
