"""Order statistics of independent workers taken together: P(T_(a) <= s, T_(b) <= t, ...) and E max_i z_i T_(k_i)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

from ._joint_kernels import joint
from .errors import InputError
from .order_statistics import tail_index

Floats = NDArray[np.float64]

_LOWER = (1e-10, 0.02, 0.4)
_UPPER = (0.2, 0.02, 1e-4, 1e-9)
_WIDE = 2.0  # ratio of its ends above which a panel is integrated in log s
_NEAREST = 1e-6  # how close to the earliest possible time panels begin, as a share of the first
_CLOSE = 1e-13  # and as a share of the time
_SMALLEST = 1e-10  # error that can still be told from rounding
_HALVINGS = 12


class Distribution(Protocol):
    """What is asked of the distribution of one worker's time; frozen scipy.stats distributions have it."""

    def cdf(self, times: Any, /) -> Any:
        """Return P(T <= times)."""

    def pdf(self, times: Any, /) -> Any:
        """Return the density."""

    def ppf(self, levels: Any, /) -> Any:
        """Return quantiles."""

    def isf(self, levels: Any, /) -> Any:
        """Return upper quantiles."""


@dataclass(frozen=True, eq=False)
class JointOrderStatistics:
    """T_(k) of n independent workers with one distribution, for several k at once, without any sampling.

    P(T_(k_i) <= t_i for all i) = P(at least k_i of the n are below t_i, for all i). The counts in the intervals
    between the t_i are multinomial; as Poisson counts conditioned on their sum n they become a chain, and every term
    of the recursion is positive, so that no digits are lost (checked against enumeration for small n). One pass
    backwards gives all derivatives.

    Attributes
    ----------
    distribution : object with ``cdf``, ``pdf``, ``ppf`` and ``isf``
        Of one worker's time; a density is needed only for gradients.
    workers : int
        n.
    needed : array of int, shape (K,)
        k_i: how many workers must be done; strictly descending, from 1 to n.
    nodes : int
        Of the Gauss-Legendre rule on each panel, of which there are six or more: they are cut in two where a level's
        share of the mean may be wrong by 10^(-nodes/2). What comes out is mostly much better: 6 digits with 10 nodes.

    Raises
    ------
    InputError
        If the numbers needed are out of range or not strictly descending.

    Examples
    --------
    >>> from scipy import stats
    >>> both = JointOrderStatistics(stats.expon(), 2, [2, 1])
    >>> round(both.probability([1.0, 0.5]), 9)  # both by 1, but not both after 0.5
    0.342621997
    >>> round(both.mean_of_maximum([1.0, 1.0]), 7)  # the later of two
    1.5
    """

    distribution: Distribution
    workers: int
    needed: ArrayLike
    nodes: int = 10

    def __post_init__(self) -> None:
        if not isinstance(self.workers, (int, np.integer)) or self.workers < 1:
            raise InputError(f"workers is {self.workers!r}; an integer of at least 1 is needed")
        needed = np.asarray(self.needed)
        if needed.ndim != 1 or not needed.size or needed.dtype.kind not in "iu":
            raise InputError(f"needed is {self.needed!r}; a list of integers is expected")
        if needed.max() > self.workers or needed.min() < 1 or (np.diff(needed) >= 0).any():
            raise InputError(
                f"needed is {needed.tolist()}; numbers from {self.workers} down to 1, strictly descending, are expected"
            )
        object.__setattr__(self, "needed", needed.astype(np.int64))

    @property
    def _needed(self) -> NDArray[np.int64]:
        return np.asarray(self.needed, dtype=np.int64)

    def probability(self, times: ArrayLike) -> float:
        """Return P(T_(k_i) <= times_i for all i); ``times`` has shape (K,) and may hold infinity.

        Raises
        ------
        InputError
            If the shape is wrong or there is a NaN.
        """
        return float(self._joint(self._levels(times), slopes=False)[0][0])

    def probability_and_slope(self, times: ArrayLike) -> tuple[float, Floats]:
        """Return P(T_(k_i) <= times_i for all i) and its derivatives with respect to the K cdf values, shape (K,)."""
        values, slopes = self._joint(self._levels(times))
        return float(values[0]), slopes[0]

    def _levels(self, times: ArrayLike) -> Floats:
        t = self._checked("times", times)
        # where more workers must be done by an earlier time, the later time for fewer says nothing
        return np.asarray(self.distribution.cdf(np.minimum.accumulate(t)))[None, :]

    def mean_of_maximum(self, factors: ArrayLike) -> float:
        """Return E max_i factors_i T_(k_i); infinite where there is no mean.

        Parameters
        ----------
        factors : array, shape (K,)
            At least 0, for instance the work of a worker up to and including segment i.
        """
        return self.mean_and_slope(factors)[0]

    def mean_and_slope(self, factors: ArrayLike) -> tuple[float, Floats]:
        """Return E max_i factors_i T_(k_i) and its derivatives with respect to the factors, shape (K,).

        The mean is the integral of 1 - P(max <= s). Its range comes afresh from the marginal quantiles of the T_(k_i),
        which enclose those of the maximum; beyond it a power-law tail is added in closed form.
        """
        z = np.maximum.accumulate(self._checked("factors", factors))
        if np.isinf(z[-1]):
            raise InputError("factors holds infinity; finite numbers are expected")
        if z[-1] == 0.0 or not self.has_mean(z):
            return (0.0 if z[-1] == 0.0 else math.inf), np.zeros(z.size)
        edges = (self._quantiles * z).max(axis=1)
        if edges[-1] - edges[0] <= 10.0 * _CLOSE * edges[-1]:
            latest = int(np.argmax(self._quantiles[0] * z))
            return float(edges[0]), np.where(np.arange(z.size) == latest, self._quantiles[0], 0.0)
        return self._integrate(z, edges)

    def _integrate(self, z: Floats, edges: Floats) -> tuple[float, Floats]:
        """Integrate over panels between the edges, and cut those in two that are not resolved."""
        start = z[-1] * self._earliest
        edges = np.maximum(edges, start + max(_NEAREST * (edges[1] - start), _CLOSE * edges[-1]))
        low, high, ends = edges[:-1], edges[1:], edges[[0, -1]]
        value, slope = float(edges[0]), np.zeros(z.size)
        for left in range(_HALVINGS, -1, -1):
            seconds, weights = _points(low, high, start, self.nodes)
            late, slopes = self._integrands(np.concatenate([ends, seconds.ravel()]), z)
            if ends.size:
                beyond = self._tail(z) * edges[-1]
                value, slope = value + beyond * late[1], beyond * slopes[1]
                latest = int(np.argmax(self._quantiles[0] * z))  # until the first edge
                slope[latest] += (1.0 - late[0]) * edges[0] / z[latest]
            late, slopes = late[ends.size :].reshape(seconds.shape), slopes[ends.size :].reshape(*seconds.shape, -1)
            # the mean is to be right, and each level's share of it
            terms = np.concatenate([late[:, :, None], slopes * z], axis=2) * weights[:, :, None]
            good = _resolved(terms, max(10.0 ** (-self.nodes / 2), _SMALLEST) * edges[-1]) | (left == 0)
            value += np.einsum("pi,pi->", weights[good], late[good])
            slope += np.einsum("pi,pik->k", weights[good], slopes[good])
            if good.all():
                break
            low, high, ends = *_halves(low[~good], high[~good], start), edges[:0]
        return float(value), slope

    def _integrands(self, seconds: Floats, z: Floats) -> tuple[Floats, Floats]:
        """Return 1 - P(max <= s) and its derivatives by the factors, shapes (S,) and (S, K)."""
        with np.errstate(divide="ignore"):
            times = seconds[:, None] / z
        values, slopes = self._joint(np.asarray(self.distribution.cdf(times)))
        with np.errstate(invalid="ignore"):
            density = np.where((z > 0) & (slopes > 0), self.distribution.pdf(times) * times / z, 0.0)
        return 1.0 - values, slopes * density

    def has_mean(self, factors: ArrayLike) -> bool:
        """Whether E max_i factors_i T_(k_i) is finite."""
        return self._decay(np.asarray(factors, dtype=float)) > 1.0 + 1e-9

    def _decay(self, z: Floats) -> float:
        """Return e where P(max > s) falls like s^-e; large for lighter tails."""
        first = int(np.argmax(z > 0))
        return float(self.workers - self._needed[first] + 1) / max(self._heaviness, 1e-6)

    def _tail(self, z: Floats) -> float:
        """Return what the integral beyond s is, as a multiple of s P(max > s)."""
        return 1.0 / (self._decay(z) - 1.0)

    @cached_property
    def _heaviness(self) -> float:
        return tail_index(self.distribution)

    @cached_property
    def _earliest(self) -> float:
        return max(float(self.distribution.ppf(0.0)), 0.0)

    @cached_property
    def _quantiles(self) -> Floats:
        """Marginal quantiles of the T_(k_i), shape (levels, K); those of the maximum are not below and hardly above."""
        k = self._needed.astype(float)
        left = self.workers - k + 1.0
        low = [self.distribution.ppf(betaincinv(k, left, p)) for p in _LOWER]
        high = [self.distribution.isf(betaincinv(left, k, p)) for p in _UPPER]
        return np.asarray(np.maximum(np.array([*low, *high]), 0.0), dtype=np.float64)

    def _checked(self, name: str, values: ArrayLike) -> Floats:
        array = np.asarray(values, dtype=float)
        if array.shape != self._needed.shape or np.isnan(array).any() or (array < 0).any():
            raise InputError(
                f"{name} has shape {array.shape}; {self._needed.size} numbers of at least 0 are expected, one for each"
                " of the numbers needed"
            )
        return array

    def _joint(self, levels: Floats, slopes: bool = True) -> tuple[Floats, Floats]:
        """Run the recursion on rows of cdf values in the order of ``needed``; both results in that order."""
        values, gradients = np.empty(len(levels)), np.empty((len(levels) if slopes else 0, levels.shape[1]))
        rising = np.ascontiguousarray(levels[:, ::-1], dtype=float)
        joint(rising, self._needed[::-1].copy(), int(self.workers), values, gradients)
        return np.minimum(values, 1.0), gradients[:, ::-1]


