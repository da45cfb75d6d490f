"""Guarantees for gradient descent with a noisy gradient, each with its hypotheses, which are checked.

The gradient estimate ghat is unbiased and, for balanced allocations with d copies on n workers,
``E |ghat|^2 <= A |grad F|^2 + V`` with ``A = 1 + kappa / n`` and ``V = kappa (1 / d - 1 / n) sup_t sum_i
E |grad f_i(theta_t)|^2``, kappa = (w + p) / (1 - p).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from gcopt.checks import check_count, check_finite
from gcopt.code import GradientCode
from gcopt.convergence._summing import check_not_negative, check_positive, summing_rows
from gcopt.convergence.redundancy import kappa, redundancy
from gcopt.errors import InputError

_EQUAL = 1e-9


@dataclass(frozen=True)
class Hypothesis:
    """What a guarantee supposes, and whether it holds here."""

    statement: str
    holds: bool


@dataclass(frozen=True)
class Guarantee:
    """An upper bound.

    Attributes
    ----------
    name : str
    statement : str
        What is at most `value`.
    proof : str
        Its idea.
    hypotheses : tuple of Hypothesis
    value : float
        Infinity where a hypothesis fails.
    """

    name: str
    statement: str
    proof: str
    hypotheses: tuple[Hypothesis, ...]
    value: float

    @property
    def unmet(self) -> list[str]:
        """Hypotheses that fail."""
        return [one.statement for one in self.hypotheses if not one.holds]

    @classmethod
    def of(
        cls, name: str, statement: str, proof: str, hypotheses: Sequence[tuple[str, bool]], value: float
    ) -> Guarantee:
        """Return it; without value where a hypothesis fails."""
        held = all(holds for _, holds in hypotheses)
        return cls(name, statement, proof, tuple(Hypothesis(*one) for one in hypotheses), value if held else inf)


@dataclass(frozen=True)
class Noise:
    """How noisy the sum of what arrives is.

    Attributes
    ----------
    kappa : float
        (w + p) / (1 - p).
    workers, replication : float
        n and d.

    Examples
    --------
    >>> import gcopt
    >>> noise = Noise.of(gcopt.families.one_bit(8, 0.2, allocation="hadamard"), 0.2, variance=3.0)
    >>> noise.kappa, noise.relative, noise.spread
    (4.0, 1.5, 0.5)
    """

    kappa: float
    workers: float
    replication: float

    def __post_init__(self) -> None:
        check_finite("kappa", self.kappa, 0.0)
        if not 1 <= self.replication <= self.workers:
            raise InputError(f"replication is {self.replication:g}; a number from 1 to {self.workers:g} is needed")

    @classmethod
    def of(cls, code: GradientCode, probability: float, variance: float = 0.0) -> Noise:
        """Return it for a code whose messages are added up, and compressed with the relative variance w.

        Raises
        ------
        InputError
            If the allocation is not balanced, partitions have different numbers of copies, or weights are other than
            1 / (d (1 - p)).
        """
        rows, found = summing_rows(code), redundancy(code)
        if found.even is None or not found.balanced:
            raise InputError(
                f"code is {code.family}, in which partitions share workers unevenly; a balanced allocation is needed, "
                "such as one-bit with allocation hadamard or affine-plane"
            )
        if np.abs(rows[rows != 0] * found.even * (1.0 - probability) - 1.0).max() > _EQUAL:
            raise InputError(
                f"code has other weights than 1 / (d (1 - p)) for probability {probability:g}; its own would"
            )
        return cls(kappa(probability, variance), code.workers, found.even)

    @property
    def relative(self) -> float:
        """A = 1 + kappa / n."""
        return 1.0 + self.kappa / self.workers

    @property
    def spread(self) -> float:
        """V over sum_i E |grad f_i|^2."""
        return self.kappa * (1.0 / self.replication - 1.0 / self.workers)


def nonconvex(
    noise: Noise, *, smoothness: float, step: float, iterations: int, gap: float, gradients: float
) -> Guarantee:
    """Bound the mean of E |grad F(theta_t)|^2 over t < T.

    Parameters
    ----------
    noise : Noise
    smoothness : float
        L of F.
    step : float
        gamma, at most 1 / (L A).
    iterations : int
        T.
    gap : float
        F(theta_0) - inf F.
    gradients : float
        sup_t sum_i E |grad f_i(theta_t)|^2, or its mean over t < T.

    Examples
    --------
    >>> about = {"smoothness": 1.0, "iterations": 100, "gap": 1.0, "gradients": 2.0}
    >>> nonconvex(Noise(1.0, 4, 2), step=0.1, **about).value
    0.25
    >>> nonconvex(Noise(1.0, 4, 2), step=1.0, **about).unmet
    ['step <= 1 / (L A) = 0.8']
    """
    check_positive(smoothness=smoothness, step=step)
    check_not_negative(gap=gap, gradients=gradients)
    limit = 1.0 / (smoothness * noise.relative)
    value = 2.0 * gap / (step * check_count("iterations", iterations, 1)) + smoothness * step * noise.spread * gradients
    proof = "E F_(t+1) <= F_t - gamma |grad F|^2 + (L gamma^2 / 2)(A |grad F|^2 + V); sum over t."
    statement = "mean over t < T of E |grad F(theta_t)|^2"
    return Guarantee.of("nonconvex", statement, proof, [(f"step <= 1 / (L A) = {limit:.6g}", step <= limit)], value)


def convex(
    noise: Noise, *, smoothness: float, step: float, iterations: int, distance: float, gradients: float
) -> Guarantee:
    """Bound E F(mean of theta_t over t < T) - F* for convex F.

    Parameters are those of `nonconvex`; ``distance`` is |theta_0 - theta*|^2, the step at most 1 / (2 L A).

    Examples
    --------
    >>> found = convex(Noise(1.0, 4, 2), smoothness=1.0, step=0.1, iterations=100, distance=1.0, gradients=2.0)
    >>> round(found.value, 9)
    0.15
    """
    check_positive(smoothness=smoothness, step=step)
    check_not_negative(distance=distance, gradients=gradients)
    limit = 0.5 / (smoothness * noise.relative)
    value = distance / (step * check_count("iterations", iterations, 1)) + step * noise.spread * gradients
    proof = "Expand |theta - theta*|^2 and use |grad F|^2 <= 2 L (F - F*)."
    statement = "E F(mean of theta_t over t < T) - F*"
    return Guarantee.of("convex", statement, proof, [(f"step <= 1 / (2 L A) = {limit:.6g}", step <= limit)], value)


def dominated(
    noise: Noise,
    *,
    smoothness: float,
    strong_convexity: float,
    step: float,
    iterations: int,
    gap: float,
    gradients: float,
) -> Guarantee:
    """Bound E F(theta_T) - F* where |grad F|^2 >= 2 mu (F - F*), as for mu-strongly convex F.

    Parameters are those of `nonconvex`; ``strong_convexity`` is mu.

    Examples
    --------
    >>> about = {"smoothness": 1.0, "strong_convexity": 0.5, "iterations": 1, "gap": 1.0, "gradients": 2.0}
    >>> round(dominated(Noise(1.0, 4, 2), step=0.1, **about).value, 6)
    1.0
    """
    check_positive(smoothness=smoothness, strong_convexity=strong_convexity, step=step)
    check_not_negative(gap=gap, gradients=gradients)
    limit = 1.0 / (smoothness * noise.relative)
    left = (1.0 - step * strong_convexity) ** check_count("iterations", iterations, 1)
    value = left * gap + smoothness * step * noise.spread * gradients / (2.0 * strong_convexity)
    hypotheses = [
        (f"step <= 1 / (L A) = {limit:.6g}", step <= limit),
        ("strong_convexity <= smoothness", strong_convexity <= smoothness),
    ]
    proof = "As for nonconvex, then |grad F|^2 >= 2 mu (F - F*) and a geometric sum."
    return Guarantee.of("dominated", "E F(theta_T) - F*", proof, hypotheses, value)


def strongly_convex(
    noise: Noise,
    *,
    smoothness: float,
    strong_convexity: float,
    parts: Sequence[float],
    step: float,
    iterations: int,
    distance: float,
    gradients: float,
) -> Guarantee:
    """Bound E |theta_T - theta*|^2 for mu-strongly convex, L-smooth F, with nothing that only a run would tell.

    Parameters
    ----------
    noise : Noise
    smoothness, strong_convexity : float
        L and mu of F.
    parts : sequence of float
        L_i of each f_i.
    step : float
    iterations : int
        T.
    distance : float
        |theta_0 - theta*|^2.
    gradients : float
        sum_i |grad f_i(theta*)|^2.

    Examples
    --------
    >>> about = {"smoothness": 1.0, "strong_convexity": 0.5, "parts": [0.5, 0.5], "iterations": 1000}
    >>> found = strongly_convex(Noise(1.0, 4, 4), step=0.5, distance=1.0, gradients=2.0, **about)
    >>> found.value < 1e-100, found.unmet
    (True, [])
    """
    check_positive(smoothness=smoothness, strong_convexity=strong_convexity, step=step)
    check_not_negative(distance=distance, gradients=gradients, **{f"parts[{i}]": one for i, one in enumerate(parts)})
    squares = float(np.sum(np.square(parts)))
    noisy = step**2 * (noise.kappa * smoothness**2 / noise.workers + 2.0 * noise.spread * squares)
    rho = max((1.0 - step * strong_convexity) ** 2, (1.0 - step * smoothness) ** 2) + noisy
    floor = 2.0 * step**2 * noise.spread * gradients / (1.0 - rho) if rho < 1.0 else inf
    value = rho ** check_count("iterations", iterations, 1) * distance + floor if rho < 1.0 else inf
    proof = "Expand |theta - theta*|^2; |grad f_i|^2 <= 2 |grad f_i(theta*)|^2 + 2 L_i^2 |theta - theta*|^2."
    hypotheses = [
        (f"rho = {rho:.6g} < 1", rho < 1.0),
        ("strong_convexity <= smoothness", strong_convexity <= smoothness),
    ]
    return Guarantee.of("strongly-convex", "E |theta_T - theta*|^2", proof, hypotheses, value)
