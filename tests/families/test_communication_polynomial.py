import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcopt.errors import ImpossibleError, InputError
from gcopt.families import communication_polynomial
from gcopt.families._shorter import cyclic_holders
from gcopt.families.communication_polynomial import quotients, recommended_points
from tests.helpers import dense, sampled_sets, worst_error

FIVE = (-2.0, -1.0, 0.0, 1.0, 2.0)


def coefficient_matrix(points, d, m):
    """The paper's matrix B: row (i, u) holds the coefficients of p_i^(u), those of low powers first."""
    points = np.array(points)
    n = len(points)
    zeros = np.stack([points[np.setdiff1d(np.arange(n), row)] for row in cyclic_holders(n, d)])
    found = quotients(zeros, m)
    return np.stack(
        [np.convolve(np.atleast_1d(np.poly(zeros[i]))[::-1], found[i, u]) for i in range(n) for u in range(m)]
    )


def test_the_published_example():
    expected = [
        [0, 1, 1, 0],
        [0, -1, 0, 1],
        [0, -1, 1, 0],
        [0, -1, 0, 1],
        [2, -3, 1, 0],
        [6, -7, 0, 1],
        [-4, 0, 1, 0],
        [0, -4, 0, 1],
        [2, 3, 1, 0],
        [-6, -7, 0, 1],
    ]
    b = coefficient_matrix(FIVE, 3, 2)
    np.testing.assert_allclose(b, expected, atol=1e-12)
    code = communication_polynomial(5, 1, 2, points=FIVE)
    powers = np.array(FIVE)[:, None] ** np.arange(4)
    np.testing.assert_allclose(dense(code), (powers @ b.T).reshape(5, 5, 2).swapaxes(1, 2).reshape(5, 10), atol=1e-12)
    # worker 1 sends 2 g1[1] - 6 g1[2] + 6 g2[1] - 6 g2[2] + 12 g3[1] + 12 g3[2]
    assert dense(code)[0].tolist() == [2, 6, 12, 0, 0, -6, -6, 12, 0, 0]
    assert worst_error(dense(code), 1, 2) < 1e-24


@pytest.mark.parametrize(("n", "d", "s", "m"), [(6, 4, 2, 2), (8, 4, 1, 3), (8, 4, 3, 1), (7, 3, 1, 2), (10, 6, 3, 3)])
def test_published_sizes_are_exact_by_the_published_decoder(n, d, s, m):
    code, points = communication_polynomial(n, s, m), recommended_points(n)
    target = np.kron(np.eye(m), np.ones(n))
    for lost in sampled_sets(n, s, 40):
        heard = np.setdiff1d(np.arange(n), lost)
        decoding = np.linalg.inv(points[heard][:, None] ** np.arange(n - s))[-m:]
        assert np.abs(decoding.dot(dense(code)[heard]) - target).max() < 1e-9
    assert code.load == d


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 8), data=st.data())
def test_exact_for_every_set_and_zero_at_those_who_do_not_hold(n, data):
    m = data.draw(st.integers(1, n))
    s = data.draw(st.integers(0, min(n - m, n - 1)))
    code = communication_polynomial(n, s, m)
    held = np.zeros((n, n), dtype=bool)
    held[cyclic_holders(n, s + m), np.arange(n)[:, None]] = True
    assert (code.segments[0].support.toarray() == held).all()
    assert worst_error(dense(code), s, m) < 1e-12
    matrix = coefficient_matrix(recommended_points(n), s + m, m).reshape(n, m, n - s)
    np.testing.assert_allclose(matrix[:, :, n - s - m :], np.tile(np.eye(m), (n, 1, 1)), atol=1e-9)


def test_recommended_points_are_those_of_the_paper_with_signs_in_turn():
    assert sorted(recommended_points(6)) == [-2.0, -1.5, -1.0, 1.0, 1.5, 2.0]
    assert sorted(recommended_points(3)) == [-1.0, 0.0, 1.0]
    points = recommended_points(14)
    ordered, sorted_too = (communication_polynomial(14, 3, 4, points=p) for p in (points, np.sort(points)))
    sets = sampled_sets(14, 3, 30)

    def worst(code):
        return max(np.linalg.cond(dense(code)[np.setdiff1d(np.arange(14), lost)]) for lost in sets)

    assert worst(ordered) < worst(sorted_too)


@pytest.mark.parametrize(
    ("parameters", "error", "words"),
    [
        ({"stragglers": 4, "blocks": 2}, ImpossibleError, "with load 5 and stragglers = 4 at most 1 would work"),
        ({"stragglers": 1, "blocks": 0}, InputError, "blocks is 0"),
        ({"stragglers": 5, "blocks": 1}, InputError, "stragglers is 5"),
        ({"stragglers": 1, "blocks": 2, "points": [1, 2]}, InputError, r"points has shape \(2,\); 5 different"),
        ({"stragglers": 1, "blocks": 2, "points": "all"}, InputError, "5 different finite numbers"),
        ({"stragglers": 1, "blocks": 2, "points": [1, 2, 2, 3, 4]}, InputError, "equal numbers"),
        ({"stragglers": 1, "blocks": 2, "points": [1, 2, float("nan"), 3, 4]}, InputError, "NaN"),
    ],
)
def test_bad_parameters_say_what_would_work(parameters, error, words):
    with pytest.raises(error, match=words):
        communication_polynomial(5, **parameters)


@pytest.mark.parametrize(("n", "s", "m"), [(24, 6, 6), (30, 8, 7)])
def test_codes_that_rounding_would_destroy_are_refused(n, s, m):
    with pytest.raises(InputError, match="too much for double precision; fewer stragglers, or communication-efficient"):
        communication_polynomial(n, s, m)
