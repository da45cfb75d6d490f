"""Where a search starts: who holds which clusters, and first coefficients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import assignment
from ..assignment import starts as placements
from ..seeding import generator
from .classes import in_classes
from .products import null_space_products
from .question import Question

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Start:
    """A code to start from.

    Attributes
    ----------
    name : str
        Where it comes from, for people.
    matrix : array, shape (n, m * V)
        Coefficients times the root of the size of the cluster; column ``u * V + c`` is block u of cluster c.
    sizes : int64, shape (V,)
        Partitions in each cluster.
    labels : int64, shape (V,)
        Workers may exchange clusters of the same label, which have the same size.
    """

    name: str
    matrix: Floats
    sizes: Ints
    labels: Ints

    @classmethod
    def of_code(cls, name: str, encoding: Floats, blocks: int) -> Start:
        """Return the start of an encoding matrix, shape (n, m * k): partitions with equal columns make a cluster.

        Examples
        --------
        >>> Start.of_code("groups", np.kron(np.ones((1, 2)), np.kron(np.eye(2), np.ones((2, 2)))), 2).sizes.tolist()
        [2, 2]
        """
        tall = encoding.reshape(len(encoding) * blocks, -1)
        columns, place, sizes = np.unique(tall, axis=1, return_index=True, return_counts=True)[0:3]
        order = np.argsort(place)
        scaled, sizes = columns[:, order] * np.sqrt(sizes[order]), sizes[order].astype(np.int64)
        return cls(name, np.ascontiguousarray(scaled.reshape(len(encoding), -1)), sizes, sizes)

    @property
    def encoding(self) -> Floats:
        """The encoding matrix, shape (n, m * k), clusters one after the other."""
        n, V = len(self.matrix), len(self.sizes)
        cells = self.matrix.reshape(n, -1, V) / np.sqrt(self.sizes)
        return np.asarray(np.repeat(cells, self.sizes, axis=2).reshape(n, -1))

    def held(self) -> Ints:
        """Who holds which cluster: 0 or 1, shape (n, V)."""
        n, V = len(self.matrix), len(self.sizes)
        return np.asarray((self.matrix.reshape(n, -1, V) != 0.0).any(axis=1).astype(np.int64))

    def fits(self, question: Question) -> bool:
        """Whether it keeps to the load and the number of clusters, and every worker sends something."""
        loads = self.held() @ self.sizes
        wanted = question.clusters in (None, len(self.sizes))
        alike = not question.signs or np.allclose(self.encoding[self.encoding != 0.0] ** 2, 1.0)
        return wanted and alike and bool((loads <= question.load).all() and (loads > 0).all())


def starts(question: Question, given: Iterable[tuple[str, Floats]], seed: int) -> Iterator[Start]:
    """Yield codes to start from: those given, and our own placements with several kinds of coefficients.

    Parameters
    ----------
    question : Question
    given : iterable of (str, array of shape (n, k) or (n, m * k))
        Names and encoding matrices of codes with m = 1, whose placement is taken, or with m blocks.
    seed : int
    """
    m, stream = question.blocks, 0
    for name, matrix in given:
        if matrix.shape[1] == m * question.partitions:
            yield Start.of_code(name, matrix, m)
            if m > 1:
                continue
        one = Start.of_code(name, (matrix != 0.0).astype(np.float64), 1)
        stream += 1
        yield from _coded(question, name, one.held(), one.sizes, one.labels, generator(seed, 3, stream))
    yield groups(question, seed)
    for clusters in cluster_counts(question):
        for name, held, sizes in _placed(question, clusters, seed):
            stream += 1
            yield from _coded(question, name, held, sizes, sizes, generator(seed, 3, stream))
    for number, classes in enumerate(in_classes(question, seed) if not question.signs else ()):
        matrix = classes.matrix(question.blocks, generator(seed, 4, number))
        yield Start(classes.name, matrix, classes.sizes, classes.labels)


def groups(question: Question, seed: int) -> Start:
    """Return the fewest clusters, one on each worker, with an MDS code (normal coefficients) in each group of workers.

    Kadhe, Koyluoglu & Ramchandran 2020 where the load divides n and k = n. Signs: rows of a Sylvester matrix in turn.
    """
    n, clusters = question.workers, -(-question.partitions // question.load)
    sizes = placements.cluster_sizes(question.partitions, clusters)
    held = np.arange(clusters) == (np.arange(n) * clusters // n)[:, None]
    vectors = generator(seed, 7).standard_normal((n, question.blocks, 1))
    if question.signs:
        rows = sylvester(question.blocks)
        vectors = rows[np.arange(n) % len(rows), :, None]
    return Start("groups + MDS", ((held * np.sqrt(sizes))[:, None, :] * vectors).reshape(n, -1), sizes, sizes)


def sylvester(blocks: int) -> Floats:
    """Return the first m columns of the smallest Sylvester matrix that has so many.

    Examples
    --------
    >>> sylvester(2).tolist()
    [[1.0, 1.0], [1.0, -1.0]]
    """
    found = np.ones((1, 1))
    while len(found) < blocks:
        found = np.block([[found, found], [found, -found]])
    return np.asarray(found[:, :blocks])


def cluster_counts(question: Question) -> list[int]:
    """Return the numbers of clusters worth a try: n - s responders decode about (n - s) / m of them exactly.

    Examples
    --------
    >>> cluster_counts(Question(7, 7, 3, 2, 2))
    [7, 3]
    """
    if question.clusters is not None:
        return [question.clusters]
    k, least = question.partitions, -(-question.partitions // question.load)
    live = question.workers - question.stragglers
    wanted = [k, k // 2, least, *(live * part // (20 * question.blocks) for part in (20, 18, 16, 12))]
    wanted += [-(-k // max(1, question.load // c)) for c in (2, 3)]  # so that a load is c clusters
    return sorted({v for v in wanted if least <= v <= k}, reverse=True)


def _placed(question: Question, clusters: int, seed: int) -> Iterator[tuple[str, Ints, Ints]]:
    """Yield a random placement of so many clusters and the quasi-cyclic one with the smallest second singular value."""
    weights = assignment.Weights(mean=1.0)
    s = min(question.stragglers, question.workers - 1)
    single = assignment.Question(question.caps, question.partitions, s, weights, clusters=clusters, tuned=False)
    best: dict[str, tuple[float, placements.Start]] = {}
    for start in placements.starts(single, seed):
        squares = np.append(np.zeros(2), np.linalg.eigvalsh(start.matrix @ start.matrix.T))
        spread = float(squares[-2] / squares[-1])
        if start.name not in best or spread < best[start.name][0]:
            best[start.name] = spread, start
    for name, (_, start) in best.items():
        yield name, (start.matrix != 0.0).astype(np.int64), start.sizes


def _coded(
    question: Question, name: str, held: Ints, sizes: Ints, labels: Ints, rng: np.random.Generator
) -> Iterator[Start]:
    """Yield a placement with coefficients of several kinds.

    Signs and directions are one vector per worker (A D_u: construction I); those of null spaces are construction II;
    normal ones have nothing in common.
    """
    n, m = question.workers, question.blocks
    scaled = held * np.sqrt(sizes)
    kinds = {f"{name}, signs": rng.choice([-1.0, 1.0], (n, m, 1))}
    if not question.signs:
        if (products := null_space_products(held, m, rng)) is not None:
            kinds[f"{name}, null space"] = products
        kinds[f"{name}, directions"] = directions(n, m, rng)[:, :, None]
        kinds[f"{name}, generic"] = rng.standard_normal((n, m, len(sizes)))
    for words, vectors in kinds.items():
        yield Start(words, (scaled[:, None, :] * vectors).reshape(n, -1), sizes, labels)


def directions(workers: int, blocks: int, rng: np.random.Generator) -> Floats:
    """Return a unit vector for each worker, no two parallel: evenly turned for two blocks, else normal; shape (n, m).

    Examples
    --------
    >>> directions(5, 2, np.random.default_rng(0)).shape
    (5, 2)
    """
    if blocks == 2:
        angles = np.pi * (rng.permutation(workers) + 0.25) / workers
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)
    vectors = rng.standard_normal((workers, blocks))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
