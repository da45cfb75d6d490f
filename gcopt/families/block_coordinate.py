"""Coordinates that tolerate different numbers of stragglers, so that slow workers' first answers count too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from math import gcd
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gcopt.checks import check_count, check_finite
from gcopt.code import GradientCode
from gcopt.decoding import components
from gcopt.errors import InputError
from gcopt.evaluate import evaluate_component
from gcopt.families._family import family
from gcopt.families._speeds import sensible_stragglers
from gcopt.families.grouped import grouped
from gcopt.families.uncoded import uncoded
from gcopt.solvers.seeding import RngLike, seed_of

if TYPE_CHECKING:
    from gcopt.cluster import Cluster
    from gcopt.goal import Goal

SOURCE = "Wang, Cui, Li, Zou, Xiong 2022, Optimization-based Block Coordinate Gradient Coding (arXiv 2206.02450)"
QUIET = 1e4
"""Noise amplification up to which a diversity is worth using: twelve digits are left then."""

_TEAMS = 9  # more teams that have to answer together seldom are quiet


def _candidates(cluster: Cluster, goal: Goal | None = None) -> Iterator[dict[str, Any]]:
    from gcopt.allocating import proposals  # a search, which builds codes of this family
    from gcopt.goal import Goal

    yield from proposals(cluster, goal or Goal())


@family("block-coordinate", source=SOURCE, candidates=_candidates)
def block_coordinate(workers: int, allocation: Any, segments: int | None = None, rng: RngLike = 0) -> GradientCode:
    """Stretches of coordinates that tolerate 0, 1, ..., n - 1 stragglers, computed in that order.

    With x_i coordinates of diversity i, which every worker computes for i + 1 partitions, z_i = sum_{j<=i} (j+1) x_j,
    T_(i) the i-th fastest of the times per unit of work and M samples of b units, an iteration takes

        tau = (M b / n) * max_i T_(n-i) z_i    (Section 2; waiting for counts, else at most that).

    A worker that never answers stops it if x_0 is positive.

    Parameters
    ----------
    workers : int
        n; there are k = n partitions.
    allocation : list of float, shape (n,)
        x: entry i is the share of the coordinates that tolerate i stragglers, relative to the sum; at least 0.
    segments : int, optional
        The largest number of segments allowed, so of positive entries: a condition that a search has to keep. An
        allocation that breaks it is refused. No limit by default.
    rng : None, int, Generator or SeedSequence
        Of the codes of the segments.

    Returns
    -------
    GradientCode
        One segment for each positive entry: `uncoded` for 0 stragglers, else `grouped`.

    Raises
    ------
    InputError
        If the allocation is no list of n numbers of at least 0, is all 0 or has too many positive ones, or rounding
        would destroy the code of a diversity.

    Examples
    --------
    >>> code = block_coordinate(4, [2, 1, 0, 1])
    >>> code.shares.tolist(), [s.stragglers for s in code.segments], [int(s.load.max()) for s in code.segments]
    ([0.5, 0.25, 0.25], [0, 1, 3], [1, 2, 4])
    """
    n = check_count("workers", workers, 1)
    lengths = _checked(allocation, n)
    used = np.flatnonzero(lengths).tolist()
    if segments is not None and len(used) > check_count("segments", segments, 1):
        raise InputError(
            f"allocation has {len(used)} positive entries; at most segments = {segments} are allowed, or leave "
            "segments out"
        )
    seed = seed_of(rng)
    codes = [_level(n, diversity, seed) for diversity in used]
    parts = [replace(code.segments[0], length=lengths[i]) for i, code in zip(used, codes, strict=True)]
    claims = [replace(claim, segment=c) for c, code in enumerate(codes) for claim in code.claims]
    return GradientCode(tuple(parts), claims=tuple(claims))


@lru_cache(maxsize=16)
def quiet_levels(workers: int) -> tuple[int, ...]:
    """Return the diversities worth using with n workers: floating point decodes them well.

    Looked at are those of plain repetition and of up to nine teams that have to answer together, and those that other
    codes try; kept are those whose code amplifies noise at most 10^4 times when neighbours are lost.

    Examples
    --------
    >>> quiet_levels(6)
    (0, 1, 2, 3, 4, 5)
    """
    n = check_count("workers", workers, 1)
    few = {s for s in range(1, n) if (s + 1) // gcd(s + 1, n) <= _TEAMS}
    return 0, *(s for s in sorted(few | set(sensible_stragglers(n))) if _quiet(n, s))


def _quiet(workers: int, diversity: int) -> bool:
    """Whether the loss of neighbours, the worst or nearly so for cyclic supports, is decoded without much noise."""
    try:
        segment = _grouped(workers, diversity, 0).segments[0]
    except InputError:
        return False
    kinds = {(part.workers.size, part.matrix.nnz): part for part in components(segment)}
    for part in kinds.values():
        heard = np.arange(part.workers.size) >= min(diversity, part.workers.size - 1)
        if evaluate_component(part, heard).noise > QUIET * np.sqrt(part.partitions.size):
            return False
    return True


def _level(workers: int, diversity: int, seed: int) -> GradientCode:
    """Return the code of one diversity; refuse one that is too loud in the words of an allocation."""
    if diversity == 0:
        return uncoded(workers)
    try:
        return _grouped(workers, diversity, seed)
    except InputError:
        levels = quiet_levels(workers)
        below = max(s for s in levels if s < diversity)
        near = [below, *[s for s in levels if s > diversity][:1]]
        raise InputError(
            f"allocation[{diversity}] is positive, but double precision cannot decode a code of {workers} workers for "
            f"{diversity} stragglers; {' or '.join(map(str, near))} stragglers would work"
        ) from None


@lru_cache(maxsize=128)
def _grouped(workers: int, diversity: int, seed: int) -> GradientCode:
    return grouped(workers, diversity, rng=seed)


def _checked(allocation: Any, workers: int) -> NDArray[np.float64]:
    wanted = f"a list of {workers} numbers of at least 0 is needed, one for each number of stragglers from 0"
    if not isinstance(allocation, (list, tuple, np.ndarray)):
        raise InputError(f"allocation is {allocation!r}; {wanted}")
    if len(allocation) != workers:
        raise InputError(f"allocation has {len(allocation)} entries; {wanted}")
    lengths = np.array([check_finite(f"allocation[{i}]", x, 0.0) for i, x in enumerate(allocation)])
    if not lengths.any():
        raise InputError("allocation is all 0; one positive entry at least is needed")
    return lengths
