"""Workers that say the same: rows that are multiples of each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

SAME = 1e-14
"""What rounding may do to rows that are multiples of each other, over their largest entry when the first is 1."""


def teams(matrix: sparse.csr_array) -> list[NDArray[np.intp]]:
    """Return which rows, none of them empty, are multiples of each other: ascending, in the order of their first ones.

    Rows with the same support are brought next to each other by one random combination of their entries, and compared
    entry by entry.

    Examples
    --------
    >>> import numpy as np
    >>> [team.tolist() for team in teams(sparse.csr_array(np.array([[1.0, 2.0], [0.0, 1.0], [2.0, 4.0]])))]
    [[0, 2], [1]]
    """
    weights = np.random.default_rng(0).standard_normal(matrix.shape[1])
    lengths = np.diff(matrix.indptr)
    label = np.empty(lengths.size, dtype=np.intp)
    found = 0
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        order, new = _sorted(matrix, rows, length, weights)
        label[order] = found + np.cumsum(new)
        found += int(new.sum())
    order = np.argsort(label, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    return sorted(groups, key=lambda team: int(team[0]))


def _sorted(
    matrix: sparse.csr_array, rows: NDArray[np.intp], length: int, weights: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return rows of one length, like next to like, and which of them are unlike the one before."""
    places = matrix.indptr[rows][:, None] + np.arange(length)
    columns, entries = matrix.indices[places], matrix.data[places]
    entries = entries / entries[:, :1]
    key: NDArray[Any] = (entries * weights[columns]).sum(axis=1)
    order = np.lexsort((key.imag, key.real, *columns.T[: min(length, 64)][::-1]))
    columns, entries = columns[order], entries[order]
    new = np.ones(rows.size, dtype=bool)
    away = np.abs(entries[1:] - entries[:-1]).max(axis=1)
    new[1:] = (columns[1:] != columns[:-1]).any(axis=1) | (away > SAME * np.abs(entries[:-1]).max(axis=1))
    return rows[order], new
