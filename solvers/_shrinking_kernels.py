"""Kernels of a search that drops workers who cannot be among the worst any more. Notation as in `_adversary_kernels`.

Losing S adds a_S^H (P_SS)^-1 a_S, P positive definite. Scaled to diagonal 1, P_SS is at least the diagonal of 1 - r_i,
r_i the largest sum of |P_ij| of |S| - 1 others (Gershgorin), so S adds at most the sum of f_i = |a_i|^2 / P_ii /
(1 - r_i), infinite where r_i >= 1. A worker that even with the largest others stays below what is needed is dropped
from the whole subtree, which makes the r_i of the others smaller. Where Q is well conditioned that leaves few sets.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._adversary_kernels import DONE, PAUSED, SINGULAR, TIE, _scan_pairs, drop_line, largest_sum
from .jit import fast_kernel, kernel

Array = NDArray[Any]  # float64 or complex128
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HUGE = 1e300  # stands for an infinite bound, which sums may contain
REPEAT = 0.8  # dropping more than the rest of this share is worth a second look at what is left


@fast_kernel
def _shares(P: Array, a: Array, m: int, scale: Floats, top: Floats, f: Floats) -> None:
    """The bounds f of m more stragglers."""
    c = P.shape[0]
    for i in range(c):
        scale[i] = 1.0 / np.sqrt(P[i, i].real)
    for i in range(c):
        top[: m - 1] = 0.0
        smallest, least = 0, 0.0
        for j in range(c):
            x = abs(P[i, j]) * scale[j]
            if x > least and i != j:
                top[smallest] = x
                for t in range(m - 1):
                    if top[t] < top[smallest]:
                        smallest = t
                least = top[smallest]
        left = 1.0
        for t in range(m - 1):
            left -= top[t] * scale[i]
        square = 0.0
        for u in range(a.shape[0]):
            square += (a[u, i] * np.conj(a[u, i])).real
        f[i] = square * scale[i] * scale[i] / left if left > 1e-6 else HUGE


@kernel
def _gather(P: Array, a: Array, ids: Ints, f: Floats, order: Ints, count: int, spare: Array) -> None:
    """Keep the first ``count`` of ``order``, in that order."""
    for i in range(count):
        for j in range(count):
            spare[i, j] = P[order[i], order[j]]
    P[:count, :count] = spare[:count, :count]
    for u in range(a.shape[0]):
        for i in range(count):
            spare[0, i] = a[u, order[i]]
        a[u, :count] = spare[0, :count]
    kept, shares = ids[order[:count]].copy(), f[order[:count]].copy()
    ids[:count], f[:count] = kept, shares


@kernel
def sift(P: Array, a: Array, ids: Ints, f: Floats, c: int, m: int, need: float, spare: Array, work: Floats) -> int:
    """Drop the workers that are in no set of m that may add more than ``need``; sort the others by f, largest first.

    Returns how many are left, 0 if there is no such set.
    """
    scale, top = work[: len(ids)], work[len(ids) :]
    while c >= m:
        _shares(P[:c, :c], a[:, :c], m, scale, top, f)
        most = largest_sum(f, 0, c, m, top)
        if most <= need:
            return 0
        others = largest_sum(f, 0, c, m - 1, top)
        order = np.argsort(-f[:c], kind="mergesort")
        left = min(m, c)
        while left < c and f[order[left]] + others > need:
            left += 1
        _gather(P, a, ids, f, order, left, spare)
        if left >= REPEAT * c:
            return left
        c = left
    return 0


@fast_kernel
def _remainder(P: Array, j: int, out: Array, half: bool) -> None:
    """Schur complement of entry (j, j) for the rows after j, or its upper ``half``, moved to the corner."""
    inverse = 1.0 / P[j, j].real
    row = P[j, j + 1 :]
    for i in range(len(row)):
        factor = np.conj(row[i]) * inverse
        line, target = P[i + j + 1, j + 1 :], out[i]
        for l in range(i if half else 0, len(row)):
            target[l] = line[l] - factor * row[l]


@fast_kernel
def keeping(a: Array, ids: Ints, m: int, rho: Floats, top_eigenvalue: float, work: Floats) -> float:
    """The bound of `_adversary_kernels.rise_bound`, for the workers ``ids`` only."""
    c = len(ids)
    values, top = work[:c], work[c:]
    for i in range(c):
        square = 0.0
        for u in range(a.shape[0]):
            square += (a[u, i] * np.conj(a[u, i])).real
        values[i] = square
    spectral = top_eigenvalue * largest_sum(values, 0, c, m, top)
    for i in range(c):
        values[i] *= rho[m, ids[i]]
    return min(spectral, largest_sum(values, 0, c, m, top))


@kernel
def _pairs(
    P: Array, a: Array, ids: Ints, value: float, depth: int, chosen: Ints, best: Floats, sets: Ints, work: Floats,
    margin: float,
) -> int:  # fmt: skip
    """Every pair of ``ids`` as the last two stragglers; returns their number, -1 if a pivot is not positive."""
    before, c = best[0], len(ids)
    found = _scan_pairs(P, a, value, 0, c, chosen, depth, best, sets, work, 0.0, margin)
    if best[0] > before:
        for t in range(depth, depth + 2):
            sets[0, t] = ids[sets[0, t]]
    return found


@kernel
def search_shrinking(
    P: Array,
    vectors: Array,
    ids: Ints,
    f: Floats,
    count: Ints,
    reached: Floats,
    position: Ints,
    chosen: Ints,
    where: Ints,
    rho: Floats,
    top_eigenvalue: float,
    best: Floats,
    sets: Ints,
    spare: Array,
    work: Floats,
    margin: float,
    limit: int,
) -> int:
    """Largest a_S^H (P_SS)^-1 a_S over the sets of s >= 2 workers, P positive definite, depth first.

    By depth: ``P`` (s - 1, c, c), ``vectors`` (s - 1, m, c), the workers ``ids`` that may still be lost, their bounds
    ``f`` and their ``count``, the value ``reached`` and the next ``position``, -1 where the node was not looked at yet.
    ``where``, ``best``, ``sets``, ``margin`` and ``limit`` as in `search_definite`; ``best[1]`` must be negative.
    """
    last = P.shape[0] - 1
    depth, spent = where[0], 0
    while depth >= 0:
        where[0] = depth
        if spent > limit:
            return PAUSED
        c, m = count[depth], last + 2 - depth
        need = best[0] + TIE * abs(best[0]) + margin - reached[depth]
        if depth == last:
            matrix, a = P[depth, :c, :c], vectors[depth, :, :c]
            pairs = _pairs(matrix, a, ids[depth, :c], reached[depth], depth, chosen, best, sets, work, margin)
            if pairs < 0:
                return SINGULAR
            where[1] += pairs
            spent += pairs + c
            depth -= 1
            continue
        if position[depth] < 0:
            position[depth] = 0
            if keeping(vectors[depth, :, :c], ids[depth, :c], m, rho, top_eigenvalue, work) <= need:
                c = 0
            elif c >= m:
                spent += 4 * c * c
                c = sift(P[depth], vectors[depth], ids[depth], f[depth], c, m, need, spare, work)
            count[depth] = c
        j = position[depth]
        if j + m > c or f[depth, j : j + m].sum() <= need:  # the largest f come first
            depth -= 1
            continue
        position[depth] = j + 1
        chosen[depth] = ids[depth, j]
        here = P[depth, :c, :c]
        if here[j, j].real <= 0.0:
            return SINGULAR
        after = vectors[depth + 1]
        square = drop_line(vectors[depth, :, :c], j, here[j], after)
        rest = c - j - 1
        for u in range(after.shape[0]):
            for i in range(rest):
                after[u, i] = after[u, i + j + 1]
        _remainder(here, j, P[depth + 1], depth + 1 == last)
        ids[depth + 1, :rest] = ids[depth, j + 1 : c]
        spent += rest * rest
        reached[depth + 1] = reached[depth] + square
        count[depth + 1] = rest
        depth += 1
        position[depth] = -1
    where[0] = -1
    return DONE
