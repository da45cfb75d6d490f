"""Coarsened generic codes: partitions in clusters, random coefficients; nearly every set decodes exactly."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.checks import check_count
from gcopt.code import Claim, GradientCode, Segment
from gcopt.combinatorics.bi_regular import equal_columns
from gcopt.combinatorics.spreading import spread
from gcopt.errors import InputError
from gcopt.families._choice import best_segment, computed_claims
from gcopt.families._family import check_sizes, family
from gcopt.solvers.seeding import RngLike, generator, seed_of

SOURCE = "derived: generic coefficients on random hypergraphs of clusters"

Ints = NDArray[np.int64]


@family("coarsened", source=SOURCE)
def coarsened(
    workers: int,
    partitions: int,
    load: int,
    clusters: int,
    stragglers: int,
    blocks: int = 1,
    draws: int = 10,
    rng: RngLike = None,
) -> GradientCode:
    """Partitions are merged into clusters, dealt out at random, with Gaussian coefficients per worker and block.

    Clusters then change workers until pairs of clusters share few, so that who is lost is lost for one cluster only.
    Decoding has m^2 V conditions for m N unknowns, N the responders: while N > m V, roughly, and every cluster keeps m
    responders, almost every set of stragglers decodes exactly. An adversary gains at most a cluster's partitions per
    block for gamma - m + 1 workers, so that few clusters favour the mean and many the worst case; clusters of the
    whole load are groups, clusters of one partition are where nothing is merged.

    Parameters
    ----------
    workers, partitions : int
        n and k.
    load : int
        Partitions on a worker, at most.
    clusters : int
        V, from 1 to k; their sizes differ by one where V does not divide k.
    stragglers : int
        s.
    blocks : int
        m, not above the replication, which is the largest that the load allows.
    draws : int
        Of hypergraph and coefficients; that with the least mean error, then the least worst, on random sets of s
        stragglers is taken.
    rng : None, int, Generator or SeedSequence

    Returns
    -------
    GradientCode
        Claims load and replication, that it is exact without stragglers where it is, and the mean error, or that there
        is none, where all sets of s stragglers are few.

    Raises
    ------
    InputError
        If a number is impossible, a cluster is larger than the load, or the replication is less than the blocks.

    Examples
    --------
    >>> code = coarsened(12, 12, load=4, clusters=4, stragglers=3, blocks=2, rng=0)
    >>> code.load, code.replication
    (3, 3)
    """
    n, s = check_sizes(workers, stragglers)
    k = check_count("partitions", partitions, 1)
    most = check_count("load", load, 1, k, f" (the {k} partitions)")
    many = check_count("clusters", clusters, 1, k, f" (the {k} partitions)")
    m, tries, seed = check_count("blocks", blocks, 1), check_count("draws", draws, 1), seed_of(rng)
    sizes = np.full(many, k // many)
    sizes[: k % many] += 1
    shares = _shares(n, sizes, most, m)
    segment = best_segment((_segment(sizes, shares, s, m, generator(seed, draw)) for draw in range(tries)), seed)
    claims = [
        Claim("load", float(segment.load.max()), "the draw; sizes of clusters"),
        Claim("replication", float(segment.replication.min()), "the most that the load allows"),
        *computed_claims(segment),
    ]
    return GradientCode((segment,), tuple(claims))


def _segment(sizes: Ints, shares: list[Ints], stragglers: int, blocks: int, draws: np.random.Generator) -> Segment:
    """Draw who holds which cluster, and the coefficients."""
    kinds = [count for count in (int((sizes == sizes[0]).sum()), int((sizes != sizes[0]).sum())) if count]
    parts = [equal_columns(mine, count, draws) for mine, count in zip(shares, kinds, strict=True)]
    held = spread(sparse.hstack(parts, format="csr"), sizes, draws)
    rows = []
    for _ in range(blocks):
        drawn = sparse.csr_array((draws.standard_normal(held.nnz), held.indices, held.indptr), shape=held.shape)
        rows.append(drawn[:, np.repeat(np.arange(sizes.size), sizes)])
    return Segment(sparse.hstack(rows, format="csr"), blocks, stragglers=stragglers, approximate=True)


def _shares(workers: int, sizes: Ints, load: int, blocks: int) -> list[Ints]:
    """Return how many clusters of each size every worker holds, with the largest replication that the load allows."""
    for copies in range(min(workers, workers * load // int(sizes.sum())), blocks - 1, -1):
        loads, found = np.zeros(workers, dtype=np.int64), []
        for size in dict.fromkeys(sizes.tolist()):
            count = int((sizes == size).sum())
            mine = _dealt(loads, size, count, copies, load)
            if mine is None:
                break
            loads += size * mine
            found.append(mine)
        else:
            return found
    raise InputError(
        f"clusters is {sizes.size} and load {load}; {workers} workers cannot hold {blocks} copies of clusters of "
        f"{sizes.max()} partitions each, as blocks = {blocks} needs; a larger load or more clusters would work"
    )


def _dealt(loads: Ints, size: int, count: int, copies: int, most: int) -> Ints | None:
    """Deal out clusters of one size, each to the worker with the least load that may have it; None if stuck."""
    mine = np.zeros(loads.size, dtype=np.int64)
    queue = [(int(load), j) for j, load in enumerate(loads)]
    heapify(queue)
    for _ in range(count * copies):
        if not queue or queue[0][0] + size > most:
            return None
        load, j = heappop(queue)
        mine[j] += 1
        if mine[j] < count:
            heappush(queue, (load + size, j))
    return mine
