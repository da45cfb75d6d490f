"""Arithmetic in the finite fields GF(p^a), on whole arrays at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gcopt.combinatorics.integers import prime_factors, prime_power
from gcopt.errors import ImpossibleError, InputError

__all__ = ["Field", "prime_power"]

Ints = NDArray[np.int64]

_LARGEST = 10**7  # the tables of a field take some 100 bytes per element


@dataclass(frozen=True)
class Field:
    """The field with p^a elements, p prime.

    Element x is a polynomial over the integers mod p, its coefficients being the digits of x in base p, lowest first;
    so 0 and 1 are what they seem, and 0..p-1 is the prime field. Polynomials multiply modulo the first one (in the
    order of its digits) of which x is a primitive root.

    Attributes
    ----------
    order : int
        q = p^a, the number of elements.

    Raises
    ------
    InputError
        If the order is no integer from 2 to 10^7; from a method, if an argument is no element or 0 is inverted.
    ImpossibleError
        If the order is no prime power.

    Examples
    --------
    >>> f = Field(9)
    >>> f.multiply([2, 3, 8], f.inverse([2, 3, 8])).tolist()
    [1, 1, 1]
    >>> f.add(5, 5).item(), f.power(f.primitive, 8).item()
    (7, 1)
    """

    order: int

    def __post_init__(self) -> None:
        if not isinstance(self.order, (int, np.integer)) or not 2 <= self.order <= _LARGEST:
            raise InputError(f"order is {self.order!r}; a prime power from 2 to {_LARGEST} is needed")
        object.__setattr__(self, "order", int(self.order))
        if prime_power(self.order) is None:
            raise ImpossibleError(
                f"a field of {self.order} elements does not exist, for the order is a prime power (Moore 1893); "
                f"{nearest_orders(self.order)[0]} would work"
            )

    @cached_property
    def characteristic(self) -> int:
        """The prime p."""
        return prime_factors(self.order).popitem()[0]

    @cached_property
    def degree(self) -> int:
        """The exponent a."""
        return prime_factors(self.order).popitem()[1]

    @cached_property
    def elements(self) -> Ints:
        """All elements, 0..q-1."""
        return np.arange(self.order)

    @cached_property
    def primitive(self) -> int:
        """An element whose powers are all elements but 0."""
        return int(self.powers[1 % (self.order - 1)])

    @cached_property
    def squares(self) -> Ints:
        """The nonzero squares in increasing order: (q - 1) / 2 of them, or all q - 1 if q is even."""
        return np.unique(self.powers[2 * np.arange(self.order - 1) % (self.order - 1)])

    @cached_property
    def powers(self) -> Ints:
        """Powers 0..q-2 of the primitive element, shape (q - 1,)."""
        p, a = self.characteristic, self.degree
        step = _primitive_matrix(p, a)
        rows = np.eye(1, a, dtype=np.int64)
        while len(rows) < self.order - 1:  # twice as many powers in every round
            rows = np.concatenate([rows, rows @ step % p])
            step = step @ step % p
        return np.asarray(rows[: self.order - 1] @ self._weights)

    @cached_property
    def logarithms(self) -> Ints:
        """Exponent of each element as a power of the primitive one, shape (q,); that of 0 means nothing."""
        table = np.zeros(self.order, dtype=np.int64)
        table[self.powers] = np.arange(self.order - 1)
        return table

    def add(self, first: ArrayLike, second: ArrayLike) -> Ints:
        """Return first + second, broadcast."""
        return self._join(self._digits[self._checked(first)] + self._digits[self._checked(second)])

    def subtract(self, first: ArrayLike, second: ArrayLike) -> Ints:
        """Return first - second, broadcast."""
        return self._join(self._digits[self._checked(first)] - self._digits[self._checked(second)])

    def negative(self, element: ArrayLike) -> Ints:
        """Return -element."""
        return self._join(-self._digits[self._checked(element)])

    def multiply(self, first: ArrayLike, second: ArrayLike) -> Ints:
        """Return first * second, broadcast."""
        x, y = self._checked(first), self._checked(second)
        found = self.powers[(self.logarithms[x] + self.logarithms[y]) % (self.order - 1)]
        return np.where((x == 0) | (y == 0), 0, found)

    def inverse(self, element: ArrayLike) -> Ints:
        """Return 1 / element; 0 is refused."""
        return self.power(element, -1)

    def power(self, element: ArrayLike, exponent: int) -> Ints:
        """Return element to an integer exponent; a negative one is refused for 0, and 0^0 = 1."""
        x = self._checked(element)
        if exponent < 0 and not x.all():
            raise InputError(f"0 has no inverse in the field of {self.order} elements; every other element has")
        found = self.powers[self.logarithms[x] * (exponent % (self.order - 1)) % (self.order - 1)]
        return np.where((x == 0) & (exponent != 0), 0, found)

    @cached_property
    def _weights(self) -> Ints:
        return np.asarray(self.characteristic ** np.arange(self.degree))

    @cached_property
    def _digits(self) -> Ints:
        return np.asarray(self.elements[:, None] // self._weights % self.characteristic)

    def _join(self, digits: Ints) -> Ints:
        return np.asarray(digits % self.characteristic @ self._weights)

    def _checked(self, elements: ArrayLike) -> Ints:
        found = np.asarray(elements)
        if found.size and (found.dtype.kind not in "iu" or found.min() < 0 or found.max() >= self.order):
            raise InputError(f"{_first_wrong(found, self.order)!r} is no element; they are 0 to {self.order - 1}")
        return found.astype(np.int64, copy=False)


def nearest_orders(order: int) -> tuple[int, ...]:
    """Return the next prime powers below and above a number of at least 1, the nearer one first.

    Examples
    --------
    >>> nearest_orders(6), nearest_orders(22), nearest_orders(2)
    ((5, 7), (23, 19), (3,))
    """
    below = next((q for q in range(order - 1, 1, -1) if prime_power(q)), None)
    above = next(q for q in range(order + 1, 2 * order + 2) if prime_power(q))  # Bertrand: there is a prime
    return tuple(sorted((q for q in (below, above) if q is not None), key=lambda q: (abs(q - order), q)))


def _primitive_matrix(p: int, a: int) -> Ints:
    """Multiplication by x, row vectors of coefficients times this, modulo a polynomial of which x is a primitive root.

    If x has p^a - 1 different powers, none 0, then all but 0 are invertible: such a polynomial is irreducible.
    """
    full = p**a - 1
    step = np.zeros((a, a), dtype=np.int64)
    step[np.arange(a - 1), np.arange(1, a)] = 1
    for low in product(range(p), repeat=a):
        step[-1] = low[::-1]
        if _is_one(step, full, p) and not any(_is_one(step, full // r, p) for r in prime_factors(full)):
            return step
    raise AssertionError("every finite field has a primitive element")


def _is_one(matrix: Ints, exponent: int, p: int) -> bool:
    """Say whether a power of a matrix is the identity mod p, by squaring."""
    one = np.eye(len(matrix), dtype=np.int64)
    found, square = one, matrix
    while exponent:
        if exponent & 1:
            found = found @ square % p
        square = square @ square % p
        exponent >>= 1
    return bool((found == one).all())


def _first_wrong(found: NDArray[Any], order: int) -> Any:
    flat = found.ravel().tolist()
    return next((x for x in flat if not isinstance(x, int) or isinstance(x, bool) or not 0 <= x < order), flat[0])
