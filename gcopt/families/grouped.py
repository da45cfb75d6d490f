"""Groups of workers with an exact code in each: any n and s at the least load, with small noise."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import comb, gcd
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.checks import check_count
from gcopt.code import Claim, GradientCode, single
from gcopt.errors import InputError
from gcopt.families._family import check_sizes, family
from gcopt.families._matrices import from_holders, refuse_loud, worst_noise
from gcopt.families._speeds import sensible_stragglers
from gcopt.families.cyclic_mds import OPTIMAL, SOURCE, cyclic_mds_matrix
from gcopt.solvers.null_space import NullSpaceCode
from gcopt.solvers.seeding import RngLike, seed_of

if TYPE_CHECKING:
    from gcopt.cluster import Cluster
    from gcopt.goal import Goal

INNER = ("auto", "cyclic-mds")
PROMISED = 100_000
"""Straggler sets of a group up to which the noise is computed, promised, and used to choose the sizes."""
SEARCHED = 1000
"""Straggler sets up to which a real code is searched for even where the cyclic MDS code is real already."""

LARGE = 10_000_000
"""Multiplications for one look at a real code above which the usually best one is taken without looking at others."""


def _candidates(cluster: Cluster, goal: Goal | None = None) -> Iterator[dict[str, Any]]:
    k = cluster.job.partitions
    if k is None or k % cluster.workers == 0:
        yield from ({"workers": cluster.workers, "stragglers": s} for s in sensible_stragglers(cluster.workers))


@family("grouped", source=f"groups as in Tandon et al. 2017, Section 3.1; inside, {SOURCE}", candidates=_candidates)
def grouped(
    workers: int, stragglers: int, groups: int | None = None, inner: str = "auto", rng: RngLike = 0
) -> GradientCode:
    """Workers and partitions are split into groups of more than s, an exact code in each; for any n and s.

    Parameters
    ----------
    workers : int
        n; there are k = n partitions.
    stragglers : int
        s, tolerated in every pattern.
    groups : int, optional
        How many groups, their sizes as equal as possible. By default as many as there can be: of equal sizes, or all
        but the last of s + 1 workers where that gives less noise.
    inner : str
        ``auto`` is always real: where s + 1 and the size c of a group have a common divisor g, the group is made of
        c / g teams of g workers that do the same; between the teams (or workers) stands plain repetition, else the
        centred cyclic MDS code or one found by search, whichever has less noise in the worst case.
        ``cyclic-mds`` takes the centred cyclic MDS code everywhere, complex where c - s is even.
    rng : None, int, Generator or SeedSequence
        Of the search; the same code every time by default.

    Returns
    -------
    GradientCode
        Load and replication s + 1; each group holds as many partitions as it has workers, contiguous.

    Raises
    ------
    InputError
        If the groups would not have more than s workers each, or ``inner`` is another word.

    Examples
    --------
    >>> code = grouped(7, 2)
    >>> code.load, code.segments[0].support.toarray()[:3, :4].astype(int).tolist()
    (3, [[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 0]])
    """
    n, s = check_sizes(workers, stragglers)
    if inner not in INNER:
        raise InputError(f"inner is {inner!r}; one of {', '.join(INNER)} would work")
    most = n // (s + 1)
    if groups is not None:
        splits = [_equal(n, check_count("groups", groups, 1, most, f" (more than {s} of the {n} workers in each)"))]
    elif inner == "auto":
        splits = [_equal(n, most), [s + 1] * (most - 1) + [n - (s + 1) * (most - 1)]]
    else:
        splits = [_equal(n, most)]
    seed = seed_of(rng)
    if any(_hard(sizes, s) for sizes in splits):
        splits = [min(splits, key=lambda sizes: max(_choices(size, s) for size in sizes))]
    made = [(_join(sizes, s, inner, seed), sizes) for sizes in splits]
    noises = [None if _hard(sizes, s) else worst_noise(matrix, s) for matrix, sizes in made]
    best = min(range(len(made)), key=lambda i: noises[i] or 0.0)
    source = f"every group keeps a responder more than it needs; {SOURCE}"
    claims = [
        Claim("exact", 0.0, source, stragglers=s),
        Claim("load", s + 1.0, OPTIMAL),
        Claim("replication", s + 1.0, OPTIMAL),
    ]
    noise = noises[best]
    if noise is not None:
        claims.append(Claim("noise", noise, "computed: the worst of all straggler sets", stragglers=s))
    return refuse_loud("grouped", single(made[best][0], s, claims))


def _equal(n: int, groups: int) -> list[int]:
    """Return group sizes that differ by one at most, the smaller first."""
    small, rest = divmod(n, groups)
    return [small] * (groups - rest) + [small + 1] * rest


def _join(sizes: list[int], s: int, inner: str, seed: int) -> sparse.csr_array:
    blocks = [_real(size, s, seed) if inner == "auto" else cyclic_mds_matrix(size, s) for size in sizes]
    return sparse.csr_array(sparse.block_diag(blocks, format="csr"))


@lru_cache(maxsize=256)
def _real(n: int, s: int, seed: int) -> sparse.csr_array:
    """Return a real exact code of one group, shape (n, n): the code of its teams, each member a copy."""
    team = gcd(s + 1, n)
    teams, lost = n // team, (s + 1) // team - 1
    return sparse.csr_array(sparse.kron(_between(teams, lost, seed), np.ones((team, team)), format="csr"))


def _between(n: int, s: int, seed: int) -> sparse.csr_array:
    cyclic = cyclic_mds_matrix(n, s)
    is_real, few = cyclic.dtype.kind == "f", comb(n, s) <= SEARCHED
    if is_real and (n == s + 1 or s == 0 or not few):
        return cyclic
    holders = (np.arange(n)[:, None] - np.arange(s + 1)) % n
    search = NullSpaceCode(draws=50 if few else 0, refined=3 if few else 0, sets=SEARCHED, operations=3e7)
    starts = [] if is_real else opened(n, s)[: 1 if n * s**3 > LARGE else None]
    searched = from_holders(search.solve(holders, n, starts=starts, rng=seed).coefficients, holders, n)
    if not is_real:
        return searched
    return min(cyclic, searched, key=lambda matrix: worst_noise(matrix, s))


def opened(n: int, s: int) -> list[NDArray[np.float64]]:
    """Return real matrices C, shape (s + 1, n), for cyclic placement where n - s is even.

    The null space of the centred cyclic MDS code is spanned by (-1)^j cos(d t_j) and (-1)^j sin(d t_j), d = (s-1)/2,
    (s-3)/2, ..., at n equally spaced angles t_j; it closes around the circle only where n - s is odd. Here the circle
    is left open by a gap, and the word to decode from is 1 or cos(t/2). The nodes stay distinct and the frequencies
    consecutive, so that any s columns of the null space are independent (a Vandermonde matrix times phases).
    """
    angles = [2 * np.pi * (np.arange(n, dtype=np.float64) + (1 + gap) / 2) / (n + gap) for gap in (1.5, 0.5, 1.0, 2.0)]
    return [word + _null_space(t, s) for t in angles for word in (np.cos(t / 2), np.ones(n))]


def _null_space(angles: NDArray[Any], s: int) -> NDArray[np.float64]:
    """Return the spanning functions at the angles below a row of zeros, shape (s + 1, n)."""
    waves = np.arange((s - 1) / 2, 0, -1)[:, None] * angles
    middle = np.ones((s % 2, len(angles)))
    rows = np.concatenate([np.zeros((1, len(angles))), np.cos(waves), np.sin(waves), middle])
    return np.asarray(rows * (-1.0) ** np.arange(len(angles)))


def _hard(sizes: list[int], s: int) -> bool:
    """Whether the noise of groups of these sizes is too much to compute."""
    return any(sum(comb(size, t) for t in range(s + 1)) > PROMISED for size in set(sizes) - {s + 1})


def _choices(size: int, s: int) -> int:
    """Return in how many ways teams can be lost in a group: the fewer, the smaller the noise as a rule."""
    team = gcd(s + 1, size)
    return comb(size // team, (s + 1) // team - 1)
