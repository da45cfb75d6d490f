"""Values of a walk against least squares and enumeration, and an inverse kept up to date against one from scratch."""

from itertools import combinations

import numpy as np
import pytest

from gcopt.solvers.assignment import Question, Rounds, Weights, _circle_kernels, _set_kernels, _time_kernels
from gcopt.solvers.assignment import _inverse_kernels as inverses
from gcopt.solvers.assignment import _walk_kernels as walks
from gcopt.solvers.assignment._setup import Setup
from gcopt.solvers.assignment.starts import Circles, around
from gcopt.solvers.seeding import generator

NONE = np.empty((0, 3), dtype=np.int64)


def ridge_error(matrix, target, lost, ridge):
    """min_r ||B_F^T r - t||^2 + eps ||r||^2 as plain least squares."""
    heard = np.delete(matrix, list(lost), axis=0)
    stacked = np.vstack([heard.T, np.sqrt(ridge) * np.eye(len(heard))])
    wanted = np.concatenate([target, np.zeros(len(heard))])
    return float(np.linalg.norm(stacked @ np.linalg.lstsq(stacked, wanted)[0] - wanted) ** 2)


def question(n=8, k=6, load=3, s=3, **options):
    return Question(np.full(n, load), k, s, **{"weights": Weights(worst=1.0), **options})


def random_matrix(n=8, k=6, load=3, seed=0, tuned=True):
    rng = np.random.default_rng(seed)
    matrix = np.zeros((n, k))
    for row in matrix:
        row[rng.choice(k, load, replace=False)] = rng.uniform(0.5, 2.0, load) if tuned else 1.0
    return matrix


@pytest.mark.parametrize("s", [0, 1, 2, 3, 4])
def test_all_sets_against_enumeration(s):
    matrix, sizes = random_matrix(), np.array([1, 1, 2, 2, 3, 1])
    asked = Question(np.full(8, 8), 10, s, Weights(worst=1.0, mean=2.0))
    setup = Setup(asked, sizes, 0)
    errors = [ridge_error(matrix, np.sqrt(sizes), lost, setup.ridge(matrix)) for lost in combinations(range(8), s)]
    value, _ = setup.judge(matrix, np.empty((0, s), dtype=np.int64))
    assert value == pytest.approx(max(errors) + 2 * np.mean(errors), rel=1e-6, abs=1e-6)


def test_the_worst_set_is_the_one_that_is_remembered():
    matrix, setup = random_matrix(), Setup(question(), np.ones(6, dtype=np.int64), 0)
    place = setup.place(matrix, np.array([[0, 1, 2]]))
    value = setup.value(place)
    assert value == pytest.approx(ridge_error(matrix, np.ones(6), place.bad[0], setup.ridge(matrix)), rel=1e-6)


def test_a_value_above_the_limit_ends_the_enumeration():
    matrix, setup = random_matrix(), Setup(question(), np.ones(6, dtype=np.int64), 0)
    place = setup.place(matrix, NONE)
    full = setup.value(place)
    early = walks.objective(place, setup.fit, setup.wanted, 0.5 * full)
    assert 0.5 * full < early <= full


def test_sampled_sets_of_unequal_sizes():
    chances = np.linspace(0.1, 0.6, 8)
    asked = question(weights=Weights(mean=1.0), probability=chances, samples=20)
    matrix, setup = random_matrix(), Setup(asked, np.ones(6, dtype=np.int64), 4)
    sets = [[j for j in lost if j >= 0] for lost in setup.wanted.samples]
    assert len({len(lost) for lost in sets}) > 2
    errors = [ridge_error(matrix, np.ones(6), lost, setup.ridge(matrix)) for lost in sets]
    assert setup.judge(matrix, NONE)[0] == pytest.approx(np.mean(errors), rel=1e-6)


def test_the_second_singular_value():
    asked = question(weights=Weights(spectral=1.0))
    matrix = random_matrix()
    first, second = np.linalg.svd(matrix, compute_uv=False)[:2] ** 2
    value = Setup(asked, np.ones(6, dtype=np.int64), 0).judge(3.0 * matrix, NONE)[0]
    assert value == pytest.approx(second / first, rel=1e-6)


def test_the_time_until_enough_have_answered():
    rng = np.random.default_rng(2)
    overhead, pace = rng.exponential(size=(30, 8)), rng.exponential(size=(30, 8))
    overhead[0, :6] = np.inf
    matrix, tolerance = random_matrix(), 0.1
    loads = np.count_nonzero(matrix, axis=1)
    times = []
    for r in range(30):
        arrival = overhead[r] + pace[r] * loads
        order = np.argsort(arrival)
        done = [
            arrival[order[m]]
            for m in range(8)
            if ridge_error(matrix, np.ones(6), order[m + 1 :], 1e-12) <= tolerance * 6
            and np.isfinite(arrival[order[m]])
        ]
        times.append(min(done, default=50.0))
    assert 50.0 in times
    asked = question(weights=Weights(time=1.0), rounds=Rounds(overhead, pace, tolerance, 50.0))
    assert Setup(asked, np.ones(6, dtype=np.int64), 0).judge(matrix, NONE)[0] == pytest.approx(np.mean(times))


def moved(asked, matrix, seed, moves=60):
    """Make moves that are all accepted; return where they lead."""
    setup = Setup(asked, np.ones(matrix.shape[1], dtype=np.int64), 0)
    place = setup.place(matrix, NONE)
    uniforms = generator(seed).random((moves, walks.UNIFORMS))
    ridge, hot = setup.ridge(matrix), np.full(moves, 1e9)
    start = setup.value(place), np.inf, matrix.copy()
    value, _, kept = walks.walk(place, setup.fit, setup.wanted, *start, ridge, uniforms, hot)
    return setup, place, value, kept


