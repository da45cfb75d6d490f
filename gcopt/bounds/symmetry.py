"""Symmetries of an assignment: shifts of the partitions that permute the workers, and any others of small ones."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

_LARGEST = 120  # workers and partitions, of assignments whose symmetries are searched for


def held_by(held: sparse.csr_array, move: NDArray[np.int64] | None = None) -> list[bytes]:
    """Return what every worker holds, in a form that can be compared, after moving the partitions.

    Examples
    --------
    >>> first, second = held_by(sparse.csr_array(np.ones((2, 3))))
    >>> first == second
    True
    """
    moved = held.indices if move is None else move[held.indices]
    return [np.sort(moved[a:b]).astype(np.int64).tobytes() for a, b in pairwise(held.indptr.tolist())]


def grid_shifts(held: sparse.csr_array) -> tuple[int, int] | None:
    """Return (a, b), a b = k, if both cyclic shifts of the a x b grid of partitions permute the workers.

    Examples
    --------
    >>> grid_shifts(sparse.csr_array(np.eye(3)))
    (1, 3)
    """
    k, rows = held.shape[1], Counter(held_by(held))
    number = np.arange(k)
    for a in (a for a in range(1, k + 1) if k % a == 0):
        grid = number.reshape(a, k // a)
        moves = [np.roll(grid, 1, axis=axis).ravel() for axis in (0, 1) if grid.shape[axis] > 1]
        if all(Counter(held_by(held, move)) == rows for move in moves):
            return a, k // a
    return None


def circulant_copies(held: sparse.csr_array) -> int | None:
    """Return how many workers hold each row of a circulant of k different rows, or None.

    Examples
    --------
    >>> circulant_copies(sparse.csr_array(np.vstack([np.eye(3), np.eye(3)])))
    2
    """
    n, k = held.shape
    rows = Counter(held_by(held))
    if len(rows) != k or len(set(rows.values())) > 1:
        return None
    first = held[[0]].indices
    cycle = {np.sort((first + t) % k).astype(np.int64).tobytes() for t in range(k)}
    return n // k if cycle == set(rows) else None


def moves_all(held: sparse.csr_array) -> bool:
    """Whether symmetries of a small assignment, shape (n, k), move every partition to every other.

    False also where the search for symmetries is cut short.

    Examples
    --------
    >>> moves_all(sparse.csr_array(np.ones((3, 3)) - np.eye(3)))
    True
    >>> moves_all(sparse.csr_array(np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])))
    False
    """
    n, k = held.shape
    copies = np.diff(held.tocsc().indptr)
    if n + k > _LARGEST or (copies != copies[0]).any():
        return False
    from gcopt.solvers._symmetry import automorphisms

    graph = np.zeros((n + k, n + k))
    graph[:n, n:] = held.toarray() != 0
    found = automorphisms([graph + graph.T], np.repeat([0, 1], [n, k]))
    moves = [(np.arange(k), p[n:] - n) for p in found]
    if not moves:
        return k == 1
    start, end = (np.concatenate(side) for side in zip(*moves, strict=True))
    joined = sparse.csr_array((np.ones(start.size), (start, end)), shape=(k, k))
    return int(sparse.csgraph.connected_components(joined, directed=False)[0]) == 1
