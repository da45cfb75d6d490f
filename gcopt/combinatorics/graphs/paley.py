"""Paley graphs of every prime power q = 1 mod 4."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from gcopt.combinatorics.fields import Field
from gcopt.combinatorics.integers import prime_power
from gcopt.errors import ImpossibleError

_AT_ONCE = 2**20


def is_paley_order(order: int) -> bool:
    """Say whether there is a Paley graph on so many vertices: a prime power that is 1 mod 4.

    Examples
    --------
    >>> [q for q in range(30) if is_paley_order(q)]
    [5, 9, 13, 17, 25, 29]
    """
    return order % 4 == 1 and prime_power(order) is not None


def paley(order: int) -> sparse.csr_array:
    """Return the Paley graph of GF(q): x and y are adjacent if x - y is a nonzero square.

    SRG(q, (q - 1) / 2, (q - 5) / 4, (q - 1) / 4), a conference graph (Paley 1933, Lemmas 1 and 2).

    Parameters
    ----------
    order : int
        q, a prime power that is 1 mod 4 (else -1 is no square and the relation has a direction).

    Raises
    ------
    ImpossibleError
        For any other q.

    Examples
    --------
    >>> paley(5).toarray().tolist()[0]
    [0, 1, 0, 0, 1]
    """
    if not is_paley_order(order):
        raise ImpossibleError(f"order is {order}; a Paley graph needs a prime power that is 1 mod 4")
    field = Field(order)
    squares = field.squares
    degree = squares.size
    indices = np.empty((order, degree), dtype=np.int32)
    step = max(1, _AT_ONCE // degree)
    for start in range(0, order, step):
        rows = field.elements[start : start + step, None]
        indices[start : start + step] = np.sort(field.add(rows, squares).astype(np.int32), axis=1)
    indptr = np.arange(order + 1, dtype=np.int32) * degree
    return sparse.csr_array((np.ones(indices.size, dtype=np.int32), indices.ravel(), indptr), shape=(order, order))
