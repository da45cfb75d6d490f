"""Expected order statistics: closed forms, quadrature and sampling agree."""

import math

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import gamma, gammaln

from gcopt.delays import Delay
from gcopt.solvers.errors import InputError
from gcopt.solvers.order_statistics import (
    ExpectedOrderStatistics,
    SampledOrderStatistics,
    expected_inverses,
    exponential_means,
    pareto_means,
    sampled_inverses,
    tail_index,
)
from gcopt.solvers.result import Status


def harmonic(n):
    return sum(1.0 / i for i in range(1, n + 1))


def test_shifted_exponential_formula():
    n, rate, shift = 20, 1e-3, 50.0
    expected = [shift + (harmonic(n) - harmonic(n - k)) / rate for k in range(1, n + 1)]
    np.testing.assert_allclose(exponential_means(n, rate, shift), expected, rtol=1e-13)
    result = ExpectedOrderStatistics().solve(stats.expon(shift, 1 / rate), n)
    np.testing.assert_allclose(result.values, expected, rtol=1e-10)
    assert result.value == result.values[-1] == result.bound
    assert result.status is Status.OPTIMAL
    assert not result.stderr.any()


@pytest.mark.parametrize("n", [1, 2, 7, 100, 1000])
def test_quadrature_is_exact_for_exponentials_of_any_number(n):
    values = ExpectedOrderStatistics().solve(stats.expon(), n).values
    np.testing.assert_allclose(values, exponential_means(n, 1.0), rtol=1e-9)


@pytest.mark.parametrize("shape", [0.3, 0.7, 1.0, 1.5, 5.0])
def test_pareto_with_and_without_a_mean(shape):
    n = 30
    expected = pareto_means(n, shape)
    left = n - np.arange(1, n + 1) + 1
    assert (np.isfinite(expected) == (left > 1 / shape)).all()
    np.testing.assert_allclose(ExpectedOrderStatistics().solve(stats.pareto(shape), n).values, expected, rtol=1e-9)


@pytest.mark.parametrize("shape", [0.4, 1.0, 3.0])
def test_first_of_weibull_is_weibull(shape):
    n = 50
    first = ExpectedOrderStatistics().solve(stats.weibull_min(shape), n).values[0]
    assert first == pytest.approx(stats.weibull_min(shape, scale=n ** (-1 / shape)).mean(), rel=1e-9)


@pytest.mark.parametrize(
    "distribution",
    [stats.lognorm(1.0), stats.gamma(0.3), stats.genextreme(-0.349, 0.636, 0.05), stats.uniform()],
    ids=["lognormal", "gamma", "extreme", "uniform"],
)
def test_order_statistics_sum_to_n_means_and_increase(distribution):
    values = ExpectedOrderStatistics().solve(distribution, 40).values
    assert values.sum() == pytest.approx(40 * distribution.mean(), rel=1e-6)
    assert (np.diff(values) > 0).all()


def test_sampling_agrees_within_four_standard_errors():
    exact = ExpectedOrderStatistics().solve(stats.gamma(2.0), 12).values
    draws = np.random.default_rng(0).gamma(2.0, size=(20_000, 12))
    sampled = SampledOrderStatistics().solve(draws)
    assert (np.abs(sampled.values - exact) < 4 * sampled.stderr).all()
    assert sampled.bound is None


def test_missing_answers_make_late_orders_infinite():
    result = SampledOrderStatistics().solve([[1.0, np.inf], [2.0, 3.0]])
    assert result.values.tolist() == [1.5, np.inf]
    assert result.stderr.tolist() == [0.5, np.inf]


def test_shifted_moves_everything():
    result = ExpectedOrderStatistics().solve(stats.expon(), 2).shifted(1.0)
    assert result.values == pytest.approx([1.5, 2.5])
    assert result.value == result.bound == pytest.approx(2.5)


def test_tail_index_of_light_tails_is_small():
    assert tail_index(stats.genextreme(-0.349)) == pytest.approx(0.349)
    for light in (stats.expon(), stats.norm(10.0), stats.lognorm(2.0), stats.uniform()):
        assert tail_index(light) < 0.1


def test_bad_input():
    with pytest.raises(InputError, match="workers is 0"):
        ExpectedOrderStatistics().solve(stats.expon(), 0)
    with pytest.raises(InputError, match="at least 2 rows"):
        SampledOrderStatistics().solve([[1.0, 2.0]])
    with pytest.raises(InputError, match="NaN"):
        SampledOrderStatistics().solve([[1.0, np.nan], [1.0, 2.0]])


def inverse_by_quad(distribution, k, n):
    """E[1 / T_(k)] as an integral over the log of the level of the k-th of n, with T from scipy's quantiles."""
    level = stats.beta(k, n - k + 1)

    def integrand(y):
        return level.pdf(math.exp(y)) * math.exp(y) / distribution.ppf(math.exp(y))

    return integrate.quad(integrand, -60.0, 0.0, limit=400, epsabs=0.0)[0]