@pytest.mark.parametrize("seed", range(4))
def test_an_inverse_kept_up_to_date_is_that_from_scratch(seed):
    start = random_matrix(6, 8, 4, seed=seed)
    setup, place, _, kept = moved(question(6, 8, 4), start, seed)
    assert kept > 10
    fresh = inverses.inverse_of(place.matrix, setup.ridge(start))
    np.testing.assert_allclose(place.inverse, fresh, rtol=1e-9, atol=1e-11 * abs(fresh).max())
    np.testing.assert_allclose(place.sums, place.matrix.sum(axis=1))
    assert place.loads.tolist() == np.count_nonzero(place.matrix, axis=1).tolist()


def test_moves_keep_what_they_must():
    asked = question(n=8, k=6, load=3, replication=4, tuned=False)
    start = np.tile(np.kron(np.eye(2), np.ones((2, 3))), (2, 1))
    _, place, _, kept = moved(asked, start, 1)
    assert kept > 5
    assert np.count_nonzero(place.matrix, axis=1).tolist() == [3] * 8
    assert np.count_nonzero(place.matrix, axis=0).tolist() == [4] * 6
    assert (place.matrix != start).any()


@pytest.mark.parametrize("seed", range(3))
def test_equal_coefficients_stay_equal_where_copies_are_free(seed):
    start = random_matrix(8, 6, 3, seed=seed, tuned=False)
    start /= np.maximum(1, start.sum(axis=0))
    _, place, _, kept = moved(question(tuned=False), start, seed)
    copies = np.count_nonzero(place.matrix, axis=0)
    assert kept > 5
    assert copies.tolist() != np.count_nonzero(start, axis=0).tolist()
    for column in place.matrix.T:
        assert np.ptp(column[column != 0.0]) < 1e-12


def test_what_is_not_accepted_leaves_no_trace():
    setup = Setup(question(), np.ones(6, dtype=np.int64), 0)
    matrix = random_matrix()
    place = setup.place(matrix, NONE)
    before = [array.copy() for array in (place.matrix, place.gram, place.inverse, place.sums, place.loads)]
    uniforms = generator(0).random((50, walks.UNIFORMS))
    arguments = (place, setup.fit, setup.wanted, -1.0, -1.0, matrix.copy(), 1e-6, uniforms, np.full(50, 1e-300))
    assert walks.walk(*arguments)[2] == 0
    for old, new in zip(before, (place.matrix, place.gram, place.inverse, place.sums, place.loads), strict=True):
        np.testing.assert_allclose(old, new, rtol=1e-14)


def test_circles_unroll_to_their_matrix():
    circles = Circles(np.array([[0, 0, 0], [0, 1, 1], [1, 0, 2]]), np.array([1.0, 2.0, 3.0]), 3)
    matrix = np.empty((6, 6))
    _circle_kernels.unroll(circles.copies, circles.coefficients, 3, matrix)
    np.testing.assert_array_equal(matrix, circles.matrix(6, 6))
    assert matrix[4].tolist() == [0, 0, 1, 2, 0, 0]


@pytest.mark.parametrize(("n", "k", "s"), [(8, 8, 1), (8, 8, 2), (8, 12, 3), (9, 9, 4)])
def test_few_first_stragglers_stand_for_all_of_a_quasi_cyclic_code(n, k, s):
    asked = Question(np.full(n, 3), k, s, Weights(worst=1.0))
    circles = around(asked, k, generator(0))
    setup, rows = Setup(asked, np.ones(k, dtype=np.int64), 0), n // circles.circle
    place = setup.place(circles.matrix(n, k), np.empty((0, s), dtype=np.int64))
    few = walks.objective(place, setup.fit, setup.wanted._replace(roots=rows), np.inf)
    assert few == pytest.approx(setup.value(place), rel=1e-9)


def test_kernels_run_as_plain_python(monkeypatch):
    def run():
        rounds = Rounds(np.ones((3, 6)) * np.arange(6), np.ones((3, 6)), 0.1, 9.0)
        weights = Weights(worst=1.0, mean=1.0, spectral=0.1, time=0.01)
        asked = Question(np.full(6, 2), 6, 2, weights, rounds=rounds)
        setup, place, value, kept = moved(asked, random_matrix(6, 6, 2), 3, moves=8)
        circles = Circles(np.array([[0, 0, 0], [0, 0, 1]]), np.ones(2), 6)
        place.matrix[:] = circles.matrix(6, 6)
        _circle_kernels.settle(place, setup.fit, 1e-6)
        best = _circle_kernels.walk_circles(
            place, setup.fit, setup.wanted, circles.copies, circles.coefficients, 6, True, 9.0, 9.0,
            circles.copies.copy(), np.ones(2), 1e-6, generator(5).random((6, walks.UNIFORMS)), np.full(6, 0.1),
        )  # fmt: skip
        return [value, kept, *best, setup.value(place)]

    compiled = run()
    for module in (inverses, walks, _circle_kernels, _set_kernels, _time_kernels):
        for name, function in list(vars(module).items()):
            if hasattr(function, "py_func"):
                monkeypatch.setattr(module, name, function.py_func)
    assert run() == pytest.approx(compiled, rel=1e-7)
