"""The quadratic program of unbiased sums: closed forms, a solver where weights have a sign, the proof."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ._splitting import Marginals, components
from .errors import LimitError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

EXACT, SOLVED = 1e-8, 1e-6  # relative distance of value and bound that counts as none: closed forms, the solver
ROUNDING = 1e-14  # of the cost of the equal split


@dataclass(frozen=True, eq=False)
class Problem:
    """Minimise sum_j w_j [(1 - rho) sum_i alpha_ij^2 + rho (sum_i alpha_ij)^2], columns of alpha summing to 1.

    Attributes
    ----------
    support : array of bool, shape (n, k)
        Every column has an entry.
    costs : array, shape (n,)
        w_j of at least 0.
    correlation : float
        rho.
    """

    support: Bools
    costs: Floats
    correlation: float

    @cached_property
    def reliable(self) -> Bools:
        """Holders that cost nothing, shape (n, k)."""
        return np.asarray(self.support & (self.costs == 0.0)[:, None])

    @cached_property
    def priced(self) -> Bools:
        """Partitions without such a holder, shape (k,); the others have multiplier 0."""
        return np.asarray(~self.reliable.any(axis=0))

    def cost(self, alpha: Floats) -> float:
        """Return what is minimised."""
        rho = self.correlation
        each = (1.0 - rho) * (alpha**2).sum(axis=1) + rho * alpha.sum(axis=1) ** 2
        return float(self.costs @ each)

    def free(self) -> tuple[Floats, float]:
        """Return the best alpha of any sign, and a bound below all."""
        if self.correlation == 1.0:
            return self._by_component()
        live = self.costs > 0.0
        held, w, rho = self.support[live].astype(np.float64), self.costs[live], self.correlation
        shrink = w * (1.0 - rho + rho * held.sum(axis=1))
        priced = held * self.priced
        inverse = np.where(self.priced, 1.0 / np.maximum(held.T @ (1.0 / w), np.finfo(float).tiny), 0.0)
        multipliers = (1.0 - rho) * inverse
        if rho > 0.0:  # the columns' equations are diagonal but for one direction of each worker
            system = np.diag(shrink / rho) - (priced * inverse) @ priced.T
            multipliers += inverse * (priced.T @ np.linalg.solve(system, priced @ multipliers))
        sums = held @ multipliers
        alpha = np.zeros(self.support.shape)
        alpha[live] = held * (multipliers / w[:, None] - rho * (sums / shrink)[:, None]) / (1.0 - rho)
        gained = (held @ multipliers**2 - rho * w / shrink * sums**2) / (w * (1.0 - rho))
        return self._repaired(alpha), float(2.0 * multipliers.sum() - gained.sum())

    def nonnegative(self, seconds: float | None) -> tuple[Floats, float]:
        """Return the best alpha without negative entries, nearly, and a bound below all."""
        if not self.priced.any() or self.correlation == 0.0:
            return Problem(self.support, self.costs, 0.0).free()
        live = self.costs > 0.0
        alpha = np.zeros(self.support.shape)
        cells = np.ix_(live, self.priced)
        scale = self.cost(Problem(self.support, self.costs, 0.0).free()[0])  # so that the optimum is no more than 1
        found, multipliers = self._solved(self.support[cells], self.costs[live] / scale, seconds)
        found /= found.sum(axis=0)
        alpha[cells] = found
        workers = zip(self.support[cells], self.costs[live] / scale, strict=True)
        gained = sum(self._gained(multipliers[held], float(w)) for held, w in workers)
        return self._repaired(alpha), scale * float(2.0 * multipliers.sum() - gained)

    def _by_component(self) -> tuple[Floats, float]:
        """Only row sums count: on each component they are in proportion to 1 / w_j, or all on workers that are free."""
        alpha = Problem(self.support, self.costs, 0.0).free()[0]
        of_worker, of_partition = components(self.support)
        rows, bound = np.zeros(len(alpha)), 0.0
        for c in np.unique(of_partition):
            mine, total = of_worker == c, float((of_partition == c).sum())
            cheap = mine & (self.costs == 0.0)
            if cheap.any():
                rows[cheap] = total / cheap.sum()
            else:
                odds = mine / np.where(mine, self.costs, 1.0)
                rows += total * odds / odds.sum()
                bound += total**2 / float(odds.sum())
        used = self.support.any(axis=1)
        marginals = Marginals(self.support[used], np.ones(int(used.sum())))
        alpha[used] += marginals.of(1.0 - alpha.sum(axis=0), (rows - alpha.sum(axis=1))[used])
        return alpha, bound

    def _repaired(self, alpha: Floats) -> Floats:
        """Let columns sum to 1: what is missing is on reliable holders, or it is rounding."""
        takers = np.where(self.priced, self.support, self.reliable)
        return np.asarray(alpha + takers * ((1.0 - alpha.sum(axis=0)) / takers.sum(axis=0)))

    def _gained(self, multipliers: Floats, w: float) -> float:
        """Return the largest 2 mu . a - w [(1 - rho) sum a^2 + rho (sum a)^2] over a >= 0."""
        best, rho = np.sort(multipliers[multipliers > 0.0])[::-1], self.correlation
        if best.size == 0:
            return 0.0
        if rho == 1.0:
            return float(best[0] ** 2 / w)
        sums, shrink = np.cumsum(best), 1.0 - rho + rho * np.arange(1, best.size + 1)
        m = int(np.flatnonzero(best * shrink > rho * sums)[-1])  # so many are positive, and one more
        return float(((best[: m + 1] ** 2).sum() - rho * sums[m] ** 2 / shrink[m]) / (w * (1.0 - rho)))

    def _solved(self, support: Bools, w: Floats, seconds: float | None) -> tuple[Floats, Floats]:
        """Return a >= 0 and multipliers of its columns, as a general solver finds them."""
        import cvxpy

        cp: Any = cvxpy
        rows, columns = np.nonzero(support)
        each = np.arange(rows.size)
        x = cp.Variable(rows.size, nonneg=True)
        by_row = sparse.csr_array((np.sqrt(w)[rows], (rows, each)), shape=(len(support), rows.size))
        by_column = sparse.csr_array((np.ones(rows.size), (columns, each)), shape=(support.shape[1], rows.size))
        squares = cp.sum_squares(cp.multiply(np.sqrt(w)[rows], x))
        objective = (1.0 - self.correlation) * squares + self.correlation * cp.sum_squares(by_row @ x)
        whole = by_column @ x == 1.0
        problem = cp.Problem(cp.Minimize(objective), [whole])
        limit = {} if seconds is None else {"time_limit": seconds}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # the bound says how inaccurate a solution is
                problem.solve(solver=cp.CLARABEL, **limit)
        except cp.SolverError:
            pass
        if x.value is None or whole.dual_value is None:
            raise LimitError(
                f"seconds is {seconds} and the solver ended without weights; more, or any sign, would work"
            )
        found = np.zeros(support.shape)
        found[rows, columns] = np.maximum(x.value, 0.0)
        found[found < 1e-9] = 0.0
        lost = ~found.any(axis=0)
        found[:, lost] = support[:, lost]
        return found, -np.asarray(whole.dual_value, dtype=np.float64) / 2.0
