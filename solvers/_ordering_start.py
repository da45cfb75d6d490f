"""The first orders of `ordering`: perfect matchings where all workers and all chunks are alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Places:
    """Slots, one per (chunk, worker that holds it), chunk by chunk, and the slots of each worker."""

    def __init__(self, held: Bools) -> None:
        self.chunk, self.owner = (x.astype(np.int64) for x in np.nonzero(held.T))
        self.first = np.concatenate([[0], np.cumsum(held.sum(axis=0))]).astype(np.int64)
        self.load = held.sum(axis=1).astype(np.int64)
        self.worker_first = np.concatenate([[0], np.cumsum(self.load)]).astype(np.int64)
        self.worker_slots: Ints = np.argsort(self.owner, kind="stable").astype(np.int64)

    @property
    def arrays(self) -> tuple[Ints, Ints, Ints, Ints, Ints]:
        """What the kernel needs."""
        return self.worker_slots, self.worker_first, self.owner, self.chunk, self.first

    def of(self, worker: int) -> Ints:
        """Slots of a worker, by chunk."""
        return self.worker_slots[self.worker_first[worker] : self.worker_first[worker + 1]]

    def order(self, left: Floats) -> tuple[tuple[int, ...], ...]:
        """Return the orders that numbers left stand for."""
        mine = (self.of(j) for j in range(len(self.load)))
        return tuple(tuple(self.chunk[slots[np.argsort(-left[slots])]].tolist()) for slots in mine)

    def left(self, order: Sequence[Ints]) -> Floats:
        """Return the numbers left, one per slot, of some orders."""
        out = np.empty(len(self.chunk))
        for j, mine in enumerate(order):
            slots = self.of(j)
            out[slots[np.searchsorted(self.chunk[slots], mine)]] = np.arange(len(mine), 0, -1)
        return out


def matched(places: Places) -> tuple[Floats, str]:
    """Return the numbers left of good first orders.

    With d chunks on every worker and c copies of every chunk, each cut into c / d chunks of d copies if that is whole,
    the bipartite graph is d-regular and falls into d perfect matchings (Konig 1916); matching t gives the number t, so
    that every chunk has all numbers equally often. If c and d are even, a closed walk along all edges marks half of the
    copies of every chunk, and of the chunks of every worker, as early; early and late copies in pairs are the edges of
    a d/2-regular graph between workers, and the two ends of a pair in matching t get d + 1 - t and t. In both cases all
    chunks have the same sum, c (d + 1) / 2, which is the average: optimal for one block.
    """
    load, copies = set(places.load.tolist()), set(np.diff(places.first).tolist())
    if len(load) == 1 and len(copies) == 1:
        d, c = load.pop(), copies.pop()
        slots = np.arange(len(places.owner))
        if c % d == 0:
            return np.asarray(1.0 + _matchings(places.owner, slots // d, d)), "perfect matchings"
        if c % 2 == 0 and d % 2 == 0:
            early = _half(places)
            first, second = slots[early], slots[~early]
            colour = _matchings(places.owner[first], places.owner[second], d // 2)
            left: Floats = np.empty(len(slots))
            left[first], left[second] = d - colour, 1 + colour
            return left, "perfect matchings of pairs"
    left = np.empty(len(places.owner))
    left[places.worker_slots] = np.concatenate([np.arange(d, 0, -1) for d in places.load.tolist()])
    return left, "by number"


def _matchings(rows: Ints, columns: Ints, degree: int) -> Ints:
    """Return, for each edge of a regular bipartite multigraph, which of ``degree`` perfect matchings it belongs to."""
    from scipy.sparse.csgraph import maximum_bipartite_matching

    size = int(columns.max()) + 1
    out = np.full(len(rows), -1, dtype=np.int64)
    for t in range(degree):
        open_edges = np.flatnonzero(out < 0)
        _, which = np.unique(rows[open_edges] * size + columns[open_edges], return_index=True)
        edges = open_edges[which]
        graph = sparse.csr_array((np.ones(len(edges)), (rows[edges], columns[edges])), shape=(size, size))
        partner = maximum_bipartite_matching(graph, perm_type="column")
        out[edges[partner[rows[edges]] == columns[edges]]] = t
    return out


def _half(places: Places) -> Bools:
    """Mark half of the slots of every chunk and of every worker, all of which have an even number."""
    early = np.zeros(len(places.owner), dtype=bool)
    seen = early.copy()
    # neighbours in the list of a worker form a pair, and so do neighbours in the list of a chunk
    place = np.argsort(places.worker_slots)
    across = places.worker_slots[place ^ 1]
    for begin in range(len(seen)):
        slot = begin
        while not seen[slot]:
            early[slot] = True
            seen[[slot, slot ^ 1]] = True
            slot = int(across[slot ^ 1])
    return early
