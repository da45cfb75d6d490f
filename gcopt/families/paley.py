"""Codes of Paley graphs: a worker holds the partitions that differ from its own by a square."""

from __future__ import annotations

from itertools import count
from typing import Any

from gcopt.checks import check_count
from gcopt.code import GradientCode
from gcopt.combinatorics.graphs.catalogue import GRAPHS
from gcopt.combinatorics.graphs.paley import is_paley_order
from gcopt.combinatorics.integers import prime_power
from gcopt.existence import Existence
from gcopt.families._family import check_sizes, family
from gcopt.families._regular import RAVIV, regular_code


def _answer(workers: int) -> Existence:
    q = check_count("workers", workers, 2)
    if is_paley_order(q):
        return Existence("yes", f"{q} is a prime power that is 1 mod 4 (Paley 1933)")
    if prime_power(q) is None:
        reason = f"{q} is no prime power, so there is no field of {q} elements (Moore 1893)"
    else:
        reason = f"{q} is {q % 4} mod 4, so -1 is " + ("its own negative" if q % 2 == 0 else "no square in the field")
        reason += " and the relation no graph (Paley 1933)"
    near = (n for step in count(1) for n in (q - step, q + step) if is_paley_order(n))
    return Existence("no", reason, tuple({"workers": next(near)} for _ in range(2)))


def _existence(workers: int, stragglers: int, **_: Any) -> Existence:
    check_sizes(workers, stragglers)
    return _answer(workers)


@family("paley", source=f"{RAVIV}; graphs of Paley 1933, On orthogonal matrices", existence=_existence)
def paley(
    workers: int, stragglers: int, decoder: str = "least-squares", probability: float | None = None
) -> GradientCode:
    """Worker j holds partition i if i - j is a nonzero square in the field of n elements.

    Load and replication are (n - 1) / 2, and every two workers share (n - 5) / 4 or (n - 1) / 4 partitions; both
    eigenvalues besides the load are near sqrt(n) / 2.

    Parameters
    ----------
    workers : int
        n, a prime power that is 1 mod 4; there are k = n partitions.
    stragglers : int
        s.
    decoder : str
        ``least-squares``, ``scaled`` (one-step) or ``sum``.
    probability : float, optional
        Of a worker to straggle; for ``sum`` only.

    Raises
    ------
    ImpossibleError
        For any other n.

    Examples
    --------
    >>> code = paley(9, 2)
    >>> code.load, round(code.claims[2].value, 9)
    (4, 0.6)
    """
    q, s = check_sizes(workers, stragglers)
    _answer(q).require(f"a Paley graph on {q} workers")
    known = next(GRAPHS["paley"].known("paley", q, q))
    second = None if known.parameters is None else known.parameters.second
    return regular_code(known.build(), s, second, decoder=decoder, probability=probability)
