"""What bounds speak of, and how the verifier measures it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import comb

import numpy as np

from gcopt.bounds._failures import failure_probability
from gcopt.bounds.case import Case
from gcopt.measuring import Interval
from gcopt.moments import Mean
from gcopt.verdicts import sure, unseen


@dataclass(frozen=True)
class Reading:
    """A measured quantity.

    Attributes
    ----------
    value : float
    low, high : float
        Between which it lies: proved, or five standard errors around a sample and what the sample may have missed.
    certain : bool
        Whether that is proved.
    method : str
    least : Reading or None
        For what is said of every set: the smallest value of a set, where this is the largest.
    """

    value: float
    low: float
    high: float
    certain: bool
    method: str
    least: Reading | None = None


@dataclass(frozen=True, eq=False)
class Quantity:
    """Something a code has, such as its worst error.

    Attributes
    ----------
    words : str
    needs : str
        What has to be given: ``stragglers``, ``probability`` or nothing.
    measure : callable
    """

    words: str
    needs: str
    measure: Callable[[Case], Reading]

    def asked(self, case: Case) -> str | None:
        """Return None, or what is missing."""
        if not self.needs or getattr(case, self.needs) is not None:
            return None
        return f"{self.needs} is not given; this speaks of {self.words}"


def exactly(value: float, method: str) -> Reading:
    """Return the reading of something that is known."""
    return Reading(value, value, value, True, method)


def around(value: float, stderr: float, samples: int, least: float, most: float, method: str = "") -> Reading:
    """Return the reading of a mean over samples, which lie between ``least`` and ``most``."""
    missed, doubt = unseen(samples), sure(samples) * stderr
    low = value - doubt - missed * (value - least)
    high = value + doubt + missed * (most - value)
    return Reading(value, low, high, False, method or f"{samples} random sets")


def _of_interval(found: Interval) -> Reading:
    upper = np.inf if found.upper is None else found.upper
    return Reading(found.lower, found.lower, upper, True, found.method)


def _of_mean(found: Mean, case: Case) -> Reading:
    if found.exact:
        return exactly(found.value, "the exact mean")
    most = np.inf if case.segment.is_linear else float(case.segment.blocks * case.code.partitions)
    return around(found.value, found.stderr, found.sets, 0.0, most, _samples(found.sets, case))


def _worst(case: Case) -> Reading:
    """The verifier's interval, or the set that loses whole partitions where the search found none as bad."""
    found = _of_interval(case.worst())
    lost = case.measured.decoders[0](case.structure.stranding(case.s)).error
    if lost <= found.value:
        return found
    return Reading(lost, lost, max(lost, found.high), True, f"the workers of the cheapest partitions; {found.method}")


def _every(case: Case) -> Reading:
    """The worst error, and the mean for the least: that is no smaller only if all sets are alike."""
    worst, mean = _of_interval(case.worst()), _of_mean(case.mean(independent=False), case)
    method = f"worst: {worst.method}; mean: {mean.method}"
    return Reading(worst.value, worst.low, worst.high, worst.certain and mean.certain, method, mean)


def _mean(case: Case) -> Reading:
    return _of_mean(case.mean(independent=False), case)


def _independent(case: Case) -> Reading:
    return _of_mean(case.mean(independent=True), case)


def _debiased(case: Case) -> Reading:
    """Of projections the mean error e says it all: m k (1 / alpha - 1), alpha = 1 - e / (m k)."""
    found = case.moments(independent=True)
    if found.exact:
        return exactly(found.variance / found.factor**2, "exact moments")
    most = float(case.segment.blocks * case.code.partitions)
    mean = _of_mean(found.error, case)
    value, low, high = (_from_mean(e, most) for e in (mean.value, mean.low, mean.high))
    return Reading(value, low, high, False, f"m k (1 / alpha - 1), {mean.method}")


def _from_mean(error: float, most: float) -> float:
    return float(np.inf) if error >= most else most * error / (most - max(0.0, error))


def _factor(case: Case) -> Reading:
    """The entry of E[R B] that is furthest from their mean; of what a block leaves in others, from 0."""
    found = case.moments(independent=True)
    away = found.mean - found.factor * found.target
    far = np.unravel_index(int(np.abs(away).argmax()), away.shape)
    value = found.factor + float(np.real(away[far]))
    if found.exact:
        return exactly(value, "the partition furthest from the mean of all, exactly")
    samples, most = found.error.sets, float(np.sqrt(case.code.partitions))  # the norm of a projection of k ones
    method = f"the partition furthest from the mean of all, {_samples(samples, case)}"
    return around(value, float(found.stderr[far]), samples, -most, most, method)


