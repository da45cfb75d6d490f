"""Worst and mean error of every family at the same replication: who wins where, and what nothing can beat."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR
from math import comb

import numpy as np

from gcopt.averages import mean_error
from gcopt.code import GradientCode
from gcopt.decoding import Decoder
from gcopt.evaluate import evaluate
from gcopt.known_codes import known_codes
from gcopt.solvers.seeding import generator
from gcopt.tabulating.table import Row, Section, Table, significant

SIZES = (20, 21, 25, 31, 40, 50, 57, 64, 91, 100)
REPLICATIONS = (3, 4, 5, 6, 8, 10)
SHARES = (0.1, 0.2, 0.3)

_SAMPLES = 400
_SEARCHED = 50_000_000  # sets; where there are more, the table says what an attack reaches and what bounds prove
_DIGITS = 3
_EQUAL = 1.01  # errors so near each other are a tie


def approximate(
    seed: int = 0, sizes: Sequence[int] = SIZES, replications: Sequence[int] = REPLICATIONS
) -> Iterator[Row]:
    """Yield a row for every family at every (workers, replication, stragglers) at which it exists.

    Parameters
    ----------
    seed : int
        Of the random constructions and the sampled means.
    sizes, replications : sequence of int
        Some of the rows only.
    """
    for n, gamma, share in itertools.product(sizes, replications, SHARES):
        s = round(share * n)
        for name, code in known_codes(n, gamma, s, seed):
            about = {"workers": str(n), "replication": str(gamma), "stragglers": str(s), "family": name}
            yield {**about, **_measured(code, s, seed), **_bounds(n, gamma, s, code.partitions)}


def _measured(code: GradientCode, s: int, seed: int) -> dict[str, str]:
    """Relative errors of a code: the worst set found, what is proved of all sets, the mean and its standard error."""
    from gcopt.solvers.adversary import WorstCase

    segment, k = code.segments[0], code.partitions
    found = WorstCase(seconds=None, sets=_SEARCHED).solve(segment.encoding, stragglers=s, rng=seed)
    lower = evaluate(segment, found.set).error / k
    proved = max(lower, 1.0 if found.bound is None else found.bound / k)
    rng = generator(seed, s)
    mean = mean_error(Decoder(segment), stragglers=s, probability=None, samples=_SAMPLES, rng=rng)
    return {
        "partitions": str(k),
        "load / k": _number(code.load / k),
        "worst found": _number(lower, ROUND_FLOOR),
        "worst proved": _number(proved, ROUND_CEILING),
        "mean": _number(mean.value / k),
        "+-": "exact" if mean.exact else significant(mean.stderr / k, 1),
    }


def _number(value: float, *rounding: str) -> str:
    """Return an error with three digits; what is below rounding is none."""
    return significant(value, _DIGITS, *rounding) if value > 1e-12 else "0"


def _bounds(n: int, gamma: int, s: int, partitions: int) -> dict[str, str]:
    """What no code of this replication and so many partitions can be better than."""
    lost = comb(n - gamma, s - gamma) / comb(n, s) if s >= gamma else 0.0
    worst = max(lost, (s // gamma) / partitions)
    return {"worst >=": _number(worst, ROUND_FLOOR), "mean >=": _number(lost, ROUND_FLOOR)}


def sections(rows: Sequence[Row]) -> Iterator[Section]:
    """Yield who wins where, then a section per number of workers and replication with a column per straggler count."""
    yield Section("Who wins", _WINNERS, list(_winners(rows)))
    for (n, gamma), group in itertools.groupby(rows, key=lambda row: (row["workers"], row["replication"])):
        yield Section(f"{n} workers, replication {gamma}", "", list(_side_by_side(list(group))))


_WINNERS = "The families with the least proved worst error and those with the least mean error, and what none can beat."


def _winners(rows: Sequence[Row]) -> Iterator[Row]:
    for key, group in itertools.groupby(rows, key=lambda r: (r["workers"], r["replication"], r["stragglers"])):
        mine = list(group)
        cells = dict(zip(("workers", "replication", "stragglers"), key, strict=True))
        for name, column in (("worst", "worst proved"), ("mean", "mean")):
            floor = min((row[f"{name} >="] for row in mine), key=float)
            # a sample may miss what is rare: nobody is better than the bound
            best = max(min(float(row[column]) for row in mine), float(floor))
            first = [row["family"] for row in mine if float(row[column]) <= best * _EQUAL]
            cells |= {name: ", ".join(first), f"{name} error": _number(best), f"{name} >=": floor}
        yield cells


def _side_by_side(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield a row per family: load, then worst and mean error for each number of stragglers."""
    counts = list(dict.fromkeys(row["stragglers"] for row in rows))
    for name in dict.fromkeys(row["family"] for row in rows):
        mine = {row["stragglers"]: row for row in rows if row["family"] == name}
        any_row = next(iter(mine.values()))
        cells = {"family": name, "k": any_row["partitions"], "largest load / k": any_row["load / k"]}
        for s in counts:
            row = mine.get(s)
            cells[f"s = {s}: worst"] = "" if row is None else _range(row["worst found"], row["worst proved"])
            cells[f"s = {s}: mean"] = "" if row is None else ("" if row["+-"] == "exact" else "~") + row["mean"]
        yield cells
    floor = {"family": "no code can be below", "k": "", "largest load / k": ""}
    for s in counts:
        some = [row for row in rows if row["stragglers"] == s]
        floor |= {f"s = {s}: {name}": min((row[f"{name} >="] for row in some), key=float) for name in ("worst", "mean")}
    yield floor


def _range(found: str, proved: str) -> str:
    """Return one number where the search ended, else from what was found to what is proved."""
    close = np.isclose(float(found), float(proved), rtol=2 * 10 ** (1 - _DIGITS), atol=0.0)
    return proved if close else f"{found} - {proved}"


TABLE = Table(
    "approximate",
    "Decoding error of approximate codes",
    "Squared decoding error of the least-squares decoder as a share of k (1: everything is lost), without s of n "
    "workers, every partition on gamma workers (random constructions: on average, and one draw of each). Worst: "
    "over all sets of s, proved by search where there are at most 50 million sets, else from what an attack found to "
    "what bounds prove. Mean: over random sets, exact or (~) of 400 of them (the CSV has standard errors). No code of "
    "that replication and number of partitions can be below the last row of each section: floor(s / gamma) partitions "
    "can always be taken away, and random stragglers take all workers of a partition with probability "
    "C(n - gamma, s - gamma) / C(n, s). Families are listed where they exist with exactly these parameters.",
    approximate,
    sections,
    keys=4,
)
