"""How the decoding error falls as answers come in, for many iterations at once.

With least squares the squared error of the first t answers is m k minus the squared length of the target's projection
on their rows. A Cholesky factor of the rows' Gram matrix in the order of arrival holds what each answer adds to it, so
that one factorisation tells the errors of all t. Components add up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.code import Segment
from gcopt.decoding import Component, Decoder

_ENTRIES = 500_000  # held at once, so that they stay in cache
_RIDGE = 1e-10  # keeps repeated rows from breaking the factorisation
_NEAR = 1e-7  # of m k: nearer to the tolerance than this the decoder itself decides

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


def first_within(decoder: Decoder, arrived: Floats, tolerance: float) -> Ints:
    """Return after how many answers the decoding error is within a tolerance for the first time.

    Parameters
    ----------
    decoder : Decoder
    arrived : array, shape (iterations, n)
        When each answer comes; equal times come in the order of the workers.
    tolerance : float
        Squared error, absolute.

    Returns
    -------
    int array, shape (iterations,)
        n + 1 where all n answers do not reach it.

    Examples
    --------
    >>> import gcopt
    >>> decoder = Decoder(gcopt.families.uncoded(4).segments[0])
    >>> first_within(decoder, np.array([[3.0, 1.0, 2.0, 4.0]]), 1.0).tolist()  # one partition of four may be missing
    [3]
    """
    n = arrived.shape[1]
    found = np.empty(len(arrived), dtype=np.intp)
    step = max(1, _ENTRIES // (n + decoder.segment.blocks) ** 2)
    for start in range(0, found.size, step):
        some = arrived[start : start + step]
        errors = prefix_errors(decoder, some)
        near = _NEAR * decoder.segment.blocks * decoder.segment.partitions
        first, maybe = _first(errors <= tolerance - near), errors <= tolerance + near
        for i in np.flatnonzero(_first(maybe) < first):
            order = np.argsort(some[i], kind="stable")
            for t in np.flatnonzero(maybe[i, : first[i] - 1]) + 1:
                if decoder(np.isin(np.arange(n), order[:t])).error <= tolerance:
                    first[i] = t
                    break
        found[start : start + step] = first
    return found


def prefix_errors(decoder: Decoder, arrived: Floats) -> Floats:
    """Return the squared error of the first 1, 2, ..., n answers, shape (iterations, n), to about 1e-9 of m k.

    Examples
    --------
    >>> import gcopt
    >>> decoder = Decoder(gcopt.families.fractional_repetition(4, 1).segments[0])
    >>> np.abs(prefix_errors(decoder, np.array([[1.0, 2.0, 3.0, 4.0]])).round(6)).tolist()
    [[2.0, 0.0, 0.0, 0.0]]
    """
    segment = decoder.segment
    order = np.argsort(arrived, axis=1, kind="stable")
    if segment.is_linear:
        return _fixed(segment, order)
    lowered = np.zeros(arrived.shape)
    for part in decoder.components:
        mine = np.argsort(arrived[:, part.workers], axis=1, kind="stable")
        lowered[np.arange(len(arrived))[:, None], part.workers[mine]] = _lowered(part, mine)
    fallen = np.cumsum(np.take_along_axis(lowered, order, axis=1), axis=1)
    return np.asarray(segment.blocks * segment.partitions - fallen)


def _first(reached: NDArray[np.bool_]) -> Ints:
    """Return the place, from 1, of the first true in each row; one more than there are where none is."""
    return np.asarray(np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, reached.shape[1] + 1))


def _lowered(part: Component, order: Ints) -> Floats:
    """Return by how much each member lowers the component's error when it comes, in the order of arrival."""
    size, m = part.workers.size, part.blocks
    rows = part.matrix
    norms = np.sqrt(np.asarray(abs(rows).power(2).sum(axis=1)).ravel())
    unit = sparse.csr_array(rows.multiply(1.0 / norms[:, None]))
    target = np.kron(np.eye(m), np.ones((part.partitions.size, 1)))
    # the target's rows come last: their part of the factor holds their products with the orthonormalised answers
    gram = np.empty((size + m, size + m), dtype=rows.dtype)
    gram[:size, :size] = (unit @ unit.conj().T).toarray() + _RIDGE * np.eye(size)
    gram[:size, size:] = unit @ target
    gram[size:, :size] = gram[:size, size:].conj().T
    gram[size:, size:] = (part.partitions.size + 1.0) * np.eye(m)
    last = np.broadcast_to(np.arange(size, size + m), (len(order), m))
    places = np.concatenate([order, last], axis=1)
    factor = np.linalg.cholesky(gram[places[:, :, None], places[:, None, :]])
    return np.asarray(np.sum(np.abs(factor[:, size:, :size]) ** 2, axis=1))


def _fixed(segment: Segment, order: Ints) -> Floats:
    """Return the errors where every answer has the same coefficient, in the order of arrival."""
    rows, k, n = segment.encoding, segment.partitions, segment.workers
    filled = np.arange(int(segment.pairs.max(initial=0))) < segment.pairs[:, None]
    # workers with fewer partitions are filled up with zeros for one that does not exist
    held, entries = np.full(filled.shape, k), np.zeros(filled.shape, dtype=rows.dtype)
    held[filled], entries[filled] = rows.indices, rows.data
    each = np.arange(len(order))[:, None]
    sums = np.zeros((len(order), k + 1), dtype=rows.dtype)
    squares, totals, errors = np.zeros(len(order)), np.zeros(len(order)), np.empty(order.shape)
    for t, came in enumerate(order.T):
        weight = n / (t + 1) if segment.decoder == "scaled" else 1.0
        at, entry = held[came], entries[came]
        before = sums[each, at]
        squares += np.sum(np.abs(before + entry) ** 2 - np.abs(before) ** 2, axis=1)
        totals += np.real(entry).sum(axis=1)
        sums[each, at] += entry
        errors[:, t] = weight**2 * squares - 2.0 * weight * totals + k
    return errors
