"""Random regular graphs, and the best of many."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from gcopt.combinatorics.graphs.building import Ints, complement, from_edges
from gcopt.combinatorics.spectrum import second_singular_bound
from gcopt.errors import ImpossibleError
from gcopt.solvers.seeding import RngLike, generator, seed_of

_COARSE = 1e-4
_ROUNDS = 1000


def check_regular(vertices: int, degree: int) -> None:
    """Refuse what no regular graph can be.

    Examples
    --------
    >>> check_regular(4, 4)
    Traceback (most recent call last):
        ...
    gcopt.solvers.errors.ImpossibleError: a vertex of a graph on 4 has at most 3 neighbours, not 4
    """
    if not 0 <= degree < vertices:
        raise ImpossibleError(f"a vertex of a graph on {vertices} has at most {vertices - 1} neighbours, not {degree}")
    if vertices * degree % 2:
        raise ImpossibleError(
            f"a graph on {vertices} vertices with {degree} neighbours each would have {vertices * degree / 2} edges; "
            f"{degree + 1} neighbours, or {vertices + 1} vertices would work"
        )


def random_regular(vertices: int, degree: int, rng: RngLike = 0) -> sparse.csr_array:
    """Return a random simple regular graph: stubs paired at random, then switched until no edge is double or a loop.

    Close to uniform while the degree is small against the root of the number of vertices (McKay & Wormald 1990).

    Parameters
    ----------
    vertices : int
    degree : int
        Less than ``vertices``; not both odd.
    rng : None, int, Generator or SeedSequence

    Raises
    ------
    ImpossibleError
        If there is no such graph.

    Examples
    --------
    >>> random_regular(6, 3, rng=1).sum(axis=1).tolist()
    [3, 3, 3, 3, 3, 3]
    """
    check_regular(vertices, degree)
    if degree > (vertices - 1) / 2:
        return complement(random_regular(vertices, vertices - 1 - degree, rng))
    draws = generator(seed_of(rng))
    while True:
        pairs = draws.permutation(np.repeat(np.arange(vertices), degree)).reshape(-1, 2)
        for _ in range(_ROUNDS):
            if not _switch(pairs, vertices, draws):
                return from_edges(vertices, pairs)


def best_of(vertices: int, degree: int, draws: int, rng: RngLike = 0) -> tuple[sparse.csr_array, float]:
    """Return the random regular graph with the least second singular value of so many, and that value squared.

    Examples
    --------
    >>> graph, second = best_of(20, 4, 5, rng=0)
    >>> second <= best_of(20, 4, 1, rng=0)[1]
    True
    """
    streams = np.random.SeedSequence(seed_of(rng)).spawn(draws)
    graphs = (random_regular(vertices, degree, stream) for stream in streams)
    if draws == 1:
        best = next(graphs)
    else:
        best = min(graphs, key=lambda graph: second_singular_bound(graph, accuracy=_COARSE))
    return best, second_singular_bound(best)


def _switch(pairs: Ints, vertices: int, draws: np.random.Generator) -> int:
    """Exchange ends of bad edges with ends of random good ones, in place, wherever that makes two new simple edges.

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
    ends = np.where(draws.random(wrong.size)[:, None] < 0.5, pairs[other], pairs[other][:, ::-1])
    new = np.stack([pairs[wrong], ends], axis=2)  # of each bad edge: two new ones, shape (bad, 2, 2)
    made = _keys(new.reshape(-1, 2), vertices)
    place = np.minimum(np.searchsorted(known, made), known.size - 1)
    _, where, times = np.unique(made, return_inverse=True, return_counts=True)
    spoilt = (known[place] == made) | (times[where] > 1) | (new[:, :, 0] == new[:, :, 1]).ravel()
    fine = ~spoilt.reshape(-1, 2).any(axis=1)
    pairs[wrong[fine]], pairs[other[fine]] = new[fine, 0], new[fine, 1]
    return int(bad.sum())


def _keys(pairs: Ints, vertices: int) -> Ints:
    """One number for each edge, the same in both directions."""
    first, second = pairs[:, 0], pairs[:, 1]
    return np.asarray(np.minimum(first, second) * vertices + np.maximum(first, second))
