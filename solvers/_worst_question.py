"""The question that a search inside one component answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import comb
from time import perf_counter

import numpy as np

from ._worst_setup import Ints, LeastSquares

PIVOT_TOLERANCE = 1e-10  # smaller pivots of the null projector count as zero
FINE_TOLERANCE = 1e-14  # the same where they come from orthogonalised rows
STEP = 20_000_000  # operations of a kernel between two looks at the clock
MEMORY = 20_000_000  # numbers a search may keep in its stack of matrices


@dataclass(frozen=True, eq=False)
class Question:
    """One search: the data, what a loss of each worker costs, how many stragglers, and which number.

    Attributes
    ----------
    data : LeastSquares
        Of c workers.
    weight : int64, shape (c,)
        Stragglers needed to lose each.
    budget : int
        Stragglers allowed.
    noise : bool
        Maximise ||a||^2 instead of the error.
    ceiling : float
        Never exceeded, for a reason outside the search.
    deadline : float
        In the clock of `time.perf_counter`.
    most : int or None
        More sets than that are not searched through; None for no such limit.
    """

    data: LeastSquares
    weight: Ints
    budget: int
    noise: bool
    ceiling: float
    deadline: float
    most: int | None = None

    @property
    def start(self) -> float:
        """The number with nobody lost."""
        return float(np.linalg.norm(self.data.solution) ** 2) if self.noise else self.data.error

    @property
    def margin(self) -> float:
        """Differences so small are rounding."""
        return 1e-13 * (self.start if self.noise else self.ceiling)

    @property
    def unit(self) -> bool:
        """Whether the loss of any worker costs one straggler."""
        return bool((self.weight == 1).all())

    @property
    def sets(self) -> int:
        """Number of sets, at most."""
        n, most = len(self.weight), self.budget // int(self.weight.min())
        return sum(comb(n, t) for t in range(most + 1)) if not self.unit else comb(n, min(n, most))

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return perf_counter() > self.deadline

    def without(self, dropped: Ints, allowed: Ints) -> Question:
        """What is left of a question about the error when ``dropped`` are lost and only ``allowed`` may be lost too."""
        from ._adversary_kernels import drop_all

        data, start = self.data, self.start
        null, inverse, solution, error, _ = drop_all(
            data.null, data.inverse, data.solution, start, dropped, PIVOT_TOLERANCE, False
        )
        left = replace(data, null=null, inverse=inverse, solution=solution, error=float(error)).on(allowed)
        budget = self.budget - int(self.weight[dropped].sum())
        return replace(self, data=left, weight=self.weight[allowed], budget=budget)
