"""The relaxed optimum: the published numbers, and certificates that hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from gcopt.solvers.diversity.descent import Descent
from gcopt.solvers.diversity.levels import Levels
from gcopt.solvers.diversity.objectives import ExactRuntime, SampledRuntime
from gcopt.solvers.diversity.search import Certifier, minimise


def delays_of(workers, rows, seed, spread=1.0):
    rng = np.random.default_rng(seed)
    drawn = 0.1 + rng.exponential(1.0 + spread * rng.random(workers), (rows, workers))
    return np.ascontiguousarray(np.sort(drawn, axis=1)[:, ::-1])


def by_linear_program(delays, levels, total):
    """Minimise the mean of t over x >= 0 with t >= D_i z_i in every row; sum x = total."""
    rows, k = delays.shape
    heights = np.tril(np.ones((k, k))) * levels.loads
    above = np.vstack([np.column_stack([delays[:, i : i + 1] * heights[i], -np.eye(rows)]) for i in range(k)])
    found = optimize.linprog(
        np.append(np.zeros(k), np.full(rows, 1 / rows)),
        A_ub=above,
        b_ub=np.zeros(len(above)),
        A_eq=np.append(np.ones(k), np.zeros(rows))[None, :],
        b_eq=[total],
    )
    return found.fun


@pytest.mark.parametrize(("workers", "rows", "seed"), [(1, 3, 0), (2, 5, 1), (5, 60, 2), (8, 200, 3), (8, 200, 4)])
def test_sample_averages_against_the_linear_program(workers, rows, seed):
    levels, delays = Levels.of(workers), delays_of(workers, rows, seed)
    expected = by_linear_program(delays, levels, 100.0)
    found = minimise(SampledRuntime(delays), levels, 1 / delays.mean(axis=0), 100.0, tolerance=1e-4)
    assert found.bound <= expected * (1 + 1e-9)
    assert expected * (1 - 1e-9) <= found.value <= expected * 1.01
    assert levels.prices @ found.heights == pytest.approx(100.0)
    assert (np.diff(found.heights) >= 0).all()


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40)
def test_no_allocation_beats_the_bound(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 16))
    levels = Levels.of(n, rng.choice(n, rng.integers(1, n + 1), replace=False).tolist())
    distribution = [stats.expon(0.3), stats.expon(), stats.weibull_min(0.6, 0.1), stats.pareto(2.5)][seed % 4]
    runtime = ExactRuntime(distribution, levels)
    found = minimise(runtime, levels, rng.random(levels.size) + 0.1, 50.0, evaluations=int(rng.integers(1, 40)))
    assert found.bound <= found.value * (1 + 1e-9)
    precise = ExactRuntime(distribution, levels, nodes=24)
    tries = [50.0 * rng.dirichlet(np.full(levels.size, a)) for a in (0.05, 0.3, 1.0, 5.0)]
    near = levels.lengths(found.heights) * rng.lognormal(0, 0.02, levels.size)
    for x in (*tries, near * 50.0 / near.sum()):
        assert precise(levels.heights(x))[0] >= found.bound * (1 - 1e-7)


@pytest.mark.parametrize(
    "distribution",
    [
        stats.expon(7.0),
        stats.weibull_min(0.6, 1.0),
        stats.gamma(0.4, 0.1, 3.0),
        stats.genextreme(-0.3, 20.0, 1.0),
        stats.pareto(2.5),
        stats.lognorm(1.5),
        stats.uniform(1.0, 1.0),
    ],
    ids=["shifted", "weibull", "gamma", "extreme", "pareto", "lognormal", "uniform"],
)
def test_other_delays_are_certified_too(distribution):
    levels = Levels.of(20)
    medians = distribution.ppf((levels.needed - 0.4) / 20.2)
    found = minimise(ExactRuntime(distribution, levels), levels, 1 / medians, 1000.0, tolerance=5e-5)
    assert 0 <= found.value / found.bound - 1 <= 5e-5
    again = minimise(ExactRuntime(distribution, levels, nodes=24), levels, found.heights, 1000.0, tolerance=1e-5)
    assert found.bound <= again.value
    assert again.bound <= found.value


def test_at_the_optimum_shares_of_time_are_shares_of_the_budget():
    """block-coordinate structure: q_n = g_n z_n / f equals r_n = c_n z_n / L."""
    levels = Levels.of(20)
    runtime = ExactRuntime(stats.expon(50.0, 1000.0), levels, nodes=16)
    found = minimise(runtime, levels, 1 / np.arange(1.0, 21.0)[::-1], 2e4, tolerance=1e-7)
    value, slope = runtime(found.heights)
    np.testing.assert_allclose(slope * found.heights / value, levels.prices * found.heights / 2e4, rtol=1e-3)


def test_averages_of_gradients_prove_more_than_each():
    levels, delays = Levels.of(4), delays_of(4, 30, 5)
    certifier = Certifier(SampledRuntime(delays), levels, 10.0)
    rng = np.random.default_rng(0)
    found = minimise(SampledRuntime(delays), levels, np.ones(4), 10.0, tolerance=1e-3)
    for _ in range(10):
        certifier(levels.scaled(found.heights * rng.lognormal(0, 0.05, 4), 10.0))
    single = certifier.bound
    certifier.combine()
    assert single < certifier.bound <= by_linear_program(delays, levels, 10.0) * (1 + 1e-9)


def test_stops_where_it_is_told():
    levels, runtime = Levels.of(30), ExactRuntime(stats.expon(), Levels.of(30))
    start = np.linspace(1.0, 30.0, 30)
    assert minimise(runtime, levels, start, 1.0, evaluations=7).evaluations <= 8
    assert minimise(runtime, levels, start, 1.0, enough=lambda value, bound: bound > 0).evaluations <= 3
    assert minimise(runtime, levels, start, 1.0, seconds=0.0).evaluations <= 2
    for tolerance in (0.1, 1e-3):
        found = minimise(runtime, levels, start, 1.0, tolerance=tolerance)
        assert found.value / found.bound - 1 <= tolerance


def test_descent_finds_a_minimum_on_the_simplex():
    """sum a_i / y_i with sum y = 1 is least at y_i proportional to sqrt(a_i)."""
    a = np.array([1.0, 4.0, 9.0, 100.0])

    def objective(y):
        return float((a / y).sum()), -a / y**2

    y, value = Descent().solve(objective, np.ones(4), np.ones(4), 1.0)
    np.testing.assert_allclose(y, np.sqrt(a) / np.sqrt(a).sum(), rtol=1e-4)
    assert value == pytest.approx(np.sqrt(a).sum() ** 2, rel=1e-8)
    assert y.sum() == pytest.approx(1.0)
