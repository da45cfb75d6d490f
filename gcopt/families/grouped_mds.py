"""Groups of workers that hold the same partitions, an MDS code on the blocks of their sum in each."""

from __future__ import annotations

from collections.abc import Iterator
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from gcopt.checks import check_count
from gcopt.code import Claim, GradientCode, single
from gcopt.errors import ImpossibleError
from gcopt.families._family import check_sizes, family
from gcopt.families._matrices import ENUMERATED, refuse_loud, worst_noise
from gcopt.families._shorter import SOURCE as EXCHANGE
from gcopt.families._shorter import quiet_encoding, shorter
from gcopt.solvers.seeding import RngLike, seed_of

if TYPE_CHECKING:
    from gcopt.cluster import Cluster
    from gcopt.goal import Goal

SOURCE = "Kadhe, Koyluoglu, Ramchandran 2020, Communication-Efficient Gradient Coding for Straggler Mitigation"
MEAN = "derived: a group with r < m responders lacks m - r dimensions of each of its partitions, the least there can be"


def _candidates(cluster: Cluster, goal: Goal | None = None) -> Iterator[dict[str, Any]]:
    n, k = cluster.workers, cluster.job.partitions
    if k is None or k % n == 0:
        for d in range(1, n + 1):
            if n % d == 0:
                sizes = ({"workers": n, "load": d, "blocks": m, "stragglers": d - m} for m in shorter(cluster, d))
                yield from ({**size, "draws": 1, "rng": 0} for size in sizes)


@family("grouped-mds", source=f"{SOURCE} (groups and an MDS code)", candidates=_candidates)
def grouped_mds(
    workers: int, load: int, blocks: int, stragglers: int | None = None, draws: int = 50, rng: RngLike = 0
) -> GradientCode:
    """Messages m times shorter by groups of d workers, d dividing n: any m answers of a group decode it, little noise.

    Exact for every set of d - m stragglers; beyond that the error is the least there can be for every set of stragglers
    at this placement, so that its mean is the least for any placement with d copies. Who loses a whole group loses d m.

    Parameters
    ----------
    workers : int
        n; there are k = n partitions, d of them in each group.
    load : int
        d, the size of a group; a divisor of n.
    blocks : int
        m, at most d.
    stragglers : int, optional
        s, d - m by default; with more the code is approximate.
    draws : int
        Gaussian generators of the MDS code to choose from, beside those of sines and cosines; the best are improved
        further. 1 takes the first one of sines and cosines as it is.
    rng : None, int, Generator or SeedSequence
        Of the draws; the same code every time by default.

    Returns
    -------
    GradientCode
        Load and replication d.

    Raises
    ------
    ImpossibleError
        If d does not divide n, or m is more than d.
    InputError
        If a number is impossible, or rounding would destroy the code.

    Examples
    --------
    >>> code = grouped_mds(6, load=3, blocks=2, stragglers=3)
    >>> [str(claim) for claim in code.claims if claim.kind in ("error", "mean")][0]
    'squared error at most 6 for every set of 3 stragglers'
    """
    n, d, m = _check(workers, load, blocks)
    spare = d - m
    s = check_sizes(n, spare if stragglers is None else stragglers)[1]
    draws, seed = check_count("draws", draws, 1), seed_of(rng)
    everybody = np.arange(d)[None]
    group = quiet_encoding(everybody, d, spare, m, draws=draws, seed=seed).toarray()
    each = [sparse.kron(sparse.eye_array(n // d), np.repeat(part[:, None], d, axis=1)) for part in group.T]
    encoding = sparse.csr_array(sparse.hstack(each, format="csr"))
    claims = [
        Claim("exact", 0.0, f"{SOURCE}: any m columns of the generator are independent", stragglers=min(s, spare)),
        Claim("load", float(d), f"{EXCHANGE}, Theorem 1: d >= s + m"),
        Claim("replication", float(d), f"{EXCHANGE}, Theorem 1"),
    ]
    if s > spare:
        claims.append(Claim("error", worst_loss(n, d, m, s), MEAN, stragglers=s))
        claims.append(Claim("mean", least_mean(n, n, d, m, s), MEAN, stragglers=s))
        return single(encoding, s, claims, blocks=m, approximate=True)
    if comb(n, s) <= ENUMERATED and draws > 1:
        claims.append(Claim("noise", worst_noise(encoding, s, m), "computed: the worst of all sets", stragglers=s))
    return refuse_loud("grouped-mds", single(encoding, s, claims, blocks=m), "a smaller load", random=8)


def worst_loss(workers: int, load: int, blocks: int, stragglers: int) -> float:
    """Return the worst squared error: whole groups are lost as far as s goes, and what is left falls on one more.

    Examples
    --------
    >>> [worst_loss(6, 3, 2, s) for s in range(5)]
    [0.0, 0.0, 3.0, 6.0, 6.0]
    """
    whole, rest = divmod(stragglers, load)
    return float(load * (whole * blocks + max(0, rest - (load - blocks))))


def least_mean(workers: int, partitions: int, replication: int, blocks: int, stragglers: int) -> float:
    """Return k E max(0, m - r), r the workers of a partition that are left by a random set of s stragglers.

    Examples
    --------
    >>> [round(least_mean(6, 6, 3, 2, s), 6) for s in range(5)]
    [0.0, 0.0, 1.2, 3.3, 6.0]
    """
    left, gamma = workers - stragglers, replication
    ways = (
        (blocks - r) * comb(gamma, r) * comb(workers - gamma, left - r) for r in range(min(blocks, gamma + 1, left + 1))
    )
    return partitions * sum(ways) / comb(workers, stragglers)


def _check(workers: Any, load: Any, blocks: Any) -> tuple[int, int, int]:
    n = check_sizes(workers, 0)[0]
    d = check_count("load", load, 1, n, f" (at most all {n} partitions)")
    m = check_count("blocks", blocks, 1)
    if m > d:
        raise ImpossibleError(
            f"blocks is {m}; with load {d} at most {d} would work, and {d} tolerates no stragglers: the m blocks of a "
            "sum have rank m"
        )
    if n % d:
        near = [f"{other}" for other in range(1, n + 1) if n % other == 0]
        raise ImpossibleError(
            f"load is {d}, which does not divide the {n} workers; {', '.join(near)} would work, or "
            "communication-efficient"
        )
    return n, d, m
