"""Codes of the explicit expanders of Margulis on a torus of workers."""

from __future__ import annotations

from math import isqrt
from typing import Any

from gcopt.code import GradientCode
from gcopt.combinatorics.graphs.margulis import margulis as graph
from gcopt.combinatorics.integers import is_square
from gcopt.existence import Existence
from gcopt.families._family import check_sizes, family
from gcopt.families._regular import RAVIV, regular_code


def _answer(workers: int) -> Existence:
    if is_square(workers):
        return Existence("yes", f"{workers} is a square")
    m = isqrt(workers)
    near = sorted((m * m, (m + 1) ** 2), key=lambda n: abs(n - workers))
    return Existence(
        "no",
        f"the workers are the points of a square torus, and {workers} is no square",
        tuple({"workers": n} for n in near),
    )


def _existence(workers: int, stragglers: int, **_: Any) -> Existence:
    return _answer(check_sizes(workers, stragglers)[0])


@family("margulis", source=f"{RAVIV}; graphs of Margulis 1973 and Gabber & Galil 1981", existence=_existence)
def margulis(
    workers: int, stragglers: int, decoder: str = "least-squares", probability: float | None = None
) -> GradientCode:
    """Worker (x, y) of an m x m torus holds the partitions at the eight ends of its edges; an explicit expander.

    Every eigenvalue but 8 is at most 5 sqrt(2). The graph has loops and double edges: a partition that is reached
    twice counts twice, and a worker then holds fewer than eight.

    Parameters
    ----------
    workers : int
        n = m^2; there are k = n partitions.
    stragglers : int
        s.
    decoder : str
        ``least-squares``, ``scaled`` (one-step) or ``sum``.
    probability : float, optional
        Of a worker to straggle; for ``sum`` only.

    Raises
    ------
    ImpossibleError
        If n is no square.

    Examples
    --------
    >>> code = margulis(25, 3)
    >>> code.load, float(code.segments[0].encoding.sum(axis=1).max())
    (8, 1.0)
    """
    n, s = check_sizes(workers, stragglers)
    _answer(n).require(f"a Margulis graph on {n} workers")
    return regular_code(graph(isqrt(n)), s, decoder=decoder, probability=probability)
