"""Bounds for a load alone: below every assignment of tiny size, and equal to what is published where that is sharp."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations, combinations_with_replacement, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcopt.bounds import BOUNDS
from gcopt.code import GradientCode
from gcopt.solvers.errors import InputError
from gcopt.solvers.load_bounds import (
    mean_bound,
    mean_bound_independent,
    second_singular_bound,
    unbiased_bound,
    worst_bound,
)
from tests.helpers import least_squares, straggler_sets
from tests.matrices import FANO, PETERSEN, circulant, plane

SIZES = [(n, k) for n in (1, 2, 3, 4) for k in (1, 2, 3, 4)]


def assignments(n, k):
    """All assignments up to the order of partitions, as a mask of holders for each partition, and their loads."""
    for masks in combinations_with_replacement(range(2**n), k):
        yield masks, tuple(sum(mask >> j & 1 for mask in masks) for j in range(n))


def lost(masks, stragglers):
    """How many partitions have stragglers only; no coefficients and no decoder can bring these back."""
    return sum(mask & ~stragglers == 0 for mask in masks)


def sets(n, s):
    return [sum(1 << j for j in chosen) for chosen in combinations(range(n), s)]


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_no_assignment_is_below_the_bounds_for_a_number_of_stragglers(n, k):
    best = defaultdict(lambda: (np.inf, np.inf))
    for masks, loads in assignments(n, k):
        for s in range(n + 1):
            counts = [lost(masks, chosen) for chosen in sets(n, s)]
            worst, mean = best[loads, s]
            best[loads, s] = min(worst, max(counts)), min(mean, np.mean(counts))
    sharp = 0
    for (loads, s), (worst, mean) in best.items():
        assert mean_bound(loads, k, s) == pytest.approx(mean)  # always attained
        assert worst_bound(loads, k, s) <= worst
        sharp += worst_bound(loads, k, s) == worst
    assert sharp >= 0.98 * len(best)


@pytest.mark.parametrize(("n", "k"), SIZES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_assignment_is_below_the_bounds_for_independent_stragglers(n, k, seed):
    rng = np.random.default_rng(seed)
    q = np.where(rng.random(n) < 0.15, rng.integers(0, 2, n), np.round(rng.random(n) ** 2, 3)) if seed else 0.3
    chances = np.broadcast_to(q, n)
    every = [float(np.prod(chances[[j for j in range(n) if mask >> j & 1]])) for mask in range(2**n)]
    best = defaultdict(lambda: (np.inf, np.inf))
    for masks, loads in assignments(n, k):
        gone = [every[mask] for mask in masks]
        unbiased = sum(p / (1 - p) if p < 1 else np.inf for p in gone)
        best[loads] = min(best[loads][0], sum(gone)), min(best[loads][1], unbiased)
    for loads, (mean, unbiased) in best.items():
        assert mean_bound_independent(loads, k, q) <= mean * (1 + 1e-12)
        assert unbiased_bound(loads, k, q) <= unbiased * (1 + 1e-12)
        if seed == 0:  # for equal workers they are attained
            assert mean_bound_independent(loads, k, q) == pytest.approx(mean)
            assert unbiased_bound(loads, k, q) == pytest.approx(unbiased)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 7), st.integers(1, 7))
def test_no_coefficients_are_below_the_bounds(seed, n, k):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, k)) * (rng.random((n, k)) < rng.uniform(0.2, 0.9))
    loads = (matrix != 0).sum(axis=1) + (rng.random(n) < 0.2)  # at most so many, more than k included
    s = int(rng.integers(0, n + 1))
    errors = [least_squares(matrix, chosen)[0] for chosen in straggler_sets(n, s)]
    assert worst_bound(loads, k, s) <= max(errors) + 1e-9
    assert mean_bound(loads, k, s) <= np.mean(errors) + 1e-9
    q = rng.random(n)
    mean = 0.0
    for answers in product([False, True], repeat=n):
        chance = np.prod(np.where(answers, 1 - q, q))
        mean += chance * least_squares(matrix, np.flatnonzero(~np.array(answers)))[0]
    assert mean_bound_independent(loads, k, q) <= mean + 1e-9


@pytest.mark.parametrize("matrix", [FANO, PETERSEN, plane(3), circulant(12, 0, 1, 2, 3)])
def test_published_bounds_of_a_regular_code_are_met(matrix):
    n, k = matrix.shape
    loads = matrix.sum(axis=1).astype(int)
    code = GradientCode.from_matrix(matrix)

    def published(name, **about):
        return BOUNDS[name].formula(code, **about)

    for s in range(n):
        assert worst_bound(loads, k, s) >= published("lost-by-load", stragglers=s)
        assert mean_bound(loads, k, s) == pytest.approx(published("lost-on-average", stragglers=s))
        assert worst_bound(loads, k, s) >= mean_bound(loads, k, s)
    for q in (0.1, 0.25, 0.6):
        gone = published("lost-independently", probability=q)
        assert mean_bound_independent(loads, k, q) == pytest.approx(gone)
        assert unbiased_bound(loads, k, q) == pytest.approx(gone / (1 - gone / k))


def test_groups_that_hold_the_same_attain_the_means():
    groups = np.kron(np.eye(4), np.ones((3, 3)))
    for s in range(13):
        errors = [least_squares(groups, chosen)[0] for chosen in straggler_sets(12, s)]
        assert mean_bound([3] * 12, 12, s) == pytest.approx(np.mean(errors), abs=1e-9)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.integers(1, 12), st.data())
def test_more_work_less_loss_and_more_stragglers_more(loads, k, data):
    n = len(loads)
    s = data.draw(st.integers(0, n))
    more = [
        d + extra
        for d, extra in zip(loads, data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)), strict=True)
    ]
    q = np.array(data.draw(st.lists(st.floats(0, 1), min_size=n, max_size=n)))
    for bound in (worst_bound, mean_bound):
        assert bound(more, k, s) <= bound(loads, k, s)
        assert bound(loads, k, max(0, s - 1)) <= bound(loads, k, s) <= bound(loads, k, n) == k
    assert 0 <= mean_bound_independent(loads, k, q) <= k
    assert unbiased_bound(loads, k, q) >= mean_bound_independent(loads, k, q) * (1 - 1e-12)
    assert mean_bound(loads, k, s) <= worst_bound(loads, k, s)


def bi_regular(n, k, d):
    """All assignments of these sizes with equal loads and equal replication, up to the order of workers."""
    rows = [np.array([float(i in held) for i in range(k)]) for held in combinations(range(k), d)]
    for chosen in combinations_with_replacement(rows, n):
        matrix = np.array(chosen)
        if len(set(matrix.sum(axis=0))) == 1:
            yield matrix


@pytest.mark.parametrize(
    ("n", "k", "d", "sharp"),
    [(4, 4, 2, True), (6, 4, 2, True), (5, 5, 2, False), (6, 3, 2, True), (4, 6, 3, True), (3, 6, 2, True)],
)
def test_no_second_singular_value_is_below_its_bound(n, k, d, sharp):
    best = min(np.linalg.svd(matrix, compute_uv=False)[1] ** 2 for matrix in bi_regular(n, k, d))
    assert second_singular_bound(n, k, d) <= best + 1e-9
    if sharp:
        assert second_singular_bound(n, k, d) == pytest.approx(best)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("n", "d"), [(8, 2), (12, 3), (20, 3), (40, 3), (15, 12)])
def test_nor_is_that_of_random_regular_assignments(n, d, seed):
    import networkx as nx

    matrix = nx.to_numpy_array(nx.random_regular_graph(d, n, seed=seed))
    assert second_singular_bound(n, n, d) <= np.linalg.svd(matrix, compute_uv=False)[1] ** 2 + 1e-9


def test_second_singular_value_of_designs_and_of_sparse_graphs():
    for q in (2, 3, 5):
        n = q * q + q + 1
        assert second_singular_bound(n, n, q + 1) == pytest.approx(q)
        assert second_singular_bound(n, n, n - q - 1) == pytest.approx(q)  # the complement
    # walks on the tree: between the mean of the spectrum, 261 / 89, and where all large graphs end, 4 (d - 1)
    assert 5.5 < second_singular_bound(90, 90, 3) < 8.0
    assert 7.0 < second_singular_bound(10**6, 10**6, 3) < 8.0
    assert [second_singular_bound(*sizes) for sizes in [(1, 1, 1), (5, 1, 1), (1, 5, 5)]] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: worst_bound([], 3, 0), "loads has shape (0,)"),
        (lambda: worst_bound([1.5], 3, 0), "type float64; integers"),
        (lambda: worst_bound([1, -1], 3, 0), "loads[1] is -1"),
        (lambda: worst_bound([1, 1], 0, 0), "partitions is 0"),
        (lambda: worst_bound([1, 1], 3, 3), "stragglers is 3; with 2 workers"),
        (lambda: mean_bound([1, 1], 3, True), "stragglers is True"),
        (lambda: mean_bound_independent([1, 1], 3, [0.1]), "or 2 of them"),
        (lambda: mean_bound_independent([1, 1], 3, [0.1, np.nan]), "probability holds nan"),
        (lambda: unbiased_bound([1, 1], 3, 1.5), "probability holds 1.5"),
        (lambda: second_singular_bound(4, 6, 2), "load is 2; one of at most 6 of which 4 times is a multiple of 6"),
        (lambda: second_singular_bound(4, 4, 5), "load is 5"),
        (lambda: second_singular_bound(4.0, 4, 2), "workers is 4.0"),
    ],
)
def test_impossible_numbers_are_refused_in_one_line(call, words):
    with pytest.raises(InputError) as caught:
        call()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
