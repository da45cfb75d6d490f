"""Codes of graphs whose edges are the workers: everybody holds two partitions."""

from __future__ import annotations

from math import gcd
from pathlib import Path

from scipy import sparse

from gcopt.checks import check_count
from gcopt.code import GradientCode
from gcopt.combinatorics.graphs.building import incidence
from gcopt.combinatorics.graphs.catalogue import GRAPHS
from gcopt.combinatorics.graphs.random_regular import check_regular, random_regular
from gcopt.combinatorics.graphs.reading import read_graph
from gcopt.errors import ImpossibleError, InputError
from gcopt.families._family import check_sizes, family
from gcopt.families._regular import regular_code
from gcopt.solvers.seeding import RngLike

SOURCE = "Glasgow & Wootters 2020, Approximate Gradient Coding with Optimal Decoding, Definition II.2"
RANDOM = "random-regular"

_NAMES = ("workers", "partitions", "replication")

Sizes = tuple[int | None, int | None, int | None]


@family("graph-assignment", source=SOURCE)
def graph_assignment(
    graph: str,
    stragglers: int,
    workers: int | None = None,
    partitions: int | None = None,
    replication: int | None = None,
    decoder: str = "least-squares",
    probability: float | None = None,
    rng: RngLike = 0,
) -> GradientCode:
    """Workers are the edges of a regular graph, partitions its vertices: everybody holds the two ends of an edge.

    The worst error hangs on the second eigenvalue of the graph, the mean on how seldom vertices are cut off from odd
    cycles: of all errors with straggler probability q, k q^replication is the least, and expanders come close to it.

    Parameters
    ----------
    graph : str
        petersen, clebsch, shrikhande, schlaefli, hoffman-singleton, paley, triangular, kneser, lattice, latin-square,
        symplectic, affine-polar, steiner, multipartite, complete, complete-bipartite, cycle, hypercube, ramanujan,
        random-regular, or a file that `read_graph` reads: a list of edges or an adjacency matrix.
    stragglers : int
        s.
    workers, partitions, replication : int, optional
        n edges, k vertices and d edges at each vertex, 2 n = k d: as many as the graph leaves open.
    decoder : str
        ``least-squares``, ``scaled`` (one-step) or ``sum``.
    probability : float, optional
        Of a worker to straggle; for ``sum`` only.
    rng : None, int, Generator or SeedSequence
        Of a random graph.

    Raises
    ------
    InputError
        If the name is unknown, the size is open, or a file holds no regular graph.
    ImpossibleError
        If no graph of this name has that size.

    Examples
    --------
    >>> code = graph_assignment("petersen", 3)
    >>> code.workers, code.partitions, code.load, code.replication
    (15, 10, 2, 3)
    >>> print(code.claims[2])
    squared error at most 1.42857 for every set of 3 stragglers
    >>> graph_assignment("random-regular", 9, workers=60, replication=4).partitions
    30
    """
    if not isinstance(graph, str):
        raise InputError(f"graph is {graph!r}; a name, or the path of a file as text, would work")
    n, k, d = (None if x is None else check_count(name, x, 1) for name, x in _pairs((workers, partitions, replication)))
    if graph == RANDOM:
        found = random_regular(*_random_size(n, k, d), rng)
    elif graph in GRAPHS:
        found = _named(graph, (n, k, d))
    elif Path(graph).suffix:
        found = read_graph(graph)
        for (name, asked), has in zip(
            _pairs((n, k, d)), _sizes(found.shape[0], found.nnz // found.shape[0]), strict=True
        ):
            if asked not in (None, has):
                raise InputError(f"{name} is {asked}; the graph in {graph} has {has}")
    else:
        raise InputError(f"graph is {graph!r}; a file or one of {', '.join([RANDOM, *GRAPHS])} would work")
    edges = incidence(found)
    s = check_sizes(edges.shape[0], stragglers)[1]
    return regular_code(edges, s, decoder=decoder, probability=probability)


def _pairs(sizes: Sizes) -> list[tuple[str, int | None]]:
    return list(zip(_NAMES, sizes, strict=True))


def _sizes(vertices: int, degree: int) -> tuple[int, int, int]:
    """Return workers, partitions and replication."""
    return vertices * degree // 2, vertices, degree


def _random_size(workers: int | None, partitions: int | None, replication: int | None) -> tuple[int, int]:
    """Return vertices and degree of a random graph: two of the three numbers give the third."""
    n, k, d = workers, partitions, replication
    if [n, k, d].count(None) > 1:
        raise InputError(f"{RANDOM} needs two of {', '.join(_NAMES)}; 2 workers = partitions * replication")
    if n is not None:
        known = int(k or d or 1)
        if 2 * n % known or (k and d and 2 * n != k * d):
            unit = known // gcd(known, 2)
            raise ImpossibleError(
                f"workers is {n}, and edges have two ends: 2 workers = partitions * replication; "
                f"{int(k * d / 2) if k and d else max(1, round(n / unit)) * unit} workers would work"
            )
        k, d = k or 2 * n // known, d or 2 * n // known
    check_regular(int(k or 0), int(d or 0))
    return int(k or 0), int(d or 0)


def _named(graph: str, sizes: Sizes) -> sparse.csr_array:
    """Build the one graph of this name that has these sizes, or say which there are."""
    wanted = max([60, *(x for x in sizes if x is not None)])
    known = {_sizes(k.vertices, k.degree): k for k in GRAPHS[graph].known(graph, 2, 2 * wanted)}
    fitting = [size for size in known if all(x in (None, y) for x, y in zip(sizes, size, strict=True))]
    if len(fitting) == 1:
        return known[fitting[0]].build()
    asked = ", ".join(f"{name} = {x}" for name, x in _pairs(sizes) if x is not None)
    if fitting:
        few = ", ".join(str(size[0]) for size in sorted(fitting)[:5]) + (", ..." if len(fitting) > 5 else "")
        several = f"{graph} graphs with {asked or 'no size given'} have {few} workers"
        raise InputError(f"{several}; say which with {', '.join(_NAMES)}")

    def away(size: tuple[int, int, int]) -> tuple[float, ...]:
        return (sum(abs(x - y) / x for x, y in zip(sizes, size, strict=True) if x is not None), *size)

    near = ", or ".join(", ".join(f"{name} = {x}" for name, x in _pairs(size)) for size in sorted(known, key=away)[:2])
    raise ImpossibleError(f"no {graph} graph has {asked}; the nearest: {near}")
