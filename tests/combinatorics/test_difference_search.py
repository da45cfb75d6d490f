import pytest

from gcopt.combinatorics.difference_search import multiplied_family, searched_family
from tests.combinatorics.enumerated import found_parameters


@pytest.mark.parametrize(
    "design",
    [
        *[(13, 3, 1), (15, 3, 1), (13, 4, 1), (40, 4, 1), (37, 4, 1), (25, 4, 1), (52, 4, 1)],
        *[(41, 5, 1), (45, 5, 1), (31, 6, 1), (16, 6, 2), (19, 4, 2), (9, 4, 3), (21, 6, 3)],
    ],
)
def test_base_blocks_are_found_in_the_cyclic_or_the_elementary_group(design):
    assert found_parameters(searched_family(*design)) == design


@pytest.mark.parametrize("design", [(22, 7, 2), (43, 7, 1), (15, 5, 2), (250, 3, 1)])
def test_where_there_are_none_none_are_found(design):
    assert searched_family(*design) is None


@pytest.mark.parametrize(
    "design", [(37, 4, 1), (25, 4, 1), (49, 4, 1), (121, 5, 1), (211, 6, 1), (19, 4, 2), (13, 6, 5), (101, 5, 2)]
)
def test_one_block_and_its_multiples(design):
    assert found_parameters(multiplied_family(*design)) == design


@pytest.mark.parametrize("design", [(16, 4, 1), (13, 5, 1), (41, 4, 1), (61, 6, 1)])
def test_no_block_where_the_numbers_do_not_fit_or_none_is_good(design):
    assert multiplied_family(*design) is None
