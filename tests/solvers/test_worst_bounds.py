"""Bounds that need no search: spectra, and codes whose sets are all alike."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.linalg import ArpackNoConvergence, aslinearoperator

from gcopt.solvers import _eigenvalues, _worst_setup, _worst_tables
from gcopt.solvers._eigenvalues import largest_eigenvalue
from gcopt.solvers._worst_bounds import Kept, kept_by_many, shortest_solution
from gcopt.solvers._worst_question import Question
from gcopt.solvers._worst_roots import kept_bound, spectral_bound
from gcopt.solvers._worst_setup import LeastSquares
from gcopt.solvers._worst_structure import all_sets_are_alike
from gcopt.solvers.adversary import WorstCase
from gcopt.solvers.result import Status
from tests.helpers import least_squares, worst_error
from tests.matrices import PETERSEN, plane


def unit(B: np.ndarray) -> sparse.csr_array:
    return sparse.csr_array(B / np.linalg.norm(B, axis=1)[:, None])


def bound_c(A: np.ndarray, s: int) -> float:
    """k sigma^2 s / (gamma delta (n - s) + sigma^2 s) for a bi-regular assignment."""
    n, k = A.shape
    squares = np.sort(np.linalg.svd(A, compute_uv=False))[::-1] ** 2
    return k * squares[1] * s / (squares[0] * (n - s) + squares[1] * s)


@pytest.mark.parametrize(
    "A",
    [PETERSEN, nx.to_numpy_array(nx.cycle_graph(9)), np.kron(plane(2), np.ones((1, 2))), plane(3)[:, ::-1]],
    ids=["petersen", "circle", "fano twice", "plane of order 3"],
)
def test_bound_of_a_biregular_code_is_that_of_its_second_singular_value(A: np.ndarray) -> None:
    target = np.ones((1, A.shape[1]))
    many = kept_by_many(unit(A), target)
    data = LeastSquares.of(unit(A).toarray(), target)
    dense = Kept.of(A.shape[1], data.solution, data.gram, data.seen)
    for s in range(len(A)):
        assert many.bound(s) == pytest.approx(bound_c(A, s), rel=1e-9, abs=1e-9)
        assert dense.bound(s) == pytest.approx(bound_c(A, s), rel=1e-9, abs=1e-9)


def test_numbers_of_the_petersen_graph() -> None:
    many = kept_by_many(unit(PETERSEN), np.ones((1, 10)))
    expected = [0, 8 / 17, 1.0, 1.6, 16 / 7, 3.076923, 4.0]
    assert [many.bound(s) for s in range(7)] == pytest.approx(expected, abs=1e-6)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(2, 7), st.integers(1, 6), st.booleans(), st.integers(1, 2))
def test_no_set_exceeds_the_bounds(seed: int, n: int, k: int, turned: bool, blocks: int) -> None:
    rng = np.random.default_rng(seed)
    B = rng.normal(size=(n, blocks * k)) * (rng.random((n, blocks * k)) < 0.7) + 1e-3 * rng.random((n, blocks * k))
    if turned:
        B = B + 1j * rng.normal(size=B.shape)
    rows = unit(B)
    target = np.kron(np.eye(blocks), np.ones(k))
    data = LeastSquares.of(rows.toarray(), target)
    many, dense = kept_by_many(rows, target), Kept.of(target.sum(), data.solution, data.gram, data.seen)
    for s in range(n):
        question = Question(data, np.ones(n, dtype=np.int64), s, False, float(target.sum()), np.inf)
        worst = max(error_of(rows.toarray(), S, target) for S in combinations(range(n), s))
        assert min(many.bound(s), dense.bound(s)) >= worst - 1e-9
        if s:
            root = spectral_bound(question, 0.0)
            assert root is not None
            assert root >= worst - 1e-9
        if s > 1:
            dropped, allowed = np.array([0]), np.arange(2, n)
            part = [S for S in combinations(range(n), s) if 0 in S and 1 not in S]
            if part:
                worst = max(error_of(rows.toarray(), S, target) for S in part)
                assert kept_bound(question, dropped, allowed) >= worst - 1e-9


def error_of(rows: np.ndarray, lost: tuple[int, ...], target: np.ndarray) -> float:
    rest = np.setdiff1d(np.arange(len(rows)), lost)
    found = np.linalg.lstsq(rows[rest].T, target.T.astype(rows.dtype), rcond=1e-12)[0]
    return float(np.linalg.norm(rows[rest].T @ found - target.T) ** 2)


def test_a_bound_that_is_met_ends_the_search() -> None:
    found = WorstCase().solve(PETERSEN, stragglers=6, rng=0)
    assert found.value == pytest.approx(4.0, abs=1e-12)
    assert (found.evaluated, found.status, found.method) == (0, Status.OPTIMAL, "spectral bound")


def test_many_workers_are_bounded_without_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_worst_tables, "LARGE", 100)
    monkeypatch.setattr(_worst_setup, "LARGE", 100)
    monkeypatch.setattr(_eigenvalues, "SMALL", 100)
    A = nx.to_numpy_array(nx.random_regular_graph(5, 120, seed=2))
    for s in (1, 15):
        found = WorstCase().solve(A, stragglers=s, rng=0)
        assert found.bound == pytest.approx(bound_c(A, s), rel=1e-9)
        assert found.value == pytest.approx(least_squares(A, found.set)[0], rel=1e-8)
        assert found.value >= s // 5
        assert found.method == "spectral bound"


def test_starving_partitions_takes_them_away() -> None:
    component = _worst_setup.split(sparse.csr_array(PETERSEN), 1)[0][0]
    holders = np.flatnonzero(PETERSEN[:, 4])
    assert component.starved(3, 4).tolist() == holders.tolist()
    assert len(component.starved(2)) == 2
    assert component.starved(10).tolist() == list(range(10))
    lost = component.starved(5)
    assert (PETERSEN[np.setdiff1d(np.arange(10), lost)].sum(axis=0) == 0).sum() == 2


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("q", [2, 3, 5])
def test_designs_need_no_search(q: int, large: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if large:
        monkeypatch.setattr(_worst_setup, "LARGE", 1)
        monkeypatch.setattr(_worst_tables, "LARGE", 1)
    A, load = plane(q), q + 1
    for s in (1, 2, q + 2):
        found = WorstCase().solve(A, stragglers=s, rng=0)
        assert found.value == pytest.approx(s * (load - 1) / (load**2 - s), rel=1e-9)
        assert (found.bound, found.evaluated, found.method) == (found.value, 0, "all sets of one size are alike")


def test_sets_are_alike_only_where_the_entries_say_so() -> None:
    A = plane(3)
    ones = np.ones((1, 13))
    assert all_sets_are_alike(unit(A), ones)
    assert all_sets_are_alike(unit(A * np.arange(1, 14)[:, None]), ones)
    signs = np.where(np.arange(13) % 2, 1.0, -1.0)[:, None]
    assert all_sets_are_alike(unit(A * signs), ones)
    assert all_sets_are_alike(unit(A * np.exp(1j * np.arange(13))[:, None]), ones)
    broken = A.copy()
    broken[12, 3] += 1e-6
    assert not all_sets_are_alike(unit(broken), ones)
    assert not all_sets_are_alike(unit(PETERSEN), np.ones((1, 10)))
    assert not all_sets_are_alike(unit(A[:, :12]), np.ones((1, 12)))
    assert not all_sets_are_alike(unit(A[:1]), ones)


def test_equal_products_are_not_enough_the_target_counts() -> None:
    """Orthonormal rows with different shares of the target: their products are alike, their losses are not."""
    B = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 5)))[0]
    found = WorstCase().solve(B, stragglers=2, rng=0)
    assert not all_sets_are_alike(sparse.csr_array(B), np.ones((1, 5)))
    assert found.value == pytest.approx(worst_error(B, 2))


def test_doubled_designs_and_blocks_against_brute_force() -> None:
    doubled = np.kron(plane(2), np.ones((2, 1)))
    for s in (1, 2, 3, 4):
        found = WorstCase().solve(doubled, stragglers=s, rng=0)
        assert found.value == pytest.approx(worst_error(doubled, s), abs=1e-9)
        assert found.method == "all sets of one size are alike"
    stacked = np.hstack([plane(2), plane(2)])
    found = WorstCase().solve(stacked, blocks=2, stragglers=3, rng=0)
    assert found.value == pytest.approx(14 - 9 * 4 / (3 + 3), abs=1e-9)
    assert (found.evaluated, found.bound) == (0, found.value)


def test_large_eigenvalues_are_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_eigenvalues, "SMALL", 0)
    for seed in range(5):
        X = np.random.default_rng(seed).normal(size=(80, 80))
        M = X + X.T
        top = np.linalg.eigvalsh(M)[-1]
        assert top * (1 - 1e-13) <= largest_eigenvalue(M.copy, aslinearoperator(M)) <= top * (1 + 1e-9)
    negative = -np.diag(np.arange(1.0, 81.0))
    assert largest_eigenvalue(negative.copy, aslinearoperator(negative)) == pytest.approx(-1.0, abs=1e-9)
    low = aslinearoperator(np.diag(np.arange(80.0)) * 0.999)  # a guess that is too small is not believed
    exact = np.diag(np.arange(80.0))
    assert 79.0 <= largest_eigenvalue(exact.copy, low) <= 79.1

    def fails(*_: object, **__: object) -> None:
        raise ArpackNoConvergence("no convergence", np.zeros(0), np.zeros((0, 0)))

    monkeypatch.setattr(_eigenvalues, "eigsh", fails)
    assert largest_eigenvalue(exact.copy, low) == pytest.approx(79.0)


@pytest.mark.parametrize("damping", [0.0, 0.7])
def test_conjugate_gradients_are_least_squares(damping: float) -> None:
    rng = np.random.default_rng(0)
    for shape in ((6, 9), (9, 6)):
        B = rng.normal(size=shape) + 1j * rng.normal(size=shape)
        target = np.kron(np.eye(3), np.ones(shape[1] // 3))
        found = shortest_solution(sparse.csr_array(B), target, damping)
        C = B.T
        normal = C.conj().T @ C + damping * np.eye(len(B))
        expected = np.linalg.pinv(normal, rcond=1e-12) @ C.conj().T @ target.T
        assert found == pytest.approx(expected.T, abs=1e-9)
