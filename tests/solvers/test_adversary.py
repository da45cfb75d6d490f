from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.linalg import block_diag

from gcopt.solvers import _adversary_kernels as kernels
from gcopt.solvers import _shrinking_kernels, _worst_enumeration, _worst_guess, _worst_question, _worst_tables
from gcopt.solvers._worst_setup import LeastSquares, split
from gcopt.solvers._worst_structure import cyclic_zeros
from gcopt.solvers.adversary import WorstCase
from gcopt.solvers.errors import InputError, LimitError
from gcopt.solvers.result import Status
from tests.helpers import least_squares
from tests.matrices import FANO, PETERSEN

by_least_squares = partial(least_squares, rcond=1e-9)


def by_brute_force(B: np.ndarray, stragglers: int, blocks: int = 1) -> tuple[float, float]:
    sets = [S for t in range(stragglers + 1) for S in combinations(range(len(B)), t)]
    errors, noises = zip(*(by_least_squares(B, S, blocks) for S in sets), strict=True)
    return max(errors), max(noises)


def check(B: np.ndarray, stragglers: int, blocks: int = 1) -> None:
    """Both objectives against brute force, with their certificates."""
    error, noise = by_brute_force(B, stragglers, blocks)
    found = WorstCase(seconds=None).solve(B, blocks=blocks, stragglers=stragglers, rng=0)
    assert found.value == pytest.approx(error, rel=1e-7, abs=1e-9)
    assert found.status is Status.OPTIMAL
    assert found.bound == found.value
    assert len(found.set) == stragglers
    assert by_least_squares(B, found.set, blocks)[0] == pytest.approx(error, rel=1e-7, abs=1e-9)
    found = WorstCase("noise", seconds=None).solve(B, blocks=blocks, stragglers=stragglers, rng=0)
    assert found.value == pytest.approx(noise, rel=1e-5, abs=1e-7)
    assert found.bound == found.value
    assert by_least_squares(B, found.set, blocks)[1] == pytest.approx(noise, rel=1e-5, abs=1e-7)


def cyclic(n: int, zeros: range) -> np.ndarray:
    """The n shifts of the word with generator prod (x - w^t)."""
    word = np.array([1.0 + 0j])
    for t in zeros:
        word = np.convolve(word, [-np.exp(2j * np.pi * t / n), 1.0])
    word = np.append(word, np.zeros(n - len(word)))
    B = np.array([np.roll(word, i) for i in range(n)])
    return B.real.copy() if np.abs(B.imag).max() < 1e-12 else B


def centred(n: int, s: int) -> np.ndarray:
    first = (n - s + 1) // 2
    return cyclic(n, range(first, first + s))


def grouped(sizes: list[int], s: int) -> np.ndarray:
    return np.asarray(block_diag(*[np.ones((g, g)) if g == s + 1 else centred(g, s) for g in sizes]))


def cyclic_repetition(n: int, s: int, seed: int) -> np.ndarray:
    """Tandon et al. 2017, Algorithm 2."""
    H = np.random.default_rng(seed).normal(size=(s, n))
    H[:, -1] = -H[:, :-1].sum(axis=1)
    B = np.eye(n)
    for i in range(n):
        J = (i + 1 + np.arange(s)) % n
        B[i, J] = -np.linalg.solve(H[:, J], H[:, i])
    return B


@pytest.mark.parametrize(("s", "error"), [(1, 2 / 11), (2, 8 / 17), (3, 1.0), (4, 16 / 7), (5, 29 / 11), (6, 4.0)])
def test_petersen_graph(s: int, error: float) -> None:
    found = WorstCase().solve(PETERSEN, stragglers=s, rng=0)
    assert found.value == pytest.approx(error, abs=1e-12)
    assert found.bound == found.value
    assert not found.exact


@pytest.mark.parametrize(("s", "error"), [(1, 1 / 4), (2, 4 / 7), (3, 1.0), (4, 1.6), (5, 2.5), (6, 4.0), (7, 7.0)])
def test_fano_plane(s: int, error: float) -> None:
    assert WorstCase().solve(sparse.csr_array(FANO), stragglers=s).value == pytest.approx(error, abs=1e-12)


@pytest.mark.parametrize("s", [1, 2, 3, 4])
def test_paley_graph_against_brute_force(s: int) -> None:
    squares = {x * x % 13 for x in range(1, 13)}
    B = np.array([[float((i - j) % 13 in squares) for j in range(13)] for i in range(13)])
    found = WorstCase().solve(B, stragglers=s, rng=0)
    brute = max(by_least_squares(B, S)[0] for S in combinations(range(13), s))
    assert found.value == pytest.approx(brute, abs=1e-10)
    assert found.value >= s // 6


