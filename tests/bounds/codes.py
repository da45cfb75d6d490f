"""More assignments whose structure is known, and codes of them."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np

from gcopt.code import GradientCode
from tests.matrices import Array, circulant, incidence


def groups(count: int, workers: int, partitions: int) -> Array:
    """So many groups whose workers all hold the same."""
    return np.kron(np.eye(count), np.ones((workers, partitions)))


def pairs(points: int) -> Array:
    """Points are workers, all pairs of them are partitions: a block design with lambda = 1 and gamma = 2."""
    return incidence(nx.complete_graph(points)).T


def code(matrix: Any, decoder: str = "least-squares", q: float = 0.0, **options: Any) -> GradientCode:
    """The code of an assignment; fixed decoders get 1 / replication, and 1 / (1 - q) for the sum."""
    held = np.asarray(matrix, dtype=float)
    if decoder != "least-squares":
        held = held / held.sum(axis=0) / (1.0 - q)
    return GradientCode.from_matrix(held, decoder=decoder, approximate=True, **options)


PALEY = nx.to_numpy_array(nx.paley_graph(13, create_using=nx.Graph), nodelist=range(13))
ROOK = nx.to_numpy_array(nx.line_graph(nx.complete_bipartite_graph(3, 3)))
OCTAHEDRON = nx.to_numpy_array(nx.complete_multipartite_graph(2, 2, 2))
CYCLE = circulant(7, 1, 6)
CUBE = np.array([[1.0 if bin(a & b).count("1") % 2 else 0.0 for b in range(1, 8)] for a in range(8)])
RAGGED = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
