"""The groups in which difference families are developed: elements are 0..order-1, added on whole arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]


class Group(Protocol):
    """An abelian group; every `gcopt.combinatorics.fields.Field` is one."""

    @property
    def order(self) -> int:
        """Number of elements."""

    def add(self, first: ArrayLike, second: ArrayLike, /) -> Ints:
        """Return first + second, broadcast."""

    def subtract(self, first: ArrayLike, second: ArrayLike, /) -> Ints:
        """Return first - second, broadcast."""


@dataclass(frozen=True)
class Cyclic:
    """The integers modulo their number.

    Examples
    --------
    >>> Cyclic(7).add([3, 4], 5).tolist()
    [1, 2]
    """

    order: int

    def add(self, first: ArrayLike, second: ArrayLike, /) -> Ints:
        """Return first + second, broadcast."""
        return np.asarray((np.asarray(first) + np.asarray(second)) % self.order)

    def subtract(self, first: ArrayLike, second: ArrayLike, /) -> Ints:
        """Return first - second, broadcast."""
        return np.asarray((np.asarray(first) - np.asarray(second)) % self.order)


@dataclass(frozen=True)
class Product:
    """Pairs (x, y) of elements of two groups, added entry by entry; the pair is element x * second.order + y.

    Examples
    --------
    >>> Product(Cyclic(2), Cyclic(5)).add(9, 9).item()  # (1, 4) + (1, 4) = (0, 3)
    3
    """

    first: Group
    second: Group

    @property
    def order(self) -> int:
        """Number of elements."""
        return self.first.order * self.second.order

    def pair(self, x: ArrayLike, y: ArrayLike) -> Ints:
        """Return the elements (x, y), broadcast."""
        return np.asarray(np.asarray(x) * self.second.order + np.asarray(y))

    def add(self, first: ArrayLike, second: ArrayLike, /) -> Ints:
        """Return first + second, broadcast."""
        (a, b), (c, d) = np.divmod(first, self.second.order), np.divmod(second, self.second.order)
        return self.pair(self.first.add(a, c), self.second.add(b, d))

    def subtract(self, first: ArrayLike, second: ArrayLike, /) -> Ints:
        """Return first - second, broadcast."""
        (a, b), (c, d) = np.divmod(first, self.second.order), np.divmod(second, self.second.order)
        return self.pair(self.first.subtract(a, c), self.second.subtract(b, d))
