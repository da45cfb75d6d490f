"""Assignments whose structure is known, built without any family."""

from __future__ import annotations

import networkx as nx
import numpy as np

Array = np.ndarray


def circulant(n: int, *offsets: int) -> Array:
    """Worker j holds j + offset (mod n); a difference set gives a block design."""
    return np.array([[float((i - j) % n in offsets) for i in range(n)] for j in range(n)])


def incidence(graph: nx.Graph) -> Array:
    """Workers are edges, partitions are vertices."""
    return np.abs(nx.incidence_matrix(graph).toarray().T)


def plane(q: int) -> Array:
    """Points and lines of the projective plane over the integers modulo a prime."""
    points = [(1, a, b) for a in range(q) for b in range(q)] + [(0, 1, a) for a in range(q)] + [(0, 0, 1)]
    table = np.array(points)
    return ((table @ table.T) % q == 0).astype(float)


PETERSEN = nx.to_numpy_array(nx.petersen_graph())
FANO = circulant(7, 0, 1, 3)
PLANE = circulant(13, 0, 1, 3, 9)
