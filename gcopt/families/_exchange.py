"""What redundancy may buy: tolerated stragglers or shorter messages. Which loads d and blocks m are worth a try."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gcopt.families._shorter import few
from gcopt.waiting import kth

if TYPE_CHECKING:
    from gcopt.cluster import Cluster
    from gcopt.goal import Goal

Pairs = list[tuple[int, int]]

_ALL = 12  # workers up to which every pair is worth building
_LEVELS = 200
_ENTRIES = 20_000
_FASTEST = 24


def promising(cluster: Cluster, goal: Goal | None = None) -> Pairs:
    """Return pairs (load d, blocks m) of exact codes for d - m stragglers that are worth a try on a cluster.

    Whole messages only where their length does not matter. With more than a dozen workers all pairs are compared on a
    few draws of the times d T1 + T2 / m (Ye, Abbe 2018), up to the (n - s)-th answer; returned are the fastest and, for
    who sets one of them, those of a choice of loads, numbers of blocks and of stragglers.

    Examples
    --------
    >>> import gcopt
    >>> wait = gcopt.delays.Delay("exponential", {"rate": 1.0})
    >>> promising(gcopt.Cluster(3, wait)), promising(gcopt.Cluster(2, wait, transfer=wait))
    ([(1, 1), (2, 1), (3, 1)], [(1, 1), (2, 1), (2, 2)])
    """
    n = cluster.workers
    if not cluster.length_matters:
        return [(s + 1, 1) for s in [0, *few(n - 1)]]
    levels = np.unique(np.geomspace(1.0, n, _LEVELS).round().astype(int)).tolist()
    pairs = [(d, m) for d in levels for m in levels if m <= d]
    if n <= _ALL:
        return pairs
    order = _fastest_first(pairs, cluster, goal)
    kept = order[:_FASTEST]
    for level in [0, *few(n)]:
        for which in range(3):
            kept += [(d, m) for d, m in order if (d, m, d - m)[which] == level][:1]
    return list(dict.fromkeys(kept))


def _fastest_first(pairs: Pairs, cluster: Cluster, goal: Goal | None) -> Pairs:
    """Sort by the mean time, or by how often the deadline is missed, of draws that all share."""
    n, job, network = cluster.workers, cluster.job, cluster.network
    times = cluster.sample(max(20, _ENTRIES // n), 0 if goal is None else goal.seed)
    begin = times.overhead + times.stall + network.latency
    pace = times.compute * (job.work / n)
    link = times.transfer + 8 * job.parameters / network.bandwidth
    shared = 8 * job.parameters / network.master_bandwidth

    def rank(pair: tuple[int, int]) -> tuple[float, float]:
        d, m = pair
        needed = n - d + m
        work = d * (1.0 + job.forward) if m > 1 else d
        done: NDArray[np.float64] = np.maximum(kth(begin + pace * work + link / m, needed), shared * needed / m)
        if goal is None or goal.deadline is None:
            return float(done.mean()), 0.0
        return float((done > goal.deadline).mean()), float(np.median(done))

    return sorted(pairs, key=rank)
