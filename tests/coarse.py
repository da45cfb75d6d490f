"""Codes whose partitions come in clusters with generic coefficients."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def hypergraph(workers: int, clusters: int, replication: int, rng: np.random.Generator) -> Floats:
    """Every cluster on ``replication`` workers, loads as equal as possible; 0 and 1, shape (workers, clusters)."""
    load = np.full(workers, clusters * replication // workers)
    load[: clusters * replication - load.sum()] += 1
    own, cluster = np.repeat(np.arange(workers), load), np.repeat(np.arange(clusters), replication)
    rng.shuffle(cluster)
    table = np.zeros((workers, clusters))
    np.add.at(table, (own, cluster), 1.0)
    while (table > 1.0).any():
        i, v = np.argwhere(table > 1.0)[0]
        one, other = np.flatnonzero((own == i) & (cluster == v))[0], rng.integers(len(own))
        for change in (-1.0, 1.0):
            for e in (one, other):
                table[own[e], cluster[e]] += change
            if change < 0.0:
                cluster[one], cluster[other] = cluster[other], cluster[one]
    return table


def coarse(workers: int, partitions: int, clusters: int, replication: int, seed: int) -> Floats:
    """Clusters of equal size with normal coefficients, shape (workers, partitions)."""
    rng = np.random.default_rng(seed)
    table = hypergraph(workers, clusters, replication, rng) * rng.normal(size=(workers, clusters))
    return np.repeat(table, partitions // clusters, axis=1)
