"""Parts of an exact code, workers that share partitions: from free numbers to what decides the noise, and back.

A `Free` part has no more kinds of partitions (held by the same workers) than every choice of responders can tell apart:
its coefficients may be anything. In a `Null` part they come from decoding vectors C, (s + 1) x workers: the holders J
of a partition get the shortest b with C_J b = 1; where they are more than s + 1, the scale of the columns of C decides
which one is the shortest, and nothing is lost by that (at an optimum every b_p minimises the same weighted sum of
squares). Workers that hold the same may form teams that do the same; a team then counts as one worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Point(NamedTuple):
    """Decoding at one choice of the numbers: for the kernels ``a`` and ``null``, the rest for the way back."""

    a: Floats
    null: Floats
    rest: tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Part:
    """What both have: who they are.

    Attributes
    ----------
    workers : array, shape (g,)
        In teams, one after the other.
    partitions : array, shape (partitions of the part,)
    kinds : array, shape (partitions of the part,)
        Which kind each is of; kinds are numbered as they come.
    held : bool array, shape (g / team, kinds)
    team : int
    stragglers : int
        Teams that may be lost altogether.
    """

    workers: Ints
    partitions: Ints
    kinds: Ints
    held: Bools
    team: int
    stragglers: int

    @property
    def leaders(self) -> Ints:
        """The first of every team."""
        return self.workers[:: self.team]

    @cached_property
    def weights(self) -> Floats:
        """How many partitions are of each kind."""
        return np.bincount(self.kinds).astype(np.float64)

    def fill(self, matrix: Floats, mine: Floats) -> None:
        """Write what the part's teams do with each kind of partitions into a matrix, shape (n, k)."""
        matrix[np.ix_(self.workers, self.partitions)] = np.repeat(mine, self.team, axis=0)[:, self.kinds]


@dataclass(frozen=True, eq=False)
class Free(Part):
    """Numbers are the coefficients, row by row."""

    @property
    def count(self) -> int:
        """How many numbers there are."""
        return int(self.held.sum())

    def matrix(self, numbers: Floats) -> Floats:
        """Return the coefficients, shape (g / team, kinds)."""
        full = np.zeros(self.held.shape)
        full[self.held] = numbers
        return full

    def recall(self, matrix: Floats, decoders: Floats, rng: np.random.Generator) -> Floats:
        """Return the numbers in a matrix (n, k) of before; drawn where there was nothing."""
        first = np.unique(self.kinds, return_index=True)[1]
        numbers = matrix[np.ix_(self.leaders, self.partitions[first])][self.held]
        drawn = rng.choice([-1.0, 1.0], self.count) * rng.uniform(0.5, 1.5, self.count)
        return np.asarray(np.where(numbers == 0.0, drawn, numbers))

    def at(self, numbers: Floats) -> Point:
        """Return how the part is decoded with these numbers."""
        rows = self.matrix(numbers)
        lengths = np.sqrt(rows**2 @ self.weights)
        rows /= lengths[:, None]
        gram = np.linalg.inv(rows.T @ rows)
        x, y = gram.sum(axis=1), rows @ gram
        return Point(rows @ x, np.eye(len(rows)) - y @ rows.T, (rows, lengths, x, y))

    def back(self, point: Point, by_a: Floats, by_null: Floats) -> Floats:
        """Return the derivative by the numbers; ``by_null`` is minus the one by ``null``."""
        rows, lengths, x, y = point.rest
        inner = np.outer(y.T @ by_a, x) + y.T @ by_null @ y
        slope = 2.0 * by_null @ y + np.outer(by_a, x) - rows @ (inner + inner.T)
        slope -= (slope * rows).sum(axis=1)[:, None] * rows * self.weights
        return np.asarray((slope / lengths[:, None])[self.held])


