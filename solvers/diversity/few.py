"""The best allocation with at most a few levels, proved by branch and bound."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .levels import Levels
from .search import Optimum, Runtime, minimise

Floats = NDArray[np.float64]
Box = tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class FewLevels:
    """Search for the best ``count`` of some levels.

    A box gives every one of the chosen levels, in order, a first and a last candidate. Nothing in it can beat the
    allocation to fictitious levels that cost as little as the first candidate and need as few workers as the last:
    its proven minimum is the bound of the box. The box whose bound is lowest is cut in two until nothing is left that
    could beat the best choice found.

    Attributes
    ----------
    runtime : callable
        Levels in, runtime out; the levels may be fictitious.
    levels : Levels
        Candidates.
    count : int
        At most so many of them.
    total : float
    start : array, shape (K,)
        Heights of a good allocation to all levels.
    tolerance : float
        Relative gap at which to stop.
    seconds : float
        Time limit.
    evaluations : int
        At most so many for each choice of levels.
    """

    runtime: Callable[[Levels], Runtime]
    levels: Levels
    count: int
    total: float
    start: Floats
    tolerance: float = 1e-4
    seconds: float = 10.0
    evaluations: int = 1000
    _known: dict[tuple[int, ...], Optimum] = field(default_factory=dict)

    def solve(self) -> tuple[tuple[int, ...], Optimum, float]:
        """Return the chosen candidates, the best allocation to them, and a lower bound for every choice."""
        began = time.perf_counter()
        best = self._climb(self._spread(), began)
        size = self.levels.size
        root = self._tightened(tuple((0, size - 1) for _ in range(self.count)))
        tie = itertools.count()
        heap: list[tuple[float, int, Box]] = [(0.0, next(tie), root)] if root is not None else []
        settled = np.inf  # the least bound of the boxes that were dropped
        while heap and time.perf_counter() - began < self.seconds:
            bound, _, box = heapq.heappop(heap)
            if bound >= self._goal(best):
                settled = min(settled, bound)
                continue
            for part in self._halves(box):
                if all(a == b for a, b in part):
                    chosen = tuple(a for a, _ in part)
                    best = min(best, chosen, key=lambda c: self._solved(c).value)
                    settled = min(settled, self._solved(chosen).bound)
                else:
                    heapq.heappush(heap, (max(bound, self._bound(part, best)), next(tie), part))
        found = self._solved(best)
        lowest = min([found.value, settled, *(bound for bound, _, _ in heap)])
        return best, found, lowest

    def guess(self) -> tuple[tuple[int, ...], Optimum]:
        """Return a good choice of candidates and the best allocation to them, without a proof."""
        chosen = self._climb(self._spread(), time.perf_counter())
        return chosen, self._solved(chosen)

    def _goal(self, best: tuple[int, ...]) -> float:
        return self._solved(best).value * (1.0 - self.tolerance)

    def _spread(self) -> tuple[int, ...]:
        """Return candidates that share the budget of the start evenly between them."""
        shares = np.cumsum(self.levels.prices * self.start)
        wanted = (np.arange(self.count) + 0.5) / self.count * shares[-1]
        return tuple(sorted(set(np.searchsorted(shares, wanted).tolist())))

    def _climb(self, chosen: tuple[int, ...], began: float) -> tuple[int, ...]:
        """Move one level at a time while that helps, by ever smaller steps."""
        size, step = self.levels.size, max(1, self.levels.size // 4)
        rest = [i for i in range(size) if i not in chosen]
        chosen = tuple(sorted((*chosen, *rest[: self.count - len(chosen)])))
        while step and time.perf_counter() - began < self.seconds / 2:
            moves = (
                tuple(sorted({*chosen[:i], chosen[i] + move, *chosen[i + 1 :]}))
                for i in range(len(chosen))
                for move in (-step, step)
                if 0 <= chosen[i] + move < size
            )
            better = min(
                (m for m in moves if len(m) == len(chosen)), key=lambda m: self._solved(m).value, default=chosen
            )
            if self._solved(better).value < self._solved(chosen).value:
                chosen = better
            else:
                step //= 2
        return chosen

    def _solved(self, chosen: tuple[int, ...]) -> Optimum:
        if chosen not in self._known:
            picked = self.levels.only(list(chosen))
            start = self.start[list(chosen)]
            self._known[chosen] = minimise(
                self.runtime(picked),
                picked,
                start,
                self.total,
                tolerance=self.tolerance / 10,
                evaluations=self.evaluations,
            )
        return self._known[chosen]

    def _bound(self, box: Box, best: tuple[int, ...]) -> float:
        """Return what no choice in a box can beat; the proof stops where that is clearly above or below the goal."""
        cheap: list[tuple[int, int]] = []
        for first, last in box:
            if cheap and cheap[-1][0] == first:
                cheap.pop()
            if not cheap or cheap[-1][1] < last:
                cheap.append((first, last))
        low, high = [a for a, _ in cheap], [b for _, b in cheap]
        levels = Levels(self.levels.workers, self.levels.loads[low], self.levels.needed[high])
        goal = self._goal(best)
        found = minimise(
            self.runtime(levels),
            levels,
            self.start[low],
            self.total,
            tolerance=self.tolerance / 10,
            enough=lambda value, bound: bound >= goal or bound > 0.98 * value < 0.98 * goal,
        )
        return found.bound

    def _halves(self, box: Box) -> list[Box]:
        """Cut the widest candidate range, in terms of what a coordinate costs."""
        loads = self.levels.loads
        widest = int(np.argmax([loads[b] / loads[a] if b > a else 0.0 for a, b in box]))
        a, b = box[widest]
        middle = min(max(int(np.searchsorted(loads, np.sqrt(loads[a] * loads[b]))), a), b - 1)
        parts = [(*box[:widest], half, *box[widest + 1 :]) for half in ((a, middle), (middle + 1, b))]
        return [tight for part in parts if (tight := self._tightened(part)) is not None]

    @staticmethod
    def _tightened(box: Box) -> Box | None:
        """Use that the levels rise strictly; None where nothing is left."""
        ranges = [list(pair) for pair in box]
        for i in range(1, len(ranges)):
            ranges[i][0] = max(ranges[i][0], ranges[i - 1][0] + 1)
            ranges[-i - 1][1] = min(ranges[-i - 1][1], ranges[-i][1] - 1)
        if any(a > b for a, b in ranges):
            return None
        return tuple((a, b) for a, b in ranges)
