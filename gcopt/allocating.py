"""Which coordinates get how much redundancy on a cluster: the cluster's times become the arrays the solvers take."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.checks import check_count
from gcopt.cluster import Cluster
from gcopt.code import Segment
from gcopt.decoding import Decoder
from gcopt.delays import Delay
from gcopt.errors import InfeasibleError, InputError
from gcopt.families.block_coordinate import block_coordinate, quiet_levels
from gcopt.goal import Goal
from gcopt.solvers.diversity import Allocation, DiversityCompletion, DiversityRuntime, Levels
from gcopt.solvers.diversity.arrivals import ArrivingLateness, ArrivingRuntime, Decodability, descend
from gcopt.solvers.diversity.completion import clairvoyant_bound
from gcopt.solvers.diversity.few import FewLevels
from gcopt.solvers.diversity.integers import rounded
from gcopt.solvers.diversity.objectives import SampledRuntime
from gcopt.solvers.diversity.search import minimise
from gcopt.solvers.result import Status
from gcopt.solvers.seeding import generator
from gcopt.waiting import Waiting

Floats = NDArray[np.float64]

SEGMENTS = (2, 4, 8)
"""Numbers of segments that are proposed."""

_MANY = 24  # levels looked at: more hardly make an iteration faster
_ENTRIES = 2_000_000  # rows x workers x levels of one look at all rows
_ROWS = (300, 1500)
_FRESH = 20_000  # rows on which the value is judged
_LATE = 3.0  # times the deadline: what ends later counts as if it ended then, where a search starts
_WIDTH = 0.05  # of the smoothed share in time, in logarithms of the time
_EVALUATIONS = 80
_HARDLY = 5e-4  # a loss this small does not pay for one more message
_ENOUGH = 5  # levels that repeat plainly, with which one can do
_WHOLE = 250  # coordinates per worker from which rounding does not matter


@dataclass(frozen=True, eq=False)
class Allocating:
    """The allocation problem of one cluster; lengths are shares of the gradient.

    Attributes
    ----------
    cluster : Cluster
    goal : Goal
    load : int or None
        At most so many partitions per worker.

    Examples
    --------
    >>> cluster = Cluster(4, Delay("exponential", {"rate": 1.0}))
    >>> best = Allocating(cluster, Goal()).best()
    >>> bool(best.sum().round(9) == 1.0)
    True
    """

    cluster: Cluster
    goal: Goal
    load: int | None = None

    @cached_property
    def diversities(self) -> list[int]:
        """Those that are looked at: decodable in floating point, within the load, not too many."""
        n = self.cluster.workers
        most = n if self.load is None else check_count("load", self.load, 1, n)
        levels = [s for s in quiet_levels(n) if s < most]
        if len(levels) <= _MANY:
            return levels
        # plain repetition is decoded long before n - s answers are in
        repeated = [s for s in levels if n % (s + 1) == 0]
        if self.goal.wait == "decodable" and len(repeated) >= _ENOUGH:
            return repeated
        wanted = np.unique(np.concatenate([np.geomspace(1, n, 14), n + 1 - np.geomspace(1, n, 11)]))
        near = {min(levels, key=lambda s: abs(s + 1 - load)) for load in wanted}
        return sorted(near | {levels[0], levels[-1]})

    @property
    def levels(self) -> Levels:
        """The diversities as the solvers want them."""
        return Levels.of(self.cluster.workers, self.diversities)

    @cached_property
    def _segments(self) -> list[Segment]:
        n = self.cluster.workers
        return [
            block_coordinate(n, [float(s == level) for s in range(n)], rng=self.goal.seed).segments[0]
            for level in self.diversities
        ]

    @cached_property
    def _groups(self) -> list[Any]:
        """Which answers make each level known, see `Decodability`."""
        if self.goal.wait == "count":
            everybody = [[j] for j in range(self.cluster.workers)]
            return [[(everybody, self.cluster.workers - s)] for s in self.diversities]
        return [_groups(segment) for segment in self._segments]

    @cached_property
    def runtime(self) -> ArrivingRuntime:
        """Rows of times as the cluster draws them, those the search looks at."""
        return self.drawn(0)

    def drawn(self, stream: int, rows: int | None = None) -> ArrivingRuntime:
        """Return the runtime over fresh rows."""
        cluster, n = self.cluster, self.cluster.workers
        low, high = _ROWS
        count = min(high, max(low, _ENTRIES // (n * len(self.diversities)))) if rows is None else rows
        times = cluster.sample(count, generator(self.goal.seed, 7, stream))
        forward = cluster.job.forward
        size = max(segment.encoding.dtype.itemsize for segment in self._segments)
        link = size * cluster.job.parameters / cluster.network.bandwidth
        return ArrivingRuntime(
            begin=np.ascontiguousarray(times.overhead + times.stall + cluster.network.latency),
            rate=np.ascontiguousarray(times.compute * (cluster.job.work / n)),
            shares=np.array([segment.pairs for segment in self._segments], dtype=float),
            sending=np.ascontiguousarray(link + times.transfer * (size / 8)),
            decodability=Decodability.of(self._groups),
            supports=None if not forward else np.stack([segment.support.toarray() for segment in self._segments]),
            forward=forward,
        )

    @cached_property
    def _alone(self) -> Floats:
        """Seconds per unit of work until each level is known were it the only one, shape (rows, K)."""
        alone = self.runtime.alone() / self.levels.loads
        return np.where(np.isfinite(alone), alone, np.inf)

    @cached_property
    def ends(self) -> NDArray[np.bool_]:
        """Which levels are always known in the end, or for a deadline sometimes, shape (K,)."""
        known = np.isfinite(self._alone)
        return np.asarray(known.all(axis=0) if self.goal.deadline is None else known.any(axis=0))

    def best(self, segments: int | None = None) -> Floats:
        """Return the best lengths found, for at most so many segments; shape (K,), sum 1.

        Where workers may never answer, levels that somebody's silence would block are left out, unless a deadline is
        the goal: what never ends is late like anything else.

        Raises
        ------
        InfeasibleError
            If no level is known in every row, or for a deadline in any.
        """
        kept = np.flatnonzero(self.ends)
        if not kept.size:
            raise InfeasibleError("some iterations are never done, whatever the redundancy; a recovery time would help")
        levels = self.levels.only(kept)
        if (segments is None or segments >= kept.size) and _exactly(self.cluster, self.goal):
            return self._proved()
        if segments is None and kept.size > SEGMENTS[-1]:
            few = self.best(SEGMENTS[-1])
            if self.goal.wait == "decodable":  # more are not found to be better where levels are known early
                return few
            return min(few, self.best(kept.size), key=lambda lengths: self.loss(self.runtime, lengths))
        start, kept = self._start(levels, kept, segments)
        lengths = np.zeros(len(self.diversities))
        lengths[kept] = start
        found = self._descended(self._merged(self._descended(lengths)))
        if self.goal.deadline is None:
            return found
        return min(found, *self._near_one_level(found), key=lambda lengths: self.loss(self.runtime, lengths))

    def _near_one_level(self, lengths: Floats) -> list[Floats]:
        """Return the level that is best alone, and what is found from halfway between it and the higher ones.

        Where workers may stay silent, a lower level caps the probability: no descent leads from there to here.
        """
        alone = min(np.eye(lengths.size)[self.ends], key=lambda one: self.loss(self.runtime, one))
        level = int(np.argmax(alone))
        higher = np.where(np.arange(lengths.size) > level, lengths, 0.0)
        if not higher.any() or not lengths[: level + 1].any():
            return [alone]
        return [alone, self._descended(self._merged(self._descended(alone + higher / higher.sum())))]

    def _proved(self) -> Floats:
        found = _exact(self, None, None, whole=False)
        return np.asarray(found.relaxed[self.diversities] / found.relaxed.sum())

    def _descended(self, lengths: Floats) -> Floats:
        """Return better lengths for the same levels."""
        kept = np.flatnonzero(lengths)
        runtime = self.runtime.only(kept.tolist(), Decodability.of([self._groups[i] for i in kept]))
        late = self.goal.deadline
        search = runtime if late is None else ArrivingLateness(runtime, late, _WIDTH)
        found = np.zeros(lengths.size)
        found[kept] = descend(search, lengths[kept] / lengths.sum(), evaluations=_EVALUATIONS)
        return found

    def _merged(self, lengths: Floats) -> Floats:
        """Give up levels, the shortest first, whose coordinates are known hardly later with one of the next ones.

        However short, a level makes the master wait for its answers, and workers pass forward over its partitions.
        """
        value = self.loss(self.runtime, lengths)
        for level in np.argsort(lengths):
            if lengths[level] == 0.0:
                continue
            higher, lower = np.flatnonzero(lengths[level + 1 :]) + level + 1, np.flatnonzero(lengths[:level])
            for other in (*higher[:1], *lower[-1:]):
                merged = lengths.copy()
                merged[other] += lengths[level] * self.levels.loads[level] / self.levels.loads[other]
                merged[level] = 0.0
                merged /= merged.sum()
                if (tried := self.loss(self.runtime, merged)) <= value * (1.0 + _HARDLY):
                    lengths, value = merged, min(tried, value)
                    break
        return lengths

    def loss(self, runtime: ArrivingRuntime, lengths: Floats) -> float:
        """Return the mean time of the rows, or the share of them that miss the deadline (smoothed)."""
        if self.goal.deadline is None:
            return runtime(lengths)[0]
        return float(np.exp(ArrivingLateness(runtime, self.goal.deadline, _WIDTH)(lengths)[0]))

    def _start(self, levels: Levels, kept: Any, segments: int | None) -> tuple[Floats, Any]:
        """Solve the convex problem in which each level's time is in proportion to the work before it."""
        rows = np.ascontiguousarray(self._alone[:, kept])
        if self.goal.deadline is not None:  # later is not worse
            rows = np.minimum(rows, _LATE * self.goal.deadline)
        columns = {int(k): i for i, k in enumerate(levels.needed)}

        def surrogate(of: Levels) -> SampledRuntime:
            return SampledRuntime(np.ascontiguousarray(rows[:, [columns[int(k)] for k in of.needed]]))

        guess = 1.0 / np.maximum(np.median(rows, axis=0), 1e-300)
        found = minimise(surrogate(levels), levels, guess, 1.0, tolerance=1e-3, evaluations=200)
        if segments is None or segments >= levels.size:
            return levels.lengths(found.heights), kept
        few = FewLevels(
            surrogate, levels, segments, 1.0, found.heights, tolerance=1e-2, seconds=math.inf, evaluations=60
        )
        chosen, best = few.guess()
        return levels.only(list(chosen)).lengths(best.heights), kept[list(chosen)]

    def spread(self, lengths: Floats) -> list[float] | list[int]:
        """Return x for all diversities: whole coordinates where there are many, else shares."""
        full = self.levels.spread(lengths)
        if self.cluster.job.parameters >= _WHOLE * self.cluster.workers:
            whole: list[int] = rounded(full, self.cluster.job.parameters).tolist()
            return whole
        return [float(f"{share:.6g}") for share in full]


