"""Codes of strongly regular graphs: a worker holds the partitions of its neighbours."""

from __future__ import annotations

from typing import Any

from gcopt.checks import check_count
from gcopt.code import GradientCode
from gcopt.combinatorics.graphs.catalogue import STRONGLY_REGULAR, Known, existence, find
from gcopt.errors import InputError
from gcopt.existence import Existence
from gcopt.families._family import check_sizes, family
from gcopt.families._regular import RAVIV, regular_code


def _chosen(
    workers: int, load: int | None, adjacent: int | None, apart: int | None, graph: str | None
) -> tuple[Existence, list[Known]]:
    """Return whether there is such a graph, and those that can be built, best first."""
    n = check_count("workers", workers, 4)
    asked = {"load": load, "adjacent": adjacent, "apart": apart}
    for name, value in asked.items():
        if value is not None:
            check_count(name, value, 0, n - 1)
    if graph is None and load is None:
        raise InputError("load is missing; name one, or a graph, as in graph = 'lattice'")
    if graph is None and load is not None:
        return existence(n, load, adjacent, apart), find(n, load, adjacent, apart)
    if graph not in STRONGLY_REGULAR:
        raise InputError(f"graph is {graph!r}; one of {', '.join(STRONGLY_REGULAR)} would work")
    found = [k for k in find(n, load, adjacent, apart) if k.name == graph and not k.inverted]
    if load is None and len({k.degree for k in found}) > 1:
        loads = ", ".join(str(d) for d in sorted({k.degree for k in found}))
        raise InputError(f"load is missing; {graph} graphs on {n} workers have {loads}")
    if found:
        return Existence("yes", f"{found[0]} has the parameters {found[0].parameters}"), found
    given = ", ".join(f"{name} = {value}" for name, value in {"workers": n, **asked}.items() if value is not None)
    return Existence("no", f"no {graph} graph has {given}", _alike(graph, n)), []


def _alike(graph: str, workers: int) -> tuple[dict[str, int], ...]:
    known = [(k.vertices, k.degree) for k in STRONGLY_REGULAR[graph].known(graph, 4, 4 * workers + 60)]
    best = sorted(set(known), key=lambda size: (abs(size[0] - workers), size))[:3]
    return tuple({"workers": n, "load": d} for n, d in best)


def _existence(workers: int, stragglers: int, *, decoder: str, probability: float | None, **asked: Any) -> Existence:
    check_sizes(workers, stragglers)
    return _chosen(workers, **asked)[0]


@family("strongly-regular", source=f"{RAVIV}, with graphs of two eigenvalues", existence=_existence)
def strongly_regular(
    workers: int,
    stragglers: int,
    load: int | None = None,
    adjacent: int | None = None,
    apart: int | None = None,
    graph: str | None = None,
    decoder: str = "least-squares",
    probability: float | None = None,
) -> GradientCode:
    """Worker j holds the partitions of its neighbours in a strongly regular graph on the workers.

    Two neighbours share ``adjacent`` partitions, other workers ``apart``; the graph has two eigenvalues besides d, and
    the worst error hangs on the larger one. Workers that share equally many with all others (adjacent = apart) form a
    symmetric design, and every set of responders is equally good.

    Parameters
    ----------
    workers : int
        n, at least 4; there are k = n partitions.
    stragglers : int
        s.
    load : int, optional
        d, partitions on a worker; only a named graph may know it.
    adjacent, apart : int, optional
        lambda and mu; whatever exists by default, smallest second eigenvalue first.
    graph : str, optional
        petersen, clebsch, shrikhande, schlaefli, hoffman-singleton, paley, triangular, kneser, lattice, latin-square,
        symplectic, affine-polar, steiner or multipartite; any, and their complements, by default.
    decoder : str
        ``least-squares``, ``scaled`` (one-step) or ``sum``.
    probability : float, optional
        Of a worker to straggle; for ``sum`` only.

    Raises
    ------
    ImpossibleError
        If a theorem forbids the graph.
    UnknownError
        If none does and no construction here gives it.

    Examples
    --------
    >>> code = strongly_regular(10, 2, load=3)  # Petersen
    >>> print(code.claims[2])
    squared error at most 1 for every set of 2 stragglers
    """
    n, s = check_sizes(workers, stragglers)
    answer, found = _chosen(n, load, adjacent, apart, graph)
    answer.require(f"a strongly regular graph on {n} workers" + ("" if load is None else f" with load {load}"))
    parameters = found[0].parameters
    second = None if parameters is None else parameters.second
    return regular_code(found[0].build(), s, second, decoder=decoder, probability=probability)
