"""Affine polar graphs: vectors over a finite field, adjacent if a quadratic form vanishes on their difference."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from gcopt.combinatorics.fields import Field
from gcopt.combinatorics.graphs.building import from_neighbours


def affine_polar(rank: int, order: int, sign: int) -> sparse.csr_array:
    """Return VO+(2e, q) or VO-(2e, q): the form is hyperbolic, or elliptic; VO-(4, 2) is the Clebsch graph.

    With E = +1 or -1: SRG(q^2e, (q^e - E) (q^(e-1) + E), q (q^(e-1) - E) (q^(e-2) + E) + q - 2, q^(e-1) (q^(e-1) + E))
    (Brouwer & Van Maldeghem 2022, Section 3.3).

    Parameters
    ----------
    rank : int
        e, at least 2.
    order : int
        q, a prime power.
    sign : int
        1 or -1.

    Examples
    --------
    >>> affine_polar(2, 2, -1).shape, affine_polar(2, 2, -1).sum(axis=1)[0].item()
    ((16, 16), 5)
    """
    field, width = Field(order), 2 * rank
    weights = order ** np.arange(width)
    vectors = np.arange(order**width)[:, None] // weights % order
    x, y = vectors[:, 0], vectors[:, 1]
    form = field.multiply(x, y)
    if sign < 0:  # x^2 + x y + c y^2, without a zero but 0
        form = field.add(field.multiply(x, field.add(x, y)), field.multiply(_irreducible(field), field.multiply(y, y)))
    for i in range(2, width, 2):
        form = field.add(form, field.multiply(vectors[:, i], vectors[:, i + 1]))
    steps = vectors[(form == 0) & vectors.any(axis=1)]
    table = np.zeros((len(vectors), len(steps)), dtype=np.int32)
    for i, weight in enumerate(weights):
        sums = field.add(field.elements[:, None], steps[:, i]) * weight  # of one coordinate, shape (q, steps)
        table += sums.astype(np.int32)[vectors[:, i]]
    return from_neighbours(table)


def _irreducible(field: Field) -> int:
    """Return c such that t^2 + t + c has no root in the field."""
    t = field.elements
    return int(np.setdiff1d(t, field.negative(field.multiply(t, field.add(t, 1))))[0])
