"""Where a search starts: placements of clusters of partitions, random ones and ones that repeat around a circle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.typing import NDArray

from ..seeding import generator
from .question import Question

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SPREAD = 40  # switches tried per copy, to make clusters share few workers
_CIRCLES = 200


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
    """

    name: str
    matrix: Floats
    sizes: Ints

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
    for stream, clusters in enumerate(cluster_counts(question)):
        sizes = cluster_sizes(question.partitions, clusters)
        held = spread_out(place(question, sizes), sizes, generator(seed, 2, stream))
        if held is None:
            continue
        name = "random" if clusters == question.partitions else f"{clusters} clusters"
        yield _start(name, held, sizes, None)
        if question.tuned:
            yield _start(f"{name}, generic", held, sizes, generator(seed, 3, stream))
    if question.clusters is None and np.ptp(question.caps) == 0:
        rng = generator(seed, 4)
        for _ in range(_CIRCLES):
            held = around(question, rng)
            if held is None:
                break
            yield _start("quasi-cyclic", held, np.ones(question.partitions, dtype=np.int64), None)


def _start(name: str, held: Ints, sizes: Ints, rng: np.random.Generator | None) -> Start:
    """Coefficients: equal shares of every copy, or normal ones."""
    matrix = held * np.sqrt(sizes)
    if rng is None:
        copies = held.sum(axis=0)
        return Start(name, matrix / copies * copies.mean(), sizes)
    return Start(name, matrix * rng.standard_normal(held.shape), sizes)


def place(question: Question, sizes: Ints) -> Ints | None:
    """Give copies of clusters to workers: always of the one with fewest, to the worker with most room.

    Returns 0 and 1, shape (n, V), or None where a cluster finds no worker, or not its replication.
    """
    room = question.caps.copy()
    held = np.zeros((question.workers, len(sizes)), dtype=np.int64)
    copies, open_ = np.zeros(len(sizes), dtype=np.int64), np.ones(len(sizes), dtype=bool)
    while open_.any():
        c = int(np.flatnonzero(open_)[np.argmin((copies - sizes * 1e-6)[open_])])
        fits = np.flatnonzero((room >= sizes[c]) & (held[:, c] == 0))
        if not fits.size:
            open_[c] = False
            continue
        j = int(fits[np.argmax(room[fits])])
        held[j, c], room[j], copies[c] = 1, room[j] - sizes[c], copies[c] + 1
        open_[c] = copies[c] != question.replication
    short = copies < (1 if question.replication is None else question.replication)
    return None if short.any() or not held.any(axis=1).all() else held


def spread_out(held: Ints | None, sizes: Ints, rng: np.random.Generator) -> Ints | None:
    """Switch copies of clusters of equal size at random, and keep what makes pairs of clusters share fewer workers."""
    if held is None:
        return None
    held = held.copy()
    shared = held.T @ held
    for i, j in rng.integers(0, len(held), (_SPREAD * int(held.sum()), 2)):
        mine, other = np.flatnonzero(held[i] > held[j]), np.flatnonzero(held[j] > held[i])
        if not mine.size or not other.size:
            continue
        c, d = rng.choice(mine), rng.choice(other)
        if sizes[c] != sizes[d]:
            continue
        # i holds d instead of c, j holds c instead of d: the squares of what c and d share with others change
        with_i, with_j = held[i].copy(), held[j].copy()
        with_i[[c, d]] = with_j[[c, d]] = 0
        delta = 2 * int((with_j - with_i) @ (shared[c] - shared[d])) + 2 * int(((with_j - with_i) ** 2).sum())
        if delta <= 0:
            held[i, [c, d]], held[j, [c, d]] = (0, 1), (1, 0)
            for row, sign in ((with_j - with_i, 1), (with_i - with_j, -1)):
                column = c if sign == 1 else d
                shared[column] += row
                shared[:, column] += row
    return held


def around(question: Question, rng: np.random.Generator) -> Ints | None:
    """Return a random placement made of circulant blocks, or None if no such is regular.

    With g = gcd(n, k), workers and partitions come in n / g and k / g circles of g; a worker's neighbour on its circle
    holds the neighbours of what it holds. Every worker holds ``load``, every partition has equally many copies.
    """
    n, k, load = question.workers, question.partitions, int(question.caps[0])
    circle = gcd(n, k)
    rows, columns = n // circle, k // circle
    if (n * load) % k or circle < 3 or (question.replication is not None and n * load != k * question.replication):
        return None
    ends = rng.permutation(np.repeat(np.arange(columns), rows * load // columns)).reshape(rows, load)
    held = np.zeros((n, k), dtype=np.int64)
    turn = np.arange(circle)
    for row in range(rows):
        for column, count in zip(*np.unique(ends[row], return_counts=True), strict=True):
            if count > circle:
                return None
            for shift in rng.choice(circle, count, replace=False):
                held[row * circle + turn, column * circle + (turn + shift) % circle] = 1
    return held
