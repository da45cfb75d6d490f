"""The best coefficients on a fixed assignment, as far as that is convex.

`SpectralWeights` is for an adversary and least squares, `UnbiasedWeights` for independent stragglers and adding up.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from ._splitting import Splitting, spectral_norm
from ._unbiased import EXACT, ROUNDING, SOLVED, Problem
from .errors import InfeasibleError, InputError, LimitError
from .load_bounds import checked_chances
from .result import Result, Status

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CELLS, WORKERS = 4_000_000, 5_000  # n k and n up to which dense matrices are worked on
TINY = 1e-150  # odds of straggling below count as none: inverses of their squares would overflow


@dataclass(frozen=True, kw_only=True)
class SpectralWeightsResult(Result):
    """Weights, and what they guarantee.

    ``value`` is tau^2, see `SpectralWeights`; ``bound`` holds for all weights with the same support and row sums.

    Attributes
    ----------
    weights : array, shape (n, k)
        W; every column sums to 1.
    start : float
        tau^2 of the equal split, 1 / replication on every holder.
    iterations : int
    """

    weights: Floats
    start: float
    iterations: int

    def error(self, stragglers: int) -> float:
        """Return what the squared error does not exceed, decoded by least squares, whichever s workers straggle.

        Raises
        ------
        InputError
            If there are not so many workers.
        """
        n, k = self.weights.shape
        if not 0 <= stragglers <= n:
            raise InputError(f"stragglers is {stragglers}; with {n} workers 0 to {n} would work")
        ascending = np.sort(self.weights.sum(axis=1)) / k
        lost, left = float(ascending[n - stragglers :].sum()), float(ascending[: n - stragglers].sum())
        return k * self.value * lost / (self.value * lost + left) if left > 0.0 else float(k)


@dataclass(frozen=True)
class SpectralWeights:
    r"""Weights on a fixed assignment for which no set of stragglers hurts much: the smallest second singular value.

    That minimises what is guaranteed. Decoded by least squares the worst set may cost a little more or less than with
    equal weights, all the same; `gcopt.solvers.adversary.WorstCase` measures it.

    W, shape (n, k), is 0 where a worker does not hold a partition; its columns sum to 1, so that all messages add up to
    the gradient, and its row sums r, R = diag(r), are those of the equal split (k / n each where loads and replication
    are equal). Then R^-1/2 W has the singular value 1, with the vectors r^1/2 and 1, and tau is the largest of the
    others: tau = \|\|R^-1/2 W - R^1/2 1 1^T / k\|\|. That is minimised.

    Attributes
    ----------
    nonnegative : bool
        Whether all weights must be at least 0.
    gap : float
        Relative distance of value and bound at which the search ends.
    iterations : int
        Most steps, each a singular value decomposition.
    seconds : float or None
        Time limit; None for none.

    Raises
    ------
    InputError
        If an option is impossible.

    Notes
    -----
    Derived here, after Raviv, Tamo, Tandon & Dimakis 2018, arXiv 1707.03858 (their convex program: doubly stochastic
    symmetric weights on a graph; their bound improves by the factor by which tau falls).
    Let a = sum of r_j / k over the responders. Their indicator is a 1 + v with r^T v = 0, W^T v is orthogonal to 1, and
    \|\|W^T v\|\|^2 <= tau^2 v^T R v = tau^2 k a (1 - a) =: b. With every responder counting c the squared error is
    k (c a - 1)^2 + c^2 \|\|W^T v\|\|^2: for c = 1 / a at most b / a^2 = tau^2 k (1 - a) / a, which for equal r is
    sigma^2 n s / (n - s), sigma^2 = tau^2 k / n (the bound of Raviv et al.); for the best c, and therefore for least
    squares, at most k b / (b + k a^2) = k tau^2 (1 - a) / (tau^2 (1 - a) + a). An adversary takes the largest r.

    The bound is by weak duality: a matrix Z with nuclear norm 1 that is q_i mu_j + nu_i on the support (plus what is
    not negative, where weights must not be) has the same product with all W, or a least one, and tau is at least that.

    Examples
    --------
    >>> fano = np.array([[(j - i) % 7 in (0, 1, 3) for j in range(7)] for i in range(7)])
    >>> found = SpectralWeights().solve(fano)
    >>> print(round(found.value, 6), round(found.bound, 6), found.status)  # by symmetry nothing beats equal weights
    0.222222 0.222222 optimal
    >>> round(found.error(3), 6)
    1.0
    """

    nonnegative: bool = False
    gap: float = 1e-6
    iterations: int = 5000
    seconds: float | None = 60.0

    def __post_init__(self) -> None:
        _check_flag("nonnegative", self.nonnegative)
        if not 0.0 <= self.gap < 1.0:
            raise InputError(f"gap is {self.gap}; a number of at least 0 and below 1 would work")
        if self.iterations < 0:
            raise InputError(f"iterations is {self.iterations}; 0 or more would work")
        _check_seconds(self.seconds)

    def solve(self, assignment: ArrayLike | sparse.sparray) -> SpectralWeightsResult:
        """Find weights for one assignment.

        Parameters
        ----------
        assignment : array or sparse array, shape (n, k)
            Worker j holds partition i where it is not 0.

        Returns
        -------
        SpectralWeightsResult
            Status optimal (value and bound are as near as ``gap`` asks) or feasible (a limit came first).

        Raises
        ------
        InputError
            If it is no matrix of numbers.
        InfeasibleError
            If a partition is on no worker.
        LimitError
            If there are more than 5,000 workers, or 4 million pairs of worker and partition.
        """
        support = _support(assignment)
        started = perf_counter()
        used = support.any(axis=1)
        split = support / support.sum(axis=0)
        start = spectral_norm(split)
        deadline = inf if self.seconds is None else started + self.seconds
        weights = np.zeros(support.shape)
        searched = Splitting(split[used], self.nonnegative)
        weights[used], bound, steps = searched.minimise(self.gap, self.iterations, deadline)
        value = spectral_norm(weights) ** 2
        bound = min(bound**2, value)
        return SpectralWeightsResult(
            value=value,
            bound=bound,
            status=Status.OPTIMAL if value - bound <= max(self.gap, EXACT) * value else Status.FEASIBLE,
            seconds=perf_counter() - started,
            weights=weights,
            start=start**2,
            iterations=steps,
        )


@dataclass(frozen=True, kw_only=True)
class UnbiasedWeightsResult(Result):
    """Weights with which the sum of what arrives is unbiased.

    ``value`` is the variance, see `UnbiasedWeights`; ``bound`` holds for all weights with the same support.

    Attributes
    ----------
    weights : array, shape (n, k)
        alpha; every column sums to 1.
    encoding : array, shape (n, k)
        alpha_j / (1 - q_j): what worker j multiplies its partial gradients by, so that they are only to be added up.
    """

    weights: Floats
    encoding: Floats


@dataclass(frozen=True)
class UnbiasedWeights:
    """Fixed coefficients of least variance, such that the sum of what arrives is unbiased: workers straggle unequally.

    Worker j sends sum_i alpha_ij / (1 - q_j) times partial gradient i, and straggles with probability q_j. The columns
    of alpha sum to 1. The variance of the sum, partial gradients being unit vectors of which any two have the inner
    product rho, is sum_j q_j / (1 - q_j) [(1 - rho) sum_i alpha_ij^2 + rho (sum_i alpha_ij)^2]: that is minimised.

    Attributes
    ----------
    correlation : float
        rho from 0 to 1. With 0 it is the mean squared error of the coefficients, least for alpha_ij proportional to
        (1 - q_j) / q_j among the workers of i. With 1 it is the criterion of Song & Choi, where only the row sums of
        alpha count, and of all that are best the one nearest to the solution for 0 is returned.
    nonnegative : bool
        Whether all weights must be at least 0 (they are where rho is 0).
    seconds : float or None
        Time limit of the solver that nonnegative weights need; None for none.

    Raises
    ------
    InputError
        If an option is impossible.

    References
    ----------
    Song & Choi 2025, arXiv 2510.22539: rho = 1, optimum k^2 / sum_j (1 - q_j) / q_j where the support allows it (with
    weights of any sign: on each component of the assignment, derived here). Bitar, Wootters, El Rouayheb 2020, arXiv
    1905.05383: equal weights, which are best for equal workers and rho = 0.

    Notes
    -----
    Derived here: for any multipliers mu of the columns the optimum is at least 2 sum_i mu_i - sum_j max over alpha_j of
    2 mu . alpha_j - (cost of alpha_j), and the inner problem has a closed form, also for alpha_j >= 0, where only the
    entries with the largest mu are positive. A worker with q_j = 0 costs nothing and takes all it can reach; one with
    q_j = 1 is never heard, and gets nothing.

    Examples
    --------
    >>> found = UnbiasedWeights(correlation=1.0).solve(np.ones((4, 6)), probability=[0.1, 0.2, 0.4, 0.5])
    >>> print(round(found.value, 6), round(found.bound, 6), found.weights.sum(axis=1).round(3))
    2.322581 2.322581 [3.484 1.548 0.581 0.387]
    """

    correlation: float = 0.0
    nonnegative: bool = False
    seconds: float | None = 60.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.correlation <= 1.0:
            raise InputError(f"correlation is {self.correlation}; a number from 0 to 1 would work")
        _check_flag("nonnegative", self.nonnegative)
        _check_seconds(self.seconds)

    def solve(self, assignment: ArrayLike | sparse.sparray, *, probability: ArrayLike) -> UnbiasedWeightsResult:
        """Find weights for one assignment.

        Parameters
        ----------
        assignment : array or sparse array, shape (n, k)
            Worker j holds partition i where it is not 0.
        probability : float or array, shape (n,)
            q_j from 0 to 1, of worker j to straggle.

        Returns
        -------
        UnbiasedWeightsResult
            Status optimal (value and bound agree but for rounding) or feasible.

        Raises
        ------
        InputError
            If it is no matrix of numbers, or a probability is impossible.
        InfeasibleError
            If a partition is on no worker that may answer.
        LimitError
            If there are more than 5,000 workers, or 4 million pairs of worker and partition, or time is up.
        """
        support = _support(assignment)
        chances = checked_chances(probability, len(support))
        heard = chances < 1.0
        deaf = np.flatnonzero(~support[heard].any(axis=0))
        if deaf.size:
            raise InfeasibleError(
                f"partition {deaf[0]} is only on workers that always straggle; give it to another too"
            )
        if self.nonnegative:
            import cvxpy  # noqa: F401  before the clock starts
        started = perf_counter()
        costs = chances[heard] / (1.0 - chances[heard])
        problem = Problem(support[heard], np.where(costs < TINY, 0.0, costs), self.correlation)
        alpha, bound = problem.nonnegative(self.seconds) if self.nonnegative else problem.free()
        value = problem.cost(alpha)
        if abs(value - bound) <= ROUNDING * problem.cost(support[heard] / support[heard].sum(axis=0)):
            bound = value
        weights = np.zeros(support.shape)
        weights[heard] = alpha
        return UnbiasedWeightsResult(
            value=value,
            bound=min(value, bound),
            status=Status.OPTIMAL
            if value - bound <= (SOLVED if self.nonnegative else EXACT) * value
            else Status.FEASIBLE,
            seconds=perf_counter() - started,
            weights=weights,
            encoding=weights / np.where(heard, 1.0 - chances, 1.0)[:, None],
        )


def _support(assignment: ArrayLike | sparse.sparray) -> Bools:
    """Return who holds what, shape (n, k); refuse what is no matrix, has a partition on no worker or is too large."""
    given: Any = assignment if sparse.issparse(assignment) else np.asarray(assignment)
    if given.ndim != 2 or 0 in given.shape or given.dtype.kind not in "biufc":
        raise InputError(f"assignment has shape {given.shape} and type {given.dtype}; a matrix of numbers is needed")
    n, k = given.shape
    if n > WORKERS or n * k > CELLS:
        raise LimitError(
            f"assignment is {n} x {k}; up to {WORKERS} workers and {CELLS} pairs with a partition would work, or the "
            "equal split, 1 / replication"
        )
    dense: NDArray[Any] = given if isinstance(given, np.ndarray) else given.toarray()
    if not np.isfinite(dense).all():
        raise InputError("assignment holds NaN or infinity; finite numbers are needed")
    support: Bools = dense != 0
    unheld = np.flatnonzero(~support.any(axis=0))
    if unheld.size:
        raise InfeasibleError(
            f"partition {unheld[0]} is on no worker; no weights bring it back, every one needs a worker"
        )
    return support


def _check_flag(name: str, value: Any) -> None:
    if not isinstance(value, (bool, np.bool_)):
        raise InputError(f"{name} is {value!r}; true or false would work")


def _check_seconds(seconds: float | None) -> None:
    if seconds is not None and not seconds >= 0:
        raise InputError(f"seconds is {seconds}; a number of at least 0 or None would work")
