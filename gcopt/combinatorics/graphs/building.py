"""Adjacency matrices from lists of neighbours or edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

Ints = NDArray[np.int64]


def from_neighbours(neighbours: ArrayLike, columns: int | None = None) -> sparse.csr_array:
    """Return the matrix with a 1 at every neighbour of every vertex.

    Parameters
    ----------
    neighbours : array of int, shape (n, d)
        Row x lists the neighbours of vertex x; one that is listed twice gives a 2.
    columns : int, optional
        Width of the matrix; n by default.

    Returns
    -------
    csr_array of int32, shape (n, columns)

    Examples
    --------
    >>> from_neighbours([[1], [0]]).toarray().tolist()
    [[0, 1], [1, 0]]
    """
    table = np.sort(np.asarray(neighbours, dtype=np.int32), axis=1)
    n, d = table.shape
    ones = np.ones(table.size, dtype=np.int32)
    found = sparse.csr_array((ones, table.ravel(), np.arange(n + 1, dtype=np.int32) * d), shape=(n, columns or n))
    found.sum_duplicates()
    return found


def from_edges(vertices: int, edges: ArrayLike) -> sparse.csr_array:
    """Return the symmetric adjacency matrix of undirected edges, shape (edges, 2).

    Examples
    --------
    >>> from_edges(3, [[0, 1], [1, 2]]).toarray().tolist()
    [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    """
    pairs = np.asarray(edges, dtype=np.int32).reshape(-1, 2)
    both = np.concatenate([pairs, pairs[:, ::-1]])
    ones = np.ones(len(both), dtype=np.int32)
    return sparse.csr_array(sparse.coo_array((ones, (both[:, 0], both[:, 1])), shape=(vertices, vertices)))


def edges_of(adjacency: sparse.csr_array) -> Ints:
    """Return the edges of a simple graph, each once with the smaller vertex first, in lexicographic order.

    Examples
    --------
    >>> edges_of(from_edges(3, [[2, 1], [1, 0]])).tolist()
    [[0, 1], [1, 2]]
    """
    upper = sparse.triu(adjacency, k=1, format="csr")
    upper.sort_indices()
    rows = np.repeat(np.arange(upper.shape[0]), np.diff(upper.indptr))
    return np.stack([rows, upper.indices.astype(np.int64)], axis=1)


def incidence(adjacency: sparse.csr_array) -> sparse.csr_array:
    """Return the matrix of edges and vertices, shape (edges, n): a 1 at both ends of every edge.

    Examples
    --------
    >>> incidence(from_edges(3, [[0, 1], [1, 2]])).toarray().tolist()
    [[1, 1, 0], [0, 1, 1]]
    """
    return from_neighbours(edges_of(adjacency), adjacency.shape[0])


def complement(adjacency: sparse.csr_array) -> sparse.csr_array:
    """Return the graph on the same vertices in which those are adjacent that are not in this simple graph.

    Examples
    --------
    >>> complement(from_edges(3, [[0, 1]])).toarray().tolist()
    [[0, 0, 1], [0, 0, 1], [1, 1, 0]]
    """
    return opposite(sparse.csr_array(adjacency + sparse.eye_array(adjacency.shape[0], dtype=np.int32)))


def opposite(matrix: sparse.csr_array) -> sparse.csr_array:
    """Return the 0/1 matrix with ones where this one has zeros.

    Examples
    --------
    >>> opposite(from_neighbours([[1, 2], [0, 2]], 3)).toarray().tolist()
    [[1, 0, 0], [0, 1, 0]]
    """
    n, k = matrix.shape
    rows = []
    for x in range(n):
        free = np.ones(k, dtype=bool)
        free[matrix.indices[matrix.indptr[x] : matrix.indptr[x + 1]]] = False
        rows.append(np.flatnonzero(free).astype(np.int32))
    indptr = np.concatenate([[0], np.cumsum([row.size for row in rows])])
    indices = np.concatenate(rows)
    return sparse.csr_array((np.ones(indices.size, dtype=np.int32), indices, indptr), shape=(n, k))
