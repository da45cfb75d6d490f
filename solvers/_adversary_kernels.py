"""Kernels of the worst case. Notation, with C = B^T (rows of B of length 1) and T the target, see `_worst_setup`.

K projects on the null space of C, P = (C^H C)^+, a is the shortest least-squares solution. Dropping worker j leaves
a problem of the same kind, so every kernel only eliminates workers one after the other:

- K_jj > 0 ("free": what j sent the others can still make up): no error, and |a_j|^2 / K_jj more ||a||^2;
- K_jj = 0: |a_j|^2 / P_jj more error.

Arrays are stacked by depth, (depth, n, n) for matrices and (depth, m, n) for a; a search stands still after about
``limit`` operations and goes on where it was when it is called again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .jit import fast_kernel, kernel

Array = NDArray[Any]  # float64 or complex128
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DONE, PAUSED, SINGULAR = 0, 1, 2
TIE = 1e-12  # sets whose values agree so far count as equal
ROUNDING = 1e-14  # of the null projector; a pivot p makes it ROUNDING / p in what is left


@fast_kernel
def largest_sum(values: Floats, first: int, last: int, count: int, top: Floats) -> float:
    """Sum of the ``count`` largest of ``values[first:last]``; ``top`` is scratch space."""
    top[:count] = 0.0
    smallest = 0
    for i in range(first, last):
        if values[i] > top[smallest]:
            top[smallest] = values[i]
            for t in range(count):
                if top[t] < top[smallest]:
                    smallest = t
    total = 0.0
    for t in range(count):
        total += top[t]
    return total


@fast_kernel
def rise_bound(a: Array, first: int, last: int, count: int, rho: Floats, top_eigenvalue: float, work: Floats) -> float:
    """Bound on the error that ``count`` more stragglers among ``first:last`` can add.

    Keep the present decoding of the others: losing S adds a_S^H Q_SS a_S, Q = C^H C, and the best decoding adds no
    more. Q_SS is at most the diagonal of its absolute row sums (rho: 1 plus the largest count - 1 others) and at most
    its largest eigenvalue.
    """
    n = a.shape[1]
    values, top = work[:n], work[n:]
    for i in range(first, last):
        square = 0.0
        for u in range(a.shape[0]):
            square += (a[u, i] * np.conj(a[u, i])).real
        values[i] = square
    spectral = top_eigenvalue * largest_sum(values, first, last, count, top)
    for i in range(first, last):
        values[i] *= rho[count, i]
    return min(spectral, largest_sum(values, first, last, count, top))


@fast_kernel
def _hits(row: Array, diagonal: Floats, a: Array, j: int, last: int, threshold: float, low: float) -> int:
    """How many i > j have a value above ``threshold`` or a pivot below ``low`` once j is dropped."""
    pivot = diagonal[j]
    inverse = 1.0 / pivot
    hits = 0
    if a.shape[0] == 1:
        line = a[0]
        x = line[j] * inverse
        for i in range(j + 1, last):
            c = row[i]
            z = line[i] - np.conj(c) * x
            d = diagonal[i] - (c * np.conj(c)).real * inverse
            hits += ((z * np.conj(z)).real > threshold * d) | (d < low)
        return hits
    for i in range(j + 1, last):
        c = np.conj(row[i]) * inverse
        square = 0.0
        for u in range(a.shape[0]):
            z = a[u, i] - c * a[u, j]
            square += (z * np.conj(z)).real
        d = diagonal[i] - (c * np.conj(c)).real * pivot
        hits += (square > threshold * d) | (d < low)
    return hits


@kernel
def _record(chosen: Ints, count: int, best_set: Ints) -> None:
    best_set[:] = -1
    for t in range(count):
        best_set[t] = chosen[t]


@kernel
def _look(
    matrix: Array, a: Array, j: int, value: float, chosen: Ints, depth: int, best: Floats, sets: Ints, margin: float
) -> None:
    """Go through the last level below j once more, slowly, and keep what is better."""
    pivot = matrix[j, j].real
    chosen[depth] = j
    for i in range(j + 1, matrix.shape[0]):
        c = np.conj(matrix[j, i]) / pivot
        square = 0.0
        for u in range(a.shape[0]):
            z = a[u, i] - c * a[u, j]
            square += (z * np.conj(z)).real
        d = matrix[i, i].real - (c * np.conj(c)).real * pivot
        chosen[depth + 1] = i
        if d < best[1]:
            best[1] = d
            _record(chosen, depth + 2, sets[1])
        if d > 0.0 and value + square / d > best[0] + TIE * abs(best[0]) + margin:
            best[0] = value + square / d
            _record(chosen, depth + 2, sets[0])


@kernel
def _scan_pairs(
    matrix: Array,
    a: Array,
    value: float,
    first: int,
    last: int,
    chosen: Ints,
    depth: int,
    best: Floats,
    sets: Ints,
    diagonal: Floats,
    tol: float,
    margin: float,
) -> int:
    """Every pair first <= j < i (j < last) as the last two stragglers; returns the number of pairs, -1 if singular."""
    n = matrix.shape[0]
    count = 0
    for i in range(first, n):
        diagonal[i] = matrix[i, i].real
    for j in range(first, min(last, n - 1)):
        if diagonal[j] < best[1]:
            best[1] = diagonal[j]
            chosen[depth] = j
            _record(chosen, depth + 1, sets[1])
        if diagonal[j] <= tol:
            return -1
        square = 0.0
        for u in range(a.shape[0]):
            square += (a[u, j] * np.conj(a[u, j])).real
        reached = value + square / diagonal[j]
        threshold = best[0] + TIE * abs(best[0]) + margin - reached
        if _hits(matrix[j], diagonal, a, j, n, threshold, best[1]) > 0:
            _look(matrix, a, j, reached, chosen, depth, best, sets, margin)
            if best[1] <= tol:
                return -1
        count += n - 1 - j
    return count


@fast_kernel
def drop_line(a: Array, j: int, line: Array, out: Array) -> float:
    """Solution without worker j for the workers after it; ``line`` is row j of M. Returns |a_j|^2 / M_jj."""
    pivot = line[j].real
    square = 0.0
    for u in range(a.shape[0]):
        x = a[u, j] / pivot
        square += (x * np.conj(x)).real * pivot
        for i in range(j + 1, a.shape[1]):
            out[u, i] = a[u, i] - np.conj(line[i]) * x
    return square


@fast_kernel
def _inner(rows: Array, j: int, out: Array) -> None:
    """Inner products of column j of ``rows`` with the columns from j on."""
    out[j:] = 0.0
    for u in range(rows.shape[0]):
        x = np.conj(rows[u, j])
        for i in range(j, rows.shape[1]):
            out[i] += x * rows[u, i]


@fast_kernel
def _project(rows: Array, j: int, line: Array, out: Array) -> None:
    """Columns after j without their part along column j."""
    inverse = 1.0 / line[j].real
    for u in range(rows.shape[0]):
        x = rows[u, j] * inverse
        for i in range(j + 1, rows.shape[1]):
            out[u, i] = rows[u, i] - line[i] * x


@kernel
def _gram(rows: Array, first: int, out: Array) -> None:
    for j in range(first, rows.shape[1]):
        _inner(rows, j, out[j])


@kernel
def search_definite(
    matrix: Array,
    rows: Array,
    vectors: Array,
    reached: Floats,
    position: Ints,
    chosen: Ints,
    where: Ints,
    roots: int,
    best: Floats,
    sets: Ints,
    work: Floats,
    tol: float,
    margin: float,
    limit: int,
) -> int:
    """Largest a_S^H (K_SS)^-1 a_S over the sets of s >= 2 workers, K = rows^H rows positive definite on all of them.

    Depth first. Down to depth s - 2 ``rows`` (depth, r, n) are carried by modified Gram-Schmidt, which sees pivots down
    to rounding; the last two levels cost a handful of operations per set, with ``matrix`` (n, n) as scratch space.
    ``where`` holds the depth and the number of sets evaluated, ``best`` the largest value and the smallest pivot,
    ``sets`` where they were found. Returns DONE, PAUSED or SINGULAR (a pivot of at most ``tol``).
    """
    n, blocks = vectors.shape[2], vectors.shape[1]
    last_depth = vectors.shape[0] - 1
    line = np.empty(n, dtype=vectors.dtype)
    depth, spent = where[0], 0
    while depth >= 0:
        where[0] = depth
        if spent > limit:
            return PAUSED
        end = roots if depth == 0 else n
        j = position[depth]
        if depth == last_depth:
            _gram(rows[depth], j, matrix)
            a = vectors[depth]
            pairs = _scan_pairs(matrix, a, reached[depth], j, end, chosen, depth, best, sets, work, tol, margin)
            if pairs < 0:
                return SINGULAR
            where[1] += pairs
            spent += pairs * (1 + rows.shape[1]) + n
            depth -= 1
            continue
        if j >= end or j + last_depth + 1 - depth >= n:
            depth -= 1
            continue
        position[depth] = j + 1
        _inner(rows[depth], j, line)
        pivot = line[j].real
        chosen[depth] = j
        if pivot < best[1]:
            best[1] = pivot
            _record(chosen, depth + 1, sets[1])
        if pivot <= tol:
            return SINGULAR
        square = drop_line(vectors[depth], j, line, vectors[depth + 1])
        _project(rows[depth], j, line, rows[depth + 1])
        spent += 2 * n * (blocks + rows.shape[1])
        reached[depth + 1] = reached[depth] + square
        depth += 1
        position[depth] = j + 1
    where[0] = -1
    return DONE


@fast_kernel
def drop_vector(K: Array, P: Array, a: Array, j: int, tol: float, first: int, out: Array) -> None:
    """Least-squares solution without worker j, for the rows from ``first`` on."""
    free = K[j, j].real > tol
    pivot = K[j, j].real if free else P[j, j].real
    row = K[j] if free else P[j]
    for u in range(a.shape[0]):
        x = a[u, j] / pivot
        for i in range(first, a.shape[1]):
            out[u, i] = a[u, i] - np.conj(row[i]) * x
        out[u, j] = 0.0


@fast_kernel
def drop_matrices(K: Array, P: Array, j: int, tol: float, first: int, K_out: Array, P_out: Array) -> None:
    """Null projector and pseudo-inverse without worker j, for the rows and columns from ``first`` on."""
    n = K.shape[0]
    kappa, pi = K[j, j].real, P[j, j].real
    for i in range(first, n):
        if kappa > tol:
            f = K[i, j] / kappa
            g = (P[i, j] - f * pi) / kappa
            for l in range(first, n):
                K_out[i, l] = K[i, l] - f * K[j, l]
                P_out[i, l] = P[i, l] - f * P[j, l] - g * K[j, l]
        else:
            f = P[i, j] / pi
            for l in range(first, n):
                K_out[i, l] = K[i, l]
                P_out[i, l] = P[i, l] - f * P[j, l]


@fast_kernel
def value_without(K: Array, P: Array, a: Array, value: float, i: int, tol: float, noise: bool) -> float:
    """Error (or ||a||^2 when ``noise``) once worker i is dropped as well."""
    square = 0.0
    for u in range(a.shape[0]):
        square += (a[u, i] * np.conj(a[u, i])).real
    if K[i, i].real > tol:
        return value + float(square / K[i, i].real) if noise else value
    pivot = P[i, i].real
    if not noise:
        return value + float(square / pivot)
    total = 0.0
    for u in range(a.shape[0]):
        x = a[u, i] / pivot
        for l in range(a.shape[1]):
            if l != i:
                z = a[u, l] - np.conj(P[i, l]) * x
                total += (z * np.conj(z)).real
    return total


@kernel
def search_general(
    K: Array,
    P: Array,
    vectors: Array,
    reached: Floats,
    used: Ints,
    position: Ints,
    chosen: Ints,
    where: Ints,
    roots: int,
    weight: Ints,
    budget: int,
    rho: Floats,
    top_eigenvalue: float,
    best: Floats,
    sets: Ints,
    work: Floats,
    rounding: Floats,
    tol: float,
    margin: float,
    noise: bool,
    limit: int,
) -> int:
    """Largest error or ||a||^2 over the sets of weight at most ``budget``, for any rank and any weights.

    Same bookkeeping as `search_definite`; nothing is pruned when ``noise``. A pivot counts as zero up to ``tol`` and up
    to ``rounding``, its likely error by depth; ``where[2]`` counts the decisions that this leaves in doubt.
    """
    n = K.shape[1]
    lightest = weight.min()
    depth = where[0]
    spent = 0
    while depth >= 0:
        where[0] = depth
        if spent > limit:
            return PAUSED
        i = position[depth]
        if i >= (roots if depth == 0 else n):
            depth -= 1
            continue
        position[depth] = i + 1
        heavy = used[depth] + weight[i]
        if heavy > budget:
            continue
        chosen[depth] = i
        a, zero, pivot = vectors[depth], max(tol, rounding[depth]), K[depth, i, i].real
        where[2] += rounding[depth] < pivot <= max(tol, 100 * rounding[depth])
        value = value_without(K[depth], P[depth], a, reached[depth], i, zero, noise)
        where[1] += 1
        spent += n if noise else 4
        if zero < pivot < best[1]:
            best[1] = pivot
            _record(chosen, depth + 1, sets[1])
        target = best[0] + TIE * abs(best[0]) + margin
        if value > target:
            best[0] = value
            _record(chosen, depth + 1, sets[0])
        more = (budget - heavy) // lightest
        if more == 0 or i + 1 == n:
            continue
        first = 0 if noise else i + 1
        drop_vector(K[depth], P[depth], a, i, zero, first, vectors[depth + 1])
        if not noise and value + rise_bound(vectors[depth + 1], i + 1, n, more, rho, top_eigenvalue, work) <= target:
            spent += n
            continue
        drop_matrices(K[depth], P[depth], i, zero, first, K[depth + 1], P[depth + 1])
        spent += 2 * (n - first) * (n - first)
        reached[depth + 1] = value
        rounding[depth + 1] = max(rounding[depth], ROUNDING / pivot) if pivot > zero else rounding[depth]
        used[depth + 1] = heavy
        depth += 1
        position[depth] = i + 1
    where[0] = -1
    return DONE


@kernel
def drop_all(
    K: Array, P: Array, a: Array, value: float, members: Ints, tol: float, noise: bool
) -> tuple[Array, Array, Array, float, float]:
    """K, P, a, the value and what counts as a zero pivot once all ``members`` are dropped."""
    K, P, a = K.copy(), P.copy(), a.copy()
    K2, P2, a2 = K.copy(), P.copy(), a.copy()
    for j in members:
        value = value_without(K, P, a, value, j, tol, noise)
        drop_vector(K, P, a, j, tol, 0, a2)
        drop_matrices(K, P, j, tol, 0, K2, P2)
        if K[j, j].real > tol:
            tol = max(tol, ROUNDING / K[j, j].real)
        K, K2, P, P2, a, a2 = K2, K, P2, P, a2, a
    return K, P, a, value, tol


@kernel
def best_addition(
    K: Array, P: Array, a: Array, value: float, tol: float, allowed: Ints, noise: bool
) -> tuple[int, float]:
    """The worker of ``allowed`` whose loss hurts most (-1 if there is none), and the value then.

    While every loss is made up for, the one with the largest |a_i|^2 / K_ii brings the end of that nearest.
    """
    choice, most, strain = -1, value, -1.0
    for i in allowed:
        reached = value_without(K, P, a, value, i, tol, noise)
        square = 0.0
        for u in range(a.shape[0]):
            square += (a[u, i] * np.conj(a[u, i])).real
        tension = square / max(K[i, i].real, tol)
        tied = abs(reached - most) <= TIE * abs(most)
        if choice < 0 or (reached > most and not tied) or (tied and tension > strain):
            choice, most, strain = i, reached, tension
    return choice, most
