"""Stragglers that are independent: unbiased estimates, and what they must cost."""

from __future__ import annotations

from gcopt.bounds.bound import bound
from gcopt.bounds.case import Case
from gcopt.bounds.counting import lost_chances
from gcopt.bounds.hypotheses import (
    all_held,
    one_block,
    one_probability,
    pairwise_balanced,
    proportional,
    shared_and_boosted,
    some_straggle,
    symmetric_in_mean,
    unbiased,
)
from gcopt.bounds.quantities import DEBIASED, EQUAL_GRADIENTS, FACTOR, INDEPENDENT

_BITAR = "Bitar, Wootters, El Rouayheb 2020, Stochastic Gradient Coding for Straggler Mitigation"
_GLASGOW = "Glasgow & Wootters 2020, Approximate Gradient Coding with Optimal Decoding"
_SUM = ("sum",)


@bound(
    "unbiased",
    DEBIASED,
    "lower",
    source=f"{_GLASGOW}, p^d / (1 - p^d) (derived: for unequal replication and probabilities)",
    needs=[one_block, all_held, some_straggle, proportional],
)
def unbiased_error(case: Case) -> float:
    """At least sum_i q^g / (1 - q^g), g the workers of partition i, for every unbiased estimate."""
    lost = lost_chances(case)
    return float((lost / (1.0 - lost)).sum())


@bound(
    "fixed-coefficients",
    INDEPENDENT,
    "lower",
    source=f"{_GLASGOW}, p / (d (1 - p)) (derived: for unequal replication)",
    decoders=_SUM,
    needs=[one_block, all_held, one_probability, unbiased],
)
def fixed_coefficients(case: Case) -> float:
    """At least sum_i q / (g (1 - q)), g the workers of partition i, for every unbiased sum."""
    return spread(case)


@bound(
    "equal-coefficients",
    INDEPENDENT,
    "equality",
    source=f"derived: exact second moment, for the codes of {_BITAR}; bi-regular: k q / ((1 - q) gamma)",
    decoders=_SUM,
    needs=[one_block, all_held, one_probability, shared_and_boosted],
)
def equal_coefficients(case: Case) -> float:
    """sum_i q / (g (1 - q)) when partition i counts 1 / (g (1 - q)) on each of its g workers."""
    return spread(case)


@bound(
    "pairwise-balanced",
    EQUAL_GRADIENTS,
    "equality",
    source=f"derived: exact variance of the pair-wise balanced codes of {_BITAR}",
    decoders=_SUM,
    needs=[one_block, all_held, one_probability, shared_and_boosted, pairwise_balanced],
)
def balanced_variance(case: Case) -> float:
    """q / (1-q) (k^2 / n + sum_i (1 / g - 1 / n)) when partition i counts 1 / (g (1-q)) on each of its g workers."""
    n, k = case.code.workers, case.code.partitions
    return spread(case) + case.q / (1.0 - case.q) * (k**2 - k) / n


@bound(
    "song-choi",
    EQUAL_GRADIENTS,
    "lower",
    source="Song & Choi 2025, optimally structured gradient coding: the optimum of their problem",
    decoders=_SUM,
    needs=[one_block, some_straggle, unbiased],
)
def song_choi(case: Case) -> float:
    """At least k^2 / sum_j (1 - q_j) / q_j for every unbiased sum, q_j the probability of worker j to straggle."""
    return float(case.code.partitions**2 / ((1.0 - case.chances) / case.chances).sum())


@bound(
    "bias",
    FACTOR,
    "equality",
    source="derived: projections, with Munim & Ramamoorthy 2026, Lemmas 3 and 4",
    decoders=("least-squares",),
    needs=[one_block, symmetric_in_mean],
)
def bias(case: Case) -> float:
    """1 - (mean error) / k, where a design or row-transitivity make the mean estimate a multiple of the gradient."""
    return 1.0 - case.mean(independent=True).value / case.code.partitions


def spread(case: Case) -> float:
    """Return sum_i q / (g (1 - q)), g the workers of partition i."""
    return float((case.q / (1.0 - case.q) / case.segment.replication).sum())
