"""The one loop that moves allocations: L-BFGS on the logarithms of positive numbers whose weighted sum is fixed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float64]
Objective = Callable[[Floats], tuple[float, Floats]]

_SMALL = 1e-4  # share of the total below which a number is scaled no further
_LEAST = 1e-6  # of the largest number, where to start from zero


@dataclass(frozen=True)
class Descent:
    """Minimise a function of y > 0 with prices . y = total.

    A step is measured against the share of the total that each number holds, r_i = prices_i y_i / total: its logarithm
    moves by 1 / (5 sqrt(r_i)), as the curvature of the expected runtime asks for.

    Attributes
    ----------
    evaluations : int
        At most so many.
    rounds : int
        How often at most it begins anew, with the shares of the best point as new measures.
    """

    evaluations: int = 400
    rounds: int = 8

    def solve(
        self,
        objective: Objective,
        start: Floats,
        prices: Floats,
        total: float,
        *,
        lift: Callable[[Floats], Floats] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> tuple[Floats, float]:
        """Return the best point met and its value.

        Parameters
        ----------
        objective : callable
            A point in, (value, gradient) out.
        start, prices : array, shape (K,)
            The start is scaled to the total.
        total : float
        lift : callable, optional
            Applied to every point before it is scaled and evaluated; it may not change how the objective slopes.
        stop : callable, optional
            Asked after every evaluation; true ends the search.
        """
        walk = _Walk(objective, prices, total, lift, stop)
        best, left = walk.at(np.maximum(start, _LEAST * start.max())), self.evaluations
        for _ in range(self.rounds):
            before, used = walk.value, walk.used
            walk.run(best, left)
            best, left = walk.best, left - (walk.used - used)
            if walk.stopped or left <= 0 or not before - walk.value > 1e-9 * abs(walk.value):
                break
        return walk.best, walk.value


class _Walk:
    """One search: remembers the best point, stops from inside."""

    def __init__(
        self,
        objective: Objective,
        prices: Floats,
        total: float,
        lift: Callable[[Floats], Floats] | None,
        stop: Callable[[], bool] | None,
    ) -> None:
        self.objective, self.prices, self.total, self.lift, self.stop = objective, prices, total, lift, stop
        self.best = np.empty(0)
        self.value = np.inf
        self.used = 0
        self.stopped = False

    def at(self, point: Floats) -> Floats:
        """Return a point lifted and scaled to the total."""
        lifted = point if self.lift is None else self.lift(point)
        return np.asarray(lifted * (self.total / (self.prices @ lifted)))

    def run(self, start: Floats, limit: int) -> None:
        """Follow L-BFGS from a start."""
        scale = 5.0 * np.sqrt(np.maximum(self.prices * start / self.total, _SMALL))

        def along(w: Floats) -> tuple[float, Floats]:
            point = self.at(start * np.exp(w / scale))
            value, slope = self.objective(point)
            self.used += 1
            if value < self.value or not self.best.size:
                self.best, self.value = point, value
            if self.stop is not None and self.stop():
                raise StopIteration
            weighted = slope * point
            return value, (weighted - weighted.sum() * self.prices * point / self.total) / scale

        options: dict[str, Any] = {
            "maxfun": max(limit, 1),
            "maxiter": max(limit, 1),
            "maxcor": 20,
            "ftol": 1e-13,
            "gtol": 1e-9,
        }
        bounds = [(-3.0, 3.0)] * start.size
        run: Any = minimize  # the stubs know neither bounds as pairs nor these options
        try:
            run(along, np.zeros(start.size), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        except StopIteration:
            self.stopped = True