@pytest.mark.parametrize(
    ("matrix", "s", "noise"),
    [
        (cyclic(13, range(1, 3)), 2, 12.97236054),
        (cyclic(13, range(1, 5)), 4, 51.21041068),
        (centred(13, 2), 2, 3.62663768),
        (centred(13, 4), 4, 25.26888102),
        (centred(16, 5), 5, 102.81295),
        (grouped([3, 3, 3, 4], 2), 2, 0.91986621),
        (grouped([6, 7], 4), 4, 2.36832880),
        (grouped([8, 8], 5), 5, 3.05642804),
    ],
)
def test_noise_amplification_of_cyclic_codes(matrix: np.ndarray, s: int, noise: float) -> None:
    found = WorstCase("noise").solve(matrix, stragglers=s, rng=0)
    assert found.value == pytest.approx(noise, rel=1e-7)
    assert found.bound == found.value
    error = WorstCase().solve(matrix, stragglers=s, rng=0)
    assert error.exact
    assert error.smallest_pivot is None or error.smallest_pivot > 1e-6
    assert not WorstCase().solve(matrix, stragglers=s + 1, rng=0).exact


@pytest.mark.parametrize(("n", "s"), [(9, 2), (12, 4), (16, 5)])
def test_random_cyclic_repetition_is_exact(n: int, s: int) -> None:
    B = cyclic_repetition(n, s, 1)
    found = WorstCase().solve(B, stragglers=s, rng=0)
    assert found.exact
    assert found.status is Status.OPTIMAL
    brute = max(by_least_squares(B, S)[1] for S in combinations(range(n), s))
    assert WorstCase("noise").solve(B, stragglers=s, rng=0).value == pytest.approx(brute, rel=1e-3)


def test_fractional_repetition() -> None:
    B = np.tile(np.kron(np.eye(4), np.ones(3)), (3, 1))
    assert WorstCase("noise").solve(B, stragglers=2).value == pytest.approx(np.sqrt(6 / 12))
    assert WorstCase().solve(B, stragglers=2).exact
    found = WorstCase().solve(B, stragglers=3)
    assert found.value == pytest.approx(3.0)
    assert {worker % 4 for worker in found.set} in ({0}, {1}, {2}, {3})


def test_ten_thousand_workers_in_groups_need_no_search() -> None:
    B = sparse.csr_array(sparse.kron(sparse.eye_array(2500), np.ones((4, 4))))
    found = WorstCase().solve(B, stragglers=43)
    assert (found.value, found.status, found.evaluated) == (40.0, Status.OPTIMAL, 0)
    assert WorstCase().solve(B, stragglers=3).exact
    noise = WorstCase("noise").solve(B, stragglers=3)
    assert noise.value == pytest.approx(np.sqrt((2499 / 4 + 1) * 4 / 10000))


def test_cyclic_code_out_of_reach_is_exact_by_the_bch_bound() -> None:
    found = WorstCase(seconds=20).solve(centred(60, 9), stragglers=9, rng=0)
    assert found.exact
    assert "BCH" in found.method
    assert (found.evaluated, found.status) == (0, Status.OPTIMAL)


def test_structure_counts_only_when_it_is_in_the_entries() -> None:
    assert cyclic_zeros(split(sparse.csr_array(centred(11, 4)), 1)[0][0]) == 4
    assert cyclic_zeros(split(sparse.csr_array(centred(11, 4) * np.arange(1, 12)[:, None]), 1)[0][0]) == 4
    broken = centred(11, 4)
    broken[3] *= 1 + 1e-6 * np.arange(11)
    assert cyclic_zeros(split(sparse.csr_array(broken), 1)[0][0]) == 0
    gap = np.fft.ifft(np.fft.fft(np.eye(11)[0]) * (~np.isin(np.arange(11), (2, 5, 6, 9)))).real
    apart = np.array([np.roll(gap, i) for i in range(11)])
    assert cyclic_zeros(split(sparse.csr_array(apart), 1)[0][0]) == 0


@st.composite
def codes(draw: st.DrawFn) -> tuple[np.ndarray, int, int]:
    """Small codes of every kind: sparse or not, of low rank, with equal rows, empty rows, blocks, complex."""
    n, k, m = draw(st.integers(1, 6)), draw(st.integers(1, 5)), draw(st.integers(1, 2))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    B = rng.integers(-1, 3, size=(n, m * k)).astype(complex if draw(st.booleans()) else float)
    if np.iscomplexobj(B):
        B += 1j * rng.integers(-1, 2, size=B.shape)
    B *= np.tile(rng.random((n, k)) < draw(st.sampled_from([0.3, 0.6, 1.0])), m)
    if draw(st.booleans()):
        B[rng.integers(n)] = 2 * B[rng.integers(n)]
    if n > 2 and draw(st.booleans()):
        B[0] = B[1] - B[2]
    return B, m, draw(st.integers(0, n))


