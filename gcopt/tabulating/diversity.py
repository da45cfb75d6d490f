"""Optimal allocations for a grid of workers and shifts, scaled to one parameter: to be looked up."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from decimal import ROUND_FLOOR

import numpy as np

from gcopt.delays import Delay
from gcopt.solvers.diversity import DiversityRuntime
from gcopt.solvers.order_statistics import ExpectedOrderStatistics
from gcopt.tabulating.table import Row, Section, Table, fixed, significant

SIZES = (5, 8, 10, 16, 20, 32, 50)
SHIFTS = (0.0, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)

_PARTS = 1_000_000


def diversity(seed: int = 0, sizes: Sequence[int] = SIZES, shifts: Sequence[float] = SHIFTS) -> Iterator[Row]:
    """Best allocations of a million parts of the parameters, and what they gain.

    Parameters
    ----------
    seed : int
        Changes nothing: nothing is drawn.
    sizes : sequence of int
        Workers.
    shifts : sequence of float
        mu t0.
    """
    for n, shift in itertools.product(sizes, shifts):
        law = Delay("shifted-exponential", {"rate": 1.0, "shift": shift}).distribution
        found = DiversityRuntime(tolerance=1e-7).solve(law, n, _PARTS, rng=seed).scaled(1.0 / _PARTS)
        assert found.bound is not None
        alone = np.arange(1, n + 1) * ExpectedOrderStatistics().solve(law, n).values[::-1]
        yield {
            "workers": str(n),
            "mu t0": f"{shift:g}",
            "value": significant(found.value, 6),
            "bound": significant(found.bound, 6, ROUND_FLOOR),
            "best single diversity": str(int(np.argmin(alone))),
            "gain over it": fixed(float(alone.min()) / found.value, 4),
            "gain over no coding": fixed(float(alone[0]) / found.value, 4),
            "x": " ".join(fixed(part / _PARTS, 6) for part in found.x),
        }


def sections(rows: Sequence[Row]) -> Iterator[Section]:
    """Yield two sections per number of workers: what is gained, and the shares."""
    for workers, group in itertools.groupby(rows, key=lambda row: row["workers"]):
        mine = list(group)
        gains = [{key: cell for key, cell in row.items() if key not in ("workers", "x")} for row in mine]
        yield Section(f"{workers} workers", "", gains)
        yield Section("", f"x_n of {workers} workers, by diversity n:", list(_shares(mine)))


def _shares(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield a row per diversity, a column per shift; shares to four digits, and . for none."""
    x = [[float(share) for share in row["x"].split()] for row in rows]
    for level, shares in enumerate(zip(*x, strict=True)):
        cells = {f"mu t0 = {row['mu t0']}": f"{s:.4f}" if s else "." for row, s in zip(rows, shares, strict=True)}
        yield {"n": str(level), **cells}


TABLE = Table(
    "diversity",
    "Optimal allocations of redundancy to parameters, for T = t0 + Exp(mu)",
    "x_n: the share of the parameters that should tolerate n of N stragglers (load n + 1), so that an iteration is "
    "expected to be done soonest; the sum of x is 1. value: E max_n T_(N-n) z_n with z_n = sum_{i<=n} (i+1) x_i, "
    "T_(k) the k-th smallest of N times t0 + Exp(mu), in units of 1 / mu; it is exact for the x listed. Multiply it by "
    "M b L / (N mu) for M samples, b units of work per sample and parameter, L parameters. bound: no allocation has a "
    "smaller value (rounded down). gain: how many times as long an iteration takes with the best single diversity for "
    "all parameters, or without coding. Near the optimum the value hardly depends on x: its last digits mean little.",
    diversity,
    sections,
)
