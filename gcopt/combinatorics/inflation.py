"""Larger designs with index 1 from smaller ones: every point becomes several."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gcopt.combinatorics.designs import Incidence, incidence
from gcopt.combinatorics.fields import Field
from gcopt.combinatorics.integers import prime_factors
from gcopt.errors import ImpossibleError, UnknownError

Ints = NDArray[np.int64]


def has_array(columns: int, levels: int) -> bool:
    """Say whether `orthogonal_array` makes such an array: no prime power in the levels is below columns - 1.

    Examples
    --------
    >>> has_array(4, 12), has_array(5, 12)
    (True, False)
    """
    return levels > 1 and all(p**a >= columns - 1 for p, a in prime_factors(levels).items())


def orthogonal_array(columns: int, levels: int) -> Ints:
    """Return an array, shape (levels^2, columns), any two columns of which hold every pair of levels once.

    Lines in the plane over a field, and products of such arrays. Source: Bose, Bush 1952; MacNeish 1922.

    Raises
    ------
    UnknownError
        If a prime power in the levels is below columns - 1.

    Examples
    --------
    >>> orthogonal_array(3, 2).tolist()
    [[0, 0, 0], [1, 1, 0], [0, 1, 1], [1, 0, 1]]
    """
    if not has_array(columns, levels):
        raise UnknownError(f"an array of {columns} columns and {levels} levels is not made here, see has_array")
    found = np.zeros((1, columns), dtype=np.int64)
    for p, a in prime_factors(levels).items():
        field = Field(p**a)
        x, y = (z.ravel() for z in np.meshgrid(field.elements, field.elements))
        slopes = [field.add(x, field.multiply(y, slope)) for slope in field.elements[:columns]]
        one = np.stack([*slopes, y][:columns], axis=1)
        found = (found[:, None] * field.order + one).reshape(-1, columns)
    return found


def inflate(matrix: Incidence, weight: int, inside: Incidence) -> Incidence:
    """Return the design of a (v, k, 1) design whose points become ``weight`` points each.

    Every block becomes the rows of an orthogonal array over its points; the points that were one are joined by the
    blocks of ``inside``, a (weight, k, 1) design, or a (weight + 1, k, 1) design with one point common to all: the
    result has v weight or v weight + 1 points. Source: Wilson 1972, fundamental construction.

    Raises
    ------
    ImpossibleError
        If ``inside`` has another number of points.
    UnknownError
        If there is no orthogonal array of k columns and ``weight`` levels here.

    Examples
    --------
    >>> from gcopt.combinatorics.designs import complete
    >>> inflate(complete(3, 3), 3, complete(3, 3)).shape, inflate(complete(3, 3), 2, complete(3, 3)).shape
    ((9, 12), (7, 7))
    """
    more = inside.shape[0] - weight
    if more not in (0, 1):
        raise ImpossibleError(f"inside has {weight + more} points; {weight} or {weight + 1} would work, for every pair")
    points = matrix.shape[0]
    blocks, joined = _blocks(matrix), _blocks(inside)
    across = blocks[:, None, :] * weight + orthogonal_array(blocks.shape[1], weight)
    within = joined + np.arange(points)[:, None, None] * weight
    within = np.where(joined == weight, points * weight, within)
    size = blocks.shape[1]
    return incidence(np.concatenate([across.reshape(-1, size), within.reshape(-1, size)]), points * weight + more)


def _blocks(matrix: Incidence) -> Ints:
    """Return the points of each block, shape (b, k)."""
    columns = matrix.tocsc()
    return np.asarray(columns.indices, dtype=np.int64).reshape(matrix.shape[1], -1)
