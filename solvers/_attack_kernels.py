"""Kernels of the standard attack: swaps of stragglers on the error of ridge decoding, and the loss of whole partitions.

Notation: Q = C^H C, C = B^T with rows of B of length 1, g = C^H T^T, A = Q + eps I. For live workers F and lost ones S

    err_eps(S) = min_r ||C_F r - T^T||^2 + eps ||r||^2 = ||T||^2 - g_F^H (A_FF)^-1 g_F  >=  err(S).

The *tableau* W is A with the live workers swept (Dempster 1969): -(A_FF)^-1 on F, the Schur complement on S, and
(A_FF)^-1 A_FS between them; h, shape (m, n), is (A_FF)^-1 g_F on F and g_S - A_SF (A_FF)^-1 g_F on S. Losing one
worker, hearing one again and any swap of two then cost a handful of operations to judge and O(n^2) to do. W is
Hermitian; its diagonal is negative exactly where a worker is live.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .jit import fast_kernel, kernel

Array = NDArray[Any]  # float64 or complex128
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_GAIN = 1e-7  # share of the error by which a swap must raise it
SPARE = 1e-3  # what a straggler that is not needed is worth, in partitions


@fast_kernel
def sweep(W: Array, h: Array, k: int, row: Array) -> float:
    """Lose worker k, or hear it again; returns by how much the ridge error rises. ``row`` is scratch space, (n,)."""
    n = W.shape[0]
    pivot = W[k, k].real
    square = 0.0
    for u in range(h.shape[0]):
        square += (h[u, k] * np.conj(h[u, k])).real
    row[:] = W[k]
    for j in range(n):
        if j != k:
            f = np.conj(row[j]) / pivot
            for i in range(n):
                W[j, i] -= f * row[i]
            for u in range(h.shape[0]):
                h[u, j] -= f * h[u, k]
    size = abs(pivot)
    for i in range(n):
        W[k, i] = row[i] / size
        W[i, k] = np.conj(row[i]) / size
    W[k, k] = -1.0 / pivot
    for u in range(h.shape[0]):
        h[u, k] /= size
    return float(-square / pivot)


@kernel
def place(all_live: Array, decoding: Array, error: float, members: Ints, W: Array, h: Array, row: Array) -> float:
    """Lose ``members``, starting from the tableau of all live workers; returns the ridge error."""
    W[:] = all_live
    h[:] = decoding
    for j in members:
        error += sweep(W, h, j, row)
    return error


@fast_kernel
def judge(W: Array, h: Array, error: float, work: Floats) -> None:
    """Row 0 of ``work``: ridge error once live worker i is lost as well, row 1: 1 / W_ii; -inf and 0 for the others."""
    for i in range(W.shape[0]):
        pivot, square = W[i, i].real, 0.0
        for u in range(h.shape[0]):
            square += (h[u, i] * np.conj(h[u, i])).real
        work[0, i], work[1, i] = -np.inf, 0.0
        if pivot < 0.0:
            work[0, i], work[1, i] = error - square / pivot, 1.0 / pivot


@kernel
def fill(W: Array, h: Array, error: float, count: int, work: Floats, row: Array) -> float:
    """Lose ``count`` more workers, one after the other that whose loss hurts most; returns the ridge error."""
    for _ in range(count):
        judge(W, h, error, work)
        error += sweep(W, h, int(np.argmax(work[0])), row)
    return error


@kernel
def hear(W: Array, h: Array, error: float, count: int, row: Array) -> float:
    """Hear ``count`` lost workers again, one after the other that who helps least; returns the ridge error."""
    for _ in range(count):
        least, back = np.inf, -1
        for j in range(W.shape[0]):
            if W[j, j].real > 0.0:
                square = 0.0
                for u in range(h.shape[0]):
                    square += (h[u, j] * np.conj(h[u, j])).real
                if square / W[j, j].real < least:
                    least, back = square / W[j, j].real, j
        error += sweep(W, h, back, row)
    return error


@fast_kernel
def swaps_with(W: Array, h: Array, j: int, work: Floats, values: Floats) -> None:
    """Ridge error when j is heard again and live worker i lost instead, for every i; ``work`` is that of `judge`."""
    n, lost, inverse = W.shape[0], work[0], work[1]
    own = W[j, j].real
    values[:] = 0.0
    for u in range(h.shape[0]):
        for i in range(n):
            z = h[u, j] - W[j, i] * h[u, i] * inverse[i]
            values[i] += (z * np.conj(z)).real
    for i in range(n):
        x = W[j, i]
        values[i] = lost[i] - values[i] / (own - (x * np.conj(x)).real * inverse[i])


@kernel
def swap_values(W: Array, h: Array, error: float, work: Floats) -> Floats:
    """Ridge error after every swap, shape (n, n): row j is heard again, column i lost instead; -inf for no swap."""
    n = W.shape[0]
    values = np.full((n, n), -np.inf)
    judge(W, h, error, work)
    for j in range(n):
        if W[j, j].real > 0.0:
            swaps_with(W, h, j, work, values[j])
    return values


@kernel
def climb(W: Array, h: Array, error: float, steps: int, work: Floats, row: Array) -> tuple[float, int]:
    """Make the best swap until none raises the ridge error; returns it, and the number of swaps."""
    n = W.shape[0]
    for step in range(steps):
        judge(W, h, error, work)
        best, out, back = error * (1.0 + LEAST_GAIN), -1, -1
        for j in range(n):
            if W[j, j].real > 0.0:
                swaps_with(W, h, j, work, work[2])
                i = int(np.argmax(work[2]))
                if work[2, i] > best:
                    best, out, back = work[2, i], i, j
        if out < 0:
            return error, step
        error += sweep(W, h, out, row)
        error += sweep(W, h, back, row)
    return error, steps


@kernel
def anneal(
    W: Array,
    h: Array,
    error: float,
    heat: float,
    factor: float,
    proposals: int,
    moves: int,
    rng: np.random.Generator,
    row: Array,
) -> tuple[float, int, int]:
    """Random swaps, accepted by Metropolis' rule at a temperature that every proposal multiplies by ``factor``.

    It ends after so many ``proposals`` or ``moves``. Returns the ridge error and how many of either there were.
    """
    n, blocks = W.shape[0], h.shape[0]
    dead, live = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    s = 0
    for i in range(n):
        if W[i, i].real > 0.0:
            dead[s] = i
            s += 1
        else:
            live[i - s] = i
    made = 0
    for proposal in range(proposals):
        heat *= factor
        a, b = int(rng.random() * s), int(rng.random() * (n - s))
        bar = error + heat * np.log(rng.random())
        i, j = live[b], dead[a]
        x, pivot = W[j, i], W[i, i].real
        reached, square = error, 0.0
        for u in range(blocks):
            y = h[u, i] / pivot
            z = h[u, j] - x * y
            reached -= (y * np.conj(y)).real * pivot
            square += (z * np.conj(z)).real
        reached -= square / (W[j, j].real - (x * np.conj(x)).real / pivot)
        if reached > bar:
            error += sweep(W, h, i, row)
            error += sweep(W, h, j, row)
            live[b], dead[a] = j, i
            made += 1
            if made == moves:
                return error, proposal + 1, made
    return error, proposals, made


@kernel
def erase(
    starts: Ints, first: Ints, holders: Ints, weight: Floats, budget: int, luck: Floats, lost: NDArray[np.bool_]
) -> Floats:
    """Lose whole clusters: those of a row of ``starts`` (-1: none), then always the one of most weight per straggler.

    Cluster v is held by ``holders[first[v]:first[v + 1]]``; the weight of v counts ``luck[r, v]`` times in row r. Row r
    of ``lost`` becomes the workers, at most ``budget``. Returns the weights lost, and a trifle per straggler to spare.
    """
    clusters, scores = len(weight), np.zeros(len(starts))
    for r in range(len(starts)):
        gone = np.zeros(clusters, dtype=np.bool_)
        left, step, best = budget, 0, 0
        while best >= 0 or step < starts.shape[1]:
            begin, end = 0, clusters
            if step < starts.shape[1]:
                begin = max(starts[r, step], 0)
                end = starts[r, step] + 1
            step += 1
            best, need, most = -1, 0, 0.0
            for v in range(begin, end):
                if not gone[v]:
                    extra = 0
                    for e in range(first[v], first[v + 1]):
                        extra += not lost[r, holders[e]]
                    ratio = weight[v] * luck[r, v] / max(extra, SPARE)
                    if extra <= left and ratio > most:
                        best, need, most = v, extra, ratio
            if best >= 0:
                gone[best] = True
                left -= need
                scores[r] += weight[best]
                for e in range(first[best], first[best + 1]):
                    lost[r, holders[e]] = True
        scores[r] += SPARE * left
    return scores
