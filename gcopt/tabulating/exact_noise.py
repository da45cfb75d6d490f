"""Worst-case noise amplification of the exact codes, recomputed by `verify`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR

import gcopt
from gcopt.code import GradientCode, single
from gcopt.errors import InputError
from gcopt.solvers.exact_code import ExactCode
from gcopt.solvers.searching import Search
from gcopt.tabulating.table import Row, Table, significant
from gcopt.verification import verify


def exact_noise(seed: int = 0, sizes: tuple[tuple[int, int], ...] = ()) -> Iterator[Row]:
    """Worst-case noise amplification nu of every exact code with load s + 1, and of what a short search finds.

    Parameters
    ----------
    seed : int
        Of the families that draw at random, and of the search.
    sizes : sequence of (workers, stragglers), optional
        Some rows only.
    """
    for n, s in sizes or _SIZES:
        row = {"workers": str(n), "stragglers": str(s), "load": str(s + 1)}
        for column, build in _BUILDERS.items():
            try:
                row[column] = _noise(build(n, s, seed))
            except InputError:
                row[column] = ""
        row["searched"] = _noise(searched(n, s, seed))
        yield row


def searched(workers: int, stragglers: int, seed: int) -> GradientCode:
    """Return what a short search finds, of so many moves that it is made again."""
    found = ExactCode(Search(moves=_MOVES)).solve(workers, stragglers, rng=seed)
    return single(found.encoding, stragglers, ())


def _noise(code: GradientCode) -> str:
    """Return nu to five digits, rounded to the side that stays true; ``>=`` where not proved, ``c`` if complex."""
    (part,) = verify(code, rng=0).segments
    if part.noise is None:
        return "not exact"
    exact = part.noise.exact
    value = significant(part.noise.lower, 5, ROUND_CEILING if exact else ROUND_FLOOR)
    return ("" if exact else ">= ") + value + (" c" if code.dtype.kind == "c" else "")


_MOVES = (10, 10)
_SIZES = ((12, 2), (12, 3), (13, 2), (13, 4), (16, 3), (16, 5), (20, 3), (20, 5), (24, 5))

_BUILDERS: dict[str, Callable[[int, int, int], GradientCode]] = {
    "fractional-repetition": lambda n, s, seed: gcopt.families.fractional_repetition(n, s),
    "cyclic-repetition": lambda n, s, seed: gcopt.families.cyclic_repetition(n, s, rng=seed),
    "placement": lambda n, s, seed: gcopt.families.placement(n, s, rng=seed),
    "cyclic-mds first": lambda n, s, seed: gcopt.families.cyclic_mds(n, s, zeros="first"),
    "cyclic-mds centred": lambda n, s, seed: gcopt.families.cyclic_mds(n, s),
    "grouped cyclic-mds": lambda n, s, seed: gcopt.families.grouped(n, s, inner="cyclic-mds"),
    "grouped (default)": lambda n, s, seed: gcopt.families.grouped(n, s, rng=seed),
}

TABLE = Table(
    "exact-noise",
    "Noise amplification of exact codes",
    "nu = max over sets of s stragglers of the least sqrt(sum_j ||R_j||^2 ||b_j||^2 / k): relative error of "
    "the decoded gradient per unit of relative error in the messages. Exact worst cases; c: complex entries; "
    ">=: the worst set found, not proved; empty: no such code. searched: real codes, two chains of 10 moves.",
    exact_noise,
)
