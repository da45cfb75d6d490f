"""The published methods by name, each judged exactly and measured against what is proved."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..joint_order_statistics import Distribution
from ..order_statistics import ExpectedOrderStatistics, expected_inverses
from ..seeding import RngLike, generator, seed_of
from .allocation import Allocation, status_of
from .completion import SAMPLED_BOUND, DiversityCompletion
from .integers import check_total, rounded
from .levels import Levels
from .objectives import ExactCompletion, ExactRuntime
from .published import (
    ferdinand_draper,
    logarithmic,
    proportional_to_inverses,
    proportional_to_means,
    single,
    tandon_partial,
)
from .runtime import EVALUATED_UP_TO, DiversityRuntime
from .stationary import Stationary
from .subgradient import Subgradient

Floats = NDArray[np.float64]

PUBLISHED = ("x-t", "x-f", "x-lg", "subgradient", "stationary", "single", "tandon-partial", "ferdinand-draper")


@dataclass(frozen=True, eq=False)
class Published:
    """A published method for independent workers with one distribution.

    Attributes
    ----------
    method : str
        One of `PUBLISHED`.
    distribution : object with ``cdf``, ``pdf``, ``ppf`` and ``isf``
        Of the time per derivative.
    workers : int
        n.
    total : float
        L, an integer.
    deadline : float or None
        In units of time per derivative: the probability to meet it is the value; else the expected runtime is.
    alpha : float
        Of ``tandon-partial``: how many times slower stragglers are at most.
    layers : int or None
        Of ``ferdinand-draper``; half the coordinates by default.
    iterations, draws : int or None
        Of ``subgradient`` (150 and 10,000) and ``stationary`` (200 and 500).
    shifted_exponential : (rate, shift) or None
        What ``stationary`` needs to know.

    Examples
    --------
    >>> from scipy import stats
    >>> found = Published("x-t", stats.expon(50.0, 1000.0), 10, 20000).solve()
    >>> round(found.value * 50 / 10 / 1e8, 4), found.bound < found.value
    (1.3057, True)
    """

    method: str
    distribution: Distribution
    workers: int
    total: float
    deadline: float | None = None
    alpha: float = 6.0
    layers: int | None = None
    iterations: int | None = None
    draws: int | None = None
    shifted_exponential: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.method not in PUBLISHED:
            raise InputError(f"method is {self.method!r}; one of {', '.join(PUBLISHED)} would work")
        check_total(self.total)

    def solve(self, rng: RngLike = 0) -> Allocation:
        """Return the published allocation, rounded, its exact value, and the bound proved for any allocation.

        Raises
        ------
        InputError
            If the method does not apply to the distribution or the problem.
        """
        seed = seed_of(rng)
        bound, note = self._bound(seed)
        began = time.perf_counter()
        relaxed = self._relaxed(seed)
        seconds = time.perf_counter() - began
        x = rounded(relaxed, int(self.total))
        value = self._judged(x)
        return Allocation(
            value=value,
            bound=bound,
            status=status_of(value, bound),
            seconds=seconds,
            seed=seed,
            x=x,
            relaxed=relaxed,
            relaxed_value=self._judged(relaxed),
            method=self.method,
            note=note,
        )

    def _bound(self, seed: int) -> tuple[float, str]:
        """Return what no allocation can beat, and what that rests on."""
        if self.deadline is None:
            best = DiversityRuntime(tolerance=1e-4).solve(self.distribution, self.workers, self.total, rng=seed)
            assert best.bound is not None
            sampled = self.workers > EVALUATED_UP_TO
            return best.bound, best.note if sampled else "bound: proved for every allocation"
        levels = Levels.of(self.workers)
        return DiversityCompletion().bound(self.distribution, levels, self.total, self.deadline, seed), SAMPLED_BOUND

    def _judged(self, x: Floats | NDArray[np.int64]) -> float:
        """Return the exact value of an allocation, over the levels it uses."""
        levels = Levels.of(self.workers, np.flatnonzero(x).tolist())
        heights = levels.heights(x[levels.diversities])
        if self.deadline is None:
            return ExactRuntime(self.distribution, levels, nodes=16)(heights)[0]
        return ExactCompletion(self.distribution, levels, self.deadline).value(heights)

    def _best(self, allocations: list[Floats]) -> Floats:
        sign = 1.0 if self.deadline is None else -1.0
        return min(allocations, key=lambda x: sign * self._judged(x))

    @property
    def _given(self) -> dict[str, int]:
        return {k: v for k, v in (("iterations", self.iterations), ("draws", self.draws)) if v is not None}

    @cached_property
    def _means(self) -> Floats:
        return ExpectedOrderStatistics().solve(self.distribution, self.workers).values

    def _relaxed(self, seed: int) -> Floats:
        n, total = self.workers, float(self.total)
        ways: dict[str, Callable[[], Floats]] = {
            "x-t": lambda: proportional_to_means(self._means, total),
            "x-f": lambda: proportional_to_inverses(expected_inverses(self.distribution, n), total),
            "x-lg": lambda: logarithmic(n, total),
            "single": lambda: self._best([single(level, n, total) for level in range(n)]),
            "tandon-partial": lambda: self._best(
                [tandon_partial(s, self.alpha, n, total) for s in range(1, n)] or [single(0, n, total)]
            ),
            "ferdinand-draper": lambda: ferdinand_draper(self.layers or max(1, int(total) // 2), n, total),
            "subgradient": lambda: self._subgradient(seed),
            "stationary": lambda: self._stationary(seed),
        }
        return ways[self.method]()

    def _subgradient(self, seed: int) -> Floats:
        if self.deadline is not None:
            raise InputError("method is 'subgradient'; it minimises the expected runtime, not a probability")
        solver = replace(Subgradient(), **self._given)

        def sample(rows: int, g: np.random.Generator) -> Floats:
            return np.asarray(self.distribution.isf(g.random((rows, self.workers))), dtype=float)

        start = proportional_to_means(self._means, float(self.total))
        return solver.solve(sample, start, float(self.total), generator(seed))

    def _stationary(self, seed: int) -> Floats:
        if self.deadline is None:
            raise InputError("method is 'stationary'; it maximises the probability to meet a deadline, not the runtime")
        if self.shifted_exponential is None:
            raise InputError("method is 'stationary'; it is for shifted-exponential delays only")
        solver = replace(Stationary(), **self._given)
        start = logarithmic(self.workers, float(self.total))
        rate, shift = self.shifted_exponential
        return solver.solve(self.workers, float(self.total), rate, shift, self.deadline, start, generator(seed))
