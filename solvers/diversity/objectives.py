"""What is to be small: the expected runtime or the probability of a late iteration, exactly or from samples.

Each objective is a function of the heights z (see `Levels`): the iteration takes max_i D_i z_i, where D_i is the time
per derivative of the last worker that level i needs, T_(needed_i) for independent workers. All are called with z,
shape (K,), and return a value and its gradient, shape (K,).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..joint_order_statistics import Distribution, JointOrderStatistics
from ._kernels import latest
from .levels import Levels

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ExactRuntime:
    """E max_i z_i T_(needed_i) of independent workers with one distribution, by quadrature.

    Examples
    --------
    >>> from scipy import stats
    >>> round(ExactRuntime(stats.expon(), Levels.of(2))([1.0, 1.0])[0], 6)
    1.5
    """

    distribution: Distribution
    levels: Levels
    nodes: int = 10

    @cached_property
    def joint(self) -> JointOrderStatistics:
        """The order statistics."""
        return JointOrderStatistics(self.distribution, self.levels.workers, self.levels.needed, self.nodes)

    def __call__(self, heights: ArrayLike) -> tuple[float, Floats]:
        """Return the expected runtime and its gradient."""
        return self.joint.mean_and_slope(heights)


@dataclass(frozen=True, eq=False)
class SampledRuntime:
    """The mean over rows of max_i D_i z_i; convex and homogeneous, whatever the rows are.

    Attributes
    ----------
    delays : array, shape (rows, K)
        D: seconds per derivative until level i is known.

    Examples
    --------
    >>> SampledRuntime(np.array([[3.0, 1.0], [1.0, 1.0]]))([1.0, 2.0])[0]
    2.5
    """

    delays: Floats

    def __call__(self, heights: ArrayLike) -> tuple[float, Floats]:
        """Return the mean and its gradient."""
        times, which, decisive = last_level(self.delays, heights)
        slope = np.bincount(which, weights=decisive, minlength=self.delays.shape[1])
        return float(times.mean()), slope / len(times)

    def times(self, heights: ArrayLike) -> Floats:
        """Return the runtime of every row."""
        return last_level(self.delays, heights)[0]


def last_level(delays: Floats, heights: ArrayLike) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Return the runtime max_i D_i z_i of every row, the level that decides it, and that level's delay."""
    times, which = np.empty(len(delays)), np.empty(len(delays), np.int64)
    latest(delays, np.ascontiguousarray(heights, dtype=float), times, which)
    return times, which, delays[np.arange(len(delays)), which]


@dataclass(frozen=True, eq=False)
class ExactCompletion:
    """P(max_i z_i T_(needed_i) <= deadline) of independent workers with one distribution.

    Examples
    --------
    >>> from scipy import stats
    >>> round(ExactCompletion(stats.expon(), Levels.of(1), 1.0)([1.0])[0], 6)
    0.632121
    """

    distribution: Distribution
    levels: Levels
    deadline: float

    @cached_property
    def joint(self) -> JointOrderStatistics:
        """The order statistics."""
        return JointOrderStatistics(self.distribution, self.levels.workers, self.levels.needed)

    def value(self, heights: ArrayLike) -> float:
        """Return the probability alone, which needs no density."""
        return self.joint.probability(self._times(np.asarray(heights, dtype=float)))

    def _times(self, z: Floats) -> Floats:
        return np.asarray(np.divide(self.deadline, z, out=np.full(z.size, np.inf), where=z > 0))

    def __call__(self, heights: ArrayLike) -> tuple[float, Floats]:
        """Return the probability and its gradient."""
        z = np.asarray(heights, dtype=float)
        times = self._times(z)
        value, slope = self.joint.probability_and_slope(times)
        density = np.zeros(z.size)
        density[z > 0] = self.distribution.pdf(times[z > 0]) * times[z > 0] / z[z > 0]
        return value, -slope * density


@dataclass(frozen=True, eq=False)
class SmoothedCompletion:
    """The mean over rows of a sigmoid of log(deadline / runtime) / width, which tends to the share that is in time.

    Attributes
    ----------
    delays : array, shape (rows, K)
    deadline : float
    width : float
        Above 0; the smaller, the closer to the share and the harder to climb.
    """

    delays: Floats
    deadline: float
    width: float

    def __call__(self, heights: ArrayLike) -> tuple[float, Floats]:
        """Return the smoothed share and its gradient."""
        times, which, decisive = last_level(self.delays, heights)
        with np.errstate(over="ignore"):
            share = 1.0 / (1.0 + (times / self.deadline) ** (1.0 / self.width))
        steepness = share * (1.0 - share) / (self.width * np.maximum(times, 1e-300))
        slope = np.bincount(which, weights=-steepness * decisive, minlength=self.delays.shape[1])
        return float(share.mean()), slope / len(times)


def check_delays(delays: ArrayLike, levels: int) -> Floats:
    """Return the delays as a contiguous array; refuse NaN, negative numbers and other shapes."""
    array = np.ascontiguousarray(delays, dtype=float)
    if array.ndim != 2 or len(array) < 2 or array.shape[1] != levels:
        raise InputError(f"delays has shape {array.shape}; (rows, {levels}) with at least 2 rows is expected")
    if np.isnan(array).any() or (array < 0).any():
        raise InputError("delays holds NaN or negative numbers; seconds are expected, inf for never")
    return array
