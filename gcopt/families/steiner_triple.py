"""Steiner triple systems: every partition is on three workers, and any two workers share one."""

from __future__ import annotations

from typing import Any

from gcopt.code import GradientCode
from gcopt.combinatorics.existence import block_design
from gcopt.existence import Existence
from gcopt.families._designs import KADHE, design_code
from gcopt.families._family import check_sizes, family


def _existence(workers: Any, stragglers: Any, **_: Any) -> Existence:
    n = check_sizes(workers, stragglers)[0]
    if n >= 3 and n % 6 in (1, 3):
        return Existence("yes", "Bose 1939, Skolem 1958")
    others = [v for v in (n - 1, n + 1, n - 2, n + 2, n - 3, n + 3) if v >= 3 and v % 6 in (1, 3)]
    nearest = tuple({"workers": v} for v in others[:2])
    return Existence("no", f"Kirkman 1847: the number of workers is 1 or 3 mod 6, and {n} is {n % 6}", nearest)


@family("steiner-triple", source=f"{KADHE}; Bose 1939, Skolem 1958", existence=_existence)
def steiner_triple(
    workers: int, stragglers: int, decoder: str = "least-squares", probability: float | None = None
) -> GradientCode:
    """Workers are the points, partitions the triples of a Steiner system; any two workers share one partition.

    Parameters
    ----------
    workers : int
        n = 1 or 3 mod 6, at least 3, with load (n - 1) / 2; there are k = n (n - 1) / 6 partitions.
    stragglers : int
        s, how many workers the master leaves behind.
    decoder, probability
        As for ``block-design``.

    Returns
    -------
    GradientCode
        Squared error s r (r - 1) / (9 r - 3 s) for every set of s stragglers, r the load.

    Raises
    ------
    InputError
        If a number is out of range.
    ImpossibleError
        If n is not 1 or 3 mod 6.
    LimitError
        If n is above 4471.

    Examples
    --------
    >>> steiner_triple(9, stragglers=1)
    <GradientCode steiner-triple: n=9, k=12, load=4, stragglers=1>
    """
    _existence(workers, stragglers).require(f"a Steiner triple system of {workers} workers")
    return design_code(block_design(workers, 3), stragglers, decoder, probability)
