"""The allocation most likely to meet a deadline: ascent from several starts, and what no allocation can reach."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from .descent import Descent
from .levels import Levels

Floats = NDArray[np.float64]
Probability = Callable[[Floats], tuple[float, Floats]]

_HOPELESS = 1e-30  # below this the probability says nothing about where to go
_REACHABLE = 1e-6  # from here an ascent can start
_CONFIDENCE = 1e-6


def log_odds(probability: Probability) -> Probability:
    """Return log((1 - P) / P) and its gradient instead: small where P is near 1, steep where P is near 0."""

    def objective(heights: Floats) -> tuple[float, Floats]:
        p, slope = probability(heights)
        inside = min(max(p, 1e-300), 1.0 - 1e-16)
        return float(np.log1p(-inside) - np.log(inside)), -slope / (inside * (1.0 - inside))

    return objective


@dataclass(frozen=True, eq=False)
class Ascent:
    """Maximise the probability to be in time, over all allocations of ``total`` coordinates.

    Whether the best point found is the best there is remains open: log P has no known convexity.

    Attributes
    ----------
    probability : callable
        (deadline) to a function of the heights that returns (P, gradient).
    levels : Levels
    total : float
    deadline : float
    seconds : float or None
        Time limit.
    """

    probability: Callable[[float], Probability]
    levels: Levels
    total: float
    deadline: float
    seconds: float | None = None

    def solve(self, starts: Iterable[Floats]) -> tuple[Floats, float]:
        """Return the best heights found from any start, and P there.

        A start at which P vanishes is first improved for later deadlines, then for earlier and earlier ones.
        """
        began = time.perf_counter()
        best: tuple[float, Floats] = (-1.0, np.empty(0))
        for start in starts:
            heights = self.levels.scaled(start, self.total)
            before = np.inf
            while (factor := self._within_reach(heights)) < 0.999 * before:
                heights, before = self._climb(heights, factor * self.deadline, began), factor
                if factor == 1.0 or self._late(began):
                    break
            best = max(best, (self._value(heights), heights), key=lambda pair: pair[0])
            if self._late(began):
                break
        return best[1], best[0]

    def _value(self, heights: Floats, factor: float = 1.0) -> float:
        return self.probability(factor * self.deadline)(heights)[0]

    def _within_reach(self, heights: Floats) -> float:
        """Return 1, or a multiple of the deadline for which P is small but not hopeless."""
        if self._value(heights) >= _HOPELESS:
            return 1.0
        low, high = 1.0, 2.0
        while self._value(heights, high) < _REACHABLE and high < 1e12:
            low, high = high, 2.0 * high
        for _ in range(12):
            middle = math.sqrt(low * high)
            low, high = (low, middle) if self._value(heights, middle) >= _REACHABLE else (middle, high)
        return high

    def _climb(self, start: Floats, deadline: float, began: float) -> Floats:
        objective = log_odds(self.probability(deadline))
        found, _ = Descent(evaluations=300).solve(
            objective,
            start,
            self.levels.prices,
            self.total,
            lift=np.maximum.accumulate,
            stop=lambda: self._late(began),
        )
        return found

    def _late(self, began: float) -> bool:
        return self.seconds is not None and time.perf_counter() - began > self.seconds


def clairvoyant_bound(delays: Floats, levels: Levels, total: float, deadline: float) -> float:
    """Return an upper bound on P for every allocation, from sampled delays, with confidence 1 - 1e-6.

    An allocation that meets the deadline has heights z_i <= deadline / D_i, so that the coordinates prices . z it
    stands for are at most deadline * sum_i prices_i min_{i' >= i} 1 / D_i'; where that is less than ``total`` no
    allocation is in time, not even one chosen for these very delays. The share of the rows in which one is, is an
    upper bound; Clopper & Pearson 1934 give its confidence limit.

    Parameters
    ----------
    delays : array, shape (rows, K)
        Seconds per derivative until level i is known, at least 0.
    levels : Levels
    total, deadline : float

    Examples
    --------
    >>> clairvoyant_bound(np.ones((1000, 1)), Levels.of(1), 2.0, 1.0) < 0.014
    True
    """
    with np.errstate(divide="ignore"):
        highest = deadline / delays
    highest = np.minimum.accumulate(highest[:, ::-1], axis=1)[:, ::-1]
    possible = int((highest @ levels.prices >= total * (1.0 - 1e-12)).sum())
    rows = len(delays)
    return 1.0 if possible == rows else float(beta.isf(_CONFIDENCE, possible + 1, rows - possible))
