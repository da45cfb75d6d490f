"""Random regular assignment: every worker the same load, every partition the same replication, else at random."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from gcopt.checks import check_count
from gcopt.code import GradientCode
from gcopt.combinatorics.spectrum import second_singular_bound
from gcopt.families._approximate import approximate
from gcopt.families._family import check_sizes, family
from gcopt.families._regular import RAVIV, regular_claims, regular_replication
from gcopt.solvers.seeding import RngLike, generator, seed_of

Integers = NDArray[np.int64]


@family("random-regular", source=f"{RAVIV}; random regular graphs expand nearly as well as any")
def random_regular(
    workers: int,
    stragglers: int,
    load: int,
    partitions: int | None = None,
    decoder: str = "least-squares",
    probability: float | None = None,
    rng: RngLike = None,
) -> GradientCode:
    """A random bi-regular bipartite graph of workers and partitions; exists for nearly all sizes, and expands well.

    Copies of partitions are dealt to the workers at random (pairing model); where a worker gets a partition twice, one
    of the two copies changes place with that of a random other worker until nobody has two. Parts that are not
    connected are joined in the same way where load and replication are at least 2. Loads above k / 2 take the
    complement. All graphs are nearly equally likely.

    Parameters
    ----------
    workers : int
        n.
    stragglers : int
        s.
    load : int
        Partitions on each worker, at most k.
    partitions : int, optional
        k, dividing n * load; n by default.
    decoder : str
        ``least-squares``, ``scaled`` (one-step) or ``sum``.
    probability : float, optional
        q, for ``sum`` only.
    rng : None, int, Generator or SeedSequence

    Returns
    -------
    GradientCode
        Claims the bound on the worst error that follows from the second singular value, which is computed.

    Raises
    ------
    ImpossibleError
        If k does not divide n * load.
    InputError
        If a number is impossible, or decoder and probability do not fit.

    Examples
    --------
    >>> code = random_regular(9, 2, 4, partitions=6, rng=0)
    >>> code.segments[0].load.tolist(), code.segments[0].replication.tolist()
    ([4, 4, 4, 4, 4, 4, 4, 4, 4], [6, 6, 6, 6, 6, 6])
    """
    n, s = check_sizes(workers, stragglers)
    k = n if partitions is None else check_count("partitions", partitions, 1)
    d = check_count("load", load, 1, k, f" (the {k} partitions)")
    regular_replication("random-regular", n, k, d)
    held = bi_regular(n, k, d, generator(seed_of(rng)))
    sigma_squared = second_singular_bound(held) if decoder != "sum" else 0.0
    claims = regular_claims(n, k, d, s, sigma_squared, decoder)
    return approximate(held, s, claims, decoder=decoder, probability=probability)


def bi_regular(workers: int, partitions: int, load: int, rng: np.random.Generator) -> sparse.csr_array:
    """Return a random 0/1 matrix, shape (n, k), with ``load`` ones in each row and as many in each column.

    Connected where load and replication are at least 2.

    Examples
    --------
    >>> bi_regular(3, 3, 2, np.random.default_rng(0)).sum(axis=0).tolist()
    [2.0, 2.0, 2.0]
    """
    n, k = workers, partitions
    if 2 * load > k:
        rest = bi_regular(n, k, k - load, rng).toarray() if load < k else np.zeros((n, k))
        return sparse.csr_array(1.0 - rest)
    rows = np.repeat(np.arange(n), load)
    columns = rng.permutation(np.repeat(np.arange(k), n * load // k))
    while True:
        keys = rows * k + columns
        order = np.argsort(keys, kind="stable")
        known = keys[order]
        twice = order[1:][known[1:] == known[:-1]]
        if not twice.size:
            break
        _switch(rows, columns, k, known, twice, rng.integers(rows.size, size=twice.size))
    if load > 1 and n * load > k:
        _connect(rows, columns, n, k, rng)
    return sparse.csr_array((np.ones(rows.size), (rows, columns)), shape=(n, k))


def _switch(rows: Integers, columns: Integers, k: int, known: Integers, some: Integers, others: Integers) -> None:
    """Let pairs of edges exchange their partitions wherever that makes no edge that is known or is made twice."""
    made = np.concatenate([rows[some] * k + columns[others], rows[others] * k + columns[some]])
    moved = np.concatenate([some, others])
    found = known[np.minimum(np.searchsorted(known, made), known.size - 1)]
    fresh = (found != made) & _once(made) & _once(moved)
    good = fresh[: some.size] & fresh[some.size :]
    a, b = some[good], others[good]
    columns[a], columns[b] = columns[b], columns[a]


def _once(values: Integers) -> NDArray[np.bool_]:
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray(counts[where] == 1)


def _connect(rows: Integers, columns: Integers, n: int, k: int, rng: np.random.Generator) -> None:
    """Exchange partitions between two parts until there is one; where an edge lies on a cycle that joins them."""
    while True:
        graph = sparse.coo_array((np.ones(rows.size), (rows, n + columns)), shape=(n + k, n + k))
        parts, label = connected_components(graph, directed=False)
        if parts == 1:
            return
        mine = label[rows]
        one = rng.choice(np.flatnonzero(mine == 0))
        other = rng.choice(np.flatnonzero(mine != 0))
        columns[one], columns[other] = columns[other], columns[one]
