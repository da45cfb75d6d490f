import pytest

from gcopt.combinatorics.catalogue import Construction, construction
from gcopt.combinatorics.designs import complete
from gcopt.combinatorics.existence import block_design, design_existence
from gcopt.combinatorics.nonexistence import forbidden
from gcopt.errors import ImpossibleError, InputError, LimitError, UnknownError
from tests.combinatorics.enumerated import found_parameters

SMALL = [(v, k, index) for v in range(2, 23) for k in range(2, v + 1) for index in range(1, 4)]


def test_every_small_answer_is_borne_out():
    answers = {design: design_existence(*design).answer for design in SMALL}
    for design, answer in answers.items():
        if answer == "yes":
            assert found_parameters(block_design(*design)) == design
        assert (answer == "no") == (forbidden(*design) is not None)
    unknown = [design for design, answer in answers.items() if answer == "unknown"]
    assert unknown == [(16, 6, 3), (21, 7, 3)]  # these exist; no construction here makes them


@pytest.mark.parametrize(
    ("design", "name"),
    [
        ((13, 4, 1), "PG(2, 3)"),
        ((40, 13, 4), "points and hyperplanes of PG(3, 3)"),
        ((27, 9, 4), "points and hyperplanes of AG(3, 3)"),
        ((85, 5, 1), "points and lines of PG(3, 4)"),
        ((64, 4, 1), "points and lines of AG(3, 4)"),
        ((31, 3, 1), "lines of PG(4, 2)"),
        ((13, 3, 1), "Steiner triple system"),
        ((65, 5, 1), "Hermitian unital"),
        ((52, 4, 1), "maximal arc"),
        ((19, 9, 4), "squares"),
        ((37, 9, 2), "powers of exponent 4"),
        ((35, 17, 8), "twin prime powers"),
        ((96, 20, 4), "McFarland"),
        ((51, 25, 12), "Hadamard"),
        ((13, 3, 2), "cosets"),
        ((10, 4, 2), "residual of the (16, 6, 2) design"),
        ((15, 7, 6), "derived design of the (31, 15, 7) design"),
        ((13, 9, 6), "complement of the (13, 4, 1) design"),
        ((13, 4, 3), "cosets"),
        ((16, 4, 2), "2 copies of the (16, 4, 1) design"),
        ((181, 6, 1), "a base block in a field and its multiples"),
        ((45, 5, 1), "found by search"),
        ((112, 4, 1), "inflation"),
        ((9, 9, 1), "all blocks"),
        ((9, 2, 1), "all blocks"),
    ],
)
def test_the_construction_is_named_and_makes_the_design(design, name):
    found = design_existence(*design)
    assert found.answer == "yes"
    assert name in found.reason
    assert found_parameters(block_design(*design)) == design


@pytest.mark.parametrize("design", [(43, 7, 1), (157, 13, 1), (8, 3, 1), (25, 9, 3), (22, 8, 4), (1000, 7, 3)])
def test_the_nearest_that_are_named_can_be_built_and_change_one_number(design):
    found = design_existence(*design)
    assert found.answer != "yes"
    assert found.nearest
    for one in found.nearest:
        other = (one["points"], one["size"], one["index"])
        assert sum(a != b for a, b in zip(other, design, strict=True)) == 1
        assert construction(*other).build(*other).shape[0] == other[0]


def test_what_is_known_to_exist_but_not_made_here_is_unknown_with_the_theorem():
    assert "it exists (Hanani 1975)" in design_existence(88, 4).reason
    assert "no theorem here forbids it" in design_existence(157, 13).reason


def test_designs_that_cannot_be_built_are_refused():
    with pytest.raises(ImpossibleError, match=r"a \(43, 7, 1\) design does not exist: Bruck, Ryser 1949"):
        block_design(43, 7)
    with pytest.raises(UnknownError, match=r"a \(157, 13, 1\) design is not known here: no theorem"):
        block_design(157, 13)
    with pytest.raises(LimitError, match=r"a \(1000000, 2, 1\) design has 999999000000 points in its blocks; at most"):
        block_design(10**6, 2)
    with pytest.raises(InputError, match="size is 8; an integer from 2 to 7 is needed"):
        block_design(7, 8)
    with pytest.raises(InputError, match="index is 0"):
        design_existence(7, 3, 0)


def test_a_construction_that_makes_something_else_is_caught():
    with pytest.raises(AssertionError, match=r"a slip is no \(5, 2, 3\) design"):
        Construction("a slip", lambda: complete(5, 3)).build(5, 2, 3)


def test_huge_numbers_are_answered_without_building_anything():
    assert design_existence(10**6 + 10**3 + 1, 10**3 + 1).answer == "unknown"
    assert design_existence(10**6 + 3, 5 * 10**5 + 1, 250000).answer == "yes"
    assert design_existence(10**6, 5 * 10**5, 7).answer == "no"
    assert design_existence(9901, 100).answer == "unknown"
    assert design_existence(25, 9, 3 * 10**6 + 1).answer == "no"
    assert design_existence(25, 9, 9 * 10**6).answer == "yes"
    with pytest.raises(InputError, match="index is 1000000000; an integer from 1 to 10000000"):
        design_existence(25, 9, 10**9)
