import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gcopt
from gcopt.errors import InputError
from gcopt.families import circulant, pairwise_balanced
from gcopt.families.pairwise_balanced import hyperplanes
from tests.families.enumeration import independent
from tests.helpers import claim


def test_the_published_numbers_on_the_fano_plane():
    """Coefficient error 1 and variance 3 for equal unit gradients, with lines that meet in one point."""
    fano = circulant(7, 2, shifts=[0, 1, 3], decoder="sum", probability=0.3)
    mean, error, variance = independent(fano, np.full(7, 0.3))
    np.testing.assert_allclose(mean, 1.0)
    assert error == pytest.approx(1.0)
    assert variance == pytest.approx(3.0)
    assert claim(fano, "mean") == pytest.approx(1.0)


@given(n=st.integers(1, 8), q=st.floats(0, 0.9), data=st.data())
@settings(deadline=None, max_examples=40)
def test_unbiased_with_exactly_the_promised_error(n, q, data):
    copies = data.draw(st.lists(st.integers(1, n), min_size=1, max_size=6))
    code = pairwise_balanced(n, copies, q, rng=0)
    assert code.segments[0].replication.tolist() == copies
    mean, error, _ = independent(code, np.full(n, q))
    np.testing.assert_allclose(mean, 1.0)
    promised = q / (1 - q) * sum(1 / d for d in copies)
    assert claim(code, "mean") == pytest.approx(promised, abs=1e-12)
    assert error == pytest.approx(promised, abs=1e-12)


@pytest.mark.parametrize(
    ("n", "copies"), [(8, [4] * 7), (9, [3, 6, 3, 9]), (5, [2]), (16, [8] * 15), (25, [5, 10, 20])]
)
def test_hyperplanes_make_exact_pairwise_balance(n, copies):
    code = pairwise_balanced(n, copies, 0.25)
    held = code.support.toarray().astype(int)
    both = held.T @ held
    d = np.array(copies)
    np.testing.assert_array_equal(np.diag(both), d)
    off = ~np.eye(len(d), dtype=bool)
    np.testing.assert_allclose(both[off], (np.outer(d, d) / n)[off])


def test_the_variance_of_a_balanced_code_is_that_of_the_formula():
    """(p / (1 - p)) (||g||^2 / n + sum (1 / d_i - 1 / n) ||g_i||^2), for equal unit gradients."""
    code = pairwise_balanced(8, [4] * 7, 0.3)
    assert independent(code, np.full(8, 0.3))[2] == pytest.approx(3 / 7 * (49 / 8 + 7 * (1 / 4 - 1 / 8)))


@pytest.mark.parametrize(("n", "copies"), [(8, [4] * 8), (8, [3]), (6, [3]), (9, [3] * 5), (1, [1])])
def test_no_hyperplanes_where_they_do_not_fit(n, copies):
    assert hyperplanes(n, np.array(copies)) is None


def test_random_placement_is_balanced_on_average():
    both = np.zeros((4, 4))
    for rng in range(500):
        held = pairwise_balanced(6, [3, 3, 2, 1], 0.1, rng=rng).support.toarray().astype(int)
        both += held.T @ held / 500
    expected = np.outer([3, 3, 2, 1], [3, 3, 2, 1]) / 6
    np.fill_diagonal(expected, [3, 3, 2, 1])
    np.testing.assert_allclose(both, expected, atol=0.2)


def test_defaults_and_proofs():
    code = pairwise_balanced(10, 3, 0.29, rng=0)
    assert (code.partitions, code.stragglers) == (10, 2)
    assert {check.status for check in gcopt.verify(code).checks} == {"proved"}
    assert pairwise_balanced(100, 3, 0.29, rng=0).stragglers == 29


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: pairwise_balanced(5, 0, 0.1), "replication is 0; an integer from 1 to 5"),
        (lambda: pairwise_balanced(5, [1, 6], 0.1), r"replication\[1\] is 6"),
        (lambda: pairwise_balanced(5, [], 0.1), "replication is empty"),
        (lambda: pairwise_balanced(5, [1, 2], 0.1, partitions=3), "partitions is 3"),
        (lambda: pairwise_balanced(5, 2, 1.0), "probability is 1; below 1"),
        (lambda: pairwise_balanced(5, 2, -0.5), "probability is -0.5"),
        (lambda: pairwise_balanced(5, 2, None), "probability is missing"),
        (lambda: pairwise_balanced(5, 2, 0.1, stragglers=5), "stragglers is 5"),
    ],
)
def test_bad_parameters_say_what_would_work(make, words):
    with pytest.raises(InputError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)
