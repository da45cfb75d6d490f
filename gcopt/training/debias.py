"""What the decoded gradient of an approximate code is on average: expected before a run, and found after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gcopt.averages import mean_error, moments
from gcopt.code import GradientCode
from gcopt.errors import InputError
from gcopt.inexact import decoded, draws_for, responders
from gcopt.redrawn import mean_over_draws, moments_over_draws
from gcopt.solvers.seeding import generator
from gcopt.waiting import Waiting

if TYPE_CHECKING:
    from gcopt.cluster import Cluster

Floats = NDArray[np.float64]

_STREAM = 103  # below the seed of a run
_NOTHING = 1e-6
_ROUNDING = 1e-9


def expected_factors(waiting: Waiting, cluster: Cluster | None, probability: float | None, seed: int) -> list[float]:
    """Return the multiple of the gradient that each segment is decoded to on average.

    Parameters
    ----------
    waiting : Waiting
        The rule of the run.
    cluster : Cluster or None
        Where stragglers come from: iterations are drawn and whoever the rule waits for is decoded. Without it all
        orders of arrival are equally likely.
    probability : float or None
        q: every worker straggles independently; then neither the cluster nor the rule counts.
    seed : int

    Returns
    -------
    list of float, one per segment
        1 where that is decoded exactly, or without bias. Exact where the sets of responders are few and the cluster is
        not asked; else the standard error is that of some hundred to two thousand draws.

    Raises
    ------
    InputError
        If nothing says who answers by a deadline, or next to nothing of the gradient is heard.

    Examples
    --------
    >>> import gcopt
    >>> code = gcopt.GradientCode.from_matrix(np.eye(4), stragglers=1, approximate=True)
    >>> expected_factors(Waiting(code), None, None, seed=0), expected_factors(Waiting(code), None, 0.5, seed=0)
    ([0.75], [0.5])
    """
    rng = generator(seed, _STREAM)
    segments = range(len(waiting.code.segments))
    by_count = all(waiting.by_count(c) for c in segments)
    if probability is not None or (cluster is None and by_count):
        found = [_average(waiting, c, probability, rng) for c in segments]
    else:
        heard = _heard(waiting, cluster, rng)
        # where no iteration ever ends the run will say so
        found = [float(decoded(waiting, c, heard[:, c])[1].mean()) if len(heard) else 1.0 for c in segments]
    for c, factor in enumerate(found):
        if factor < _NOTHING:
            raise InputError(
                f"debias would divide segment {c} by {factor:.3g}: next to nothing of it is heard; fewer stragglers "
                "would work"
            )
    return [1.0 if abs(factor - 1.0) <= _ROUNDING else factor for factor in found]


def _heard(waiting: Waiting, cluster: Cluster | None, rng: np.random.Generator) -> NDArray[np.bool_]:
    if cluster is not None:
        return responders(waiting, cluster, rng)
    if waiting.deadline is not None:
        raise InputError(
            "debias is True and nothing says who answers by the deadline; cluster= or probability= would work"
        )
    n = waiting.code.workers
    order = rng.random((draws_for(n), n, 1))
    return waiting.heard(np.repeat(order, len(waiting.code.segments), axis=2))


def _average(waiting: Waiting, c: int, probability: float | None, rng: np.random.Generator) -> float:
    segment = waiting.code.segments[c]
    about: dict[str, Any] = {"stragglers": segment.stragglers, "probability": probability}
    options = {**about, "samples": draws_for(segment.workers), "rng": rng}
    redrawn, decoder = segment.signs is not None, waiting.decoders[c]
    if segment.is_linear:
        return (moments_over_draws(segment, **options) if redrawn else moments(decoder, **options)).factor
    # least squares projects the target, so that what is lost of it is the error
    lost = mean_over_draws(segment, **options) if redrawn else mean_error(decoder, **options)
    return 1.0 - lost.value / (segment.blocks * segment.partitions)


@dataclass(frozen=True)
class Estimate:
    """What the gradients of a run were estimates of: mean and spread of the coefficients of the partial gradients.

    Segments count by their lengths.

    Attributes
    ----------
    factor : float
        The multiple of the gradient that is nearest to the mean estimate.
    bias : float
        ||mean coefficients - target||^2 / (m k); within what few iterations allow, so about variance / iterations even
        where there is none.
    variance : float
        Mean squared distance of the coefficients from their mean, over m k.
    worst_partition : int or None
        The partition that counted least on average; None where all were decoded exactly.
    worst_weight : float
        What it counted; 1 is right.
    debiased : bool
    expected_factor : float or None
        What the estimate was divided by; None where it was not.
    """

    factor: float = 1.0
    bias: float = 0.0
    variance: float = 0.0
    worst_partition: int | None = None
    worst_weight: float = 1.0
    debiased: bool = False
    expected_factor: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what ``gcopt train --json`` prints."""
        worst = {"partition": self.worst_partition, "weight": self.worst_weight}
        return {
            "factor": self.factor,
            "bias": self.bias,
            "variance": self.variance,
            "worst_partition": None if self.worst_partition is None else worst,
            "debiased": self.debiased,
            "expected_factor": self.expected_factor,
        }


def estimate_of(code: GradientCode, errors: Floats, excess: list[Floats], factors: list[float]) -> Estimate:
    """Return what the gradients of a run were estimates of.

    Parameters
    ----------
    code : GradientCode
    errors : array, shape (iterations, segments)
        Decoding errors relative to m k.
    excess : list of array, one per segment, shape (m, m k)
        Sum over the iterations of R B - T; empty where every iteration was decoded exactly.
    factors : list of float
        What each segment was divided by; empty for nothing.

    Examples
    --------
    >>> code = GradientCode.from_matrix(np.eye(2))
    >>> found = estimate_of(code, np.array([[0.5], [0.0]]), [np.array([[-1.0, 0.0]])], [])
    >>> found.factor, found.bias, found.variance, found.worst_partition, found.worst_weight
    (0.75, 0.125, 0.125, 0, 0.5)
    """
    debiased = bool(factors)
    shares, divided = code.shares, factors or [1.0] * len(code.segments)
    expected = float(np.dot(shares, divided)) if debiased else None
    if not excess and all(factor == 1.0 for factor in divided):
        return Estimate(debiased=debiased, expected_factor=expected)
    totals, weights = np.zeros(3), np.zeros(code.partitions)
    for c, (segment, share, factor) in enumerate(zip(code.segments, shares, divided, strict=True)):
        target, size = segment.target, segment.blocks * segment.partitions
        off = excess[c] / len(errors) if excess else np.zeros_like(target)
        mean = (target + off) / factor
        spread = max(0.0, float(errors[:, c].mean()) - float(np.sum(off**2)) / size) / factor**2
        totals += share * np.array([np.sum(mean * target) / size, np.sum((mean - target) ** 2) / size, spread])
        weights += share * (mean * target).reshape(segment.blocks, segment.blocks, -1).sum(axis=(0, 1)) / segment.blocks
    worst = int(weights.round(9).argmin())  # of several that count the same the first
    nearest, bias, variance = totals.tolist()
    return Estimate(nearest, bias, variance, worst, float(weights[worst]), debiased, expected)
