"""Complete, multipartite and bipartite graphs, cycles and cubes."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from gcopt.combinatorics.graphs.building import from_neighbours


def multipartite(parts: int, size: int) -> sparse.csr_array:
    """Return the complete multipartite graph: vertices are adjacent if they are in different parts of equal size.

    SRG(t m, (t - 1) m, (t - 2) m, (t - 1) m) for t parts of m >= 2 vertices; complete for m = 1, bipartite for t = 2.

    Examples
    --------
    >>> multipartite(2, 2).toarray().tolist()
    [[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]]
    """
    table = [np.delete(np.arange(parts * size), np.arange(part * size, (part + 1) * size)) for part in range(parts)]
    return from_neighbours(np.repeat(np.array(table), size, axis=0))


def cycle(vertices: int) -> sparse.csr_array:
    """Return the cycle of at least 3 vertices.

    Examples
    --------
    >>> cycle(3).toarray().tolist()
    [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    """
    x = np.arange(vertices)
    return from_neighbours(np.stack([x - 1, x + 1], axis=1) % vertices)


def hypercube(dimension: int) -> sparse.csr_array:
    """Return the cube of 2^dimension vertices, adjacent if their numbers differ in one bit.

    Examples
    --------
    >>> hypercube(2).toarray().tolist()
    [[0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0]]
    """
    return from_neighbours(np.arange(2**dimension)[:, None] ^ 2 ** np.arange(dimension))
