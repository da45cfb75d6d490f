"""Edges drawn at random: ends are paired, and change places until no edge is a loop or there twice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gcopt.errors import LimitError

Ints = NDArray[np.int64]

MOST = 10_000_000
"""Ends of edges up to which they are paired: the denser, the more edges are repeated and the more often."""

_ROUNDS = 1000


def refuse_many(name: str, vertices: int, degree: int, most: int) -> None:
    """Refuse to pair more than `MOST` ends, where the complement, of degree ``most - degree``, has too many as well.

    Examples
    --------
    >>> refuse_many("load", 10**4, 5000, 10**4)
    Traceback (most recent call last):
        ...
    gcopt.solvers.errors.LimitError: load is 5000; up to 1000 or from 9000 would work, to pair 10^7 ends at most
    """
    few = MOST // vertices
    if few < degree < most - few:
        raise LimitError(f"{name} is {degree}; up to {few} or from {most - few} would work, to pair 10^7 ends at most")


def switch(pairs: Ints, vertices: int, draws: np.random.Generator, *, sides: bool = False) -> bool:
    """Exchange ends of bad edges with ends of random good ones, in place, until all are simple.

    Close to uniform while the degrees are small against the root of the number of vertices (McKay & Wormald 1990).

    Parameters
    ----------
    pairs : array of int, shape (edges, 2)
    vertices : int
    draws : Generator
    sides : bool
        Whether first ends stay first ends, as in bipartite graphs.

    Returns
    -------
    bool
        Whether all are simple; where few edges fit, a new start may be needed.

    Examples
    --------
    >>> pairs = np.array([[0, 0], [1, 2], [1, 2]])
    >>> switch(pairs, 3, np.random.default_rng(0)), sorted(sorted(pair) for pair in pairs.tolist())
    (True, [[0, 1], [0, 2], [1, 2]])
    """
    return any(not _exchange(pairs, vertices, draws, sides) for _ in range(_ROUNDS))


def _exchange(pairs: Ints, vertices: int, draws: np.random.Generator, sides: bool) -> int:
    """Let bad edges and random good ones exchange an end wherever that makes two new simple edges.

    Returns how many were bad: loops, and repetitions of another edge.
    """
    keys = _keys(pairs, vertices)
    order = np.argsort(keys)
    known = keys[order]
    bad = pairs[:, 0] == pairs[:, 1]
    bad[order[1:]] |= known[1:] == known[:-1]
    wrong, good = np.flatnonzero(bad), np.flatnonzero(~bad)
    if not wrong.size:
        return 0
    wrong = draws.permutation(wrong)[: good.size]
    other = draws.choice(good, wrong.size, replace=False)
    ends = pairs[other][:, ::-1]
    if not sides:
        ends = np.where(draws.random(wrong.size)[:, None] < 0.5, pairs[other], ends)
    new = np.stack([pairs[wrong], ends], axis=2)  # of each bad edge: two new ones, shape (bad, 2, 2)
    made = _keys(new.reshape(-1, 2), vertices)
    place = np.minimum(np.searchsorted(known, made), known.size - 1)
    _, where, times = np.unique(made, return_inverse=True, return_counts=True)
    spoilt = (known[place] == made) | (times[where] > 1) | (new[:, :, 0] == new[:, :, 1]).ravel()
    fine = ~spoilt.reshape(-1, 2).any(axis=1)
    pairs[wrong[fine]], pairs[other[fine]] = new[fine, 0], new[fine, 1, ::-1] if sides else new[fine, 1]
    return int(bad.sum())


def _keys(pairs: Ints, vertices: int) -> Ints:
    """One number for each edge, the same in both directions."""
    first, second = pairs[:, 0], pairs[:, 1]
    return np.asarray(np.minimum(first, second) * vertices + np.maximum(first, second))