def proposals(cluster: Cluster, goal: Goal) -> Iterator[dict[str, Any]]:
    """Yield parameters of block-coordinate codes worth a try: as many segments as there can be, and few.

    Examples
    --------
    >>> cluster = Cluster(4, Delay("exponential", {"rate": 1.0}))
    >>> [proposal["segments"] for proposal in proposals(cluster, Goal())]
    [2, 4]
    """
    n, k = cluster.workers, cluster.job.partitions
    if k is not None and k % n:
        return
    if n == 1:
        yield {"workers": 1, "allocation": [1.0], "segments": 1}
        return
    problem = Allocating(cluster, goal)
    if not problem.ends.any():
        return
    size, seen = int(problem.ends.sum()), list[Any]()
    most = [size] if goal.wait == "count" or size <= SEGMENTS[-1] else []
    for segments in [*(s for s in SEGMENTS if s < size), *most]:
        allocation = problem.spread(problem.best(segments))
        if allocation not in seen:  # fewer segments than allowed are often best
            seen.append(allocation)
            yield {"workers": n, "allocation": allocation, "segments": segments}


def allocate(
    cluster: Cluster, goal: Goal, *, segments: int | None = None, load: int | None = None, seconds: float | None = None
) -> Allocation:
    """Find the allocation for a cluster and say what is proved about it.

    Exact, over all diversities (also those that no code can be built for), where workers are alike and independent,
    overhead is constant, nothing limits the messages and the master waits for counts; else from samples, with the value
    on fresh rows.

    Parameters
    ----------
    cluster : Cluster
    goal : Goal
    segments : int, optional
        At most so many diversities.
    load : int, optional
        At most so many partitions per worker.
    seconds : float, optional
        Time limit of the exact search.

    Raises
    ------
    InputError
        If a limit is impossible.
    InfeasibleError
        If some iterations are never done.

    Examples
    --------
    >>> cluster = Cluster(4, Delay("exponential", {"rate": 1.0}))
    >>> found = allocate(cluster, Goal(wait="count"))
    >>> found.status.value, found.stderr
    ('optimal', 0.0)
    """
    if segments is not None:
        check_count("segments", segments, 1, cluster.workers)
    problem = Allocating(cluster, goal, load)
    if _exactly(cluster, goal):
        return _exact(problem, segments, seconds)
    began = time.perf_counter()
    lengths = problem.best(segments)
    x = np.array(problem.spread(lengths))
    value, stderr, never = _judged(cluster, goal, x)
    bound = _bound(problem, problem.drawn(1, rows=_FRESH), value)
    few = len(problem.diversities)
    among = "" if few == cluster.workers else f"among allocations to the {few} diversities looked at: "
    return Allocation(
        value=value,
        bound=bound,
        status=Status.FEASIBLE,  # what is sampled is not proved, however close the bound
        seconds=time.perf_counter() - began,
        seed=goal.seed,
        x=x,
        relaxed=problem.levels.spread(lengths),
        relaxed_value=value,
        method="sample-average",
        stderr=stderr,
        note=f"{among}best found; value on fresh rows{never}; bound sampled, without overhead beyond the earliest and "
        "without sending",
    )


