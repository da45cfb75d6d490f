"""Symmetries are found, checked, and change no answer."""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import block_diag

from gcopt.solvers import _symmetry, _worst_search
from gcopt.solvers._symmetry import automorphisms, is_symmetry, orbits, representatives
from gcopt.solvers.adversary import WorstCase
from gcopt.solvers.errors import InputError
from gcopt.solvers.result import Status
from tests.helpers import least_squares, worst_error
from tests.matrices import FANO


def paley(q: int) -> np.ndarray:
    squares = {x * x % q for x in range(1, q)}
    return np.array([[float((i - j) % q in squares) for j in range(q)] for i in range(q)])


def shaken(B: np.ndarray, seed: int = 0) -> np.ndarray:
    """The same code with workers and partitions renamed."""
    rng = np.random.default_rng(seed)
    return B[rng.permutation(len(B))][:, rng.permutation(B.shape[1])]


def group(generators: list[Any], n: int) -> set[tuple[int, ...]]:
    """All products, by brute force."""
    known = {tuple(range(n))}
    fresh = known
    while fresh:
        fresh = {tuple(int(g[x]) for x in p) for p in fresh for g in generators} - known
        known = known | fresh
    return known


GRAPHS = {
    "petersen": (nx.to_numpy_array(nx.petersen_graph()), 120),
    "paley 13": (paley(13), 78),
    "paley 17": (paley(17), 136),
    "circle": (nx.to_numpy_array(nx.cycle_graph(12)), 24),
    "cube": (nx.to_numpy_array(nx.hypercube_graph(4)), 384),
    "two triangles": (nx.to_numpy_array(nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))), 72),
    "path": (nx.to_numpy_array(nx.path_graph(7)), 2),
    "frucht": (nx.to_numpy_array(nx.frucht_graph()), 1),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_the_whole_group_of_a_graph_is_found(name: str) -> None:
    adjacency, order = GRAPHS[name]
    found = automorphisms([shaken_together(adjacency)], np.ones(len(adjacency), dtype=np.int64))
    assert all(is_symmetry([shaken_together(adjacency)], p) for p in found)
    assert len(group(found, len(adjacency))) == order


def shaken_together(adjacency: np.ndarray) -> np.ndarray:
    p = np.random.default_rng(1).permutation(len(adjacency))
    return adjacency[np.ix_(p, p)]


def test_weights_and_directions_break_symmetry() -> None:
    circle = np.roll(np.eye(5), 1, axis=0)
    assert len(group(automorphisms([circle], np.ones(5, dtype=np.int64)), 5)) == 5
    assert len(group(automorphisms([circle + circle.T], np.ones(5, dtype=np.int64)), 5)) == 10
    assert len(group(automorphisms([circle + circle.T], np.array([2, 1, 1, 1, 1])), 5)) == 2
    turned = 1j * circle - 1j * circle.T
    assert len(group(automorphisms([turned], np.ones(5, dtype=np.int64)), 5)) == 5


