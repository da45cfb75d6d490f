"""Lengths and heights are two sides of one thing, and gradients prove bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcopt.solvers.diversity.levels import Levels
from gcopt.solvers.errors import InputError


@st.composite
def allocations(draw):
    n = draw(st.integers(1, 30))
    levels = Levels.of(n, draw(st.sets(st.integers(0, n - 1), min_size=1)))
    size = levels.size
    lengths = draw(st.lists(st.floats(0.0, 1e6), min_size=size, max_size=size).filter(lambda x: sum(x) > 1e-3))
    return levels, np.array(lengths)


@given(allocations())
def test_heights_and_lengths_are_inverse_and_prices_count(problem):
    levels, x = problem
    z = levels.heights(x)
    scale = x.sum()
    np.testing.assert_allclose(levels.lengths(z), x, atol=1e-9 * scale)
    assert levels.prices @ z == pytest.approx(scale, rel=1e-9)
    full = levels.spread(x)
    assert full.shape == (levels.workers,)
    # skipped diversities have no coordinates and change no height
    np.testing.assert_allclose(Levels.of(levels.workers).heights(full)[levels.diversities], z, rtol=1e-12)
    assert full.sum() == pytest.approx(scale)


def test_published_prices():
    """c_n = 1 / ((n + 1)(n + 2)), and 1 / N for the last."""
    n = np.arange(11)
    np.testing.assert_allclose(Levels.of(12).prices, np.append(1 / ((n + 1) * (n + 2)), 1 / 12), rtol=1e-14)


@given(allocations(), st.integers(0, 2**32 - 1))
def test_certificate_is_the_least_slope_over_all_allocations(problem, seed):
    levels, x = problem
    slope = np.random.default_rng(seed).random(levels.size)
    total = float(x.sum())
    bound = levels.certificate(slope, total)
    assert bound <= slope @ levels.heights(x) * (1 + 1e-12)
    corners = [slope @ levels.heights(total * unit) for unit in np.eye(levels.size)]
    assert bound == pytest.approx(min(corners), rel=1e-12)


@given(allocations())
def test_scaled_raises_what_falls(problem):
    levels, x = problem
    z = levels.scaled(x[::-1] + 0.1, 7.0)
    assert (np.diff(z) >= 0).all()
    assert levels.lengths(z).sum() == pytest.approx(7.0)


def test_some_levels_keep_their_loads():
    some = Levels.of(6).only([1, 4])
    assert some.loads.tolist() == [2.0, 5.0]
    assert some.needed.tolist() == [5, 2]
    assert some.diversities.tolist() == [1, 4]
    assert Levels.of(6, [4, 1, 4]).loads.tolist() == [2.0, 5.0]
    assert Levels.of(6).only([True, False, False, False, False, True]).diversities.tolist() == [0, 5]


@pytest.mark.parametrize("diversities", [[3], [-1], [0.5], ["1"], []])
def test_bad_diversities(diversities):
    with pytest.raises(InputError, match="integers from 0 to 2"):
        Levels.of(3, diversities)
