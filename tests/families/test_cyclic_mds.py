import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcopt.errors import InputError
from gcopt.families import cyclic_mds
from gcopt.families.cyclic_mds import cyclic_mds_matrix, generator_coefficients
from tests.helpers import dense, least_squares, sampled_sets, worst_error, worst_noise


@given(n=st.integers(1, 8), data=st.data(), zeros=st.sampled_from(["centred", "first"]))
def test_exact_for_every_set_with_the_least_possible_load(n, data, zeros):
    s = data.draw(st.integers(0, n - 1))
    code = cyclic_mds(n, s, zeros=zeros)
    segment = code.segments[0]
    assert worst_error(dense(code), s) < 1e-18
    assert segment.pairs.sum() == n * (s + 1)
    assert (segment.load == s + 1).all()
    assert (segment.replication == s + 1).all()
    if zeros == "centred":
        assert (code.dtype == np.float64) == ((n - s) % 2 == 1 or s == 0)


@pytest.mark.parametrize(
    ("n", "s", "zeros", "noise"),
    [
        (13, 2, "first", 12.97236054),
        (13, 4, "first", 51.21041068),
        (13, 2, "centred", 3.62663768),
        (13, 4, "centred", 25.26888102),
        (16, 5, "centred", 102.81295),
    ],
)
def test_published_noise(n, s, zeros, noise):
    assert worst_noise(dense(cyclic_mds(n, s, zeros=zeros)), s) == pytest.approx(noise, rel=1e-7)


@given(n=st.integers(2, 40), data=st.data())
def test_coefficients_are_those_of_the_polynomial_with_these_roots(n, data):
    s = data.draw(st.integers(0, min(n - 1, 12)))
    first = data.draw(st.integers(1, n - s))
    roots = np.exp(2j * np.pi * np.arange(first, first + s) / n)
    expected = np.atleast_1d(np.poly(roots))[::-1]
    found = generator_coefficients(n, s, first)
    np.testing.assert_allclose(found, expected / abs(expected).max(), atol=1e-11)
    assert np.isrealobj(found) == (s == 0 or 2 * first + s - 1 == n)


def test_all_zeros_but_one_is_plain_repetition():
    np.testing.assert_allclose(dense(cyclic_mds(7, 6)), 1.0, rtol=1e-13)


def test_a_hundred_workers_keep_their_digits():
    b = cyclic_mds_matrix(101, 10).toarray()
    assert b.dtype == np.float64
    assert max(least_squares(b, lost)[0] for lost in sampled_sets(101, 10, 50)) < 1e-18


@pytest.mark.parametrize(("n", "s"), [(101, 10), (150, 15), (80, 40), (10_000, 99)])
def test_codes_that_rounding_would_destroy_are_refused(n, s):
    with pytest.raises(InputError, match="too much for double precision"):
        cyclic_mds(n, s)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"workers": 3, "stragglers": 3}, "stragglers is 3"),
        ({"workers": 3, "stragglers": 1, "zeros": "last"}, "one of centred, first"),
    ],
)
def test_bad_parameters_say_what_would_work(parameters, words):
    with pytest.raises(InputError, match=words):
        cyclic_mds(**parameters)
