"""Repetition: every worker of a component sends a multiple of the same message."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.decoding.rule import Bools, Rule
from gcopt.decoding.teams import SAME


class Repetition(Rule):
    """The responders of a component share out what their common row is worth, so that noise averages out."""

    name: ClassVar[str] = "repetition"
    why: ClassVar[str] = "all workers send multiples of one message, so any answer will do; a look-up"
    by_count: ClassVar[bool] = True
    together: ClassVar[bool] = True

    def __init__(self, matrix: sparse.csr_array, blocks: int) -> None:
        super().__init__(matrix, blocks)
        starts = matrix.indptr[:-1]
        # components have no column in common, so that the first column of a row names its component
        _, first, self._group = np.unique(matrix.indices[starts], return_index=True, return_inverse=True)
        lead = matrix.data[starts]
        rows = matrix[first]
        sums = np.add.reduceat(rows.data, rows.indptr[:-1])
        squares = np.add.reduceat(np.abs(rows.data) ** 2, rows.indptr[:-1])
        self._shares = (np.conj(sums) / squares * lead[first])[self._group] / lead
        left = np.abs(rows.data * np.repeat(np.conj(sums) / squares, np.diff(rows.indptr)) - 1.0) ** 2
        self._left = np.add.reduceat(left, rows.indptr[:-1])
        self._lost = np.diff(rows.indptr).astype(np.float64)

    @classmethod
    def fits(cls, matrix: sparse.csr_array, blocks: int) -> bool:
        """Whether all rows are multiples of the first."""
        if blocks > 1 or matrix.nnz < matrix.shape[0] * matrix.shape[1]:
            return False
        entries = matrix.data.reshape(matrix.shape)
        entries = entries / entries[:, :1]
        return bool(np.abs(entries - entries[0]).max() <= SAME * np.abs(entries[0]).max())

    def decode(self, heard: Bools) -> NDArray[Any]:
        """Return coefficients, shape (n, 1)."""
        return np.where(heard, self._shares / np.maximum(1, self._count(heard))[self._group], 0.0)[:, None]

    def error(self, heard: Bools) -> float:
        """Return the squared error: what the common row cannot do, or everything."""
        return float(np.where(self._count(heard) > 0, self._left, self._lost).sum())

    def _count(self, heard: Bools) -> NDArray[np.intp]:
        return np.bincount(self._group[heard], minlength=self._left.size)
