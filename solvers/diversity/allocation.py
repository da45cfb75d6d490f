"""What the diversity solvers share: the form of their results, their checks, and draws of the delays."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

from .._joint_kernels import joint
from ..errors import InputError
from ..joint_order_statistics import Distribution
from ..result import Result, Status
from .integers import check_total
from .levels import Levels
from .objectives import SampledRuntime, check_delays
from .search import Optimum

Floats = NDArray[np.float64]

EXACT_UP_TO = 150
"""Workers up to which exact objectives are searched; above, sample averages and fewer starts are faster."""


@dataclass(frozen=True, kw_only=True)
class Allocation(Result):
    """How many coordinates get which diversity.

    Attributes
    ----------
    value : float
        Expected runtime, or probability of completion, of ``x``.
    x : array, shape (n,)
        Coordinates of diversity 0..n-1; integers unless relaxed ones were asked for.
    relaxed : array, shape (n,)
        The optimum without integrality.
    relaxed_value : float
    method : str
        ``exact`` or ``sample-average``.
    stderr : float
        Of the value; 0 where it is exact.
    note : str
        What the bound rests on.
    """

    x: NDArray[np.int64] | Floats
    relaxed: Floats
    relaxed_value: float
    method: str
    stderr: float = 0.0
    note: str = ""

    def scaled(self, factor: float, offset: float = 0.0) -> Allocation:
        """Return the result for runtimes that are multiplied by a factor and then all later by an offset."""
        bound = None if self.bound is None else factor * self.bound + offset
        return replace(
            self,
            value=factor * self.value + offset,
            bound=bound,
            relaxed_value=factor * self.relaxed_value + offset,
            stderr=factor * self.stderr,
        )


def renyi(distribution: Distribution, levels: Levels, rows: int, rng: np.random.Generator) -> Floats:
    """Draw T_(needed) of every level together, shape (rows, K), without sorting (Renyi 1953).

    Examples
    --------
    >>> from scipy import stats
    >>> renyi(stats.expon(), Levels.of(3), 2, np.random.default_rng(0)).shape
    (2, 3)
    """
    waits = rng.standard_exponential((rows, levels.workers)) / np.arange(levels.workers, 0, -1)
    ages = np.cumsum(waits, axis=1, out=waits)[:, levels.needed - 1]
    return np.ascontiguousarray(distribution.isf(np.exp(-ages)), dtype=float)


def medians(distribution: Distribution, levels: Levels, level: float = 0.5) -> Floats:
    """Return that quantile of T_(needed) for every level, shape (K,)."""
    k = levels.needed.astype(float)
    found = np.asarray(distribution.isf(betaincinv(levels.workers - k + 1.0, k, 1.0 - level)), dtype=float)
    return np.asarray(np.maximum(found, 1e-300))


def checked(workers: int, total: float, diversities: Iterable[int] | None, *, whole: bool) -> tuple[Levels, float]:
    """Return the levels and the number of coordinates, or raise InputError; ``whole`` asks for an integer."""
    if isinstance(workers, bool) or not isinstance(workers, (int, np.integer)) or workers < 1:
        raise InputError(f"workers is {workers!r}; an integer of at least 1 is needed")
    if whole:
        return Levels.of(int(workers), diversities), float(check_total(total))
    if not (total > 0 and math.isfinite(total)):
        raise InputError(f"parameters is {total!r}; a finite number above 0 is needed")
    return Levels.of(int(workers), diversities), float(total)


@cache
def compile_kernels() -> None:
    """Compile what the searches call, or load it, before any clock starts."""
    joint(np.array([[0.5]]), np.ones(1, np.int64), 1, np.empty(1), np.empty((1, 1)))
    SampledRuntime(np.ones((2, 1)))(np.ones(1))


def known_when(delays: ArrayLike, total: float, levels: Levels | None, *, whole: bool) -> tuple[Floats, Levels, float]:
    """Return when each level is known in every row, shape (rows, K), the levels and the number of coordinates.

    Raises
    ------
    InputError
        If a shape or a number is impossible, or a level is known later than one with less redundancy.
    """
    width = np.shape(delays)[-1] if np.ndim(delays) == 2 else 1
    given, total = checked(width if levels is None else levels.workers, total, None, whole=whole)
    if levels is None:
        rows = np.sort(check_delays(delays, given.workers), axis=1)[:, ::-1]
        return np.ascontiguousarray(rows), given, total
    rows = check_delays(delays, levels.size)
    if (rows[:, 1:] > rows[:, :-1] * (1.0 + 1e-9)).any():
        raise InputError(
            "delays rises along a row; a level is known no later than one with less redundancy, "
            "np.minimum.accumulate(delays, axis=1) would work"
        )
    return rows, levels, total


def allocation_of(
    levels: Levels,
    lengths: NDArray[np.int64] | Floats,
    found: Optimum,
    relaxed_value: float,
    value: float,
    bound: float,
    method: str,
    began: float,
) -> Allocation:
    """Return the result for lengths on some levels."""
    full = levels.spread(lengths)
    return Allocation(
        value=value,
        bound=bound,
        status=status_of(value, bound),
        seconds=time.perf_counter() - began,
        x=full.astype(np.int64) if lengths.dtype.kind == "i" else full,
        relaxed=levels.spread(levels.lengths(found.heights)),
        relaxed_value=relaxed_value,
        method=method,
    )


def status_of(value: float, bound: float) -> Status:
    """Return ``optimal`` where value and bound agree to 1e-4."""
    return Status.OPTIMAL if abs(value - bound) <= 1e-4 * abs(value) else Status.FEASIBLE
