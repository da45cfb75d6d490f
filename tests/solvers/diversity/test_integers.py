"""Whole coordinates: rounding, exchange, and the proof by outer approximation."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gcopt.solvers.diversity.integers import check_total, exchanged, proved, rounded
from gcopt.solvers.diversity.levels import Levels
from gcopt.solvers.diversity.objectives import ExactRuntime, SampledRuntime
from gcopt.solvers.diversity.search import minimise
from gcopt.solvers.errors import InputError


def allocations(total, parts):
    """Every way to write a total as an ordered sum of nonnegative integers."""
    for bars in combinations(range(total + parts - 1), parts - 1):
        yield np.diff([-1, *bars, total + parts - 1]) - 1


def relaxed(runtime, levels, total):
    return minimise(runtime, levels, np.linspace(1.0, 2.0, levels.size), total, tolerance=1e-6)


@given(st.lists(st.floats(0.0, 1e3), min_size=1, max_size=20).filter(lambda x: sum(x) > 1e-3), st.integers(1, 10_000))
def test_rounding_keeps_every_sum_to_a_half(lengths, total):
    exact = np.array(lengths) * (total / sum(lengths))
    whole = rounded(np.array(lengths), total)
    assert whole.dtype.kind == "i"
    assert whole.sum() == total
    assert whole.min() >= 0
    assert (np.abs(np.cumsum(whole) - np.cumsum(exact)) <= 0.5 + 1e-9 * total).all()
    assert not whole[exact == 0].any()


def test_rounding_of_many_short_lengths_costs_little():
    levels = Levels.of(100)
    runtime = ExactRuntime(stats.expon(50.0, 1000.0), levels)
    found = minimise(runtime, levels, 1.0 / (1.0 - np.log(np.arange(1, 101) / 101)), 500.0, tolerance=1e-3)
    x = levels.lengths(found.heights)
    assert np.median(x) < 1
    assert runtime(levels.heights(rounded(x, 500)))[0] < 1.001 * found.value


@pytest.mark.parametrize(("workers", "total"), [(1, 3), (2, 9), (3, 10), (4, 7), (5, 6)])
@pytest.mark.parametrize("distribution", [stats.expon(0.05), stats.expon(2.0), stats.weibull_min(0.5)])
def test_outer_approximation_finds_the_best_of_all(workers, total, distribution):
    levels = Levels.of(workers)
    runtime = ExactRuntime(distribution, levels, nodes=16)
    best = min(runtime(levels.heights(x))[0] for x in allocations(total, workers))
    begin = np.zeros(workers, np.int64)
    begin[-1] = total
    bound = relaxed(runtime, levels, total).bound
    x, value, lower = proved(runtime, levels, begin, bound=bound, tolerance=1e-6, seconds=20.0)
    assert x.sum() == total
    assert value == runtime(levels.heights(x))[0]
    assert value == pytest.approx(best, rel=2e-6)
    assert bound <= lower <= best * (1 + 1e-7)
    assert lower == pytest.approx(best, rel=3e-6)


def test_outer_approximation_of_a_sample_average():
    drawn = np.sort(np.random.default_rng(3).exponential(size=(50, 4)), axis=1)[:, ::-1]
    levels, runtime = Levels.of(4), SampledRuntime(np.ascontiguousarray(drawn))
    best = min(runtime(levels.heights(x))[0] for x in allocations(8, 4))
    _, value, lower = proved(runtime, levels, np.array([8, 0, 0, 0]), bound=0.0, tolerance=1e-6, seconds=20.0)
    assert value == pytest.approx(best, rel=2e-6)
    assert best * (1 - 3e-6) <= lower <= best * (1 + 1e-9)


def test_no_time_proves_nothing_new():
    levels = Levels.of(4)
    runtime = ExactRuntime(stats.expon(), levels)
    x, value, lower = proved(runtime, levels, np.array([1, 1, 1, 4]), bound=1.25, tolerance=1e-6, seconds=0.0)
    assert (x.tolist(), lower) == ([1, 1, 1, 4], 1.25)
    assert value == runtime(levels.heights(x))[0]


@pytest.mark.parametrize("start", [[12, 0, 0, 0, 0], [0, 0, 0, 0, 12], [3, 3, 2, 2, 2]])
def test_exchange_improves(start):
    levels = Levels.of(5)
    runtime = ExactRuntime(stats.expon(0.5), levels, nodes=16)
    x, value = exchanged(runtime, levels, np.array(start))
    best = min(runtime(levels.heights(x))[0] for x in allocations(12, 5))
    assert x.sum() == 12
    assert value == runtime(levels.heights(x))[0]
    assert best <= value <= runtime(levels.heights(start))[0]
    assert value <= 1.1 * best


@pytest.mark.parametrize("total", [0, -1, 0.5, 2.5, np.nan, np.inf, True])
def test_bad_totals(total):
    with pytest.raises(InputError, match="an integer of at least 1 is needed"):
        check_total(total)


def test_whole_floats_are_integers():
    assert check_total(2e4) == 20_000
