"""Fractional repetition: groups of s + 1 workers that all do the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from gcopt.code import Claim, GradientCode, single
from gcopt.errors import ImpossibleError
from gcopt.families._family import check_sizes, family

if TYPE_CHECKING:
    from gcopt.cluster import Cluster
    from gcopt.goal import Goal

SOURCE = "Tandon, Lei, Dimakis, Karampatziakis 2017, Gradient Coding"


def _candidates(cluster: Cluster, goal: Goal | None = None) -> Iterator[dict[str, Any]]:
    n = cluster.workers
    return ({"workers": n, "stragglers": s} for s in range(1, n) if n % (s + 1) == 0)


@family("fractional-repetition", source=f"{SOURCE}, Section 3.1, Theorem 2", candidates=_candidates)
def fractional_repetition(workers: int, stragglers: int) -> GradientCode:
    """Groups of s + 1 workers do the same; one answer of every group suffices.

    Parameters
    ----------
    workers : int
        n, a multiple of s + 1. There are k = n partitions.
    stragglers : int
        s, tolerated in every pattern.

    Returns
    -------
    GradientCode
        Load and replication s + 1, entries 1; worker j is in group j mod (n / (s + 1)).

    Raises
    ------
    ImpossibleError
        If s + 1 does not divide n.

    Examples
    --------
    >>> fractional_repetition(4, 1).segments[0].encoding.toarray().astype(int).tolist()
    [[1, 1, 0, 0], [0, 0, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1]]
    """
    n, s = check_sizes(workers, stragglers)
    if n % (s + 1):
        raise ImpossibleError(
            f"fractional-repetition needs stragglers + 1 to divide workers; with workers = {n} and stragglers = {s} "
            "use grouped, cyclic-mds or placement"
        )
    groups = n // (s + 1)
    matrix = np.tile(np.kron(np.eye(groups), np.ones(s + 1)), (s + 1, 1))
    claims = [
        Claim("exact", 0.0, f"{SOURCE}, Theorem 2", stragglers=s),
        Claim("load", s + 1.0, f"{SOURCE}, Theorem 1 (optimal)"),
        Claim("replication", s + 1.0, f"{SOURCE}, Theorem 1"),
        Claim("noise", float(np.sqrt((s + groups) / n)), "derived: one group loses s of its workers", stragglers=s),
    ]
    return single(matrix, s, claims)
