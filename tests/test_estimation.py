"""Fitted models: known parameters come back, the true model is among the best."""

import numpy as np
import pytest
from scipy import stats

from gcopt.delays import MODELS, Delay
from gcopt.estimation import kolmogorov, match_unit_time, rank_models

TRUE = [
    Delay("exponential", {"rate": 0.1}),
    Delay("shifted-exponential", {"rate": 1e-3, "shift": 50.0}),
    Delay("weibull", {"shape": 0.7, "scale": 3.0}),
    Delay("weibull", {"shape": 3.0, "scale": 3.0, "shift": 5.0}),
    Delay("pareto", {"shape": 1.5, "scale": 3.0}),
    Delay("lognormal", {"sigma": 0.5, "scale": 2.0}),
    Delay("lognormal", {"sigma": 0.7, "scale": 2.0, "shift": 5.0}),
    Delay("gamma", {"shape": 3.0, "scale": 1.0}),
    Delay("generalized-extreme-value", {"shape": 0.35, "location": 0.64, "scale": 0.05}),
    Delay("generalized-extreme-value", {"shape": -0.2, "location": 10.0, "scale": 1.0}),
]
SIZE = 5000


@pytest.mark.parametrize("true", TRUE, ids=str)
def test_known_parameters_come_back(true):
    ranking = rank_models(true.sample((SIZE,), np.random.default_rng(1)))
    same = [c for c in ranking if c.delay.model == true.model]
    found = min(same, key=lambda c: abs(c.delay.mean - true.mean)).delay
    for name, value in true.parameters.items():
        scale = max(abs(value), 0.1 * true.ppf(0.5)) if name in ("shift", "scale", "location") else max(abs(value), 0.5)
        assert found.parameters[name] == pytest.approx(value, abs=0.15 * scale)
    assert ranking[0].distance < 1.36 / np.sqrt(SIZE)
    np.testing.assert_allclose(ranking[0].delay.ppf([0.1, 0.5, 0.9]), true.ppf([0.1, 0.5, 0.9]), rtol=0.06)


def test_a_simple_truth_is_preferred_to_a_richer_model_that_follows_the_noise():
    for seed in range(5):
        times = np.random.default_rng(seed).exponential(2.0, 1000)
        assert rank_models(times)[0].delay.model == "exponential"


def test_every_model_is_tried_and_the_rest_is_in_order():
    ranking = rank_models(1.0 + np.random.default_rng(0).gamma(2.0, size=500))
    assert {c.delay.model for c in ranking} == set(MODELS)
    distances = [c.distance for c in ranking[1:]]
    assert distances == sorted(distances)


def test_constant_and_zero_times():
    (only,) = rank_models(np.full(10, 3.0))
    assert (only.delay, only.distance) == (Delay("deterministic", {"value": 3.0}), 0.0)
    assert only.to_dict()["loglikelihood"] is None
    with_zeros = rank_models(np.array([0.0, 0.0, 1.0, 2.0, 3.0, 0.5]))
    assert all(np.isfinite(c.distance) for c in with_zeros)


def test_kolmogorov_distance_is_scipys():
    times = np.sort(np.random.default_rng(0).normal(size=200))
    assert kolmogorov(times, stats.norm.cdf) == pytest.approx(stats.kstest(times, stats.norm.cdf).statistic)


@pytest.mark.parametrize(
    "true",
    [
        Delay("deterministic", {"value": 1.15}),
        Delay("lognormal", {"sigma": 0.2, "scale": 1.15}),
        Delay("shifted-exponential", {"shift": 1.0, "rate": 4.0}),
    ],
    ids=str,
)
def test_the_unit_time_is_found_under_a_random_overhead(true):
    draws = np.random.default_rng(0)
    overhead = Delay("gamma", {"shape": 40.0, "scale": 0.0125})
    idle = overhead.sample((4000,), draws)
    samples = {load: overhead.sample((4000,), draws) + load * true.sample((4000,), draws) for load in (0.5, 1.0)}
    best = match_unit_time(samples, idle, 1.0)[0]
    assert best.delay.model == true.model
    assert best.distance < 0.04
    np.testing.assert_allclose(best.delay.ppf([0.1, 0.5, 0.9]), true.ppf([0.1, 0.5, 0.9]), rtol=0.05)
