"""Permutations of workers that change no value, and one set of each kind under them.

A permutation p is a symmetry of matrices X when X[p][:, p] = X. `automorphisms` looks for them by colour refinement and
individualisation; nothing depends on finding all, and each is checked entry by entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Ints = NDArray[np.int64]
Array = NDArray[Any]  # float64 or complex128

NEAR = 1e-9  # entries that are as near as that, on the scale of the largest, count as equal
REFINEMENTS = 3000  # colourings that a search for symmetries may compute
SUBSETS = 300_000  # small sets that are sorted into kinds
KINDS = 2000  # kinds of them that are worth a search each


def is_symmetry(matrices: Sequence[Array], permutation: Ints) -> bool:
    """Whether renaming the workers changes no entry by more than rounding.

    Examples
    --------
    >>> circle = np.roll(np.eye(4), 1, axis=0)
    >>> is_symmetry([circle], np.array([1, 2, 3, 0])), is_symmetry([circle], np.array([1, 0, 2, 3]))
    (True, False)
    """
    grid = np.ix_(permutation, permutation)
    return all(np.abs(X[grid] - X).max(initial=0.0) <= NEAR * max(1.0, float(np.abs(X).max())) for X in matrices)


def automorphisms(matrices: Sequence[Array], weight: Ints) -> list[Ints]:
    """Return generators of (at least a part of) the group of symmetries that also keep ``weight``.

    Parameters
    ----------
    matrices : sequence of array, shape (c, c)
    weight : int64, shape (c,)

    Examples
    --------
    >>> len(automorphisms([np.diag([1.0, 2.0, 2.0])], np.ones(3, dtype=np.int64)))
    1
    """
    found = _Search(_labels(matrices), weight)
    return [p for p in found.generators() if is_symmetry(matrices, p)]


def _labels(matrices: Sequence[Array]) -> Ints:
    """Number the different entries; neighbours in value with a gap of less than `NEAR` share a number."""
    labels = np.zeros(matrices[0].shape, dtype=np.int64)
    for X in matrices:
        for part in (X.real, X.imag) if np.iscomplexobj(X) else (X,):
            order = np.argsort(part, axis=None)
            steps = np.diff(part.ravel()[order]) > NEAR * max(1.0, float(np.abs(X).max()))
            rank = np.empty(part.size, dtype=np.int64)
            rank[order] = np.concatenate([[0], np.cumsum(steps)])
            _, labels = np.unique(labels.ravel() * (rank.max() + 1) + rank, return_inverse=True)
            labels = labels.reshape(X.shape).astype(np.int64)
    return labels


class _Search:
    """Individualise worker after worker until all colours differ; other ways to the same colours are symmetries."""

    def __init__(self, labels: Ints, weight: Ints) -> None:
        self.n = len(labels)
        self.left = REFINEMENTS
        rng = np.random.default_rng(0)  # keys of a hash: a clash only hides a symmetry or costs a check
        self.keys = rng.integers(1, 2**63, size=(int(labels.max()) + 1), dtype=np.uint64)[labels]
        self.start = self._refine(np.unique(weight, return_inverse=True)[1].astype(np.uint64))

    def _refine(self, colours: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Tell workers apart by the colours of the others and the entries between; equal for symmetric colourings."""
        self.left -= 1
        kinds = 0
        with np.errstate(over="ignore"):
            while True:
                mixed = (colours ^ (colours >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1)
                seen = self.keys * mixed
                seen ^= seen >> np.uint64(29)
                seen *= np.uint64(0xBF58476D1CE4E5B9)
                colours = mixed * np.uint64(3) + seen.sum(axis=1) + np.diagonal(seen) * np.uint64(7)
                now = len(np.unique(colours))
                if now == kinds:
                    return colours
                kinds = now

    def _fix(self, colours: NDArray[np.uint64], worker: int) -> NDArray[np.uint64]:
        marked = colours.copy()
        marked[worker] ^= np.uint64(0x5851F42D4C957F2D)
        return self._refine(marked)

    def generators(self) -> list[Ints]:
        """Return one permutation for each coset that the search reaches, without those that others give."""
        base, path = [], [self.start]
        while (largest := _largest_cell(path[-1])) is not None:
            base.append(int(largest[0]))
            path.append(self._fix(path[-1], base[-1]))
        found: list[Ints] = []
        for level in reversed(range(len(base))):
            cell = np.flatnonzero(path[level] == path[level][base[level]])
            fixing = [p for p in found if all(p[b] == b for b in base[:level])]
            tried = {int(orbits(fixing, self.n)[base[level]])}
            for other in cell:
                orbit = orbits(fixing, self.n)
                if int(orbit[other]) in tried | {int(orbit[base[level]])}:
                    continue
                image = self._match(base, path, level, path[level], int(other))
                if image is None:
                    tried.add(int(orbit[other]))
                else:
                    found.append(image)
                    fixing.append(image)
                if self.left < 0:
                    return found
        return found

    def _match(self, base: list[int], path: list[Any], level: int, colours: Any, other: int) -> Ints | None:
        """Send ``base[level]`` to ``other`` and the rest of the base wherever the colours allow."""
        if self.left < 0:
            return None
        after, wanted = self._fix(colours, other), path[level + 1]
        if not np.array_equal(np.sort(after), np.sort(wanted)):
            return None
        if level + 1 == len(base):
            image = np.empty(self.n, dtype=np.int64)
            image[np.argsort(wanted)] = np.argsort(after)
            return image if (self.keys[np.ix_(image, image)] == self.keys).all() else None
        candidates = np.flatnonzero(after == wanted[base[level + 1]])
        images = (self._match(base, path, level + 1, after, int(candidate)) for candidate in candidates)
        return next((found for found in images if found is not None), None)


def _largest_cell(colours: Any) -> Ints | None:
    """The workers of the most frequent colour; None when all differ."""
    _, index, counts = np.unique(colours, return_inverse=True, return_counts=True)
    return None if counts.max() == 1 else np.flatnonzero(index == counts.argmax())


def orbits(generators: Sequence[Ints], n: int) -> Ints:
    """Number the orbits of 0..n-1; equal numbers can be sent to each other.

    Examples
    --------
    >>> orbits([np.array([1, 0, 2, 3])], 4).tolist()
    [0, 0, 1, 2]
    """
    if not generators:
        return np.arange(n)
    ends = np.concatenate(generators)
    graph = sparse.coo_array((np.ones(len(ends)), (np.tile(np.arange(n), len(generators)), ends)), shape=(n, n))
    return np.asarray(sparse.csgraph.connected_components(graph, directed=False)[1], dtype=np.int64)


def representatives(generators: Sequence[Ints], n: int, size: int) -> Iterator[tuple[Ints, Ints]] | None:
    """One set of ``size`` workers of each kind, and which others need to be added to it.

    The kinds are ranked by how many sets they have, the largest first. A larger set is looked at where its highest kind
    is: some symmetry sends that part of it to the representative, and the rest to workers that with all but one of the
    representative form no set of a higher kind. None when there are too many sets or kinds to be worth it.

    Examples
    --------
    >>> [(c.tolist(), a.tolist()) for c, a in representatives([np.roll(np.arange(4), 1)], 4, 2)]  # a circle of four
    [([0, 1], [2, 3]), ([0, 2], [])]
    """
    if comb(n, size) > SUBSETS:
        return None
    members = np.array(list(combinations(range(n), size)), dtype=np.int64)
    members[_rank(members)] = members.copy()
    kind = orbits([_rank(np.sort(p[members], axis=1)) for p in generators], len(members))
    counts = np.bincount(kind)
    if len(counts) > KINDS:
        return None
    place = np.empty(len(counts), dtype=np.int64)
    place[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    position = place[kind]
    first = np.unique(position, return_index=True)[1]
    return (_extension(members[first[i]], i, position, n) for i in range(len(counts)))


def _extension(chosen: Ints, place: int, position: Ints, n: int) -> tuple[Ints, Ints]:
    others = np.setdiff1d(np.arange(n), chosen)
    allowed = np.ones(len(others), dtype=bool)
    for left_out in range(len(chosen)):
        kept = np.broadcast_to(np.delete(chosen, left_out), (len(others), len(chosen) - 1))
        sets = np.sort(np.column_stack([kept, others]), axis=1)
        allowed &= position[_rank(sets)] >= place
    return chosen, others[allowed]


def _rank(sets: Ints) -> Ints:
    """Number of each ascending row among all sets of its size, in the combinatorial number system."""
    total = np.zeros(len(sets), dtype=np.int64)
    for t in range(sets.shape[1]):
        column, term = sets[:, t], np.ones(len(sets), dtype=np.int64)
        for i in range(t + 1):
            term = term * (column - i) // (i + 1)
        total += term
    return total