@settings(max_examples=120, deadline=None, derandomize=True)
@given(codes())
def test_any_code_against_brute_force(code: tuple[np.ndarray, int, int]) -> None:
    B, blocks, stragglers = code
    check(B, stragglers, blocks)


@pytest.mark.parametrize("blocks", [1, 2])
@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("columns", [4, 8, 12])
def test_generic_codes_of_every_rank(blocks: int, dtype: type, columns: int) -> None:
    rng = np.random.default_rng(columns)
    B = rng.normal(size=(8, columns)).astype(dtype)
    if dtype is complex:
        B += 1j * rng.normal(size=B.shape)
    check(B, 3, blocks)


def test_twins_and_several_groups() -> None:
    doubled = np.kron(FANO[:5], np.ones((2, 1)))
    check(doubled, 4)
    uneven = np.vstack([FANO, 3 * FANO[:2], np.zeros((1, 7))])
    check(uneven, 4)
    check(np.asarray(block_diag(FANO[:4, :], PETERSEN[:3], np.ones((3, 2)))), 4)


def test_partition_that_nobody_holds_is_always_lost() -> None:
    B = np.hstack([np.eye(3), np.zeros((3, 2))])
    assert WorstCase().solve(B, stragglers=0).value == pytest.approx(2.0)
    assert WorstCase().solve(B, stragglers=2).value == pytest.approx(4.0)
    assert WorstCase().solve(np.zeros((3, 2)), stragglers=1).value == 2.0


