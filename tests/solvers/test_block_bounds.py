"""Bounds for messages m times shorter: below every code of tiny size, and equal to what is published."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcopt.solvers import load_bounds
from gcopt.solvers.block_bounds import (
    expected_loss,
    expected_missing,
    fixed_bound,
    mean_bound,
    mean_bound_independent,
    unbiased_bound,
    worst_bound,
)
from gcopt.solvers.errors import InputError
from tests.helpers import least_squares, straggler_sets


def test_numbers_of_the_paper():
    fano = [3] * 7
    assert [round(mean_bound(fano, 7, 2, s), 9) for s in range(7)] == [0, 0, 1, 2.8, 5.2, 8, 11]
    # (21), which is for the worst set, is never above what is returned
    for s, published in enumerate([0, 0, 1, 2, 2, 2, 4]):
        assert worst_bound(fano, 7, 2, s) >= max(published, mean_bound(fano, 7, 2, s))
    assert [worst_bound([4] * 20, 20, 2, s) for s in (3, 5)] == [1, 2]
    plane = [10] * 91
    assert [worst_bound(plane, 91, 2, s) for s in (9, 10, 22)] == [1, 2, 4]
    assert mean_bound([10] * 90, 90, 2, 22) == pytest.approx(5.52491e-4, rel=1e-5)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.integers(1, 6), st.data())
def test_one_block_is_the_case_that_was_known(loads, k, data):
    s = data.draw(st.integers(0, len(loads)))
    q = data.draw(st.floats(0, 1))
    assert mean_bound(loads, k, 1, s) == pytest.approx(load_bounds.mean_bound(loads, k, s))
    assert worst_bound(loads, k, 1, s) == load_bounds.worst_bound(loads, k, s)
    assert mean_bound_independent(loads, k, 1, q) <= load_bounds.mean_bound_independent(loads, k, q) + 1e-9
    assert unbiased_bound(loads, k, 1, q) <= load_bounds.unbiased_bound(loads, k, q) * (1 + 1e-9)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(2, 6), st.integers(1, 5), st.integers(1, 3))
def test_no_code_is_below_the_bounds(seed, n, k, m):
    rng = np.random.default_rng(seed)
    held = rng.random((n, k)) < rng.uniform(0.3, 0.9)
    matrix = (rng.normal(size=(n, m, k)) * held[:, None, :]).reshape(n, -1)
    loads = held.sum(axis=1).tolist()
    s, q = int(rng.integers(0, n + 1)), float(rng.random())
    errors = [least_squares(matrix, lost, m)[0] for lost in straggler_sets(n, s)]
    assert worst_bound(loads, k, m, s) <= max(errors) + 1e-9
    assert mean_bound(loads, k, m, s) <= np.mean(errors) + 1e-9
    mean = 0.0
    for lost in product([False, True], repeat=n):
        mean += q ** sum(lost) * (1 - q) ** (n - sum(lost)) * least_squares(matrix, np.flatnonzero(lost), m)[0]
    assert mean_bound_independent(loads, k, m, q) <= mean + 1e-9


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 9), st.integers(1, 4), st.floats(0.01, 0.9))
def test_costs_are_convex_in_the_copies_and_without_bias_costs_more(n, m, q):
    """Convexity is what the bounds rest on: copies that are spread evenly are best."""
    mu = m - np.array([expected_missing(g, m, q) for g in range(n + 2)])
    for s in range(n + 1):
        lost = np.array([expected_loss(n, g, m, s) for g in range(n + 1)])
        assert (np.diff(lost) <= 1e-12).all()
        assert (np.diff(lost, 2) >= -1e-12).all()
    assert (np.diff(m * (m - mu[1:]) / mu[1:], 2) >= -1e-9).all()
    loads = [min(n, m + 1)] * n
    free, unbiased, fixed = (f(loads, n, m, q) for f in (mean_bound_independent, unbiased_bound, fixed_bound))
    assert free <= unbiased + 1e-9
    assert unbiased <= fixed + 1e-9


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: mean_bound([], 3, 2, 0), "loads are [] for 3 partitions"),
        (lambda: mean_bound([1, -1], 3, 2, 0), "loads are [1, -1]"),
        (lambda: mean_bound([1, 1], 3, 0, 0), "blocks is 0"),
        (lambda: worst_bound([1, 1], 3, 2, 3), "stragglers is 3; with 2 workers"),
        (lambda: mean_bound_independent([1, 1], 3, 2, 1.5), "probability is 1.5"),
        (lambda: unbiased_bound([1, 1], 3, 2, float("nan")), "probability is nan"),
    ],
)
def test_impossible_numbers_are_refused_in_one_line(call, words):
    with pytest.raises(InputError) as caught:
        call()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
