"""How the decoding error falls as answers come in, for many iterations at once.

With least squares the squared error of the first t answers is m k minus the squared length of the target's projection
on their rows. A Cholesky factor of the rows' Gram matrix in the order of arrival holds what each answer adds to it, so
that one factorisation tells the errors of all t. Components add up.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.code import Segment
from gcopt.decoding import Component, Decoder
from gcopt.decoding.fixed import FIXED

_ENTRIES = 500_000  # held at once, so that they stay in cache
_RIDGE = 1e-10  # keeps repeated rows from breaking the factorisation
_NEAR = 1e-7  # of m k: nearer to the tolerance than this the decoder itself decides

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


class Prefixes:
    """The errors of the first 1, 2, ..., n answers of a segment.

    Parameters
    ----------
    decoder : Decoder

    Attributes
    ----------
    near : float
        Errors found here are right to within this, and mostly to much less.
    """

    def __init__(self, decoder: Decoder) -> None:
        self.decoder = decoder
        self.near = _NEAR * decoder.segment.blocks * decoder.segment.partitions

    def first_within(self, arrived: Floats, tolerance: float) -> Ints:
        """Return after how many answers the error is within a tolerance for the first time.

        Parameters
        ----------
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
        >>> uncoded = Prefixes(Decoder(gcopt.families.uncoded(4).segments[0]))
        >>> uncoded.first_within(np.array([[3.0, 1.0, 2.0, 4.0]]), 1.0).tolist()  # one of four may be missing
        [3]
        """
        n = arrived.shape[1]
        errors = self.errors(arrived)
        first, maybe = _first(errors <= tolerance - self.near), errors <= tolerance + self.near
        for i in np.flatnonzero(_first(maybe) < first):
            order = np.argsort(arrived[i], kind="stable")
            for t in np.flatnonzero(maybe[i, : first[i] - 1]) + 1:
                if self.decoder(np.isin(np.arange(n), order[:t])).error <= tolerance:
                    first[i] = t
                    break
        return first

    def errors(self, arrived: Floats) -> Floats:
        """Return the squared error of every prefix, shape (iterations, n).

        Examples
        --------
        >>> import gcopt
        >>> repetition = Prefixes(Decoder(gcopt.families.fractional_repetition(4, 1).segments[0]))
        >>> np.abs(repetition.errors(np.array([[1.0, 2.0, 3.0, 4.0]])).round(6)).tolist()
        [[2.0, 0.0, 0.0, 0.0]]
        """
        segment = self.decoder.segment
        order = np.argsort(arrived, axis=1, kind="stable")
        if segment.is_linear:
            return _fixed(segment, order)
        lowered = np.zeros(arrived.shape)
        each = np.arange(len(arrived))[:, None]
        for part, gram in zip(self.decoder.components, self._grams, strict=True):
            mine = np.argsort(arrived[:, part.workers], axis=1, kind="stable")
            lowered[each, part.workers[mine]] = _lowered(gram, mine)
        fallen = np.cumsum(np.take_along_axis(lowered, order, axis=1), axis=1)
        return np.asarray(segment.blocks * segment.partitions - fallen)

    @cached_property
    def _grams(self) -> list[NDArray[np.generic]]:
        return [_gram(part) for part in self.decoder.components]


def _first(reached: NDArray[np.bool_]) -> Ints:
    """Return the place, from 1, of the first true in each row; one more than there are where none is."""
    return np.asarray(np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, reached.shape[1] + 1))


def _unit(part: Component) -> sparse.csr_array:
    norms = np.sqrt(np.asarray(abs(part.matrix).power(2).sum(axis=1)).ravel())
    return sparse.csr_array(part.matrix.multiply(1.0 / norms[:, None]))


def _gram(part: Component) -> NDArray[np.generic]:
    """Return the Gram matrix of a component's rows and, last, of the target's, shape (members + m, members + m)."""
    size, m = part.workers.size, part.blocks
    unit = _unit(part)
    gram = np.empty((size + m, size + m), dtype=unit.dtype)
    gram[:size, :size] = (unit @ unit.conj().T).toarray() + _RIDGE * np.eye(size)
    gram[:size, size:] = unit @ np.kron(np.eye(m), np.ones((part.partitions.size, 1)))
    gram[size:, :size] = gram[:size, size:].conj().T
    # one more than their squared length, so that the factor exists whatever is left of them
    gram[size:, size:] = (part.partitions.size + 1.0) * np.eye(m)
    return gram


def _lowered(gram: NDArray[np.generic], order: Ints) -> Floats:
    """Return by how much each member lowers the component's error when it comes, in the order of arrival.

    The target's part of the factor holds its products with the orthonormalised answers.
    """
    size = order.shape[1]
    lowered = np.empty(order.shape)
    step = max(1, _ENTRIES // gram.size)
    for start in range(0, len(order), step):
        some = order[start : start + step]
        last = np.broadcast_to(np.arange(size, len(gram)), (len(some), len(gram) - size))
        places = np.concatenate([some, last], axis=1)
        factor = np.linalg.cholesky(gram[places[:, :, None], places[:, None, :]])
        lowered[start : start + step] = np.sum(np.abs(factor[:, size:, :size]) ** 2, axis=1)
    return lowered


def _fixed(segment: Segment, order: Ints) -> Floats:
    """Return the errors where every answer counts alike, in the order of arrival."""
    rule = FIXED[segment.decoder](segment)
    added, n = rule.contributions, segment.workers
    rows, width, pairs = added.mean, added.target.size, np.diff(added.mean.indptr)
    filled = np.arange(int(pairs.max(initial=0))) < pairs[:, None]
    # workers with fewer entries are filled up with zeros for one that does not exist
    held, entries = np.full(filled.shape, width), np.zeros(filled.shape, dtype=rows.dtype)
    held[filled], entries[filled] = rows.indices, rows.data
    gained = np.real(entries * np.append(added.target, 0.0)[held]).sum(axis=1)
    each = np.arange(len(order))[:, None]
    sums = np.zeros((len(order), width + 1), dtype=rows.dtype)
    squares, totals, errors = np.zeros(len(order)), np.zeros(len(order)), np.empty(order.shape)
    weights = rule.factors(np.arange(1, n + 1))
    for t, (came, weight) in enumerate(zip(order.T, weights, strict=True)):
        at, entry = held[came], entries[came]
        before = sums[each, at]
        squares += np.sum(np.abs(before + entry) ** 2 - np.abs(before) ** 2, axis=1)
        totals += gained[came]
        sums[each, at] += entry
        errors[:, t] = weight**2 * squares - 2.0 * weight * totals + added.target.sum()
    return errors
