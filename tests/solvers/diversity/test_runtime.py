"""Least expected runtimes: the numbers of the paper's settings, certificates, whole coordinates, samples, bad input."""

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gcopt.solvers.diversity import DiversityRuntime, Levels
from gcopt.solvers.diversity.allocation import renyi
from gcopt.solvers.diversity.objectives import ExactRuntime
from gcopt.solvers.diversity.published import (
    best_single,
    ferdinand_draper,
    logarithmic,
    proportional_to_inverses,
    proportional_to_means,
    single,
    tandon_partial,
)
from gcopt.solvers.errors import InputError
from gcopt.solvers.order_statistics import expected_inverses, exponential_means
from gcopt.solvers.result import Status

SAMPLES, L = 50, 20_000

# workers, rate; the optimum in units of M b / N; x_t, x_f, single and Tandon's, evaluated exactly
TABLE = [
    (10, 1e-3, 1.16916e8, 1.3057e8, 1.2756e8, 1.5000e8, 1.9757e8),
    (20, 1e-3, 7.04944e7, 7.8853e7, 7.8438e7, 1.0000e8, 1.4074e8),
    (50, 1e-3, 3.99708e7, 4.4015e7, 4.4289e7, 7.0000e7, 7.9719e7),
    (20, 10**-3.4, 1.44819e8, 1.6909e8, 1.6181e8, 1.7559e8, 3.4892e8),
    (20, 10**-2.6, 3.69645e7, 3.9429e7, 3.9671e7, 6.9905e7, 5.7852e7),
]


@cache
def optimum(workers, rate=1e-3, total=L, **options):
    return DiversityRuntime(**options).solve(stats.expon(50.0, 1 / rate), workers, total)


def exactly(x, rate):
    levels = Levels.of(x.size, np.flatnonzero(x).tolist())
    runtime = ExactRuntime(stats.expon(50.0, 1 / rate), levels)
    return runtime(levels.heights(x[levels.diversities]))[0] * SAMPLES / x.size


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]} {row[1]:.1g}")
def test_published_settings(row):
    workers, rate, expected = row[:3]
    found = optimum(workers, rate)
    scale = SAMPLES / workers
    assert found.value * scale == pytest.approx(expected, rel=2e-5)
    assert found.gap < 2e-5
    assert found.bound <= found.relaxed_value <= found.value
    assert found.status is Status.OPTIMAL
    assert found.x.dtype.kind == "i"
    assert found.x.sum() == L
    assert exactly(found.x, rate) == pytest.approx(found.value * scale, rel=1e-7)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]} {row[1]:.1g}")
