"""Worst cases of each component of a code for every number of its workers lost."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations
from math import comb
from time import perf_counter

import numpy as np

from ._attack_search import POLISHED, candidates
from ._worst_bounds import kept_by_many
from ._worst_guess import WIDE
from ._worst_question import Question
from ._worst_setup import EXACT, LARGE, Component, Floats, Found, Ints, LeastSquares
from ._worst_structure import all_sets_are_alike, cyclic_zeros, merge_twins
from .errors import LimitError
from .seeding import generator

LARGEST = 4000  # workers of one component that the dense factorisation takes
BOUNDED = 10_000  # workers of one component whose worst error is at least bounded
FEW = 1_000_000  # sets that are looked at one by one even where structure would do
FALLBACK = 20_000  # sets that are looked at by plain least squares where the search proves too ill-conditioned
NOBODY: Ints = np.zeros(0, dtype=np.int64)


def attacked(most: int | None) -> int:
    """Number of sets above which the first guess is that of the standard attack; ``most`` that are searched through."""
    return WIDE if most is None else min(WIDE, most)


@dataclass(eq=False)
class Table:
    """Worst cases of one component for 0, 1, .. of its workers lost (squared norms where noise is meant)."""

    component: Component
    values: Floats
    bounds: Floats
    lost: list[Ints]
    evaluated: int = 0
    pivot: float | None = None
    methods: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Tables:
    """One solve: fills the tables of all components."""

    noise: bool
    stragglers: int
    deadline: float
    seed: int
    restarts: int
    symmetries: list[Ints] | None = None
    most: int | None = None
    tasks: int = 0

    def of(self, components: list[Component]) -> list[Table]:
        """One table per component; equal components share theirs."""
        keys = [component.key for component in components]
        distinct = dict(zip(reversed(keys), reversed(components), strict=True))
        alone = len(components) == 1
        self.tasks = sum(len(self._asked(c, alone)) for c in distinct.values() if not c.is_rank_one)
        by_size = sorted(distinct.items(), key=lambda item: item[1].size)
        made = {key: self._repetition(c) if c.is_rank_one else self._general(c, alone) for key, c in by_size}
        return [made[key] for key in keys]

    def _most(self, component: Component) -> int:
        """Largest loss in a table: for the noise, somebody must be left."""
        return min(self.stragglers, component.size - int(self.noise))

    def _asked(self, component: Component, alone: bool) -> list[int]:
        """Losses that need a search: the largest first, since it answers the others when it does no harm."""
        most = min(self.stragglers, component.size - 1)
        if alone:
            return [most] if most == self._most(component) and most > 0 else []
        return [most, *range(1, most)] if most > 0 else []

    def _repetition(self, component: Component) -> Table:
        """All send the same: nothing is lost before the last one; c - t responders share what c would."""
        size, most = component.size, self._most(component)
        error, norm = component.least_squares(np.arange(1, size))
        values = norm / (size - np.arange(most + 1)) if self.noise else np.full(most + 1, error)
        if not self.noise and most == size:
            values[size] = component.whole
        lost = [np.arange(t) for t in range(most + 1)]
        return Table(component, values, values.copy(), lost, methods=["plain repetition"])

    def _general(self, component: Component, alone: bool) -> Table:
        limit = LARGEST if self.noise else BOUNDED
        if component.size > limit:
            raise LimitError(f"{component.size} workers hang together; the search takes up to {limit}")
        start, most = component.least_squares(NOBODY)[int(self.noise)], self._most(component)
        lost: list[Ints] = [NOBODY] * (most + 1)
        table = Table(component, np.full(most + 1, start), np.full(most + 1, start), lost)
        if most == component.size:
            table.values[most] = table.bounds[most] = component.whole
            table.lost[most] = np.arange(most)
            table.methods.append("everybody lost")
        groups, leaders = [np.array([j]) for j in range(component.size)], np.arange(component.size)
        if not self.noise and component.size <= LARGE:
            groups, leaders = merge_twins(component.dense)
        asked = self._asked(component, alone)
        if not self.noise and self._alike(table, asked, groups, leaders):
            return table
        if (not self.noise and component.size > LARGE and max(asked, default=0) != 2) or component.size > LARGEST:
            self._bound_only(table, asked)
            return table
        data = LeastSquares.of(component.dense[leaders], component.target)
        for t in asked:
            self._fill(table, t, data, groups)
            if t == asked[0] and not self.noise and table.bounds[t] <= start + EXACT * component.whole:
                break
        return table

    def _alike(self, table: Table, asked: list[int], groups: list[Ints], leaders: Ints) -> bool:
        """Answer at once where sets of one size cause the same error; whether they do."""
        component, size = table.component, len(groups[0])
        same = all(len(group) == size for group in groups)
        if not asked or not same or not all_sets_are_alike(component.rows[leaders], component.target):
            return False
        for t in asked:
            table.lost[t] = np.concatenate([NOBODY, *groups[: t // size]])
            table.values[t] = table.bounds[t] = component.least_squares(table.lost[t])[0]
        table.methods.append("all sets of one size are alike")
        return True

    def _bound_only(self, table: Table, asked: list[int]) -> None:
        """Too many workers for a search: the spectral bound, and the loss of whole partitions."""
        component = table.component
        kept = kept_by_many(component.rows, component.target)
        for t in asked:
            table.lost[t] = component.starved(t)
            table.values[t] = component.least_squares(table.lost[t])[0]
            table.bounds[t] = max(table.values[t], kept.bound(t))
        table.methods.append("spectral bound")

    def _fill(self, table: Table, t: int, data: LeastSquares, groups: list[Ints]) -> None:
        """Answer for t lost workers of one component."""
        component = table.component
        if not self.noise and comb(component.size, t) > FEW and t <= cyclic_zeros(component):
            table.lost[t] = np.arange(t)  # neighbours are the worst conditioned
            table.methods.append("BCH bound on a cyclic code")
            return
        from ._worst_search import search

        now = perf_counter()
        deadline = now + (self.deadline - now) / max(self.tasks, 1)
        self.tasks -= 1
        weight = np.array([len(group) for group in groups], dtype=np.int64)
        question = Question(data, weight, t, self.noise, component.whole, deadline, self.most)
        rng = generator(self.seed, int(component.workers[0]), t)
        hints = [] if self.noise else self._hints(component, t, question, rng)
        whole = [np.array([g for g, group in enumerate(groups) if np.isin(group, S).all()], int) for S in hints]
        found = search(question, rng, self.restarts, self._symmetries(component, groups), whole)
        table.evaluated += found.evaluated
        lost = np.concatenate([groups[j] for j in found.lost] or [NOBODY])
        strained = np.concatenate([groups[j] for j in found.strained] or [NOBODY])
        found = self._checked(component, t, replace(found, lost=lost, strained=strained), hints[:1])
        table.values[t], table.bounds[t] = found.value, np.inf if found.bound is None else found.bound
        table.lost[t] = found.lost
        table.methods.append(found.method)
        if found.pivot is not None:
            table.pivot = min(found.pivot, np.inf if table.pivot is None else table.pivot)

    def _hints(self, component: Component, t: int, question: Question, rng: np.random.Generator) -> list[Ints]:
        """Workers whose loss may be bad: by the standard attack where there are many sets, else whole partitions."""
        if question.sets > attacked(self.most):
            now = perf_counter()
            found, _ = candidates(component, t, rng, now + (question.deadline - now) / 3)
            return [candidate.lost for candidate in found[:POLISHED]]
        columns = rng.integers(component.rows.shape[1], size=self.restarts)
        return [component.starved(t), *(component.starved(t, int(column)) for column in columns)]

    def _symmetries(self, component: Component, groups: list[Ints]) -> list[Ints] | None:
        """The given symmetries that send this component to itself, as permutations of its groups."""
        if not self.symmetries:
            return self.symmetries
        group_of = np.full(len(self.symmetries[0]), -1)
        for g, members in enumerate(groups):
            group_of[component.workers[members]] = g
        leaders = component.workers[[int(members[0]) for members in groups]]
        sent = [group_of[p[leaders]] for p in self.symmetries]
        return [p for p in sent if np.array_equal(np.sort(p), np.arange(len(groups)))]

    def _checked(self, component: Component, t: int, found: Found, hints: list[Ints]) -> Found:
        """Look at the sets that matter once more by plain least squares, and believe that where it differs.

        These are the worst set, the one that came nearest to a loss that cannot be made up for, and the first hint.
        """
        near, index = 1e-9 * component.whole, int(self.noise)
        value, lost = component.least_squares(found.lost)[index], found.lost
        agrees = not found.doubtful and abs(value - found.value) <= near + (1e-3 if self.noise else 1e-6) * value
        limits = [found.value, *(np.inf if found.bound is None else found.bound for _ in hints)]
        for other, limit in zip([found.strained, *hints], [] if self.noise else limits, strict=False):
            error = component.least_squares(other)[0]
            if error > value:
                value, lost, agrees = error, other, agrees and error <= limit + near
        if agrees:
            proved = found.bound is not None and found.bound <= found.value
            return replace(found, value=value, lost=lost, bound=value if proved else found.bound)
        if comb(component.size, t) <= FALLBACK:
            return every_set(component, t, self.noise, self.deadline)
        bound = None if self.noise else component.whole
        method = "too ill-conditioned for the search, nothing proved"
        return replace(found, value=value, lost=lost, bound=bound, method=method)


def every_set(component: Component, t: int, noise: bool, deadline: float) -> Found:
    """Plain least squares for every set of t workers (at most t for the noise): slow, and as reliable as it gets."""
    worst, count, complete = Found(0.0, None), 0, True
    for size in range(0 if noise else t, t + 1):
        for members in combinations(range(component.size), size):
            if perf_counter() > deadline:
                complete = False
                break
            lost = np.array(members, dtype=np.int64)
            value = component.least_squares(lost)[int(noise)]
            count += 1
            if value > worst.value:
                worst = Found(value, None, lost)
    otherwise = None if noise else component.whole
    return replace(
        worst,
        bound=worst.value if complete else otherwise,
        evaluated=count,
        method="all sets by plain least squares" if complete else "search not finished",
    )
