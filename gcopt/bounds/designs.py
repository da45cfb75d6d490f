"""Block designs, whose error is the same for every set of stragglers."""

from __future__ import annotations

from math import ceil

from gcopt.bounds.bound import bound
from gcopt.bounds.case import Case
from gcopt.bounds.counting import MUNIM
from gcopt.bounds.hypotheses import block_design, equal_entries, one_block
from gcopt.bounds.quantities import EVERY, THRESHOLD
from gcopt.families._designs import KADHE


@bound(
    "block-design",
    EVERY,
    "equality",
    source=f"{KADHE}; {MUNIM}, Corollary 1, equation (10) at m = 1",
    decoders=("least-squares",),
    needs=[one_block, equal_entries, block_design],
)
def design_error(case: Case) -> float:
    """k - delta^2 (n - s) / (delta + (n - s - 1) lambda) without any s workers."""
    load, common, r = case.structure.load or 0, case.structure.design or 0, case.responders
    return case.code.partitions - load**2 * r / (load + (r - 1) * common)


def _below_all(case: Case) -> str | None:
    k = case.code.partitions
    return None if case.error <= k else f"error is {case.error:g}; there are only {k} partitions to lose"


def _costs(case: Case) -> str | None:
    """The design is not the complete one, in which one responder is enough."""
    return None if case.structure.load != case.structure.design else "every worker holds everything; nothing is lost"


@bound(
    "block-design-threshold",
    THRESHOLD,
    "equality",
    source=f"{KADHE}, adversarial threshold (derived: its exact value)",
    decoders=("least-squares",),
    needs=[one_block, equal_entries, block_design, _costs, _below_all],
)
def threshold(case: Case) -> float:
    """Error e takes e gamma^2 delta / (delta (delta - lambda) + e gamma lambda) workers, rounded up.

    With delta = gamma that is e delta^2 / (delta - lambda + e lambda).
    """
    load, copies, common = case.structure.load or 0, case.structure.replication or 0, case.structure.design or 0
    e = case.error
    return float(ceil(e * copies**2 * load / (load * (load - common) + e * copies * common) - 1e-9))
