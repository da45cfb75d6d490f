"""Fixed coefficients as a boolean quadratic sum: bounds, good sets, and the search through all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import LinearOperator

from ._eigenvalues import largest_eigenvalue

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEP = 20_000_000  # operations of the kernel between two looks at the clock
CANDIDATES = 64  # workers on either side that are considered for a swap


@dataclass(frozen=True, eq=False)
class Problem:
    """Choose ``count`` of c workers: start + sum gain_i + sum_{i != j} V_ij is to be largest.

    Attributes
    ----------
    start : float
    gain : array, shape (c,)
    pairs : csr_array, shape (c, c)
        V, symmetric, 0 on the diagonal.
    count : int
        1 to c.
    """

    start: float
    gain: Floats
    pairs: sparse.csr_array
    count: int

    @classmethod
    def of(cls, encoding: sparse.csr_array, stragglers: int, factor: float, target: Floats | float = 1.0) -> Problem:
        """The error || factor sum_{j not in S} b_j - target ||^2 of the responders when S is lost."""
        miss = factor * np.asarray(encoding.sum(axis=0)).ravel() - target
        gram = sparse.csr_array((encoding @ encoding.conj().T).real) * factor**2
        squares = gram.diagonal()
        gain: Floats = squares - 2.0 * factor * np.asarray((encoding.conj() @ miss).real)
        pairs = sparse.csr_array(gram - sparse.diags_array(squares))
        pairs.eliminate_zeros()
        return cls(float(np.sum(np.abs(miss) ** 2)), gain, pairs, stragglers)

    def without(self, chosen: Ints, allowed: Ints) -> Problem:
        """The problem that is left when ``chosen`` are in the set and the others of it come from ``allowed``."""
        value = self.value(chosen)
        gain = self.gain + 2.0 * np.asarray(self.pairs[chosen].sum(axis=0)).ravel()
        return Problem(value, gain[allowed], self.pairs[allowed][:, allowed], self.count - len(chosen))

    def value(self, chosen: Ints) -> float:
        """What a set is worth."""
        return self.start + float(self.gain[chosen].sum()) + float(self.pairs[chosen][:, chosen].sum())

    @cached_property
    def ahead(self) -> Floats:
        """V 1."""
        return np.asarray(self.pairs @ np.ones(len(self.gain)))

    @cached_property
    def spread(self) -> float:
        """Largest eigenvalue of V on the vectors whose entries sum to 0 (at least 0)."""
        c = len(self.gain)

        def times(x: Floats) -> Floats:
            y = self.pairs @ (x.ravel() - x.mean())
            return np.asarray(y - y.mean())

        def dense() -> Floats:
            V = self.pairs.toarray()
            V -= V.mean(axis=0)
            V -= V.mean(axis=1)[:, None]
            return V

        return max(0.0, largest_eigenvalue(dense, LinearOperator((c, c), matvec=times, dtype=np.float64)))

    def rows(self, most: int) -> Floats:
        """Sum of the r - 1 largest entries of each row but its diagonal, for r = 0..most, shape (most + 1, c)."""
        V = self.pairs.toarray()
        np.fill_diagonal(V, -np.inf)
        V = -np.sort(-V, axis=1)[:, : most - 1]
        found = np.zeros((most + 1, len(V)))
        found[2:] = np.cumsum(V, axis=1).T
        return found

    def bound(self) -> float:
        """What no set exceeds, by the spectrum, see `_fixed_kernels.added`."""
        share = self.count / len(self.gain)
        linear = np.sort(self.gain + 2.0 * share * self.ahead)[len(self.gain) - self.count :].sum()
        spread = 0.0 if self.count == 1 else self.spread * self.count * (1.0 - share)
        mass = share * share * float(self.ahead.sum())
        return self.start + float(linear) - mass + spread if self.count > 1 else self.start + float(self.gain.max())

    def guess(self, rng: np.random.Generator, restarts: int) -> Ints:
        """A good set: greedy and random ones, improved by swaps."""
        c = len(self.gain)
        starts = [self._greedy(), *(rng.permutation(c)[: self.count] for _ in range(restarts))]
        return max((self._swapped(start) for start in starts), key=self.value)

    def _row(self, i: int) -> Floats:
        return np.asarray(self.pairs[[i]].toarray()).ravel()

    def _greedy(self) -> Ints:
        gain, chosen = self.gain.copy(), []
        for _ in range(self.count):
            chosen.append(int(gain.argmax()))
            gain += 2.0 * self._row(chosen[-1])
            gain[chosen[-1]] = -np.inf
        return np.array(chosen, dtype=np.int64)

    def _swapped(self, chosen: Ints) -> Ints:
        """Swap one worker for another as long as that helps, those first that look best."""
        inside = np.zeros(len(self.gain), dtype=bool)
        inside[chosen] = True
        gain = self.gain + 2.0 * np.asarray(self.pairs[chosen].sum(axis=0)).ravel()
        least = 1e-12 * max(1.0, abs(self.value(chosen)))
        for _ in range(10 * len(gain)):
            members, others = np.flatnonzero(inside), np.flatnonzero(~inside)
            members = members[np.argsort(gain[members], kind="stable")[:CANDIDATES]]
            others = others[np.argsort(-gain[others], kind="stable")[:CANDIDATES]]
            if not len(others):
                break
            block = self.pairs[members][:, others].toarray()
            better = gain[others] - gain[members][:, None] - 2.0 * block
            out, new = np.unravel_index(int(better.argmax()), better.shape)
            if better[out, new] <= least:
                break
            inside[members[out]], inside[others[new]] = False, True
            gain += 2.0 * (self._row(int(others[new])) - self._row(int(members[out])))
        return np.flatnonzero(inside)


@dataclass(frozen=True, eq=False)
class Searched:
    """The best value, never below the one given; its set, None if none is better; a bound; how many were evaluated."""

    value: float
    set: Ints | None
    bound: float
    evaluated: int


def search(problem: Problem, least: float, spread: float, deadline: float) -> Searched:
    """Look for a set that is worth more than ``least``; ``spread`` is that of V or of a matrix that V is a part of."""
    from ._fixed_kernels import PAUSED, added, search_fixed

    s, c = problem.count, len(problem.gain)
    if s == 1:
        i = int(problem.gain.argmax())
        value = problem.start + float(problem.gain[i])
        return Searched(max(value, least), np.array([i]) if value > least else None, max(value, least), c)
    order = np.argsort(-(problem.gain + problem.ahead), kind="stable")
    sorted_ = replace(problem, gain=problem.gain[order], pairs=problem.pairs[order][:, order])
    V = sorted_.pairs.toarray()
    ahead = np.zeros((c + 1, c))
    ahead[:c] = np.cumsum(V[::-1], axis=0)[::-1]  # row j: sums over the columns from j on
    mass = np.array([ahead[j, j:].sum() for j in range(c + 1)])
    rows, work, gain = sorted_.rows(s), np.zeros(c + s), np.zeros((s - 1, c))
    gain[0] = sorted_.gain
    reached, position = np.full(s - 1, problem.start), np.zeros(s - 1, dtype=np.int64)
    chosen, where, found = np.zeros(s, dtype=np.int64), np.zeros(2, dtype=np.int64), np.full(s, -1, dtype=np.int64)
    best, margin, status = np.array([least]), 1e-13 * max(1.0, abs(problem.start)), PAUSED
    while status == PAUSED and perf_counter() < deadline:
        status = search_fixed(
            gain, V, ahead, mass, rows, spread, reached, position, chosen, where, best, found, work, margin, STEP
        )
    bound = float(best[0])
    for depth in range(int(where[0]) + 1) if status == PAUSED else ():
        first, more = int(position[depth]), s - depth
        if first + more <= c:
            known = ahead[first], mass[first], rows[more], spread, work[:c], work[c:]
            bound = max(bound, float(reached[depth]) + added(gain[depth], first, more, *known))
    return Searched(float(best[0]), order[found] if found[0] >= 0 else None, bound, int(where[1]))
