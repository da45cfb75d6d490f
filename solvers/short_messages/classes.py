"""Placements in classes: every worker holds one cluster of each class, and tied classes cost fewer dimensions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..assignment.starts import cluster_sizes
from ..seeding import generator
from .question import Question

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_DRAWS = 32  # placements of which the best is taken
_SWITCHES = 100  # tried per copy, to make clusters share few workers
_TURN = 0.3  # standard deviation of the angle by which vectors of classes that are not tied differ


@dataclass(frozen=True, eq=False)
class Classes:
    """Classes of clusters, each of which every worker holds one of.

    The columns of a class, taken together, are 1 at every worker. Where a worker has the same vector for two classes,
    these sums are equal: the encoding matrix loses m dimensions, none of which the target needs, since two classes that
    count the same must make up the same share of it. A class may be tied to another part by part, where the clusters of
    a part of the one and of the other are held by the same workers. So n - s responders are enough for more than
    (n - s) / m clusters, and clusters, which are lost one by one, may be smaller.

    Attributes
    ----------
    name : str
    held : int64, shape (n, V)
        0 or 1.
    sizes, labels : int64, shape (V,)
        Partitions in each cluster, and which clusters may be exchanged.
    tied : bool array, shape (V,)
        Whether it is of a tied class.
    """

    name: str
    held: Ints
    sizes: Ints
    labels: Ints
    tied: NDArray[np.bool_]

    def matrix(self, blocks: int, rng: np.random.Generator) -> Floats:
        """Return coefficients, shape (n, m * V): a direction per worker, turned a little where classes are not tied."""
        from .starts import directions

        n, V = self.held.shape
        base = directions(n, blocks, rng)
        vectors = np.repeat(base[:, :, None], V, axis=2)
        loose = np.flatnonzero(~self.tied)
        vectors[:, :, loose] += _TURN * rng.standard_normal((n, blocks, len(loose)))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray((vectors * (self.held * np.sqrt(self.sizes))[:, None, :]).reshape(n, -1))


def in_classes(question: Question, seed: int) -> Iterator[Classes]:
    """Yield placements in classes of q = k / load clusters; all of them tied, or the last ones of equal size.

    Where V clusters have more dimensions than n - s, tied classes are cut into as few parts as make up for that.
    """
    k, q = question.partitions, -(-question.partitions // question.load)
    if k % q or q < 2 or question.workers < 2 * q:
        return
    live, m = question.workers - question.stragglers, question.blocks
    for count in range(2, k // q + 1):
        if question.clusters not in (None, q * count):
            continue
        sizes = cluster_sizes(k // q, count)
        smallest = int((sizes == sizes[-1]).sum())
        for tied in sorted({count, smallest} - {1}):
            missing = -(-(m * q * count - live) // (m * (tied - 1)))
            parts = max(1, missing)
            if 2 * parts <= q:
                yield _best(question, sizes, tied, parts, generator(seed, 6, count, tied))


def _best(question: Question, sizes: Ints, tied: int, parts: int, rng: np.random.Generator) -> Classes:
    """Return the placement with the fewest `thirds` of some."""
    found: list[tuple[int, int, Classes]] = []
    for _ in range(_DRAWS):
        one = _placed(question, sizes, tied, parts, rng)
        found.append((thirds(one.held, question.blocks, question.stragglers), len(found), one))
        if found[-1][0] == 0:
            break
    return min(found)[2]


def thirds(held: Ints, blocks: int, stragglers: int) -> int:
    """Return how many triples of clusters s stragglers can hit so that two are lost and the third is short of workers.

    Examples
    --------
    >>> thirds(np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]]), 1, 3)  # nobody is left
    3
    """
    size = held.shape[1]
    first, second = np.triu_indices(size, 1)
    both = held[:, first] | held[:, second]
    more = held.sum(axis=0) - both.T @ held  # workers of a third that hold neither
    needed = both.sum(axis=0)[:, None] + np.maximum(more - (blocks - 1), 0)
    third = (np.arange(size) != first[:, None]) & (np.arange(size) != second[:, None])
    return int((third & (needed <= stragglers)).sum())


def _placed(question: Question, sizes: Ints, tied: int, parts: int, rng: np.random.Generator) -> Classes:
    """Return random classes, the last ``tied`` cut into parts; clusters share as few workers as switches make."""
    from ..assignment._spread_kernels import spread

    n, count = question.workers, len(sizes)
    q = question.partitions // int(sizes.sum())
    of = np.arange(n) * q // n  # a cluster for each worker, equally often
    part = np.arange(q) * parts // q
    held, labels = np.zeros((n, q * count), dtype=np.int64), np.zeros(q * count, dtype=np.int64)
    for c in range(count):
        mine = rng.permutation(of)
        if c >= count - tied:
            mine = of.copy()
            for one in range(parts):
                inside = part[of] == one
                mine[inside] = rng.permutation(mine[inside])
        held[np.arange(n), c * q + mine] = 1
        labels[c * q : (c + 1) * q] = c * q + (part if c >= count - tied else 0)
    uniforms = rng.random((_SWITCHES * int(held.sum()), 4))
    spread(held, held.T @ held, labels, uniforms)
    words = f"{q * count} clusters in {count} classes" + (f", {tied} tied" if tied < count else ", all tied")
    every = np.repeat(np.arange(count) >= count - tied, q)
    return Classes(words, held, np.repeat(sizes, q).astype(np.int64), labels, every)
