"""The allocation most likely to meet a deadline: ascent from several starts, and what no allocation can reach."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta

from ..errors import InputError
from ..joint_order_statistics import Distribution
from ..result import Status
from ..seeding import RngLike, generator, seed_of
from .allocation import EXACT_UP_TO, Allocation, allocation_of, checked, compile_kernels, known_when, medians, renyi
from .descent import Descent
from .integers import exchanged, rounded
from .levels import Levels
from .objectives import ExactCompletion, SampledRuntime, SmoothedCompletion
from .search import Optimum

Floats = NDArray[np.float64]
Probability = Callable[[Floats], tuple[float, Floats]]

SAMPLED_BOUND = "bound: a master that knew the delays, sampled, confidence 1 - 1e-6"

_HOPELESS = 1e-15  # below this the probability says nothing about where to go
_REACHABLE = 1e-12  # from here an ascent can start
_CONFIDENCE = 1e-6
_FEW = 1000  # coordinates up to which rounding matters
_RARE = 1e-3  # a probability so small that another start is worth it
_WIDTHS = (0.1, 0.03, 0.01, 0.003)


def log_odds(probability: Probability) -> Probability:
    """Return log((1 - P) / P) and its gradient instead: small where P is near 1, steep where P is near 0."""

    def objective(heights: Floats) -> tuple[float, Floats]:
        p, slope = probability(heights)
        inside = min(max(p, 1e-300), 1.0 - 1e-16)
        return float(np.log1p(-inside) - np.log(inside)), -slope / (inside * (1.0 - inside))

    return objective


@dataclass(frozen=True, eq=False)
class Ascent:
    """Maximise the probability to be in time, over all allocations of ``total`` coordinates.

    Whether the best point found is the best there is remains open: log P has no known convexity.

    Attributes
    ----------
    probability : callable
        (deadline) to a function of the heights that returns (P, gradient).
    levels : Levels
    total : float
    deadline : float
    seconds : float or None
        Time limit.
    """

    probability: Callable[[float], Probability]
    levels: Levels
    total: float
    deadline: float
    seconds: float | None = None

    def solve(self, starts: Iterable[Floats]) -> tuple[Floats, float]:
        """Return the best heights found from any start, and P there.

        A start at which P vanishes is first improved for later deadlines, then for earlier and earlier ones.
        """
        began = time.perf_counter()
        best: tuple[float, Floats] = (-1.0, np.empty(0))
        for start in starts:
            heights = self.levels.scaled(start, self.total)
            before = np.inf
            while (factor := self._within_reach(heights)) < 0.999 * before:
                heights, before = self._climb(heights, factor * self.deadline, began), factor
                if factor == 1.0 or self._late(began):
                    break
            best = max(best, (self._value(heights), heights), key=lambda pair: pair[0])
            if self._late(began):
                break
        return best[1], best[0]

    def _value(self, heights: Floats, factor: float = 1.0) -> float:
        return self.probability(factor * self.deadline)(heights)[0]

    def _within_reach(self, heights: Floats) -> float:
        """Return 1, or a multiple of the deadline for which P is small but not hopeless."""
        if self._value(heights) >= _HOPELESS:
            return 1.0
        low, high = 1.0, 2.0
        while self._value(heights, high) < _REACHABLE and high < 1e12:
            low, high = high, 2.0 * high
        for _ in range(12):
            middle = math.sqrt(low * high)
            low, high = (low, middle) if self._value(heights, middle) >= _REACHABLE else (middle, high)
        return high

    def _climb(self, start: Floats, deadline: float, began: float) -> Floats:
        objective = log_odds(self.probability(deadline))
        found, _ = Descent(evaluations=300).solve(
            objective,
            start,
            self.levels.prices,
            self.total,
            lift=np.maximum.accumulate,
            stop=lambda: self._late(began),
        )
        return found

    def _late(self, began: float) -> bool:
        return self.seconds is not None and time.perf_counter() - began > self.seconds


def clairvoyant_bound(delays: Floats, levels: Levels, total: float, deadline: float) -> float:
    """Return an upper bound on P for every allocation, from sampled delays, with confidence 1 - 1e-6.

    An allocation that meets the deadline has heights z_i <= deadline / D_i, so that the coordinates prices . z it
    stands for are at most deadline * sum_i prices_i min_{i' >= i} 1 / D_i'; where that is less than ``total`` no
    allocation is in time, not even one chosen for these very delays. The share of the rows in which one is, is an
    upper bound; Clopper & Pearson 1934 give its confidence limit.

    Parameters
    ----------
    delays : array, shape (rows, K)
        Seconds per derivative until level i is known, at least 0.
    levels : Levels
    total, deadline : float

    Examples
    --------
    >>> clairvoyant_bound(np.ones((1000, 1)), Levels.of(1), 2.0, 1.0) < 0.014
    True
    """
    with np.errstate(divide="ignore"):
        highest = deadline / delays
    highest = np.minimum.accumulate(highest[:, ::-1], axis=1)[:, ::-1]
    possible = int((highest @ levels.prices >= total * (1.0 - 1e-12)).sum())
    rows = len(delays)
    return 1.0 if possible == rows else float(beta.isf(_CONFIDENCE, possible + 1, rows - possible))


@dataclass(frozen=True)
class DiversityCompletion:
    """Maximise the probability that max_i z_i D_i <= deadline (Wang et al. 2022, problem P2) over allocations.

    Attributes
    ----------
    integers : bool
    rows : int
        Of the sample behind the bound.
    seconds : float or None
        Time limit.

    Examples
    --------
    >>> from scipy import stats
    >>> found = DiversityCompletion().solve(stats.expon(1.0, 10.0), 10, 40000, deadline=10**6.5 * 10 / 50)
    >>> round(found.value, 4)
    0.7456
    """

    integers: bool = True
    rows: int = 20_000
    seconds: float | None = None

    def solve(
        self,
        distribution: Distribution,
        workers: int,
        total: float,
        deadline: float,
        *,
        diversities: Iterable[int] | None = None,
        rng: RngLike = 0,
    ) -> Allocation:
        """Find the allocation for independent workers with one distribution; parameters as in `DiversityRuntime`.

        Parameters
        ----------
        deadline : float
            In units of time per derivative.

        Raises
        ------
        InputError
            If an argument is impossible.
        """
        compile_kernels()
        began = time.perf_counter()
        levels, total = checked(workers, total, diversities, whole=self.integers)
        if not (deadline > 0 and math.isfinite(deadline)):
            raise InputError(f"deadline is {deadline!r}; a finite number above 0 is needed")
        if deadline < total * levels.loads[0] * float(distribution.ppf(0.0)):
            return _hopeless(levels, total, began, self.integers)
        seed = seed_of(rng)

        def probability(limit: float) -> ExactCompletion:
            return ExactCompletion(distribution, levels, limit)

        plain = np.where(np.arange(levels.size) == 0, total, 0.0)
        if probability(deadline).value(levels.heights(plain)) >= 1.0 - 1e-15:
            sure = Optimum(levels.heights(plain), 1.0, 1.0, 0)
            whole = plain.astype(np.int64) if self.integers else plain
            return allocation_of(levels, whole, sure, 1.0, 1.0, 1.0, "exact", began)
        starts = [1.0 / medians(distribution, levels, 0.9), levels.heights(1.0 / levels.loads)]
        ascent = Ascent(probability, levels, total, deadline, seconds=self.seconds)
        heights, relaxed_value = ascent.solve(starts if workers <= EXACT_UP_TO else starts[:1])
        if relaxed_value < _RARE:
            found = ascent.solve([np.ones(levels.size)])  # no redundancy: possible wherever anything is
            heights, relaxed_value = max((heights, relaxed_value), found, key=lambda pair: pair[1])
        lengths: Floats | NDArray[np.int64] = levels.lengths(heights)
        if self.integers:
            lengths = _whole(probability(deadline), levels, levels.lengths(heights), int(total))
        value = probability(deadline).value(levels.heights(lengths))
        bound = self.bound(distribution, levels, total, deadline, seed)
        optimum = Optimum(heights, relaxed_value, bound, 0)
        result = allocation_of(levels, lengths, optimum, relaxed_value, value, max(bound, value), "exact", began)
        return replace(result, note=SAMPLED_BOUND, seed=seed)

    def bound(self, distribution: Distribution, levels: Levels, total: float, deadline: float, seed: int) -> float:
        """Return what no allocation's probability exceeds, from a sample, with confidence 1 - 1e-6."""
        sample = renyi(distribution, levels, max(100, min(self.rows, 4_000_000 // levels.workers)), generator(seed))
        return clairvoyant_bound(sample, levels, total, deadline)

    def solve_rows(
        self, delays: ArrayLike, total: float, deadline: float, *, levels: Levels | None = None
    ) -> Allocation:
        """Find an allocation in time in as many of the rows as possible; parameters as in `DiversityRuntime`."""
        compile_kernels()
        began = time.perf_counter()
        rows, levels, total = known_when(delays, total, levels, whole=self.integers)
        if not (deadline > 0 and math.isfinite(deadline)):
            raise InputError(f"deadline is {deadline!r}; a finite number above 0 is needed")
        finite = np.where(np.isfinite(rows), rows, 1e6 * deadline / total)
        heights = 1.0 / np.maximum(np.quantile(finite, 0.9, axis=0), 1e-300)
        starts = [heights, levels.heights(1.0 / levels.loads)]
        best: tuple[float, Floats] = (-1.0, np.empty(0))
        for start in starts:
            point = start
            for width in _WIDTHS:
                ascent = Ascent(
                    lambda limit, w=width: SmoothedCompletion(finite, limit, w),  # type: ignore[misc]
                    levels,
                    total,
                    deadline,
                    seconds=self.seconds,
                )
                point, _ = ascent.solve([point])
                share = float((SampledRuntime(finite).times(point) <= deadline).mean())
                best = max(best, (share, point), key=lambda pair: pair[0])
        lengths: Floats | NDArray[np.int64] = levels.lengths(best[1])
        if self.integers:
            lengths = rounded(levels.lengths(best[1]), int(total))
        value = float((SampledRuntime(finite).times(levels.heights(lengths)) <= deadline).mean())
        bound = max(clairvoyant_bound(rows, levels, total, deadline), value)
        found = Optimum(best[1], best[0], bound, 0)
        result = allocation_of(levels, lengths, found, best[0], value, bound, "sample-average", began)
        stderr = math.sqrt(value * (1.0 - value) / len(rows))
        return replace(result, stderr=stderr, note="bound: a master that knew the delays, confidence 1 - 1e-6")


def _whole(probability: ExactCompletion, levels: Levels, lengths: Floats, total: int) -> NDArray[np.int64]:
    """Return good integers: rounded ones, or where there are few coordinates also one level for all, improved."""
    x = rounded(lengths, total)
    if total > _FEW and total >= 5 * levels.workers:
        return x
    alone = total * np.eye(levels.size, dtype=np.int64)
    best = max((x, *alone), key=lambda whole: probability.value(levels.heights(whole)))
    return exchanged(log_odds(probability), levels, best)[0]


def _hopeless(levels: Levels, total: float, began: float, whole: bool) -> Allocation:
    """Return the allocation that is nearest to meeting a deadline which none can meet: the least work for everybody."""
    lengths = np.zeros(levels.size)
    lengths[0] = total
    nearest = levels.spread(lengths)
    return Allocation(
        value=0.0,
        bound=0.0,
        status=Status.INFEASIBLE,
        seconds=time.perf_counter() - began,
        x=nearest.astype(np.int64) if whole else nearest,
        relaxed=nearest,
        relaxed_value=0.0,
        method="exact",
        note="no allocation meets the deadline, even when every worker is as fast as it can be; x is nearest to it",
    )
