"""Random assignments with equal row sums and equal column sums: random regular bipartite graphs."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from gcopt.combinatorics.graphs.building import opposite
from gcopt.combinatorics.switching import Ints, refuse_many, switch
from gcopt.solvers.seeding import RngLike, generator, seed_of


def bi_regular(workers: int, partitions: int, load: int, rng: RngLike = 0) -> sparse.csr_array:
    """Return a random 0/1 matrix, shape (n, k), with ``load`` ones in each row and as many in each column.

    Connected where load and replication are at least 2.

    Parameters
    ----------
    workers, partitions : int
        n and k.
    load : int
        From 1 to k; n * load is a multiple of k.
    rng : None, int, Generator or SeedSequence

    Returns
    -------
    csr_array of int32

    Raises
    ------
    LimitError
        If more than 10^7 ones, and more than 10^7 zeros, would be drawn.

    Examples
    --------
    >>> bi_regular(3, 3, 2, rng=0).sum(axis=0).tolist()
    [2, 2, 2]
    """
    n, k = workers, partitions
    refuse_many("load", n, load, k)
    if load == k:
        return sparse.csr_array(np.ones((n, k), dtype=np.int32))
    if 2 * load > k:
        return opposite(bi_regular(n, k, k - load, rng))
    draws = generator(seed_of(rng))
    pairs = _paired(np.full(n, load), k, draws)
    if load > 1 and n * load > k:
        _connect(pairs, n + k, draws)
    return _matrix(pairs, n, k)


def equal_columns(loads: Ints, partitions: int, rng: RngLike = 0) -> sparse.csr_array:
    """Return a random 0/1 matrix, shape (n, k), with given row sums and equal column sums.

    Parameters
    ----------
    loads : array of int, shape (n,)
        From 0 to k; their sum is a multiple of k.
    partitions : int
        k.
    rng : None, int, Generator or SeedSequence

    Returns
    -------
    csr_array of int32

    Examples
    --------
    >>> found = equal_columns(np.array([2, 1, 3]), 3)
    >>> found.sum(axis=1).tolist(), found.sum(axis=0).tolist()
    ([2, 1, 3], [2, 2, 2])
    """
    n, k = len(loads), partitions
    if 2 * loads.sum() > n * k:
        return opposite(equal_columns(k - loads, k, rng))
    return _matrix(_paired(loads, k, generator(seed_of(rng))), n, k)


def _paired(loads: Ints, k: int, draws: np.random.Generator) -> Ints:
    """Return pairs of a worker and n plus a partition, all different, each partition in equally many."""
    n, ends = len(loads), int(loads.sum())
    pairs = np.stack([np.repeat(np.arange(n), loads), np.empty(ends, dtype=np.int64)], axis=1)
    done = ends == 0
    while not done:
        pairs[:, 1] = n + draws.permutation(np.repeat(np.arange(k), ends // k))
        done = switch(pairs, n + k, draws, sides=True)
    return pairs


def _matrix(pairs: Ints, n: int, k: int) -> sparse.csr_array:
    ones = np.ones(len(pairs), dtype=np.int32)
    return sparse.csr_array(sparse.coo_array((ones, (pairs[:, 0], pairs[:, 1] - n)), shape=(n, k)))


def _connect(pairs: Ints, vertices: int, draws: np.random.Generator) -> None:
    """Exchange partitions between two parts until there is one; where an edge lies on a cycle that joins them."""
    while True:
        graph = sparse.coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(vertices, vertices))
        parts, label = connected_components(graph, directed=False)
        if parts == 1:
            return
        mine = label[pairs[:, 0]]
        one, other = draws.choice(np.flatnonzero(mine == 0)), draws.choice(np.flatnonzero(mine != 0))
        pairs[[one, other], 1] = pairs[[other, one], 1]
