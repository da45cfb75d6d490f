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

from gcopt.solvers import _adversary_kernels, _worst_search
from gcopt.solvers.adversary import WorstCase

WORKERS, STRAGGLERS, SAMPLE = 60, 6, 1000


def graph() -> np.ndarray:
    return np.asarray(nx.to_numpy_array(nx.random_regular_graph(6, WORKERS, seed=0)))


def least_squares_rate(B: np.ndarray) -> float:
    """Sets per second of the obvious loop."""
    ones = np.ones(WORKERS)
    started = perf_counter()
    for lost in islice(combinations(range(WORKERS), STRAGGLERS), SAMPLE):
        rows = np.delete(B, lost, axis=0)
        np.linalg.lstsq(rows.T, ones, rcond=None)
    return SAMPLE / (perf_counter() - started)


@pytest.mark.parametrize("pruned", [True, False])
def test_fifty_million_sets(benchmark: Any, pruned: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """C(60, 6) = 50,063,860 sets, with pruning and with every single one evaluated."""
    B = graph()
    if not pruned:
        compiled = _adversary_kernels.search_definite

        def evaluate_all(*arguments: Any) -> int:
            return int(compiled(*arguments[:9], np.inf, *arguments[10:]))

        monkeypatch.setattr(_adversary_kernels, "search_definite", evaluate_all)
    _worst_search.compile_kernels("<f8")
    found = benchmark.pedantic(WorstCase(seconds=None).solve, (B,), {"stragglers": STRAGGLERS, "rng": 0}, rounds=3)
    assert found.bound == found.value
    rate, plain = found.sets / benchmark.stats["min"], least_squares_rate(B)
    benchmark.extra_info.update(sets_per_second=rate, least_squares_per_second=plain, ratio=rate / plain)
    print(f"\n{rate:.3g} sets/s, {found.evaluated} evaluated; lstsq {plain:.3g} sets/s; ratio {rate / plain:.0f}")


def test_exact_code_noise(benchmark: Any) -> None:
    """The null-space search: every loss of a placement code with n = 40, s = 5 (658,008 sets)."""
    rng = np.random.default_rng(0)
    C, B = rng.normal(size=(6, 40)), np.zeros((40, 40))
    for p in range(40):
        holders = (p - np.arange(6)) % 40
        B[holders, p] = np.linalg.solve(C[:, holders], np.ones(6))
    _worst_search.compile_kernels("<f8")
    found = benchmark.pedantic(WorstCase("noise", seconds=None).solve, (B,), {"stragglers": 5, "rng": 0}, rounds=3)
    print(f"\n{found.sets / benchmark.stats['min']:.3g} sets/s, {found.method}")
    assert found.bound == found.value
