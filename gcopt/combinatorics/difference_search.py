"""Base blocks found by backtracking. A limit on the steps, not on the time, so that the answer is always the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from math import gcd

import numpy as np
from numpy.typing import NDArray

from gcopt.combinatorics.designs import Incidence
from gcopt.combinatorics.difference_families import develop, join_point
from gcopt.combinatorics.fields import Field
from gcopt.combinatorics.groups import Cyclic, Group, Product
from gcopt.combinatorics.integers import prime_factors

Ints = NDArray[np.int64]

_STEPS = 100_000  # elements tried
_NODES = 10_000  # blocks begun, each compared with all elements
_CELLS = 10**6  # elements times cosets
_DEEPEST = 400  # elements of base blocks, each a level of the recursion
_LARGEST = 200  # points; beyond, a search without structure finds next to nothing


@lru_cache(maxsize=256)
def searched_family(points: int, size: int, index: int) -> Incidence | None:
    """Return a (v, k, lambda) design on which a group of v or v - 1 elements acts, or None if the search finds none.

    The cyclic group and that whose elements have the smallest orders; those of v - 1 elements leave one point where it
    is. Besides full orbits of blocks there may be short ones, of subgroups.

    Examples
    --------
    >>> searched_family(19, 3, 1).shape, searched_family(10, 3, 2).shape, searched_family(22, 7, 2) is None
    ((19, 57), (10, 30), True)
    """
    if points > _LARGEST:
        return None
    for moved in (points, points - 1):
        for group in (Cyclic(moved), *_elementary(moved)):
            plans = _plans(group, size, index, fixed=moved < points)
            found = next((one for plan in plans if (one := plan.found(size, index)) is not None), None)
            if found is not None:
                return found
    return None


@dataclass(frozen=True)
class _Plan:
    """How many blocks of which kind to search for.

    Attributes
    ----------
    group : Group
    fixed : bool
        Whether there is a point that the group does not move.
    full : tuple of int
        Sizes of the base blocks with full orbits; those that are one short have the fixed point besides.
    short, short_fixed : tuple of array
        Subgroups, each as often as it is a base block, without and with the fixed point.
    """

    group: Group
    fixed: bool
    full: tuple[int, ...]
    short: tuple[Ints, ...]
    short_fixed: tuple[Ints, ...]

    def found(self, size: int, index: int) -> Incidence | None:
        """Return the design, or None if no base blocks are found."""
        search = _Search(self.group, self.full, index)
        for subgroup in (*self.short, *self.short_fixed):
            for difference in subgroup[1:]:
                search.count[difference] += 1
        if max(search.count) > index or not search.blocks():
            return None
        whole = [block for block in search.found if len(block) == size]
        with_fixed = [block for block in search.found if len(block) < size]
        without = develop(self.group, whole, self.short)
        if not self.fixed:
            return without
        return join_point(without, develop(self.group, with_fixed, self.short_fixed))


def _plans(group: Group, size: int, index: int, fixed: bool) -> Iterator[_Plan]:
    """Yield which blocks would together have every difference and, with a fixed point, every point often enough."""
    n = group.order
    with_fixed, few = divmod(index, size - 1) if fixed else (0, 0)
    whole, part = _subgroup(group, size), _subgroup(group, size - 1)
    if few and part is None:
        return
    for short in range(min(index, _DEEPEST) + 1 if whole is not None else 1):
        covered = with_fixed * (size - 1) * (size - 2) + few * (size - 2) + short * (size - 1)
        blocks, left = divmod(index * (n - 1) - covered, size * (size - 1))
        if left == 0 and blocks >= 0 and (with_fixed + blocks) * size <= _DEEPEST:
            full = (size - 1,) * with_fixed + (size,) * blocks
            yield _Plan(group, fixed, full, _times(whole, short), _times(part, few))


def _times(subgroup: Ints | None, count: int) -> tuple[Ints, ...]:
    return () if subgroup is None else (subgroup,) * count


def _elementary(order: int) -> Iterator[Group]:
    """Yield the product of the fields of the prime powers, unless it is cyclic."""
    factors = prime_factors(order)
    if max(factors.values(), default=1) > 1:
        fields: list[Group] = [Field(p**a) for p, a in factors.items()]
        yield reduce(Product, fields)


def _subgroup(group: Group, size: int) -> Ints | None:
    """Return a subgroup of that many elements, 0 first, or None if there is none."""
    if group.order % size:
        return None
    if isinstance(group, Cyclic):
        return np.arange(size) * (group.order // size)
    if isinstance(group, Product):
        rest = gcd(size, group.second.order)
        one, other = _subgroup(group.first, size // rest), _subgroup(group.second, rest)
        return None if one is None or other is None else group.pair(one[:, None], other).ravel()
    return np.arange(size)  # of a field: the polynomials of low degree


@dataclass
class _Search:
    """Base blocks in which every difference occurs ``index`` times, built one element after the other."""

    group: Group
    sizes: tuple[int, ...]
    index: int
    found: list[list[int]] = field(default_factory=list)
    steps: int = 0

    def __post_init__(self) -> None:
        everything = np.arange(self.group.order)
        self.difference: list[list[int]] = self.group.subtract(everything[:, None], everything).tolist()
        self.count = [0] * self.group.order

    def blocks(self) -> bool:
        """Find the blocks that are missing; the next one has the smallest difference that is still wanted."""
        if len(self.found) == len(self.sizes):
            return True
        wanted = next(d for d in range(1, self.group.order) if self.count[d] < self.index)
        self.found.append([0])
        if self._extended(range(wanted, wanted + 1)):
            return True
        self.found.pop()
        return False

    def _extended(self, choices: range) -> bool:
        block = self.found[-1]
        if len(block) == self.sizes[len(self.found) - 1]:
            return self.blocks()
        for x in choices:
            self.steps += 1
            if self.steps > _STEPS:
                return False
            if x not in block and self._added(x, block):
                block.append(x)
                start = 1 if len(block) == 2 else x + 1  # the third element may come before the second, no later one
                if self._extended(range(start, self.group.order)):
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
    if left or order % 2 == 0 or parts == 0 or (order - 1) % (2 * parts) or order * parts > _CELLS:
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

    def extended(block: list[int], counts: Ints, choices: Ints) -> list[int] | None:
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
