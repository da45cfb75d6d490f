"""What families with messages m times shorter share: which m are worth a try, what is possible, the coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.checks import check_count
from gcopt.errors import ImpossibleError, InputError
from gcopt.families._matrices import from_holders
from gcopt.solvers.harmonic_frames import best_frames
from gcopt.solvers.null_space import NullSpaceCode, coefficients
from gcopt.solvers.seeding import generator

if TYPE_CHECKING:
    from gcopt.cluster import Cluster

SOURCE = "Ye, Abbe 2018, Communication-Computation Efficient Gradient Coding"

_FRAMES = 4
_ALL = 12


def quiet_encoding(
    holders: NDArray[np.int64],
    workers: int,
    stragglers: int,
    blocks: int,
    *,
    draws: int,
    seed: int,
    orders: Sequence[NDArray[np.int64] | None] = (None,),
) -> sparse.csr_array:
    """Return an encoding matrix of small noise for a placement, exact for every set of s stragglers.

    Parameters
    ----------
    holders : array, shape (k, copies)
        Who holds which partition; n for nobody.
    workers, stragglers, blocks : int
        n, s and m; s + m is at most the number of copies of any partition.
    draws : int
        Gaussian matrices C to try beside harmonic ones; 1 takes the first matrix as it is.
    seed : int
    orders : sequence of array or None
        Of the workers on the circle of the harmonic ones; without any only Gaussian ones are tried.

    Returns
    -------
    csr_array, shape (n, m * k)

    Examples
    --------
    >>> quiet_encoding(np.array([[0, 1]]), 2, 1, 1, draws=1, seed=0).toarray().tolist()
    [[1.0], [-1.0]]
    """
    sizes = (holders, workers, stragglers, blocks)
    starts = [c for order in orders for c in best_frames(*sizes, count=min(draws, _FRAMES), order=order)]
    if draws == 1:
        random = generator(seed, 1, 0).standard_normal((stragglers + blocks, workers))
        found = coefficients(starts[0] if starts else random, holders, blocks)
    else:
        search = NullSpaceCode(draws=draws, refined=2, sets=2000)
        found = search.solve(
            holders, workers, stragglers=stragglers, blocks=blocks, starts=starts, rng=seed
        ).coefficients
    return from_holders(found, holders, workers)


def shorter(cluster: Cluster, most: int) -> list[int]:
    """Return the m worth a try, up to the most there can be: only 1 where messages of any length take the same time.

    Examples
    --------
    >>> import gcopt
    >>> shorter(gcopt.Cluster(6, gcopt.delays.Delay("exponential", {"rate": 1.0})), 6)
    [1]
    """
    return few(most) if cluster.length_matters else [1]


def few(most: int) -> list[int]:
    """Return numbers from 1 on: all up to 12, and of more than that all up to 4 and then half as much more each time.

    Examples
    --------
    >>> few(30)
    [1, 2, 3, 4, 6, 9, 14, 21]
    """
    chosen = list(range(1, min(most, _ALL if most <= _ALL else 4) + 1))
    while most > _ALL and (following := -(-3 * chosen[-1] // 2)) <= most:
        chosen.append(following)
    return chosen


def cyclic_holders(workers: int, load: int) -> NDArray[np.int64]:
    """Return who holds which partition when worker j holds j to j + d - 1, shape (n, d).

    Examples
    --------
    >>> cyclic_holders(4, 2).tolist()
    [[0, 3], [1, 0], [2, 1], [3, 2]]
    """
    return np.asarray((np.arange(workers)[:, None] - np.arange(load)) % workers)


def check_load(load: Any, workers: int, stragglers: int, blocks: int) -> int:
    """Return d, s + m by default; refuse what cannot be.

    Examples
    --------
    >>> check_load(3, 8, 2, 2)
    Traceback (most recent call last):
        ...
    gcopt.solvers.errors.ImpossibleError: blocks is 2; with load 3 and stragglers = 2 at most 1 would work: what s \
stragglers leave of a partition's workers must have rank m, so load >= stragglers + blocks (Ye, Abbe 2018, Theorem 1)
    """
    d = check_count("load", stragglers + blocks if load is None else load, 1)
    if d > workers and load is not None:
        raise InputError(f"load is {d}; at most all {workers} partitions would work")
    check_rank(blocks, min(d, workers), stragglers, f"load {min(d, workers)}")
    return d


def check_rank(blocks: int, copies: int, stragglers: int, where: str) -> None:
    """Refuse more blocks than the copies that stragglers leave."""
    if copies < stragglers + blocks:
        best = copies - stragglers
        works = f"at most {best} would work" if best > 0 else f"a load of {stragglers + 1} or more would work for 1"
        raise ImpossibleError(
            f"blocks is {blocks}; with {where} and stragglers = {stragglers} {works}: what s stragglers leave of a "
            "partition's workers must have rank m, so load >= stragglers + blocks (Ye, Abbe 2018, Theorem 1)"
        )
