"""Means over random stragglers by looking at all sets, component by component, where those are few."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, hypergeom

from gcopt.decoding import Component, Decoder

SETS = 60_000
"""Sets that are looked at, at most."""

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def enumerated_error(decoder: Decoder, stragglers: int, chances: Floats | None) -> float | None:
    """Return the mean error summed over the components; None where their sets are too many."""
    segment, parts = decoder.segment, decoder.components
    weights = [_lost(part, segment.workers, stragglers, chances) for part in parts]
    if sum(_sets(part, some) for part, some in zip(parts, weights, strict=True)) > SETS:
        return None
    covered = sum(part.partitions.size for part in parts)
    total = float(segment.blocks * (segment.partitions - covered))
    for part, some in zip(parts, weights, strict=True):
        if some is None and chances is not None:
            mine = weighted_sets(part.workers.size, 0, chances[part.workers])
            total += sum(weight * part.error(heard) for weight, heard in mine)
        elif some is not None:
            total += sum(float(some[t]) * _mean_without(part, t) for t in np.flatnonzero(some).tolist())
    return total


def _lost(part: Component, n: int, stragglers: int, chances: Floats | None) -> Floats | None:
    """Return the probability that a component lacks 0, 1, .. workers; None where it matters which."""
    size = part.workers.size
    if chances is None:
        return np.asarray(hypergeom.pmf(np.arange(min(size, stragglers) + 1), n, size, stragglers))
    mine = chances[part.workers]
    if np.ptp(mine) == 0.0:
        return np.asarray(binom.pmf(np.arange(size + 1), size, mine[0]))
    if not part.kind.by_count:
        return None
    found = np.ones(1)
    for q in mine:
        found = np.append((1.0 - q) * found, 0.0) + np.append(0.0, q * found)
    return found


def _sets(part: Component, lost: Floats | None) -> int:
    """Return how many sets of a component have to be looked at, or some number above the limit."""
    if lost is None:
        return 1 << part.workers.size
    found = 0
    for count in np.flatnonzero(lost).tolist():
        found += 1 if part.kind.by_count else comb(part.workers.size, count)
        if found > SETS:
            break
    return found


def _mean_without(component: Component, lost: int) -> float:
    size = component.workers.size
    if component.kind.by_count:
        return component.error(np.arange(size) >= lost)
    running = component.running()  # the next set differs from the last in few workers
    return float(np.mean([running.error(_without(size, s)) for s in combinations(range(size), lost)]))


def _without(n: int, lost: tuple[int, ...]) -> Bools:
    heard = np.ones(n, dtype=bool)
    heard[list(lost)] = False
    return heard


def weighted_sets(n: int, stragglers: int, chances: Floats | None) -> Iterator[tuple[float, Bools]]:
    """Yield every set of responders with its probability."""
    if chances is None:
        weight = 1.0 / comb(n, stragglers)
        yield from ((weight, _without(n, lost)) for lost in combinations(range(n), stragglers))
        return
    for bits in range(2**n):
        heard = (bits >> np.arange(n)) & 1 == 1
        weight = float(np.prod(np.where(heard, 1.0 - chances, chances)))
        if weight > 0.0:
            yield weight, heard
