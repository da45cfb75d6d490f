"""How fast the exact worst case is, against a loop over numpy's least squares in the same run.

Run with ``pytest tests/benchmarks/bench_adversary.py -o addopts= --import-mode=importlib -s``.
"""

from __future__ import annotations

from itertools import combinations, islice
from time import perf_counter
from typing import Any

import networkx as nx
import numpy as np
import pytest

from gcopt.solvers import _worst_search
from gcopt.solvers.adversary import WorstCase, WorstCaseResult
from gcopt.solvers.fixed_adversary import FixedWorstCase

SAMPLE = 1000


def graph() -> np.ndarray:
    return np.asarray(nx.to_numpy_array(nx.random_regular_graph(6, 60, seed=0)))


def paley(q: int) -> np.ndarray:
    squares = {x * x % q for x in range(1, q)}
    return np.array([[float((i - j) % q in squares) for j in range(q)] for i in range(q)])


def plane(q: int) -> np.ndarray:
    points = [(1, a, b) for a in range(q) for b in range(q)] + [(0, 1, a) for a in range(q)] + [(0, 0, 1)]
    table = np.array(points)
    return ((table @ table.T) % q == 0).astype(float)


def least_squares_rate(B: np.ndarray, stragglers: int) -> float:
    """Sets per second of the obvious loop."""
    ones = np.ones(B.shape[1])
    started = perf_counter()
    for lost in islice(combinations(range(len(B)), stragglers), SAMPLE):
        rows = np.delete(B, lost, axis=0)
        np.linalg.lstsq(rows.T, ones, rcond=None)
    return SAMPLE / (perf_counter() - started)


def report(benchmark: Any, found: WorstCaseResult, B: np.ndarray) -> None:
    assert found.bound == found.value
    seconds = benchmark.stats["min"]
    rate, plain = found.sets / seconds, least_squares_rate(B, found.stragglers)
    benchmark.extra_info.update(sets=found.sets, evaluated=found.evaluated, ratio=rate / plain)
    print(
        f"\n{seconds:.3g} s for {found.sets:.3g} sets, {found.evaluated} evaluated, {found.method}; "
        f"{rate / plain:.3g} x the lstsq loop ({plain:.3g} sets/s)"
    )


CASES = {
    "6-regular, 60 workers, s = 6": (graph, 6),
    "Paley 53, s = 8": (lambda: paley(53), 8),
    "Paley 61, s = 8": (lambda: paley(61), 8),
    "plane of order 7, s = 8": (lambda: plane(7), 8),
    "circulant 40, s = 7": (lambda: nx.to_numpy_array(nx.circulant_graph(40, [1, 2, 5])), 7),
}


@pytest.mark.parametrize("symmetries", [None, ()], ids=["symmetry", "no symmetry"])
@pytest.mark.parametrize("name", CASES)
def test_worst_error(benchmark: Any, name: str, symmetries: Any) -> None:
    make, s = CASES[name]
    B = make()
    _worst_search.compile_kernels("<f8")
    options = {"stragglers": s, "rng": 0, "symmetries": symmetries}
    report(benchmark, benchmark.pedantic(WorstCase(seconds=None).solve, (B,), options, rounds=3), B)


@pytest.mark.parametrize("name", list(CASES)[:3])
def test_worst_error_of_fixed_coefficients(benchmark: Any, name: str) -> None:
    make, s = CASES[name]
    B = make() / make()[0].sum()
    options = {"stragglers": s, "rng": 0}
    FixedWorstCase().solve(B[:8], stragglers=3)
    report(benchmark, benchmark.pedantic(FixedWorstCase(seconds=None).solve, (B,), options, rounds=3), B)


def test_exact_code_noise(benchmark: Any) -> None:
    """The null-space search: every loss of a placement code with n = 40, s = 5 (658,008 sets)."""
    rng = np.random.default_rng(0)
    C, B = rng.normal(size=(6, 40)), np.zeros((40, 40))
    for p in range(40):
        holders = (p - np.arange(6)) % 40
        B[holders, p] = np.linalg.solve(C[:, holders], np.ones(6))
    _worst_search.compile_kernels("<f8")
    found = benchmark.pedantic(WorstCase("noise", seconds=None).solve, (B,), {"stragglers": 5, "rng": 0}, rounds=3)
    report(benchmark, found, B)
