"""The published subgradient method gives the published numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcopt.solvers.diversity.levels import Levels
from gcopt.solvers.diversity.published import proportional_to_means
from gcopt.solvers.diversity.subgradient import Subgradient, _slope, project
from gcopt.solvers.errors import InputError
from gcopt.solvers.order_statistics import exponential_means

N, RATE, SHIFT, PARAMETERS = 10, 1e-3, 50.0, 2e4


def sample(rows, g):
    return SHIFT + g.exponential(1 / RATE, (rows, N))


def test_published_value():
    start = proportional_to_means(exponential_means(N, RATE, SHIFT), PARAMETERS)
    x = Subgradient(iterations=500).solve(sample, start, PARAMETERS, rng=1)
    assert x.min() >= 0
    assert x.sum() == pytest.approx(PARAMETERS)
    delays = np.sort(sample(300_000, np.random.default_rng(2)), axis=1)[:, ::-1]
    value = 50 / N * (delays * Levels.of(N).heights(x)).max(axis=1).mean()
    assert value == pytest.approx(1.1882e8, rel=3e-3)
    assert value > 1.16916e8  # the certified optimum


def test_the_seed_decides():
    small = Subgradient(iterations=3, draws=50)
    first, again, other = (small.solve(sample, np.full(N, 2e3), PARAMETERS, seed) for seed in (5, 5, 6))
    assert (first == again).all()
    assert (first != other).any()


def test_slope_is_the_derivative():
    delays = np.sort(sample(400, np.random.default_rng(0)), axis=1)[:, ::-1]
    loads, x = np.arange(1.0, N + 1), np.linspace(3.0, 1.0, N)

    def mean(x):
        return (delays * np.cumsum(loads * x)).max(axis=1).mean()

    step = 1e-7
    differences = [(mean(x + step * e) - mean(x - step * e)) / (2 * step) for e in np.eye(N)]
    np.testing.assert_allclose(_slope(delays, x, loads), differences, rtol=1e-5)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.floats(0.1, 1e6))
def test_projection_is_the_nearest_point(values, total):
    x = np.array(values)
    p = project(x, total)
    scale = np.abs(x).max() + total
    assert p.min() >= 0
    assert p.sum() == pytest.approx(total, abs=1e-9 * scale)
    # p - x is the same where p > 0, and less where p = 0 would have to fall
    moved = p - x
    assert np.ptp(moved[p > 0]) < 1e-9 * scale
    assert (moved[p == 0] >= moved[p > 0].max() - 1e-9 * scale).all()


def test_bad_input():
    with pytest.raises(InputError, match="iterations is 0"):
        Subgradient(iterations=0)
    with pytest.raises(InputError, match="shape"):
        Subgradient(draws=5).solve(lambda rows, g: np.ones((rows, 3)), [1.0, 1.0], 2.0, 0)
    with pytest.raises(InputError, match="not finite"):
        Subgradient(draws=5).solve(lambda rows, g: np.full((rows, 2), np.nan), [1.0, 1.0], 2.0, 0)
    with pytest.raises(InputError, match="start has shape"):
        Subgradient(draws=5).solve(lambda rows, g: np.ones((rows, 2)), [1.0, np.nan], 2.0, 0)
