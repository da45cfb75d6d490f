"""What is asked of an assignment: who may hold how much, what is minimised, and what no code could beat."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import comb

import numpy as np
from numpy.typing import NDArray

from ..errors import InfeasibleError, InputError
from ..load_bounds import mean_bound, mean_bound_independent, second_singular_bound, worst_bound

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EXACT = 2_000_000
"""Sets of stragglers up to which every one is looked at, at every move."""


@dataclass(frozen=True)
class Weights:
    """What each number counts in the objective; the sum of all four, each times its weight, is minimised.

    Attributes
    ----------
    worst : float
        Largest squared error over the sets of s stragglers.
    mean : float
        Mean squared error over random sets of s stragglers, or over independent ones.
    spectral : float
        Square of the second singular value of the encoding matrix, over that of the first.
    time : float
        Expected seconds until the answers decode with an error within the tolerance.
    """

    worst: float = 0.0
    mean: float = 0.0
    spectral: float = 0.0
    time: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0.0 <= value < np.inf:
                raise InputError(f"{name} is {value}; a finite weight from 0 would work")
        if not any(vars(self).values()):
            raise InputError("the weights are all 0; one of worst, mean, spectral, time must be wanted")

    @property
    def array(self) -> Floats:
        """All four, in this order."""
        return np.array([self.worst, self.mean, self.spectral, self.time])


@dataclass(frozen=True, eq=False)
class Rounds:
    """Iterations of a cluster that were drawn beforehand, so that all assignments are judged by the same ones.

    Attributes
    ----------
    overhead, pace : array, shape (rounds, n)
        Worker j with load d answers after ``overhead + pace * d`` seconds; infinite where it does not.
    tolerance : float
        Squared error, over k, at which the master stops waiting.
    never : float
        Seconds that a round costs in which that is not reached.
    """

    overhead: Floats
    pace: Floats
    tolerance: float
    never: float

    def bound(self, caps: Ints, partitions: int) -> float:
        """Return what no assignment can beat: the partitions that nobody has answered for are an error of 1 each.

        Derived here: at time t worker j cannot have answered for more than ``(t - overhead) / pace`` partitions, nor
        for more than it may hold.
        """
        needed = int(np.ceil(partitions * (1.0 - self.tolerance) - 1e-9))
        worker = np.repeat(np.arange(len(caps)), caps)
        step = np.concatenate([np.arange(1, cap + 1) for cap in caps])
        done = self.overhead[:, worker] + self.pace[:, worker] * step
        soonest = np.sort(done, axis=1)[:, needed - 1] if needed else np.zeros(len(done))
        return float(np.minimum(soonest, self.never).mean())


@dataclass(frozen=True, eq=False)
class Question:
    """A search for an assignment.

    Attributes
    ----------
    caps : int64, shape (n,)
        Most partitions that each worker holds.
    partitions : int
        k.
    stragglers : int
        s, for the worst case, and for the mean unless there are probabilities.
    weights : Weights
    probability : array, shape (n,), optional
        q_j: worker j straggles independently with this probability.
    replication : int, optional
        Every partition on so many workers; by default the copies are free as long as the loads allow.
    clusters : int, optional
        V: merge the partitions into so many clusters that are always placed together; by default it is searched.
    tuned : bool
        Whether coefficients are searched as well, or all copies count the same.
    rounds : Rounds, optional
        For the time.
    samples : int
        Sets of stragglers drawn where they are too many to look at all.

    Raises
    ------
    InputError
        If numbers do not fit together.
    InfeasibleError
        If there are not enough places for the copies; the message says what would be.
    """

    caps: Ints
    partitions: int
    stragglers: int
    weights: Weights
    probability: Floats | None = None
    replication: int | None = None
    clusters: int | None = None
    tuned: bool = True
    rounds: Rounds | None = field(default=None)
    samples: int = 500

    def __post_init__(self) -> None:
        n, k = self.workers, self.partitions
        if self.caps.min(initial=k) < 1 or self.caps.max(initial=1) > k:
            raise InputError(f"loads are {self.caps.tolist()}; each must be from 1 to the {k} partitions")
        if not 0 <= self.stragglers < n:
            raise InputError(f"stragglers is {self.stragglers}; from 0 to {n - 1} would work")
        if self.clusters is not None and not 1 <= self.clusters <= k:
            raise InputError(f"clusters is {self.clusters}; from 1 to the {k} partitions would work")
        if (self.weights.time > 0.0) != (self.rounds is not None):
            raise InputError("the time is wanted without rounds of a cluster, or the other way round; both are needed")
        if self.probability is not None and self.probability.shape != (n,):
            raise InputError(f"probability has shape {self.probability.shape}; ({n},) is needed")
        places = int(self.caps.sum())
        if places < k:
            raise InfeasibleError(f"the loads add up to {places}; {k} partitions need {k} places, one copy of each")
        copies = (self.clusters or k) * (self.replication or n)
        if copies < n:
            raise InfeasibleError(
                f"replication is {self.replication}: {copies} copies are fewer than the {n} workers, each of whom must "
                f"hold one; replication from {-(-n // (self.clusters or k))} would work"
            )
        if self.replication is not None and k * self.replication > places:
            raise InfeasibleError(
                f"replication is {self.replication}: {k} partitions need {k * self.replication} places and the loads "
                f"add up to {places}; replication up to {places // k} fits"
            )

    @property
    def workers(self) -> int:
        """n."""
        return len(self.caps)

    @property
    def sets(self) -> int:
        """How many sets of s stragglers there are."""
        return comb(self.workers, self.stragglers)

    @property
    def exact(self) -> bool:
        """Whether all of them are looked at; otherwise known bad ones, renewed again and again by an attack."""
        return self.sets <= EXACT

    @property
    def drawn(self) -> bool:
        """Whether a part of the objective is that of drawn sets or rounds, which may flatter a code."""
        return bool(self.weights.mean and (self.probability is not None or not self.exact)) or self.rounds is not None

    @property
    def sampled(self) -> str:
        """What of the objective is only sampled while searching, in words; empty if nothing."""
        parts = []
        if self.weights.worst and not self.exact:
            parts.append("worst case by the sets that an attack finds")
        if self.weights.mean and (self.probability is not None or not self.exact):
            parts.append(f"mean over {self.samples} drawn sets")
        if self.rounds is not None:
            parts.append(f"time over {len(self.rounds.pace)} drawn rounds")
        return "; ".join(parts)

    def mean_bound(self) -> float:
        """Return the mean squared error that no code whose workers hold no more can beat."""
        if self.probability is None:
            return mean_bound(self.caps, self.partitions, self.stragglers)
        return mean_bound_independent(self.caps, self.partitions, self.probability)

    def bound(self) -> float:
        """Return what no code whose workers hold no more can beat.

        Each term has its own bound, see `load_bounds` and `Rounds.bound`; the second singular value only where all
        loads are equal and entries are not tuned, for its bound is about regular matrices of zeros and ones.
        """
        k, weights = self.partitions, self.weights
        total = weights.worst * worst_bound(self.caps, k, self.stragglers) if weights.worst else 0.0
        if weights.mean:
            total += weights.mean * self.mean_bound()
        load, copies = int(self.caps[0]), self.replication
        regular = copies is not None and np.ptp(self.caps) == 0 and self.workers * load == k * copies
        if weights.spectral and copies and regular and not self.tuned:
            total += weights.spectral * second_singular_bound(self.workers, k, load) / (load * copies)
        if self.rounds is not None:
            total += weights.time * self.rounds.bound(self.caps, k)
        return total
