"""Graphs that stand alone: Clebsch, Shrikhande, Schlaefli, Hoffman and Singleton."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy import sparse

from gcopt.combinatorics.graphs.building import complement, from_edges, from_neighbours


def clebsch() -> sparse.csr_array:
    """Return the Clebsch graph, SRG(16, 5, 0, 2): the folded cube of dimension 5.

    Examples
    --------
    >>> clebsch().shape
    (16, 16)
    """
    return from_neighbours(np.arange(16)[:, None] ^ np.array([1, 2, 4, 8, 15]))


def shrikhande() -> sparse.csr_array:
    """Return the Shrikhande graph, SRG(16, 6, 2, 2) as the lattice graph L_2(4): steps on a 4 x 4 torus.

    Examples
    --------
    >>> shrikhande().shape
    (16, 16)
    """
    x, y = np.divmod(np.arange(16)[:, None], 4)
    steps = np.array([[1, 0], [3, 0], [0, 1], [0, 3], [1, 1], [3, 3]]).T
    return from_neighbours((x + steps[0]) % 4 * 4 + (y + steps[1]) % 4)


def schlaefli() -> sparse.csr_array:
    """Return the Schlaefli graph, SRG(27, 16, 10, 8): the lines on a cubic surface, adjacent if they do not meet.

    Examples
    --------
    >>> schlaefli().shape
    (27, 27)
    """
    pairs = list(combinations(range(6), 2))  # lines a_i are 0-5, b_i are 6-11, c_ij follow
    meet = [(i, 6 + j) for i in range(6) for j in range(6) if i != j]
    for number, pair in enumerate(pairs, 12):
        meet += [(line, number) for i in pair for line in (i, 6 + i)]
        meet += [
            (number, other) for other, second in enumerate(pairs, 12) if number < other and not {*pair} & {*second}
        ]
    return complement(from_edges(27, meet))


def hoffman_singleton() -> sparse.csr_array:
    """Return the Hoffman-Singleton graph, SRG(50, 7, 0, 1), from five pentagons and five pentagrams (Robertson).

    Examples
    --------
    >>> hoffman_singleton().shape
    (50, 50)
    """
    edges = []
    for h in range(5):
        for j in range(5):
            edges += [(5 * h + j, 5 * h + (j + 1) % 5), (25 + 5 * h + j, 25 + 5 * h + (j + 2) % 5)]
            edges += [(5 * h + j, 25 + 5 * i + (h * i + j) % 5) for i in range(5)]
    return from_edges(50, edges)
