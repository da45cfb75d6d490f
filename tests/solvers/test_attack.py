"""The standard attack against exact worst cases, and its pieces against their definitions."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from gcopt.solvers import _attack_kernels as kernels
from gcopt.solvers import _attack_search, attack
from gcopt.solvers._attack_erasure import Clusters
from gcopt.solvers._attack_search import Search
from gcopt.solvers.adversary import WorstCase
from gcopt.solvers.attack import StandardAttack, bad_sets
from gcopt.solvers.errors import InputError
from gcopt.solvers.result import Status
from tests.coarse import coarse, hypergraph
from tests.helpers import least_squares
from tests.matrices import FANO, PETERSEN, plane


def regular(n: int, load: int, seed: int = 0) -> np.ndarray:
    return np.asarray(nx.to_numpy_array(nx.random_regular_graph(load, n, seed=seed)))


def paley(q: int) -> np.ndarray:
    squares = {x * x % q for x in range(1, q)}
    return np.array([[float((i - j) % q in squares) for j in range(q)] for i in range(q)])


def bernoulli(n: int, k: int, share: float) -> np.ndarray:
    return (np.random.default_rng(5).random((n, k)) < share).astype(float)


def irregular(n: int, k: int) -> np.ndarray:
    """Replications from 2 to 6."""
    rng, B = np.random.default_rng(6), np.zeros((n, k))
    for i in range(k):
        B[rng.choice(n, rng.integers(2, 7), replace=False), i] = 1.0
    return B


def unequal(n: int, clusters: int, replication: int) -> np.ndarray:
    """Clusters of 1 to 5 partitions."""
    rng = np.random.default_rng(7)
    table = hypergraph(n, clusters, replication, rng) * rng.normal(size=(n, clusters))
    return np.repeat(table, rng.integers(1, 6, clusters), axis=1)


CODES = {
    "random 4-regular graph, 24 workers": (regular(24, 4), 6),
    "random 5-regular graph, 30 workers": (regular(30, 5, 1), 7),
    "random 6-regular graph, 40 workers": (regular(40, 6, 2), 6),
    "Paley 13": (paley(13), 5),
    "Paley 29": (paley(29), 8),
    "projective plane of order 3 without two points": (plane(3)[2:], 5),
    "fractional repetition": (np.kron(np.eye(6), np.ones((4, 4))), 9),
    "cyclic": (np.array([np.roll([1, -2, 1.5, 0.5] + 10 * [0], i) for i in range(14)]), 6),
    "Bernoulli": (bernoulli(24, 24, 0.2), 7),
    "irregular replication": (irregular(24, 30), 7),
    "12 clusters": (coarse(24, 24, 12, 4, 13), 8),
    "16 clusters": (coarse(26, 32, 16, 5, 10), 8),
    "16 clusters, another": (coarse(26, 32, 16, 5, 19), 8),
    "clusters of unequal sizes": (unequal(24, 12, 4), 8),
    "workers twice": (np.kron(FANO[:6], np.ones((2, 1))), 7),
}


@pytest.mark.parametrize("name", CODES)
def test_exact_worst_case_is_reached(name: str) -> None:
    B, s = CODES[name]
    proved = WorstCase(seconds=None).solve(B, stragglers=s, rng=0)
    assert proved.bound == proved.value > 0.1
    found = StandardAttack().solve(B, stragglers=s, rng=0)
    assert found.value == pytest.approx(proved.value, rel=1e-7)
    assert (found.bound, found.status, len(found.set)) == (None, Status.FEASIBLE, s)
    assert least_squares(B, found.set)[0] == pytest.approx(found.value, rel=1e-9)


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("columns", [5, 12])
def test_messages_of_two_blocks_and_complex_codes(dtype: type, columns: int) -> None:
    rng = np.random.default_rng(columns)
    B = rng.normal(size=(11, 2 * columns)).astype(dtype)
    if dtype is complex:
        B += 1j * rng.normal(size=B.shape)
    B *= np.tile(rng.random((11, columns)) < 0.4, 2)
    found = StandardAttack().solve(B, blocks=2, stragglers=4, rng=0)
    worst = max(least_squares(B, lost, 2)[0] for lost in combinations(range(11), 4))
    assert found.value == pytest.approx(worst, rel=1e-9)


@pytest.mark.parametrize(("clusters", "least"), [(27, 20 / 3), (45, 6.0), (63, 30 / 7)])
def test_ninety_workers_in_clusters(clusters: int, least: float) -> None:
    """At least what greedy choices and swaps were seen to reach at load 10 and 22 stragglers."""
    errors = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        table = hypergraph(90, clusters, 10, rng) * rng.normal(size=(90, clusters))
        root = np.full(clusters, np.sqrt(90 / clusters))
        sets, bounds = bad_sets(table * root, root, 22, 16, rng=seed)
        assert (np.diff(bounds) <= 0.0).all()
        errors.append(max(relative_error(table * root, root, lost) for lost in sets))
    assert np.mean(errors) >= least - 1e-6
    if clusters == 45:
        found = StandardAttack().solve(np.repeat(table, 2, axis=1), stragglers=22, rng=0)
        assert found.value >= max(least, errors[-1]) - 1e-6


def relative_error(matrix: np.ndarray, target: np.ndarray, lost: np.ndarray) -> float:
    rows = np.delete(matrix, lost, axis=0)
    found = np.linalg.lstsq(rows.T, target, rcond=1e-9)[0]
    return float(np.sum((rows.T @ found - target) ** 2))


def test_worst_case_is_never_weaker_than_the_attack() -> None:
    for B, s in ((regular(28, 5), 7), (np.kron(regular(16, 4), np.ones((2, 1))), 9), (coarse(28, 28, 14, 4, 0), 8)):
        found = WorstCase(seconds=None, sets=1000).solve(B, stragglers=s, rng=3)
        assert found.status is Status.FEASIBLE
        assert found.value >= StandardAttack().solve(B, stragglers=s, rng=3).value * (1 - 1e-9)


def test_same_seed_same_attack_and_more_effort_is_never_worse() -> None:
    B = coarse(24, 24, 12, 4, 1)
    one, two = (StandardAttack().solve(B, stragglers=7, rng=4) for _ in range(2))
    assert (one.value, one.set, one.evaluated, one.start) == (two.value, two.set, two.evaluated, two.start)
    more = StandardAttack(effort=2).solve(B, stragglers=7, rng=4)
    assert more.evaluated > one.evaluated
    assert more.value >= one.value * (1 - 1e-9)


@pytest.mark.parametrize(
    ("B", "s", "error"),
    [
        (PETERSEN, 0, 0.0),
        (PETERSEN, 10, 10.0),
        (np.zeros((3, 2)), 1, 2.0),
        (np.array([[1.0]]), 1, 1.0),
        (sparse.csr_array(np.eye(2)), 1, 1.0),
        (np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]), 1, 2.0),
        (np.ones((5, 2)), 3, 0.0),
    ],
)
def test_smallest_cases(B: Any, s: int, error: float) -> None:
    found = StandardAttack().solve(B, stragglers=s)
    assert found.value == pytest.approx(error, abs=1e-12)
    assert len(found.set) == s
    if found.start == "the only set":
        assert (found.bound, found.status) == (found.value, Status.OPTIMAL)


def test_more_workers_than_dense_matrices_hold_lose_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attack, "LARGE", 9)
    found = StandardAttack().solve(PETERSEN, stragglers=4)
    assert found.start == "erasure"
    assert found.value >= 1.0


def ridge(C: np.ndarray, target: np.ndarray, eps: float, lost: Any) -> float:
    """Error of ridge decoding from the normal equations; rows are workers."""
    rows = np.delete(C, lost, axis=0)
    gram, seen = rows.conj() @ rows.T + eps * np.eye(len(rows)), rows.conj() @ target.T
    return float(np.linalg.norm(target) ** 2 - np.vdot(seen, np.linalg.solve(gram, seen)).real)


def unit(n: int, q: int, blocks: int, dtype: type, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    C = rng.normal(size=(n, q)).astype(dtype)
    if dtype is complex:
        C += 1j * rng.normal(size=C.shape)
    return C / np.linalg.norm(C, axis=1)[:, None], np.kron(np.eye(blocks), np.ones(q // blocks))


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("blocks", [1, 2])
def test_the_tableau_knows_every_loss_and_every_swap(dtype: type, blocks: int) -> None:
    C, target = unit(9, 6, blocks, dtype, blocks)
    eps, lost = 0.05, [1, 4, 7]
    search = Search.of(C, target, 3, np.random.default_rng(0), (1.0, eps, 1e-3))
    error = search._place(1, np.array(lost))
    assert error == pytest.approx(ridge(C, target, eps, lost), rel=1e-10)
    values = kernels.swap_values(search._W, search._h, error, search._work)
    kernels.judge(search._W, search._h, error, search._work)
    for i in range(9):
        if i in lost:
            assert search._work[0, i] == -np.inf
            continue
        assert search._work[0, i] == pytest.approx(ridge(C, target, eps, [*lost, i]), rel=1e-9)
        assert (values[i] == -np.inf).all()
        for j in lost:
            other = [i, *(x for x in lost if x != j)]
            assert values[j, i] == pytest.approx(ridge(C, target, eps, other), rel=1e-9)
    fewer = greedily_heard(C, target, eps, [0, 1, 4, 7, 8])
    assert search._fill(1, np.array([0, 1, 4, 7, 8])) == pytest.approx(ridge(C, target, eps, fewer), rel=1e-9)
    assert search._members.tolist() == fewer
    best = search._climb(1, np.array(lost))
    members = search._members.tolist()
    around = [[i, *(x for x in members if x != j)] for j in members for i in range(9) if i not in members]
    assert best == pytest.approx(ridge(C, target, eps, members), rel=1e-9)
    assert best >= max(ridge(C, target, eps, other) for other in around) * (1 - 1e-6)


def greedily_heard(C: np.ndarray, target: np.ndarray, eps: float, lost: list[int]) -> list[int]:
    """Who of five is still lost once those two who help least are heard again, one after the other."""
    for _ in range(2):
        lost = max(([x for x in lost if x != j] for j in lost), key=lambda rest: ridge(C, target, eps, rest))
    return lost


def test_clusters_are_partitions_with_the_same_holders() -> None:
    rows = np.array([[1.0, 2.0, 0.0, 0.0], [3.0, -1.0, 1.0, 0.0], [0.0, 0.0, 2.0, 0.0]])
    clusters = Clusters.of(rows, np.array([[1.0, 1.0, 2.0, 1.0]]))
    ends = zip(pairwise(clusters.first), clusters.weight, strict=True)
    assert {tuple(clusters.holders[a:b]): w for (a, b), w in ends} == {(0, 1): 2.0, (1, 2): 4.0}
    rng = np.random.default_rng(0)
    assert [x.tolist() for x in clusters.losses(2, 5, rng, 10)] == [[1, 2], [0, 1]]
    assert clusters.losses(1, 5, rng, 10) == []
    assert Clusters.of(np.zeros((3, 2)), np.ones((1, 2))).losses(2, 5, rng, 10) == []


@pytest.mark.parametrize("pairs", [3000, 40])
def test_erasures_take_most_partitions_away(pairs: int) -> None:
    """Against all pairs and triples of the clusters of a small code, also where only some pairs are tried."""
    rng = np.random.default_rng(2)
    table = hypergraph(20, 15, 4, rng)
    clusters = Clusters.of(table, np.ones((1, 15)))
    lost = clusters.losses(9, 4, rng, pairs)
    gone = [int((table[np.setdiff1d(np.arange(20), x)].sum(axis=0) == 0).sum()) for x in lost]
    held = [set(np.flatnonzero(column)) for column in table.T]
    most = max(t for t in range(1, 5) if any(len(set().union(*x)) <= 9 for x in combinations(held, t)))
    assert gone[0] == most >= 2
    assert all(len(x) <= 9 for x in lost)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(2, 9), st.integers(1, 8), st.integers(0, 10**6))
def test_bad_sets_of_any_code(n: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    B = rng.integers(-1, 3, size=(n, columns)) * (rng.random((n, columns)) < 0.6)
    s, root = int(rng.integers(1, n)), np.sqrt(rng.integers(1, 4, columns))
    sets, bounds = bad_sets(B * root, root, s, 5, rng=seed)
    assert 1 <= len(sets) == len(bounds) <= 5
    assert len({tuple(lost) for lost in sets}) == len(sets)
    assert (np.diff(sets, axis=1) > 0).all()
    for lost, bound in zip(sets, bounds, strict=True):
        assert bound >= relative_error(B * root, root, lost) - 1e-6 * np.sum(root**2)


def test_known_sets_are_improved() -> None:
    B = regular(60, 6)
    one, _ = bad_sets(B, np.ones(60), 12, 3, rng=0)
    best = StandardAttack().solve(B, stragglers=12, rng=0)
    given_, bounds = bad_sets(B, np.ones(60), 12, 3, rng=0, known=[best.set, one[0]])
    assert bounds[0] >= best.value * (1 - 1e-9)
    assert tuple(given_[0]) == best.set


@pytest.mark.parametrize(("dtype", "blocks"), [(float, 1), (complex, 2)])
def test_kernels_are_the_same_in_plain_python(dtype: type, blocks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    C, target = unit(7, 6, blocks, dtype, 3)
    C[:, ::3] *= np.arange(7)[:, None] % 2

    def run() -> dict[bytes, tuple[float, str]]:
        search = Search.of(C, target, 3, np.random.default_rng(1))
        search.begin(erasures=(10, 3, 2))
        for number in range(8):
            search.chain(number, 20, 5)
        return search.found

    compiled = run()
    for name, function in list(vars(kernels).items()):
        if hasattr(function, "py_func"):
            monkeypatch.setattr(kernels, name, function.py_func)
    plain = run()
    assert list(plain) == list(compiled)
    for key in plain:
        assert plain[key] == (pytest.approx(compiled[key][0], rel=1e-6, abs=1e-6), compiled[key][1])


def test_a_deadline_that_is_over_leaves_a_set() -> None:
    component = attack.Component(np.arange(40), sparse.csr_array(regular(40, 6)), 1)
    found, looked = _attack_search.candidates(component, 8, np.random.default_rng(0), deadline=0.0)
    assert len(found) == 1
    assert looked < 200_000


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: StandardAttack(effort=0), "effort is 0"),
        (lambda: StandardAttack().solve(PETERSEN, stragglers=11), "stragglers is 11"),
        (lambda: StandardAttack().solve(PETERSEN, stragglers=1, blocks=3), "blocks is 3"),
        (lambda: StandardAttack().solve(np.array([[np.nan]]), stragglers=0), "NaN"),
        (lambda: bad_sets(PETERSEN, np.ones(9), 1, 1), r"target \(9,\)"),
        (lambda: bad_sets(PETERSEN * np.inf, np.ones(10), 1, 1), "NaN or infinity"),
        (lambda: bad_sets(PETERSEN, np.ones(10), 10, 1), "stragglers is 10; with 10 workers 1 to 9 would work"),
        (lambda: bad_sets(PETERSEN, np.ones(10), 1, 0), "count is 0"),
        (lambda: bad_sets(PETERSEN, np.ones(10), 2, 1, known=[[3, 3]]), "known"),
        (lambda: bad_sets(PETERSEN, np.ones(10), 2, 1, known=[[3, 10]]), "known"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_impossible_input_is_named(call: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()
