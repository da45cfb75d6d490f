"""What an allocation is: how many coordinates get which diversity, and what each worker has then computed when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Levels:
    """The redundancies an allocation may use, from little to much.

    A coordinate of level i costs every worker ``loads[i]`` partial derivatives and is known when ``needed[i]`` workers
    have computed it. An allocation gives x_i coordinates to level i; computed in this order, level i is behind a
    worker after z_i = sum_{i' <= i} loads[i'] x_i' derivatives. In terms of these heights z the number of coordinates
    is sum x = prices . z, and x >= 0 says that z does not fall.

    Attributes
    ----------
    workers : int
        n.
    loads : array, shape (K,)
        Strictly rising.
    needed : array of int, shape (K,)
        Strictly falling.

    Examples
    --------
    >>> levels = Levels.of(3)
    >>> levels.heights([2.0, 0.0, 1.0]).tolist(), levels.lengths([2.0, 2.0, 5.0]).tolist()
    ([2.0, 2.0, 5.0], [2.0, 0.0, 1.0])
    >>> round(float(levels.prices @ [2.0, 2.0, 5.0]), 12)
    3.0
    """

    workers: int
    loads: Floats
    needed: Ints

    @classmethod
    def of(cls, workers: int, diversities: Iterable[int] | None = None) -> Levels:
        """Return the levels n of the diversities allowed, load n + 1 and N - n needed; all of them by default.

        Raises
        ------
        InputError
            If a diversity is not from 0 to workers - 1, or there is none.
        """
        given = range(workers) if diversities is None else sorted(set(diversities))
        bad = [n for n in given if not isinstance(n, (int, np.integer)) or not 0 <= n < workers]
        if bad or not given:
            found = repr(bad[0]) if bad else "missing"
            raise InputError(f"a diversity is {found}; integers from 0 to {workers - 1} (workers - 1) are expected")
        n = np.array(given, dtype=np.int64)
        return cls(workers, (n + 1).astype(np.float64), workers - n)

    @property
    def size(self) -> int:
        """K."""
        return self.loads.size

    @property
    def diversities(self) -> Ints:
        """How many stragglers each level tolerates, shape (K,)."""
        return np.asarray(self.workers - self.needed)

    @cached_property
    def prices(self) -> Floats:
        """Coordinates per unit of each height, shape (K,); 1 / load minus that of the next level."""
        return np.asarray(-np.diff(1.0 / self.loads, append=0.0))

    def heights(self, lengths: ArrayLike) -> Floats:
        """Return z from x, both of shape (K,)."""
        return np.asarray(np.cumsum(self.loads * np.asarray(lengths, dtype=float)))

    def lengths(self, heights: ArrayLike) -> Floats:
        """Return x from z, both of shape (K,); what rounding made negative is 0."""
        return np.maximum(np.diff(np.asarray(heights, dtype=float), prepend=0.0) / self.loads, 0.0)

    def scaled(self, heights: Floats, total: float) -> Floats:
        """Return heights that do not fall and stand for ``total`` coordinates, in proportion to the given ones."""
        risen = np.maximum.accumulate(heights)
        return np.asarray(risen * (total / (self.prices @ risen)))

    def certificate(self, slope: Floats, total: float) -> float:
        """Return a lower bound on any convex f that is homogeneous of degree one, from its gradient anywhere.

        f(z') >= slope . z' for every z', and slope . z' = sum_i x'_i loads[i] sum_{i' >= i} slope_i' is at least
        ``total`` times the smallest of the factors, whatever x' >= 0 is.
        """
        return total * float((self.loads * np.cumsum(slope[::-1])[::-1]).min())

    def spread(self, lengths: ArrayLike) -> Floats:
        """Return x for all diversities 0..n-1, shape (n,)."""
        full = np.zeros(self.workers)
        full[self.diversities] = lengths
        return full

    def only(self, chosen: list[bool] | list[int] | NDArray[Any]) -> Levels:
        """Return some of the levels (a mask or indices)."""
        return Levels(self.workers, self.loads[chosen], self.needed[chosen])
