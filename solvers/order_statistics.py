"""Expected order statistics: when the k-th of n workers is done, on average, and how fast (1 over that time)."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from .errors import InputError
from .result import Result, Status

HUGE = 1e300  # where a time cannot be told from infinity
TINY = 1e-290  # where a time cannot be told from zero
_DEEPEST = -690.0  # log x of the smallest x that a double still knows


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
        y = _nodes(workers, self.step)
        times = _times(distribution, y)
        values = np.array([(y[1] - y[0]) * float(density @ times) for density in _densities(y, workers)])
        left = np.arange(workers, 0, -1)
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
        rows = _checked_rows(times)
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


def expected_inverses(distribution: Distribution, workers: int, step: float = 0.25) -> NDArray[np.float64]:
    """Return E[1 / T_(k)] for k = 1..n independent workers with one distribution, to about 9 digits.

    The integrals of `ExpectedOrderStatistics` with 1/T for T. Where T grows like x^b near its smallest values,
    x = -log(1 - F), the integrand dies away only like x^(k - b) on the left: infinite for k <= b (k = 1 of an
    exponential), and followed further down where k - b is small.

    Parameters
    ----------
    distribution : object with ``ppf`` and ``isf``
        Of one worker's time, which is never negative.
    workers : int
        n.
    step : float
        As in `ExpectedOrderStatistics`.

    Returns
    -------
    array, shape (n,)
        Not increasing; all infinite where T = 0 has a probability (above 1e-20).

    Raises
    ------
    InputError
        If ``workers`` is below 1 or times can be negative.

    Examples
    --------
    >>> from scipy import stats
    >>> expected_inverses(stats.expon(), 2).round(9).tolist()
    [inf, 1.386294361]
    """
    if workers < 1:
        raise InputError(f"workers is {workers}; an integer of at least 1 is needed")
    y = _nodes(workers, step)
    values, power = _inverses(distribution, y, workers, workers)
    slow = min(workers, int(power + 0.75))
    if slow > 0:
        values[:slow] = _inverses(distribution, _nodes(workers, step, _DEEPEST), workers, slow)[0]
    return values


def sampled_inverses(times: ArrayLike) -> NDArray[np.float64]:
    """Return E[1 / T_(k)] from drawn or measured rows, for workers of any kind; infinite where a time is 0.

    Parameters
    ----------
    times : array, shape (rows, n)
        Nonnegative; infinity (no answer) is allowed, NaN is not.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    InputError
        If there are fewer than two rows, a NaN or a negative time.

    Examples
    --------
    >>> sampled_inverses([[1.0, 4.0], [2.0, 1.0]]).tolist()
    [1.0, 0.375]
    """
    rows = _checked_rows(times)
    if rows.min() < 0.0:
        raise InputError(f"times holds {rows.min():g}; a time is at least 0")
    with np.errstate(divide="ignore"):
        return np.asarray((1.0 / np.sort(rows, axis=1)).mean(axis=0))


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


def _nodes(workers: int, step: float, low: float = -45.0) -> NDArray[np.float64]:
    """Equally spaced y = log x of the first of n; x beyond 700 cannot be told from infinity."""
    return np.arange(low - math.log(workers), math.log(700.0), step / math.sqrt(workers + 1.0))


def _times(distribution: Distribution, y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Time at each node, at most `HUGE`."""
    x = np.exp(y)
    low = x < math.log(2.0)
    with np.errstate(over="ignore"):
        times = np.where(low, distribution.ppf(-np.expm1(-x)), distribution.isf(np.exp(-x)))
    return np.asarray(np.minimum(times, HUGE))


def _densities(y: NDArray[np.float64], workers: int) -> Iterator[NDArray[np.float64]]:
    """Densities in y of the 1st, 2nd, ... of n exponentials."""
    x = np.exp(y)
    rises = np.log(-np.expm1(-x))
    for k in range(1, workers + 1):
        left = workers - k + 1.0
        constant = gammaln(workers + 1.0) - gammaln(k) - gammaln(left)
        yield np.exp(constant + (k - 1.0) * rises - left * x + y)


def _inverses(
    distribution: Distribution, y: NDArray[np.float64], workers: int, count: int
) -> tuple[NDArray[np.float64], float]:
    """E[1 / T_(k)] for the first ``count`` k, and the power b with which T leaves 0 at the first node."""
    times = _times(distribution, y)
    if times.min() < 0.0:
        raise InputError(f"distribution goes down to {times.min():g}; a time is at least 0")
    first = int(np.argmax(times > TINY))
    # a power law is seen down to where doubles end; what stops before jumps to 0
    if times[first] <= TINY or (first > 0 and times[first] > 1e-200):
        return np.full(count, math.inf), 0.0
    y, times = y[first:], times[first:]
    h = y[1] - y[0]
    power = (math.log(times[8]) - math.log(times[0])) / (y[8] - y[0])
    values = np.full(count, math.inf)
    for k, density in zip(range(1, count + 1), _densities(y, workers), strict=False):
        if k > power + 1e-6:
            inverse = density / times
            # to the left of the first node the terms of the rule are a geometric series
            values[k - 1] = h * (float(inverse.sum()) + float(inverse[0]) / math.expm1((k - power) * h))
    return values, power


def _checked_rows(times: ArrayLike) -> NDArray[np.float64]:
    rows = np.asarray(times, dtype=float)
    if rows.ndim != 2 or rows.shape[0] < 2 or rows.shape[1] < 1:
        raise InputError(f"times has shape {rows.shape}; (rows, workers) with at least 2 rows is expected")
    if np.isnan(rows).any():
        raise InputError("times holds NaN; seconds are expected, inf for no answer")
    return rows
