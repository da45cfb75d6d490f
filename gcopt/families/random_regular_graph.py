"""Codes of random regular graphs, the best of many: expanders for any numbers of workers and load."""

from __future__ import annotations

from gcopt.checks import check_count
from gcopt.code import GradientCode
from gcopt.combinatorics.graphs.random_regular import best_of
from gcopt.families._family import check_sizes, family
from gcopt.families._regular import RAVIV, regular_code
from gcopt.solvers.seeding import RngLike


@family("random-regular-graph", source=f"{RAVIV}; the best of many random graphs")
def random_regular_graph(
    workers: int,
    stragglers: int,
    load: int,
    draws: int = 10,
    decoder: str = "least-squares",
    probability: float | None = None,
    rng: RngLike = 0,
) -> GradientCode:
    """Worker j holds the partitions of its neighbours in a random regular graph, the best expander of several draws.

    A random d-regular graph has its second eigenvalue near 2 sqrt(d - 1), close to the least there is (Friedman 2008).

    Parameters
    ----------
    workers : int
        n; there are k = n partitions.
    stragglers : int
        s.
    load : int
        d, less than n and positive; n and d are not both odd.
    draws : int
        Graphs drawn; the one with the smallest second eigenvalue is taken.
    decoder : str
        ``least-squares``, ``scaled`` (one-step) or ``sum``.
    probability : float, optional
        Of a worker to straggle; for ``sum`` only.
    rng : None, int, Generator or SeedSequence

    Raises
    ------
    ImpossibleError
        If n and d are both odd.

    Examples
    --------
    >>> code = random_regular_graph(20, 4, 6)
    >>> code.load, code.replication
    (6, 6)
    """
    n, s = check_sizes(check_count("workers", workers, 2), stragglers)
    d = check_count("load", load, 1, n - 1, f" (fewer than the {n} workers)")
    graph, second = best_of(n, d, check_count("draws", draws, 1), rng)
    return regular_code(graph, s, second, decoder=decoder, probability=probability)
