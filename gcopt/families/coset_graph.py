"""Coset bipartite graphs: several workers for every row of one circulant, for any number of copies."""

from __future__ import annotations

from typing import Any

from gcopt.checks import check_count, check_residues
from gcopt.code import GradientCode
from gcopt.combinatorics.cosets import best_generators, spectrum
from gcopt.combinatorics.cosets import coset_graph as graph_of
from gcopt.errors import InputError
from gcopt.families._family import family
from gcopt.families._regular import regular_code
from gcopt.solvers.seeding import RngLike, seed_of

SOURCE = "Munim & Ramamoorthy 2026, Communication-Efficient Approximate Gradient Coding, Section III"


@family("coset-graph", source=f"{SOURCE}, coset bipartite graphs")
def coset_graph(
    partitions: int,
    copies: int,
    stragglers: int,
    load: int | None = None,
    generators: Any = None,
    decoder: str = "least-squares",
    probability: float | None = None,
    rng: RngLike = 0,
) -> GradientCode:
    """There are several workers for every row of a circulant; made to be cut into as many blocks (m = copies).

    Worker y holds partition i if y - i, modulo k, is in the generating set. With k a power of a prime that does not
    divide the load every generating set gives an invertible circulant, and with as many copies as blocks
    ``random-signs`` and ``tight-frame`` make codes of it that are exact when everybody answers.

    Parameters
    ----------
    partitions : int
        k.
    copies : int
        Workers that hold the same, so that n = copies * k.
    stragglers : int
        s, how many workers the master leaves behind.
    load : int, optional
        Size of a generating set that is searched for: invertible, with a small second singular value. Instead of
        ``generators``.
    generators : list of int, optional
        Different modulo k.
    decoder : str
        ``least-squares``, ``one-step``, ``scaled`` or ``sum``.
    probability : float, optional
        Of a worker to straggle; for ``sum`` only.
    rng : None, int, Generator or SeedSequence
        Of the search where not all generating sets can be looked at; the same code every time by default.

    Returns
    -------
    GradientCode
        Replication copies * load, m = 1; claims the spectral bound on the worst error.

    Raises
    ------
    InputError
        If generators repeat, a number is impossible, or decoder and probability do not fit.

    Examples
    --------
    >>> coset_graph(5, 2, 1, generators=[0, 1, 3])
    <GradientCode coset-graph: n=10, k=5, load=3, stragglers=1>
    """
    k = check_count("partitions", partitions, 1)
    many = check_count("copies", copies, 1)
    check_count("stragglers", stragglers, 0, k * many - 1, f" (fewer than the {k * many} workers)")
    seed = seed_of(rng)
    if (load is None) == (generators is None):
        raise InputError("coset-graph needs either load or generators; give one of them")
    if generators is None:
        chosen = best_generators(k, check_count("load", load, 1, k, f" (the {k} partitions)"), seed)
    else:
        chosen = check_residues("generators", generators, k)
    second = many * float(spectrum(k, chosen)[1:].max(initial=0.0))
    return regular_code(graph_of(k, many, chosen), stragglers, second, decoder=decoder, probability=probability)
