"""The relaxed optimum of the expected runtime with its certificate, from the gradients met on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from .descent import Descent
from .levels import Levels

Floats = NDArray[np.float64]
Runtime = Callable[[Floats], tuple[float, Floats]]

_KEPT = 12  # gradients that are combined to a certificate


@dataclass(frozen=True, eq=False)
class Optimum:
    """What `minimise` found.

    Attributes
    ----------
    heights : array, shape (K,)
    value : float
        Of the objective at these heights.
    bound : float
        No heights with the same total have a smaller value.
    evaluations : int
    """

    heights: Floats
    value: float
    bound: float
    evaluations: int


class Certifier:
    """Evaluates a convex runtime, homogeneous of degree one, and proves how small it can be.

    Every gradient proves a bound (`Levels.certificate`), and so does every average of gradients, since f(z') is at
    least slope . z' for each of them; the best average is a small linear program.
    """

    def __init__(self, runtime: Runtime, levels: Levels, total: float) -> None:
        self.runtime, self.levels, self.total = runtime, levels, total
        self.value, self.bound, self.heights = np.inf, 0.0, np.empty(0)
        self.evaluations = 0
        self.proofs: list[Floats] = []

    def __call__(self, heights: Floats) -> tuple[float, Floats]:
        """Return value and gradient, remember what they prove."""
        value, slope = self.runtime(heights)
        self.evaluations += 1
        if value < self.value:
            self.value, self.heights = value, heights
        # slope . z = f where f is homogeneous: what is missing is the error of a quadrature, and is taken off
        doubt = 3.0 * abs(float(slope @ heights) / value - 1.0)
        proof = (1.0 - doubt) * self.total * self.levels.loads * np.cumsum(slope[::-1])[::-1]
        self.bound = max(self.bound, float(proof.min()))
        self.proofs = [*self.proofs[1 - _KEPT :], proof]
        return value, slope

    @property
    def gap(self) -> float:
        """Relative distance of the best value from the bound."""
        return self.value / self.bound - 1.0 if self.bound > 0 else np.inf

    def combine(self) -> None:
        """Look for a better bound among the averages of the last gradients."""
        proofs = np.array(self.proofs) / self.value
        m, k = proofs.shape
        cost = np.append(np.zeros(m), -1.0)
        found = linprog(
            cost,
            A_ub=np.column_stack([-proofs.T, np.ones(k)]),
            b_ub=np.zeros(k),
            A_eq=np.append(np.ones(m), 0.0)[None, :],
            b_eq=[1.0],
            bounds=[(0.0, None)] * m + [(None, None)],
        )
        if found.status == 0 and found.x is not None:
            weights = np.maximum(found.x[:m], 0.0)
            self.bound = max(self.bound, self.value * float((weights / weights.sum() @ proofs).min()))


def minimise(
    runtime: Runtime,
    levels: Levels,
    start: Floats,
    total: float,
    *,
    tolerance: float = 1e-5,
    seconds: float | None = None,
    evaluations: int = 1000,
    enough: Callable[[float, float], bool] | None = None,
) -> Optimum:
    """Minimise a runtime over all allocations of ``total`` coordinates to levels.

    First over the logarithms of the heights, which needs a dozen evaluations where the levels lie well apart; then,
    where they do not (a large shift of the delays), over the logarithms of the lengths; and so on in turn.

    Parameters
    ----------
    runtime : callable
        Heights in, (value, gradient) out; convex and homogeneous of degree one.
    levels : Levels
    start : array, shape (K,)
        Heights to start from, in any scale.
    total : float
    tolerance : float
        Relative gap at which to stop.
    seconds : float, optional
        Time limit.
    evaluations : int
        At most so many.
    enough : callable, optional
        Called with (value, bound) after every evaluation; true stops as well.

    Examples
    --------
    >>> from gcopt.solvers.diversity.objectives import SampledRuntime
    >>> found = minimise(SampledRuntime(np.array([[2.0, 1.0]])), Levels.of(2), np.ones(2), 3.0)
    >>> round(found.value, 6), round(found.bound, 3)  # one coordinate twice, two once
    (4.0, 4.0)
    """
    began = time.perf_counter()
    certifier = Certifier(runtime, levels, total)

    def done() -> bool:
        if certifier.evaluations % 6 == 0 and tolerance < certifier.gap < 100 * tolerance:
            certifier.combine()
        late = seconds is not None and time.perf_counter() - began > seconds
        sufficient = enough is not None and enough(certifier.value, certifier.bound)
        return late or sufficient or certifier.gap <= tolerance

    def by_heights(heights: Floats) -> tuple[float, Floats]:
        value, slope = certifier(heights)
        return float(np.log(value)), slope / value

    def by_lengths(lengths: Floats) -> tuple[float, Floats]:
        value, slope = certifier(levels.heights(lengths))
        return float(np.log(value)), levels.loads * np.cumsum(slope[::-1])[::-1] / value

    if runtime(levels.scaled(start, total))[0] == 0.0:
        return Optimum(levels.scaled(start, total), 0.0, 0.0, 1)
    ones, point = np.ones(levels.size), start
    budget = max(40, levels.size // 5)
    while not certifier.evaluations or (not done() and certifier.evaluations < evaluations):
        before = certifier.value
        left = min(budget, evaluations - certifier.evaluations)
        Descent(evaluations=left).solve(by_heights, point, levels.prices, total, lift=np.maximum.accumulate, stop=done)
        left = min(3 * budget, evaluations - certifier.evaluations)
        if left > 0 and not done():
            Descent(evaluations=left).solve(by_lengths, levels.lengths(certifier.heights), ones, total, stop=done)
        point = certifier.heights
        if not before - certifier.value > 1e-9 * certifier.value:
            break
    if certifier.gap > tolerance:
        certifier.combine()
    return Optimum(certifier.heights, certifier.value, certifier.bound, certifier.evaluations)