def test_published_methods_have_their_numbers_and_none_is_better(row):
    workers, rate, _, by_means, by_inverses, one, partial = row
    t = exponential_means(workers, rate, 50.0)
    f = expected_inverses(stats.expon(50.0, 1 / rate), workers)
    values = [
        exactly(proportional_to_means(t, L), rate),
        exactly(proportional_to_inverses(f, L), rate),
        exactly(best_single(t, L), rate),
        min(exactly(tandon_partial(s, 6.0, workers, L), rate) for s in range(workers)),
    ]
    np.testing.assert_allclose(values, [by_means, by_inverses, one, partial], rtol=5e-5)
    values += [exactly(logarithmic(workers, L), rate), exactly(ferdinand_draper(L // 2, workers, L), rate)]
    values += [exactly(single(n, workers, L), rate) for n in range(workers)]
    assert optimum(workers, rate).value * SAMPLES / workers < min(values)
    assert optimum(workers, rate).bound * SAMPLES / workers < min(values)


def test_published_allocation():
    expected = [4783.8, 756.3, 423.2, 303.9, 246.2, 214.6, 196.8, 187.5, 184.3, 186.3]
    expected += [193.0, 205.1, 223.6, 250.8, 290.7, 351.3, 449.0, 625.0, 1023.4, 8905.4]
    found = optimum(20, tolerance=1e-7)
    np.testing.assert_allclose(found.relaxed, expected, rtol=2e-3)
    assert np.abs(found.x - found.relaxed).max() <= 1.0


@pytest.mark.parametrize("workers", [10, 20, 50, 100])
def test_gaps_are_small(workers):
    assert optimum(workers).gap < 1e-4


@pytest.mark.parametrize("workers", [10, 20, 50])
def test_whole_coordinates_cost_nothing_where_there_are_many(workers):
    found = optimum(workers, total=250 * workers, tolerance=1e-6)
    assert 0 <= found.value / found.relaxed_value - 1 < 1e-6


@pytest.mark.parametrize(("workers", "total"), [(4, 10), (6, 20), (8, 30)])
def test_few_coordinates_are_proved(workers, total):
    found = optimum(workers, total=total)
    assert found.gap < 2e-5
    assert found.x.sum() == total
    assert found.value >= optimum(workers, total=total, integers=False).bound
    rounded = ExactRuntime(stats.expon(50.0, 1000.0), levels := Levels.of(workers))
    rng = np.random.default_rng(0)
    for _ in range(30):  # single coordinates moved
        x = found.x.copy()
        giver, taker = rng.choice(np.flatnonzero(x)), rng.integers(workers)
        x[giver] -= 1
        x[taker] += 1
        assert rounded(levels.heights(x))[0] >= found.bound


def test_one_worker_and_one_coordinate():
    alone = DiversityRuntime().solve(stats.expon(1.0), 1, 7)
    assert alone.x.tolist() == [7]
    assert alone.value == pytest.approx(14.0)
    assert alone.gap < 1e-6
    one = optimum(10, total=1)
    means = exponential_means(10, 1e-3, 50.0)
    assert one.x.sum() == 1
    assert one.value == pytest.approx((np.arange(1, 11) * means[::-1]).min(), rel=1e-7)


@given(st.integers(1, 12), st.floats(0.01, 20.0), st.floats(1e-6, 1e6))
@settings(deadline=None, max_examples=15)
def test_time_and_coordinates_scale(workers, shift, scale):
    solver = DiversityRuntime(integers=False)
    found = solver.solve(stats.expon(shift), workers, 1.0)
    bigger = solver.solve(stats.expon(shift * scale, scale), workers, 30.0)
    assert bigger.value == pytest.approx(30.0 * scale * found.value, rel=1e-4)
    assert found.bound <= bigger.value / (30.0 * scale) * (1 + 1e-9)


def test_every_worker_is_equally_fast_and_more_of_them_or_faster_ones_help():
    """Per coordinate: N workers share a sum over M samples, so that the time is f / N."""
    per_worker = [optimum(n, integers=False).value / n for n in (5, 10, 20, 40)]
    assert (np.diff(per_worker) < 0).all()
    slow, fast = (DiversityRuntime().solve(stats.expon(50.0, mean), 10, L).value for mean in (1000.0, 500.0))
    assert fast < slow


def test_more_levels_are_never_worse():
    full = optimum(7, integers=False).value
    last = math.inf
    for count in (1, 2, 3, 7):
        value = optimum(7, integers=False, segments=count).value
        assert full * (1 - 1e-5) <= value <= last * (1 + 1e-4)
        last = value
    assert last == pytest.approx(full, rel=1e-5)


def test_segments_bound_what_is_used_and_the_bound_is_for_them():
    found = optimum(20, segments=2)
    assert np.count_nonzero(found.x) == 2
    assert found.gap < 2e-4
    assert found.x.sum() == L
    assert optimum(20, segments=1).x.tolist() == best_single(exponential_means(20, 1e-3, 50.0), L).tolist()


def test_some_diversities_only():
    solver = DiversityRuntime()
    found = solver.solve(stats.expon(50.0, 1000.0), 10, L, diversities=[0, 3, 9])
    assert set(np.flatnonzero(found.x)) <= {0, 3, 9}
    assert found.value >= optimum(10).value
    assert found.gap < 1e-4


@pytest.mark.parametrize("shape", [0.1, 0.4, 0.9, 1.0, 1.5])
def test_levels_without_a_mean_are_left_out(shape):
    """T_(N - n) has a mean where (n + 1) shape > 1."""
    found = DiversityRuntime().solve(stats.pareto(shape), 16, 4000)
    finite = (np.arange(16) + 1) * shape > 1 + 1e-9
    assert not found.x[~finite].any()
    assert found.x.sum() == 4000
    assert math.isfinite(found.value)
    assert found.bound <= found.value
    assert found.gap < 1e-3


def test_constant_times_need_no_redundancy():
    from gcopt.delays import Delay

    found = DiversityRuntime().solve(Delay("deterministic", {"value": 2.0}).distribution, 8, 100)
    assert found.x.tolist() == [100] + [0] * 7
    assert found.value == pytest.approx(200.0)
    assert found.gap < 1e-6


# samples


def rows_of(distribution, workers, rows, seed):
    return distribution.rvs((rows, workers), random_state=np.random.default_rng(seed))


def test_samples_agree_with_the_exact_solution():
    rows, fresh = (rows_of(stats.expon(50.0, 1000.0), 20, 10_000, seed) for seed in (1, 2))
    found = DiversityRuntime().solve_rows(rows, L, fresh=fresh)
    exact = optimum(20)
    assert abs(found.value - exactly(found.x, 1e-3) * 20 / SAMPLES) < 4 * found.stderr
    assert exactly(found.x, 1e-3) * 20 / SAMPLES == pytest.approx(exact.value, rel=1e-3)
    # value and bound move together with the rows: it is their difference that is certain
    assert 0 <= exactly(found.x, 1e-3) * 20 / SAMPLES - exact.bound <= found.value - found.bound < 1e-3 * found.value
    again = DiversityRuntime().solve_rows(rows, L, fresh=fresh)
    assert (found.x == again.x).all()


def test_many_workers_by_samples():
    found = DiversityRuntime(method="sample-average", rows=2000, seconds=1.0).solve(
        stats.expon(50.0, 1000.0), 50, L, rng=3
    )
    exact = optimum(50)
    assert found.seed == 3
    assert found.method == "sample-average"
    assert exact.bound <= found.value <= exact.value * (1 + 1e-3)
    assert found.bound <= exact.value


def test_rows_of_unequal_workers_beat_what_is_best_for_equal_ones():
    speeds = np.repeat([1.0, 6.0], [7, 3])
    rows = rows_of(stats.expon(1.0), 10, 4000, 0) * speeds
    found = DiversityRuntime().solve_rows(rows, 1000)
    delays = np.sort(rows, axis=1)[:, ::-1]
    levels = Levels.of(10)

    def mean(x):
        return (delays * levels.heights(x)).max(axis=1).mean()

    assert found.value == pytest.approx(mean(found.x), rel=1e-12)
    assert found.gap < 2e-3
    others = [DiversityRuntime().solve(stats.expon(1.0), 10, 1000).x, *(single(n, 10, 1000) for n in range(10))]
    assert all(found.value < mean(x) for x in others)
    assert found.bound <= min(mean(x) for x in others)


def test_rows_in_which_workers_never_answer():
    rows = rows_of(stats.expon(1.0), 6, 500, 0)
    rows[7, 2] = rows[7, 4] = np.inf
    found = DiversityRuntime().solve_rows(rows, 600)
    assert not found.x[:2].any()  # two stragglers are to be tolerated everywhere
    assert math.isfinite(found.value)
    with pytest.raises(InputError, match="no level is ever known"):
        DiversityRuntime().solve_rows(np.vstack([rows, np.full(6, np.inf)]), 600)


def test_renyi_draws_order_statistics():
    levels = Levels.of(9, [0, 4, 8])
    drawn = renyi(stats.weibull_min(0.7), levels, 40_000, np.random.default_rng(0))
    plain = np.sort(rows_of(stats.weibull_min(0.7), 9, 40_000, 1), axis=1)[:, levels.needed - 1]
    assert (np.diff(drawn, axis=1) <= 0).all()
    for i in range(3):
        assert stats.ks_2samp(drawn[:, i], plain[:, i]).pvalue > 1e-3
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(np.corrcoef(plain.T)[0, 1], abs=0.03)


EXPONENTIAL = stats.expon()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: DiversityRuntime().solve(EXPONENTIAL, 5, 0), "parameters is 0"),
        (lambda: DiversityRuntime().solve(EXPONENTIAL, 5, 2.5), "parameters is 2.5"),
        (lambda: DiversityRuntime().solve(EXPONENTIAL, 5, np.nan), "parameters is nan"),
        (lambda: DiversityRuntime(integers=False).solve(EXPONENTIAL, 5, -1.0), "parameters is -1"),
        (lambda: DiversityRuntime(integers=False).solve(EXPONENTIAL, 5, np.inf), "parameters is inf"),
        (lambda: DiversityRuntime().solve(EXPONENTIAL, 0, 5), "workers is 0"),
        (lambda: DiversityRuntime().solve(EXPONENTIAL, 2.5, 5), "workers is 2.5"),
        (lambda: DiversityRuntime().solve(EXPONENTIAL, True, 5), "workers is True"),
        (lambda: DiversityRuntime().solve(EXPONENTIAL, 5, 5, diversities=[5]), "a diversity is 5"),
        (lambda: DiversityRuntime().solve(stats.pareto(0.19), 5, 5), "no mean.*diversity-completion"),
        (lambda: DiversityRuntime().solve(stats.pareto(0.9), 5, 5, diversities=[0]), "no mean.*diversity-completion"),
        (lambda: DiversityRuntime(method="best"), "method is 'best'"),
        (lambda: DiversityRuntime(segments=0), "segments is 0"),
        (lambda: DiversityRuntime().solve_rows(np.ones(5), 5), "delays has shape"),
        (lambda: DiversityRuntime().solve_rows([[1.0, np.nan]] * 3, 5), "NaN"),
        (lambda: DiversityRuntime().solve_rows(np.ones((3, 2)), 0), "parameters is 0"),
        (lambda: DiversityRuntime().solve_rows(np.ones((3, 2)), 5, levels=Levels.of(4)), "delays has shape"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call()
