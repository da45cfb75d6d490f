"""Graphs of Latin squares: points of a grid, adjacent on a common line; with two classes of lines, the rook's graph."""

from __future__ import annotations

from math import prod

import numpy as np
from scipy import sparse

from gcopt.combinatorics.fields import Field
from gcopt.combinatorics.graphs.building import Ints, from_neighbours
from gcopt.combinatorics.integers import prime_factors
from gcopt.errors import UnknownError


def most_classes(m: int) -> int:
    """Return how many parallel classes of lines on m x m points are known here: q + 1, q the least prime power in m.

    MacNeish 1922; m + 1 if m is a prime power, and at least 3.

    Examples
    --------
    >>> [most_classes(m) for m in (2, 5, 6, 12)]
    [3, 6, 3, 4]
    """
    return min(int(p**a) for p, a in prime_factors(m).items()) + 1


def latin_square(m: int, classes: int) -> sparse.csr_array:
    """Return L_r(m): m^2 points, adjacent if one of r parallel classes has a line through both.

    SRG(m^2, r (m - 1), m - 2 + (r - 1) (r - 2), r (r - 1)); r - 2 orthogonal Latin squares make the lines, those of
    the product of finite fields. L_2(m) is the lattice or rook's graph.

    Parameters
    ----------
    m : int
        Points on a line, at least 2.
    classes : int
        r, from 2 to m.

    Raises
    ------
    UnknownError
        If more classes are wanted than `most_classes`.

    Examples
    --------
    >>> latin_square(3, 2).sum(axis=1).tolist()
    [4, 4, 4, 4, 4, 4, 4, 4, 4]
    """
    if classes > most_classes(m):
        raise UnknownError(f"{classes} classes of lines on {m} x {m} points are not known here; {most_classes(m)} are")
    x, y = np.divmod(np.arange(m * m), m)
    labels = [x, *(_slanted(m, slope, x, y) for slope in range(classes - 1))]
    table = []
    for label in labels:
        lines = np.argsort(label, kind="stable").reshape(m, m)
        members = lines[label]
        table.append(members[members != np.arange(m * m)[:, None]].reshape(m * m, m - 1))
    return from_neighbours(np.concatenate(table, axis=1))


def _slanted(m: int, slope: int, x: Ints, y: Ints) -> Ints:
    """Return slope * x + y in the product of the fields whose orders are the prime powers in m."""
    orders = [p**a for p, a in prime_factors(m).items()]
    found = np.zeros_like(x)
    for i, q in enumerate(orders):
        field, unit = Field(q), prod(orders[:i])
        u, v = x // unit % q, y // unit % q
        found += unit * field.add(field.multiply(slope, u), v)
    return found
