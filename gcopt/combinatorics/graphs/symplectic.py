"""Symplectic graphs: points of a projective space, adjacent if an alternating form vanishes on them."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from gcopt.combinatorics.fields import Field
from gcopt.combinatorics.graphs.building import Ints, from_neighbours

_AT_ONCE = 2**18


def symplectic(rank: int, order: int) -> sparse.csr_array:
    """Return the graph of Sp(2e, q): for e = 2, points of the generalised quadrangle W(q) on a common line.

    SRG((q^2e - 1) / (q - 1), q (q^(2e-2) - 1) / (q - 1), lambda, mu) with mu = (q^(2e-2) - 1) / (q - 1) and
    lambda = mu - 2 (Brouwer & Van Maldeghem 2022, Section 2.5); sparse, with both eigenvalues near the root of d.

    Parameters
    ----------
    rank : int
        e, at least 2.
    order : int
        q, a prime power.

    Examples
    --------
    >>> symplectic(2, 2).shape, symplectic(2, 2).sum(axis=1)[0].item()
    ((15, 15), 6)
    """
    field, width = Field(order), 2 * rank
    points = _points(field, width)
    number = np.full(order**width, -1)
    weights = order ** np.arange(width)
    number[points @ weights] = np.arange(len(points))
    swapped = points.reshape(-1, rank, 2)[:, :, ::-1]
    forms = np.stack([swapped[:, :, 0], field.negative(swapped[:, :, 1])], axis=2).reshape(-1, width)
    table = np.empty((len(points), (order ** (width - 1) - 1) // (order - 1)), dtype=np.int32)
    last = width - 1 - (forms[:, ::-1] != 0).argmax(axis=1)
    for pivot in range(width):
        rows = np.flatnonzero(last == pivot)
        for some in np.array_split(rows, 1 + rows.size * table.shape[1] // _AT_ONCE):
            table[some] = number[_zeros(field, forms[some], pivot) @ weights]
    mine = np.arange(len(points))[:, None]
    return from_neighbours(table[table != mine].reshape(len(points), -1))


def _points(field: Field, width: int) -> Ints:
    """Points of the projective space, first nonzero coordinate 1, shape (points, width)."""
    q, found = field.order, []
    for lead in range(width):
        free = width - lead - 1
        rest = np.arange(q**free)[:, None] // q ** np.arange(free) % q
        found.append(np.hstack([np.zeros((len(rest), lead), dtype=np.int64), np.ones((len(rest), 1), np.int64), rest]))
    return np.concatenate(found)


def _zeros(field: Field, forms: Ints, pivot: int) -> Ints:
    """Points on which linear forms vanish, shape (forms, points, width): all coordinates but ``pivot`` are free."""
    rest = _points(field, forms.shape[1] - 1)
    total = np.zeros((len(forms), len(rest)), dtype=np.int64)
    for value, coefficient in zip(rest.T, np.delete(forms, pivot, axis=1).T, strict=True):
        total = field.add(total, field.multiply(coefficient[:, None], value))
    solved = field.multiply(field.negative(total), field.inverse(forms[:, pivot])[:, None])
    wide = np.broadcast_to(rest, (len(forms), *rest.shape))
    found = np.insert(wide, pivot, solved, axis=2)
    lead = np.take_along_axis(found, (found != 0).argmax(axis=2)[:, :, None], axis=2)
    return field.multiply(found, field.inverse(lead))
