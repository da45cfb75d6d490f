"""Real clusters: overhead, unequal workers, sending times, and levels that may be known before n - s answers are in.

The runtime of a row is no longer homogeneous, and with random overhead no longer convex, in the allocation; what is
found here is best found, with a bound from the convex problem without overhead and sending.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._kernels import arriving, arriving_slope
from .descent import Descent

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Group = tuple[Sequence[Sequence[int]], int]


@dataclass(frozen=True, eq=False)
class Decodability:
    """Which answers make a level known, for each of K levels: enough teams of each of its groups.

    A team has answered when one of its members has; a group is done when ``needed`` of its teams have answered; a
    level is known when all its groups are done. Waiting for n - s answers is one group of n teams of one.

    Attributes
    ----------
    groups : array of int, shape (K + 1,)
        Where the groups of each level begin.
    teams : array of int
        Where the teams of each group begin.
    members : array of int
        Where the members of each team begin.
    people : array of int
        The workers.
    needed : array of int
        Teams needed, one number per group.

    Examples
    --------
    >>> Decodability.of([[([[0], [1], [2]], 2)]]).needed.tolist()
    [2]
    """

    groups: Ints
    teams: Ints
    members: Ints
    people: Ints
    needed: Ints

    @classmethod
    def of(cls, levels: Sequence[Sequence[Group]]) -> Decodability:
        """Make one of nested lists: levels of groups of (teams of workers, how many are needed)."""
        groups = [group for level in levels for group in level]
        teams = [team for group, _ in groups for team in group]
        return cls(
            _starts([len(level) for level in levels]),
            _starts([len(group) for group, _ in groups]),
            _starts([len(team) for team in teams]),
            np.array([worker for team in teams for worker in team], dtype=np.int64),
            np.array([needed for _, needed in groups], dtype=np.int64),
        )

    @property
    def arrays(self) -> tuple[Ints, Ints, Ints, Ints, Ints]:
        """What the kernel takes."""
        return self.groups, self.teams, self.members, self.people, self.needed


def _starts(sizes: Sequence[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


@dataclass(frozen=True, eq=False)
class ArrivingRuntime:
    """The mean over rows of the time at which all levels are known; a function of the lengths.

    Attributes
    ----------
    begin, rate : array, shape (rows, n)
        Seconds before worker j computes anything, inf for never, and seconds per unit of work.
    shares : array, shape (K, n)
        Units of work of worker j per unit of length of level i.
    sending : array, shape (rows, n)
        Seconds a message takes worker j per unit of length; it sends one after the other.
    decodability : Decodability
    supports : array of bool, shape (K, n, k), optional
        Which partitions worker j holds for level i.
    forward : float
        Units of work that a partition costs a worker once, where more than one level has a length; needs the supports.

    Examples
    --------
    >>> both = Decodability.of([[([[0], [1]], 2)]])
    >>> ArrivingRuntime(np.ones((1, 2)), np.array([[1.0, 3.0]]), np.ones((1, 2)), np.zeros((1, 2)), both)([2.0])[0]
    7.0
    """

    begin: Floats
    rate: Floats
    shares: Floats
    sending: Floats
    decodability: Decodability
    supports: NDArray[np.bool_] | None = None
    forward: float = 0.0
    _known: dict[bytes, Floats] = field(default_factory=dict)

    def evaluate(self, lengths: ArrayLike) -> tuple[Floats, Ints]:
        """Return the time of every row, and what decides it, for `slope`."""
        x = np.ascontiguousarray(lengths, dtype=float)
        times, decisive = np.empty(len(self.begin)), np.zeros((len(self.begin), 3), np.int64)
        once = self._once(x > 0.0)
        arriving(self.begin, self.rate, self.shares, self.sending, once, x, *self.decodability.arrays, times, decisive)
        return times, decisive

    def _once(self, used: NDArray[np.bool_]) -> Floats:
        """Return the work that does not depend on the lengths up to each level, shape (K, n)."""
        if self.supports is None or self.forward == 0.0 or used.sum() <= 1:
            return np.zeros(self.shares.shape)
        key = used.tobytes()
        if key not in self._known:
            held = np.logical_or.accumulate(self.supports & used[:, None, None], axis=0)
            self._known[key] = self.forward * held.sum(axis=2)
        return self._known[key]

    def slope(self, decisive: Ints, weights: Floats) -> Floats:
        """Return the gradient of the weighted sum of the times, shape (K,)."""
        slope = np.zeros(len(self.shares))
        arriving_slope(self.rate, self.shares, self.sending, decisive, weights, slope)
        return slope

    def __call__(self, lengths: ArrayLike) -> tuple[float, Floats]:
        """Return the mean over the rows that end, and its gradient."""
        times, decisive = self.evaluate(lengths)
        ends = np.isfinite(times)
        if not ends.any():
            return np.inf, np.zeros(len(self.shares))
        weights = ends / ends.sum()
        return float(times[ends].mean()), self.slope(decisive, weights)

    def alone(self) -> Floats:
        """Return the time of every row if all work, one unit of length, were of level i, shape (rows, K)."""
        return np.stack([self.evaluate(unit)[0] for unit in np.eye(len(self.shares))], axis=1)

    def only(self, chosen: Sequence[int], decodability: Decodability) -> ArrivingRuntime:
        """Return the same with some levels only."""
        kept = list(chosen)
        supports = None if self.supports is None else self.supports[kept]
        return replace(self, shares=self.shares[kept], supports=supports, decodability=decodability, _known={})


@dataclass(frozen=True, eq=False)
class ArrivingLateness:
    """The smoothed share of the rows that miss a deadline, as `SmoothedCompletion`, of the lengths; to be minimised."""

    runtime: ArrivingRuntime
    deadline: float
    width: float

    def __call__(self, lengths: ArrayLike) -> tuple[float, Floats]:
        """Return log of the odds to be late and its gradient."""
        times, decisive = self.runtime.evaluate(lengths)
        with np.errstate(over="ignore"):
            late = 1.0 - 1.0 / (1.0 + (times / self.deadline) ** (1.0 / self.width))
        ends = np.isfinite(times)
        weights = np.where(ends, late * (1.0 - late) / (self.width * np.where(ends, times, 1.0)), 0.0) / len(times)
        p = min(max(float(late.mean()), 1e-12), 1.0 - 1e-12)
        return float(np.log(p / (1.0 - p))), self.runtime.slope(decisive, weights) / (p * (1.0 - p))


def descend(objective: ArrivingRuntime | ArrivingLateness, start: Floats, evaluations: int = 150) -> Floats:
    """Return the lengths with the sum of the start that are best for an objective, searched from there."""
    if isinstance(objective, ArrivingLateness):
        return Descent(evaluations=evaluations).solve(objective, start, np.ones(start.size), float(start.sum()))[0]

    if objective(start)[0] == 0.0:
        return start

    def logarithm(lengths: Floats) -> tuple[float, Floats]:
        value, slope = objective(lengths)
        return float(np.log(value)), slope / value

    return Descent(evaluations=evaluations).solve(logarithm, start, np.ones(start.size), float(start.sum()))[0]
