"""Orders of processing: the metric against every way to stop, the search against every order, the bound never above."""

from itertools import combinations, permutations, product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcopt.solvers import _ordering_kernels as kernels
from gcopt.solvers.errors import InputError
from gcopt.solvers.ordering import Ordering, worst_work
from gcopt.solvers.result import Status


def ring(n, d):
    return np.array([[(i - j) % n < d for i in range(n)] for j in range(n)], dtype=float)


def one_by_one(n, d):
    return [[(j + t) % n for t in range(d)] for j in range(n)]


def enumerated(order, k, blocks):
    """One more than the most that can be processed while some chunk has too few copies."""
    worst = 0
    for progress in product(*(range(len(mine) + 1) for mine in order)):
        done = [i for mine, p in zip(order, progress, strict=True) for i in mine[:p]]
        if min(done.count(i) for i in range(k)) < blocks:
            worst = max(worst, sum(progress))
    return worst + 1


@pytest.mark.parametrize(("blocks", "matched", "by_number"), [(1, 10, 13), (2, 13, 14)])
def test_the_ring_of_five(blocks, matched, by_number):
    assert worst_work(ring(5, 3), one_by_one(5, 3), blocks=blocks).max() == matched
    ascending = [sorted(mine) for mine in one_by_one(5, 3)]
    assert worst_work(ring(5, 3), ascending, blocks=blocks).max() == by_number
    best = min(
        worst_work(ring(5, 3), order, blocks=blocks).max()
        for order in product(*(list(permutations(mine)) for mine in one_by_one(5, 3)))
    )
    found = Ordering(blocks=blocks).solve(ring(5, 3), rng=0)
    assert found.value == found.bound == best == matched
    assert found.status is Status.OPTIMAL


@st.composite
def assignments(draw, workers, chunks):
    n, k = draw(st.integers(2, workers)), draw(st.integers(1, chunks))
    held = np.array(draw(st.lists(st.lists(st.booleans(), min_size=k, max_size=k), min_size=n, max_size=n)))
    held[draw(st.integers(0, n - 1))] |= ~held.any(axis=0)
    return held, draw(st.integers(1, int(held.sum(axis=0).min())))


@settings(max_examples=60, deadline=None)
@given(assignments(4, 4), st.randoms(use_true_random=False))
def test_the_metric_is_the_worst_way_to_stop(case, shuffle):
    held, blocks = case
    order = [np.flatnonzero(row).tolist() for row in held]
    for mine in order:
        shuffle.shuffle(mine)
    assert worst_work(held, order, blocks=blocks).max() == enumerated(order, held.shape[1], blocks)


@settings(max_examples=40, deadline=None)
@given(assignments(4, 3))
def test_bound_best_order_value(case):
    held, blocks = case
    orders = product(*(list(permutations(np.flatnonzero(row).tolist())) for row in held))
    best = min(worst_work(held, order, blocks=blocks).max() for order in orders)
    found = Ordering(blocks=blocks, restarts=16, steps=40_000).solve(held, rng=0)
    assert found.bound <= best <= found.value <= best + 1  # annealing hardly ever misses, and promises nothing
    assert worst_work(held, found.order, blocks=blocks).max() == found.value


def incidence(degree, nodes, seed=0):
    return np.array(nx.incidence_matrix(nx.random_regular_graph(degree, nodes, seed=seed)).todense()) != 0


