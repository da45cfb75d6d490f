from itertools import combinations

import pytest

from gcopt.combinatorics.designs import complete
from gcopt.combinatorics.geometries import affine_plane, projective_plane
from gcopt.combinatorics.inflation import has_array, inflate, orthogonal_array
from gcopt.errors import ImpossibleError, UnknownError
from tests.combinatorics.enumerated import found_parameters


@pytest.mark.parametrize(("columns", "levels"), [(3, 2), (4, 3), (5, 4), (3, 4), (4, 12), (5, 20), (10, 9), (3, 14)])
def test_any_two_columns_hold_every_pair_of_levels_once(columns, levels):
    array = orthogonal_array(columns, levels)
    assert array.shape == (levels**2, columns)
    for a, b in combinations(range(columns), 2):
        assert len({*map(tuple, array[:, [a, b]].tolist())}) == levels**2
    assert (array.min(), array.max()) == (0, levels - 1)


def test_arrays_of_too_many_columns_are_not_made():
    assert not has_array(4, 6)
    assert not has_array(3, 1)
    with pytest.raises(UnknownError, match="an array of 4 columns and 6 levels is not made here"):
        orthogonal_array(4, 6)


def test_points_become_several_and_are_joined_by_a_design_of_their_own():
    assert found_parameters(inflate(complete(4, 4), 13, projective_plane(3))) == (52, 4, 1)
    assert found_parameters(inflate(projective_plane(3), 3, complete(4, 4))) == (40, 4, 1)
    assert found_parameters(inflate(affine_plane(4), 15, affine_plane(4))) == (241, 4, 1)
    with pytest.raises(ImpossibleError, match="inside has 13 points; 4 or 5 would work"):
        inflate(projective_plane(3), 4, projective_plane(3))