def _points(low: Floats, high: Floats, start: float, nodes: int) -> tuple[Floats, Floats]:
    """Return nodes and weights of each panel, shape (panels, nodes); wide ones go by the log of s - start."""
    x, w = _legendre(nodes)[:2]
    a, b = low[:, None] - start, high[:, None] - start
    wide = b > _WIDE * a
    u, v = np.where(wide, np.log(a), a), np.where(wide, np.log(b), b)
    y = 0.5 * (u + v) + 0.5 * (v - u) * x
    past = np.where(wide, np.exp(np.where(wide, y, 0.0)), y)
    return start + past, 0.5 * (v - u) * w * np.where(wide, past, 1.0)


def _halves(low: Floats, high: Floats, start: float) -> tuple[Floats, Floats]:
    a, b = low - start, high - start
    middle = start + np.where(b > _WIDE * a, np.sqrt(a * b), 0.5 * (a + b))
    return np.concatenate([low, middle]), np.concatenate([middle, high])


def _resolved(terms: Floats, accepted: float) -> NDArray[np.bool_]:
    """Say which panels are integrated well enough, from terms (weights included) of shape (panels, nodes, K).

    A rule with m nodes is exact to degree 2 m - 1, the polynomial through them has degree m - 1: what the last of its
    Legendre coefficients is, relative to the largest value, about the square root of the relative error of the
    integral. The power 3/2 instead of 2 is for what is not quite smooth.
    """
    _, w, last = _legendre(terms.shape[1])
    missing = np.abs(np.einsum("ji,pik->pjk", last, terms)).max(axis=1)
    largest = np.abs(terms / w[None, :, None]).max(axis=1) * 2.0
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.where(largest > 0, missing * np.sqrt(missing / largest), 0.0)
    return np.asarray(error.max(axis=1) <= accepted)


@cache
def _legendre(nodes: int) -> tuple[Floats, Floats, Floats]:
    """Nodes and weights of Gauss-Legendre, and what gives the last two coefficients from weighted values."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    degrees = np.array([nodes - 2, nodes - 1])
    last = np.polynomial.legendre.legvander(x, nodes - 1)[:, degrees].T * (2.0 * degrees + 1.0)[:, None]
    return x, w, last
