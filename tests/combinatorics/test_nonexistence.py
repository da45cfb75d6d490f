import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcopt.combinatorics.nonexistence import forbidden, solvable

BRUCK_RYSER = [(22, 7, 2), (29, 8, 2), (34, 12, 4), (43, 7, 1), (46, 10, 2), (53, 13, 3), (67, 12, 2), (211, 15, 1)]
EXISTING = [  # symmetric designs that others have constructed
    *[(7, 3, 1), (11, 5, 2), (16, 6, 2), (25, 9, 3), (31, 10, 3), (37, 9, 2), (41, 16, 6), (45, 12, 3), (49, 16, 5)],
    *[(56, 11, 2), (66, 26, 10), (70, 24, 8), (71, 15, 3), (78, 22, 6), (79, 13, 2), (96, 20, 4), (109, 28, 7)],
    *[(160, 54, 18), (175, 30, 5), (176, 50, 14)],
]


@pytest.mark.parametrize("design", BRUCK_RYSER)
def test_symmetric_designs_that_the_theorem_of_bruck_ryser_and_chowla_forbids(design):
    v, k, index = design
    assert ("no solution" if v % 2 else "is no square") in forbidden(*design)
    assert forbidden(v, v - k, v - 2 * k + index) is not None  # its complement


@pytest.mark.parametrize("design", EXISTING)
def test_no_theorem_forbids_what_exists(design):
    v, k, index = design
    assert forbidden(*design) is None
    assert forbidden(v, v - k, v - 2 * k + index) is None
    assert forbidden(v - k, k - index, index) is None  # its residual


@pytest.mark.parametrize(
    ("design", "theorem"),
    [
        ((8, 3, 1), "a point would be in 7/2 blocks"),
        ((11, 3, 1), "there would be 55/3 blocks"),
        ((16, 6, 1), "Fisher 1940: at least as many blocks as points are needed, 16, and there would be 8"),
        ((15, 5, 2), "Hall, Connor 1954: there is no symmetric (22, 7, 2) design"),
        ((36, 6, 1), "an affine plane completes to a projective one"),
        ((100, 10, 1), "Lam, Thiel, Swiercz 1989"),
        ((111, 11, 1), "Lam, Thiel, Swiercz 1989"),
        ((46, 6, 1), "Houghten, Thiel, Janssen, Lam 2001"),
        ((22, 8, 4), "Bilous"),
        ((22, 14, 13), "so there is no complement of one"),
    ],
)
def test_the_theorem_is_named(design, theorem):
    assert theorem in forbidden(*design)


@pytest.mark.parametrize("design", [(157, 13, 1), (144, 12, 1), (2, 2, 5), (9, 9, 2), (51, 6, 1)])
def test_open_and_trivial_cases_are_not_forbidden(design):
    assert forbidden(*design) is None


@given(st.integers(1, 14), st.integers(-14, 14).filter(bool))
def test_a_ternary_form_is_solvable_exactly_when_small_numbers_solve_it(a, b):
    squares = {x * x for x in range(1200)}
    tried = ((y, z) for y in range(60) for z in range(60) if y or z)
    assert solvable(a, b) == any(a * y * y + b * z * z in squares for y, z in tried)
