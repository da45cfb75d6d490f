"""Points with the hyperplanes, or the lines, of finite spaces; and the curves in planes that are designs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gcopt.combinatorics.designs import Incidence, residual
from gcopt.combinatorics.difference_families import develop, trace
from gcopt.combinatorics.fields import Field
from gcopt.combinatorics.groups import Cyclic
from gcopt.errors import InputError

Ints = NDArray[np.int64]


def projective_plane(order: int) -> Incidence:
    """Return the (q^2 + q + 1, q + 1, 1) design of points and lines, q a prime power.

    Examples
    --------
    >>> projective_plane(2).shape
    (7, 7)
    """
    return projective_space(2, order)


def affine_plane(order: int) -> Incidence:
    """Return the (q^2, q, 1) design of points and lines, q a prime power.

    Examples
    --------
    >>> affine_plane(3).shape
    (9, 12)
    """
    return affine_space(2, order)


def projective_space(dimension: int, order: int) -> Incidence:
    """Return the symmetric design of points and hyperplanes of PG(d, q), d >= 2, q a prime power.

    v = (q^(d+1) - 1) / (q - 1), k = (q^d - 1) / (q - 1), lambda = (q^(d-1) - 1) / (q - 1). Point i is the i-th power of
    a primitive element of GF(q^(d+1)), so that the matrix is circulant up to the order of its columns. Source: Singer
    1938.

    Raises
    ------
    ImpossibleError
        If q is no prime power.
    InputError
        If d is below 2 or q^(d+1) above 10^7.

    Examples
    --------
    >>> projective_space(3, 2).shape
    (15, 15)
    """
    field = _space(dimension, order)
    v = (field.order - 1) // (order - 1)
    return develop(Cyclic(v), [np.flatnonzero(trace(field, order, field.powers[:v]) == 0)])


def affine_space(dimension: int, order: int) -> Incidence:
    """Return the design of points and hyperplanes of AG(d, q): PG(d, q) without a hyperplane.

    v = q^d, k = q^(d-1), lambda = (q^(d-1) - 1) / (q - 1); the errors are those of `projective_space`.

    Examples
    --------
    >>> affine_space(3, 2).shape
    (8, 14)
    """
    return residual(projective_space(dimension, order))


def projective_lines(dimension: int, order: int) -> Incidence:
    """Return the ((q^(d+1) - 1) / (q - 1), q + 1, 1) design of points and lines of PG(d, q).

    Points and errors are those of `projective_space`.

    Examples
    --------
    >>> projective_lines(3, 2).shape
    (15, 35)
    """
    field = _space(dimension, order)
    v = (field.order - 1) // (order - 1)
    scalars = np.append(field.powers[::v], 0)
    everything, bases, covered = Cyclic(v), [], np.zeros(v, dtype=bool)
    for i in range(1, v):  # the line through points 0 and i, unless a translate of an earlier one has that difference
        if not covered[i]:
            line = np.append(field.logarithms[field.add(field.powers[i], scalars)] % v, 0)
            covered[everything.subtract(line[:, None], line)] = True
            bases.append(line)
    return develop(everything, [], short=bases)


def affine_lines(dimension: int, order: int) -> Incidence:
    """Return the (q^d, q, 1) design of points and lines of AG(d, q); the points are the elements of GF(q^d).

    Raises
    ------
    ImpossibleError
        If q is no prime power.
    InputError
        If d is below 2 or q^d above 10^7.

    Examples
    --------
    >>> affine_lines(3, 2).shape
    (8, 28)
    """
    field = _space(dimension - 1, order, least=1)
    v = (field.order - 1) // (order - 1)
    scalars = np.append(field.powers[::v], 0)
    return develop(field, [], short=[field.multiply(field.powers[i], scalars) for i in range(v)])


def hermitian_unital(order: int) -> Incidence:
    """Return the (q^3 + 1, q + 1, 1) design of a Hermitian curve in PG(2, q^2) and the lines that meet it twice.

    With points as in `projective_space`, x is on the curve when the trace of x^(q^3 + 1) into GF(q^2) is 0. Source:
    Bose 1959.

    Examples
    --------
    >>> hermitian_unital(3).shape
    (28, 63)
    """
    field = _space(2, order**2)
    plane = projective_plane(order**2)
    on = trace(field, order**2, field.power(field.powers[: plane.shape[0]], order**3 + 1)) == 0
    curve = plane[on]
    return Incidence(curve[:, np.asarray(curve.sum(axis=0)) > 1])


def denniston_arc(order: int, size: int) -> Incidence:
    """Return the (q n - q + n, n, 1) design of a maximal arc in AG(2, q) and the lines that meet it.

    q = 2^m and n = 2^s, n < q; x in GF(q^2) is on the arc when its norm x^(q + 1) is in an additive subgroup of order n
    of GF(q). Source: Denniston 1969.

    Examples
    --------
    >>> denniston_arc(8, 4).shape
    (28, 63)
    """
    field = _space(1, order, least=1)
    subgroup = np.zeros(1, dtype=np.int64)
    for x in field.powers[:: order + 1]:
        if len(subgroup) < size and x not in subgroup:
            subgroup = np.append(subgroup, field.add(subgroup, x))
    arc = affine_lines(2, order)[np.isin(field.power(field.elements, order + 1), subgroup)]
    return Incidence(arc[:, np.asarray(arc.sum(axis=0)) > 0])


def _space(dimension: int, order: int, least: int = 2) -> Field:
    """Return GF(q^(d+1)), refusing a q that is no prime power before its powers."""
    if dimension < least:
        raise InputError(f"dimension is {dimension + 2 - least}; at least 2 is needed")
    Field(order)
    return Field(order ** (dimension + 1))
