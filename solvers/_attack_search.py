"""The search of the standard attack: where it starts, how it goes on, and what it remembers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ._attack_erasure import Clusters
from ._worst_setup import Component

Array = NDArray[Any]  # float64 or complex128
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# These constants are the definition of the standard attack: figures made with others do not compare.
EPSILONS = (1.0, 0.1, 0.01, 1e-4, 1e-6, 1e-8)  # ridges; rows have length 1
SLACKS = (0, 1, 2, 3, 4, 5)  # stragglers too many with which partitions are erased before some are heard again
ERASURES = 3000, 40, 4  # of each slack: pairs of clusters lost first, sets tried, the worst of them for the start
CHAIN = 200, 1_000_000  # proposals of a chain of annealing: so many per swap that is possible, at most so many
CHAINS = 48, 288  # at the ridges but the first and last in turn: at least and at most so many
PROPOSALS = 8_000_000  # of all chains, if they are not too many then
PIECES = 8  # of a chain; the tableau is made anew between them
ACCEPTED = 8  # proposals per move at least: a piece with more moves ends early, as where all sets are alike
HOT, COLD = 0.3, 0.04  # first and last temperature, in tenth percentiles of what swaps at a local optimum cost;
WARM = 0.5  # times that in chains that start from erasures: two in three
BUDGET = 10_000_000_000  # operations, roughly, after which no chain begins
STEPS = 200  # swaps of one climb
FEWEST, MOST = 4, 64  # sets found that are looked at by plain least squares
POLISHED = 3  # of these that are improved by swaps on the error itself


@dataclass(frozen=True, eq=False)
class Ridge:
    """The tableau of all live workers for one eps, see `_attack_kernels`."""

    tableau: Array
    decoding: Array
    error: float


@dataclass(eq=False)
class Search:
    """One attack on one matrix: its ridges, and the sets that were found.

    Attributes
    ----------
    ridges : sequence of Ridge
        By falling eps.
    clusters : Clusters
    stragglers : int
        s, 1 to n - 1.
    rng : Generator
    deadline : float
        In the clock of `time.perf_counter`.
    found : dict
        Set (sorted, as bytes) to its error at the last ridge and the kind of start that led there.
    erased : list of int64 arrays
        Sets of s workers that lose whole partitions.
    looked : int
        Sets judged.
    spent : int
        Operations, roughly.
    """

    ridges: Sequence[Ridge]
    clusters: Clusters
    stragglers: int
    rng: np.random.Generator
    deadline: float = np.inf
    found: dict[bytes, tuple[float, str]] = field(default_factory=dict)
    erased: list[Ints] = field(default_factory=list)
    looked: int = 0
    spent: int = 0

    def __post_init__(self) -> None:
        tableau, decoding = self.ridges[0].tableau, self.ridges[0].decoding
        self.size, self._last = len(tableau), len(self.ridges) - 1
        self._W, self._h, self._row = np.empty_like(tableau), np.empty_like(decoding), np.empty_like(tableau[0])
        self._work = np.empty((3, self.size))

    @classmethod
    def of(
        cls,
        rows: Array,
        target: Array,
        stragglers: int,
        rng: np.random.Generator,
        epsilons: Sequence[float] = EPSILONS,
        deadline: float = np.inf,
    ) -> Search:
        """From rows of length 1 (or 0), shape (n, q), and the target, shape (m, q)."""
        seen = target @ rows.conj().T
        values, vectors = np.linalg.eigh(rows.conj() @ rows.T)
        ridges, whole = [], float(np.linalg.norm(target) ** 2)
        for eps in epsilons:
            inverse = (vectors / (np.maximum(values, 0.0) + eps)) @ vectors.conj().T
            decoding = np.ascontiguousarray((inverse @ seen.T).T)
            ridges.append(Ridge(-inverse, decoding, whole - float(np.vdot(decoding, seen).real)))
        return cls(ridges, Clusters.of(rows, target), stragglers, rng, deadline)

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return perf_counter() > self.deadline

    def best(self, count: int) -> list[tuple[Ints, float, str]]:
        """Sets found, with error and kind of start: the worst at the last ridge of each kind, then the second, .."""
        ranked, place = sorted(self.found.items(), key=lambda item: -item[1][0]), dict[str, int]()
        order = []
        for key, (error, origin) in ranked:
            place[origin] = place.get(origin, 0) + 1
            order.append((place[origin], -error, key, origin))
        return [(np.frombuffer(key, dtype=np.int64), -rest, origin) for _, rest, key, origin in sorted(order)[:count]]

    def begin(self, slacks: Sequence[int] = SLACKS, erasures: tuple[int, int, int] = ERASURES) -> None:
        """Erasures and greedy choices, improved by swaps."""
        pairs, tried, kept = erasures
        self.descend(1, np.zeros(0, dtype=np.int64), "greedy")
        by_slack: list[list[Ints]] = []
        for slack in slacks:
            by_slack.append(self._erasures(slack, pairs, tried)[:kept])
            for members in by_slack[-1]:
                self.descend(self._last, members, "erasure")
                self.descend(1, members, "erasure")
                if self.late:
                    return
        self.erased = [sets[place] for place in range(kept) for sets in by_slack if place < len(sets)]
        for level in range(self._last, -1, -1):
            self.descend(level, np.zeros(0, dtype=np.int64), "greedy")
            if self.late:
                return

    def _erasures(self, slack: int, pairs: int, count: int) -> list[Ints]:
        """Sets that nearly lose whole partitions: of a few stragglers too many those who help least are heard again."""
        worst: dict[bytes, float] = {}
        lost = min(self.stragglers + slack, self.size - 1)
        for members in self.clusters.losses(lost, count, self.rng, pairs):
            error = self._fill(self._last, members)
            self._note(error, "erasure")
            worst[self._members.tobytes()] = error
        return [np.frombuffer(key, dtype=np.int64) for key in sorted(worst, key=lambda key: -worst[key])]

    def descend(self, level: int, members: Ints, origin: str) -> None:
        """Climb at this ridge and all that follow, and from here at the last one at once."""
        for route in ([level, self._last], range(level, self._last + 1)):
            now, error = members, 0.0
            for i in route:
                error = self._climb(i, now)
                now = self._members
            self._note(error, origin)
            if level >= self._last - 1 or self.late:
                break

    def anneal(self, effort: int = 1) -> None:
        """Chains of annealing from random sets and erasures, one ridge after the other."""
        proposals = min(CHAIN[1], CHAIN[0] * self.stragglers * (self.size - self.stragglers))
        share = -(-proposals // PIECES)
        moves = max(self.stragglers, min(share // ACCEPTED, BUDGET // (CHAINS[0] * PIECES * self.size**2)))
        for c in range(effort * int(np.clip(PROPOSALS // proposals, *CHAINS))):
            if self.late or self.spent > effort * BUDGET:
                return
            self.chain(c, share, moves)

    def chain(self, number: int, proposals: int, moves: int) -> None:
        """Anneal at one ridge, by pieces of so many proposals or moves, and descend from where that ends."""
        from ._attack_kernels import anneal, swap_values

        turn, place = divmod(number, self._last - 1)
        level, warm = 1 + place, turn % 3 > 0 and len(self.erased) > 0
        start = self.rng.permutation(self.size)[: self.stragglers]
        if warm:
            start = self.erased[(turn - turn // 3 - 1) % len(self.erased)]
        error = self._climb(level, start)
        now, costs = self._members, error - swap_values(self._W, self._h, error, self._work)
        cost = max(float(np.quantile(costs[np.isfinite(costs)], 0.1)), 1e-12 * abs(error))
        scale = cost * HOT * (WARM if warm else 1.0)
        cooling = (COLD / HOT) ** (1.0 / PIECES)
        for piece in range(PIECES):
            error = self._place(level, now)
            heat, factor = scale * cooling**piece, cooling ** (1.0 / proposals)
            error, tried, made = anneal(self._W, self._h, error, heat, factor, proposals, moves, self.rng, self._row)
            now = self._members
            self.looked += tried
            self.spent += 20 * tried + 2 * made * self.size**2
            if self.late:
                break
        self.descend(level, now, "annealing")

    @property
    def _members(self) -> Ints:
        """The stragglers of the tableau."""
        return np.flatnonzero(self._W.diagonal().real > 0.0)

    def _note(self, error: float, origin: str) -> None:
        """Remember the set of the tableau, at the last ridge."""
        key = self._members.tobytes()
        if key not in self.found:
            self.found[key] = error, origin

    def _place(self, level: int, members: Ints) -> float:
        """Make the tableau of a ridge without ``members`` and return its error."""
        from ._attack_kernels import place

        ridge = self.ridges[level]
        self.spent += (1 + len(members)) * self.size**2
        return place(ridge.tableau, ridge.decoding, ridge.error, members, self._W, self._h, self._row)

    def _fill(self, level: int, members: Ints) -> float:
        """The same, and lose more workers or hear some again greedily until s are lost."""
        from ._attack_kernels import fill, hear

        error, missing = self._place(level, members), self.stragglers - len(members)
        self.looked += abs(missing) * self.size
        self.spent += abs(missing) * self.size**2
        if missing < 0:
            return hear(self._W, self._h, error, -missing, self._row)
        return fill(self._W, self._h, error, missing, self._work, self._row)

    def _climb(self, level: int, members: Ints) -> float:
        """The same, and swap for the better as long as that is possible."""
        from ._attack_kernels import climb

        error = self._fill(level, members)
        error, steps = climb(self._W, self._h, error, STEPS, self._work, self._row)
        swaps = (steps + 1) * self.stragglers * (self.size - self.stragglers)
        self.looked += swaps
        self.spent += 2 * steps * self.size**2 + 4 * swaps
        return error


@dataclass(frozen=True, eq=False)
class Candidate:
    """A set of stragglers, its error by plain least squares, and the kind of start that led there."""

    error: float
    lost: Ints
    origin: str


def candidates(
    component: Component, stragglers: int, rng: np.random.Generator, deadline: float = np.inf, effort: int = 1
) -> tuple[list[Candidate], int]:
    """Attack one component with 1 to c - 1 stragglers: sets found, the worst first, and how many were judged."""
    search = Search.of(component.dense, component.target, stragglers, rng, deadline=deadline)
    search.begin()
    search.anneal(effort)
    n, q = component.rows.shape
    count = int(np.clip(BUDGET // (10 * n * n * min(n, q)), FEWEST, MOST))
    found: list[Candidate] = []
    for lost, _, origin in search.best(count):
        found.append(Candidate(component.least_squares(lost)[0], lost, origin))
        if search.late:
            break
    return sorted(found, key=lambda candidate: -candidate.error), search.looked


@lru_cache(maxsize=2)
def compile_search(dtype: str) -> Component:
    """Compile for this kind of numbers, before any clock starts; returns the small code that this was done with."""
    component = Component(np.arange(4), sparse.csr_array(np.eye(4, 3, dtype=dtype) / 2), 1)
    candidates(component, 2, np.random.default_rng(0))
    return component
