"""Codes whose structure is known, built without any family."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import networkx as nx
import numpy as np

from gcopt.code import GradientCode

Array = np.ndarray


def circulant(n: int, *offsets: int) -> Array:
    """Worker j holds j + offset (mod n); a difference set gives a block design."""
    return np.array([[float((i - j) % n in offsets) for i in range(n)] for j in range(n)])


def incidence(graph: nx.Graph) -> Array:
    """Workers are edges, partitions are vertices."""
    return np.asarray(nx.incidence_matrix(graph).toarray().T)


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


PETERSEN = nx.to_numpy_array(nx.petersen_graph())
FANO = circulant(7, 0, 1, 3)
PLANE = circulant(13, 0, 1, 3, 9)
PALEY = nx.to_numpy_array(nx.paley_graph(13, create_using=nx.Graph), nodelist=range(13))
ROOK = nx.to_numpy_array(nx.line_graph(nx.complete_bipartite_graph(3, 3)))
OCTAHEDRON = nx.to_numpy_array(nx.complete_multipartite_graph(2, 2, 2))
CYCLE = circulant(7, 1, 6)
CUBE = np.array([[1.0 if bin(a & b).count("1") % 2 else 0.0 for b in range(1, 8)] for a in range(8)])
RAGGED = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]])


def worst_and_mean(matrix: Array, s: int) -> tuple[float, float]:
    """By numpy alone."""
    n, k = matrix.shape
    errors = []
    for lost in combinations(range(n), s):
        rest = np.delete(matrix, lost, axis=0)
        a = np.linalg.lstsq(rest.T, np.ones(k), rcond=1e-12)[0]
        errors.append(float(np.sum((rest.T @ a - 1.0) ** 2)))
    return max(errors), float(np.mean(errors))