@pytest.mark.parametrize(
    ("held", "method"),
    [
        (nx.to_numpy_array(nx.petersen_graph()), "perfect matchings"),
        (ring(60, 9), "perfect matchings"),
        (incidence(4, 9).T, "perfect matchings"),
        (incidence(4, 9), "perfect matchings of pairs"),
        (incidence(6, 20, 3), "perfect matchings of pairs"),
        (np.kron(incidence(6, 7), np.ones((2, 1))), "perfect matchings of pairs"),
    ],
)
def test_where_all_are_alike_matchings_reach_the_average(held, method):
    found = Ordering(restarts=0).solve(held)
    n, d, c = len(held), int((held != 0)[0].sum()), int((held != 0)[:, 0].sum())
    assert (found.status, found.method) == (Status.OPTIMAL, method)
    assert set(worst_work(held, found.order).tolist()) == {1 + n * d - c * (d + 1) // 2}


def test_with_blocks_matchings_are_not_always_best():
    start, found = (Ordering(blocks=2, restarts=r).solve(ring(20, 8), rng=0) for r in (0, 4))
    assert (start.value, start.status) == (133, Status.FEASIBLE)
    assert (found.value, found.bound, found.method) == (132, 132, "simulated annealing")


def test_the_densest_part_bounds_the_whole():
    """Three chunks that two workers share with nobody, beside a ring in which everything is easier."""
    held = np.zeros((12, 13))
    held[:10, :10] = ring(10, 5)
    held[10:, 10:] = 1
    found = Ordering().solve(held, rng=0)
    # two orders of three chunks leave 4 undone on average, and the workers of the ring are all that counts besides
    assert (found.value, found.bound) == (1 + 56 - 4, 1 + 56 - 4)
    everything = 1 + 56 - (10 * 15 + 2 * 6) / 13
    assert everything < found.value - 7


def test_equal_seeds_give_equal_orders():
    held = np.random.default_rng(0).random((12, 17)) < 0.4
    first, again = (Ordering(blocks=2).solve(held, rng=5) for _ in range(2))
    assert first.order == again.order
    assert (first.seed, first.value) == (5, again.value)


def test_the_kernel_is_plain_python_as_well(monkeypatch):
    compiled = Ordering(blocks=2, restarts=1, steps=2000).solve(ring(20, 8), rng=1)
    monkeypatch.setattr(kernels, "largest_sum", kernels.largest_sum.py_func)
    monkeypatch.setattr(kernels, "shortfall", kernels.shortfall.py_func)
    monkeypatch.setattr(kernels, "anneal", kernels.anneal.py_func)
    plain = Ordering(blocks=2, restarts=1, steps=2000).solve(ring(20, 8), rng=1)
    assert (plain.value, plain.order) == (compiled.value, compiled.order)
    left = np.array([3.0, 1.0, 2.0, 2.0])
    for extra in range(3):
        slack = sum(sorted(left[1:])[: 3 - extra])
        short = kernels.shortfall(left, 1, 4, extra, 7.0, np.empty(3))
        assert short == (7.0 - slack) ** 2


@pytest.mark.parametrize("pairs", list(combinations([1, 2, 3], 2)))
def test_more_copies_need_more_work(pairs):
    fewer, more = (Ordering(blocks=blocks, restarts=1).solve(ring(7, 4), rng=0) for blocks in pairs)
    assert fewer.value < more.value


@pytest.mark.parametrize(
    ("options", "held", "message"),
    [
        ({"blocks": 0}, ring(5, 3), "blocks is 0; 1 or more"),
        ({"seconds": 0.0}, ring(5, 3), "seconds is 0.0"),
        ({"seconds": float("nan")}, ring(5, 3), "seconds is nan"),
        ({"restarts": -1}, ring(5, 3), "restarts, steps are -1"),
        ({"blocks": 4}, ring(5, 3), "blocks is 4 and chunk 0 is on 3 workers"),
        ({}, [1.0, 2.0], r"shape \(2,\)"),
        ({}, [[np.nan]], "NaN"),
        ({}, np.zeros((2, 2)), "chunk 0 is on 0 workers"),
    ],
)
def test_the_impossible_is_refused(options, held, message):
    with pytest.raises(InputError, match=message):
        Ordering(**options).solve(held)


@pytest.mark.parametrize(
    ("order", "message"),
    [([[0, 1]], "order has 1 entries"), ([[0, 1], [0, 0]], r"order\[1\] is \[0, 0\]; each of \[0, 1\] once")],
)
def test_an_order_must_be_one_of_what_is_held(order, message):
    with pytest.raises(InputError, match=message):
        worst_work(np.ones((2, 2)), order)
