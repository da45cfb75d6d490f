"""The least expected runtime of block-coordinate gradient coding, and the allocation that has it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..joint_order_statistics import Distribution
from ..seeding import RngLike, generator, seed_of
from .allocation import EXACT_UP_TO, Allocation, allocation_of, checked, compile_kernels, known_when, medians, renyi
from .few import FewLevels
from .integers import exchanged, proved, rounded
from .levels import Levels
from .objectives import ExactRuntime, SampledRuntime
from .search import Optimum, Runtime, minimise

Floats = NDArray[np.float64]

_PROVED_UP_TO = 200  # coordinates up to which the best integers are looked for by an integer program
EVALUATED_UP_TO = 2000
"""Workers up to which the exact objective is evaluated at all."""

_DRAWN = 20_000_000
_POLISHED = 28  # exact gradients after a sample average
_SAMPLED_GAP = 5e-4


@dataclass(frozen=True)
class DiversityRuntime:
    """Minimise the expected runtime E max_i z_i D_i (Wang et al. 2022, problem P1) over allocations.

    Attributes
    ----------
    method : str
        ``exact`` (quadrature; workers alike and independent), ``sample-average`` (any rows of delays), or ``auto``.
    segments : int or None
        At most so many levels; the best choice is found by branch and bound.
    integers : bool
        Whole coordinates.
    tolerance : float
        Relative gap of the relaxed problem at which to stop.
    rows : int
        Of a sample that is drawn.
    seconds : float or None
        Time limit of each stage.

    Examples
    --------
    >>> from scipy import stats
    >>> found = DiversityRuntime().solve(stats.expon(50.0, 1000.0), 10, 20000)
    >>> round(found.value * 50 / 10 / 1e8, 4), int(found.x.sum()), found.gap < 1e-4
    (1.1692, 20000, True)
    """

    method: str = "auto"
    segments: int | None = None
    integers: bool = True
    tolerance: float = 1e-5
    rows: int = 10_000
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.method not in ("auto", "exact", "sample-average"):
            raise InputError(f"method is {self.method!r}; auto, exact or sample-average would work")
        if self.segments is not None and (not isinstance(self.segments, int) or self.segments < 1):
            raise InputError(f"segments is {self.segments!r}; an integer of at least 1 is needed")

    def solve(
        self,
        distribution: Distribution,
        workers: int,
        total: float,
        *,
        diversities: Iterable[int] | None = None,
        rng: RngLike = 0,
    ) -> Allocation:
        """Find the allocation for independent workers with one distribution of the time per derivative.

        Parameters
        ----------
        distribution : object with ``cdf``, ``pdf``, ``ppf`` and ``isf``
        workers : int
            n.
        total : float
            L, the number of coordinates; the value is in units of time per derivative.
        diversities : iterable of int, optional
            Those that may be used; all by default.
        rng : None, int, Generator or SeedSequence
            Of the sample average.

        Raises
        ------
        InputError
            If an argument is impossible, or no allocation has a finite mean.
        """
        compile_kernels()
        began = time.perf_counter()
        levels, total = checked(workers, total, diversities, whole=self.integers)
        exact = ExactRuntime(distribution, levels)
        if not exact.joint.has_mean(np.where(np.arange(levels.size) < levels.size - 1, 0.0, 1.0)):
            raise InputError(
                "the delays have no mean, however many stragglers are tolerated; the probability to complete by a "
                "deadline (diversity-completion) would work"
            )
        levels = levels.only([exact.joint.has_mean(unit) for unit in np.eye(levels.size)])
        if self.method == "exact" or (self.method == "auto" and workers <= EXACT_UP_TO):
            return self._exactly(distribution, levels, total, began)
        return self._by_samples(distribution, levels, total, began, seed_of(rng))

    def lightest(
        self, distribution: Distribution, workers: int, total: float, within: float, *, rng: RngLike = 0
    ) -> Allocation:
        """Find the allocation with the least largest load that is at most a share ``within`` slower than the best.

        Parameters are those of `solve`; the runtime falls with the load allowed, so that bisection finds the least.
        """
        best = self.solve(distribution, workers, total, rng=rng)
        low, high, found = 0, workers, best
        while high - low > 1:
            middle = (low + high) // 2
            try:
                tried = self.solve(distribution, workers, total, diversities=range(middle), rng=rng)
            except InputError:  # so little redundancy that there is no mean
                low = middle
                continue
            if tried.relaxed_value <= (1.0 + within) * best.relaxed_value:
                high, found = middle, tried
            else:
                low = middle
        return replace(found, note=f"load {high} instead of {workers}: {found.value / best.value - 1.0:.2%} slower")

    def solve_rows(
        self, delays: ArrayLike, total: float, *, levels: Levels | None = None, fresh: ArrayLike | None = None
    ) -> Allocation:
        """Find the allocation for rows of delays, drawn or measured, of any kind of workers.

        Parameters
        ----------
        delays : array, shape (rows, n), or (rows, K) with ``levels``
            Times per derivative of the workers in each iteration; with ``levels``, the time per derivative until each
            level is known.
        total : float
        levels : Levels, optional
        fresh : array, optional
            Further rows, on which the value and the bound are then computed. Both are then subject to chance, together:
            the distance between them is what is sure, to three standard errors.

        Raises
        ------
        InputError
            If a shape or a number is impossible, or some level is never known.
        """
        compile_kernels()
        began = time.perf_counter()
        rows, used, total = known_when(delays, total, levels, whole=self.integers)
        later = rows[:2] if fresh is None else known_when(fresh, total, levels, whole=self.integers)[0]
        if later.shape[1] != rows.shape[1]:
            raise InputError(f"fresh has {later.shape[1]} columns and delays {rows.shape[1]}; they must agree")
        kept = np.asarray(np.isfinite(rows).all(axis=0) & np.isfinite(later).all(axis=0))
        if not kept.any():
            raise InputError("delays has a row in which no level is ever known; such rows cannot be averaged")
        rows, later = (np.ascontiguousarray(array[:, kept]) for array in (rows, later))
        return self._averaged(rows, None if fresh is None else later, used.only(kept), total, began, None)

    def _exactly(self, distribution: Distribution, levels: Levels, total: float, began: float) -> Allocation:
        def runtime(of: Levels) -> Runtime:
            return ExactRuntime(distribution, of)

        levels, found = self._relaxed(runtime, levels, 1.0 / medians(distribution, levels), total)
        if self.segments is None and found.value > found.bound * (1.0 + self.tolerance):
            found = self._precisely(distribution, levels, total, found)
        precise = ExactRuntime(distribution, levels, nodes=16)
        lengths: Floats | NDArray[np.int64] = levels.lengths(found.heights)
        value, bound = precise(found.heights)[0], found.bound
        relaxed_value = value
        if self.integers:
            lengths, value, bound = self._rounded(precise, levels, levels.lengths(found.heights), int(total), bound)
        return allocation_of(levels, lengths, found, relaxed_value, value, bound, "exact", began)

    def _precisely(self, distribution: Distribution, levels: Levels, total: float, found: Optimum) -> Optimum:
        """Go on with a finer quadrature, where the errors of the coarse one are what is in the way."""
        finer = ExactRuntime(distribution, levels, nodes=16)
        again = minimise(
            finer, levels, found.heights, total, tolerance=self.tolerance, seconds=self.seconds, evaluations=60
        )
        return replace(again, bound=max(again.bound, found.bound))

    def _rounded(
        self, runtime: Runtime, levels: Levels, lengths: Floats, total: int, bound: float
    ) -> tuple[NDArray[np.int64], float, float]:
        """Return the best integers found, their value, and a bound on the best integers."""
        x = rounded(lengths, total)
        if total > _PROVED_UP_TO * 5 and total >= 5 * levels.workers:
            return x, runtime(levels.heights(x))[0], bound
        x, value = exchanged(runtime, levels, x)
        if total <= _PROVED_UP_TO and value > bound * (1 + self.tolerance):
            limit = 5.0 if self.seconds is None else self.seconds
            return proved(runtime, levels, x, bound=bound, tolerance=self.tolerance, seconds=limit)
        return x, value, bound

    def _relaxed(
        self, runtime: Callable[[Levels], Runtime], levels: Levels, start: Floats, total: float
    ) -> tuple[Levels, Optimum]:
        """Return the optimum over all levels, or over the best few of them."""
        found = minimise(runtime(levels), levels, start, total, tolerance=self.tolerance, seconds=self.seconds)
        if self.segments is None or self.segments >= levels.size:
            return levels, found
        limit = 10.0 if self.seconds is None else self.seconds
        few = FewLevels(runtime, levels, self.segments, total, found.heights, seconds=limit)
        chosen, best, bound = few.solve()
        return levels.only(list(chosen)), replace(best, bound=max(bound, found.bound))

    def _by_samples(
        self, distribution: Distribution, levels: Levels, total: float, began: float, seed: int
    ) -> Allocation:
        """Take the sample average over levels that lie apart; exact gradients then improve it and prove a bound."""
        rows = max(100, min(self.rows, _DRAWN // levels.workers))
        if levels.workers > EVALUATED_UP_TO:
            train, fresh = (renyi(distribution, levels, rows, generator(seed, i)) for i in (0, 1))
            return self._averaged(train, fresh, levels, total, began, seed)
        thin = levels.only(_apart(levels))
        drawn = renyi(distribution, thin, rows, generator(seed))
        columns = {int(k): i for i, k in enumerate(thin.needed)}

        def runtime(of: Levels) -> Runtime:
            return SampledRuntime(np.ascontiguousarray(drawn[:, [columns[int(k)] for k in of.needed]]))

        solver = replace(self, tolerance=max(self.tolerance, 1e-4))
        used, found = solver._relaxed(runtime, thin, 1.0 / medians(distribution, thin), total)
        start = levels.scaled(np.exp(np.interp(np.log(levels.loads), np.log(used.loads), np.log(found.heights))), total)
        exact = minimise(
            ExactRuntime(distribution, levels),
            levels,
            start,
            total,
            tolerance=max(self.tolerance, _SAMPLED_GAP),
            seconds=self.seconds,
            evaluations=_POLISHED,
        )
        if used.size == thin.size:
            used, found = levels, exact
        lengths: Floats | NDArray[np.int64] = used.lengths(found.heights)
        if self.integers:
            lengths = rounded(used.lengths(found.heights), int(total))
        judge = ExactRuntime(distribution, used)
        value, relaxed_value = judge(used.heights(lengths))[0], judge(found.heights)[0]
        result = allocation_of(used, lengths, found, relaxed_value, value, exact.bound, "sample-average", began)
        return replace(result, seed=seed, note="value and bound exact")

    def _averaged(
        self, rows: Floats, fresh: Floats | None, levels: Levels, total: float, began: float, seed: int | None
    ) -> Allocation:
        start = 1.0 / np.maximum(np.median(rows, axis=0), 1e-300)
        columns = {int(k): i for i, k in enumerate(levels.needed)}

        def runtime(of: Levels) -> Runtime:
            return SampledRuntime(np.ascontiguousarray(rows[:, [columns[int(k)] for k in of.needed]]))

        tolerance = max(self.tolerance, 1e-4)
        solver = replace(self, tolerance=tolerance)
        used, found = solver._relaxed(runtime, levels, start, total)
        chosen = [columns[int(k)] for k in used.needed]
        judged = SampledRuntime(np.ascontiguousarray((rows if fresh is None else fresh)[:, chosen]))
        lengths: Floats | NDArray[np.int64] = used.lengths(found.heights)
        if self.integers:
            lengths = rounded(used.lengths(found.heights), int(total))
        times = judged.times(used.heights(lengths))
        value = float(times.mean())
        stderr = float(times.std(ddof=1) / math.sqrt(len(times)))
        relaxed_value = judged(found.heights)[0]
        if fresh is None:
            bound, note = found.bound, "for these rows"
        else:
            # whatever is best for all rows to come is on average not better than what is best for these ones
            bound, note = (
                self._fresh_bound(fresh, levels, total, found, used, times),
                "fresh rows; the difference between value and bound is sure to 3 standard errors",
            )
        result = allocation_of(used, lengths, found, relaxed_value, value, bound, "sample-average", began)
        return replace(result, stderr=stderr, note=note, seed=seed)

    def _fresh_bound(
        self, fresh: Floats, levels: Levels, total: float, found: Optimum, used: Levels, times: Floats
    ) -> float:
        """Return a lower bound on the expected runtime of every allocation to the levels, with 3 standard errors."""
        start = np.maximum.accumulate(np.interp(levels.loads, used.loads, found.heights))
        again = minimise(SampledRuntime(fresh), levels, start, total, tolerance=self.tolerance, seconds=self.seconds)
        gains = times - SampledRuntime(fresh).times(again.heights)
        slack = again.value - again.bound
        return float(times.mean() - gains.mean() - slack - 3.0 * gains.std(ddof=1) / math.sqrt(len(gains)))


def _apart(levels: Levels) -> list[int]:
    """Return some 90 of many levels, by equal ratios of their loads and of the workers they need."""
    size = levels.size
    if size <= EXACT_UP_TO:
        return list(range(size))
    up = np.geomspace(1.0, size, 64) - 1.0
    down = size - np.geomspace(1.0, size, 48)
    return sorted({round(float(i)) for i in (*up, *down)})
