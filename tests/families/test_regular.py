"""Circulant and random regular assignments, and the bounds that regular assignments share."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

import gcopt
from gcopt.combinatorics.spectrum import second_singular_squared
from gcopt.errors import ImpossibleError, InputError, LimitError
from gcopt.families import circulant, random_regular
from tests.families.enumeration import errors
from tests.helpers import claim, dense

FANO = {"workers": 7, "shifts": [0, 1, 3]}


@pytest.mark.parametrize(("s", "value"), list(enumerate([0, 1 / 4, 4 / 7, 1, 1.6, 2.5, 4])))
def test_the_spectral_bound_is_the_error_of_every_set_of_a_block_design(s, value):
    code = circulant(stragglers=s, **FANO)
    np.testing.assert_allclose(errors(code, s), value, atol=1e-12)
    assert claim(code, "error") == pytest.approx(value)
    assert claim(code, "mean") == pytest.approx(value)


@pytest.mark.parametrize(("s", "value"), [(1, 0.2), (2, 3 / 7), (3, 9 / 13), (4, 1.0)])
def test_a_larger_difference_set(s, value):
    code = circulant(13, s, shifts=[0, 1, 3, 9])
    np.testing.assert_allclose(errors(code, s), value, atol=1e-12)
    assert claim(code, "error") == pytest.approx(value)


@given(n=st.integers(2, 9), data=st.data())
@settings(max_examples=30, deadline=None)
def test_the_fourier_transform_gives_the_second_singular_value_and_its_bounds_hold(n, data):
    shifts = data.draw(st.lists(st.integers(0, n - 1), min_size=1, unique=True))
    s = data.draw(st.integers(0, n - 1))
    best = circulant(n, s, shifts=shifts)
    singular = np.linalg.svd(dense(best) * len(shifts), compute_uv=False)
    assert second_singular_squared(best.support) == pytest.approx(singular[1] ** 2, abs=1e-9)
    lost = singular[1] ** 2 * s
    bound = n * lost / (len(shifts) ** 2 * (n - s) + lost) if lost else 0.0
    assert claim(best, "error") == pytest.approx(bound, abs=1e-9)
    assert errors(best, s).max() <= claim(best, "error") + 1e-9
    assert errors(best, s).mean() <= claim(best, "mean") + 1e-9
    scaled = circulant(n, s, shifts=shifts, decoder="scaled")
    assert errors(scaled, s).max() <= claim(scaled, "error") + 1e-9
    assert errors(scaled, s).mean() == pytest.approx(claim(scaled, "mean"), abs=1e-9)


def test_everybody_holding_everything_loses_nothing():
    for decoder in ("least-squares", "scaled"):
        assert claim(circulant(6, 5, load=6, decoder=decoder), "error") == 0.0
        assert claim(random_regular(6, 5, 6, decoder=decoder), "error") == 0.0


def test_neighbours_are_the_default_shifts():
    code = circulant(5, 1, load=2)
    assert code.support.toarray()[4].tolist() == [True, False, False, False, True]


def _by_counting(n, k, replication, s):
    """The error of the best constant weight, from the chances of hearing a partition so often."""
    chances = hypergeom(n, replication, n - s)
    times = np.arange(replication + 1)
    first, second = (chances.pmf(times) @ times**power for power in (1, 2))
    return k * (1 - first**2 / second)


@given(n=st.integers(1, 9), data=st.data())
@settings(max_examples=30, deadline=None)
def test_the_promised_mean_is_that_of_counting_and_never_above_the_promised_worst_error(n, data):
    k = data.draw(st.integers(1, 9))
    load = data.draw(st.sampled_from([d for d in range(1, k + 1) if n * d % k == 0]))
    s = data.draw(st.integers(0, n - 1))
    code = random_regular(n, s, load, partitions=k, rng=data.draw(st.integers(0, 9)))
    assert claim(code, "mean") == pytest.approx(_by_counting(n, k, n * load // k, s), abs=1e-9)
    assert errors(code, s).mean() - 1e-9 <= claim(code, "mean") <= claim(code, "error") + 1e-9


@pytest.mark.parametrize("decoder", ["scaled", "sum"])
def test_one_weight_for_all_keeps_its_promise_for_every_set_and_is_sharp_for_designs(decoder):
    how = {"decoder": decoder, "probability": 0.1 if decoder == "sum" else None}
    for s in range(7):
        code = circulant(7, s, shifts=[0, 1, 3], **how)
        np.testing.assert_allclose(errors(code, s), claim(code, "error"), atol=1e-12)
        code = circulant(7, s, load=3, **how)
        assert errors(code, s).max() <= claim(code, "error") + 1e-9


@pytest.mark.parametrize("decoder", ["least-squares", "scaled"])
@pytest.mark.parametrize(
    ("n", "k", "load", "s"), [(8, 8, 3, 2), (9, 6, 4, 3), (6, 9, 3, 2), (6, 6, 6, 2), (7, 7, 5, 3)]
)
def test_verify_proves_or_samples_every_claim(n, k, load, s, decoder):
    code = random_regular(n, s, load, partitions=k, decoder=decoder, rng=1)
    assert errors(code, s).max() <= claim(code, "error") + 1e-9
    assert errors(code, s).mean() <= claim(code, "mean") + 1e-9
    statuses = {check.claim.kind: check.status for check in gcopt.verify(code).checks}
    assert statuses.pop("error") == "proved"
    assert set(statuses.values()) == {"proved"}


def test_whether_there_is_one_is_known_without_a_draw():
    assert gcopt.exists("random-regular", workers=10_000, stragglers=1, load=5000).answer == "yes"
    found = gcopt.exists("random-regular", workers=10, stragglers=2, load=4, partitions=6)
    assert (found.answer, found.nearest) == ("no", ({"load": 3}, {"load": 6}, {"partitions": 5}))


def test_the_same_seed_gives_the_same_code():
    a, b, other = (dense(random_regular(10, 2, 3, rng=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert (a != other).any()


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda: random_regular(10, 2, 4, partitions=6), ImpossibleError, "nearest that exist: load = 3"),
        (lambda: random_regular(5, 2, 3, partitions=6), ImpossibleError, "load = 6; partitions = 5"),
        (lambda: random_regular(5, 2, 0), InputError, "load is 0; an integer from 1 to 5"),
        (lambda: random_regular(5, 2, 6), InputError, "load is 6"),
        (lambda: random_regular(5, 5, 2), InputError, "stragglers is 5"),
        (lambda: random_regular(5, 2, 2, decoder="sum", probability=1.0), InputError, "probability is 1"),
        (lambda: random_regular(10_000, 5, 4000), LimitError, "load is 4000; up to 1000 or from 9000 would work"),
        (lambda: circulant(5, 2), InputError, "either load or shifts"),
        (lambda: circulant(5, 2, load=2, shifts=[0]), InputError, "either load or shifts"),
        (lambda: circulant(5, 2, load=6), InputError, "load is 6"),
        (lambda: circulant(5, 2, shifts=[0, 5]), InputError, r"shifts\[1\] is 5"),
        (lambda: circulant(5, 2, shifts=[1, -4]), InputError, "must differ modulo 5"),
        (lambda: circulant(5, 2, shifts=[]), InputError, "list of different integers"),
        (lambda: circulant(5, 2, shifts="ab"), InputError, "list of different integers"),
    ],
)
def test_bad_parameters_say_what_would_work(make, kind, words):
    with pytest.raises(kind, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)