DELAYS = [
    Delay("shifted-exponential", {"rate": 1e-3, "shift": 50.0}),
    Delay("exponential", {"rate": 2.0}),
    Delay("weibull", {"shape": 0.7, "scale": 2.0}),
    Delay("weibull", {"shape": 3.0, "scale": 2.0, "shift": 1.0}),
    Delay("pareto", {"shape": 0.7, "scale": 2.0}),
    Delay("lognormal", {"sigma": 1.5, "scale": 2.0}),
    Delay("gamma", {"shape": 0.4, "scale": 3.0}),
    Delay("generalized-extreme-value", {"shape": 0.35, "location": 0.64, "scale": 0.05}),
    Delay("generalized-extreme-value", {"shape": 0.0, "location": 20.0, "scale": 1.0}),
]


@pytest.mark.parametrize("delay", DELAYS, ids=str)
def test_expected_inverses_of_every_model(delay):
    n = 8
    values = expected_inverses(delay, n)
    assert (np.diff(values[np.isfinite(values)]) < 0).all()
    for k in (4, 6, 8):
        assert values[k - 1] == pytest.approx(inverse_by_quad(delay, k, n), rel=1e-7)


@pytest.mark.parametrize(
    ("delay", "diverging"),
    [
        (Delay("exponential", {"rate": 5.0}), 1),
        (Delay("shifted-exponential", {"rate": 5.0, "shift": 1e-6}), 0),
        (Delay("weibull", {"shape": 0.4, "scale": 1.0}), 2),
        (Delay("weibull", {"shape": 0.5, "scale": 1.0}), 2),
        (Delay("weibull", {"shape": 0.05, "scale": 1.0}), 20),
        (Delay("gamma", {"shape": 0.3, "scale": 1.0}), 3),
        (Delay("lognormal", {"sigma": 5.0, "scale": 1.0}), 0),
        (Delay("deterministic", {"value": 0.0}), 30),
        (Delay("generalized-extreme-value", {"shape": 0.0, "location": 2.0, "scale": 1.0}), 30),
    ],
    ids=str,
)
def test_inverses_diverge_exactly_where_small_times_are_too_likely(delay, diverging):
    finite = np.isfinite(expected_inverses(delay, 30))
    assert (finite == (np.arange(1, 31) > diverging)).all()


@pytest.mark.parametrize("workers", [1, 2, 50, 400])
@pytest.mark.parametrize("shape", [0.3, 4.0])
def test_inverses_of_pareto_are_closed(workers, shape):
    # 1/T is Beta(shape, 1), whose order statistics are those of U^(1/shape)
    k = workers - np.arange(1, workers + 1) + 1
    expected = np.exp(gammaln(k + 1 / shape) - gammaln(k) + gammaln(workers + 1) - gammaln(workers + 1 + 1 / shape))
    np.testing.assert_allclose(expected_inverses(stats.pareto(shape), workers), expected, rtol=1e-9)


@pytest.mark.parametrize("power", [0.5, 0.9, 0.99, 0.999])
def test_inverses_just_short_of_diverging(power):
    # the first of n Weibull times is Weibull again: E 1/T_(1) = n^power gamma(1 - power)
    n = 6
    values = expected_inverses(stats.weibull_min(1 / power), n)
    assert values[0] == pytest.approx(n**power * gamma(1 - power), rel=1e-9)


def test_inverses_of_wide_lognormals_reach_far_down():
    for sigma in (1.0, 4.0, 9.0):
        assert expected_inverses(stats.lognorm(sigma), 1)[0] == pytest.approx(math.exp(sigma**2 / 2), rel=1e-9)


def test_constant_times():
    np.testing.assert_allclose(expected_inverses(Delay("deterministic", {"value": 4.0}), 5), 0.25, rtol=1e-12)


def test_sampled_inverses_agree_with_exact_ones():
    draws = 1.0 + np.random.default_rng(3).exponential(size=(40_000, 6))
    exact = expected_inverses(stats.expon(1.0), 6)
    stderr = (1 / np.sort(draws, axis=1)).std(axis=0) / 200
    assert (np.abs(sampled_inverses(draws) - exact) < 4 * stderr).all()
    assert sampled_inverses([[0.0, np.inf], [1.0, 2.0]]).tolist() == [np.inf, 0.25]


def test_bad_input_to_inverses():
    with pytest.raises(InputError, match="workers is 0"):
        expected_inverses(stats.expon(), 0)
    with pytest.raises(InputError, match="a time is at least 0"):
        expected_inverses(stats.norm(), 2)
    with pytest.raises(InputError, match="times holds -1"):
        sampled_inverses([[1.0, -1.0], [1.0, 2.0]])
    with pytest.raises(InputError, match="NaN"):
        sampled_inverses([[1.0, np.nan], [1.0, 2.0]])