def test_ill_conditioned_sets_are_looked_at_by_least_squares(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    B = rng.normal(size=(7, 4))
    B[1] = B[0] + 2e-6 * rng.normal(size=4)
    B[2] = B[0] + 3e-6 * rng.normal(size=4)
    found = WorstCase("noise", seconds=None).solve(B, stragglers=4, rng=0)
    assert found.value == pytest.approx(by_brute_force(B, 4)[1], rel=1e-2)
    assert found.bound == found.value
    assert "least squares" in found.method
    monkeypatch.setattr(_worst_tables, "FALLBACK", 0)
    unproved = WorstCase("noise", seconds=None).solve(B, stragglers=4, rng=0)
    assert (unproved.bound, unproved.status) == (None, Status.FEASIBLE)
    assert "ill-conditioned" in unproved.method


def regular(n: int, seed: int = 0) -> np.ndarray:
    return np.asarray(nx.to_numpy_array(nx.random_regular_graph(6, n, seed=seed)))


@pytest.mark.parametrize("objective", ["error", "noise"])
def test_running_out_of_time_gives_an_interval(objective: str) -> None:
    B = regular(60)
    short = WorstCase(objective, seconds=0.05).solve(B, stragglers=12, rng=0)
    assert short.status is Status.FEASIBLE
    assert short.bound is not None
    assert short.bound > short.value
    assert by_least_squares(B, short.set)[objective == "noise"] >= short.value * (1 - 1e-6)


def test_interval_contains_the_worst_case() -> None:
    B = regular(30)
    proved = WorstCase(seconds=None).solve(B, stragglers=5, rng=0)
    assert proved.status is Status.OPTIMAL
    question_seconds = [1e-9, 1e-3, 1e-2]
    for seconds in question_seconds:
        found = WorstCase(seconds=seconds).solve(B, stragglers=5, rng=0)
        assert found.bound is not None
        assert found.value <= proved.value * (1 + 1e-9) <= found.bound * (1 + 2e-9)


def test_open_subtrees_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop a search after every step: the bound holds at each of them and never goes below the answer."""
    monkeypatch.setattr(_worst_question, "STEP", 200)
    component = split(sparse.csr_array(regular(18)), 1)[0][0]
    data = LeastSquares.of(component.dense, component.target)
    question = _worst_question.Question(data, np.ones(18, dtype=np.int64), 4, False, 18.0, np.inf)
    guess = _worst_guess.first_guess(question, np.random.default_rng(0), 0)
    answer = _worst_enumeration.enumerate_shrinking(question, guess)
    assert answer is not None
    for pauses in (1, 2, 5, 20):

        class Impatient(_worst_question.Question):
            left = pauses

            @property
            def late(self) -> bool:
                type(self).left -= 1
                return self.left < 0

        hurried = Impatient(data, question.weight, 4, False, 18.0, np.inf)
        for search in (_worst_enumeration.enumerate_shrinking, _worst_enumeration.enumerate_general):
            Impatient.left = pauses
            found = search(hurried, guess)
            assert found is not None
            assert found.bound is not None
            assert answer.value * (1 - 1e-9) <= found.bound <= 18.0


@pytest.mark.parametrize("objective", ["error", "noise"])
def test_same_seed_same_result(objective: str) -> None:
    B = regular(24)
    one, two = (WorstCase(objective, seconds=None).solve(B, stragglers=3, rng=5) for _ in range(2))
    assert (one.value, one.set, one.seed, one.evaluated) == (two.value, two.set, 5, two.evaluated)


@pytest.mark.parametrize("name", ["circle", "circle complex"])
def test_shift_symmetry_saves_work_and_changes_nothing(name: str) -> None:
    B = (
        cyclic(12, range(5, 7))
        if name == "circle complex"
        else np.array([np.roll([1, 1, 0, 1] + 8 * [0], i) for i in range(12)])
    )
    order = np.random.default_rng(0).permutation(12)
    for objective in ("error", "noise"):
        cyclical, shuffled = (WorstCase(objective).solve(x, stragglers=4, rng=0) for x in (B, B[order]))
        assert cyclical.value == pytest.approx(shuffled.value, rel=1e-9, abs=1e-12)
        assert cyclical.evaluated < shuffled.evaluated


def problem(dtype: str, n: int = 7) -> tuple[Any, ...]:
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(n, 5 if dtype == "null" else 9)).astype(complex if dtype == "complex" else float)
    if dtype == "complex":
        rows += 1j * rng.normal(size=rows.shape)
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    data = LeastSquares.of(rows, np.ones((1, rows.shape[1])))
    return data, _worst_question.Question(data, np.ones(n, dtype=np.int64), 2, False, float(rows.shape[1]), np.inf)


@pytest.mark.parametrize("dtype", ["real", "complex", "null"])
@pytest.mark.parametrize("noise", [False, True])
def test_kernels_are_the_same_in_plain_python(dtype: str, noise: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    data, question = problem(dtype)
    question = replace(question, noise=noise, budget=3 if dtype != "null" else 2)

    def run() -> list[Any]:
        guess = _worst_guess.first_guess(question, np.random.default_rng(0), 0)
        found = [guess, _worst_enumeration.enumerate_general(question, guess)]
        if data.freedom:
            found.append(_worst_enumeration.enumerate_definite(question, guess))
        elif not noise:
            found.append(_worst_enumeration.enumerate_shrinking(question, guess))
        return found

    compiled = run()
    for module in (kernels, _shrinking_kernels):
        for name, function in list(vars(module).items()):
            if hasattr(function, "py_func"):
                monkeypatch.setattr(module, name, function.py_func)
    for one, two in zip(compiled, run(), strict=True):
        assert one.value == pytest.approx(two.value, rel=1e-10)
        assert one.lost.tolist() == two.lost.tolist()
        assert one.evaluated == two.evaluated


@pytest.mark.parametrize(
    ("options", "given", "words"),
    [
        ({"objective": "mean"}, {}, "objective is 'mean'"),
        ({"seconds": 0.0}, {}, "seconds is 0.0"),
        ({"restarts": -1}, {}, "restarts is -1"),
        ({}, {"stragglers": 4}, "stragglers is 4"),
        ({}, {"stragglers": -1}, "stragglers is -1"),
        ({}, {"blocks": 2}, "blocks is 2"),
        ({}, {"encoding": np.array([[np.nan, 1.0]])}, "NaN"),
        ({}, {"encoding": np.zeros((0, 3))}, "shape"),
        ({}, {"encoding": np.zeros((2, 2, 2))}, "shape"),
        ({}, {"encoding": np.array([["a"]])}, "encoding holds"),
    ],
)
def test_impossible_input_is_named(options: dict[str, Any], given: dict[str, Any], words: str) -> None:
    arguments = {"encoding": np.eye(3), "stragglers": 1, **given}
    with pytest.raises(InputError, match=words):
        WorstCase(**options).solve(**arguments)


def test_too_many_workers_that_hang_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_worst_tables, "BOUNDED", 8)
    with pytest.raises(LimitError, match="10 workers hang together"):
        WorstCase().solve(PETERSEN, stragglers=1)


def test_more_sets_than_asked_for_are_not_searched_and_the_interval_holds_all_the_same():
    matrix = nx.to_numpy_array(nx.random_regular_graph(4, 14, seed=2))
    exact = WorstCase(seconds=None).solve(matrix, stragglers=4, rng=0)
    found = WorstCase(seconds=None, sets=1000).solve(matrix, stragglers=4, rng=0)
    assert (found.status, found.evaluated) == ("feasible", 0)
    assert found.value <= exact.value + 1e-12 <= found.bound + 2e-12
    assert WorstCase(seconds=None, sets=1001).solve(matrix, stragglers=4, rng=0).bound == exact.bound
    with pytest.raises(InputError, match="sets is 0"):
        WorstCase(sets=0)
