"""The worst case of fixed coefficients against brute force."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from gcopt.solvers import _fixed_kernels, _fixed_problem, fixed_adversary
from gcopt.solvers._fixed_problem import Problem, search
from gcopt.solvers.errors import InputError
from gcopt.solvers.fixed_adversary import FixedWorstCase
from gcopt.solvers.result import Status
from tests.helpers import fixed_error
from tests.matrices import PETERSEN

GRAPH = PETERSEN / 3
ERRORS = (0.288066, 0.763889, 1.564626, 2.962963)


def brute(B: np.ndarray, s: int, decoder: str) -> float:
    return max(fixed_error(B, lost, decoder) for lost in combinations(range(len(B)), s))


@pytest.mark.parametrize(("s", "expected"), list(enumerate(ERRORS, start=1)))
def test_petersen_graph(s: int, expected: float) -> None:
    found = FixedWorstCase().solve(GRAPH, stragglers=s, rng=0)
    assert found.value == pytest.approx(expected, abs=1e-6)
    assert found.value == pytest.approx(brute(GRAPH, s, "scaled"), abs=1e-12)
    assert (found.bound, found.status) == (found.value, Status.OPTIMAL)


@pytest.mark.parametrize("s", range(1, 10))
def test_spectral_bound_of_a_graph_is_that_of_raviv(s: int) -> None:
    problem = Problem.of(sparse.csr_array(GRAPH), s, 10 / (10 - s))
    assert problem.bound() <= 10 * (2 / 3) ** 2 * s / (10 - s) + 1e-9
    if s in (4, 6):  # tight: half of these sets are perfectly unbalanced
        assert problem.bound() == pytest.approx(brute(GRAPH, s, "scaled"))


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(1, 6), st.sampled_from(["scaled", "sum"]))
def test_any_code_against_brute_force(seed: int, n: int, k: int, decoder: str) -> None:
    rng = np.random.default_rng(seed)
    B = rng.normal(size=(n, k)) if seed % 3 else (rng.random((n, k)) < 0.5).astype(float)
    if seed % 5 == 0:
        B = B + 1j * rng.normal(size=(n, k))
    for s in range(n + 1):
        found = FixedWorstCase(decoder, None, restarts=0).solve(B, stragglers=s, rng=0)
        assert found.value == pytest.approx(brute(B, s, decoder), rel=1e-9, abs=1e-9)
        assert found.value == pytest.approx(fixed_error(B, found.set, decoder), rel=1e-12, abs=1e-12)
        assert (found.bound, len(found.set)) == (found.value, s)


@pytest.mark.parametrize("graph", ["petersen", "cube", "circle"])
def test_symmetry_changes_nothing(graph: str, monkeypatch: pytest.MonkeyPatch) -> None:
    graphs = {"petersen": nx.petersen_graph(), "cube": nx.hypercube_graph(4), "circle": nx.cycle_graph(13)}
    B = nx.to_numpy_array(graphs[graph])
    monkeypatch.setattr(fixed_adversary, "FEW", 0)
    monkeypatch.setattr("gcopt.solvers._worst_tree.OVERHEAD", 0)
    for decoder in ("scaled", "sum"):
        for s in (3, 5):
            found = FixedWorstCase(decoder).solve(B, stragglers=s, rng=0)
            assert found.value == pytest.approx(brute(B, s, decoder), rel=1e-9)
            assert found.bound == found.value


def test_nothing_is_shared_so_the_largest_differences_are_lost() -> None:
    B = np.diag([1.0, 0.5, 2.0, 1.2, 0.9])
    found = FixedWorstCase("sum").solve(B, stragglers=2, rng=0)
    assert (found.set, found.status, found.evaluated) == ((0, 4), Status.OPTIMAL, 0)


def test_running_out_of_time_gives_an_interval_that_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fixed_problem, "STEP", 300)
    rng = np.random.default_rng(5)
    B = rng.normal(size=(14, 6))
    proved = FixedWorstCase("sum", None, restarts=0).solve(B, stragglers=6, rng=0)
    assert proved.status is Status.OPTIMAL
    assert proved.value == pytest.approx(brute(B, 6, "sum"))
    problem = Problem.of(sparse.csr_array(B), 6, 1.0)
    for pauses in (1, 2, 4, 8, 16):
        clock = iter([0.0] * pauses + [2.0] * 10**6)
        monkeypatch.setattr(_fixed_problem, "perf_counter", lambda clock=clock: next(clock))
        found = search(problem, 0.0, problem.spread, 1.0)
        assert found.value <= proved.value * (1 + 1e-12) <= found.bound * (1 + 1e-9)
    monkeypatch.undo()
    graph = nx.to_numpy_array(nx.random_regular_graph(6, 60, seed=0)) / 6
    hurried = FixedWorstCase(seconds=0.01).solve(graph, stragglers=14, rng=0)
    assert hurried.status is Status.FEASIBLE
    assert hurried.bound is not None
    assert hurried.value < hurried.bound <= 60 * 20 / 36 * 14 / 46
    assert hurried.value == pytest.approx(fixed_error(graph, hurried.set, "scaled"))


def test_many_workers_are_bounded() -> None:
    graph = nx.random_regular_graph(6, 1600, seed=0)
    B = sparse.csr_array(nx.to_scipy_sparse_array(graph, dtype=float)) / 6
    found = FixedWorstCase().solve(B, stragglers=40, rng=0)
    assert found.bound is not None
    assert 40 / 6 < found.value < found.bound <= 1600 * 20 / 36 * 40 / 1560 * 1.01
    assert "too many sets" in found.method


def test_kernel_is_the_same_in_plain_python(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem.of(sparse.csr_array(np.random.default_rng(1).normal(size=(9, 5))), 4, 1.3)
    compiled = search(problem, 0.0, problem.spread, np.inf)
    for name, function in list(vars(_fixed_kernels).items()):
        if hasattr(function, "py_func"):
            monkeypatch.setattr(_fixed_kernels, name, function.py_func)
    plain = search(problem, 0.0, problem.spread, np.inf)
    assert plain.value == pytest.approx(compiled.value, rel=1e-12)
    assert plain.set is not None
    assert compiled.set is not None
    assert (plain.set.tolist(), plain.evaluated) == (compiled.set.tolist(), compiled.evaluated)


def test_same_seed_same_result() -> None:
    B = nx.to_numpy_array(nx.random_regular_graph(4, 20, seed=0))
    one, two = (FixedWorstCase(seconds=None).solve(B, stragglers=5, rng=3) for _ in range(2))
    assert (one.value, one.set, one.seed, one.evaluated) == (two.value, two.set, 3, two.evaluated)


@pytest.mark.parametrize(
    ("options", "stragglers", "words"),
    [
        ({"decoder": "best"}, 1, "decoder is 'best'; one of scaled, sum would work"),
        ({"seconds": 0.0}, 1, "seconds is 0.0"),
        ({"restarts": -1}, 1, "restarts is -1"),
        ({}, 11, "stragglers is 11; with 10 workers 0 to 10 would work"),
    ],
)
def test_impossible_input_is_named(options: dict[str, Any], stragglers: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        FixedWorstCase(**options).solve(GRAPH, stragglers=stragglers)
