"""Block designs as incidence matrices: what makes one, and the new ones that come of an old one.

A (v, k, lambda) design has v points and blocks of k points each, any two points together in lambda blocks; then every
point is in r = lambda (v - 1) / (k - 1) blocks, and there are b = v r / k. It is symmetric if b = v.
"""

from __future__ import annotations

from itertools import chain, combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

Incidence = sparse.csr_array


def incidence(blocks: ArrayLike, points: int) -> Incidence:
    """Return which point is in which block.

    Parameters
    ----------
    blocks : array of int, shape (b, k)
        The points of each block.
    points : int
        v.

    Returns
    -------
    csr_array of int, shape (v, b)
        1 where the point is in the block, and 2 if it is there twice (then it is no design).

    Examples
    --------
    >>> incidence([[0, 1], [1, 2]], 3).toarray().tolist()
    [[1, 0], [1, 1], [0, 1]]
    """
    listed = np.asarray(blocks)
    b, k = listed.shape
    where = (listed.ravel(), np.repeat(np.arange(b), k))
    return sparse.csr_array((np.ones(b * k, dtype=np.int64), where), shape=(points, b))


def parameters(matrix: Incidence) -> tuple[int, int, int] | None:
    """Return (v, k, lambda) if a matrix, shape (v, b), is the incidence matrix of a design, else None.

    E E^T = (r - lambda) I + lambda J is tested on two fixed vectors of random integers of 31 bits (Freivalds 1977): a
    wrong matrix passes with probability 2^-62, and the work is that of reading the matrix.

    Examples
    --------
    >>> parameters(incidence([[0, 1, 3], [1, 2, 4], [2, 3, 5], [3, 4, 6], [4, 5, 0], [5, 6, 1], [6, 0, 2]], 7))
    (7, 3, 1)
    >>> parameters(incidence([[0, 1], [1, 2]], 3)) is None
    True
    """
    if matrix.shape[0] < 2 or matrix.shape[1] == 0:
        return None
    rows, columns = matrix.sum(axis=1), matrix.sum(axis=0)
    v, r, k = matrix.shape[0], int(rows[0]), int(columns[0])
    if (matrix.data != 1).any() or (rows != r).any() or (columns != k).any() or k < 2 or r * (k - 1) % (v - 1):
        return None
    index = r * (k - 1) // (v - 1)
    x = np.random.default_rng(1977).integers(0, 2**31, (v, 2))
    expected = (r - index) * x + index * x.sum(axis=0)
    return (v, k, index) if (matrix @ (matrix.T @ x) == expected).all() else None


def complete(points: int, size: int) -> Incidence:
    """Return the design of all blocks of that size.

    Examples
    --------
    >>> complete(4, 2).shape, complete(4, 4).shape
    ((4, 6), (4, 1))
    """
    listed = np.fromiter(chain.from_iterable(combinations(range(points), size)), dtype=np.int64)
    return incidence(listed.reshape(-1, size), points)


def complement(matrix: Incidence) -> Incidence:
    """Return the design whose blocks are the points outside each block: (v, v - k, b - 2 r + lambda).

    Examples
    --------
    >>> complement(incidence([[0, 1], [1, 2], [2, 0]], 3)).toarray().tolist()
    [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    """
    return sparse.csr_array(1 - matrix.toarray())


def residual(matrix: Incidence) -> Incidence:
    """Return what is left of a symmetric design without one block and its points: (v - k, k - lambda, lambda).

    Examples
    --------
    >>> from gcopt.combinatorics.difference_families import paley
    >>> parameters(residual(paley(11)))
    (6, 3, 2)
    """
    return _beside_first(matrix, inside=False)


def derived(matrix: Incidence) -> Incidence:
    """Return what the other blocks of a symmetric design have of one block: (k, lambda, lambda - 1).

    Examples
    --------
    >>> from gcopt.combinatorics.difference_families import paley
    >>> parameters(derived(paley(11)))
    (5, 2, 1)
    """
    return _beside_first(matrix, inside=True)


def copies(matrix: Incidence, times: int) -> Incidence:
    """Return a design with every block repeated: (v, k, times * lambda).

    Examples
    --------
    >>> parameters(copies(incidence([[0, 1], [1, 2], [2, 0]], 3), 4))
    (3, 2, 4)
    """
    return sparse.csr_array(sparse.hstack([matrix] * times))


def _beside_first(matrix: Incidence, *, inside: bool) -> Incidence:
    """Return the points in (or outside) the first block, in the other blocks."""
    first: NDArray[np.bool_] = matrix[:, [0]].toarray().ravel() == 1
    return sparse.csr_array(matrix[first == inside][:, 1:])
