"""Completion by a deadline: the numbers of the paper's settings, bounds that hold, deadlines out of reach, samples."""

import itertools
import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gcopt.delays import Delay
from gcopt.solvers.diversity import DiversityCompletion, Levels
from gcopt.solvers.diversity.allocation import renyi
from gcopt.solvers.diversity.completion import Ascent, clairvoyant_bound, log_odds
from gcopt.solvers.diversity.methods import Published
from gcopt.solvers.diversity.objectives import ExactCompletion
from gcopt.solvers.diversity.published import logarithmic, proportional_to_means, single, tandon_partial
from gcopt.solvers.errors import InputError
from gcopt.solvers.order_statistics import exponential_means
from gcopt.solvers.result import Status

L, DELAYS = 40_000, stats.expon(1.0, 10.0)

# workers, log10 of the deadline times M / N; best found; published x_st; x_lg, single and Tandon's evaluated exactly
TABLE = [
    (20, 6.5, 0.99070, 0.910, 0.7115, 0.6872, 0.6917),
    (20, 6.7, 0.99997, 0.996, 0.9957, 0.9508, 0.9740),
    (10, 6.5, 0.74560, 0.628, 0.2894, 0.4407, 0.3250),
]


def deadline_of(workers, exponent):
    return 10**exponent * workers / 50


@cache
def solved(workers, exponent):
    return DiversityCompletion().solve(DELAYS, workers, L, deadline_of(workers, exponent))


def exactly(x, deadline, distribution=DELAYS):
    levels = Levels.of(x.size, np.flatnonzero(x).tolist())
    return ExactCompletion(distribution, levels, deadline).value(levels.heights(x[levels.diversities]))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]} {row[1]}")
def test_published_settings(row):
    workers, exponent, best, published, *_ = row
    found = solved(workers, exponent)
    assert found.value >= best - 1e-4
    assert found.value >= published
    assert found.value == pytest.approx(exactly(found.x, deadline_of(workers, exponent)), rel=1e-9)
    assert found.relaxed_value >= found.value - 1e-6
    assert found.value <= found.bound <= 1.0
    assert found.x.sum() == L
    assert found.x.min() >= 0


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]} {row[1]}")
def test_published_methods_have_their_numbers_and_none_is_better(row):
    workers, exponent, _, _, log, one, partial = row
    deadline = deadline_of(workers, exponent)
    values = [
        exactly(logarithmic(workers, L), deadline),
        max(exactly(single(n, workers, L), deadline) for n in range(workers)),
        max(exactly(tandon_partial(s, 6.0, workers, L), deadline) for s in range(workers)),
    ]
    np.testing.assert_allclose(values, [log, one, partial], atol=6e-5)
    values.append(exactly(proportional_to_means(exponential_means(workers, 0.1, 1.0), L), deadline))
    assert solved(workers, exponent).value > max(values)


def test_drawn_iterations_are_in_time_as_often_as_it_says():
    found = solved(10, 6.5)
    drawn = np.sort(DELAYS.rvs((100_000, 10), random_state=np.random.default_rng(0)), axis=1)[:, ::-1]
    share = ((drawn * Levels.of(10).heights(found.x)).max(axis=1) <= deadline_of(10, 6.5)).mean()
    assert abs(share - found.value) < 4 * math.sqrt(share * (1 - share) / 100_000)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=20)
