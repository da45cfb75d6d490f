"""Coefficients for any placement of the partitions: equal shares, shares by speed, or the user's own."""

from __future__ import annotations

from collections.abc import Iterator
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gcopt.checks import check_count
from gcopt.code import Claim, GradientCode, single
from gcopt.errors import InputError
from gcopt.families._family import check_sizes, family
from gcopt.families._matrices import ENUMERATED, as_assignment, from_holders, worst_noise
from gcopt.families._speeds import PER_WORKER, check_speeds, sensible_stragglers, unequal, weighted_loads
from gcopt.solvers.null_space import NullSpaceCode, coefficients
from gcopt.solvers.seeding import RngLike, generator, seed_of

if TYPE_CHECKING:
    from gcopt.cluster import Cluster
    from gcopt.goal import Goal

SOURCE = "Wang, Guo, Tang, Li, Li 2019, Heterogeneity-aware Gradient Coding for Straggler Tolerance"


def _candidates(cluster: Cluster, goal: Goal | None = None) -> Iterator[dict[str, Any]]:
    """Loads by speed; equal ones where `grouped`, faster at the same load, cannot have these partitions."""
    n, k = cluster.workers, cluster.job.partitions
    size = {"workers": n} if k is None else {"workers": n, "partitions": k}
    for s in sensible_stragglers(n):
        if k is not None and k % n:
            yield {**size, "stragglers": s, "draws": 1, "rng": 0}
        if unequal(cluster.speeds):
            yield {**size, "stragglers": s, "draws": 1, "rng": 0, "speeds": cluster.speeds.tolist()}


@family("placement", source=SOURCE, candidates=_candidates)
def placement(
    workers: int,
    stragglers: int,
    partitions: int | None = None,
    speeds: Any = None,
    assignment: Any = None,
    draws: int = 50,
    rng: RngLike = None,
) -> GradientCode:
    """Any placement with s + 1 copies of every partition: equal shares, shares by speed, or one of your own.

    Parameters
    ----------
    workers : int
        n.
    stragglers : int
        s, tolerated in every pattern.
    partitions : int, optional
        k; n by default, 8 n when speeds are given.
    speeds : list of float, shape (n,), optional
        Loads are (s + 1) k v_j / sum(v), at most k with the excess given to the others, rounded by largest remainder
        and laid out one after the other around the circle of partitions. Equal by default.
    assignment : bool array or nested list, shape (n, k), optional
        Who holds what, instead of partitions and speeds; every partition on exactly s + 1 workers.
    draws : int
        Gaussian matrices C to choose from; the best are improved further. 1 takes the first as it is.
    rng : None, int, Generator or SeedSequence
        Of the draws.

    Returns
    -------
    GradientCode
        Replication s + 1; column p of B solves C_J b = 1 on the holders J of partition p.

    Raises
    ------
    InputError
        If a number is impossible or a partition has not s + 1 copies.

    Examples
    --------
    >>> placement(4, 1, partitions=8, speeds=[1, 1, 1, 5], rng=0).segments[0].load.tolist()
    [3, 3, 2, 8]
    """
    n, s = check_sizes(workers, stragglers)
    draws = check_count("draws", draws, 1)
    if assignment is None:
        k = (
            (n if speeds is None else PER_WORKER * n)
            if partitions is None
            else check_count("partitions", partitions, 1)
        )
        weights = np.ones(n) if speeds is None else check_speeds(speeds, n)
        holders = around_the_circle(weighted_loads((s + 1) * k, weights, cap=k), k)
    elif speeds is None and partitions is None:
        holders = _check_assignment(assignment, n, s)
    else:
        raise InputError("assignment says who holds what already; leave out speeds and partitions")
    if draws == 1:
        found = coefficients(generator(seed_of(rng)).standard_normal((s + 1, n)), holders)
    else:
        found = NullSpaceCode(draws=draws, refined=2, sets=2000).solve(holders, n, rng=rng).coefficients
    matrix = from_holders(found, holders, n)
    claims = [
        Claim("exact", 0.0, f"{SOURCE} (with probability one over the draw of C)", stragglers=s),
        Claim("load", float(np.bincount(holders.ravel()).max()), "the placement"),
        Claim("replication", s + 1.0, "the placement; Tandon et al. 2017, Theorem 1 (optimal)"),
    ]
    if comb(n, s) <= ENUMERATED and draws > 1:
        claims.append(Claim("noise", worst_noise(matrix, s), "computed: the worst of all sets", stragglers=s))
    return single(matrix, s, claims)


def around_the_circle(loads: NDArray[np.int64], partitions: int) -> NDArray[np.int64]:
    """Return the holders of every partition when each worker takes up where the one before stopped.

    Parameters
    ----------
    loads : array, shape (n,)
        None above ``partitions``; their sum is a multiple of it.
    partitions : int
        k.

    Returns
    -------
    array, shape (k, sum of loads / k)

    Examples
    --------
    >>> around_the_circle(np.array([2, 1, 3]), 3).tolist()
    [[0, 2], [0, 2], [1, 2]]
    """
    workers = np.repeat(np.arange(len(loads)), loads)
    return np.asarray(workers.reshape(-1, partitions).T)


def _check_assignment(assignment: Any, n: int, s: int) -> NDArray[np.int64]:
    """Return the holders of every partition, shape (k, s + 1)."""
    array = as_assignment(assignment, n)
    copies = array.sum(axis=0).astype(np.int64)
    wrong = np.flatnonzero(copies != s + 1)
    if wrong.size:
        raise InputError(
            f"assignment has partition {wrong[0]} on {copies[wrong[0]]} workers; with stragglers = {s} every "
            f"partition must be on exactly {s + 1}"
        )
    return np.nonzero(array.T)[1].reshape(-1, s + 1)