def _judged(cluster: Cluster, goal: Goal, x: NDArray[Any]) -> tuple[float, float, str]:
    """Return the value of an allocation on fresh rows, all that the cluster limits included, and its standard error."""
    code = block_coordinate(cluster.workers, x, rng=goal.seed)
    times = Waiting(code, goal.wait).finish(cluster, cluster.sample(_FRESH, generator(goal.seed, 7, 1)))
    if goal.deadline is not None:
        value = float((times <= goal.deadline).mean())
        return value, math.sqrt(value * (1.0 - value) / times.size), ""
    if not np.isfinite(times).all():
        return math.inf, math.inf, f", {int(np.isinf(times).sum())} of {times.size} of which never end"
    return float(times.mean()), float(times.std(ddof=1) / math.sqrt(times.size)), ""


def _exactly(cluster: Cluster, goal: Goal) -> bool:
    """Whether the time of an iteration is a constant plus a maximum of scaled order statistics."""
    overhead = cluster.overhead
    constant = isinstance(overhead, Delay) and overhead.model == "deterministic"
    plain = cluster.failures.probability == 0.0 and cluster.job.forward == 0.0
    return goal.wait == "count" and cluster.alike and constant and plain and not cluster.length_matters


def _exact(
    problem: Allocating, segments: int | None, seconds: float | None, *, whole: bool | None = None
) -> Allocation:
    cluster, goal = problem.cluster, problem.goal
    assert isinstance(cluster.compute, Delay)
    n, total = cluster.workers, cluster.job.parameters
    scale = float(cluster.slowness[0]) * cluster.job.unit * cluster.job.samples / n
    offset = cluster.overhead.mean + cluster.network.latency  # type: ignore[union-attr]
    law = cluster.compute.distribution
    if whole is None:
        whole = total >= _WHOLE * n
        allowed: Sequence[int] = range(n if problem.load is None else check_count("load", problem.load, 1, n))
    else:
        allowed = problem.diversities
    if goal.deadline is None:
        solver = DiversityRuntime(segments=segments, integers=whole, seconds=seconds)
        return solver.solve(law, n, total, diversities=allowed, rng=goal.seed).scaled(scale, offset)
    if segments is not None:
        raise InputError(f"segments is {segments}; it limits the expected runtime only, leave it out")
    left = goal.deadline - offset
    if left <= 0:
        raise InfeasibleError(f"the deadline of {goal.deadline:g} s is over before anybody begins, at {offset:g} s")
    searcher = DiversityCompletion(integers=whole, seconds=seconds)
    return searcher.solve(law, n, total, left / scale, diversities=allowed, rng=goal.seed)


