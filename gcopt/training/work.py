"""What a worker computes: its coded stretches of the gradient, in one pass over its rows where the code allows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

if TYPE_CHECKING:
    from gcopt.code import GradientCode, Segment
    from gcopt.decoding import Decoding
    from gcopt.training.batches import Batches
    from gcopt.training.problems import Problem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# below the rounding of the sums that make a decoded coefficient
_NOTHING = 1e-13


class Term(NamedTuple):
    """Coordinates ``start`` to ``stop`` of ``sum_i coefficients[i] g_i``, added at position ``at`` of a vector."""

    at: int
    start: int
    stop: int
    partitions: Ints
    coefficients: NDArray[Any]


class Stretch(NamedTuple):
    """A vector of this length and type that is the sum of some terms."""

    length: int
    dtype: np.dtype[Any]
    terms: tuple[Term, ...]


def message_width(segment: Segment, start: int, stop: int) -> int:
    """Length of a message about coordinates ``start`` to ``stop`` that are cut into m blocks."""
    return -(-(stop - start) // segment.blocks)


def assignment(code: GradientCode, worker: int, parameters: int) -> list[Stretch]:
    """Return what a worker computes and sends, one stretch per segment.

    Examples
    --------
    >>> import gcopt
    >>> (stretch,) = assignment(gcopt.families.fractional_repetition(4, 1), worker=1, parameters=10)
    >>> stretch.length, stretch.terms[0].partitions.tolist(), stretch.terms[0].coefficients.tolist()
    (10, [2, 3], [1.0, 1.0])
    """
    cuts = code.cuts(parameters).tolist()
    return [_message(s, worker, a, b) for s, a, b in zip(code.segments, cuts[:-1], cuts[1:], strict=True)]


def _message(segment: Segment, worker: int, start: int, stop: int) -> Stretch:
    width = message_width(segment, start, stop)
    row = segment.encoding[[worker]].toarray()[0].reshape(segment.blocks, segment.partitions)
    blocks = [(start + u * width, min(start + (u + 1) * width, stop), row[u]) for u in range(segment.blocks)]
    terms = tuple(_term(0, a, b, coefficients, 0.0) for a, b, coefficients in blocks if a < b and coefficients.any())
    return Stretch(width, segment.encoding.dtype, terms)


def estimate(segment: Segment, decoding: Decoding, start: int, stop: int) -> Stretch:
    """Return what the master makes of the messages, in terms of the partial gradients themselves.

    Block u becomes ``sum_u' sum_i (R B)[u, u' k + i] g_i[block u']``; the coefficients of other blocks vanish when the
    decoding is exact.
    """
    width = message_width(segment, start, stop)
    m, k = segment.blocks, segment.partitions
    combined = np.real(sparse.csr_array(segment.encoding.T) @ decoding.matrix.T).T.reshape(m, m, k)
    terms = []
    for u, source in np.ndindex(m, m):
        a, b = start + source * width, min(start + (source + 1) * width, stop)
        if a < b and np.abs(combined[u, source]).max() > _NOTHING:
            terms.append(_term(u * width, a, b, combined[u, source], _NOTHING))
    return Stretch(m * width, np.dtype(float), tuple(terms))


def _term(at: int, start: int, stop: int, coefficients: NDArray[Any], nothing: float) -> Term:
    partitions = np.flatnonzero(np.abs(coefficients) > nothing)
    return Term(at, start, stop, partitions, coefficients[partitions])


class Pass:
    """The rows of one batch seen from one point; forward passes are made when they are first needed, and once.

    Parameters
    ----------
    problem : Problem
    batches : Batches
    batch : int
        Number of the batch.
    parameters : array, shape (d,)
    """

    def __init__(self, problem: Problem, batches: Batches, batch: int, parameters: Floats) -> None:
        self.problem = problem
        self.batches = batches
        self.batch = batch
        self.parameters = parameters
        self._residuals: dict[int, NDArray[Any]] = {}

    def compute(self, stretch: Stretch) -> NDArray[Any]:
        """Return the vector of a stretch, shape (length,)."""
        terms = stretch.terms
        whole = len(terms) == 1 and terms[0].stop - terms[0].start == stretch.length == self.parameters.size
        if whole:
            return self._parts(terms[0], self._gradient)
        out = np.zeros(stretch.length, dtype=stretch.dtype)
        for term in terms:
            out[term.at : term.at + term.stop - term.start] += self._parts(term, self._backward)
        return out

    def _parts(self, term: Term, compute: Callable[[Term, Floats], Floats]) -> NDArray[Any]:
        """Compute with real coefficients, twice where they are complex."""
        c = term.coefficients
        return compute(term, c.real) + 1j * compute(term, c.imag) if np.iscomplexobj(c) else compute(term, c)

    def _gradient(self, term: Term, coefficients: Floats) -> Floats:
        windows, scaled = self._rows(term.partitions, coefficients)
        return self.problem.gradient(self.parameters, windows, scaled)

    def _backward(self, term: Term, coefficients: Floats) -> Floats:
        self._forward(term.partitions)
        windows, scaled = self._rows(term.partitions, coefficients)
        residual = np.concatenate([self._residuals[i] for i in term.partitions.tolist()])
        return self.problem.backward(residual, windows, scaled, term.start, term.stop)

    def _forward(self, partitions: Ints) -> None:
        """Pass forward over the rows of those partitions that nothing asked for before."""
        new = np.array([i for i in partitions.tolist() if i not in self._residuals], dtype=np.int64)
        if not new.size:
            return
        windows, owner, _ = self.batches.rows(self.batch, new)
        rows = np.bincount(owner, weights=windows[:, 1] - windows[:, 0], minlength=new.size).astype(np.int64)
        residual = self.problem.residual(self.parameters, windows)
        self._residuals.update(zip(new.tolist(), np.split(residual, np.cumsum(rows)[:-1]), strict=True))

    def _rows(self, partitions: Ints, coefficients: Floats) -> tuple[Ints, Floats]:
        windows, owner, scale = self.batches.rows(self.batch, partitions)
        return windows, coefficients[owner] * scale[owner]
