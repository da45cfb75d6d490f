"""What is asked of a code with short messages: its sizes, what is minimised, and what no code could beat."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from ..block_bounds import fixed_bound, mean_bound, mean_bound_independent, worst_bound
from ..errors import InfeasibleError, InputError

Ints = NDArray[np.int64]

EXACT = 3000
"""Sets of stragglers up to which every one is looked at, at every move."""

TUNABLE = 5e7
"""Sets times workers to the third up to which coefficients are tuned after every move."""


@dataclass(frozen=True)
class Question:
    """A search for a code whose messages are m times shorter.

    Attributes
    ----------
    workers, partitions : int
        n and k.
    load : int
        Most partitions on a worker.
    blocks : int
        m.
    stragglers : int
        s, for the worst case, and for the mean unless there is a probability.
    worst, mean : float
        What the largest squared error over the sets of s stragglers and the mean squared error count; the weighted sum
        is minimised.
    probability : float, optional
        q: for the mean, workers straggle independently with this probability.
    clusters : int, optional
        V: merge the partitions into so many clusters that are always placed together; by default it is searched.
    signs : bool
        Whether all coefficients are 1 or -1 and a worker has the same for all its partitions (construction I), or free.
    unbiased : bool
        Whether every responder is to count the same whoever responds, so that the mean estimate is the gradient: the
        least mean error of such codes whose decoding vectors are signs. Needs a probability and ``signs``.
    samples : int
        Sets of stragglers drawn where they are too many to look at all.

    Raises
    ------
    InputError
        If numbers do not fit together.
    InfeasibleError
        If the partitions cannot be held often enough.
    """

    workers: int
    partitions: int
    load: int
    blocks: int
    stragglers: int
    worst: float = 0.0
    mean: float = 1.0
    probability: float | None = None
    clusters: int | None = None
    signs: bool = False
    unbiased: bool = False
    samples: int = 400

    def __post_init__(self) -> None:
        n, k, d, m = self.workers, self.partitions, self.load, self.blocks
        if not (0.0 <= self.worst < np.inf and 0.0 <= self.mean < np.inf and self.worst + self.mean > 0.0):
            raise InputError(f"worst is {self.worst}, mean {self.mean}; finite weights from 0, not both 0, would work")
        if not 0 <= self.stragglers < n:
            raise InputError(f"stragglers is {self.stragglers}; from 0 to {n - 1} would work")
        if not 1 <= d <= k:
            raise InputError(f"load is {d}; from 1 to the {k} partitions would work")
        if n * d < k * m:
            raise InfeasibleError(
                f"blocks is {m}: {k} partitions need {m} workers each, {k * m} places, and {n} workers of load {d} "
                f"have {n * d}; load={-(-k * m // n)} or blocks={max(1, n * d // k)} would do"
            )
        if self.unbiased and (self.probability in (None, 1.0) or self.worst or not self.signs):
            raise InputError(
                f"unbiased is asked for with probability {self.probability}, worst {self.worst}, signs {self.signs}; a "
                "probability below 1, the mean alone and signs would work"
            )
        fewest = -(-k // d)
        if self.clusters is not None and not fewest <= self.clusters <= k:
            raise InputError(
                f"clusters is {self.clusters}; from {fewest} (none larger than a load) to the {k} partitions would work"
            )

    @property
    def caps(self) -> Ints:
        """Most partitions on each worker, shape (n,)."""
        return np.full(self.workers, self.load, dtype=np.int64)

    @property
    def sets(self) -> int:
        """How many sets of s stragglers there are."""
        return comb(self.workers, self.stragglers)

    @property
    def exact(self) -> bool:
        """Whether all of them are looked at."""
        return self.sets <= EXACT

    @property
    def all_means(self) -> bool:
        """Whether the mean is over all sets while searching."""
        return self.exact if self.probability is None else 2**self.workers <= EXACT

    @property
    def drawn(self) -> bool:
        """Whether a part of the objective is that of some sets only, which may flatter a code."""
        if self.unbiased:
            return False
        return (self.mean > 0.0 and not self.all_means) or (self.worst > 0.0 and not self.exact)

    @property
    def tuned(self) -> bool:
        """Whether coefficients are tuned after every move: not if they are signs, it takes too long, or sets are few.

        Drawn sets that are few beside the coefficients can be decoded by a code that decodes no others.
        """
        sets = (self.sets if self.exact else 0) + (0 if self.all_means else self.samples)
        told = not self.drawn or self.samples * self.blocks >= 2 * self.workers * self.load
        return not self.signs and told and sets * self.workers**3 <= TUNABLE

    def mean_bound(self) -> float:
        """Return the mean squared error that no code whose workers hold no more can beat."""
        about = self.caps.tolist(), self.partitions, self.blocks
        if self.probability is None:
            return mean_bound(*about, self.stragglers)
        return (fixed_bound if self.unbiased else mean_bound_independent)(*about, self.probability)

    def worst_bound(self) -> float:
        """Return the largest squared error that no code whose workers hold no more can beat."""
        return worst_bound(self.caps.tolist(), self.partitions, self.blocks, self.stragglers)

    def bound(self) -> float:
        """Return the weighted sum of both, of those that count."""
        return (self.worst * self.worst_bound() if self.worst else 0.0) + (
            self.mean * self.mean_bound() if self.mean else 0.0
        )