def _bound(problem: Allocating, fresh: ArrivingRuntime, value: float) -> float | None:
    """Return what no allocation beats on average: all begin with the first, sending and forward passes are free."""
    first = fresh.begin.min(axis=1)
    begin = np.where(np.isfinite(fresh.begin), 0.0, np.inf)
    idle = replace(fresh, begin=begin, sending=np.zeros_like(fresh.sending), forward=0.0, _known={})
    levels = problem.levels
    # a level without coordinates is not waited for, so that a lower one that is known earlier may stand for it
    delays = np.ascontiguousarray(np.minimum.accumulate(idle.alone() / levels.loads, axis=1))
    deadline = problem.goal.deadline
    if deadline is not None:
        left = np.maximum(deadline - first, 1e-12 * deadline)
        return max(clairvoyant_bound(delays * (deadline / left)[:, None], levels, 1.0, deadline), value)
    if not np.isfinite(delays).all() or not np.isfinite(first).all():
        return None
    found = minimise(SampledRuntime(delays), levels, 1.0 / delays.mean(axis=0), 1.0, tolerance=1e-4, evaluations=200)
    spread = (SampledRuntime(delays).times(found.heights) + first).std(ddof=1) / math.sqrt(len(delays))
    return min(value, found.bound + float(first.mean()) - 3.0 * float(spread))


def _groups(segment: Segment) -> list[tuple[list[list[int]], int]]:
    """Return which teams of each part of a code must answer; by number of workers where no count of teams says it."""
    parts: Sequence[Any] = Decoder(segment).components
    found = []
    for part in parts:
        if part.needed is not None:
            found.append(([part.workers[team].tolist() for team in part.teams], part.needed))
        else:
            alone = [[int(j)] for j in part.workers]
            found.append((alone, max(1, len(alone) - segment.stragglers)))
    return found
