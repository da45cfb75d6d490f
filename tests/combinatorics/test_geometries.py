import numpy as np
import pytest

from gcopt.combinatorics.designs import parameters
from gcopt.combinatorics.fields import prime_power
from gcopt.combinatorics.geometries import (
    affine_lines,
    affine_plane,
    affine_space,
    denniston_arc,
    hermitian_unital,
    projective_lines,
    projective_plane,
    projective_space,
)
from gcopt.errors import ImpossibleError, InputError
from tests.combinatorics.enumerated import found_parameters

ORDERS = [q for q in range(2, 33) if prime_power(q)]


@pytest.mark.parametrize("q", ORDERS)
def test_planes_of_every_prime_power_order(q):
    assert found_parameters(projective_plane(q)) == (q * q + q + 1, q + 1, 1)
    assert found_parameters(affine_plane(q)) == (q * q, q, 1)


@pytest.mark.parametrize(("d", "q"), [(3, 2), (3, 3), (3, 4), (3, 5), (4, 2), (4, 3), (5, 2), (6, 2)])
def test_spaces_of_more_dimensions_with_hyperplanes_and_with_lines(d, q):
    v, k, index = ((q**e - 1) // (q - 1) for e in (d + 1, d, d - 1))
    assert found_parameters(projective_space(d, q)) == (v, k, index)
    assert found_parameters(affine_space(d, q)) == (q**d, q ** (d - 1), index)
    assert found_parameters(projective_lines(d, q)) == (v, q + 1, 1)
    assert found_parameters(affine_lines(d, q)) == (q**d, q, 1)


def test_the_plane_of_order_3_is_that_of_a_perfect_difference_set():
    block = np.flatnonzero(projective_plane(3).toarray()[:, 0])
    differences = (block[:, None] - block) % 13
    assert sorted(differences[~np.eye(4, dtype=bool)].tolist()) == list(range(1, 13))


@pytest.mark.parametrize("q", [2, 3, 4, 5])
def test_hermitian_unitals(q):
    assert found_parameters(hermitian_unital(q)) == (q**3 + 1, q + 1, 1)


@pytest.mark.parametrize(("q", "n"), [(4, 2), (8, 2), (8, 4), (16, 4), (16, 8), (32, 4)])
def test_maximal_arcs(q, n):
    assert found_parameters(denniston_arc(q, n)) == (q * n - q + n, n, 1)


def test_a_plane_of_ten_thousand_points_is_a_design():
    assert parameters(projective_plane(97)) == (9507, 98, 1)
    assert parameters(affine_plane(101)) == (10201, 101, 1)


def test_spaces_that_do_not_exist_are_refused():
    with pytest.raises(ImpossibleError, match="a field of 6 elements does not exist"):
        projective_plane(6)
    with pytest.raises(InputError, match="dimension is 1; at least 2"):
        affine_space(1, 3)
    with pytest.raises(InputError, match="dimension is 1; at least 2"):
        affine_lines(1, 3)