def _spread(case: Case) -> Reading:
    found = case.moments(independent=True)
    value = found.variance / found.mean.size
    if found.exact:
        return exactly(value, "exact moments")
    return around(value, found.error.stderr / found.mean.size, found.error.sets, 0.0, 1.0)


def _equal_gradients(case: Case) -> Reading:
    sums = np.abs(np.asarray(case.segment.encoding.sum(axis=1))) ** 2
    return exactly(float(np.sum(case.chances * (1.0 - case.chances) * sums)), "the variance of every message, added up")


def _failure(case: Case) -> Reading:
    found = failure_probability(
        case.measured.decoders[0], case.s, case.measured.samples, case.measured.seed, case.measured.seconds_for_means(0)
    )
    if found.exact:
        return exactly(found.value, f"all {comb(case.code.workers, case.s):,} sets, counted by groups")
    return around(found.value, found.stderr, found.sets, 0.0, 1.0)


def _threshold(case: Case) -> Reading:
    """The fewest stragglers that cost the error: so many do by the set found, and fewer do not by the bound.

    More stragglers never cost less, so that it can be searched for by halving, below what whole partitions cost.
    """
    n, wanted = case.code.workers, case.error - case.measured.decoders[0].tolerance

    def costs(t: int) -> bool:
        return case.measured.decoders[0](case.structure.stranding(t)).error >= wanted

    low, proved, high = 0, 0, min(n, bisect_left(range(n + 1), True, key=costs))
    while low < high:
        t = (low + high) // 2
        found = case.worst(t)
        if found.lower >= wanted:
            high = t
            continue
        low = t + 1
        if found.upper is not None and found.upper < wanted:
            proved = low
    method = f"worst case of {high - 1} stragglers" if high else "worst case of nobody"
    return Reading(high, proved, high, True, method)


def _load(case: Case) -> Reading:
    return exactly(float(case.segment.load.max()), "counted")


def _second(case: Case) -> Reading:
    return exactly(case.structure.second or 0.0, "eigenvalues of the whole matrix")


def _of_draw(case: Case) -> Reading:
    found = case.mean(independent=False, over_draws=False)
    return replace(_of_mean(found, case), method="the exact mean" if found.exact else f"{found.sets} random sets")


def _on_average(case: Case) -> Reading:
    found = case.mean(independent=False)
    if case.segment.signs is not None:
        return _of_mean(found, case)
    return Reading(found.value, -np.inf, np.inf, False, "this draw only; the formula is the mean over all draws")


def _worst_on_average(case: Case) -> Reading:
    most, found = float(case.segment.blocks * case.code.partitions), case.means_of_draws
    low = max(around(one.value, one.stderr, one.sets, 0.0, most).low for one in found)
    value = max(one.value for one in found)
    return Reading(value, low, most, False, f"{len(found)} sets, {found[0].sets} draws each")


def _samples(count: int, case: Case) -> str:
    return f"{count} random sets" + ("" if case.segment.signs is None else ", each in a random draw")


WORST = Quantity("the worst error over sets of s", "stragglers", _worst)
EVERY = Quantity("the error of every set of s", "stragglers", _every)
MEAN = Quantity("the mean error over random sets of s", "stragglers", _mean)
MEAN_OF_DRAW = Quantity("the mean error over random sets of s, in this draw of the code", "stragglers", _of_draw)
WORST_OF_DRAWS = Quantity(
    "the worst over sets of s of the mean error over draws of the code", "stragglers", _worst_on_average
)
MEAN_OF_DRAWS = Quantity(
    "the mean error over random sets of s, on average over draws of the code", "stragglers", _on_average
)
INDEPENDENT = Quantity("the mean error when workers straggle independently", "probability", _independent)
DEBIASED = Quantity("the mean error of the unbiased estimate, stragglers independent", "probability", _debiased)
FACTOR = Quantity(
    "the multiple of every partial gradient in the mean estimate, stragglers independent", "probability", _factor
)
SPREAD = Quantity("the variance of a decoded coefficient, stragglers independent", "probability", _spread)
EQUAL_GRADIENTS = Quantity(
    "the variance of the estimate when all partial gradients are 1, stragglers independent",
    "probability",
    _equal_gradients,
)
FAILURE = Quantity("the probability that a random set of s cannot be decoded exactly", "stragglers", _failure)
THRESHOLD = Quantity("the fewest stragglers that inflict a given error (1: one partition)", "", _threshold)
LOAD = Quantity("the largest load of a code that is exact for every set of s", "stragglers", _load)
SECOND = Quantity("the second largest eigenvalue of A^T A", "", _second)
