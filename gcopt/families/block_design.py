"""Block designs: any two workers share equally many partitions, so that all sets of stragglers are alike."""

from __future__ import annotations

from typing import Any

from gcopt.checks import check_count
from gcopt.code import GradientCode
from gcopt.combinatorics.catalogue import MOST
from gcopt.combinatorics.existence import block_design as incidence_of
from gcopt.combinatorics.existence import design_existence
from gcopt.existence import Existence
from gcopt.families._designs import KADHE, design_code
from gcopt.families._family import check_sizes, family

_WORDS = {"points": "workers", "size": "replication", "index": "index"}


def _existence(workers: Any, replication: Any, stragglers: Any, index: Any, **_: Any) -> Existence:
    n = check_sizes(check_count("workers", workers, 2), stragglers)[0]
    gamma = check_count("replication", replication, 2, n, f" (no more than the {n} workers)")
    found = design_existence(check_count("workers", n, gamma, MOST), gamma, check_count("index", index, 1, MOST))
    nearest = tuple({_WORDS[key]: value for key, value in one.items()} for one in found.nearest)
    return Existence(found.answer, found.reason, nearest)


@family("block-design", source=KADHE, existence=_existence)
def block_design(
    workers: int,
    replication: int,
    stragglers: int,
    index: int = 1,
    decoder: str = "least-squares",
    probability: float | None = None,
) -> GradientCode:
    """Any two workers share the same number of partitions; every set of s stragglers causes the same error.

    The workers are the points and the partitions the blocks of a (workers, replication, index) design, whichever is
    made here: lines and hyperplanes of finite spaces, difference sets and families, Steiner triple systems, Hadamard
    matrices, what comes of them, and small ones found by search.

    Parameters
    ----------
    workers : int
        n.
    replication : int
        gamma, workers per partition, from 2 to n.
    stragglers : int
        s, how many workers the master leaves behind.
    index : int
        lambda, partitions that any two workers share.
    decoder : str
        ``least-squares``, ``scaled`` (one-step, which loses little here) or ``sum``.
    probability : float, optional
        Of a worker to straggle; for ``sum`` only.

    Returns
    -------
    GradientCode
        Load r = lambda (n - 1) / (gamma - 1), partitions n r / gamma, and the squared error
        s r (r - lambda) / (gamma (gamma r - lambda s)) for every set of s stragglers.

    Raises
    ------
    InputError
        If a number is out of range.
    ImpossibleError
        If a theorem forbids the design.
    UnknownError
        If no construction here makes it.
    LimitError
        If it has more than 10^7 entries.

    Examples
    --------
    >>> code = block_design(7, 3, stragglers=2)
    >>> code.workers, code.partitions, code.load
    (7, 7, 3)
    >>> print(code.claims[2])
    squared error at most 0.571429 for every set of 2 stragglers
    """
    _existence(workers, replication, stragglers, index).require(
        f"a block design with workers = {workers}, replication = {replication}, index = {index}"
    )
    return design_code(incidence_of(workers, replication, index), stragglers, decoder, probability)
