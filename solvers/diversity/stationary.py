"""The published search for the largest completion probability, to compare with: successive convex approximation.

Only for times shift + Exp(rate). With w_n = kap / z_n and kap = rate * deadline, the deadline is met exactly where, for
all n, no more than n workers need more than w_n (in units of 1/rate): a sum over the numbers k_n of workers whose time
falls between w_{n+1} and w_n, which is estimated from random k.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from ..errors import GcoptWarning, InputError
from ..seeding import RngLike, generator, seed_of
from .levels import Levels
from .published import check_positive, logarithmic

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NEVER = -40.0  # log of a probability that is as good as none


@dataclass(frozen=True)
class Stationary:
    """Constrained stochastic successive convex approximation; the last iterate counts.

    What it ends with varies a lot with the seed (.81 to .93 where .99 is possible): the members of K are drawn
    uniformly, and few of them carry the sum.

    Attributes
    ----------
    iterations : int
    draws : int
        Members of K per iteration.

    References
    ----------
    Wang, Cui, Li, Zou, Xiong 2022, arXiv 2206.02450, x_st.

    Examples
    --------
    >>> x = Stationary(iterations=3, draws=10).solve(2, 3.0, rate=1.0, shift=0.1, deadline=8.0, start=[2.0, 1.0], rng=0)
    >>> round(float(x.sum()), 9)
    3.0
    """

    iterations: int = 200
    draws: int = 500

    def __post_init__(self) -> None:
        if self.iterations < 1 or self.draws < 1:
            raise InputError(f"iterations is {self.iterations} and draws {self.draws}; at least 1 of each is needed")

    def solve(
        self,
        workers: int,
        total: float,
        rate: float,
        shift: float,
        deadline: float,
        start: ArrayLike,
        rng: RngLike = None,
    ) -> Floats:
        """Search; where the convex solver fails, stop, warn and return where it was.

        Parameters
        ----------
        workers : int
            n.
        total : float
            sum x.
        rate, shift : float
            Of the times per unit of work.
        deadline : float
            In the unit of T z: the deadline divided by the work units per derivative (t N / (M b)).
        start : array, shape (n,)
            x; theirs is x_lg.
        rng : None, int, Generator or SeedSequence

        Returns
        -------
        array, shape (n,)
            x, not rounded.

        Raises
        ------
        InputError
            If a number is impossible, or the start meets the deadline with probability 0.
        """
        g = generator(seed_of(rng))
        levels = Levels.of(workers)
        _check(workers, total, rate, shift, deadline)
        scale = rate * deadline
        w = scale / levels.heights(_inside(start, workers, total))
        u = _logs(w, rate * shift)
        if workers == 1:
            return np.array([float(total)])
        subproblem = _Subproblem(levels.prices, total / scale, rate * shift)
        slope = np.zeros(workers)
        for i in range(1, self.iterations + 1):
            drawn = -_slope(draw_members(self.draws, workers, g), u)
            slope += i**-0.6 * (drawn - slope)
            found = subproblem.solve(slope, u, w) if np.isfinite(slope).all() else None
            if found is None:
                done = f"after {i - 1} of {self.iterations} iterations"
                why = "the estimate or the convex solver failed"
                warnings.warn(f"stationary stopped {done}: {why}", GcoptWarning, stacklevel=2)
                break
            u, w = u + i**-0.7 * (found[0] - u), w + i**-0.7 * (found[1] - w)
        return levels.lengths(levels.scaled(scale / w, total))


def draw_members(rows: int, workers: int, g: np.random.Generator) -> Ints:
    """Draw uniformly from K = {k >= 0 : k_1 + .. + k_j <= j for j < N, sum k = N}, shape (rows, workers).

    N + 1 nonnegative numbers with sum N have exactly one rotation of which the first is 0 and the others are in K
    (cycle lemma, Dvoretzky & Motzkin 1947), so that K has C(2N, N) / (N + 1) members.

    Examples
    --------
    >>> draw_members(2, 1, np.random.default_rng(0)).tolist()
    [[1], [1]]
    """
    bars = np.sort(g.random((rows, 2 * workers)).argpartition(workers - 1, axis=1)[:, :workers], axis=1)
    ends = np.full((rows, 1), 2 * workers)
    k = np.diff(np.hstack([bars, ends]), prepend=-1, axis=1) - 1
    heights = np.cumsum(1 - k, axis=1)
    lowest = workers - np.argmin(heights[:, ::-1], axis=1)
    order = (lowest[:, None] + 2 + np.arange(workers)) % (workers + 1)
    return np.take_along_axis(k, order, axis=1)


class _Subproblem:
    """The convex problem of one iteration, compiled once; its parameters are where it is linearised."""

    def __init__(self, prices: Floats, budget: float, shift: float) -> None:
        import cvxpy

        cp: Any = cvxpy
        n = prices.size
        self.prices, self.budget = prices, budget
        self.u, self.w = cp.Variable(n), cp.Variable(n)
        self.slope, self.u_now, self.w_now = cp.Parameter(n), cp.Parameter(n), cp.Parameter(n)
        self.rise, self.offset = cp.Parameter(n, nonneg=True), cp.Parameter()
        near_u, near_w = cp.sum_squares(self.u - self.u_now), cp.sum_squares(self.w - self.w_now)
        later, now = self.w[1:], self.w[:-1]
        spent = prices @ cp.inv_pos(self.w)
        constraints: list[Any] = [
            self.rise @ self.w + self.offset + 1e-3 * near_w <= 1e-6,
            spent <= budget + 1e-3,
            cp.exp(self.u[:-1] + later) + cp.exp(later - now) <= 1.0,
            cp.exp(self.u[-1]) + cp.exp(-self.w[-1]) <= math.exp(-shift),
        ]
        self.problem: Any = cp.Problem(cp.Minimize(self.slope @ self.u + 1e-5 * (near_u + near_w)), constraints)

    def solve(self, slope: Floats, u: Floats, w: Floats) -> tuple[Floats, Floats] | None:
        """Return the next (u, w), or None where the solver fails."""
        import cvxpy as cp

        self.slope.value, self.u_now.value, self.w_now.value = slope, u, w
        # budget - sum prices / w at w, to first order
        self.rise.value = self.prices / w**2
        self.offset.value = self.budget - 2.0 * float((self.prices / w).sum())
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # inaccurate solutions lead to the same end
                self.problem.solve(solver=cp.CLARABEL)
        except cp.SolverError:
            return None
        if self.problem.status not in (cp.OPTIMAL, cp.OPTIMAL_INACCURATE):
            return None
        return np.asarray(self.u.value), np.asarray(self.w.value)


def _slope(k: Ints, u: Floats) -> Floats:
    """Gradient of the estimate of sum over K of multinomial(N; k) exp(k . u)."""
    n = u.size
    members = gammaln(2 * n + 1) - 2 * gammaln(n + 1) - math.log(n + 1)
    weights = np.exp(members + gammaln(n + 1) - gammaln(k + 1).sum(axis=1) + k @ u)
    return np.asarray(weights @ k / len(k))


def _logs(w: Floats, shift: float) -> Floats:
    """Return u: logs of the probabilities between the w, times e^-shift."""
    last = math.exp(-shift) - math.exp(-w[-1])
    if last <= 0.0:
        raise InputError("start meets the deadline with probability 0; begin with an allocation that can meet it")
    with np.errstate(divide="ignore"):
        return np.asarray(np.maximum(np.log(np.append(np.exp(-w[1:]) - np.exp(-w[:-1]), last)), _NEVER))


def _inside(start: ArrayLike, workers: int, total: float) -> Floats:
    """Return the start, away from where logarithms of its differences are infinite."""
    x = np.asarray(start, dtype=float)
    if x.shape != (workers,) or not (x >= 0.0).all() or not 0.0 < x.sum() < math.inf:
        raise InputError(
            f"start has shape {x.shape} or no finite positive sum; {workers} numbers of at least 0 are expected"
        )
    share = x / x.sum()
    return np.asarray(total * (share if share.all() else 0.99 * share + 0.01 * logarithmic(workers, 1.0)))


def _check(workers: int, total: float, rate: float, shift: float, deadline: float) -> None:
    for name, value in (("total", total), ("rate", rate), ("deadline", deadline)):
        check_positive(name, value)
    if not (math.isfinite(shift) and shift >= 0.0):
        raise InputError(f"shift is {shift}; a number of at least 0 is needed")
    if workers < 1:
        raise InputError(f"workers is {workers}; an integer of at least 1 is needed")
