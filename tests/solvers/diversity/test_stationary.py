"""The published successive convex approximation: its random members of K, its estimate, where it lands."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from gcopt.solvers.diversity import stationary
from gcopt.solvers.diversity.levels import Levels
from gcopt.solvers.diversity.published import logarithmic, single
from gcopt.solvers.diversity.stationary import Stationary, draw_members
from gcopt.solvers.errors import GcoptWarning, InputError


def members(n):
    every = itertools.product(range(n + 1), repeat=n)
    return [k for k in every if sum(k) == n and all(sum(k[:j]) <= j for j in range(1, n))]


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_members_are_drawn_uniformly(n):
    drawn = Counter(map(tuple, draw_members(20_000, n, np.random.default_rng(n)).tolist()))
    assert set(drawn) == set(members(n))
    assert len(drawn) == math.comb(2 * n, n) // (n + 1)
    if n > 1:
        assert stats.chisquare(list(drawn.values())).pvalue > 1e-3


def test_large_members_obey_the_limits():
    k = draw_members(500, 60, np.random.default_rng(0))
    assert k.min() >= 0
    assert (np.cumsum(k, axis=1)[:, :-1] <= np.arange(1, 60)).all()
    assert (k.sum(axis=1) == 60).all()


def completion(x, rate, shift, deadline, count=200_000):
    n = x.size
    draws = np.random.default_rng(9).standard_exponential((count, n)) / np.arange(n, 0, -1)
    delays = (shift + np.cumsum(draws, axis=1) / rate)[:, ::-1]
    return ((delays * Levels.of(n).heights(x)).max(axis=1) <= deadline).mean()


def test_the_sum_over_members_is_the_probability():
    n, rate, shift, deadline = 4, 0.5, 0.2, 12.0
    x = np.array([1.0, 0.5, 0.7, 0.4])
    u = stationary._logs(rate * deadline / Levels.of(n).heights(x), rate * shift)
    k = np.array(members(n))
    weights = [math.factorial(n) / math.prod(map(math.factorial, row)) for row in k.tolist()]
    terms = np.array(weights) * np.exp(k @ u)
    assert math.exp(n * rate * shift) * terms.sum() == pytest.approx(completion(x, rate, shift, deadline), abs=4e-3)
    # the gradient over all members, each once, is what uniform draws estimate
    np.testing.assert_allclose(stationary._slope(k, u), terms @ k, rtol=1e-10)


def test_it_lands_between_its_start_and_the_optimum():
    n, rate, shift, deadline = 20, 0.1, 1.0, 10**6.5 * 20 / 50
    start = logarithmic(n, 4e4)
    x = Stationary().solve(n, 4e4, rate, shift, deadline, start, rng=3)
    assert x.min() >= 0
    assert x.sum() == pytest.approx(4e4)
    assert completion(start, rate, shift, deadline) < 0.72
    assert 0.88 < completion(x, rate, shift, deadline) < 0.98


def test_starts_with_empty_levels_work():
    x = Stationary(iterations=5, draws=50).solve(5, 10.0, 1.0, 0.1, 40.0, single(4, 5, 10.0), rng=0)
    assert x.sum() == pytest.approx(10.0)
    assert np.isfinite(x).all()


def test_one_worker_has_no_choice():
    assert Stationary().solve(1, 3.0, 1.0, 0.0, 9.0, [3.0], rng=0).tolist() == [3.0]


def test_a_failing_convex_solver_ends_the_search_with_a_warning(monkeypatch):
    real = stationary._Subproblem.solve
    left = [2]

    def failing(self, *where):
        left[0] -= 1
        return real(self, *where) if left[0] >= 0 else None

    two = Stationary(iterations=2, draws=20).solve(3, 5.0, 1.0, 0.1, 20.0, logarithmic(3, 5.0), rng=0)
    monkeypatch.setattr(stationary._Subproblem, "solve", failing)
    with pytest.warns(GcoptWarning, match="stopped after 2 of 9 iterations"):
        stopped = Stationary(iterations=9, draws=20).solve(3, 5.0, 1.0, 0.1, 20.0, logarithmic(3, 5.0), rng=0)
    assert stopped.tolist() == two.tolist()


def test_bad_input():
    start = logarithmic(3, 5.0)
    with pytest.raises(InputError, match="draws 0"):
        Stationary(draws=0)
    with pytest.raises(InputError, match="probability 0"):
        Stationary().solve(3, 5.0, 1.0, 2.0, 6.0, start)
    with pytest.raises(InputError, match="rate is nan"):
        Stationary().solve(3, 5.0, math.nan, 2.0, 60.0, start)
    with pytest.raises(InputError, match="shift is -1"):
        Stationary().solve(3, 5.0, 1.0, -1.0, 60.0, start)
    with pytest.raises(InputError, match="start has shape"):
        Stationary().solve(4, 5.0, 1.0, 0.1, 60.0, start)
