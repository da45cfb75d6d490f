"""Placements to start from: the workers in groups, and in each group plain repetition, a circle, or nearly repetition.

Nearly repetition, for a group of q (s + 1) + r workers, 0 < r < s + 1, 1 < q: q blocks of s + 1 workers repeat most of
their partitions; the r others hold what is left, each partition together with s + 1 - r workers of the blocks. There
are so few kinds of partitions that any coefficients will do (derived here).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from math import comb, gcd

import numpy as np
from numpy.typing import NDArray

from ..seeding import generator
from .noise import affordable, descend, table, together
from .parts import Free, Null, parts_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_MOST = 1500  # straggler sets of a group that a start is made of
_SPLITS = 60
_STEPS = 20
_SHARPNESS = (16.0,)
_DRAWS = 64
_REFINED = 3


@lru_cache(maxsize=16)
def starts(loads: tuple[int, ...], partitions: int, stragglers: int, count: int) -> tuple[Bools, ...]:
    """Return up to ``count`` placements, shape (n, k), the least noisy first; empty if the loads are too small.

    Parameters
    ----------
    loads : tuple of int
        The most that each worker may hold.
    partitions, stragglers : int
        k and s.
    count : int

    Examples
    --------
    >>> starts((2, 2, 2, 2), 4, 1, 1)[0].astype(int).tolist()
    [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]
    """
    order = np.argsort([-load for load in loads], kind="stable")
    found: list[tuple[float, int, Bools]] = []
    for sizes in islice(_splits(len(loads), stragglers + 1), _SPLITS):
        groups = np.split(order, np.cumsum(sizes)[:-1])
        caps = [tuple(min(loads[j], partitions) for j in group) for group in groups]
        shares = _shares([_most(cap, stragglers) for cap in caps], partitions)
        if shares is None:
            continue
        total, placed = np.zeros(stragglers + 1), np.zeros((len(loads), partitions), dtype=bool)
        first = 0
        for group, cap, share in zip(groups, caps, shares, strict=True):
            if share:
                noise, inside = _best(cap, share, stragglers)
                total = together(total, noise)
                placed[np.ix_(group, np.arange(first, first + share))] = inside
                first += share
        found.append((float(total[-1]), len(found), placed))
    return tuple(placed for _, _, placed in sorted(found, key=lambda one: one[:2])[:count])


def _splits(workers: int, least: int, most: int | None = None) -> Iterator[list[int]]:
    """Yield the ways to split the workers into groups of at least so many, small groups first."""
    if workers == 0:
        yield []
    top = workers if most is None else min(most, workers)
    for size in range(least, top + 1):
        if size == workers or workers - size >= least:
            for others in _splits(workers - size, least, size):
                yield [size, *others]


def _most(caps: tuple[int, ...], stragglers: int) -> int:
    """Return how many partitions a group with these loads can hold s + 1 times."""
    share = sum(caps) // (stragglers + 1)
    while sum(min(cap, share) for cap in caps) < (stragglers + 1) * share:
        share -= 1
    return share


def _shares(most: list[int], partitions: int) -> list[int] | None:
    """Share out the partitions in proportion to what the groups can hold; None if that is too little."""
    total = sum(most)
    if total < partitions:
        return None
    shares = [m * partitions // total for m in most]
    for i in np.argsort([-(m * partitions % total) for m in most], kind="stable")[: partitions - sum(shares)]:
        shares[i] += 1
    return shares


@lru_cache(maxsize=512)
def _best(caps: tuple[int, ...], share: int, stragglers: int) -> tuple[Floats, Bools]:
    """Return the least noisy placement of a share of the partitions on a group, and its noise after each loss."""
    results = [(_noise(held, stragglers), held) for held in _placements(caps, share, stragglers)]
    return min(results, key=lambda result: float(result[0][-1]))


def _noise(held: Bools, stragglers: int) -> Floats:
    """Return the noise of a placement in which all workers hang together, after some descent."""
    (part, *others) = parts_of(held, stragglers)
    sets = comb(len(part.workers), min(stragglers, len(part.workers) // 2))
    if others or sets > _MOST:
        return np.full(stragglers + 1, np.inf)
    return table(part, descend([part], [numbers_for(part, stragglers, 0)], stragglers, _STEPS)[0], stragglers)


def numbers_for(part: Free | Null, stragglers: int, seed: int, *stream: int) -> Floats:
    """Return numbers with little noise for a part on its own: waves and draws are ranked, the best descend."""
    draws = affordable([part], stragglers, _DRAWS)
    n, k = int(part.workers.max()) + 1, int(part.partitions.max()) + 1
    blank, unknown = np.zeros((n, k)), np.full((part.stragglers + 1, n), np.nan)
    pool = [part.recall(blank, unknown, generator(seed, *stream, draw)) for draw in range(draws)]
    if isinstance(part, Null):
        teams = len(part.held)
        pool += [waves(teams, part.stragglers, step).ravel() for step in range(1, teams) if gcd(step, teams) == 1]
    ranked = sorted((float(table(part, numbers, stragglers)[-1]), i) for i, numbers in enumerate(pool))
    found = [descend([part], [pool[i]], stragglers, _STEPS, _SHARPNESS)[0] for _, i in ranked[:_REFINED]]
    return min(found, key=lambda numbers: float(table(part, numbers, stragglers)[-1]))


def _placements(caps: tuple[int, ...], share: int, stragglers: int) -> Iterator[Bools]:
    group = len(caps)
    if min(caps) >= share:
        yield np.ones((group, share), dtype=bool)
        return
    loads = np.minimum(caps, share)
    copies = int(loads.sum()) // share
    while loads.sum() > copies * share:
        loads[np.argmax(loads)] -= 1
    yield _circle(loads, share)
    team = gcd(copies, group)
    if len(set(caps)) > 1 or loads.sum() != sum(caps):
        return
    if team > 1:
        yield np.repeat(_circle(loads[::team], share), team, axis=0)
    if copies == stragglers + 1:
        yield from _nearly(group, caps[0], share, stragglers)


def _circle(loads: Ints, share: int) -> Bools:
    """Let every worker take up where the one before stopped, around the circle of partitions."""
    holders = np.repeat(np.arange(len(loads)), loads).reshape(-1, share)
    held = np.zeros((len(loads), share), dtype=bool)
    held[holders, np.arange(share)] = True
    return held


def _nearly(group: int, load: int, share: int, stragglers: int) -> Iterator[Bools]:
    """Yield placements of nearly repetition: what the blocks do not repeat spread evenly, and over two blocks only."""
    copies = stragglers + 1
    blocks, rest = divmod(group, copies)
    spare, remainder = divmod(load * (copies - rest), copies)
    if blocks < 2 or rest == 0 or remainder:
        return
    for used in {blocks, 2}:
        each = [spare // used + (i < spare % used) for i in range(used)] + [0] * (blocks - used)
        if max(each) > load:
            continue
        held = np.zeros((group, share), dtype=bool)
        first = load  # the partitions of those outside the blocks come first
        held[blocks * copies :, :load] = True
        for block, less in enumerate(each):
            workers = np.arange(block * copies, (block + 1) * copies)
            held[workers, first : first + load - less] = True
            first += load - less
        slots = np.concatenate([np.repeat(np.arange(b * copies, (b + 1) * copies), y) for b, y in enumerate(each)])
        held[slots, np.tile(np.arange(load), copies - rest)] = True
        if (held.sum(axis=0) == copies).all():
            yield held


def waves(workers: int, stragglers: int, step: int = 1) -> Floats:
    """Return a matrix C, shape (s + 1, n), for cyclic placement: of a cyclic MDS code with zeros opposite 1.

    Its null space is spanned by (-1)^j cos(d t_j) and (-1)^j sin(d t_j), d = (s - 1)/2, (s - 3)/2, .., at equally
    spaced angles, ``step`` of them from each worker to the next (which step, matters much). Where n - s is even the
    circle is left open by a gap, and the word to decode from is cos(t/2).

    Examples
    --------
    >>> waves(3, 0).tolist()
    [[1.0, 1.0, 1.0]]
    """
    closed = (workers - stragglers) % 2 == 1
    gap = 0.0 if closed else 1.5
    places = np.arange(workers) * step % workers
    angles = 2 * np.pi * (places + (1 + gap) / 2) / (workers + gap)
    waves = np.arange((stragglers - 1) / 2, 0, -1)[:, None] * angles
    rows = np.concatenate([np.cos(waves), np.sin(waves), np.ones((stragglers % 2, workers))])
    word = np.ones(workers) if closed else np.cos(angles / 2)
    return np.asarray(word + np.concatenate([np.zeros((1, workers)), rows * (-1.0) ** places]))
