"""Kernels of the worst case with fixed coefficients: a boolean quadratic sum over sets of s workers, largest wanted.

A set S is worth start + sum_S gain_i + sum_{i != j in S} V_ij. Below a chosen j only later workers follow, so that sums
over suffixes of the order are known beforehand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import fast_kernel, kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DONE, PAUSED = 0, 1
TIE = 1e-12  # sets whose values agree so far count as equal


@fast_kernel
def _largest(values: Floats, count: int, top: Floats) -> float:
    """Sum of the ``count`` largest of at least so many values, which may be negative."""
    top[:count] = -1e300
    smallest = 0
    for i in range(len(values)):
        if values[i] > top[smallest]:
            top[smallest] = values[i]
            for t in range(count):
                if top[t] < top[smallest]:
                    smallest = t
    return float(top[:count].sum())


@fast_kernel
def added(
    gain: Floats,
    first: int,
    m: int,
    ahead: Floats,
    mass: float,
    rows: Floats,
    spread: float,
    values: Floats,
    top: Floats,
) -> float:
    """Bound on what m of the workers from ``first`` on add.

    1_S = (m / c) 1 + v among c workers, |v|^2 = m (1 - m / c), v^T V v <= ``spread`` |v|^2, ``ahead`` = V 1 and
    ``mass`` = 1^T V 1 on them; or, row by row, V_i S is at most the sum ``rows`` of its m - 1 largest entries.
    """
    c = len(gain) - first
    share = m / c
    for i in range(c):
        values[i] = gain[first + i] + 2.0 * share * ahead[first + i]
    spectral = _largest(values[:c], m, top) - share * share * mass + spread * m * (1.0 - share)
    for i in range(c):
        values[i] = gain[first + i] + rows[first + i]
    return min(spectral, _largest(values[:c], m, top))


@fast_kernel
def _best_partner(gain: Floats, row: Floats, first: int) -> float:
    most = -1e300
    for i in range(first, len(gain)):
        most = max(most, gain[i] + 2.0 * row[i])
    return most


@kernel
def search_fixed(
    gain: Floats,
    V: Floats,
    ahead: Floats,
    mass: Floats,
    rows: Floats,
    spread: float,
    reached: Floats,
    position: Ints,
    chosen: Ints,
    where: Ints,
    best: Floats,
    best_set: Ints,
    work: Floats,
    margin: float,
    limit: int,
) -> int:
    """Largest value over all sets of s >= 2 workers, depth first, subtrees pruned by `added`.

    ``gain`` (s - 1, c) and ``reached`` by depth; ``ahead`` (c + 1, c) and ``mass`` (c + 1,) by the first worker that
    may still follow; ``rows`` (s + 1, c) by how many follow. ``where`` holds the depth and the number of sets
    evaluated. It stands still after about ``limit`` operations and goes on where it was when it is called again.
    """
    last, c = gain.shape[0] - 1, gain.shape[1]
    values, top = work[:c], work[c:]
    depth, spent = where[0], 0
    while depth >= 0:
        where[0] = depth
        if spent > limit:
            return PAUSED
        j, m = position[depth], last + 1 - depth  # m more after j
        if j + m >= c:
            depth -= 1
            continue
        position[depth] = j + 1
        chosen[depth] = j
        value = reached[depth] + gain[depth, j]
        if depth == last:
            most = value + _best_partner(gain[depth], V[j], j + 1)
            if most > best[0] + TIE * abs(best[0]) + margin:
                best[0] = most
                best_set[: depth + 1] = chosen[: depth + 1]
                best_set[depth + 1] = j + 1 + np.argmax(gain[depth, j + 1 :] + 2.0 * V[j, j + 1 :])
            where[1] += c - j - 1
            spent += c - j
            continue
        for i in range(j + 1, c):
            gain[depth + 1, i] = gain[depth, i] + 2.0 * V[j, i]
        spent += 4 * (c - j)
        more = added(gain[depth + 1], j + 1, m, ahead[j + 1], mass[j + 1], rows[m], spread, values, top)
        if value + more <= best[0] + TIE * abs(best[0]) + margin:
            continue
        depth += 1
        reached[depth] = value
        position[depth] = j + 1
    where[0] = -1
    return DONE
