import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcopt.combinatorics.fields import Field, nearest_orders, prime_power
from gcopt.combinatorics.integers import divisors, is_square, prime_factors
from gcopt.errors import ImpossibleError, InputError

ORDERS = [q for q in range(2, 129) if prime_power(q)]


def three_elements(order):
    element = st.integers(0, order - 1)
    return st.tuples(st.just(order), element, element, element)


@given(st.sampled_from(ORDERS).flatmap(three_elements))
def test_the_axioms_of_a_field_hold(case):
    order, x, y, z = case
    f = Field(order)
    assert f.add(x, y) == f.add(y, x)
    assert f.multiply(x, y) == f.multiply(y, x)
    assert f.add(x, f.add(y, z)) == f.add(f.add(x, y), z)
    assert f.multiply(x, f.multiply(y, z)) == f.multiply(f.multiply(x, y), z)
    assert f.multiply(x, f.add(y, z)) == f.add(f.multiply(x, y), f.multiply(x, z))
    assert (f.add(x, 0), f.multiply(x, 1), f.multiply(x, 0)) == (x, x, 0)
    assert f.add(x, f.negative(x)) == 0
    assert f.add(f.subtract(x, y), y) == x
    if x:
        assert f.multiply(x, f.inverse(x)) == 1


@pytest.mark.parametrize("order", ORDERS)
def test_tables_of_a_field_are_latin_squares_and_its_powers_are_all_elements_but_0(order):
    f = Field(order)
    one, other = f.elements[:, None], f.elements[None, :]
    assert (np.sort(f.add(one, other), axis=1) == other).all()
    assert (np.sort(f.multiply(one[1:], other), axis=1) == other).all()
    assert np.sort(f.powers).tolist() == list(range(1, order))
    assert f.power(f.primitive, order - 1) == 1
    assert f.powers.tolist() == [int(f.power(f.primitive, i)) for i in range(order - 1)]
    assert (f.power(f.elements, order) == f.elements).all()  # Fermat
    assert f.squares.tolist() == sorted({int(f.multiply(x, x)) for x in range(1, order)})


@pytest.mark.parametrize("prime", [2, 3, 5, 31, 101])
def test_a_prime_field_is_arithmetic_modulo_the_prime(prime):
    f = Field(prime)
    x, y = f.elements[:, None], f.elements[None, :]
    assert (f.add(x, y) == (x + y) % prime).all()
    assert (f.multiply(x, y) == x * y % prime).all()


def test_the_sum_of_the_field_of_characteristic_2_is_exclusive_or():
    f = Field(64)
    x, y = f.elements[:, None], f.elements[None, :]
    assert (f.add(x, y) == x ^ y).all()


def test_powers_of_arrays_and_of_zero():
    f = Field(27)
    assert (f.power(f.elements, 0) == 1).all()
    assert (f.power(f.elements, 3)[1:] == f.multiply(f.elements, f.multiply(f.elements, f.elements))[1:]).all()
    assert f.power(0, 5) == 0
    assert (f.power(f.elements[1:], -2) == f.inverse(f.power(f.elements[1:], 2))).all()


def test_a_large_field_is_made_of_its_powers():
    f = Field(97**3)
    assert np.bincount(f.powers).tolist() == [0] + [1] * (f.order - 1)
    x = np.random.default_rng(0).integers(1, f.order, 1000)
    assert (f.multiply(x, f.inverse(x)) == 1).all()


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1, None), (2, (2, 1)), (6, None), (64, (2, 6)), (97, (97, 1)), (343, (7, 3)), (1000, None)],
)
def test_prime_powers_are_recognised(number, expected):
    assert prime_power(number) == expected


@given(st.integers(1, 10**6))
def test_prime_factors_multiply_to_the_number(number):
    factors = prime_factors(number)
    assert np.prod([p**a for p, a in factors.items()], dtype=np.int64) == number
    assert all(prime_factors(p) == {p: 1} for p in factors)
    assert divisors(number) == sorted({e for d in range(1, 1001) if number % d == 0 for e in (d, number // d)})
    assert is_square(number) == all(a % 2 == 0 for a in factors.values())


def test_nearest_orders_are_the_next_prime_powers_on_both_sides():
    powers = [q for q in range(2, 600) if prime_power(q)]
    for number in range(1, 250):
        found = nearest_orders(number)
        below = [q for q in powers if q < number][-1:]
        assert set(found) == {*below, min(q for q in powers if q > number)}
        assert sorted(found, key=lambda q: abs(q - number)) == list(found)


def test_impossible_fields_and_elements_are_refused():
    with pytest.raises(ImpossibleError, match=r"a field of 6 elements does not exist.*5 would work"):
        Field(6)
    with pytest.raises(InputError, match="order is 1; a prime power from 2"):
        Field(1)
    with pytest.raises(InputError, match=r"order is 2\.5; a prime power"):
        Field(2.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="8 is no element; they are 0 to 7"):
        Field(8).add([1, 8], 2)
    with pytest.raises(InputError, match="-1 is no element"):
        Field(8).multiply(-1, 2)
    with pytest.raises(InputError, match=r"0\.5 is no element"):
        Field(8).negative([0.5])
    with pytest.raises(InputError, match="0 has no inverse in the field of 9"):
        Field(9).inverse([1, 0])
