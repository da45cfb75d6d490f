"""Random regular graphs, and the best of many."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from gcopt.combinatorics.graphs.building import complement, from_edges
from gcopt.combinatorics.spectrum import second_singular_bound
from gcopt.combinatorics.switching import refuse_many, switch
from gcopt.errors import ImpossibleError
from gcopt.solvers.seeding import RngLike, generator, seed_of

_COARSE = 1e-4


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
    LimitError
        If it and its complement have more than 10^7 edges.

    Examples
    --------
    >>> random_regular(6, 3, rng=1).sum(axis=1).tolist()
    [3, 3, 3, 3, 3, 3]
    """
    check_regular(vertices, degree)
    refuse_many("degree", vertices, degree, vertices - 1)
    if degree > (vertices - 1) / 2:
        return complement(random_regular(vertices, vertices - 1 - degree, rng))
    draws = generator(seed_of(rng))
    while True:
        pairs = draws.permutation(np.repeat(np.arange(vertices), degree)).reshape(-1, 2)
        if switch(pairs, vertices, draws):
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
