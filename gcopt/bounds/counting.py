"""What is lost when all workers of a partition straggle: bounds for every code, whatever its entries."""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import NDArray

from gcopt.bounds.bound import bound
from gcopt.bounds.case import Case
from gcopt.bounds.hypotheses import exact
from gcopt.bounds.quantities import INDEPENDENT, LOAD, MEAN, WORST
from gcopt.code import Segment

MUNIM = "Munim & Ramamoorthy 2026, Communication-Efficient Approximate Gradient Coding"


@bound(
    "lost-by-load",
    WORST,
    "lower",
    source=f"{MUNIM}, Claim 1, equation (21); m = 1: Raviv et al. 2018, sqrt(floor(s/d)) for the norm",
)
def lost_by_load(case: Case) -> float:
    """With load at most delta, some set of s costs at least max over u = 1..m of u floor(k (s + m - u) / (n delta))."""
    n, k, m, load = case.code.workers, case.code.partitions, case.segment.blocks, int(case.segment.load.max())
    return float(max(u * min(k, k * (case.s + m - u) // (n * load)) for u in range(1, m + 1))) if load else float(m * k)


@bound(
    "lost-greedily",
    WORST,
    "lower",
    source=f"derived: the rank argument of {MUNIM}, Appendix A, for one set of stragglers, chosen greedily",
)
def lost_greedily(case: Case) -> float:
    """Without the s workers of the cheapest partitions the error is at least sum_i max(0, m - responders with i)."""
    return lost(case.segment, case.structure.stranding(case.s))


@bound(
    "lost-on-average",
    MEAN,
    "lower",
    source=f"derived: the rank argument of {MUNIM}, Appendix A, averaged (converse of Wang, Liu, Shroff 2019)",
)
def lost_on_average(case: Case) -> float:
    """The mean is at least sum_i sum_{r<m} (m - r) C(g, r) C(n-g, n-s-r) / C(n, s), g the workers of partition i."""
    n, m = case.code.workers, case.segment.blocks
    copies, counts = np.unique(case.segment.replication, return_counts=True)
    return float(
        sum(
            count * (m - r) * survivors(n, int(g), case.s, r)
            for g, count in zip(copies.tolist(), counts.tolist(), strict=True)
            for r in range(m)
        )
    )


@bound(
    "lost-independently",
    INDEPENDENT,
    "lower",
    source="Glasgow & Wootters 2020, p^d (derived: for unequal replication and probabilities, and for m blocks)",
)
def lost_independently(case: Case) -> float:
    """The mean error is at least sum_i (m - E min(m, responders with i)); m = 1: sum_i q^g, g the workers of i."""
    return float(lost_ranks(case).sum())


@bound(
    "load-of-exact",
    LOAD,
    "lower",
    source="Tandon et al. 2017, Theorem 1 (m = 1); Ye & Abbe 2018, Theorem 1",
    needs=[exact],
)
def load_of_exact(case: Case) -> float:
    """Some worker holds at least k (s + m) / n partitions."""
    return case.code.partitions * (case.s + case.segment.blocks) / case.code.workers


def lost(segment: Segment, heard: NDArray[np.bool_]) -> float:
    """Return sum_i max(0, m - responders with i): no decoder of this support can do better with these responders.

    Parameters
    ----------
    segment : Segment
    heard : array of bool, shape (n,)

    Examples
    --------
    >>> lost(Segment(np.eye(3)), np.array([True, False, True]))
    1.0
    """
    left = heard.astype(np.int64) @ segment.support.astype(np.int64)
    return float(np.maximum(0, segment.blocks - left).sum())


def survivors(workers: int, copies: int, stragglers: int, left: int) -> float:
    """Return the probability that of the workers of a partition exactly so many are left by a random set of s.

    Examples
    --------
    >>> survivors(12, 3, 6, 0)
    0.09090909090909091
    """
    others = workers - stragglers - left
    if others < 0 or left > copies:
        return 0.0
    return comb(copies, left) * comb(workers - copies, others) / comb(workers, stragglers)


def lost_ranks(case: Case) -> NDArray[np.float64]:
    """Return m - E min(m, responders with i) for every partition i, workers straggling independently; shape (k,)."""
    m, held = case.segment.blocks, case.structure.held
    left = np.zeros((m, case.code.partitions))  # the probability that so many respond
    left[0] = 1.0
    for j, q in enumerate(case.chances.tolist()):
        mine = held.indices[held.indptr[j] : held.indptr[j + 1]]
        before = left[:, mine]
        left[:, mine] = q * before
        left[1:, mine] += (1.0 - q) * before[:-1]
    return np.asarray(np.arange(m, 0, -1) @ left)
