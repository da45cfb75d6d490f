"""Delay models: scipy's distributions under our names, drawn fast and never negative."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gcopt.delays import MODELS, Delay, models_table
from gcopt.errors import InputError

EXAMPLES = [
    Delay("exponential", {"rate": 2.0}),
    Delay("shifted-exponential", {"rate": 2.0, "shift": 1.0}),
    Delay("weibull", {"shape": 0.7, "scale": 3.0}),
    Delay("weibull", {"shape": 2.0, "scale": 3.0, "shift": 1.0}),
    Delay("pareto", {"shape": 3.0, "scale": 2.0}),
    Delay("pareto", {"shape": 3.0, "scale": 2.0, "shift": 0.5}),
    Delay("lognormal", {"sigma": 0.5, "scale": 2.0, "shift": 0.1}),
    Delay("gamma", {"shape": 0.5, "scale": 2.0, "shift": 0.1}),
    Delay("generalized-extreme-value", {"shape": 0.349, "location": 0.636, "scale": 0.05}),
    Delay("generalized-extreme-value", {"shape": -0.2, "location": 1.0, "scale": 0.1}),
    Delay("generalized-extreme-value", {"shape": 0.0, "location": 1.0, "scale": 0.1}),
]
each = pytest.mark.parametrize("delay", EXAMPLES, ids=str)


@each
def test_draws_follow_the_distribution(delay):
    draws = delay.sample((20_000,), np.random.default_rng(0))
    assert stats.kstest(draws, delay.cdf).pvalue > 1e-3


@each
def test_quantiles_invert_the_distribution_function(delay):
    levels = np.linspace(0.01, 0.99, 25)
    np.testing.assert_allclose(delay.cdf(delay.ppf(levels)), levels, rtol=1e-9)
    np.testing.assert_allclose(delay.isf(1.0 - levels), delay.ppf(levels), rtol=1e-9)


@each
def test_the_mean_is_the_integral_of_the_quantiles(delay):
    levels = (np.arange(1_000_000) + 0.5) / 1e6
    assert delay.ppf(levels).mean() == pytest.approx(delay.mean, rel=1e-3)


@each
def test_scaling_scales_quantiles(delay):
    np.testing.assert_allclose(delay.scaled(2.5).ppf([0.1, 0.9]), 2.5 * delay.ppf([0.1, 0.9]))


@each
def test_delays_are_values(delay):
    again = pickle.loads(pickle.dumps(delay))
    assert again == delay
    assert hash(again) == hash(delay)
    assert delay != Delay("deterministic", {"value": 1.0})
    with pytest.raises(TypeError):
        delay.parameters["rate"] = 3.0


def test_parameters_are_those_of_scipy():
    q = [0.2, 0.7]
    assert Delay("exponential", {"rate": 4.0}).ppf(q) == pytest.approx(stats.expon(scale=0.25).ppf(q))
    assert Delay("weibull", {"shape": 2, "scale": 3}).ppf(q) == pytest.approx(stats.weibull_min(2, scale=3).ppf(q))
    extreme = Delay("generalized-extreme-value", {"shape": 0.3, "location": 1.0, "scale": 0.1})
    assert extreme.ppf(q) == pytest.approx(stats.genextreme(-0.3, 1.0, 0.1).ppf(q))


def test_constant():
    delay = Delay("deterministic", {"value": 2.0})
    assert delay.sample((3, 2), np.random.default_rng()).tolist() == [[2.0, 2.0]] * 3
    assert delay.mean == 2.0
    assert delay.cdf([1.9, 2.0]).tolist() == [0.0, 1.0]
    assert delay.ppf([0.0, 0.5]).tolist() == [2.0, 2.0]


def test_no_mean_is_infinite():
    assert Delay("pareto", {"shape": 1.0, "scale": 1.0}).mean == np.inf
    assert Delay("generalized-extreme-value", {"shape": 1.2, "location": 9.0, "scale": 1.0}).mean == np.inf


def test_what_reaches_below_zero_is_cut_off_there():
    delay = Delay("generalized-extreme-value", {"shape": 0.0, "location": 1.95, "scale": 1.0})
    draws = delay.sample((1_000_000,), np.random.default_rng(0))
    assert draws.min() == 0.0
    assert delay.cdf(-1e-9) == 0.0
    assert delay.ppf(1e-9) == 0.0
    uncut = 1.95 + np.euler_gamma
    assert uncut < delay.mean < uncut + 1e-3
    assert abs(draws.mean() - delay.mean) < 5 * draws.std() / 1e3


@pytest.mark.parametrize(
    ("model", "parameters", "words"),
    [
        ("exponentail", {"rate": 1.0}, "one of shifted-exponential"),
        ("exponential", {}, "exponential needs rate; it takes rate"),
        ("exponential", {"rate": 0.0}, "rate is 0.0; a positive number"),
        ("exponential", {"rate": float("nan")}, "rate is nan"),
        ("exponential", {"rate": float("inf")}, "rate is inf; a finite number"),
        ("exponential", {"rate": "fast"}, "rate is 'fast'"),
        ("exponential", {"rate": True}, "rate is True"),
        ("exponential", {"rate": 1.0, "shift": 1.0}, "no parameter 'shift'; it takes rate"),
        ("shifted-exponential", {"rate": 1.0, "shift": -1.0}, "shift is -1.0; a number of at least 0"),
        ("weibull", {"shape": 1.0, "scale": -1.0}, "scale is -1.0; a positive number"),
        ("weibull", {"shape": 1.0}, "weibull needs scale; it takes shape, scale and optionally shift"),
        ("deterministic", {"value": -1.0}, "value is -1.0; a number of at least 0"),
        ("generalized-extreme-value", {"shape": 0.0, "location": 0.0, "scale": 1.0}, "negative with probability 0.368"),
    ],
)
def test_impossible_parameters(model, parameters, words):
    with pytest.raises(InputError, match=words):
        Delay(model, parameters)


def test_the_table_lists_every_model():
    table = models_table()
    assert [row[0] for row in table] == list(MODELS)
    assert ("lognormal", "sigma, scale and optionally shift") in [row[:2] for row in table]


@given(st.sampled_from(EXAMPLES), st.integers(0, 2**32))
def test_draws_repeat_and_are_never_negative(delay, seed):
    first, again = (delay.sample((5, 3), np.random.default_rng(seed)) for _ in range(2))
    assert (first == again).all()
    assert (first >= 0.0).all()
