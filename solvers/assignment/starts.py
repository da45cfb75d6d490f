"""Where a search starts: placements of clusters of partitions, random ones and ones that repeat around a circle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import gcd

import numpy as np
from numpy.typing import NDArray

from ..seeding import generator
from .question import Question

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SPREAD = 40  # switches tried per copy, to make clusters share few workers
_CIRCLES = 200  # quasi-cyclic placements drawn; fewer where looking at one takes long
_OPERATIONS = 5e8


@dataclass(frozen=True, eq=False)
class Circles:
    """A quasi-cyclic code: worker t of circle ``row`` holds cluster t + ``shift`` of circle ``column``.

    Attributes
    ----------
    copies : int64, shape (c, 3)
        Row, column and shift of every copy.
    coefficients : array, shape (c,)
        Times the root of the size of the clusters.
    circle : int
        Length of the circles.
    """

    copies: Ints
    coefficients: Floats
    circle: int

    def matrix(self, workers: int, clusters: int) -> Floats:
        """Return the scaled matrix, shape (n, V).

        Examples
        --------
        >>> Circles(np.array([[0, 0, 0], [0, 0, 1]]), np.ones(2), 3).matrix(3, 3).tolist()
        [[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]
        """
        matrix, turn, rows = np.zeros((workers, clusters)), np.arange(self.circle), workers // self.circle
        for (row, column, shift), entry in zip(self.copies, self.coefficients, strict=True):
            matrix[turn * rows + row, column * self.circle + (turn + shift) % self.circle] = entry
        return matrix


@dataclass(frozen=True, eq=False)
class Start:
    """A code to start from.

    Attributes
    ----------
    name : str
        Where it comes from, for people.
    matrix : array, shape (n, V)
        Coefficients times the root of the size of the cluster.
    sizes : int64, shape (V,)
        Partitions in each cluster.
    circles : Circles, optional
        How it goes around, if it does and is to stay so.
    """

    name: str
    matrix: Floats
    sizes: Ints
    circles: Circles | None = None

    @classmethod
    def of_code(cls, name: str, encoding: Floats) -> Start:
        """Return the start of an encoding matrix, shape (n, k): partitions with equal columns make a cluster.

        Examples
        --------
        >>> Start.of_code("repetition", np.kron(np.eye(2), np.ones((2, 2)))).sizes.tolist()
        [2, 2]
        """
        columns, place, sizes = np.unique(encoding, axis=1, return_index=True, return_counts=True)[0:3]
        order = np.argsort(place)
        return cls(name, columns[:, order] * np.sqrt(sizes[order]), sizes[order].astype(np.int64))

    @property
    def encoding(self) -> Floats:
        """The encoding matrix, shape (n, k), clusters one after the other."""
        return np.asarray(np.repeat(self.matrix / np.sqrt(self.sizes), self.sizes, axis=1))

    @property
    def loads(self) -> Ints:
        """Partitions held, shape (n,)."""
        return np.asarray((self.matrix != 0.0) @ self.sizes)

    def fits(self, question: Question) -> bool:
        """Whether it keeps to the loads, the replication and, where they must be equal, the coefficients."""
        held = self.matrix != 0.0
        copies, most = held.sum(axis=0), np.abs(self.matrix).max(axis=0)
        regular = question.replication is None or bool((copies == question.replication).all())
        equal = question.tuned or np.allclose(self.matrix, held * most, rtol=1e-9, atol=0.0)
        return bool((self.loads <= question.caps).all()) and regular and equal


def cluster_sizes(partitions: int, clusters: int) -> Ints:
    """Return sizes that differ by one at most, largest first.

    Examples
    --------
    >>> cluster_sizes(7, 3).tolist()
    [3, 2, 2]
    """
    size, more = divmod(partitions, clusters)
    return np.repeat(np.array([size + 1, size], dtype=np.int64), [more, clusters - more])


def cluster_counts(question: Question) -> list[int]:
    """Return the numbers of clusters worth a try.

    Responders decode every target while they outnumber the clusters, roughly: below n - s lie the codes whose mean
    error is next to nothing, at the number of partitions those whose worst case is least.
    """
    k, live = question.partitions, question.workers - question.stragglers
    if question.clusters is not None:
        return [question.clusters]
    load = int(question.caps.mean())
    wanted = [k, k // 2, -(-k // load), *(live * part // 20 for part in (19, 17, 15, 13, 10))]
    least = -(-k // int(question.caps.min()))
    return sorted({v for v in wanted if least <= v <= k}, reverse=True)


def starts(question: Question, seed: int) -> Iterator[Start]:
    """Yield placements of our own: random ones for several numbers of clusters, and circulant ones."""
    for stream, (less, clusters) in enumerate(product(_lighter(question), cluster_counts(question))):
        sizes = cluster_sizes(question.partitions, clusters)
        rng = generator(seed, 2, stream)
        held = spread_out(place(less, sizes, rng), sizes, rng)
        if held is None:
            continue
        name = "random" if clusters == question.partitions else f"{clusters} clusters"
        yield _start(name, held, sizes, None)
        if question.tuned:
            yield _start(f"{name}, generic", held, sizes, generator(seed, 3, stream))
    for stream, clusters in enumerate(cluster_counts(question)):
        rng = generator(seed, 4, stream)
        for _ in range(max(1, min(_CIRCLES, int(_OPERATIONS / question.workers**3)))):
            circles = around(question, clusters, rng)
            if circles is None:
                break
            name = "quasi-cyclic" if clusters == question.partitions else f"{clusters} clusters, quasi-cyclic"
            sizes = cluster_sizes(question.partitions, clusters)
            yield Start(name, circles.matrix(question.workers, clusters), sizes, circles)


def _lighter(question: Question) -> list[Question]:
    """Return the question and, where the time counts, some with smaller loads: cut off, or by speed."""
    if question.rounds is None or question.replication is not None:
        return [question]
    k, caps = question.partitions, question.caps
    speed = 1.0 / question.rounds.pace.mean(axis=0)
    every = [np.minimum(caps, d) for d in range(1, int(caps.max()) + 1)]
    every += [np.minimum(caps, np.maximum(1, np.rint(r * k * speed / speed.sum()))).astype(np.int64) for r in (1, 2, 3)]
    return [question, *(replace(question, caps=some) for some in every if some.sum() >= k)]


def _start(name: str, held: Ints, sizes: Ints, rng: np.random.Generator | None) -> Start:
    """Coefficients: equal shares of every copy, or normal ones."""
    matrix = held * np.sqrt(sizes)
    if rng is None:
        copies = held.sum(axis=0)
        return Start(name, matrix / copies * copies.mean(), sizes)
    return Start(name, matrix * rng.standard_normal(held.shape), sizes)


def place(question: Question, sizes: Ints, rng: np.random.Generator) -> Ints | None:
    """Give copies of clusters to workers: always of the one with fewest, to a worker with most room.

    Returns 0 and 1, shape (n, V), or None where a cluster finds no worker, or not its replication.
    """
    if question.replication is not None:
        return _regular(question.caps, sizes, question.replication, rng)
    room = question.caps.copy()
    held = np.zeros((question.workers, len(sizes)), dtype=np.int64)
    copies, open_ = np.zeros(len(sizes), dtype=np.int64), np.ones(len(sizes), dtype=bool)
    while open_.any():
        c = int(np.flatnonzero(open_)[np.argmin((copies - sizes * 1e-6)[open_])])
        fits = np.flatnonzero((room >= sizes[c]) & (held[:, c] == 0))
        if not fits.size:
            open_[c] = False
            continue
        j = int(fits[np.argmax(room[fits] + rng.random(fits.size))])
        held[j, c], room[j], copies[c] = 1, room[j] - sizes[c], copies[c] + 1
    return held if copies.all() and held.any(axis=1).all() else None


def _regular(caps: Ints, sizes: Ints, replication: int, rng: np.random.Generator) -> Ints | None:
    """Give every cluster in turn to the workers with most room, which finds a placement of single partitions if any is.

    Gale 1957, Ryser 1957.
    """
    room, held = caps.copy(), np.zeros((len(caps), len(sizes)), dtype=np.int64)
    for c, size in enumerate(sizes):
        workers = np.argsort(-(room + rng.random(len(room))))[:replication]
        held[workers, c] = 1
        room[workers] -= size
    return held if (room >= 0).all() and held.any(axis=1).all() else None


def spread_out(held: Ints | None, sizes: Ints, rng: np.random.Generator) -> Ints | None:
    """Switch copies of clusters of equal size at random, and keep what makes pairs of clusters share fewer workers."""
    from ._spread_kernels import spread

    if held is None:
        return None
    held = held.copy()
    spread(held, held.T @ held, sizes, rng.random((_SPREAD * int(held.sum()), 4)))
    return held


def around(question: Question, clusters: int, rng: np.random.Generator) -> Circles | None:
    """Return a random quasi-cyclic placement of clusters of one size, or None if no such is regular.

    With g = gcd(n, V), workers and clusters come in n / g and V / g circles of g. Every worker holds as many clusters,
    and every cluster has as many copies.
    """
    n, size, k = question.workers, question.partitions // clusters, question.partitions
    circle, held = gcd(n, clusters), int(question.caps[0]) // size
    rows, columns = n // circle, clusters // circle
    irregular = np.ptp(question.caps) > 0 or k % clusters or (n * held) % clusters or circle < 3
    if irregular or question.replication not in (None, n * held // clusters):
        return None
    column = rng.permutation(np.repeat(np.arange(columns), rows * held // columns)).reshape(rows, held)
    copies = []
    for row in range(rows):
        for one, count in zip(*np.unique(column[row], return_counts=True), strict=True):
            if count > circle:
                return None
            copies += [(row, one, shift) for shift in rng.choice(circle, count, replace=False)]
    return Circles(np.array(copies, dtype=np.int64), np.full(len(copies), np.sqrt(size)), circle)
