import numpy as np
import pytest
from scipy import sparse

from gcopt.combinatorics.designs import complement, complete, copies, derived, incidence, parameters, residual
from gcopt.combinatorics.geometries import projective_plane, projective_space
from tests.combinatorics.enumerated import found_parameters

FANO = incidence([[0, 1, 3], [1, 2, 4], [2, 3, 5], [3, 4, 6], [4, 5, 0], [5, 6, 1], [6, 0, 2]], 7)


@pytest.mark.parametrize(
    ("points", "size", "index"), [(2, 2, 1), (5, 2, 1), (5, 3, 3), (6, 4, 6), (6, 5, 4), (6, 6, 1)]
)
def test_all_blocks_of_a_size_are_a_design(points, size, index):
    assert found_parameters(complete(points, size)) == (points, size, index)
    assert parameters(complete(points, size)) == (points, size, index)


def test_designs_made_of_a_design_have_the_parameters_of_the_theorems():
    space = projective_space(3, 2)
    assert found_parameters(FANO) == (7, 3, 1)
    assert found_parameters(complement(FANO)) == (7, 4, 2)
    assert found_parameters(residual(FANO)) == (4, 2, 1)
    assert found_parameters(residual(space)) == (8, 4, 3)
    assert found_parameters(derived(space)) == (7, 3, 2)
    assert found_parameters(copies(FANO, 3)) == (7, 3, 3)


def test_a_point_moved_to_another_block_is_noticed():
    v = 31
    dense = projective_plane(5).toarray()
    rng = np.random.default_rng(0)
    for _ in range(50):  # two points change blocks with each other: rows and columns still have the same sums
        while True:
            (a, b), (c, d) = rng.choice(v, 2, replace=False), rng.choice(v, 2, replace=False)
            if (dense[a, c], dense[a, d], dense[b, c], dense[b, d]) == (1, 0, 0, 1):
                break
        wrong = dense.copy()
        wrong[[a, a, b, b], [c, d, c, d]] = [0, 1, 1, 0]
        assert parameters(sparse.csr_array(wrong)) is None
    assert parameters(sparse.csr_array(dense)) == (31, 6, 1)


def test_what_is_no_design_has_no_parameters():
    assert parameters(incidence([[0, 1], [1, 2]], 3)) is None
    assert parameters(incidence([[0, 1], [2, 3]], 4)) is None
    assert parameters(incidence([[0, 0], [1, 1]], 2)) is None
    assert parameters(sparse.csr_array(np.eye(3, dtype=int))) is None
    assert parameters(complete(1, 1)) is None
    assert parameters(sparse.csr_array((3, 0), dtype=int)) is None
    assert parameters(copies(sparse.csr_array(2 * FANO), 1)) is None
