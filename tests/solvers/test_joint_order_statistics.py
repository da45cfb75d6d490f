"""Order statistics taken together: enumeration, closed forms, sampling and finite differences agree."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from gcopt.delays import MODELS, Delay
from gcopt.solvers import _joint_kernels
from gcopt.solvers.errors import InputError
from gcopt.solvers.joint_order_statistics import JointOrderStatistics
from gcopt.solvers.order_statistics import ExpectedOrderStatistics, exponential_means

UNIT = stats.uniform()  # times are cdf values


def multinomial_sum(workers, needed, levels):
    """P(at least needed[j] of the workers are below levels[j], for all j), both rising, term by term."""
    widths = np.diff([0.0, *levels, 1.0])
    total = 0.0
    for counts in itertools.product(range(workers + 1), repeat=len(widths) - 1):
        if sum(counts) <= workers and (np.cumsum(counts) >= needed).all():
            full = [*counts, workers - sum(counts)]
            ways = math.factorial(workers) // math.prod(math.factorial(c) for c in full)
            total += ways * math.prod(w**c for w, c in zip(widths, full, strict=True))
    return total


@st.composite
def problems(draw, most=5):
    n = draw(st.integers(1, most))
    needed = sorted(draw(st.sets(st.integers(1, n), min_size=1)))
    level = st.floats(0.0, 1.0)
    return n, needed, sorted(draw(st.lists(level, min_size=len(needed), max_size=len(needed))))


@given(problems())
@settings(deadline=None)
def test_probability_is_the_multinomial_sum(problem):
    n, needed, levels = problem
    found = JointOrderStatistics(UNIT, n, needed[::-1]).probability(levels[::-1])
    assert found == pytest.approx(multinomial_sum(n, needed, levels), rel=1e-12, abs=1e-18)


def test_probability_is_what_equally_likely_slots_say():
    """Every one of 4^5 ways to throw 5 workers into 4 equal intervals of time."""
    needed, times = [4, 3, 1], [0.75, 0.5, 0.25]
    thrown = np.array(list(itertools.product(range(4), repeat=5)))
    fine = np.all([(thrown < 4 * t).sum(axis=1) >= k for k, t in zip(needed, times, strict=True)], axis=0)
    assert JointOrderStatistics(UNIT, 5, needed).probability(times) == pytest.approx(fine.mean(), rel=1e-13)


@pytest.mark.parametrize(("workers", "needed"), [(1, 1), (20, 1), (20, 13), (20, 20), (300, 250)])
def test_one_level_is_a_beta(workers, needed):
    joint = JointOrderStatistics(UNIT, workers, [needed])
    law = stats.beta(needed, workers - needed + 1)
    for level in law.ppf([1e-6, 0.3, 0.999]):
        probability, slope = joint.probability_and_slope([level])
        assert probability == pytest.approx(law.cdf(level), rel=1e-10)
        assert slope[0] == pytest.approx(law.pdf(level), rel=1e-10)


def test_all_below_their_own_share_is_the_ballot_of_daniels():
    """P(T_(k) <= k/n + c, all k) of uniform times is known (Dempster 1959): a test at 30 and 200 levels."""
    for n, c in [(30, 0.1), (30, 0.3), (200, 0.05)]:
        k = np.arange(n, 0, -1)
        found = JointOrderStatistics(UNIT, n, k).probability(np.minimum((k - 1) / n + c, 1.0))
        # F(t) < empirical + c everywhere: one-sided Kolmogorov, Birnbaum & Tingey 1951
        assert found == pytest.approx(1.0 - special.smirnov(n, c), rel=1e-9)


def test_probability_of_twenty_agrees_with_sampling():
    rng = np.random.default_rng(0)
    draws = np.sort(rng.exponential(size=(200_000, 20)), axis=1)
    needed = np.array([20, 17, 16, 9, 2])
    times = np.array([4.0, 2.2, 1.9, 0.75, 0.2])
    share = (draws[:, needed - 1] <= times).all(axis=1).mean()
    found = JointOrderStatistics(stats.expon(), 20, needed).probability(times)
    assert 0.2 < found < 0.8
    assert abs(found - share) < 4 * math.sqrt(share * (1 - share) / 200_000)


def test_infinite_zero_and_falling_times():
    joint = JointOrderStatistics(stats.expon(), 6, [5, 3, 2])
    assert joint.probability([np.inf] * 3) == 1.0
    assert joint.probability([1.0, 1.0, 0.0]) == 0.0
    only = JointOrderStatistics(stats.expon(), 6, [3]).probability([0.4])
    assert joint.probability([np.inf, 0.4, np.inf]) == pytest.approx(only, rel=1e-13)
    # once 5 are done by 0.5, so are 3 and 2
    assert joint.probability([0.5, 9.0, 0.7]) == joint.probability([0.5, 0.5, 0.5])
    slope = joint.probability_and_slope([0.5, 9.0, 0.7])[1]
    assert slope[0] > 0
    assert slope[1:] == pytest.approx([0.0, 0.0], abs=1e-15)


def test_more_conditions_are_less_likely_and_more_time_helps():
    times = np.array([2.0, 1.0, 0.5])
    full = JointOrderStatistics(stats.expon(), 7, [6, 4, 1]).probability(times)
    for left in itertools.combinations(range(3), 2):
        some = JointOrderStatistics(stats.expon(), 7, np.array([6, 4, 1])[list(left)]).probability(times[list(left)])
        assert full < some
    assert (JointOrderStatistics(stats.expon(), 7, [6, 4, 1]).probability_and_slope(times)[1] > 0).all()


@pytest.mark.parametrize("needed", [[20, 12, 3], list(range(20, 0, -1))])
def test_slope_of_the_probability_is_its_derivative(needed):
    joint = JointOrderStatistics(UNIT, 20, needed)
    levels = np.minimum(np.array(needed) / 20 + 0.12, 0.99) - 1e-3 * np.arange(len(needed))
    slope, step = joint.probability_and_slope(levels)[1], 1e-6
    for i, unit in enumerate(step * np.eye(len(needed))):
        moved = (joint.probability(levels + unit) - joint.probability(levels - unit)) / (2 * step)
        assert slope[i] == pytest.approx(moved, rel=1e-6, abs=1e-9)


@given(problems(most=4))
@settings(deadline=None, max_examples=15)
def test_kernel_is_the_same_as_plain_python(problem):
    n, needed, levels = problem
    rows = np.array([levels, np.sort(np.sqrt(levels)), np.ones(len(levels))])
    results = []
    for function in (_joint_kernels.joint, _joint_kernels.joint.py_func):
        values, gradients = np.empty(3), np.empty(rows.shape)
        function(rows, np.array(needed), n, values, gradients)
        results.append((values, gradients))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-13)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-13)
    assert results[0][0][2] == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("function", [_joint_kernels.poisson, _joint_kernels.poisson.py_func], ids=["numba", "python"])
@pytest.mark.parametrize("mean", [0.0, 1e-9, 0.7, 30.0, 900.0])
def test_poisson_weights(function, mean):
    weights, d = np.full(1505, np.nan), np.arange(1502)
    first, stop = function(mean, 1500, 1.0 / np.maximum(d, 1), special.gammaln(d + 1), weights)
    assert not weights[stop : stop + 3].any()
    np.testing.assert_allclose(weights[first:stop], stats.poisson.pmf(np.arange(first, stop), mean), rtol=1e-10)
    assert weights[first:stop].sum() == pytest.approx(1.0, rel=1e-12)


DELAYS = [
    Delay("shifted-exponential", {"rate": 1e-3, "shift": 50.0}),
    Delay("exponential", {"rate": 2.0}),
    Delay("weibull", {"shape": 0.6, "scale": 2.0}),
    Delay("weibull", {"shape": 3.0, "scale": 2.0, "shift": 1.0}),
    Delay("pareto", {"shape": 2.5, "scale": 2.0}),
    Delay("lognormal", {"sigma": 1.5, "scale": 2.0}),
    Delay("gamma", {"shape": 0.4, "scale": 3.0, "shift": 0.1}),
    Delay("generalized-extreme-value", {"shape": 0.3, "location": 20.0, "scale": 1.0}),
    Delay("generalized-extreme-value", {"shape": 0.0, "location": 20.0, "scale": 1.0}),
    Delay("deterministic", {"value": 3.0}),
]


def test_every_model_is_among_the_delays():
    assert {delay.model for delay in DELAYS} == set(MODELS)


@pytest.mark.parametrize("delay", DELAYS, ids=str)
def test_mean_of_maximum_agrees_with_sampling(delay):
    needed, factors = np.array([12, 11, 9, 4, 1]), np.array([1.0, 1.2, 2.0, 5.0, 6.0])
    draws = np.sort(delay.sample((100_000, 12), np.random.default_rng(1)), axis=1)
    times = (draws[:, needed - 1] * factors).max(axis=1)
    found = JointOrderStatistics(delay.distribution, 12, needed).mean_of_maximum(factors)
    assert abs(found - times.mean()) < 4 * times.std() / math.sqrt(len(times)) + 1e-12 * found


@pytest.mark.parametrize("delay", DELAYS, ids=str)
def test_one_nonzero_factor_gives_expected_order_statistics(delay):
    n = 15
    means = ExpectedOrderStatistics().solve(delay, n).values
    joint = JointOrderStatistics(delay.distribution, n, np.arange(n, 0, -1), nodes=24)
    for k in (1, 8, 14, 15):
        # levels that need fewer workers are done before, whatever their factor up to this one
        alone = np.where(np.arange(n, 0, -1) == k, 2.0, 0.0)
        value, slope = joint.mean_and_slope(alone)
        assert value == pytest.approx(2.0 * means[k - 1], rel=2e-7)
        assert slope[n - k] == pytest.approx(means[k - 1], rel=2e-6)


def test_all_factors_equal_is_the_last_worker():
    for n in (1, 2, 30, 200):
        value, slope = JointOrderStatistics(stats.expon(), n, np.arange(n, 0, -1), nodes=24).mean_and_slope(np.ones(n))
        assert value == pytest.approx(exponential_means(n, 1.0)[-1], rel=1e-8)
        assert slope[0] == pytest.approx(value, rel=1e-7)


@pytest.mark.parametrize("nodes", [10, 24])
def test_two_exponential_workers_by_hand(nodes):
    """E max(T_(2), z T_(1)) = 1/2 + E max(W, (z - 1) V / 2) of independent exponentials W, V: T_(2) = V/2 + W."""
    digits = {10: 1e-6, 24: 1e-8}[nodes]
    for z in (1.0, 1.5, 4.0, 50.0):
        a = (z - 1.0) / 2.0
        longer = 1.0 + a - a / (1.0 + a)
        found = JointOrderStatistics(stats.expon(), 2, [2, 1], nodes=nodes).mean_of_maximum([1.0, z])
        assert found == pytest.approx(0.5 + longer, rel=digits)


@st.composite
def factors(draw):
    n = draw(st.integers(1, 25))
    needed = sorted(draw(st.sets(st.integers(1, n), min_size=1)), reverse=True)
    steps = draw(st.lists(st.floats(0.01, 10.0), min_size=len(needed), max_size=len(needed)))
    return n, needed, np.cumsum(steps)


@given(factors(), st.sampled_from([stats.expon(50.0, 1000.0), stats.weibull_min(0.7), stats.pareto(3.0)]))
@settings(deadline=None, max_examples=30)
def test_mean_is_homogeneous_and_its_slope_says_so(problem, distribution):
    n, needed, z = problem
    value, slope = JointOrderStatistics(distribution, n, needed, nodes=24).mean_and_slope(z)
    assert slope @ z == pytest.approx(value, rel=2e-6)
    assert (slope >= 0).all()
    assert JointOrderStatistics(distribution, n, needed, nodes=24).mean_of_maximum(7.0 * z) == pytest.approx(7 * value)


@pytest.mark.parametrize("distribution", [stats.expon(1.0), stats.lognorm(1.0), stats.pareto(1.5)])
def test_slope_of_the_mean_is_its_derivative(distribution):
    joint = JointOrderStatistics(distribution, 9, [8, 6, 5, 2], nodes=32)
    z = np.array([1.0, 1.6, 1.9, 4.0])
    slope, step = joint.mean_and_slope(z)[1], 1e-4
    for i, unit in enumerate(step * np.eye(4)):
        moved = (joint.mean_of_maximum(z + unit) - joint.mean_of_maximum(z - unit)) / (2 * step)
        assert slope[i] == pytest.approx(moved, rel=1e-5)


@pytest.mark.parametrize("shift", [0.0, 0.1, 10.0, 1e3, 1e7])
@pytest.mark.parametrize("excess", [stats.expon(), stats.gamma(0.4), stats.weibull_min(0.5)], ids=["1", "0.4", "0.5"])
def test_a_shift_is_added_however_large(shift, excess):
    needed, z = np.arange(30, 0, -1), np.ones(30)
    law = excess.dist(*excess.args, loc=shift)
    value, slope = JointOrderStatistics(law, 30, needed).mean_and_slope(z)
    alone = ExpectedOrderStatistics().solve(excess, 30).values[-1]
    assert value == pytest.approx(shift + alone, rel=1e-6)
    assert slope.sum() == pytest.approx(value, rel=1e-6)
    narrow = np.where(needed == 1, 1.0, 0.0)  # the first worker, whose density is infinite at the shift
    value, slope = JointOrderStatistics(law, 30, needed).mean_and_slope(narrow)
    assert value == pytest.approx(shift + ExpectedOrderStatistics().solve(excess, 30).values[0], rel=1e-6)
    assert slope[-1] == pytest.approx(value, rel=1e-5)


def test_published_optimum_has_the_mean_of_two_million_draws():
    """Wang et al. 2022, N = 20: the certified optimum, drawn 2e6 times by an independent program."""
    x = [4783.8, 756.3, 423.2, 303.9, 246.2, 214.6, 196.8, 187.5, 184.3, 186.3]
    x += [193.0, 205.1, 223.6, 250.8, 290.7, 351.3, 449.0, 625.0, 1023.4, 8905.4]
    heights = np.cumsum(np.arange(1, 21) * x)
    value = JointOrderStatistics(stats.expon(50.0, 1000.0), 20, np.arange(20, 0, -1)).mean_of_maximum(heights)
    assert abs(value - 28.1978e6) < 2 * 0.0062e6
    assert 2.5 * value == pytest.approx(7.04944e7, rel=2e-5)  # x is given to a tenth


def test_means_that_do_not_exist_are_infinite():
    joint = JointOrderStatistics(stats.pareto(0.4), 10, [10, 9, 8, 7])  # k-th of 10 has a mean for 11 - k > 2.5
    assert joint.mean_of_maximum([1.0, 1.0, 1.0, 1.0]) == math.inf
    assert joint.mean_of_maximum([0.0, 1.0, 1.0, 1.0]) == math.inf
    assert joint.mean_of_maximum([0.0, 0.0, 1.0, 1.0]) == pytest.approx(
        ExpectedOrderStatistics().solve(stats.pareto(0.4), 10).values[7], rel=1e-4
    )
    assert not joint.has_mean([0.0, 1.0, 1.0, 1.0])
    assert joint.has_mean([0.0, 0.0, 0.0, 1.0])
    assert JointOrderStatistics(stats.pareto(1.0), 1, [1]).mean_of_maximum([1.0]) == math.inf


def test_nothing_to_do_takes_no_time():
    value, slope = JointOrderStatistics(stats.expon(), 4, [3, 1]).mean_and_slope([0.0, 0.0])
    assert value == 0.0
    assert not slope.any()


def test_the_same_bits_every_time():
    joint = JointOrderStatistics(stats.gamma(2.0), 40, np.arange(40, 0, -1))
    z = np.linspace(1.0, 30.0, 40)
    first, again = joint.mean_and_slope(z), joint.mean_and_slope(z)
    assert first[0] == again[0]
    assert (first[1] == again[1]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: JointOrderStatistics(UNIT, 0, [1]), "workers is 0"),
        (lambda: JointOrderStatistics(UNIT, 2.5, [1]), "workers is 2.5"),
        (lambda: JointOrderStatistics(UNIT, 3, [4, 1]), "from 3 down to 1"),
        (lambda: JointOrderStatistics(UNIT, 3, [2, 0]), "from 3 down to 1"),
        (lambda: JointOrderStatistics(UNIT, 3, [2, 2]), "strictly descending"),
        (lambda: JointOrderStatistics(UNIT, 3, []), "a list of integers"),
        (lambda: JointOrderStatistics(UNIT, 3, [1.5]), "a list of integers"),
        (lambda: JointOrderStatistics(UNIT, 3, [2, 1]).probability([1.0]), "times has shape"),
        (lambda: JointOrderStatistics(UNIT, 3, [2, 1]).probability([1.0, np.nan]), "times"),
        (lambda: JointOrderStatistics(UNIT, 3, [2, 1]).mean_of_maximum([1.0, -1.0]), "factors"),
        (lambda: JointOrderStatistics(UNIT, 3, [2, 1]).mean_of_maximum([np.inf, np.inf]), "factors"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call()
