"""Designs from a few base blocks in a group: all their translates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from gcopt.combinatorics.designs import Incidence, incidence
from gcopt.combinatorics.fields import Field
from gcopt.combinatorics.groups import Cyclic, Group, Product

Ints = NDArray[np.int64]


def develop(group: Group, blocks: Sequence[ArrayLike], short: Sequence[ArrayLike] = ()) -> Incidence:
    """Return the design of all translates of base blocks of one size.

    Parameters
    ----------
    group : Group
        Its elements are the points.
    blocks : sequence of array of int
        Base blocks, of which all translates are taken, equal ones included.
    short : sequence of array of int
        Base blocks, of which each different translate is taken once.

    Examples
    --------
    >>> develop(Cyclic(4), [[0, 1, 2]], [[0, 1, 3]]).shape, develop(Cyclic(4), [], [[0, 2]]).shape
    ((4, 8), (4, 2))
    """
    shifts = [np.arange(group.order)] * len(blocks) + [_different(group, np.asarray(block)) for block in short]
    translates = [group.add(shift[:, None], block) for shift, block in zip(shifts, (*blocks, *short), strict=True)]
    return incidence(np.concatenate(translates), group.order) if translates else Incidence((group.order, 0))


def join_point(without: Incidence, beside: Incidence) -> Incidence:
    """Return the blocks that do not have one more point, the last, followed by those that have it besides.

    Examples
    --------
    >>> join_point(develop(Cyclic(3), [], [[0, 1, 2]]), develop(Cyclic(3), [[0, 1]])).toarray().tolist()
    [[1, 1, 0, 1], [1, 1, 1, 0], [1, 0, 1, 1], [0, 1, 1, 1]]
    """
    last = np.repeat([[0, 1]], [without.shape[1], beside.shape[1]], axis=1)
    return Incidence(sparse.vstack([sparse.hstack([without, beside]), sparse.csr_array(last)]))


def _different(group: Group, block: Ints) -> Ints:
    """Return one shift for each different translate of a block."""
    by = group.subtract(block, block[0])
    same = [shift for shift in by if np.array_equal(np.sort(group.add(shift, block)), np.sort(block))]
    everything = np.arange(group.order)
    least = group.add(everything[:, None], np.asarray(same)).min(axis=1)
    return np.asarray(everything[least == everything])


def paley(order: int) -> Incidence:
    """Return the symmetric (q, (q - 1) / 2, (q - 3) / 4) design of the squares, for a prime power q = 3 mod 4.

    Source: Paley 1933.

    Examples
    --------
    >>> paley(11).shape
    (11, 11)
    """
    field = Field(order)
    return develop(field, [field.squares])


def twin_prime_powers(order: int) -> Incidence:
    """Return the symmetric (v, (v - 1) / 2, (v - 3) / 4) design, v = q (q + 2), for prime powers q and q + 2.

    Its difference set: both entries nonzero and both squares or both not, or the second entry 0. Source: Stanton and
    Sprott 1958.

    Examples
    --------
    >>> twin_prime_powers(3).shape
    (15, 15)
    """
    one, two = Field(order), Field(order + 2)
    group = Product(one, two)
    x, y = np.divmod(np.arange(group.order), two.order)
    alike = np.isin(x, one.squares) == np.isin(y, two.squares)
    return develop(group, [np.flatnonzero((alike & (x > 0) & (y > 0)) | (y == 0))])


def mcfarland(order: int, dimension: int) -> Incidence:
    """Return the symmetric design of a McFarland difference set, q a prime power and d >= 1.

    v = q^(d+1) (u + 1), k = q^d u, lambda = q^d (q^d - 1) / (q - 1), with u = (q^(d+1) - 1) / (q - 1) hyperplanes, one
    in each layer but the last. Source: McFarland 1973.

    Examples
    --------
    >>> mcfarland(2, 1).shape, mcfarland(3, 1).shape
    ((16, 16), (45, 45))
    """
    space = Field(order ** (dimension + 1))
    u = (space.order - 1) // (order - 1)
    group = Product(Cyclic(u + 1), space)
    plane = space.elements[trace(space, order, space.elements) == 0]
    layers = [group.pair(i, space.multiply(space.powers[i], plane)) for i in range(u)]
    return develop(group, [np.concatenate(layers)])


def power_residues(order: int, parts: int, *, zero: bool) -> Incidence | None:
    """Return the translates of the nonzero ``parts``-th powers of a field, with or without 0, if they are a design.

    They are for squares and q = 3 mod 4 (then see `paley`), for fourth powers and primes 1 + 4 x^2, x odd, and in a few
    other cases, found here by counting differences. Source: Chowla 1944, Lehmer 1953.

    Examples
    --------
    >>> power_residues(37, 4, zero=False).shape, power_residues(41, 4, zero=False)
    ((37, 37), None)
    """
    field = Field(order)
    block = _coset(field, parts, 0, zero)
    times = np.bincount(field.subtract(block[:, None], block).ravel(), minlength=order)
    return develop(field, [block]) if (times[1:] == times[1]).all() else None


def cosets(order: int, parts: int, count: int, *, zero: bool) -> Incidence:
    """Return the translates of the first ``count`` cosets of the ``parts``-th powers of a field, with or without 0.

    With all cosets, of f elements each, it is a (q, f, f - 1) design, with 0 a (q, f + 1, f + 1) design; if q and f are
    odd, half of them suffice for half the index. Source: Wilson 1972.

    Examples
    --------
    >>> cosets(13, 4, 2, zero=False).shape, cosets(7, 3, 3, zero=True).shape
    ((13, 26), (7, 21))
    """
    field = Field(order)
    return develop(field, [_coset(field, parts, i, zero) for i in range(count)])


def trace(field: Field, order: int, elements: ArrayLike) -> Ints:
    """Return the trace of elements of a field into its subfield of that order: the sum of x^(order^i).

    Examples
    --------
    >>> trace(Field(8), 2, range(8)).tolist()
    [0, 1, 0, 1, 0, 1, 0, 1]
    """
    x = np.asarray(elements)
    total, size = x, order
    while size < field.order:
        total = field.add(total, field.power(x, size))
        size *= order
    return np.asarray(total)


def _coset(field: Field, parts: int, number: int, zero: bool) -> Ints:
    found = field.powers[number::parts]
    return np.append(found, 0) if zero else found
