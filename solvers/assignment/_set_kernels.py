"""Kernels that look at sets of stragglers: all of one size, known bad ones, or a sample. See `_inverse_kernels`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..jit import fast_kernel, kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TIE = 1e-12


@fast_kernel
def _above(row: Floats, diagonal: Floats, a: Floats, j: int, threshold: float) -> int:
    """How many i > j add more than ``threshold`` once j is dropped."""
    inverse = 1.0 / diagonal[j]
    x = a[j] * inverse
    count = 0
    for i in range(j + 1, len(a)):
        z = a[i] - row[i] * x
        d = diagonal[i] - row[i] * row[i] * inverse
        count += z * z > threshold * d
    return count


@fast_kernel
def _added(row: Floats, diagonal: Floats, a: Floats, j: int) -> float:
    """What the i > j add in all, each on its own, once j is dropped."""
    inverse = 1.0 / diagonal[j]
    x = a[j] * inverse
    total = 0.0
    for i in range(j + 1, len(a)):
        z = a[i] - row[i] * x
        total += z * z / (diagonal[i] - row[i] * row[i] * inverse)
    return total


@kernel
def _largest(row: Floats, diagonal: Floats, a: Floats, j: int, reached: float, best: float, chosen: Ints) -> float:
    """The largest value among the sets that end with j and some i > j, if above ``best``; ``chosen`` ends with it."""
    inverse = 1.0 / diagonal[j]
    x = a[j] * inverse
    for i in range(j + 1, len(a)):
        z = a[i] - row[i] * x
        value = reached + z * z / (diagonal[i] - row[i] * row[i] * inverse)
        if value > best:
            best = value
            chosen[-1] = i
    return best


@fast_kernel
def _drop(P: Floats, a: Floats, j: int, out: Floats, rest: Floats) -> float:
    """Without j, for the workers after it (upper triangle). Returns what that adds."""
    inverse = 1.0 / P[j, j]
    x = a[j] * inverse
    for i in range(j + 1, P.shape[0]):
        factor = P[j, i] * inverse
        rest[i] = a[i] - P[j, i] * x
        for l in range(i, P.shape[0]):
            out[i, l] = P[i, l] - factor * P[j, l]
    added: float = a[j] * x
    return added


@kernel
def _pairs(
    P: Floats, a: Floats, first: int, end: int, reached: float, best: float, sums: bool, chosen: Ints, worst: Ints
) -> tuple[float, float]:
    """All pairs whose first is in ``first:end``: the largest value, if above ``best``, and the sum where wanted."""
    n = P.shape[0]
    diagonal = np.empty(n)
    for i in range(first, n):
        diagonal[i] = P[i, i]
    total = 0.0
    for j in range(first, min(end, n - 1)):
        value = reached + a[j] * a[j] / diagonal[j]
        if sums:
            total += (n - 1 - j) * value + _added(P[j], diagonal, a, j)
        if _above(P[j], diagonal, a, j, best + TIE * abs(best) - value):
            chosen[-2] = j
            larger = _largest(P[j], diagonal, a, j, value, best, chosen)
            if larger > best:
                best = larger
                worst[:] = chosen
    return best, total


@kernel
def all_sets(
    P: Floats,
    a: Floats,
    base: float,
    s: int,
    roots: int,
    best: float,
    limit: float,
    sums: bool,
    most: float,
    stack: Floats,
    worst: Ints,
) -> tuple[float, float]:
    """Look at every set of s stragglers whose first one is among the first ``roots`` workers.

    Returns the largest value, or ``best`` where none is larger, and the sum of all values where ``sums``; stops at the
    first value above ``limit`` and when the sum is above ``most``. ``worst`` (s,) becomes the set of the largest value,
    ``stack`` (s, n + 1, n) is scratch.
    """
    n = P.shape[0]
    if s == 0:
        return max(best, base), base
    if s == 1:
        total = 0.0
        for i in range(roots):
            value = base + a[i] * a[i] / P[i, i]
            total += value
            if value > best:
                best = value
                worst[0] = i
        return best, total
    chosen, position, reached = np.empty(s, dtype=np.int64), np.zeros(s, dtype=np.int64), np.empty(s)
    stack[0, :n], stack[0, n], reached[0] = P, a, base
    depth, total = 0, 0.0
    while depth >= 0:
        j, end = position[depth], roots if depth == 0 else n
        if depth == s - 2:
            P, a = stack[depth, :n], stack[depth, n]
            best, some = _pairs(P, a, j, end, reached[depth], best, sums, chosen, worst)
            total += some
            if best > limit or total > most:
                return best, total
            depth -= 1
        elif j >= end or j + s - depth > n:
            depth -= 1
        else:
            position[depth] = j + 1
            chosen[depth] = j
            below = stack[depth + 1]
            reached[depth + 1] = reached[depth] + _drop(stack[depth, :n], stack[depth, n], j, below[:n], below[n])
            depth += 1
            position[depth] = j + 1
    return best, total


@fast_kernel
def value_of(P: Floats, a: Floats, base: float, members: Ints, work: Floats) -> float:
    """The error without one set of stragglers, which ends at the first negative number; ``work`` (s + 1, s)."""
    size: int = 0
    value: float = base
    while size < len(members) and members[size] >= 0:
        i = members[size]
        z, d = a[i], P[i, i]
        for l in range(size):
            entry = P[i, members[l]]
            for m in range(l):
                entry -= work[size, m] * work[l, m]
            entry *= work[-1, l]
            work[size, l] = entry
            z -= entry * work[l, l]
            d -= entry * entry
        root = 1.0 / np.sqrt(d)
        work[-1, size] = root
        work[size, size] = z * root
        value += z * z * root * root
        size += 1
    return value


@kernel
def mean_of(P: Floats, a: Floats, base: float, sets: Ints, weights: Floats, limit: float, work: Floats) -> float:
    """Weighted sum of the errors without each of the sets, shape (sets, s); stops as soon as it is above ``limit``."""
    total = 0.0
    for l in range(len(sets)):
        total += weights[l] * value_of(P, a, base, sets[l], work)
        if total > limit:
            break
    return total


@kernel
def worst_of(P: Floats, a: Floats, base: float, sets: Ints, limit: float, work: Floats, last: Ints) -> float:
    """The largest error without one of the sets; stops at the first above ``limit``, which is where it starts later.

    ``last`` (1,) remembers it: a set that was bad a move ago is likely to be bad again.
    """
    most = base
    for l in range(len(sets)):
        k = (last[0] + l) % len(sets)
        value = value_of(P, a, base, sets[k], work)
        if value > most:
            most = value
            if value > limit:
                last[0] = k
                return most
    return most
