"""Measured values against exact and published ones."""

import numpy as np
import pytest

from gcopt.cluster import Cluster, Job
from gcopt.delays import Delay
from gcopt.families import block_coordinate, fractional_repetition, grouped, two_stage, uncoded
from gcopt.goal import Goal
from gcopt.objectives import bound, measure, rank

DEADLINE = 10**6.5


def published(n):
    """T = 1 + Exp(0.1) per unit of work, 40,000 parameters, 50 samples (Wang et al. 2022)."""
    return Cluster(n, Delay("shifted-exponential", {"rate": 0.1, "shift": 1.0}), job=Job(40_000, 50))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param(grouped(20, 19), 0.6872, id="single"),
        pytest.param(two_stage(20, 15, alpha=6.0), 0.6917, id="partial stragglers of Tandon et al."),
        pytest.param(block_coordinate(10, [1 / (i + 1) for i in range(10)]), 0.2894, id="logarithmic"),
    ],
)
def test_published_probabilities(code, expected):
    """Computed exactly for waiting by count; these are draws."""
    goal = Goal("completion", DEADLINE, "count")
    [found] = measure([code], published(code.workers), goal, 40_000, 0)
    assert found.stderr == pytest.approx(np.sqrt(expected * (1 - expected) / 40_000), rel=0.02)
    assert abs(found.value - expected) < 4 * found.stderr


def test_repetition_by_a_deadline():
    """Two groups of three, each done with its first: (1 - e^{-3 * 2 t})^2 when everybody does half of an Exp(1)."""
    cluster = Cluster(6, Delay("exponential", {"rate": 1.0}))
    code = fractional_repetition(6, 2)
    found, slower = measure([code, uncoded(6)], cluster, Goal("completion", 0.3), 40_000, 0)
    assert abs(found.value - (1 - np.exp(-1.8)) ** 2) < 4 * found.stderr
    assert found.expected_runtime == pytest.approx(0.25)
    assert slower.value < found.value
    by_time = measure([code], cluster, Goal(), 100, 0)[0]
    assert (by_time.value, by_time.stderr, by_time.expected_runtime) == (found.expected_runtime, 0.0, by_time.value)


def test_codes_see_the_same_draws_and_streams_differ():
    cluster = Cluster(6, Delay("exponential", {"rate": 1.0}))
    goal = Goal("completion", 0.3, seed=4)
    one, same = measure([uncoded(6), uncoded(6)], cluster, goal, 500, 0)
    assert one == same
    assert measure([uncoded(6)], cluster, goal, 500, 1)[0] != one


@pytest.mark.parametrize(("deadline", "level"), [(1e-3, 0.5), (1e3, 0.999)])
def test_equal_probabilities_are_told_apart_by_how_late(deadline, level):
    """None or all in time: the median or nearly the largest time decides; exact quantiles of a single worker."""
    cluster = Cluster(1, Delay("shifted-exponential", {"rate": 1.0, "shift": 1.0}))
    goal = Goal("completion", deadline)
    [found] = measure([uncoded(1)], cluster, goal, 100_000, 0)
    assert found.value == float(deadline > 1)
    assert 0 < found.stderr < 1e-4
    assert found.late == pytest.approx(1 - np.log(1 - level), rel=0.05)
    assert rank(goal, found) == (1 - found.value, found.late)


def test_bounds_of_certain_times():
    cluster = Cluster(4, Delay("deterministic", {"value": 2.0}))
    assert bound(cluster, Goal(), 100, 0) == 0.5
    assert bound(cluster, Goal("completion", 0.51), 100, 0) == 1.0
    assert bound(cluster, Goal("completion", 0.49), 1000, 0) < 0.01
