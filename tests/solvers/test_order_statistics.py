"""Expected order statistics: closed forms, quadrature and sampling agree."""

import numpy as np
import pytest
from scipy import stats

from gcopt.solvers.errors import InputError
from gcopt.solvers.order_statistics import (
    ExpectedOrderStatistics,
    SampledOrderStatistics,
    exponential_means,
    pareto_means,
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
