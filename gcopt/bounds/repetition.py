"""Groups of workers that do the same (fractional repetition), and the one-step decoder over random stragglers."""

from __future__ import annotations

from gcopt.bounds.bound import bound
from gcopt.bounds.case import Case
from gcopt.bounds.counting import survivors
from gcopt.bounds.hypotheses import all_held, equal_entries, one_block, repetition, shared_out
from gcopt.bounds.quantities import FAILURE, MEAN, WORST

CHARLES = "Charles, Papailiopoulos, Ellenberg 2017, Approximate Gradient Coding via Sparse Random Graphs"
_WANG = "Wang, Liu, Shroff 2019, Fundamental Limits of Approximate Gradient Coding (elementary version)"
_OPTIMAL = ("least-squares",)
_GROUPS = (one_block, equal_entries, repetition)


@bound("repetition", MEAN, "equality", source=f"{CHARLES}, optimal decoding", decoders=_OPTIMAL, needs=_GROUPS)
def repetition_mean(case: Case) -> float:
    """k C(n - gamma, n - s) / C(n, s) for groups of gamma workers that hold the same."""
    return case.code.partitions * survivors(case.code.workers, _copies(case), case.s, 0)


@bound(
    "repetition-worst",
    WORST,
    "equality",
    source="derived: an adversary takes whole groups",
    decoders=_OPTIMAL,
    needs=_GROUPS,
)
def repetition_worst(case: Case) -> float:
    """delta floor(s / gamma) for groups of gamma workers that hold the same delta partitions."""
    return float((case.structure.load or 0) * (case.s // _copies(case)))


@bound("repetition-failure", FAILURE, "upper", source=_WANG, decoders=_OPTIMAL, needs=_GROUPS)
def repetition_failure(case: Case) -> float:
    """At most (n / gamma) C(n - gamma, s - gamma) / C(n, s) for groups of gamma workers that hold the same."""
    n, copies = case.code.workers, _copies(case)
    return n // copies * survivors(n, copies, case.s, 0)


@bound("repetition-lost", MEAN, "upper", source=_WANG, decoders=_OPTIMAL, needs=_GROUPS)
def repetition_lost(case: Case) -> float:
    """At most k (s / n)^gamma for groups of gamma workers that hold the same."""
    return float(case.code.partitions * (case.s / case.code.workers) ** _copies(case))


@bound(
    "one-step",
    MEAN,
    "equality",
    source=f"{CHARLES}, one-step decoding of fractional repetition (derived: for any replication)",
    decoders=("scaled",),
    needs=[one_block, all_held, shared_out],
)
def one_step(case: Case) -> float:
    """sum_i (n - g)(n - r) / (g r (n - 1)) with r = n - s responders, g the workers of partition i."""
    n, r = case.code.workers, case.responders
    return float(((n - case.segment.replication) / case.segment.replication).sum()) * (n - r) / (r * max(1, n - 1))


def _copies(case: Case) -> int:
    return case.structure.replication or 1
