"""Exact codes with messages m times shorter, for any placement with s + m copies of every partition."""

from __future__ import annotations

from collections.abc import Iterator
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gcopt.checks import check_count
from gcopt.code import Claim, GradientCode, single
from gcopt.errors import ImpossibleError, InputError
from gcopt.families._family import check_sizes, family
from gcopt.families._matrices import ENUMERATED, as_assignment, from_holders, refuse_loud, worst_noise
from gcopt.families._speeds import sensible_stragglers
from gcopt.solvers.harmonic_frames import best_frames
from gcopt.solvers.null_space import NullSpaceCode, coefficients
from gcopt.solvers.seeding import RngLike, generator, seed_of

if TYPE_CHECKING:
    from gcopt.cluster import Cluster
    from gcopt.goal import Goal

SOURCE = "Ye, Abbe 2018, Communication-Computation Efficient Gradient Coding"
ANY = "Jahani-Nezhad, Maddah-Ali 2021, Optimal Communication-Computation Trade-Off in Heterogeneous Gradient Coding"
MATRICES = ("auto", "gaussian")

_FRAMES = 4
_ALL = 12  # workers up to which every load is a candidate


def exchanges(cluster: Cluster, loads: list[int] | None = None) -> Iterator[dict[str, Any]]:
    """Yield workers, load d, stragglers s and blocks m with d = s + m that are worth a try; s = d - m from 0 on."""
    n, k = cluster.workers, cluster.job.partitions
    if k is not None and k % n:
        return
    few = list(range(n + 1)) if n <= _ALL else [0, *sensible_stragglers(n)]
    if n > _ALL:  # all up to 4, then about a quarter more each time
        few = [x for x in (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 19, 24, 30, 38) if x <= n]
    for s in few:
        for m in few[1:]:
            if s + m <= n and (loads is None or s + m in loads):
                yield {"workers": n, "load": s + m, "stragglers": s, "blocks": m}


def _candidates(cluster: Cluster, goal: Goal | None = None) -> Iterator[dict[str, Any]]:
    yield from ({**sizes, "draws": 1, "rng": 0} for sizes in exchanges(cluster))


@family("communication-efficient", source=f"{SOURCE}, Theorem 1, with a random matrix; {ANY}", candidates=_candidates)
def communication_efficient(
    workers: int,
    stragglers: int,
    blocks: int,
    load: int | None = None,
    assignment: Any = None,
    matrix: str = "auto",
    draws: int = 50,
    rng: RngLike = 0,
) -> GradientCode:
    """Messages m times shorter, exact for every set of s stragglers, at the least load d = s + m; stable.

    Parameters
    ----------
    workers : int
        n; without an assignment there are k = n partitions, partition i on d cyclic neighbours.
    stragglers : int
        s, tolerated in every pattern.
    blocks : int
        m, by which messages are shorter.
    load : int, optional
        d, at least s + m and at most n; s + m by default.
    assignment : bool array or nested list, shape (n, k), optional
        Who holds what, instead of a load; every partition on at least s + m workers.
    matrix : str
        ``auto`` starts from matrices C of sines and cosines whose noise is far below that of random ones, and from
        Gaussian ones; ``gaussian`` from these only, as published.
    draws : int
        Gaussian matrices C to choose from; the best are improved further. 1 takes the first matrix as it is.
    rng : None, int, Generator or SeedSequence
        Of the draws; the same code every time by default.

    Returns
    -------
    GradientCode
        Block u of partition p has the coefficients that solve C_J b = e_u on the holders J of the partition.

    Raises
    ------
    ImpossibleError
        If there are fewer than s + m copies of a partition: what s lost workers leave must still have rank m.
    InputError
        If a number is impossible, or rounding would destroy the code.

    Examples
    --------
    >>> code = communication_efficient(8, stragglers=1, blocks=3)
    >>> code.load, code.blocks, round(code.claims[-1].value, 3)
    (4, 3, 1.225)
    """
    n, s = check_sizes(workers, stragglers)
    m, draws = check_count("blocks", blocks, 1), check_count("draws", draws, 1)
    if matrix not in MATRICES:
        raise InputError(f"matrix is {matrix!r}; one of {', '.join(MATRICES)} would work")
    seed = seed_of(rng)
    if assignment is None:
        holders = cyclic_holders(n, check_load(load, n, s, m))
        order = None
    elif load is None:
        holders = _holders(as_assignment(assignment, n), s, m)
        order = generator(seed, 0).permutation(n)
    else:
        raise InputError("assignment says who holds what already; leave out load")
    starts = best_frames(holders, n, s, m, count=min(draws, _FRAMES), order=order) if matrix == "auto" else []
    if draws == 1:
        c = starts[0] if starts else generator(seed, 1, 0).standard_normal((s + m, n))
        found = coefficients(c, holders, m)
    else:
        search = NullSpaceCode(draws=draws, refined=2, sets=2000)
        found = search.solve(holders, n, stragglers=s, blocks=m, starts=starts, rng=seed).coefficients
    encoding = from_holders(found, holders, n)
    held = holders < n
    claims = [
        Claim("exact", 0.0, f"{SOURCE}, Theorem 1; {ANY} (any s columns of the null space are independent)", s),
        Claim("load", float(np.bincount(holders[held], minlength=n).max()), f"{SOURCE}, Theorem 1: d >= s + m"),
        Claim("replication", float(held.sum(axis=1).min()), f"{ANY}: m is at most the replication minus s"),
    ]
    if comb(n, s) <= ENUMERATED and draws > 1:
        claims.append(Claim("noise", worst_noise(encoding, s, m), "computed: the worst of all sets", stragglers=s))
    return refuse_loud("communication-efficient", single(encoding, s, claims, blocks=m))


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
    gcopt.solvers.errors.ImpossibleError: blocks is 2; with load 3 and 2 stragglers at most 1 would work, load >= \
stragglers + blocks: what s lost workers leave of a partition must have rank m (Ye, Abbe 2018, Theorem 1)
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
        works = f"at most {best} would work" if best > 0 else f"no number works, at least {stragglers + 1} are needed"
        raise ImpossibleError(
            f"blocks is {blocks}; with {where} and {stragglers} stragglers {works}, load >= stragglers + blocks: what s "
            "lost workers leave of a partition must have rank m (Ye, Abbe 2018, Theorem 1)"
        )


def _holders(held: NDArray[np.float64], s: int, m: int) -> NDArray[np.int64]:
    """Return the holders of every partition, filled up with n, shape (k, most copies)."""
    n, copies = len(held), held.sum(axis=0).astype(np.int64)
    least = int(copies.argmin())
    check_rank(m, int(copies[least]), s, f"partition {least} on {copies[least]} workers")
    order = np.argsort(-held, axis=0, kind="stable")[: copies.max()]
    return np.asarray(np.where(np.take_along_axis(held, order, axis=0) > 0, order, n).T)