def test_no_allocation_beats_the_clairvoyant(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    levels, distribution = Levels.of(n), stats.expon(rng.random())
    deadline = 100.0 * rng.uniform(0.5, 4.0)
    sample = renyi(distribution, levels, 2000, np.random.default_rng(seed))
    bound = clairvoyant_bound(sample, levels, 100.0, deadline)
    for a in (0.05, 0.5, 5.0):
        x = 100.0 * rng.dirichlet(np.full(n, a))
        assert ExactCompletion(distribution, levels, deadline).value(levels.heights(x)) <= bound
        # in these very rows it knows better, too
        assert ((sample * levels.heights(x)).max(axis=1) <= deadline).mean() <= bound


def test_the_clairvoyant_by_hand():
    """Two coordinates within the time 1, of 2 workers: x_0 D_0 <= 1 and (x_0 + 2 x_1) D_1 <= 1."""
    levels = Levels.of(2)
    for row, possible in [([1.0, 0.4], False), ([1.0, 0.33], True), ([0.5, 0.5], True), ([9.0, 0.25], True)]:
        bound = clairvoyant_bound(np.array([row] * 5000), levels, 2.0, 1.0)
        assert bound == 1.0 if possible else bound < 0.003
    never = np.array([[np.inf, 0.25], [np.inf, np.inf]] * 5000)
    assert 0.5 < clairvoyant_bound(never, levels, 2.0, 1.0) < 0.53
    assert clairvoyant_bound(np.zeros((5, 2)), levels, 2.0, 1.0) == 1.0


def test_log_odds_keep_their_slope_near_0_and_1():
    for p in (1e-200, 1e-9, 0.3, 1 - 1e-12):
        value, slope = log_odds(lambda z, p=p: (p, np.array([-1.0])))(np.array([1.0]))
        assert value == pytest.approx(math.log1p(-p) - math.log(p))
        assert slope[0] == pytest.approx(1.0 / (p * (1.0 - p)), rel=1e-6)


def test_ascent_comes_from_where_the_probability_vanishes():
    levels = Levels.of(20)
    deadline = deadline_of(20, 6.5)

    def probability(limit):
        return ExactCompletion(DELAYS, levels, limit)

    far = levels.heights(np.eye(20)[19])  # everything twenty times
    best = solved(20, 6.5).value
    assert probability(deadline / 3)(levels.scaled(far, L))[0] < 1e-12
    _, value = Ascent(probability, levels, L, deadline).solve([far])
    assert value == pytest.approx(best, abs=1e-3)


@pytest.mark.parametrize("exponent", [6.0, 5.8, 5.6])
def test_tiny_probabilities_are_found(exponent):
    found = DiversityCompletion().solve(DELAYS, 20, L, deadline_of(20, exponent))
    alone = max(exactly(single(n, 20, L), deadline_of(20, exponent)) for n in range(20))
    assert found.value > 0
    assert found.value >= alone * (1 - 1e-3)
    assert found.status is not Status.INFEASIBLE


def test_later_is_likelier():
    values = [solved(10, exponent).value for exponent in (6.2, 6.4, 6.5, 6.6, 7.0)]
    assert (np.diff(values) > 0).all()
    assert values[-1] > 0.999


@pytest.mark.parametrize("whole", [True, False])
def test_a_deadline_nobody_can_meet(whole):
    found = DiversityCompletion(integers=whole).solve(DELAYS, 20, L, 0.999 * L)  # everybody needs 1 per coordinate
    assert found.value == found.bound == 0.0
    assert found.status is Status.INFEASIBLE
    assert found.x.tolist() == [L] + [0] * 19
    assert "no allocation meets the deadline" in found.note
    some = DiversityCompletion().solve(DELAYS, 20, L, 2.9 * L, diversities=[2, 5])
    assert some.status is Status.INFEASIBLE
    assert some.x[2] == L


def test_a_deadline_everybody_meets():
    found = DiversityCompletion().solve(stats.uniform(1.0, 1.0), 6, 100, 200.0)
    assert found.value == found.bound == 1.0
    assert found.status is Status.OPTIMAL
    assert found.x.tolist() == [100, 0, 0, 0, 0, 0]


def test_constant_times():
    sure = Delay("deterministic", {"value": 2.0})
    assert DiversityCompletion().solve(sure, 4, 10, 20.0).value == 1.0
    assert DiversityCompletion().solve(sure, 4, 10, 19.0).status is Status.INFEASIBLE


@pytest.mark.parametrize("shape", [0.3, 0.8, 1.0])
def test_times_without_a_mean_have_a_probability(shape):
    found = DiversityCompletion().solve(stats.pareto(shape), 10, 1000, 8000.0)
    assert 0 < found.value < 1
    assert found.value >= max(exactly(single(n, 10, 1000), 8000.0, stats.pareto(shape)) for n in range(10)) - 1e-9


def test_one_worker_is_its_own_distribution():
    found = DiversityCompletion().solve(stats.expon(), 1, 10, 15.0)
    assert found.value == pytest.approx(stats.expon.cdf(1.5), rel=1e-12)
    assert found.x.tolist() == [10]


@given(st.floats(1e-3, 1e3), st.integers(2, 8))
@settings(deadline=None, max_examples=10)
def test_only_deadline_over_work_matters(scale, workers):
    solver = DiversityCompletion(integers=False, rows=100)
    found = solver.solve(stats.expon(0.1), workers, 1.0, 2.0)
    other = solver.solve(stats.expon(0.1 * scale, scale), workers, 50.0, 100.0 * scale)
    assert other.value == pytest.approx(found.value, abs=1e-6)


def test_the_same_again():
    first, again = (DiversityCompletion().solve(DELAYS, 8, 100, 2000.0, rng=4) for _ in range(2))
    assert (first.x == again.x).all()
    assert (first.value, first.bound, first.seed) == (again.value, again.bound, 4)


# samples


def test_samples_agree_with_the_exact_solution():
    rows = DELAYS.rvs((5000, 10), random_state=np.random.default_rng(0))
    found = DiversityCompletion().solve_rows(rows, L, deadline_of(10, 6.5))
    exact = exactly(found.x, deadline_of(10, 6.5))
    assert abs(found.value - exact) < 5 * found.stderr  # chosen for these rows, a little too good
    assert exact > solved(10, 6.5).value - 0.01
    assert found.value <= found.bound


def test_rows_of_unequal_workers():
    rows = DELAYS.rvs((3000, 8), random_state=np.random.default_rng(1)) * np.repeat([1.0, 4.0], [6, 2])
    found = DiversityCompletion().solve_rows(rows, 1000, 25_000.0)
    delays = np.sort(rows, axis=1)[:, ::-1]

    def share(x):
        return ((delays * Levels.of(8).heights(x)).max(axis=1) <= 25_000.0).mean()

    assert found.value == pytest.approx(share(found.x))
    equal = DiversityCompletion().solve(DELAYS, 8, 1000, 25_000.0).x
    assert found.value >= max(share(equal), *(share(single(n, 8, 1000)) for n in range(8)))


def test_rows_in_which_workers_never_answer():
    rows = DELAYS.rvs((1000, 6), random_state=np.random.default_rng(2))
    rows[:, 0] = np.inf
    found = DiversityCompletion().solve_rows(rows, 600, 30_000.0)
    assert found.x[0] == 0
    assert found.value > 0.5
    rows[::2] = np.inf
    half = DiversityCompletion().solve_rows(rows, 600, 30_000.0)
    assert 0.25 < half.value <= 0.5
    assert half.bound < 0.58


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: DiversityCompletion().solve(DELAYS, 5, 0, 1.0), "parameters is 0"),
        (lambda: DiversityCompletion().solve(DELAYS, 5, 1.5, 1.0), "parameters is 1.5"),
        (lambda: DiversityCompletion().solve(DELAYS, -1, 5, 1.0), "workers is -1"),
        (lambda: DiversityCompletion().solve(DELAYS, 5, 5, 0.0), "deadline is 0"),
        (lambda: DiversityCompletion().solve(DELAYS, 5, 5, -1.0), "deadline is -1"),
        (lambda: DiversityCompletion().solve(DELAYS, 5, 5, np.nan), "deadline is nan"),
        (lambda: DiversityCompletion().solve(DELAYS, 5, 5, np.inf), "deadline is inf"),
        (lambda: DiversityCompletion().solve_rows(np.ones((4, 5)), 5, np.nan), "deadline is nan"),
        (lambda: DiversityCompletion().solve_rows(np.full((4, 5), np.nan), 5, 1.0), "NaN"),
        (lambda: DiversityCompletion().solve_rows(np.ones((4, 5)), 0, 1.0), "parameters is 0"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call()


@pytest.mark.parametrize(("workers", "total", "deadline"), [(3, 1, 2700.0), (3, 7, 9000.0), (4, 10, 5000.0)])
def test_few_whole_coordinates_are_as_good_as_by_enumeration(workers, total, deadline):
    law, levels = stats.expon(50.0, 1000.0), Levels.of(workers)
    judge = ExactCompletion(law, levels, deadline)
    every = (x for x in itertools.product(range(total + 1), repeat=workers) if sum(x) == total)
    best = max(judge.value(levels.heights(x)) for x in every)
    assert DiversityCompletion().solve(law, workers, total, deadline).value == pytest.approx(best, rel=1e-9)


def test_one_coordinate_is_not_served_worse_than_by_the_best_single_level():
    law = stats.expon(50.0, 1000.0)
    single = Published("single", law, 13, 1, deadline=390.0).solve()
    assert DiversityCompletion().solve(law, 13, 1, 390.0).value >= single.value > 0.0
    assert "sampled" in single.note
