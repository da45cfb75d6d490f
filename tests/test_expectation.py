"""Expected times against closed forms, against another way of integrating, and against simulation."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from gcopt.cluster import Cluster, Failures, Job, Network, Racks, Trace
from gcopt.code import GradientCode, Segment
from gcopt.delays import Delay
from gcopt.expectation import _too_few, expected_time
from gcopt.families import FAMILIES
from gcopt.simulation import simulate
from gcopt.solvers.order_statistics import exponential_means, pareto_means

F = FAMILIES
EXPONENTIAL = Delay("exponential", {"rate": 1.0})
MODELS = {
    "deterministic": {"value": 2.0},
    "exponential": {"rate": 0.5},
    "shifted-exponential": {"rate": 0.5, "shift": 3.0},
    "weibull": {"shape": 0.7, "scale": 2.0, "shift": 0.1},
    "pareto": {"shape": 2.5, "scale": 1.0},
    "lognormal": {"sigma": 1.2, "scale": 2.0},
    "gamma": {"shape": 3.0, "scale": 0.5},
    "generalized-extreme-value": {"shape": 0.1, "location": 5.0, "scale": 1.0},
}


def harmonic(n):
    return float(np.sum(1.0 / np.arange(1, n + 1)))


@pytest.mark.parametrize("n", [1, 2, 10, 300])
def test_uncoded_exponential_is_harmonic(n):
    assert expected_time(F["uncoded"](n), Cluster(n, EXPONENTIAL)) == pytest.approx(harmonic(n) / n, rel=1e-10)


@pytest.mark.parametrize(("n", "s"), [(4, 1), (12, 3), (12, 11), (60, 4)])
def test_repetition_groups_of_exponential_workers(n, s):
    """The least of s + 1 exponential times is exponential; the slowest of n / (s + 1) groups is harmonic."""
    groups = n // (s + 1)
    mean = (s + 1) / n * (2.0 + harmonic(groups) / (s + 1))
    cluster = Cluster(n, Delay("shifted-exponential", {"rate": 1.0, "shift": 2.0}))
    assert expected_time(F["fractional-repetition"](n, s), cluster) == pytest.approx(mean, rel=1e-10)


@pytest.mark.parametrize(("n", "s"), [(5, 0), (7, 2), (13, 4), (13, 12)])
def test_count_of_exponential_workers_is_an_order_statistic(n, s):
    mean = (s + 1) / n * exponential_means(n, 1.0)[n - s - 1]
    code = F["cyclic-repetition"](n, s, rng=0)
    for wait in ("count", "decodable"):
        assert expected_time(code, Cluster(n, EXPONENTIAL), wait=wait) == pytest.approx(mean, rel=1e-9)


@pytest.mark.parametrize("shape", [0.3, 0.45, 1.0, 1.5, 3.0])
@pytest.mark.parametrize("s", [0, 1, 3])
def test_pareto_means_also_where_they_are_infinite(shape, s):
    """E T_(n-s) is finite iff shape (s + 1) > 1."""
    n = 6
    code = F["cyclic-repetition"](n, s, rng=0)
    mean = (s + 1) / n * pareto_means(n, shape)[n - s - 1]
    found = expected_time(code, Cluster(n, Delay("pareto", {"shape": shape, "scale": 1.0})), wait="count")
    assert found == pytest.approx(mean, rel=1e-6)
    assert np.isinf(found) == (shape * (s + 1) <= 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=7), st.data())
def test_too_few_is_the_poisson_binomial_tail(late, data):
    needed = data.draw(st.integers(1, len(late)))
    total = 0.0
    for number in range(2 ** len(late)):
        missing = [bool(number >> j & 1) for j in range(len(late))]
        if len(late) - sum(missing) < needed:
            total += float(np.prod([p if lost else 1 - p for p, lost in zip(late, missing, strict=True)]))
    assert _too_few(needed, np.array(late)[:, None])[0] == pytest.approx(total, abs=1e-12)


def slow(n):
    return np.linspace(1.0, 3.0, n)


SITUATIONS = {
    "plain": {},
    "slowness": {"slowness": slow(6)},
    "overhead and network": {
        "overhead": Delay("deterministic", {"value": 0.7}),
        "network": Network(0.1, 100.0),
        "job": Job(40, 3, unit=0.01),
    },
    "stalls": {"failures": Failures(0.2, 4.0), "slowness": slow(6)},
    "constant transfer": {"transfer": Delay("deterministic", {"value": 2.0}), "failures": Failures(0.2, 4.0)},
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_simulation_agrees(model, situation):
    cluster = Cluster(6, Delay(model, MODELS[model]), **SITUATIONS[situation])
    for code in (F["uncoded"](6), F["fractional-repetition"](6, 2), F["cyclic-repetition"](6, 2, rng=0)):
        result = simulate(code, cluster, iterations=20_000, rng=1)
        assert result.expected is not None
        assert abs(result.mean - result.expected) <= 5 * result.stderr + 1e-9 * result.mean


@pytest.mark.parametrize("compute", [EXPONENTIAL, Delay("shifted-exponential", {"rate": 0.5, "shift": 3.0})])
@pytest.mark.parametrize("situation", SITUATIONS)
def test_simulation_agrees_with_exponential_transfer_times(compute, situation):
    transfer = Delay("shifted-exponential", {"rate": 1.5, "shift": 0.2})
    cluster = Cluster(6, compute, **{**SITUATIONS[situation], "transfer": transfer})
    idle = GradientCode.from_matrix(np.eye(6)[:, :5])
    for code in (F["uncoded"](6), F["fractional-repetition"](6, 2), F["cyclic-mds"](6, 2), idle):
        result = simulate(code, cluster, iterations=20_000, wait="count", rng=1)
        assert abs(result.mean - result.expected) <= 5 * result.stderr


def test_ignored_stragglers_weights_and_complex_codes_are_covered():
    cluster = Cluster(6, EXPONENTIAL, slowness=slow(6), network=Network(bandwidth=10.0))
    speeds = (1 / slow(6)).tolist()
    for code in (F["ignore-stragglers"](6, 2), F["uncoded"](6, 48, speeds), F["cyclic-mds"](7, 3)):
        matched = cluster.replace(workers=code.workers, slowness=slow(code.workers))
        result = simulate(code, matched, iterations=20_000, rng=2)
        assert abs(result.mean - result.expected) <= 5 * result.stderr


@pytest.mark.parametrize("recovery", [0.5, 20.0, 1e6])
@pytest.mark.parametrize("model", ["exponential", "lognormal", "deterministic"])
def test_stalls_against_plain_quadrature(model, recovery):
    """Uncoded workers with stalls: 1 - F(t)^n integrated by scipy, cut at the jump."""
    delay, n, p = Delay(model, MODELS[model]), 4, 0.1
    cluster = Cluster(n, delay, failures=Failures(p, recovery))

    def unfinished(t):
        sf = [float(delay.distribution.sf(x * n)) if x >= 0 else 1.0 for x in (t, t - recovery)]
        return 1 - (1 - (1 - p) * sf[0] - p * sf[1]) ** n

    ends = [0.0, *delay.ppf([0.01, 0.5, 0.99, 1 - 1e-9, 1 - 1e-15]) / n, recovery]
    ends = sorted({*ends, *(recovery + e for e in ends[:-1])})
    total = sum(integrate.quad(unfinished, a, b, limit=200)[0] for a, b in pairwise(ends))
    assert expected_time(F["uncoded"](n), cluster) == pytest.approx(total, rel=1e-7)


def test_extreme_values_are_never_negative():
    """Half of a thousandth below zero: those draws count as 0."""
    delay = Delay("generalized-extreme-value", {"shape": 0.0, "location": 2.0, "scale": 1.0})
    cluster = Cluster(1, delay, Delay("deterministic", {"value": 5.0}))
    assert expected_time(F["uncoded"](1), cluster) == pytest.approx(5.0 + delay.mean, rel=1e-9)


def test_workers_without_work_are_done_at_once():
    code = GradientCode.from_matrix([[1.0, 1.0], [0.0, 0.0]])
    cluster = Cluster(2, EXPONENTIAL, Delay("deterministic", {"value": 3.0}))
    assert expected_time(code, cluster, wait="count") == pytest.approx(4.0, rel=1e-9)
    assert expected_time(F["uncoded"](1), Cluster(1, Delay("deterministic", {"value": 0.0}))) == 0.0


def test_scale_does_not_matter():
    for scale in (1e-9, 1.0, 1e12):
        cluster = Cluster(9, Delay("weibull", {"shape": 0.5, "scale": scale}))
        mean = expected_time(F["fractional-repetition"](9, 2), cluster)
        assert mean / scale == pytest.approx(expected_weibull(), rel=1e-8)


def expected_weibull():
    """Three groups of three: 1 - (1 - sf^3)^3 at t / (1/3), by scipy."""
    sf = stats.weibull_min(0.5).sf
    return integrate.quad(lambda u: (1 - (1 - sf(3 * u**4) ** 3) ** 3) * 4 * u**3, 0, 12, limit=400)[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"compute": Trace(np.ones((3, 6)))},
        {"overhead": EXPONENTIAL},
        {"racks": Racks((0, 0, 0, 1, 1, 1), 0.5)},
        {"network": Network(master_bandwidth=1e6)},
        {"failures": Failures(0.1)},
        {"transfer": Trace(np.ones((3, 6)))},
        {"transfer": Delay("gamma", {"shape": 2.0, "scale": 1.0})},
    ],
)
def test_none_where_there_is_no_formula(changes):
    cluster = Cluster(**{"workers": 6, "compute": EXPONENTIAL, **changes})
    assert expected_time(F["uncoded"](6), cluster) is None


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("allocation", [[1, 0, 0, 2, 0, 0], [3, 1, 1, 1, 0, 2], [0, 2, 0, 0, 3, 0]])
def test_several_segments_against_simulation(model, allocation):
    cluster = Cluster(
        6,
        Delay(model, MODELS[model]),
        Delay("deterministic", {"value": 0.3}),
        slowness=[1.5] * 6,
        network=Network(latency=0.1),
        job=Job(40, 3, unit=0.01),
    )
    result = simulate(F["block-coordinate"](6, allocation), cluster, iterations=20_000, wait="count", rng=3)
    assert result.expected is not None
    assert abs(result.mean - result.expected) <= 4 * result.stderr + 1e-6 * result.mean


@pytest.mark.parametrize(("s", "alpha"), [(1, 2.0), (2, 3.0), (4, 1.5)])
def test_two_segments_against_a_double_integral(s, alpha):
    """E max(a T_(n-s), b T_(n)) from the joint density of two order statistics of n exponential times, by scipy."""
    n = 5
    a, b = alpha * (s + 1) / n / (s + alpha), (s + 1) / n / (s + alpha)
    k = n - s
    constant = np.prod(np.arange(1, n + 1)) / np.prod(np.arange(1, k)) / np.prod(np.arange(1, s))

    def density(y, x):
        inside = (np.exp(-x) - np.exp(-y)) ** (s - 1) * (1 - np.exp(-x)) ** (k - 1)
        return constant * inside * np.exp(-x - y) * max(a * x, b * y)

    pieces = [(lambda x: x, lambda x: a / b * x), (lambda x: a / b * x, lambda x: max(45.0, a / b * x))]
    total = sum(integrate.dblquad(density, 0, 30, low, high)[0] for low, high in pieces)
    found = expected_time(F["two-stage"](n, s, alpha), Cluster(n, EXPONENTIAL), wait="count")
    assert found == pytest.approx(total, rel=1e-6)


def test_segments_of_one_count_wait_for_the_last_of_them():
    code = GradientCode(tuple(Segment(np.eye(4), length=length) for length in (1, 2, 3)))
    assert expected_time(code, Cluster(4, EXPONENTIAL)) == pytest.approx(harmonic(4) / 4, rel=1e-6)


def test_segments_without_groups_are_exact_also_when_decodable():
    """Uncoded, one group of five that needs three, one message enough."""
    code = F["block-coordinate"](5, [2, 0, 1, 0, 1])
    by_count, decodable = (expected_time(code, Cluster(5, EXPONENTIAL), wait=wait) for wait in ("count", "decodable"))
    assert by_count == decodable


def test_the_mean_of_several_segments_may_be_infinite():
    heavy = Cluster(4, Delay("pareto", {"shape": 0.6, "scale": 1.0}))
    assert expected_time(F["block-coordinate"](4, [1, 0, 1, 0]), heavy, wait="count") == np.inf
    assert expected_time(F["block-coordinate"](4, [0, 1, 1, 0]), heavy, wait="count") < np.inf


@pytest.mark.parametrize(
    "changes",
    [
        {"compute": Trace(np.ones((3, 6)))},
        {"overhead": EXPONENTIAL},
        {"racks": Racks((0, 0, 0, 1, 1, 1), 0.5)},
        {"network": Network(bandwidth=1e6)},
        {"network": Network(master_bandwidth=1e6)},
        {"failures": Failures(0.1, 3.0)},
        {"slowness": slow(6)},
        {"transfer": EXPONENTIAL},
    ],
)
def test_none_for_several_segments_where_workers_or_messages_differ(changes):
    cluster = Cluster(**{"workers": 6, "compute": EXPONENTIAL, **changes})
    assert expected_time(F["block-coordinate"](6, [1, 1, 0, 0, 0, 1]), cluster, wait="count") is None


def test_none_for_segments_with_unequal_loads():
    code = GradientCode((Segment(np.eye(2)), Segment([[1.0, 1.0], [0.0, 0.0]])))
    assert expected_time(code, Cluster(2, EXPONENTIAL), wait="count") is None


def test_none_for_codes_without_a_count():
    cluster = Cluster(6, EXPONENTIAL)
    assert expected_time(F["two-stage"](6, 1, 3.0), cluster) is None
    overlapping = GradientCode.from_matrix(np.eye(6)[:, :5] + 1.0 * (np.arange(6) == 5)[:, None])
    assert expected_time(overlapping, cluster) is None
    assert expected_time(overlapping, cluster, wait="count") == pytest.approx(harmonic(6) * 1.0, rel=0.9)
