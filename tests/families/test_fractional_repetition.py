from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gcopt
from gcopt.errors import ImpossibleError, InputError
from gcopt.families import fractional_repetition
from tests.families.enumeration import errors
from tests.helpers import claim, dense, worst_noise


@pytest.mark.parametrize(
    ("n", "load", "responders", "one_step", "optimal"),
    [
        (6, 2, 4, 1.2, 0.4),
        (6, 3, 4, 0.6, 0.0),
        (8, 2, 4, 3.428571, 1.714286),
        (12, 3, 6, 3.272727, 1.090909),
    ],
)
def test_published_means_of_smaller_groups(n, load, responders, one_step, optimal):
    s = n - responders
    best = fractional_repetition(n, s, load=load)
    assert errors(best, s).mean() == pytest.approx(optimal, abs=5e-7)
    scaled = fractional_repetition(n, s, load=load, decoder="scaled")
    assert errors(scaled, s).mean() == pytest.approx(one_step, abs=5e-7)
    assert claim(scaled, "mean") == pytest.approx(n / load * s / responders * (n - load) / (n - 1))
    if load <= s:
        assert claim(best, "mean") == pytest.approx(optimal, abs=5e-7)


@pytest.mark.parametrize(("s", "any_lost", "fraction"), [(3, 0.0181818, 0.0045455), (6, 0.3571429, 0.0909091)])
def test_how_often_a_group_of_three_of_twelve_is_lost(s, any_lost, fraction):
    found = errors(fractional_repetition(12, s, load=3), s)
    assert np.mean(found > 0.5) == pytest.approx(any_lost, abs=5e-8)
    assert found.mean() / 12 == pytest.approx(fraction, abs=5e-8)
    assert np.mean(found > 0.5) <= 12 / 3 * comb(9, s - 3) / comb(12, s) + 1e-12 <= 4 * (s / 12) ** 3 + 1e-12


@settings(deadline=None, max_examples=40)
@given(data=st.data(), groups=st.integers(1, 4), load=st.integers(1, 3))
def test_claims_are_met_exactly(data, groups, load):
    n = groups * load
    s = data.draw(st.integers(0, n - 1))
    code = fractional_repetition(n, s, load=load)
    found = errors(code, s)
    if load > s:
        assert found.max() < 1e-18
        assert claim(code, "noise") == pytest.approx(worst_noise(dense(code), s))
        assert not code.segments[0].approximate
        return
    assert code.segments[0].approximate
    assert found.max() == pytest.approx(claim(code, "error")) == pytest.approx(load * (s // load))
    assert found.mean() == pytest.approx(claim(code, "mean"))
    assert errors(code, load - 1).max() < 1e-18
    checks = gcopt.verify(code).checks
    assert {check.status for check in checks} == {"proved"}


def test_without_a_load_the_code_is_the_exact_one():
    code = fractional_repetition(6, 2)
    np.testing.assert_array_equal(dense(code), np.tile(np.kron(np.eye(2), np.ones(3)), (3, 1)))
    assert [c.kind for c in code.claims] == ["exact", "load", "replication", "noise"]
    np.testing.assert_array_equal(dense(code), dense(fractional_repetition(6, 2, load=3)))


def test_cut_partitions_multiply_what_is_lost():
    whole, cut = (fractional_repetition(6, 2, load=2, partitions=k) for k in (6, 18))
    for kind in ("error", "mean", "load"):
        assert claim(cut, kind) == 3 * claim(whole, kind)
    assert errors(cut, 2).max() == pytest.approx(claim(cut, "error"))


@pytest.mark.parametrize(
    ("parameters", "kind", "words"),
    [
        ({"workers": 10, "stragglers": 4, "load": 4}, ImpossibleError, "nearest that exist: load = 5; load = 2; work"),
        ({"workers": 10, "stragglers": 2}, ImpossibleError, "stragglers . 1 to divide workers"),
        ({"workers": 10, "stragglers": 4, "load": 0}, InputError, "load is 0; an integer from 1 to 10"),
        ({"workers": 10, "stragglers": 4, "load": 11}, InputError, "load is 11"),
        ({"workers": 10, "stragglers": 4, "load": 5, "probability": 0.1}, InputError, "needs none"),
        ({"workers": 10, "stragglers": 4, "load": 5, "decoder": "sum"}, InputError, "probability is missing"),
        ({"workers": 10, "stragglers": 4, "load": 5, "decoder": "best"}, InputError, "decoder is 'best'"),
    ],
)
def test_bad_parameters_say_what_would_work(parameters, kind, words):
    with pytest.raises(kind, match=words) as caught:
        fractional_repetition(**parameters)
    assert "\n" not in str(caught.value)
