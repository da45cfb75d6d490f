"""Allocations in closed form: identities, the numbers of the paper, and what is refused."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from gcopt.solvers.diversity.levels import Levels
from gcopt.solvers.diversity.published import (
    best_single,
    ferdinand_draper,
    logarithmic,
    proportional_to_inverses,
    proportional_to_means,
    single,
    tandon_partial,
)
from gcopt.solvers.errors import InputError
from gcopt.solvers.order_statistics import expected_inverses, exponential_means

PARAMETERS = 2e4
SAMPLES = 50


@cache
def delays(workers, rate, shift, count=200_000):
    """T_(N-n) for n = 0..N-1 of `count` iterations, shape (N, count) (Renyi's representation)."""
    draws = np.random.default_rng(7).standard_exponential((count, workers)) / np.arange(workers, 0, -1)
    return np.ascontiguousarray((shift + np.cumsum(draws, axis=1) / rate).T[::-1])


def times(x, rate, shift):
    # only the first level of each height can be the last to finish
    used, heights = np.flatnonzero(x), Levels.of(x.size).heights(x)
    last = np.zeros(200_000)
    for n in used:
        np.maximum(last, delays(x.size, rate, shift)[n] * heights[n], out=last)
    return last * SAMPLES / x.size


def runtime(x, rate):
    t = times(x, rate, 50.0)
    return t.mean(), t.std() / np.sqrt(t.size)


def completion(x, log_deadline):
    t = times(x, 0.1, 1.0)
    share = (t <= 10**log_deadline).mean()
    return share, np.sqrt(share * (1 - share) / t.size)


def agrees(found, expected, digits=5e-5):
    value, stderr = found
    return abs(value - expected) < 3 * stderr + digits * expected


@pytest.mark.parametrize(
    ("workers", "rate", "means", "inverses", "one", "partial"),
    [
        (10, 1e-3, 1.3057e8, 1.2756e8, 1.5000e8, 1.9757e8),
        (20, 1e-3, 7.8853e7, 7.8438e7, 1.0000e8, 1.4074e8),
        (50, 1e-3, 4.4015e7, 4.4289e7, 7.0000e7, 7.9719e7),
        (20, 10**-3.4, 1.6909e8, 1.6181e8, 1.7559e8, 3.4892e8),
        (20, 10**-2.6, 3.9429e7, 3.9671e7, 6.9905e7, 5.7852e7),
    ],
)
def test_expected_runtimes(workers, rate, means, inverses, one, partial):
    t = exponential_means(workers, rate, 50.0)
    assert agrees(runtime(proportional_to_means(t, PARAMETERS), rate), means)
    f = expected_inverses(stats.expon(50.0, 1 / rate), workers)
    assert agrees(runtime(proportional_to_inverses(f, PARAMETERS), rate), inverses)
    assert agrees(runtime(best_single(t, PARAMETERS), rate), one)
    splits = [tandon_partial(s, 6.0, workers, PARAMETERS) for s in range(workers)]
    assert agrees(min(runtime(x, rate) for x in splits), partial)


@pytest.mark.parametrize(
    ("workers", "log_deadline", "log", "one", "partial"),
    [(20, 6.5, 0.7115, 0.6872, 0.6917), (20, 6.7, 0.9957, 0.9508, 0.9740), (10, 6.5, 0.2894, 0.4407, 0.3250)],
)
def test_completion_probabilities(workers, log_deadline, log, one, partial):
    assert agrees(completion(logarithmic(workers, 4e4), log_deadline), log, 1e-4)
    singles = [completion(single(n, workers, 4e4), log_deadline) for n in range(workers)]
    assert agrees(max(singles), one, 1e-4)
    splits = [completion(tandon_partial(s, 6.0, workers, 4e4), log_deadline) for s in range(workers)]
    assert agrees(max(splits), partial, 1e-4)


def test_completion_of_the_means():
    t = exponential_means(20, 0.1, 1.0)
    assert agrees(completion(proportional_to_means(t, 4e4), 6.5), 0.9863, 1e-4)


def test_means_are_the_published_formula():
    n, total = 7, 100.0
    t = exponential_means(n, 0.3, 2.0)  # t[k - 1] = t_k
    i = np.arange(1, n)
    m = total / ((1 / (i * (i + 1) * t[n - i])).sum() + 1 / (n * t[0]))
    expected = np.append(m / t[-1], m / (i + 1) * (1 / t[n - i - 1] - 1 / t[n - i]))
    np.testing.assert_allclose(proportional_to_means(t, total), expected, rtol=1e-12)


@given(st.lists(st.floats(0.01, 100.0), min_size=1, max_size=30), st.floats(0.5, 1e6))
def test_all_levels_finish_together_at_the_means(gaps, total):
    t = np.cumsum(gaps)
    x = proportional_to_means(t, total)
    assert x.sum() == pytest.approx(total)
    finish = Levels.of(t.size).heights(x) * t[::-1]
    np.testing.assert_allclose(finish, finish[0], rtol=1e-9)
    np.testing.assert_allclose(proportional_to_inverses(1 / t, total), x, rtol=1e-9, atol=1e-12 * total)


def test_logarithmic_spends_the_same_on_every_level():
    np.testing.assert_allclose(logarithmic(20, 4e4) * np.arange(1, 21), 4e4 / sum(1 / i for i in range(1, 21)))


def test_best_single_beats_every_other_and_ignores_what_never_ends():
    t = np.array([1.0, 1.1, 2.0, np.inf])
    assert best_single(t, 1.0).argmax() == 2
    assert best_single(exponential_means(20, 1e-3, 50.0), 1.0).tolist() == single(19, 20, 1.0).tolist()


@pytest.mark.parametrize("stragglers", [0, 1, 6, 9])
def test_partial_heights(stragglers):
    alpha, total = 6.0, 50.0
    heights = Levels.of(10).heights(tandon_partial(stragglers, alpha, 10, total))
    early = (stragglers + 1) * total / (stragglers + alpha)
    np.testing.assert_allclose(heights, [early if n < stragglers else alpha * early for n in range(10)])


def least_share(diversity):
    return ((diversity + 1) / np.arange(1, diversity.size + 1)).min()


@pytest.mark.parametrize(("layers", "workers", "total"), [(30, 4, 60.0), (20, 8, 60.0), (60, 5, 60.0), (12, 20, 200.0)])
def test_layers_reach_the_optimum_of_their_linear_program(layers, workers, total):
    from gcopt.solvers.diversity.published import _layer_diversities

    found = _layer_diversities(layers, workers, layers * workers - total)
    assert found.sum() == pytest.approx(layers * workers - total)
    assert (np.diff(found) >= -1e-9).all()
    assert found[0] >= 1
    assert found[-1] <= workers - 1
    above = np.eye(layers)
    program = optimize.linprog(
        [0.0] * layers + [-1.0],
        A_ub=np.vstack(
            [
                np.column_stack([-above / np.arange(1, layers + 1)[:, None], np.ones(layers)]),
                np.column_stack([(above - np.eye(layers, k=1))[:-1], np.zeros(layers - 1)]),
            ]
        ),
        b_ub=np.append(1 / np.arange(1, layers + 1), np.zeros(layers - 1)),
        A_eq=[[1.0] * layers + [0.0]],
        b_eq=[layers * workers - total],
        bounds=[(1, workers - 1)] * layers + [(None, None)],
    )
    assert least_share(found) == pytest.approx(-program.fun, rel=1e-6)


def test_as_many_layers_as_coordinates_leave_one_diversity():
    assert ferdinand_draper(500, 6, 500.0).tolist() == single(5, 6, 500.0).tolist()
    x = ferdinand_draper(10_000, 20, PARAMETERS)
    assert x.sum() == pytest.approx(PARAMETERS)
    assert x[19] < PARAMETERS


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: proportional_to_means([1.0, np.inf], 1.0), "no E T_"),
        (lambda: proportional_to_means([0.0, 1.0], 1.0), "above 0"),
        (lambda: proportional_to_means([2.0, 1.0], 1.0), "rise with k"),
        (lambda: proportional_to_means([np.nan, 1.0], 1.0), "NaN"),
        (lambda: proportional_to_inverses(expected_inverses(stats.expon(), 3), 1.0), "k = 1: .*no shift"),
        (lambda: proportional_to_inverses([1.0, 2.0], 1.0), "fall with k"),
        (lambda: best_single([np.inf, np.inf], 1.0), "infinite for every k"),
        (lambda: logarithmic(0, 1.0), "workers is 0"),
        (lambda: single(3, 3, 1.0), "level is 3; from 0 to 2"),
        (lambda: tandon_partial(3, 6.0, 3, 1.0), "stragglers is 3"),
        (lambda: tandon_partial(1, 0.5, 3, 1.0), "alpha is 0.5"),
        (lambda: tandon_partial(1, np.nan, 3, 1.0), "alpha is nan"),
        (lambda: ferdinand_draper(3, 4, 12.0), "from 4 to 12"),
        (lambda: ferdinand_draper(13, 4, 12.0), "from 4 to 12"),
        (lambda: ferdinand_draper(3, 1, 3.0), "workers >= 2"),
        (lambda: single(0, 3, np.nan), "total is nan"),
        (lambda: logarithmic(3, 0.0), "total is 0"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call()
