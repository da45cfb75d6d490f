"""Base blocks found by backtracking. A limit on the steps, not on the time, so that the answer is always the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache, reduce

import numpy as np
from numpy.typing import NDArray

from gcopt.combinatorics.designs import Incidence
from gcopt.combinatorics.difference_families import develop
from gcopt.combinatorics.fields import Field
from gcopt.combinatorics.groups import Cyclic, Group, Product
from gcopt.combinatorics.integers import prime_factors

_STEPS = 200_000  # elements tried
_NODES = 10_000  # blocks begun, each compared with all elements
_DEEPEST = 400  # elements of base blocks, each a level of the recursion
_LARGEST = 200  # points; beyond, a search without structure finds next to nothing


@lru_cache(maxsize=256)
def searched_family(points: int, size: int, index: int) -> Incidence | None:
    """Return a (v, k, lambda) design on which a group of v elements acts, or None if the search finds none.

    The cyclic group and that whose elements have the smallest orders; besides full orbits of blocks there may be short
    ones, of a subgroup of order k.

    Examples
    --------
    >>> searched_family(19, 3, 1).shape, searched_family(22, 7, 2) is None
    ((19, 57), True)
    """
    if points > _LARGEST:
        return None
    multiples = np.arange(size) * (points // size)
    found = _family(Cyclic(points), multiples, size, index)
    factors = prime_factors(points)
    if found is None and max(factors.values()) > 1:
        found = _family(*_elementary(factors, size), size, index)
    return found


def _elementary(factors: dict[int, int], size: int) -> tuple[Group, NDArray[np.int64]]:
    """Return the product of the fields of the prime powers, and a subgroup of that size if it divides the order."""
    fields = [Field(p**a) for p, a in factors.items()]
    wanted = prime_factors(size)
    inside = np.zeros(1, dtype=np.int64)
    for part, p in zip(fields, factors, strict=True):
        few = np.arange(p ** wanted.get(p, 0))
        inside = (inside[:, None] * part.order + few[few < part.order]).ravel()
    return reduce(Product, fields), inside  # type: ignore[arg-type]


def _family(group: Group, subgroup: NDArray[np.int64], size: int, index: int) -> Incidence | None:
    points = group.order
    for short in range(index + 1 if points % size == 0 and len(subgroup) == size else 1):
        full, left = divmod(index * (points - 1) - short * (size - 1), size * (size - 1))
        if left == 0 and 0 <= full * size <= _DEEPEST:
            search = _Search(group, size, index)
            for difference in subgroup[1:] if short else ():
                search.count[difference] = short
            if search.blocks(full):
                return develop(group, search.found, short=[subgroup] * short)
    return None


@dataclass
class _Search:
    """Base blocks in which every difference occurs ``index`` times, built one element after the other."""

    group: Group
    size: int
    index: int
    found: list[list[int]] = field(default_factory=list)
    steps: int = 0

    def __post_init__(self) -> None:
        everything = np.arange(self.group.order)
        self.difference: list[list[int]] = self.group.subtract(everything[:, None], everything).tolist()
        self.count = [0] * self.group.order

    def blocks(self, missing: int) -> bool:
        """Find so many more blocks; the next one has the smallest difference that is still wanted."""
        if missing == 0:
            return True
        wanted = next(d for d in range(1, self.group.order) if self.count[d] < self.index)
        self.found.append([0])
        if self._extended(range(wanted, wanted + 1), missing):
            return True
        self.found.pop()
        return False

    def _extended(self, choices: range, missing: int) -> bool:
        block = self.found[-1]
        if len(block) == self.size:
            return self.blocks(missing - 1)
        for x in choices:
            self.steps += 1
            if self.steps > _STEPS:
                return False
            if x not in block and self._added(x, block):
                block.append(x)
                start = 1 if len(block) == 2 else x + 1  # the third element may come before the second, no later one
                if self._extended(range(start, self.group.order), missing):
                    return True
                block.pop()
                self._count(x, block, -1)
        return False

    def _added(self, x: int, block: list[int]) -> bool:
        """Count the differences of x and a block unless one would occur too often."""
        for i, y in enumerate(block):
            self._count(x, [y], 1)
            if self.count[self.difference[x][y]] > self.index:
                self._count(x, block[: i + 1], -1)
                return False
        return True

    def _count(self, x: int, block: list[int], by: int) -> None:
        for y in block:
            self.count[self.difference[x][y]] += by
            self.count[self.difference[y][x]] += by


@lru_cache(maxsize=256)
def multiplied_family(order: int, size: int, index: int) -> Incidence | None:
    """Return a (q, k, lambda) design of one base block in GF(q) and its multiples, or None likewise.

    With e = k (k - 1) / (2 lambda) cosets of the e-th powers, q = 1 mod 2 e, the differences of the block must be in
    each coset equally often. Source: Wilson 1972.

    Examples
    --------
    >>> multiplied_family(37, 4, 1).shape, multiplied_family(13, 5, 1) is None
    ((37, 111), True)
    """
    parts, left = divmod(size * (size - 1), 2 * index)
    if left or order % 2 == 0 or parts == 0 or (order - 1) % (2 * parts):
        return None
    space = Field(order)
    block = _spread(space, size, index, parts)
    if block is None:
        return None
    factors = space.powers[: (order - 1) // 2 : parts]
    return develop(space, [space.multiply(factor, block) for factor in factors])


def _spread(space: Field, size: int, index: int, parts: int) -> list[int] | None:
    """Return a block with 0 and 1 whose differences are in each coset of the ``parts``-th powers ``index`` times."""
    cosets, nodes = space.logarithms % parts, 0

    def extended(block: list[int], counts: NDArray[np.int64], choices: NDArray[np.int64]) -> list[int] | None:
        nonlocal nodes
        nodes += 1
        if len(block) == size or nodes > _NODES:
            return block if len(block) == size else None
        where = cosets[space.subtract(choices[:, None], block)] + parts * np.arange(len(choices))[:, None]
        totals = np.bincount(where.ravel(), minlength=parts * len(choices)).reshape(-1, parts) + counts
        fine = (totals <= index).all(axis=1)
        choices, totals = choices[fine], totals[fine]
        for i, x in enumerate(choices.tolist()):
            if found := extended([*block, x], totals[i], choices[i + 1 :]):
                return found
        return None

    counts = np.zeros(parts, dtype=np.int64)
    counts[0] = 1
    return extended([0, 1], counts, np.arange(2, space.order))
