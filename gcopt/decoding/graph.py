"""Graph assignments: workers are edges, partitions are vertices, and every worker holds the two ends of its edge.

Glasgow & Wootters 2020 (2006.09638), Section 3, for weighted rows too: B[e, v] = r_e c_v at the ends v of edge e. The
responders reach every vertex vector that sums to 0 over s_v = (+1 or -1, by side) / c_v on each bipartite component of
their edges, and every vector on the others. So the best estimate of component C is 1 - conj(s) (sum s) / sum |s|^2
with error |sum s|^2 / sum |s|^2 if it is bipartite, and exact otherwise; an isolated vertex is bipartite.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.decoding.rule import Bools, Rule

_SAME = 1e-12
_WIDE = 1e4  # column scales further apart than this leave rounding errors that a tree would hand on
_STEPS = 100
_CLOSE = 1e-9

# The best estimate belongs to many weights where there are cycles. Those of least noise come from conjugate gradients,
# which need few steps on graphs that are good codes (expanders) and too many on long paths. They need not be exact: the
# tree repairs the estimate to rounding, and as repairs are at right angles to the least weights, a relative deviation x
# costs x^2 / 2 in noise. So the steps are limited and the tolerance is coarse.


Forest = tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]
"""Vertices in the order of the search, edges to the parents, sides, components, an odd edge of each; see `search`."""


class Estimate(NamedTuple):
    """What the edges of the responders can reach: a spanning forest, and s (by vertex) with its sums by component."""

    forest: Forest
    s: NDArray[Any]
    total: NDArray[Any]
    squares: NDArray[np.float64]


class Graph(Rule):
    """Search of the surviving edges, then weights on a spanning tree and one odd edge per component."""

    name: ClassVar[str] = "graph assignment"
    why: ClassVar[str] = "every worker holds two partitions; linear time (Glasgow & Wootters 2020, Section 3)"
    together: ClassVar[bool] = True

    def __init__(self, matrix: sparse.csr_array, blocks: int) -> None:
        super().__init__(matrix, blocks)
        scales = _scales(matrix)
        assert scales is not None
        self._row, self._column = scales
        self._ends = matrix.indices.reshape(-1, 2).astype(np.int64)
        columns = matrix.tocsc()
        self._start, self._at = columns.indptr.astype(np.int64), columns.indices.astype(np.int64)
        # a weight is R_e r_e, and its row without r_e has this squared length
        self._cost = np.sum(np.abs(self._column[self._ends]) ** 2, axis=1)

    @classmethod
    def fits(cls, matrix: sparse.csr_array, blocks: int) -> bool:
        """Whether every row has two entries that are equal after scaling of rows and columns."""
        if blocks > 1 or (np.diff(matrix.indptr) != 2).any():
            return False
        scales = _scales(matrix)
        if scales is None:
            return False
        sizes = np.abs(scales[1])
        return bool(sizes.max() <= _WIDE * sizes.min())

    def decode(self, heard: Bools) -> NDArray[Any]:
        """Return coefficients, shape (n, 1)."""
        from gcopt.decoding._graph_kernels import settle, smooth

        found = self._estimate(heard)
        label, odd = found.forest[3], found.forest[4]
        away = np.conj(found.s) * (found.total / found.squares)[label]
        sums = np.where(odd[label] < 0, 1.0 - away, 1.0) / self._column
        parts = []
        for part in (sums.real, sums.imag) if np.iscomplexobj(sums) else (sums,):
            part = np.ascontiguousarray(part)
            weights = smooth(self._ends, heard, self._cost, part, _STEPS, _CLOSE)
            settle(self._ends, heard, *found.forest, part, weights)
            parts.append(weights)
        weights = parts[0] if len(parts) == 1 else parts[0] + 1j * parts[1]
        return np.asarray(weights / self._row)[:, None]

    def error(self, heard: Bools) -> float:
        """Return the squared error, without coefficients."""
        found = self._estimate(heard)
        return float((np.abs(found.total) ** 2 / found.squares)[found.forest[4] < 0].sum())

    def _estimate(self, heard: Bools) -> Estimate:
        from gcopt.decoding._graph_kernels import search  # compiled code, not wanted at import time

        forest = search(self._ends, self._start, self._at, heard)
        _, _, side, label, odd = forest
        s = side / self._column
        total: NDArray[Any] = np.bincount(label, s.real, minlength=odd.size)
        if np.iscomplexobj(s):
            total = total + 1j * np.bincount(label, s.imag, minlength=odd.size)
        squares = np.bincount(label, np.abs(s) ** 2, minlength=odd.size).astype(np.float64)
        return Estimate(forest, s, total, squares)


def _scales(matrix: sparse.csr_array) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Return r and c with B[e, v] = r_e c_v at the two entries of each row, or None."""
    ends, entries = matrix.indices.reshape(-1, 2), matrix.data.reshape(-1, 2)
    row = np.ones(len(ends), dtype=entries.dtype)
    column = np.zeros(matrix.shape[1], dtype=entries.dtype)
    column[ends] = entries
    if (column[ends] != entries).any():  # not the usual case of equal entries in each column
        column = _spread(matrix, ends.tolist(), entries.tolist())
        row = entries[:, 0] / column[ends[:, 0]]
    fits = np.abs(row[:, None] * column[ends] - entries) <= _SAME * np.abs(entries)
    return (row, column) if fits.all() else None


def _spread(matrix: sparse.csr_array, ends: list[list[int]], entries: list[list[Any]]) -> NDArray[Any]:
    """Return c along a spanning forest, 1 at its roots."""
    columns = matrix.tocsc()
    start, at = columns.indptr.tolist(), columns.indices.tolist()
    column = np.zeros(matrix.shape[1], dtype=matrix.dtype).tolist()
    for root in range(len(column)):
        if column[root]:
            continue
        column[root], front = 1.0, [root]
        while front:
            v = front.pop()
            for e in at[start[v] : start[v + 1]]:
                here = ends[e].index(v)
                other = ends[e][1 - here]
                if not column[other]:
                    column[other] = column[v] * entries[e][1 - here] / entries[e][here]
                    front.append(other)
    return np.array(column, dtype=matrix.dtype)
