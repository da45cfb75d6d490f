"""Triangular graphs and their complements, the Kneser graphs of pairs."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy import sparse

from gcopt.combinatorics.graphs.building import from_neighbours


def triangular(m: int) -> sparse.csr_array:
    """Return T(m), the pairs of m things, adjacent if they share one: SRG(m (m - 1) / 2, 2 (m - 2), m - 2, 4).

    Parameters
    ----------
    m : int
        At least 4.

    Examples
    --------
    >>> triangular(4).sum(axis=1).tolist()
    [4, 4, 4, 4, 4, 4]
    """
    first, second = np.triu_indices(m, 1)
    number = np.zeros((m, m), dtype=np.int32)
    number[first, second] = number[second, first] = np.arange(first.size)
    others = np.array([np.delete(number[x], x) for x in range(m)])  # the pairs with x, shape (m, m - 1)
    both = np.concatenate([others[first], others[second]], axis=1)
    mine = np.arange(first.size)[:, None]
    return from_neighbours(both[both != mine].reshape(first.size, 2 * (m - 2)))


def kneser(m: int) -> sparse.csr_array:
    """Return K(m, 2), the pairs of m >= 5 things, adjacent if they share none; K(5, 2) is the Petersen graph.

    SRG(m (m - 1) / 2, (m - 2) (m - 3) / 2, (m - 4) (m - 5) / 2, (m - 3) (m - 4) / 2).

    Examples
    --------
    >>> kneser(5).sum(axis=1).tolist()
    [3, 3, 3, 3, 3, 3, 3, 3, 3, 3]
    """
    first, second = np.triu_indices(m, 1)
    number = np.zeros((m, m), dtype=np.int32)
    number[first, second] = number[second, first] = np.arange(first.size)
    places = np.array(list(combinations(range(m - 2), 2)))
    table = []
    for x, y in zip(first, second, strict=True):
        rest = np.delete(np.arange(m), [x, y])
        table.append(number[rest[places[:, 0]], rest[places[:, 1]]])
    return from_neighbours(np.array(table))
