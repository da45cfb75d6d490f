"""Codes of the Ramanujan graphs of Lubotzky, Phillips and Sarnak."""

from __future__ import annotations

from typing import Any

from gcopt.checks import check_count
from gcopt.code import GradientCode
from gcopt.combinatorics.graphs.ramanujan import SOURCE, is_pair, is_prime, ramanujan_half
from gcopt.existence import Existence
from gcopt.families._family import check_sizes, family
from gcopt.families._regular import RAVIV, regular_code

_SIZES = "X^(p,q) has q (q^2 - 1) / 2 workers and load p + 1; p and q are different primes, 1 mod 4, and q > 2 sqrt(p)"


def _workers(q: int) -> int:
    return q * (q * q - 1) // 2


def _answer(workers: int, load: int) -> tuple[Existence, tuple[int, int]]:
    d = check_count("load", load, 1, workers)
    q = round((2 * workers) ** (1 / 3))
    if _workers(q) == workers and is_pair(d - 1, q):
        return Existence("yes", f"X^({d - 1},{q}) ({SOURCE}, Theorem 4.1)"), (d - 1, q)
    fields = sorted((x for x in range(5, 2 * q + 30, 4) if is_prime(x)), key=lambda x: abs(_workers(x) - workers))[:2]
    near = []
    for field in fields:
        degrees = [p + 1 for p in range(5, field * field // 4, 4) if is_pair(p, field)]
        near += [{"workers": _workers(field), "load": min(degrees, key=lambda x: abs(x - d))}] if degrees else []
    return Existence("no", _SIZES, tuple(near)), (0, 0)


def _existence(workers: int, stragglers: int, load: int, **_: Any) -> Existence:
    return _answer(check_sizes(workers, stragglers)[0], load)[0]


@family("ramanujan", source=f"{RAVIV}; graphs of {SOURCE}, Theorem 4.1", existence=_existence)
def ramanujan(
    workers: int, stragglers: int, load: int, decoder: str = "least-squares", probability: float | None = None
) -> GradientCode:
    """Worker j holds the partitions of its neighbours in X^(p,q): no second eigenvalue is larger than 2 sqrt(p).

    Where X^(p,q) is bipartite, workers are one side and partitions the other; else both are its vertices.

    Parameters
    ----------
    workers : int
        n = q (q^2 - 1) / 2 for a prime q that is 1 mod 4: 1092, 2448, 12180, 25308, ...; there are k = n partitions.
    stragglers : int
        s.
    load : int
        d = p + 1 for another such prime p < q^2 / 4: 6, 14, 18, 30, ...
    decoder : str
        ``least-squares``, ``scaled`` (one-step) or ``sum``.
    probability : float, optional
        Of a worker to straggle; for ``sum`` only.

    Raises
    ------
    ImpossibleError
        For any other n and d.

    Examples
    --------
    >>> code = ramanujan(1092, 50, 6)
    >>> code.partitions, code.load
    (1092, 6)
    """
    n, s = check_sizes(workers, stragglers)
    answer, (p, q) = _answer(n, load)
    answer.require(f"a Ramanujan graph X^(p,q) for {n} workers with load {load}")
    return regular_code(ramanujan_half(p, q), s, decoder=decoder, probability=probability)