def test_nothing_is_believed_that_the_colours_suggest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two strongly regular graphs with the same parameters: no refinement tells their workers apart, a check does."""
    monkeypatch.setattr(_symmetry, "REFINEMENTS", 60)
    rook = nx.to_numpy_array(nx.line_graph(nx.complete_bipartite_graph(4, 4)))
    both = np.asarray(block_diag(rook, _shrikhande()))
    found = automorphisms([both], np.ones(32, dtype=np.int64))
    assert found
    assert all(is_symmetry([both], p) for p in found)
    assert not (orbits(found, 32)[:16, None] == orbits(found, 32)[None, 16:]).any()


def _shrikhande() -> np.ndarray:
    steps = {(0, 1), (0, 3), (1, 0), (3, 0), (1, 1), (3, 3)}
    cells = [(a, b) for a in range(4) for b in range(4)]
    return np.array([[float(((a - c) % 4, (b - d) % 4) in steps) for c, d in cells] for a, b in cells])


@pytest.mark.parametrize("name", ["petersen", "circle", "cube", "two triangles", "frucht"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_some_image_of_every_set_is_reached(name: str, size: int) -> None:
    adjacency, _ = GRAPHS[name]
    n, s = len(adjacency), 4
    generators = automorphisms([adjacency], np.ones(n, dtype=np.int64))
    parts = representatives(generators, n, size)
    assert parts is not None
    reached = {
        frozenset((*chosen.tolist(), *more))
        for chosen, allowed in parts
        for more in combinations(allowed.tolist(), s - size)
    }
    images = group(generators, n)
    left = set(map(frozenset, combinations(range(n), s)))
    for one in reached:
        left -= {frozenset(p[x] for x in one) for p in images}
    assert not left


def test_too_many_small_sets_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    shift = [np.roll(np.arange(9), 1)]
    monkeypatch.setattr(_symmetry, "KINDS", 3)
    assert representatives(shift, 9, 2) is None
    monkeypatch.setattr(_symmetry, "SUBSETS", 35)
    assert representatives(shift, 9, 2) is None
    assert representatives(shift, 9, 1) is not None


CODES = {
    "petersen": GRAPHS["petersen"][0],
    "paley 13": paley(13),
    "circle": GRAPHS["circle"][0],
    "cube": GRAPHS["cube"][0][:, :11],
    "fano": FANO,
    "disconnected": np.asarray(block_diag(GRAPHS["petersen"][0][:, :9], nx.to_numpy_array(nx.cycle_graph(5)))),
    "doubled": np.kron(GRAPHS["petersen"][0], np.ones((2, 1)))[:14],
    "weighted": GRAPHS["petersen"][0] * np.linspace(1, 2, 10),
    "scaled workers": GRAPHS["petersen"][0] * np.linspace(1, 2, 10)[:, None],
    "complex": np.array([np.roll([1, 1j, 0, 2, 0, 0, 0, 0, 0, 0], i) for i in range(10)]),
    "edges": nx.incidence_matrix(nx.complete_graph(5)).toarray().T,
    "rectangular": np.array([np.roll([1, 1, 0, 1, 0, 0], i) for i in range(12)], dtype=float),
    "random": (np.random.default_rng(3).random((11, 9)) < 0.4).astype(float),
}


@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize("s", [3, 4, 5])
def test_symmetric_search_against_brute_force(name: str, s: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_worst_search, "SEARCHED", 0)
    monkeypatch.setattr("gcopt.solvers._worst_tree.OVERHEAD", 0)
    B = CODES[name]
    B = B[np.abs(B).sum(axis=1) > 0]
    expected = worst_error(B, s)
    for order in (B, shaken(B)):
        found = WorstCase(seconds=None).solve(order, stragglers=s, rng=0)
        assert found.value == pytest.approx(expected, rel=1e-8, abs=1e-10)
        assert (found.bound, found.status) == (found.value, Status.OPTIMAL)
        assert least_squares(order, found.set)[0] == pytest.approx(expected, rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("name", CODES)
def test_search_that_always_divides_against_brute_force(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, value in (("RATE", 0.0), ("QUICK", 0.0), ("PATIENCE", 1e-9)):
        monkeypatch.setattr(f"gcopt.solvers._worst_tree.{limit}", value)
    B = CODES[name]
    B = B[np.abs(B).sum(axis=1) > 0]
    expected = worst_error(B, 4)
    found = WorstCase(seconds=60.0).solve(B, stragglers=4, rng=0)
    assert found.value == pytest.approx(expected, rel=1e-8, abs=1e-10)
    assert found.bound == found.value
    hurried = WorstCase(seconds=0.003).solve(B, stragglers=4, rng=0)
    assert hurried.bound is not None
    assert hurried.value <= expected + 1e-8
    assert hurried.bound >= expected - 1e-8


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(3, 5))
def test_random_cayley_codes_against_brute_force(seed: int, s: int) -> None:
    rng = np.random.default_rng(seed)
    word = rng.integers(0, 3, size=9) * (rng.random(9) < 0.6)
    word[0] = 1
    B = shaken(np.array([np.roll(word, i) for i in range(9)], dtype=float), seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_worst_search, "SEARCHED", 0)
        patch.setattr("gcopt.solvers._worst_tree.OVERHEAD", 0)
        found = WorstCase(seconds=None).solve(B, stragglers=s, rng=0)
    assert found.value == pytest.approx(worst_error(B, s), rel=1e-7, abs=1e-9)
    assert found.bound == found.value


def test_symmetry_saves_work_and_changes_nothing() -> None:
    B = shaken_together(paley(29))
    searched = WorstCase().solve(B, stragglers=6, rng=0)
    without = WorstCase().solve(B, stragglers=6, symmetries=(), rng=0)
    assert searched.value == pytest.approx(without.value, rel=1e-12)
    assert searched.bound == searched.value
    assert 20 * searched.evaluated < without.evaluated < comb(29, 6) / 5
    assert "not symmetric" in searched.method
    assert "symmetric" not in without.method


def test_given_symmetries_are_used() -> None:
    B = paley(29)
    shift = np.roll(np.arange(29), 1)
    given = WorstCase().solve(B, stragglers=6, symmetries=[shift, np.arange(29) * 4 % 29], rng=0)
    shifts = WorstCase().solve(B, stragglers=6, symmetries=[shift], rng=0)
    without = WorstCase().solve(B, stragglers=6, symmetries=(), rng=0)
    assert given.evaluated < shifts.evaluated < without.evaluated
    assert given.value == pytest.approx(without.value, rel=1e-12)


def test_given_symmetries_of_several_groups() -> None:
    circle = np.array([np.roll([1.0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], i) for i in range(12)])
    B = np.asarray(block_diag(circle, circle))
    turn = np.roll(np.arange(12), 1)
    both, swap = np.concatenate([turn, 12 + turn]), np.roll(np.arange(24), 12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_worst_search, "SEARCHED", 0)
        found = WorstCase().solve(B, stragglers=5, symmetries=[both, swap], rng=0)
    assert found.value == pytest.approx(WorstCase().solve(B, stragglers=5, symmetries=(), rng=0).value, rel=1e-12)
    assert found.bound == found.value


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ([1, 0, 2], "symmetries.0. is no permutation; each of 0 to 9"),
        ([0] * 10, "symmetries.0. is no permutation"),
        (np.arange(10) / 1.0, "symmetries.0. is no permutation"),
        ([1, 0, *range(2, 10)], "symmetries.0. changes products of the workers' rows by up to"),
    ],
)
def test_wrong_symmetries_are_refused(wrong: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        WorstCase().solve(GRAPHS["petersen"][0], stragglers=4, symmetries=[wrong])


def test_a_permutation_that_keeps_products_but_not_the_target_is_refused() -> None:
    B = np.array([[1.0, 0.0], [0.6, -0.8]])
    B = B @ np.array([[0.8, 0.6], [-0.6, 0.8]])
    assert not np.isclose(B.sum(axis=1)[0], B.sum(axis=1)[1])
    with pytest.raises(InputError, match="changes products"):
        WorstCase().solve(B, stragglers=1, symmetries=[[1, 0]])
