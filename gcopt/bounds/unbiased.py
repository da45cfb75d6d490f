"""Stragglers that are independent: unbiased estimates, and what they must cost."""

from __future__ import annotations

from gcopt.bounds.blocks import tight
from gcopt.bounds.bound import bound
from gcopt.bounds.case import Case
from gcopt.bounds.counting import lost_ranks
from gcopt.bounds.hypotheses import (
    all_held,
    one_block,
    one_probability,
    pairwise_balanced,
    shared_and_boosted,
    some_straggle,
    symmetric_in_mean,
    unbiased,
)
from gcopt.bounds.quantities import DEBIASED, EQUAL_GRADIENTS, FACTOR, INDEPENDENT
from gcopt.bounds.signed import drawn_independent

_BITAR = "Bitar, Wootters, El Rouayheb 2020, Stochastic Gradient Coding for Straggler Mitigation"
_GLASGOW = "Glasgow & Wootters 2020, Approximate Gradient Coding with Optimal Decoding"
_SUM = ("sum",)


@bound(
    "unbiased",
    DEBIASED,
    "lower",
    source=f"{_GLASGOW}, p^d / (1 - p^d) (derived: for unequal replication and probabilities, and for m blocks)",
    needs=[all_held, some_straggle, symmetric_in_mean],
)
def unbiased_error(case: Case) -> float:
    """At least sum_i m (m - mu) / mu for every unbiased estimate, mu = E min(m, responders with partition i).

    m = 1: sum_i q^g / (1 - q^g), g the workers of partition i.
    """
    # the m x m part M of R B has rank r <= min(m, responders): m = E tr M <= E sqrt(r) ||M|| <= sqrt(mu E ||M||^2)
    m, lost = case.segment.blocks, lost_ranks(case)
    return float((m * lost / (m - lost)).sum())


@bound(
    "fixed-coefficients",
    INDEPENDENT,
    "lower",
    source=f"{_GLASGOW}, p / (d (1 - p)) (derived: for unequal replication, and for m blocks)",
    decoders=_SUM,
    needs=[all_held, one_probability, unbiased],
)
def fixed_coefficients(case: Case) -> float:
    """At least sum_i m^2 q / (g (1 - q)), g the workers of partition i, for every unbiased sum."""
    # worker j adds X_j of rank one: m = (1 - q) sum_j tr X_j <= (1 - q) sqrt(g sum_j ||X_j||^2)
    return spread(case)


@bound(
    "equal-coefficients",
    INDEPENDENT,
    "equality",
    source=f"derived: exact second moment, for the codes of {_BITAR}; for m blocks with tight frames",
    decoders=_SUM,
    needs=[all_held, one_probability, shared_and_boosted, tight],
)
def equal_coefficients(case: Case) -> float:
    """sum_i m^2 q / (g (1 - q)) when partition i counts 1 / (g (1 - q)) on each of its g workers.

    For m > 1 times signs h_j that are a tight frame: sum_j h_j h_j^T = g I over the workers of every partition.
    """
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
    needs=[symmetric_in_mean],
)
def bias(case: Case) -> float:
    """1 - (mean error) / (m k), where symmetry makes the mean estimate a multiple of the gradient."""
    return _alpha(case)


@bound(
    "debiased",
    DEBIASED,
    "equality",
    source="derived: projections; the estimate divided by its mean",
    decoders=("least-squares",),
    needs=[symmetric_in_mean],
)
def debiased(case: Case) -> float:
    """m k (1 / alpha - 1), alpha = 1 - (mean error) / (m k), where the mean estimate is alpha times the gradient."""
    return case.segment.blocks * case.code.partitions * (1.0 / _alpha(case) - 1.0)


def spread(case: Case) -> float:
    """Return sum_i m^2 q / (g (1 - q)), g the workers of partition i."""
    return float((case.segment.blocks**2 * case.q / (1.0 - case.q) / case.segment.replication).sum())


def _alpha(case: Case) -> float:
    """Return 1 - (mean error) / (m k), by formula for block designs with signs that are drawn again."""
    known = all(test(case) is None for test in drawn_independent.hypotheses)
    mean = drawn_independent.value(case) if known else case.mean(independent=True).value
    return 1.0 - mean / (case.segment.blocks * case.code.partitions)
