"""Means over random stragglers by looking at all sets, component by component, where those are few."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import combinations
from math import comb, fsum, inf

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, hypergeom

from gcopt.decoding import Component, Decoder

SETS = 60_000
"""Sets that are looked at, at most."""

_FEWEST = 2  # a standard error needs as many
_EARLY = 0.2  # of the time, after which the pace is known

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def enumerable(workers: int, stragglers: int, probability: object) -> bool:
    """Whether the sets of stragglers are few enough to look at each.

    Examples
    --------
    >>> enumerable(15, 3, 0.1), enumerable(16, 3, 0.1), enumerable(60, 3, None)
    (True, False, True)
    """
    return number_of_sets(workers, stragglers, probability) <= SETS


def number_of_sets(workers: int, stragglers: int, probability: object) -> int:
    """Return how many sets of stragglers there are: of s, or with a probability of any size."""
    return comb(workers, stragglers) if probability is None else 1 << workers


class Pace:
    """What a time limit allows of a number of steps that take about as long as each other.

    Parameters
    ----------
    seconds : float
        From now on.

    Examples
    --------
    >>> list(Pace(60.0).allowed(5)), list(Pace(0.0).allowed(5))
    ([0, 1, 2, 3, 4], [0, 1])
    >>> Pace(60.0).too_slow(10), Pace(0.0).too_slow(10)
    (False, True)
    """

    def __init__(self, seconds: float) -> None:
        self._begin = time.perf_counter()
        self._seconds = seconds
        self._done = 0
        self._first = 0.0

    def allowed(self, steps: int) -> Iterator[int]:
        """Count steps until the time is over, at least two where there are so many."""
        for i in range(steps):
            if i >= _FEWEST and self._gone > self._seconds:
                return
            yield i

    def too_slow(self, steps: int) -> bool:
        """Count a step; whether all of them would take longer than is allowed, once that can be told.

        The first does not count for the pace: what is needed for all of them is made then.
        """
        gone, done = self._gone, self._done
        self._done += 1
        if done == 1:
            self._first = gone
        expected = self._first + (gone - self._first) * steps / max(1, done - 1)
        return gone > self._seconds or (gone > _EARLY * self._seconds and expected > self._seconds)

    @property
    def _gone(self) -> float:
        return time.perf_counter() - self._begin


def enumerated_error(decoder: Decoder, stragglers: int, chances: Floats | None, seconds: float = inf) -> float | None:
    """Return the mean error summed over the components; None where their sets are too many, or take too long."""
    segment, parts = decoder.segment, decoder.components
    weights = [_lost(part, segment.workers, stragglers, chances) for part in parts]
    steps = sum(_sets(part, some) for part, some in zip(parts, weights, strict=True))
    if steps > SETS:
        return None
    pace, found = Pace(seconds), []
    for part, some in zip(parts, weights, strict=True):
        for weight, error in _weighted_errors(part, some, chances):
            if pace.too_slow(steps):
                return None
            found.append(weight * error)
    covered = sum(part.partitions.size for part in parts)
    return segment.blocks * (segment.partitions - covered) + fsum(found)


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


def _weighted_errors(part: Component, lost: Floats | None, chances: Floats | None) -> Iterator[tuple[float, float]]:
    """Yield every error that the component may have, with its probability; equal ones once where that is known."""
    size = part.workers.size
    if lost is None:
        mine = None if chances is None else chances[part.workers]
        yield from ((weight, part.error(heard)) for weight, heard in weighted_sets(size, 0, mine))
        return
    for count in np.flatnonzero(lost).tolist():
        if part.kind.by_count:
            yield float(lost[count]), part.error(np.arange(size) >= count)
            continue
        running = part.running()  # the next set differs from the last in few workers
        weight = float(lost[count]) / comb(size, count)
        yield from ((weight, running.error(_without(size, s))) for s in combinations(range(size), count))


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