@dataclass(frozen=True, eq=False)
class Null(Part):
    """Numbers are C, shape (stragglers + 1, g / team), row by row."""

    @property
    def count(self) -> int:
        """How many numbers there are."""
        return (self.stragglers + 1) * len(self.held)

    def recall(self, matrix: Floats, decoders: Floats, rng: np.random.Generator) -> Floats:
        """Return the numbers in decoding vectors (s + 1, n) of before; drawn where there were none."""
        c = decoders[: self.stragglers + 1, self.leaders].ravel()
        return np.asarray(c if np.isfinite(c).all() else rng.standard_normal(self.count))

    def shaped(self, numbers: Floats) -> Floats:
        """Return C, shape (stragglers + 1, g / team)."""
        return numbers.reshape(self.stragglers + 1, -1)

    def _holders(self) -> Iterator[tuple[Ints, Ints]]:
        """Yield kinds with equally many holders, and these, shape (kinds, holders)."""
        copies = self.held.sum(axis=0)
        for size in np.unique(copies):
            kinds = np.flatnonzero(copies == size)
            yield kinds, np.nonzero(self.held[:, kinds].T)[1].reshape(-1, size)

    def _solve(self, numbers: Floats) -> tuple[Floats, Floats, list[tuple[Ints, Ints, Floats]]]:
        c = self.shaped(numbers)
        full, inverses = np.zeros(self.held.shape, dtype=np.float64), []
        for kinds, holders in self._holders():
            inside = c[:, holders].swapaxes(0, 1)
            inverse = np.linalg.inv(inside) if holders.shape[1] == len(c) else np.linalg.pinv(inside)
            full[holders, kinds[:, None]] = inverse.sum(axis=2)
            inverses.append((kinds, holders, np.asarray(inverse)))
        return c, full, inverses

    def matrix(self, numbers: Floats) -> Floats:
        """Return the coefficients, shape (g / team, kinds)."""
        return self._solve(numbers)[1]

    def at(self, numbers: Floats) -> Point:
        """Return how the part is decoded with these numbers."""
        c, b, inverses = self._solve(numbers)
        lengths = np.sqrt(b**2 @ self.weights)
        first, others = c[0] * lengths, (c[1:] - c[:1]) * lengths
        across = np.linalg.inv(others @ others.T) @ others
        null = others.T @ across
        a = first - null @ first
        rest = (c, b, inverses, lengths, first, across, null)
        if self.team == 1:
            return Point(a, null, rest)
        seen = np.kron(np.eye(len(a)) - null, np.ones((self.team, self.team)) / self.team)
        return Point(np.repeat(a, self.team) / self.team, np.eye(len(seen)) - seen, rest)

    def back(self, point: Point, by_a: Floats, by_null: Floats) -> Floats:
        """Return the derivative by the numbers; ``by_null`` is minus the one by ``null``."""
        c, b, inverses, lengths, first, across, null = point.rest
        if self.team > 1:
            shape = (len(lengths), self.team)
            by_a = by_a.reshape(shape).sum(axis=1) / self.team
            by_null = by_null.reshape(shape + shape).sum(axis=(1, 3)) / self.team
        both = np.outer(by_a, first) + by_null
        both += both.T
        slope = np.zeros_like(c)
        slope[1:] = -across @ (both - both @ null)
        slope[0] = by_a - null @ by_a - slope[1:].sum(axis=0)
        by_lengths = (slope * c).sum(axis=0)
        slope *= lengths
        by_b = (by_lengths / lengths)[:, None] * b * self.weights
        for kinds, holders, inverse in inverses:
            mine, theirs = b[holders, kinds[:, None]], by_b[holders, kinds[:, None]]
            up = np.einsum("pji,pj->pi", inverse, theirs)
            change = -up[:, :, None] * mine[:, None, :]
            if holders.shape[1] > len(c):
                y = np.einsum("pji,pj->pi", inverse, mine)
                over = theirs - np.einsum("ipj,pi->pj", c[:, holders], up)
                change += y[:, :, None] * over[:, None, :]
            np.add.at(slope.T, holders, change.swapaxes(1, 2))
        return np.asarray(slope.ravel())


def parts_of(holders: Bools, stragglers: int) -> list[Free | Null]:
    """Return the parts of a placement, shape (n, k), every partition on more than ``stragglers`` workers."""
    held = sparse.csr_array(holders.astype(np.int64))
    count, labels = connected_components(sparse.csr_array(held @ held.T), directed=False)
    of_partition = labels[holders.argmax(axis=0)]
    found = []
    for label in range(count):
        workers, partitions = np.flatnonzero(labels == label), np.flatnonzero(of_partition == label)
        if partitions.size:  # workers without any do not count
            found.append(_part(holders[np.ix_(workers, partitions)], workers, partitions, stragglers))
    return found


def _part(held: Bools, workers: Ints, partitions: Ints, stragglers: int) -> Free | Null:
    different, first, which = np.unique(held, axis=1, return_index=True, return_inverse=True)
    order = np.argsort(first)
    held, kinds = different[:, order], np.argsort(order)[which.ravel()]
    rows, lead, mine, sizes = np.unique(held, axis=0, return_index=True, return_inverse=True, return_counts=True)
    team = int(sizes[0])
    lost = stragglers // team
    # teams first: they leave the decoder more freedom than workers of their own do
    if 1 < team < len(workers) and (sizes == team).all() and rows.sum(axis=0).min() > lost:
        together = np.argsort(lead[mine.ravel()], kind="stable")
        return Null(workers[together], partitions, kinds, held[together][::team], team, lost)
    kind = Free if held.shape[1] <= len(workers) - stragglers else Null
    return kind(workers, partitions, kinds, held, 1, stragglers)
