"""The figures of Wang, Cui, Li, Zou, Xiong 2022 (arXiv 2206.02450) again, with what is proved best beside them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR
from functools import cache
from typing import Any

import numpy as np

from gcopt.delays import Delay
from gcopt.solvers.diversity import Allocation, DiversityCompletion, DiversityRuntime, Levels
from gcopt.solvers.diversity.allocation import medians
from gcopt.solvers.diversity.few import FewLevels
from gcopt.solvers.diversity.methods import Published
from gcopt.solvers.diversity.objectives import ExactRuntime
from gcopt.solvers.diversity.search import minimise
from gcopt.solvers.joint_order_statistics import Distribution
from gcopt.tabulating.block_coordinate_views import draw, sections
from gcopt.tabulating.table import Row, Table, fixed, significant

_SAMPLES = 50  # M; the work per sample and parameter, b, is 1
_SHARED = ("x-t", "x-f", "x-lg", "single", "tandon-partial", "ferdinand-draper L/2", "ferdinand-draper L")
RUNTIME = ("optimum", "6 segments", "3 segments", "subgradient", *_SHARED)
COMPLETION = ("optimum", "6 segments", "3 segments", "stationary", *_SHARED)


@dataclass(frozen=True)
class Case:
    """One setting: workers whose time per unit of work is shift + Exp(rate), and what is to be computed.

    Attributes
    ----------
    workers : int
    rate, shift : float
    parameters : int
    deadline : float or None
        Its probability is to be maximised; None to minimise the expected runtime.
    iterations : int
        Of the subgradient method.
    """

    workers: int
    rate: float
    shift: float
    parameters: int
    deadline: float | None = None
    iterations: int = 150

    @property
    def law(self) -> Distribution:
        """The distribution of the time per unit of work."""
        law: Distribution = Delay("shifted-exponential", {"rate": self.rate, "shift": self.shift}).distribution
        return law

    @property
    def scale(self) -> float:
        """Units of work of one worker per parameter and unit of load."""
        return _SAMPLES / self.workers

    @property
    def limit(self) -> float | None:
        """The deadline in the unit of the solvers."""
        return None if self.deadline is None else self.deadline / self.scale


@dataclass(frozen=True)
class Figure:
    """A figure: one number of a case varies."""

    name: str
    axis: str
    values: tuple[float, ...]
    base: Case

    def case(self, value: float) -> Case:
        """Return the setting at one point."""
        varied: dict[str, Any] = {self.axis: value}
        return replace(self.base, **varied)

    @property
    def methods(self) -> tuple[str, ...]:
        """What is compared."""
        return RUNTIME if self.base.deadline is None else COMPLETION


_SLOW = Case(workers=20, rate=1e-3, shift=50.0, parameters=20_000)
_TIMED = Case(workers=20, rate=0.1, shift=1.0, parameters=40_000, deadline=10**6.5)

FIGURES = (
    Figure("runtime-workers", "workers", (10, 20, 30, 40, 50), replace(_SLOW, iterations=500)),
    Figure("runtime-rate", "rate", tuple(10**e for e in (-3.4, -3.2, -3.0, -2.8, -2.6)), _SLOW),
    Figure("runtime-parameters", "parameters", (1000, 5000, 20_000, 50_000, 100_000), _SLOW),
    Figure("completion-deadline", "deadline", tuple(10**e for e in (6.3, 6.4, 6.5, 6.6, 6.7, 6.8, 6.9)), _TIMED),
    Figure("completion-workers", "workers", (10, 20, 30, 40, 50), _TIMED),
    Figure("completion-rate", "rate", tuple(10**e for e in (-1.2, -1.1, -1.0, -0.9, -0.8)), _TIMED),
    Figure("completion-parameters", "parameters", (20_000, 30_000, 40_000, 50_000, 60_000), _TIMED),
)

# Read off their figures: expected runtime against N (mu = 1e-3) and against mu (N = 20), completion probability against
# t (N = 20) and against N (t = 10^6.5). Their names are x_opt for subgradient, x_st for stationary, x_t, x_f, x_lg.
PUBLISHED = {
    ("runtime-workers", 10): {"subgradient": 1.205e8, "x-t": 1.315e8, "x-f": 1.280e8},
    ("runtime-workers", 20): {"subgradient": 7.175e7, "x-t": 7.900e7, "x-f": 7.800e7},
    ("runtime-workers", 50): {"subgradient": 4.030e7, "x-t": 4.420e7, "x-f": 4.420e7},
    ("runtime-rate", 10**-3.4): {"subgradient": 1.475e8, "x-t": 1.695e8, "x-f": 1.622e8},
    ("runtime-rate", 10**-2.6): {"subgradient": 3.900e7, "x-t": 3.950e7, "x-f": 3.950e7},
    ("completion-deadline", 10**6.5): {"stationary": 0.910, "x-lg": 0.760},
    ("completion-deadline", 10**6.7): {"stationary": 0.996, "x-lg": 0.996},
    ("completion-workers", 10): {"stationary": 0.628, "x-lg": 0.510},
}


def block_coordinate(seed: int = 0, figures: Sequence[Figure] = FIGURES) -> Iterator[Row]:
    """Expected runtime or completion probability of every method at every point of every figure.

    Parameters
    ----------
    seed : int
        Of the methods that draw at random.
    figures : sequence of Figure
    """
    solved = cache(lambda case, method: _solved(case, method, seed))
    for figure in figures:
        for value in figure.values:
            case = figure.case(value)
            best = solved(case, "optimum")[0]
            known = PUBLISHED.get((figure.name, value), {})
            for method in figure.methods:
                yield _row(figure.name, case, method, *solved(case, method), best, known.get(method))


def _row(
    figure: str, case: Case, method: str, value: float, bound: float | None, best: float, known: float | None
) -> Row:
    if case.deadline is None:
        shown, proved = significant(value, 5), bound and significant(bound, 5, ROUND_FLOOR)
        worse = value / best - 1.0
    else:
        shown, proved = fixed(value, 5), bound and fixed(bound, 5, ROUND_CEILING)
        worse = 1.0 - value / best
    return {
        "figure": figure,
        "workers": str(case.workers),
        "rate": significant(case.rate, 5),
        "shift": significant(case.shift, 5),
        "parameters": str(case.parameters),
        "deadline": "" if case.deadline is None else significant(case.deadline, 5),
        "method": method,
        "value": shown,
        "bound": proved or "",
        "worse %": fixed(100.0 * worse, 2),
        "published": "" if known is None else significant(known, 5),
        "difference %": "" if known is None else fixed(100.0 * (value / known - 1.0), 2),
    }


def _solved(case: Case, method: str, seed: int) -> tuple[float, float | None]:
    """Return the value, and the bound where the method proves one."""
    name = method.split()[0]
    if method == "optimum":
        found = _optimum(case, seed)
    elif method.endswith(" segments"):
        found = _few(case, int(name), seed)
    else:
        found = Published(
            name,
            case.law,
            case.workers,
            case.parameters,
            deadline=case.limit,
            layers=case.parameters if method.endswith(" L") else None,
            iterations=case.iterations if name == "subgradient" else None,
            shifted_exponential=(case.rate, case.shift),
        ).solve(seed)
    scaled = found if case.deadline is not None else found.scaled(case.scale)
    proved = method == "optimum" or (method == "3 segments" and case.deadline is None)
    return scaled.value, scaled.bound if proved else None


def _optimum(case: Case, seed: int, diversities: list[int] | None = None) -> Allocation:
    law, n, total = case.law, case.workers, case.parameters
    if case.limit is None:
        return DiversityRuntime().solve(law, n, total, diversities=diversities, rng=seed)
    return DiversityCompletion().solve(law, n, total, case.limit, diversities=diversities, rng=seed)


def _few(case: Case, segments: int, seed: int) -> Allocation:
    """Return the best allocation to so few segments: proved for three and the runtime; else that would take too long.

    For a deadline the diversities are those that are best for the runtime, which is close to the best ones.
    """
    law, n, total = case.law, case.workers, case.parameters
    # no limit of time: what is found must not depend on how busy the machine is
    if segments <= 3 and case.deadline is None:
        return DiversityRuntime(segments=segments, seconds=math.inf).solve(law, n, total, rng=seed)
    levels = Levels.of(n)
    start = minimise(ExactRuntime(law, levels), levels, 1.0 / medians(law, levels), total).heights
    search = FewLevels(lambda of: ExactRuntime(law, of), levels, segments, total, start, seconds=math.inf)
    return _optimum(case, seed, levels.diversities[np.array(search.guess()[0])].tolist())


TABLE = Table(
    "block-coordinate",
    "Block-coordinate gradient coding: every method at every point of the published figures",
    "After Wang, Cui, Li, Zou, Xiong 2022 (arXiv 2206.02450): N workers, each of which needs T = t0 + Exp(mu) per unit "
    "of work, L parameters, M = 50 samples, one unit of work per sample and parameter (b = 1). Runtimes are "
    "E tau = (M b / N) E max_n T_(N-n) z_n in the unit of t0 and 1 / mu; completion is P(tau <= t). Allocations are in "
    "whole numbers and judged exactly, without simulation. In brackets: how much longer (or less probable) than the "
    "optimum. Bounds are rounded to the side that stays true. No allocation has a runtime below the bound. The bound "
    "of a completion holds with confidence 1 - 1e-6 and even for a master that knew the times beforehand: the optimum "
    "is the best found there, not proved. 3 segments: at most three different redundancies; its bound is for these. "
    "6 segments, and both for a deadline: best found. subgradient takes 500 iterations where N varies and 150 "
    "elsewhere, as published; "
    "tandon-partial has alpha = 6; ferdinand-draper has L/2 or L layers.",
    block_coordinate,
    sections,
    draw,
    keys=7,
)
