"""Compiled parts of the sample averages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..jit import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@kernel
def latest(delays: Floats, heights: Floats, times: Floats, which: Ints) -> None:
    """Write max_i delays[r, i] heights[i] of every row and the level that decides."""
    rows, k = delays.shape
    for r in range(rows):
        worst, at = -1.0, 0
        for i in range(k):
            value = delays[r, i] * heights[i]
            if value > worst:
                worst, at = value, i
        times[r] = worst
        which[r] = at


@kernel
def kth_smallest(values: Floats, size: int, k: int) -> float:
    """Return the k-th smallest of the first ``size`` values, which are reordered (Hoare 1961, Find)."""
    left, right = 0, size - 1
    while left < right:
        pivot = values[k - 1]
        i, j = left, right
        while i <= j:
            while values[i] < pivot:
                i += 1
            while pivot < values[j]:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if j < k - 1:
            left = i
        if k - 1 < i:
            right = j
    return float(values[k - 1])


@kernel
def level_time(
    sent: Floats, level: int, groups: Ints, teams: Ints, members: Ints, people: Ints, needed: Ints, buffer: Floats
) -> tuple[float, int]:
    """Return when a level is known and the worker who decides it; see `Decodability` for the arrays."""
    worst, decisive = -1.0, 0
    for group in range(groups[level], groups[level + 1]):
        first, last = teams[group], teams[group + 1]
        for team in range(first, last):
            earliest = np.inf
            for place in range(members[team], members[team + 1]):
                earliest = min(earliest, sent[people[place]])
            buffer[team - first] = earliest
        size = last - first
        value = kth_smallest(buffer, size, needed[group])
        if value > worst:
            worst = value
            for place in range(members[first], members[last]):
                if sent[people[place]] == value:
                    decisive = people[place]
    return worst, decisive


@kernel
def arriving(
    begin: Floats,
    rate: Floats,
    shares: Floats,
    sending: Floats,
    once: Floats,
    lengths: Floats,
    groups: Ints,
    teams: Ints,
    members: Ints,
    people: Ints,
    needed: Ints,
    times: Floats,
    decisive: Ints,
) -> None:
    """Write when every level of some length is known, and (level, worker, level computed last) that decide it.

    Worker j has computed level i after begin + rate * (shares so far + once[i, j]); it sends levels in order, one at a
    time.
    """
    rows, n = begin.shape
    k = lengths.size
    sent, work, buffer = np.zeros(n), np.zeros(n), np.zeros(n)
    computed = np.zeros(n, np.int64)
    for r in range(rows):
        sent[:] = 0.0
        work[:] = 0.0
        times[r] = -1.0
        for i in range(k):
            if lengths[i] <= 0.0:
                continue
            for j in range(n):
                work[j] += shares[i, j] * lengths[i]
                ready = begin[r, j] + rate[r, j] * (work[j] + once[i, j])
                if ready >= sent[j]:
                    sent[j] = ready
                    computed[j] = i
                sent[j] += sending[r, j] * lengths[i]
            known, last = level_time(sent, i, groups, teams, members, people, needed, buffer)
            if known > times[r]:
                times[r] = known
                decisive[r, 0], decisive[r, 1], decisive[r, 2] = i, last, computed[last]


@kernel
def arriving_slope(
    rate: Floats, shares: Floats, sending: Floats, decisive: Ints, weights: Floats, slope: Floats
) -> None:
    """Add weight * d(time) / d(lengths) of every row to ``slope``."""
    for r in range(len(weights)):
        level, worker, computed = decisive[r, 0], decisive[r, 1], decisive[r, 2]
        for i in range(computed + 1):
            slope[i] += weights[r] * rate[r, worker] * shares[i, worker]
        for i in range(computed, level + 1):
            slope[i] += weights[r] * sending[r, worker]
