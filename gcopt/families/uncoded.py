"""No coding: every partition on one worker, as much as its speed allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from gcopt.checks import check_count
from gcopt.code import Claim, GradientCode, single
from gcopt.errors import InputError
from gcopt.families._family import family
from gcopt.families._speeds import PER_WORKER, check_speeds, unequal, weighted_loads

if TYPE_CHECKING:
    from gcopt.cluster import Cluster
    from gcopt.goal import Goal


def _candidates(cluster: Cluster, goal: Goal | None = None) -> Iterator[dict[str, Any]]:
    n, k = cluster.workers, cluster.job.partitions
    size = {} if k is None else {"partitions": k}
    if k is None or k >= n:
        yield {"workers": n, **size}
    if unequal(cluster.speeds):
        for parts in (PER_WORKER * n, 4 * PER_WORKER * n) if k is None else (k,):
            yield {"workers": n, "partitions": parts, "speeds": cluster.speeds.tolist()}


@family("uncoded", source="the usual data parallelism", candidates=_candidates)
def uncoded(workers: int, partitions: int | None = None, speeds: Any = None) -> GradientCode:
    """Every partition on one worker, loads in proportion to speed; everybody is waited for.

    Parameters
    ----------
    workers : int
        n.
    partitions : int, optional
        k; n by default, 8 n when speeds are given.
    speeds : list of float, shape (n,), optional
        Relative speeds, equal by default. A worker too slow for one partition gets none.

    Returns
    -------
    GradientCode
        Load k v_j / sum(v) rounded by largest remainder, contiguous partitions, entries 1.

    Raises
    ------
    InputError
        If equal workers cannot all have a partition, or a speed is not positive.

    Examples
    --------
    >>> uncoded(3, partitions=8, speeds=[1, 1, 2]).segments[0].load.tolist()
    [2, 2, 4]
    """
    n = check_count("workers", workers, 1)
    if partitions is None:
        k = n if speeds is None else PER_WORKER * n
    else:
        k = check_count("partitions", partitions, 1)
    if speeds is None and k < n:
        raise InputError(f"partitions is {k}; at least {n} are needed to keep {n} workers busy")
    weights = np.ones(n) if speeds is None else check_speeds(speeds, n)
    loads = weighted_loads(k, weights, cap=k)
    edges = np.concatenate([[0], np.cumsum(loads)])
    matrix = sparse.csr_array((np.ones(k), np.arange(k), edges), shape=(n, k))
    source = "every partition is on exactly one worker, with entry 1"
    claims = [
        Claim("exact", 0.0, source, stragglers=0),
        Claim("load", float(loads.max()), "largest remainder"),
        Claim("replication", 1.0, source),
        Claim("noise", 1.0, f"derived: {source}", stragglers=0),
    ]
    return single(matrix, 0, claims)
