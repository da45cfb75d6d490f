"""Tails of weighted sums against formulas, quadrature and draws; the published runtimes of Ye and Abbe 2018."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from gcopt.cluster import Cluster, Job, Network
from gcopt.delays import Delay
from gcopt.errors import InputError
from gcopt.expectation import expected_answers, expected_time
from gcopt.families import FAMILIES
from gcopt.sums import covered, tail_of_exponentials, tail_of_sum

COMPUTE = Delay("shifted-exponential", {"rate": 0.8, "shift": 1.6})
TRANSFER = Delay("shifted-exponential", {"rate": 0.1, "shift": 6.0})


def shifted(rate, shift=0.0):
    return Delay("shifted-exponential", {"rate": rate, "shift": shift})


@pytest.mark.parametrize(("a", "b"), [(0.5, 2.0), (2.0, 0.5), (1.0, 1.0), (1.0, 1.0 + 1e-9), (3.0, 1e4)])
def test_the_formula_for_two_exponentials(a, b):
    """The density a e^(-a x) times the tail of the other, integrated; the textbook form where it has its digits."""
    for t in (0.01, 0.7, 5.0):
        inside = integrate.quad(lambda x, t=t: a * np.exp(-a * x - b * (t - x)), 0.0, t, epsabs=0.0, limit=500)[0]
        found = tail_of_exponentials(np.array([t]), a, b)[0]
        assert found == pytest.approx(inside + np.exp(-a * t), rel=1e-10)
        if abs(a - b) > 0.1:
            assert found == pytest.approx((b * np.exp(-a * t) - a * np.exp(-b * t)) / (b - a), rel=1e-12)
        elif a == b:
            assert found == pytest.approx(np.exp(-a * t) * (1 + a * t), rel=1e-14)
    assert tail_of_exponentials(np.array([-1.0, 0.0]), a, b).tolist() == [1.0, 1.0]


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(0, 1e3))
def test_the_order_does_not_matter_and_a_sum_is_never_sooner(a, b, t):
    at = np.array([t])
    found = tail_of_exponentials(at, a, b)
    assert found == tail_of_exponentials(at, b, a)
    assert np.exp(-min(a, b) * t) <= found[0] * (1 + 1e-12)
    assert found[0] <= 1.0 + 1e-12


@pytest.mark.parametrize(
    ("first", "work", "second", "share"),
    [
        (COMPUTE, 8.0, TRANSFER, 1.0),
        (COMPUTE, 3.0, TRANSFER, 0.5),
        (Delay("exponential", {"rate": 1.0}), 2.0, TRANSFER, 0.25),
        (Delay("lognormal", {"sigma": 1.0, "scale": 2.0}), 2.0, Delay("deterministic", {"value": 3.0}), 0.5),
        (Delay("deterministic", {"value": 3.0}), 0.5, Delay("gamma", {"shape": 2.0, "scale": 1.0}), 0.5),
        (COMPUTE, 0.0, TRANSFER, 0.5),
        (COMPUTE, 2.0, TRANSFER, 0.0),
    ],
)
def test_tails_against_draws(first, work, second, share):
    rng, size = np.random.default_rng(0), 40_000
    drawn = work * first.sample((size,), rng) + share * second.sample((size,), rng)
    assert covered(first, second)
    t = np.quantile(drawn, [0.0, 0.01, 0.3, 0.6, 0.99]) * 1.0001
    expected = tail_of_sum(t, first, work, second, share)
    for at, p in zip(t, expected, strict=True):
        assert (drawn > at).mean() == pytest.approx(p, abs=4.5 * np.sqrt(p * (1 - p) / size) + 1e-4)


def test_constants_alone_are_a_step():
    two, three = (Delay("deterministic", {"value": value}) for value in (2.0, 3.0))
    assert tail_of_sum(np.array([6.9, 7.0, 7.1]), two, 2.0, three, 1.0).tolist() == [1.0, 0.0, 0.0]
    assert tail_of_sum(np.array([-0.1, 0.0]), two, 0.0, three, 0.0).tolist() == [1.0, 0.0]


def test_the_published_runtimes():
    """n = 8, lambda1 = 0.8, t1 = 1.6, lambda2 = 0.1, t2 = 6 (Ye and Abbe 2018): 36.1138 uncoded, 24.1063 with d = 8."""
    cluster = Cluster(8, COMPUTE, transfer=TRANSFER, job=Job(samples=8))
    assert expected_time(FAMILIES["uncoded"](8), cluster) == pytest.approx(36.1138, abs=5e-5)
    first = expected_time(FAMILIES["fractional-repetition"](8, 7), cluster)
    assert first == pytest.approx(24.1063, abs=5e-5)
    # d = 8, m = 1 has equal rates a = 0.1: the least of eight tails (1 + a t) e^(-a t), by scipy
    least = integrate.quad(lambda t: ((1 + 0.1 * t) * np.exp(-0.1 * t)) ** 8, 0.0, 200.0, epsabs=1e-13, limit=500)[0]
    assert first == pytest.approx(8 * 1.6 + 6.0 + least, rel=1e-10)
    rates = 0.8, 0.1
    last = integrate.quad(
        lambda t: -np.expm1(8 * np.log1p(-tail_of_exponentials(np.array([t]), *rates)[0])), 0.0, 500.0, limit=500
    )[0]
    assert expected_time(FAMILIES["uncoded"](8), cluster) == pytest.approx(1.6 + 6.0 + last, rel=1e-10)


def test_the_formula_for_codes_of_every_kind():
    cluster = Cluster(6, COMPUTE, transfer=TRANSFER, job=Job(samples=6))
    for code in (FAMILIES["cyclic-mds"](6, 2), FAMILIES["uncoded"](6), FAMILIES["cyclic-repetition"](6, 3, rng=0)):
        share = 2.0 if code.dtype.kind == "c" else 1.0
        found = expected_answers(COMPUTE, code.load, TRANSFER, share, workers=6, needed=6 - code.stragglers)
        assert found == pytest.approx(expected_time(code, cluster, wait="count"), rel=1e-12)


def test_bad_arguments():
    gamma = Delay("gamma", {"shape": 2.0, "scale": 1.0})
    with pytest.raises(InputError, match=r"gamma.* have no formula; one constant, or both"):
        expected_answers(COMPUTE, 1.0, gamma, 1.0, workers=2, needed=2)
    with pytest.raises(InputError, match="needed is 3"):
        expected_answers(COMPUTE, 1.0, TRANSFER, 1.0, workers=2, needed=3)
    with pytest.raises(InputError, match="work is nan; a number of at least 0"):
        expected_answers(COMPUTE, float("nan"), TRANSFER, 1.0, workers=2, needed=2)


def test_a_constant_transfer_time_is_a_bandwidth():
    job = Job(parameters=10, samples=5)
    sent = Cluster(6, COMPUTE, transfer=Delay("deterministic", {"value": 4.0}), job=job)
    linked = Cluster(6, COMPUTE, network=Network(bandwidth=20.0), job=job)
    for code in (FAMILIES["cyclic-mds"](6, 2), FAMILIES["uncoded"](6)):
        assert expected_time(code, sent, wait="count") == pytest.approx(
            expected_time(code, linked, wait="count"), rel=1e-12
        )
