"""Expected order statistics: when the k-th of n workers is done, on average."""

from __future__ import annotations

import dataclasses
import math
import time
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from .errors import InputError
from .result import Result, Status

HUGE = 1e300  # where a time cannot be told from infinity


class Distribution(Protocol):
    """What is asked of a distribution; frozen scipy.stats distributions have it."""

    def ppf(self, levels: Any, /) -> Any:
        """Return quantiles."""

    def isf(self, levels: Any, /) -> Any:
        """Return upper quantiles."""


@dataclass(frozen=True, kw_only=True)
class OrderStatisticsResult(Result):
    """Expected order statistics.

    Attributes
    ----------
    value : float
        The last of ``values``: the expected time until everybody is done.
    values : array, shape (n,)
        E T_(k) for k = 1..n; infinite where there is no mean.
    stderr : array, shape (n,)
        Standard errors; 0 where nothing was drawn.
    method : str
        How it was computed.
    """

    values: NDArray[np.float64]
    stderr: NDArray[np.float64]
    method: str

    def shifted(self, seconds: float) -> OrderStatisticsResult:
        """Return the result for times that are all later by so many seconds."""
        moved = self.values + seconds
        return dataclasses.replace(self, value=float(moved[-1]), bound=float(moved[-1]), values=moved)


@dataclass(frozen=True)
class ExpectedOrderStatistics:
    """E T_(k) for all k of n independent workers with one distribution, to about 10 digits.

    With X = -log(1 - F(T)) every distribution becomes the exponential, whose order statistics have a known density;
    E T_(k) is an integral over y = log X, where the integrand dies away exponentially on the left and doubly
    exponentially on the right, so that the trapezoidal rule converges exponentially.

    Attributes
    ----------
    step : float
        Step of the rule as a share of the width of the narrowest density.

    Examples
    --------
    >>> from scipy import stats
    >>> result = ExpectedOrderStatistics().solve(stats.expon(), 3)
    >>> result.values.round(10).tolist() == exponential_means(3, 1.0).round(10).tolist()
    True
    """

    step: float = 0.25

    def solve(self, distribution: Distribution, workers: int) -> OrderStatisticsResult:
        """Integrate.

        Parameters
        ----------
        distribution : object with ``ppf`` and ``isf``
            Of one worker's time.
        workers : int
            n.

        Raises
        ------
        InputError
            If ``workers`` is below 1.
        """
        if workers < 1:
            raise InputError(f"workers is {workers}; an integer of at least 1 is needed")
        began = time.perf_counter()
        y, x, times = self._grid(distribution, workers)
        k = np.arange(1, workers + 1)
        left = workers - k + 1.0
        constant = gammaln(workers + 1.0) - gammaln(k) - gammaln(left)
        rises = np.log(-np.expm1(-x))
        values = np.empty(workers)
        for i in range(workers):
            density = np.exp(constant[i] + (k[i] - 1.0) * rises - left[i] * x + y)
            values[i] = (y[1] - y[0]) * float(density @ times)
        values[left <= tail_index(distribution) + 1e-9] = math.inf
        seconds = time.perf_counter() - began
        last = float(values[-1])
        return OrderStatisticsResult(
            value=last,
            bound=last,
            status=Status.OPTIMAL,
            seconds=seconds,
            values=values,
            stderr=np.zeros(workers),
            method="quadrature",
        )

    def _grid(self, distribution: Distribution, workers: int) -> tuple[NDArray[np.float64], ...]:
        """Nodes y = log x and the time at each; x beyond 700 cannot be told from infinity."""
        y = np.arange(-45.0 - math.log(workers), math.log(700.0), self.step / math.sqrt(workers + 1.0))
        x = np.exp(y)
        low = x < math.log(2.0)
        with np.errstate(over="ignore"):
            times = np.where(low, distribution.ppf(-np.expm1(-x)), distribution.isf(np.exp(-x)))
        return y, x, np.minimum(times, HUGE)


@dataclass(frozen=True)
class SampledOrderStatistics:
    """E T_(k) for all k from drawn or measured rows, for workers of any kind.

    Examples
    --------
    >>> SampledOrderStatistics().solve([[1.0, 3.0], [4.0, 2.0]]).values.tolist()
    [1.5, 3.5]
    """

    def solve(self, times: ArrayLike) -> OrderStatisticsResult:
        """Sort each row and average.

        Parameters
        ----------
        times : array, shape (rows, n)
            At least two rows; infinity (no answer) is allowed, NaN is not.

        Raises
        ------
        InputError
            If there are fewer than two rows or a NaN.
        """
        began = time.perf_counter()
        rows = np.asarray(times, dtype=float)
        if rows.ndim != 2 or rows.shape[0] < 2 or rows.shape[1] < 1:
            raise InputError(f"times has shape {rows.shape}; (rows, workers) with at least 2 rows is expected")
        if np.isnan(rows).any():
            raise InputError("times holds NaN; seconds are expected, inf for no answer")
        ordered = np.sort(rows, axis=1)
        finite = np.isfinite(ordered).all(axis=0)
        values = np.full(rows.shape[1], math.inf)
        stderr = np.full(rows.shape[1], math.inf)
        values[finite] = ordered[:, finite].mean(axis=0)
        stderr[finite] = ordered[:, finite].std(axis=0, ddof=1) / math.sqrt(len(rows))
        return OrderStatisticsResult(
            value=float(values[-1]),
            bound=None,
            status=Status.FEASIBLE,
            seconds=time.perf_counter() - began,
            values=values,
            stderr=stderr,
            method=f"mean of {len(rows)} rows",
        )


def tail_index(distribution: Distribution) -> float:
    """Return a for a tail P(T > t) like t^(-1/a), about 0 for lighter ones; E T_(k) is finite where n - k + 1 > a.

    Examples
    --------
    >>> from scipy import stats
    >>> round(tail_index(stats.pareto(2.0)), 9)
    0.5
    """
    for x in (650.0, 300.0, 100.0, 30.0):
        with np.errstate(over="ignore"):
            near, far = float(distribution.isf(math.exp(10.0 - x))), float(distribution.isf(math.exp(-x)))
        if far < HUGE:
            return (math.log(far) - math.log(near)) / 10.0 if near > 0.0 else 0.0
    return math.inf


def exponential_means(workers: int, rate: float, shift: float = 0.0) -> NDArray[np.float64]:
    """Return E T_(k) = shift + (H_n - H_(n-k)) / rate of a shifted exponential, shape (n,) (Renyi 1953).

    Examples
    --------
    >>> exponential_means(2, rate=1.0).tolist()
    [0.5, 1.5]
    """
    return np.asarray(shift + np.cumsum(1.0 / np.arange(workers, 0, -1)) / rate)


def pareto_means(workers: int, shape: float, scale: float = 1.0) -> NDArray[np.float64]:
    """Return E T_(k) of a Pareto distribution, shape (n,); infinite where n - k + 1 <= 1/shape (Huang 1975).

    Examples
    --------
    >>> pareto_means(2, shape=2.0).round(12).tolist()
    [1.333333333333, 2.666666666667]
    """
    left = workers - np.arange(1, workers + 1) + 1.0
    finite = left > 1.0 / shape
    values = np.full(workers, math.inf)
    a = left[finite]
    logs = gammaln(workers + 1.0) - gammaln(a) + gammaln(a - 1.0 / shape) - gammaln(workers + 1.0 - 1.0 / shape)
    values[finite] = scale * np.exp(logs)
    return values
