"""The best codes that the searches find, beside every family and random assignments, and what none can beat."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gcopt
from gcopt.averages import mean_error
from gcopt.code import GradientCode
from gcopt.decoding import Decoder
from gcopt.effort import Effort
from gcopt.evaluate import evaluate
from gcopt.known_codes import known_codes
from gcopt.solvers.adversary import WorstCase
from gcopt.solvers.load_bounds import mean_bound, worst_bound
from gcopt.solvers.seeding import generator
from gcopt.solving import SOLVERS, Solution
from gcopt.tabulating.search_views import draw, sections
from gcopt.tabulating.table import Row, Table, significant

_SAMPLES = 1000
_SEARCHED = 50_000_000  # sets; where there are more, the table says what the standard attack reaches
_DIGITS = 5

_BOTH = {"worst": 1, "mean": 10}
_NEARLY_EXACT = {"worst": 1, "mean": 100}


@dataclass(frozen=True)
class Asked:
    """One search for an assignment.

    Attributes
    ----------
    name : str
    moves : tuple of int
        Of each chain.
    settings : mapping
        Beside the sizes.
    """

    name: str
    moves: tuple[int, ...]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Point:
    """What codes are compared for.

    Attributes
    ----------
    workers, partitions, load, stragglers : int
    searches : sequence of Asked
        For assignments.
    quiet : tuple of int
        Moves of each chain of a search for an exact code; none: there is no search.
    random : int
        How many random regular assignments are drawn; 0: none.
    families : sequence of str, optional
        Those only.
    """

    workers: int
    partitions: int
    load: int
    stragglers: int
    searches: Sequence[Asked] = ()
    quiet: tuple[int, ...] = ()
    random: int = 0
    families: Sequence[str] | None = None

    @property
    def about(self) -> dict[str, int]:
        """Sizes, as settings of a solver."""
        sizes = {"workers": self.workers, "partitions": self.partitions}
        return {**sizes, "load": self.load, "stragglers": self.stragglers}


def objectives(worst: int, mean: int, both: int, chains: int = 4) -> tuple[Asked, ...]:
    """Return a search for each objective, with so many moves of every chain."""
    return (
        Asked("worst", (worst,) * chains, {"objective": "worst"}),
        Asked("mean", (mean,) * chains, {"objective": "mean"}),
        Asked("worst + 10 mean", (both,) * chains, {"objective": _BOTH}),
    )


def nearly_exact(clusters: int, moves: int, **more: Any) -> Asked:
    """Return a search with so many clusters for a mean next to nothing and then for the worst case."""
    name = ", ".join([f"{clusters} clusters", *(f"{value} {key}" for key, value in more.items())])
    return Asked(name, (moves, moves), {"objective": _NEARLY_EXACT, "clusters": clusters, **more})


_FRONT = (
    nearly_exact(18, 128),
    nearly_exact(30, 128),
    nearly_exact(45, 128, coefficients="equal"),
    nearly_exact(57, 256),
    nearly_exact(63, 256),
)

_EXACT = ("fractional-repetition", "grouped (exact)")

POINTS = (
    Point(13, 13, 4, 4, objectives(20_480, 10_240, 4_096), random=1000),
    Point(20, 20, 3, 3, objectives(40_960, 10_240, 4_096), random=1000),
    Point(20, 20, 4, 5, objectives(20_480, 4_096, 2_048), random=200),
    Point(21, 21, 5, 4, objectives(10_240, 4_096, 2_048), quiet=(0, 0), random=1000),
    Point(12, 24, 6, 3, objectives(40_960, 10_240, 4_096), random=1000),
    Point(24, 24, 4, 4, objectives(20_480, 4_096, 2_048), random=1000),
    Point(30, 30, 5, 5, objectives(5_120, 512, 256, chains=2), random=1000),
    Point(31, 31, 6, 6, objectives(1_024, 256, 256, chains=1), random=200),
    Point(40, 20, 3, 6, objectives(1_024, 1_024, 1_024, chains=2), random=1000),
    Point(60, 60, 6, 6, objectives(1_024, 1_024, 1_024, chains=2)),
    Point(13, 13, 5, 4, quiet=(1, 1), families=_EXACT),
    Point(13, 13, 6, 4, quiet=(1, 1), families=_EXACT),
    Point(13, 13, 7, 4, quiet=(1, 1), families=_EXACT),
    Point(16, 16, 6, 5, quiet=(0, 0), families=_EXACT),
    Point(20, 20, 6, 5, quiet=(0, 0), families=_EXACT),
    Point(90, 90, 10, 22, _FRONT),
    Point(91, 91, 10, 22, families=("block-design",)),
)


def search(seed: int = 0, points: Sequence[Point] = POINTS) -> Iterator[Row]:
    """Yield a row for every code at every point: searched, of a family, or the best of random ones.

    Parameters
    ----------
    seed : int
        Of everything random.
    points : sequence of Point
    """
    for point in points:
        floors = _floors(point)
        for method, code, more in itertools.chain(_searched(point, seed), _families(point, seed), _random(point, seed)):
            about = {key: str(value) for key, value in point.about.items()}
            yield {**about, "method": method, **_measured(code, point, seed), **floors, **_NOTHING, **more}


_NOTHING = {"nu >=": "", "start": "", "moves": "", "command": ""}
_Found = Iterator[tuple[str, GradientCode, Row]]


def _searched(point: Point, seed: int) -> _Found:
    """Yield what the searches find, with what makes them again."""
    for asked in point.searches:
        found, told = _solved("assignment", {**point.about, **asked.settings}, asked.moves, seed)
        if found.code is not None:
            yield f"search: {asked.name}", found.code, told
    if point.quiet:
        found, told = _solved("exact-code", point.about, point.quiet, seed)
        if found.code is not None:
            floor = significant(found.result.bound or 0.0, _DIGITS, ROUND_FLOOR)
            yield "search: nu", found.code, {**told, "nu >=": floor}


def _solved(
    solver: str, settings: Mapping[str, Any], moves: tuple[int, ...], seed: int
) -> tuple[Solution, dict[str, str]]:
    found = SOLVERS[solver](settings, seed=seed, effort=Effort(moves=moves))
    made = ",".join(map(str, found.more["moves"]))
    options = " ".join(f"--set {key}={_argument(value)}" for key, value in settings.items())
    command = f"gcopt solve {solver} {options} --moves {made} --seed {seed}"
    return found, {"start": str(found.more.get("start", "")), "moves": made, "command": command}


def _argument(value: Any) -> str:
    return f"'{json.dumps(value)}'" if isinstance(value, Mapping) else str(value)


def _families(point: Point, seed: int) -> _Found:
    copies, rest = divmod(point.workers * point.load, point.partitions)
    if not rest:
        for name, code in known_codes(point.workers, copies, point.stragglers, seed):
            if point.families is None or name in point.families:
                yield name, code, {}


def _random(point: Point, seed: int) -> _Found:
    """Yield the random regular assignment with the least worst case."""
    if not point.random:
        return
    drawn = [_drawn(point, seed, i) for i in range(point.random)]
    floors = [erasures(code.segments[0].encoding.toarray(), point.stragglers) for code in drawn]
    least, best = inf, drawn[0]
    for i in np.argsort(floors, kind="stable"):
        if floors[i] >= least:
            break
        value = _worst(drawn[i], point.stragglers, seed)[0]
        least, best = (value, drawn[i]) if value < least else (least, best)
    yield f"best of {point.random} random regular", best, {}


def _drawn(point: Point, seed: int, number: int) -> GradientCode:
    sizes = {"workers": point.workers, "load": point.load, "partitions": point.partitions}
    return gcopt.families.random_regular(**sizes, stragglers=point.stragglers, rng=generator(seed, 8, number))


def erasures(matrix: NDArray[np.float64], stragglers: int) -> float:
    """Return the largest error without the workers of one partition, or s of them: a lower bound of the worst case.

    Parameters
    ----------
    matrix : array, shape (n, k)
        Regular: every column has as many entries.
    stragglers : int

    Examples
    --------
    >>> erasures(np.kron(np.eye(3), np.ones((2, 2))), 2)
    2.0
    """
    lost = [np.flatnonzero(column)[:stragglers] for column in matrix.T]
    rows = matrix[np.array([np.setdiff1d(np.arange(len(matrix)), one) for one in lost])]
    estimates = (np.linalg.pinv(rows).sum(axis=1)[:, None, :] @ rows)[:, 0]
    return round(float(((1.0 - estimates) ** 2).sum(axis=1).max()), 9)


def _worst(code: GradientCode, s: int, seed: int) -> tuple[float, float]:
    """Return the squared error of the worst set found, by plain least squares, and what is proved of all."""
    segment = code.segments[0]
    found = WorstCase(seconds=None, sets=_SEARCHED).solve(segment.encoding, stragglers=s, rng=seed)
    lower = evaluate(segment, found.set).error
    return lower, max(lower, code.partitions if found.bound is None else found.bound)


def _measured(code: GradientCode, point: Point, seed: int) -> dict[str, str]:
    """Return sizes, errors in partitions of the point, and the noise of an exact code."""
    segment, s, k = code.segments[0], point.stragglers, code.partitions
    scale = point.partitions / k
    lower, proved = _worst(code, s, seed)
    rng = generator(seed, 9, s)
    mean = mean_error(Decoder(segment), stragglers=s, probability=None, samples=_SAMPLES, rng=rng)
    columns = np.unique(segment.encoding.toarray(), axis=1).shape[1]
    return {
        "code partitions": str(k),
        "largest load": significant(float(code.load) * scale, 3),
        "clusters": str(columns),
        "worst found": _number(lower * scale, ROUND_FLOOR),
        "worst proved": _number(proved * scale, ROUND_CEILING),
        "mean": _number(mean.value * scale),
        "+-": "exact" if mean.exact else significant(mean.stderr * scale, 1),
        "nu": _noise(code, s, seed) if proved * scale < _NONE else "",
    }


def _noise(code: GradientCode, s: int, seed: int) -> str:
    """Return the worst noise amplification, ``>=`` where it is not proved."""
    found = WorstCase("noise", seconds=None, sets=_SEARCHED).solve(code.segments[0].encoding, stragglers=s, rng=seed)
    value = evaluate(code.segments[0], found.set).noise
    if found.bound is not None and found.bound <= value * (1.0 + 1e-6):
        return significant(value, _DIGITS, ROUND_CEILING)
    return ">= " + significant(value, _DIGITS, ROUND_FLOOR)


_NONE = 1e-9


def _number(value: float, *rounding: str) -> str:
    """Return an error with five digits; what is below rounding is none, and rounding makes no digit."""
    return significant(float(f"{value:.10g}"), _DIGITS, *rounding) if value > _NONE else "0"


def _floors(point: Point) -> dict[str, str]:
    """Return what no code of that load can be better than."""
    about = np.full(point.workers, point.load), point.partitions, point.stragglers
    floors = {"worst >=": worst_bound(*about), "mean >=": mean_bound(*about)}
    return {name: significant(value, _DIGITS, ROUND_FLOOR) if value else "0" for name, value in floors.items()}


TABLE = Table(
    "search",
    "Searched codes beside all others",
    "What `gcopt solve assignment` and `gcopt solve exact-code` find, in a number of moves that makes the same again, "
    "beside every family that exists with so many workers and that replication, and the random regular assignment "
    "with the least worst case of 1000 (200 where each takes long). Errors are squared decoding errors of least "
    "squares, in partitions: k is everything. Worst: over all sets of s stragglers, proved by search up to 50 million "
    "sets; beyond that from what the standard attack reaches, which is the same for all codes, to what bounds prove. "
    "Mean: over random sets of s, exact or (~) of 1000 of them. nu: worst noise amplification "
    "of exact codes. No code of that load can be below the bounds, whatever its coefficients; families with other "
    "numbers of partitions are shown in partitions of the point and compared only where theirs can be cut into those; "
    "those that hold more than the load somewhere (largest load) are not compared.",
    search,
    sections,
    draw,
    keys=5,
)
