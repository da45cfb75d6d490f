"""Best first: the part of all sets with the largest bound is looked at next, so that the interval closes evenly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count
from math import comb
from time import perf_counter

import numpy as np

from ._symmetry import representatives
from ._worst_enumeration import UNFINISHED, enumerate_general, enumerate_shrinking
from ._worst_question import Question
from ._worst_roots import kept_bound, rise, row_sums
from ._worst_setup import Floats, Found, Ints

SPECTRA = 300  # workers up to which a part gets a spectral bound of its own
LARGEST_PART = 3  # stragglers by which parts are told apart at first
OVERHEAD = 20_000  # sets that could be looked at while a part is prepared
PATIENCE = 0.05  # seconds that a part may take before it is cut into smaller ones
RATE = 5e7  # sets that a kernel looks at in a second, at least about
QUICK = 0.2  # seconds that a part may take at that rate without being cut
Part = tuple[Ints, Ints]  # who is lost for certain, who else may be


@dataclass(eq=False)
class Tree:
    """All sets of ``budget`` workers of a question about the error in which each costs one straggler.

    Attributes
    ----------
    question : Question
    best : Found
        The worst set so far.
    root : float
        No set exceeds it.
    """

    question: Question
    best: Found
    root: float
    evaluated: int = 0
    open: list[tuple[float, int, bool, Part]] = field(default_factory=list)
    _tickets: count[int] = field(default_factory=count)

    def search(self, parts: Iterable[Part]) -> Found:
        """Look through ``parts``, whose sets together stand for all."""
        for chosen, allowed in parts:
            if len(chosen) + len(allowed) >= self.question.budget:
                self._push(self.root, False, (chosen, allowed))
        while self.open and not self._closed(-self.open[0][0]):
            if self.question.late:
                bound = max(self.best.value, -self.open[0][0])
                return replace(self.best, bound=bound, evaluated=self.evaluated, method=UNFINISHED)
            key, _, bounded, part = heappop(self.open)
            left = self.question.without(*part)
            bound = -key if bounded else min(-key, self._bound(left, part))
            if self._closed(bound):
                continue
            if self.open and bound < -self.open[0][0]:
                self._push(bound, True, part)
            else:
                self._resolve(left, part, bound)
        return replace(self.best, bound=self.best.value, evaluated=self.evaluated, method="all sets")

    def _closed(self, bound: float) -> bool:
        return bound <= self.best.value * (1.0 + 1e-12) + self.question.margin

    def _push(self, bound: float, bounded: bool, part: Part) -> None:
        heappush(self.open, (-bound, next(self._tickets), bounded, part))

    def _bound(self, left: Question, part: Part) -> float:
        """Bound on the error of the sets of one part."""
        data, more = left.data, left.budget
        bound = data.error + rise(data.solution, more, row_sums(data.gram, more), np.inf)
        if not self.question.data.complete or len(data.gram) > SPECTRA:
            return bound
        return min(bound, kept_bound(self.question, *part))

    def _resolve(self, left: Question, part: Part, bound: float) -> None:
        """Look through a part, at least for a while where that may be enough, or cut it by its first loss."""
        patience = self.question.deadline - perf_counter()
        few = left.budget <= 2 or left.sets <= RATE * max(QUICK, patience / 2)
        if few and self._finish(left, part, patience):
            return
        ids, shares = self._sifted(left)
        if np.isfinite(shares).all() and self._finish(left, part, min(patience, PATIENCE)):
            return
        for j in range(len(ids) - left.budget + 1):  # those that hurt most come first
            reached = min(bound, left.data.error + float(shares[j : j + left.budget].sum()))
            if self._closed(reached):
                break
            self._push(reached, False, (np.append(part[0], part[1][ids[j]]), part[1][ids[j + 1 :]]))

    def _finish(self, left: Question, part: Part, patience: float) -> bool:
        """Look through a part by a kernel, for a while; whether that was enough."""
        hurried = replace(left, deadline=perf_counter() + patience)
        guess = Found(self.best.value, None)
        found = enumerate_shrinking(hurried, guess) if left.budget >= 2 and not left.data.freedom else None
        found = found or enumerate_general(hurried, guess)
        self.evaluated += found.evaluated
        best = self.best
        if found.value > best.value:
            best = replace(best, value=found.value, lost=np.concatenate([part[0], part[1][found.lost]]))
        if found.pivot is not None and found.pivot < (np.inf if best.pivot is None else best.pivot):
            best = replace(best, pivot=found.pivot, strained=np.concatenate([part[0], part[1][found.strained]]))
        self.best = replace(best, doubtful=best.doubtful or found.doubtful)
        return found.method != UNFINISHED

    def _sifted(self, left: Question) -> tuple[Ints, Floats]:
        """Who may still be among the worst, and how much of the bound each accounts for, largest first."""
        from ._shrinking_kernels import HUGE, sift

        data, n = left.data, len(left.data.gram)
        if data.freedom or left.budget < 2:
            return np.argsort(-np.sum(np.abs(data.solution) ** 2, axis=0), kind="stable"), np.full(n, np.inf)
        ids, f = np.arange(n), np.zeros(n)
        need = self.best.value * (1.0 + 1e-12) + self.question.margin - data.error
        spare, work = np.empty_like(data.inverse), np.zeros(n + left.budget + 1)
        kept = sift(data.inverse.copy(), data.solution.copy(), ids, f, n, left.budget, need, spare, work)
        return ids[:kept], np.where(f[:kept] >= HUGE, np.inf, f[:kept])


def parts_among(symmetries: list[Ints], n: int, stragglers: int) -> tuple[list[Part], str]:
    """Parts that together hold a set of every kind, and what they are; all sets are one part without symmetries."""
    everyone = np.arange(n)
    best, cost, note = [(everyone[:0], everyone)], comb(n, stragglers), ""
    for size in range(1, min(LARGEST_PART, stragglers - 2) + 1) if symmetries else ():
        found = representatives(symmetries, n, size)
        if found is None:
            break
        parts = list(found)
        left = sum(comb(len(allowed), stragglers - size) + OVERHEAD for _, allowed in parts)
        if left < cost:
            best, cost, note = parts, left, f" of {len(parts)} kinds that are not symmetric"
    return best, note
