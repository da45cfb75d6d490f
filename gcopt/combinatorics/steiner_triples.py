"""Steiner triple systems: (v, 3, 1) designs, for every v = 1 or 3 mod 6."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gcopt.combinatorics.designs import Incidence, incidence
from gcopt.errors import ImpossibleError

Ints = NDArray[np.int64]


def steiner_triples(points: int) -> Incidence:
    """Return a Steiner triple system on v points, shape (v, v (v - 1) / 6).

    Bose's construction for v = 3 mod 6, Skolem's for v = 1 mod 6. The points are three copies of 0..n-1 (and one more):
    triples across the copies, and x, y of one copy with the product of x and y in the next. Source: Bose 1939, Skolem
    1958.

    Raises
    ------
    ImpossibleError
        If v is not 3, 7, 9, 13, ...

    Examples
    --------
    >>> steiner_triples(9).shape
    (9, 12)
    """
    if points < 3 or points % 6 not in (1, 3):
        raise ImpossibleError(f"no Steiner triple system has {points} points (Kirkman 1847); 1 or 3 mod 6 would work")
    n = points // 3
    first, second = np.triu_indices(n, 1)
    if points % 6 == 3:
        x = np.arange(n)
        special = [(x, n + x, 2 * n + x)]
        product = (first + second) * (n + 1) // 2 % n
    else:
        x, last = np.arange(n // 2), np.full(n // 2, points - 1)
        special = [(x, n + x, 2 * n + x)]
        special += [(last, i * n + n // 2 + x, (i + 1) % 3 * n + x) for i in range(3)]
        total = (first + second) % n
        product = total // 2 + total % 2 * (n // 2)
    pairs = [(i * n + first, i * n + second, (i + 1) % 3 * n + product) for i in range(3)]
    return incidence(np.concatenate([np.stack(triple, axis=1) for triple in special + pairs]), points)
