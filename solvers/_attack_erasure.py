"""Straggler sets that take whole partitions away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # float64 or complex128
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# part of the definition of the standard attack, see `_attack_search`
WORK = 200_000_000  # operations, roughly, that they may take
LUCK = 1e-3  # share by which chance changes weights: equally good clusters are tried in every order


@dataclass(frozen=True, eq=False)
class Clusters:
    """Partitions that the same workers hold, and what losing them costs.

    Attributes
    ----------
    size : int
        Number of workers n.
    first, holders : int64, shape (V + 1,), (sum of replications,)
        Workers ``holders[first[v]:first[v + 1]]`` hold cluster v.
    weight : float, shape (V,)
        Error when all of them straggle.
    """

    size: int
    first: Ints
    holders: Ints
    weight: Floats

    @classmethod
    def of(cls, rows: Array, target: Array) -> Clusters:
        """From rows, shape (n, q), and the target, shape (m, q); columns that nobody holds are left out."""
        held = rows != 0
        some = held.any(axis=0)
        packed = np.packbits(held[:, some], axis=0).T
        _, place, label = np.unique(packed, axis=0, return_index=True, return_inverse=True)
        weight = np.zeros(len(place))
        np.add.at(weight, label.ravel(), (np.abs(target[:, some]) ** 2).sum(axis=0))
        cluster, holder = np.nonzero(held[:, some][:, place].T)
        return cls(len(rows), np.searchsorted(cluster, np.arange(len(place) + 1)), holder, weight)

    def losses(self, stragglers: int, count: int, rng: np.random.Generator, most: int) -> list[Ints]:
        """At most ``count`` sets of at most ``stragglers`` workers whose loss takes most away, the worst first.

        From every cluster and every pair of clusters (some that share workers, where there are more than ``most``)
        greedily by the error per additional straggler.
        """
        from ._attack_kernels import erase

        V = len(self.weight)
        if V == 0:
            return []
        most = int(np.clip(WORK // (len(self.holders) * stragglers), 16, most))
        many = most < V * (V - 1) // 2
        pairs = self._meeting(most, rng) if many else np.stack(np.triu_indices(V, 1), axis=1)
        single = np.stack([np.arange(V), np.full(V, -1)], axis=1)
        starts = np.concatenate([single[:most], pairs]).astype(np.int64)
        lost = np.zeros((len(starts), self.size), dtype=bool)
        luck = 1.0 + LUCK * rng.random((len(starts), V))
        scores = erase(starts, self.first, self.holders, self.weight, stragglers, luck, lost)
        found: dict[bytes, Ints] = {}
        for r in np.argsort(-scores, kind="stable"):
            if len(found) == count:
                break
            if lost[r].any():
                found.setdefault(lost[r].tobytes(), np.flatnonzero(lost[r]))
        return list(found.values())

    def _meeting(self, count: int, rng: np.random.Generator) -> Ints:
        """Random pairs of clusters that share a worker."""
        cluster = np.repeat(np.arange(len(self.weight)), np.diff(self.first))
        order = np.argsort(self.holders, kind="stable")
        by_worker, one = self.holders[order], rng.integers(len(order), size=count)
        begin, end = (np.searchsorted(by_worker, by_worker[one], side) for side in ("left", "right"))
        other = begin + (rng.random(count) * (end - begin)).astype(np.int64)
        return np.stack([cluster[order[one]], cluster[order[other]]], axis=1)
