"""Stochastic gradient coding: copies of each partition as it deserves, and the master adds up whatever arrives."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.checks import check_count
from gcopt.code import GradientCode
from gcopt.errors import InputError
from gcopt.families._approximate import approximate, check_decoder
from gcopt.families._family import family
from gcopt.families._scattered import subsets
from gcopt.solvers.seeding import RngLike, generator, seed_of

SOURCE = "Bitar, Wootters, El Rouayheb 2020, Stochastic Gradient Coding for Straggler Mitigation"

_CHEAP = 10_000_000


@family("pairwise-balanced", source=f"{SOURCE}, the pair-wise balanced scheme")
def pairwise_balanced(
    workers: int,
    replication: Any,
    probability: float,
    partitions: int | None = None,
    stragglers: int | None = None,
    rng: RngLike = None,
) -> GradientCode:
    """Partition i on d_i workers, any two sharing d_i d_i' / n of them; the sum of what arrives is unbiased.

    Workers send sum g_i / (d_i (1 - q)). The coefficients have the exact mean error q / (1 - q) sum 1 / d_i, wherever
    the copies are; of a fixed sum of all d_i, d_i in proportion to ||g_i|| makes the variance smallest. Pair-wise
    balance holds exactly, by the points of hyperplanes in different directions, where n is a power of a prime p, all
    d_i are multiples of n / p and k <= (n - 1) / (p - 1) (no placement is balanced for k >= n, unless some d_i = n).
    It holds on average over the draws otherwise: every d_i workers are equally likely, as in the paper.

    Parameters
    ----------
    workers : int
        n.
    replication : int or list of int, shape (k,)
        d, or d_i of every partition, from 1 to n.
    probability : float
        q below 1, with which workers straggle independently.
    partitions : int, optional
        k; as many as ``replication`` lists, else n.
    stragglers : int, optional
        How many workers the ``count`` rule leaves behind; n q rounded down by default.
    rng : None, int, Generator or SeedSequence

    Returns
    -------
    GradientCode
        Entries 1 / (d_i (1 - q)) with the ``sum`` decoder.

    Raises
    ------
    InputError
        If a number is impossible.

    Examples
    --------
    >>> for claim in pairwise_balanced(7, 3, 0.3, rng=0).claims[2:]:
    ...     print(claim)
    unbiased when workers straggle independently with probability 0.3
    mean squared error at most 1 when workers straggle independently with probability 0.3
    """
    n = check_count("workers", workers, 1)
    q = check_decoder("sum", probability)
    copies = check_copies(replication, partitions, n)
    s = min(n - 1, int(n * q + 1e-9)) if stragglers is None else stragglers
    held = hyperplanes(n, copies)
    if held is None:
        held = sparse.csr_array(subsets(generator(seed_of(rng)), copies, n).T)
    return approximate(held, s, decoder="sum", probability=probability)


def hyperplanes(workers: int, copies: NDArray[np.int64]) -> sparse.csr_array | None:
    """Return an exactly pair-wise balanced placement, shape (n, k), or None where hyperplanes make none.

    Workers are the points of the space of dimension m over the integers modulo a prime p, n = p^m; a partition is on
    d_i p / n of the p parallel hyperplanes of its own direction.

    Examples
    --------
    >>> held = hyperplanes(4, np.array([2, 2, 2]))
    >>> (held.T @ held).toarray().astype(int).tolist()
    [[2, 1, 1], [1, 2, 1], [1, 1, 2]]
    """
    n, k = workers, copies.size
    p = next((q for q in range(2, n + 1) if n % q == 0), 0)
    m = round(np.log(n) / np.log(p)) if p else 0
    if not p or p**m != n or (copies % (n // p)).any() or k > (n - 1) // (p - 1) or n * k > _CHEAP:
        return None
    points = np.arange(n)[:, None] // p ** np.arange(m) % p
    leading = points[np.arange(n), np.argmax(points != 0, axis=1)]
    directions = points[leading == 1][:k]
    return sparse.csr_array((points @ directions.T % p < copies // (n // p)).astype(np.float64))


def check_copies(replication: Any, partitions: Any, n: int) -> NDArray[np.int64]:
    """Return d_i of every partition, shape (k,), from one number for all or a list.

    Examples
    --------
    >>> check_copies(2, 3, 4).tolist(), check_copies([1, 4], None, 4).tolist()
    ([2, 2, 2], [1, 4])
    """
    if not isinstance(replication, (list, tuple, np.ndarray)):
        k = n if partitions is None else check_count("partitions", partitions, 1)
        return np.full(k, check_count("replication", replication, 1, n, f" (the {n} workers)"))
    if not len(replication):
        raise InputError("replication is empty; a number for each partition is needed")
    if partitions is not None and partitions != len(replication):
        raise InputError(f"partitions is {partitions!r}; replication lists {len(replication)}, leave it out")
    return np.array([check_count(f"replication[{i}]", d, 1, n) for i, d in enumerate(replication)])
