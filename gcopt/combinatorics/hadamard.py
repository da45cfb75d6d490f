"""Hadamard matrices and the symmetric designs inside them."""

from __future__ import annotations

from math import isqrt

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.combinatorics.designs import Incidence
from gcopt.combinatorics.fields import Field, prime_power
from gcopt.errors import UnknownError

Ints = NDArray[np.int64]


def hadamard_known(order: int) -> bool:
    """Say whether `hadamard` makes a matrix of that order; of the multiples of 4, 92 is the first it does not.

    Examples
    --------
    >>> [order for order in range(1, 30) if hadamard_known(order)]
    [1, 2, 4, 8, 12, 16, 20, 24, 28]
    """
    return order in (1, 2) or (order % 4 == 0 and (_paley(order) > 0 or _factor(order) > 0))


def hadamard(order: int) -> Ints:
    """Return a matrix of +-1 with orthogonal rows, shape (order, order).

    Paley's two constructions and products of smaller ones. Source: Sylvester 1867, Paley 1933.

    Raises
    ------
    UnknownError
        If no construction here makes one.

    Examples
    --------
    >>> hadamard(4).tolist()
    [[1, 1, 1, 1], [-1, 1, -1, 1], [-1, 1, 1, -1], [-1, -1, 1, 1]]
    """
    if not hadamard_known(order):
        raise UnknownError(f"order is {order}; no Hadamard matrix of that order is made here, see hadamard_known")
    if order <= 2:
        return np.array([[1, 1], [1, -1]])[:order, :order]
    if _paley(order) == 1:
        return _conference(order - 1) + np.eye(order, dtype=np.int64)
    if _paley(order) == 2:
        one, other = np.array([[1, 1], [1, -1]]), np.array([[1, -1], [-1, -1]])
        return np.kron(_conference(order // 2 - 1), one) + np.kron(np.eye(order // 2, dtype=np.int64), other)
    return np.kron(hadamard(_factor(order)), hadamard(order // _factor(order)))


def hadamard_design(order: int) -> Incidence:
    """Return the symmetric (4 u - 1, 2 u - 1, u - 1) design of a Hadamard matrix of order 4 u, u >= 2.

    Examples
    --------
    >>> hadamard_design(8).shape
    (7, 7)
    """
    found = hadamard(order)
    found = found * found[0]
    found = found * found[:, [0]]
    return sparse.csr_array((found[1:, 1:] == 1).astype(np.int64))


def _paley(order: int) -> int:
    """Return which of Paley's constructions makes a matrix of an order that is a multiple of 4, or 0."""
    if prime_power(order - 1):
        return 1
    return 2 if order % 8 == 4 and prime_power(order // 2 - 1) else 0


def _factor(order: int) -> int:
    """Return the first factor such that matrices of it and of the cofactor are made here, or 0."""
    factors = (f for f in (2, *range(4, isqrt(order) + 1, 4)) if order % f == 0)
    return next((f for f in factors if hadamard_known(f) and hadamard_known(order // f)), 0)


def _conference(order: int) -> Ints:
    """Return a matrix C with C C^T = q I, diagonal 0 and entries +-1: symmetric for q = 1 mod 4, else skew."""
    field = Field(order)
    character = np.full(order, -1)
    character[field.squares], character[0] = 1, 0
    found = np.ones((order + 1, order + 1), dtype=np.int64)
    found[0, 0] = 0
    found[1:, 0] = 1 if order % 4 == 1 else -1
    found[1:, 1:] = character[field.subtract(field.elements[:, None], field.elements)]
    return found
