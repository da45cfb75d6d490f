"""The error of any code from the overlaps of its workers, each by itself: a Gram matrix made diagonal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gcopt.bounds.blocks import few_sets, few_workers, several_blocks
from gcopt.bounds.bound import bound
from gcopt.bounds.case import Case
from gcopt.bounds.counting import MUNIM
from gcopt.bounds.quantities import MEAN_OF_DRAW, WORST
from gcopt.code import Segment

_OPTIMAL = ("least-squares",)
_LEMMA = f"{MUNIM}, Lemma 2, equation (20) (derived: for any code, not only those of Algorithm 1)"

_NEEDS = (several_blocks, few_workers)

Floats = NDArray[np.float64]


def lemma_two(segment: Segment, heard: NDArray[np.bool_]) -> Floats:
    """Return m k - sum_j |sigma_j|^2 / sum_l |<b_j, b_l>| over the responders j, l of each set: at least its error.

    Munim & Ramamoorthy 2026, Lemma 2, equation (20). The rows b_j have the Gram matrix S, and diag(sum_l |S_jl|) - S is
    positive semidefinite for any rows, so that the lemma needs nothing of its Algorithm 1.

    Parameters
    ----------
    segment : Segment
        sigma_j holds the sums of row j over the columns of each block.
    heard : array of bool, shape (sets, n)

    Examples
    --------
    >>> path = Segment(np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]))
    >>> lemma_two(path, np.array([[True, True], [True, False]])).round(9)
    array([0.33333333, 1.        ])
    """
    rows, heard = segment.encoding.toarray(), heard.astype(np.float64)
    sums = np.abs(rows.reshape(segment.workers, segment.blocks, -1).sum(axis=2)) ** 2
    overlap = heard @ np.abs(rows @ rows.conj().T)
    gained = np.divide(sums.sum(axis=1), overlap, out=np.zeros_like(overlap), where=overlap > 0)
    return np.asarray(segment.blocks * segment.partitions - (gained * heard).sum(axis=1))


@bound("dominance", WORST, "upper", source=_LEMMA, decoders=_OPTIMAL, needs=_NEEDS)
def worst_set(case: Case) -> float:
    """At most the largest m k - sum_u 1^T A_u,F diag(1 / sum_l |B_F^T B_F|_jl) A_u,F^T 1 of a set F of responders.

    Where the sets are too many: of random ones and the worst found.
    """
    found = float(lemma_two(case.segment, case.sets).max())
    if case.few_sets:
        return found
    worst = np.ones((1, case.code.workers), dtype=bool)
    worst[0, list(case.worst().set)] = False
    return max(found, float(lemma_two(case.segment, worst)[0]))


@bound(
    "dominance-mean",
    MEAN_OF_DRAW,
    "upper",
    source=_LEMMA,
    decoders=_OPTIMAL,
    needs=[several_blocks, few_workers, few_sets],
)
def mean_set(case: Case) -> float:
    """At most the mean of m k - sum_u 1^T A_u,F diag(1 / sum_l |B_F^T B_F|_jl) A_u,F^T 1 over sets F of responders."""
    return float(lemma_two(case.segment, case.sets).mean())
