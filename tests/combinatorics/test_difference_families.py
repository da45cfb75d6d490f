import numpy as np
import pytest

from gcopt.combinatorics.difference_families import (
    cosets,
    develop,
    mcfarland,
    paley,
    power_residues,
    trace,
    twin_prime_powers,
)
from gcopt.combinatorics.fields import Field
from gcopt.combinatorics.groups import Cyclic, Product
from tests.combinatorics.enumerated import found_parameters


@pytest.mark.parametrize(
    "group", [Cyclic(12), Product(Cyclic(3), Field(4)), Product(Cyclic(2), Product(Field(3), Cyclic(2)))]
)
def test_groups_add_and_subtract(group):
    x = np.arange(group.order)
    table = group.add(x[:, None], x)
    assert group.order == 12
    assert (table == table.T).all()
    assert (np.sort(table, axis=1) == x).all()
    assert (group.add(table[:, :, None], x) == group.add(x[:, None, None], table)).all()
    assert (group.subtract(table, x) == x[:, None]).all()


@pytest.mark.parametrize("q", [7, 11, 19, 23, 27, 31, 243])
def test_squares_are_difference_sets(q):
    assert found_parameters(paley(q)) == (q, (q - 1) // 2, (q - 3) // 4)


@pytest.mark.parametrize("q", [3, 5, 7, 9])
def test_twin_prime_powers(q):
    v = q * (q + 2)
    assert found_parameters(twin_prime_powers(q)) == (v, (v - 1) // 2, (v - 3) // 4)


@pytest.mark.parametrize(
    ("q", "d", "expected"),
    [(2, 1, (16, 6, 2)), (3, 1, (45, 12, 3)), (4, 1, (96, 20, 4)), (2, 2, (64, 28, 12)), (5, 1, (175, 30, 5))],
)
def test_mcfarland_difference_sets(q, d, expected):
    assert found_parameters(mcfarland(q, d)) == expected


@pytest.mark.parametrize(
    ("q", "parts", "zero", "expected"),
    [
        (37, 4, False, (37, 9, 2)),
        (101, 4, False, (101, 25, 6)),
        (109, 4, True, (109, 28, 7)),
        (73, 8, False, (73, 9, 1)),
    ],
)
def test_power_residues_that_are_difference_sets(q, parts, zero, expected):
    assert found_parameters(power_residues(q, parts, zero=zero)) == expected


def test_power_residues_that_are_none():
    assert power_residues(13, 4, zero=False) is None
    assert power_residues(37, 4, zero=True) is None


@pytest.mark.parametrize(("q", "f"), [(13, 3), (13, 4), (16, 3), (16, 5), (25, 3), (25, 4), (19, 6)])
def test_cosets_are_difference_families_and_half_of_them_where_both_numbers_are_odd(q, f):
    parts = (q - 1) // f
    assert found_parameters(cosets(q, parts, parts, zero=False)) == (q, f, f - 1)
    assert found_parameters(cosets(q, parts, parts, zero=True)) == (q, f + 1, f + 1)
    if q % 2 and f % 2:
        assert found_parameters(cosets(q, parts, parts // 2, zero=False)) == (q, f, (f - 1) // 2)
        assert found_parameters(cosets(q, parts, parts // 2, zero=True)) == (q, f + 1, (f + 1) // 2)


def test_short_orbits_have_each_translate_once():
    assert found_parameters(develop(Cyclic(15), [[0, 1, 4], [0, 2, 8]], short=[[0, 5, 10]])) == (15, 3, 1)
    assert develop(Cyclic(15), [], short=[[3, 8, 13]]).shape == (15, 5)
    assert develop(Cyclic(15), [[3, 8, 13]]).shape == (15, 15)


def test_the_trace_is_linear_and_takes_every_value_of_the_subfield_equally_often():
    field = Field(64)
    x = field.elements
    found = trace(field, 4, x)
    assert (field.power(found, 4) == found).all()
    assert set(np.unique(found, return_counts=True)[1].tolist()) == {16}
    assert (trace(field, 4, field.add(x[:, None], x)) == field.add(found[:, None], found)).all()
