"""Groups of workers that do the same (fractional repetition), and the one-step decoder over random stragglers."""

from __future__ import annotations

from gcopt.bounds.blocks import told_apart
from gcopt.bounds.bound import bound
from gcopt.bounds.case import Case
from gcopt.bounds.counting import survivors
from gcopt.bounds.hypotheses import all_held, one_block, repetition, shared_out
from gcopt.bounds.quantities import FAILURE, MEAN, WORST

CHARLES = "Charles, Papailiopoulos, Ellenberg 2017, Approximate Gradient Coding via Sparse Random Graphs"
_WANG = "Wang, Liu, Shroff 2019, Fundamental Limits of Approximate Gradient Coding (elementary version)"
_OPTIMAL = ("least-squares",)
_KADHE = "Kadhe, Koyluoglu, Ramchandran 2020, Communication-Efficient Gradient Coding"
_GROUPS = (repetition, told_apart)


@bound(
    "repetition",
    MEAN,
    "equality",
    source=f"{CHARLES}, optimal decoding; m > 1 (derived): groups of {_KADHE}",
    decoders=_OPTIMAL,
    needs=_GROUPS,
)
def repetition_mean(case: Case) -> float:
    """k sum_{r<m} (m - r) C(gamma, r) C(n - gamma, n - s - r) / C(n, s) for groups of gamma that hold the same.

    m = 1: k C(n - gamma, n - s) / C(n, s). Any m workers of a group decode it; no code of this replication does better.
    """
    n, m = case.code.workers, case.segment.blocks
    return case.code.partitions * sum((m - r) * survivors(n, _copies(case), case.s, r) for r in range(m))


@bound(
    "repetition-worst",
    WORST,
    "equality",
    source="derived: an adversary takes whole groups, then what is left from one more",
    decoders=_OPTIMAL,
    needs=_GROUPS,
)
def repetition_worst(case: Case) -> float:
    """delta max(0, m - r) summed over the groups of gamma workers that hold the same delta, r of a group left.

    Whole groups are lost first; m = 1: delta floor(s / gamma).
    """
    n, m, load, copies = case.code.workers, case.segment.blocks, case.structure.load or 0, _copies(case)
    whole, rest = divmod(case.s, copies)
    left = [0] * whole + [copies - rest] + [copies] * (n // copies - whole - 1)
    return float(load * sum(max(0, m - r) for r in left))


@bound("repetition-failure", FAILURE, "upper", source=_WANG, decoders=_OPTIMAL, needs=_GROUPS)
def repetition_failure(case: Case) -> float:
    """At most n / gamma times P(fewer than m of gamma workers are left), for groups of gamma that hold the same.

    m = 1: (n / gamma) C(n - gamma, s - gamma) / C(n, s).
    """
    n, copies = case.code.workers, _copies(case)
    return n // copies * sum(survivors(n, copies, case.s, r) for r in range(case.segment.blocks))


@bound("repetition-lost", MEAN, "upper", source=_WANG, decoders=_OPTIMAL, needs=(one_block, *_GROUPS))
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
