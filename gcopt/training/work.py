"""What a worker computes: its coded stretches of the gradient, in one pass over its rows where the code allows it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gcopt.signs import Signs

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
    """Coordinates ``start`` to ``stop`` of ``factor * sum_i coefficients[i] g_i``, added at ``at`` of a vector.

    The factor is 1 or, for the imaginary part of a complex code, 1j; times what a draw of the signs makes of the block.
    """

    at: int
    start: int
    stop: int
    partitions: Ints
    coefficients: Floats
    factor: complex
    block: int = 0


class Stretch(NamedTuple):
    """A vector of this length and type that is the sum of some terms; ``ratios`` tells how they depend on the draw."""

    length: int
    dtype: np.dtype[Any]
    terms: tuple[Term, ...]
    ratios: Ratios | None = None

    def at(self, draw: int) -> Stretch:
        """Return the stretch as it is in one draw of the signs."""
        if self.ratios is None:
            return self
        ratios = self.ratios(draw)
        return self._replace(terms=tuple(t._replace(factor=t.factor * float(ratios[t.block])) for t in self.terms))


class Ratios(NamedTuple):
    """What the blocks of a worker are multiplied with in other draws than that of the encoding matrix."""

    signs: Signs
    worker: int
    workers: int
    blocks: int

    def __call__(self, draw: int) -> Floats:
        """Return them for one draw, shape (m,)."""
        shape = (self.workers, self.blocks)
        new, old = self.signs.factors(draw, *shape), self.signs.factors(self.signs.draw, *shape)
        return np.asarray(new[self.worker] / old[self.worker])


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


def alone(partition: int, start: int, stop: int) -> Stretch:
    """Return some coordinates of the gradient of one partition as something to compute."""
    term = Term(0, start, stop, np.array([partition]), np.ones(1), 1)
    return Stretch(stop - start, np.dtype(float), (term,) if stop > start else ())


def _message(segment: Segment, worker: int, start: int, stop: int) -> Stretch:
    row = segment.encoding[[worker]].toarray()[0].reshape(segment.blocks, segment.partitions)
    edges = _edges(segment, start, stop)
    terms: list[Term] = []
    for u, (a, b) in enumerate(edges):
        terms += _terms(0, a, b, np.real(row[u]), 0.0, 1, u) + _terms(0, a, b, np.imag(row[u]), 0.0, 1j, u)
    signs = segment.signs
    ratios = None if signs is None else Ratios(signs, worker, segment.workers, segment.blocks)
    return Stretch(edges[0][1] - start, segment.encoding.dtype, tuple(terms), ratios)


def estimate(segment: Segment, decoding: Decoding, start: int, stop: int) -> Stretch:
    """Return what the master makes of the messages, in terms of the partial gradients themselves.

    Block u becomes ``sum_u' sum_i (R B)[u, u' k + i] g_i[block u']``; the coefficients of other blocks vanish when the
    decoding is exact.
    """
    m, k = segment.blocks, segment.partitions
    combined = np.real(segment.encoding.T @ decoding.matrix.T).T.reshape(m, m, k)
    edges = _edges(segment, start, stop)
    terms: list[Term] = []
    for u, source in np.ndindex(m, m):
        terms += _terms(edges[u][0] - start, *edges[source], combined[u, source], _NOTHING)
    return Stretch(m * (edges[0][1] - start), np.dtype(float), tuple(terms))


def _edges(segment: Segment, start: int, stop: int) -> list[tuple[int, int]]:
    """Where the blocks of a segment begin and end; the last may be short, or empty."""
    width = -(-(stop - start) // segment.blocks)
    cuts = [min(start + u * width, stop) for u in range(segment.blocks + 1)]
    return list(pairwise(cuts))


def _terms(
    at: int, start: int, stop: int, row: Floats, nothing: float, factor: complex = 1, block: int = 0
) -> list[Term]:
    partitions = np.flatnonzero(np.abs(row) > nothing)
    if start == stop or not partitions.size:
        return []
    return [Term(at, start, stop, partitions, np.array(row[partitions]), factor, block)]


class Pass:
    """The rows of one batch seen from one point; forward passes are made when they are first needed, and once.

    Parameters
    ----------
    problem : Problem
    batches : Batches
    batch : int
        Number of the batch.
    parameters : array, shape (d,)
    known : dict, optional
        Kept from pass to pass by somebody who computes the same terms every time: where all batches are the same, their
        rows are looked up only once.
    """

    def __init__(
        self,
        problem: Problem,
        batches: Batches,
        batch: int,
        parameters: Floats,
        known: dict[int, tuple[Ints, Floats]] | None = None,
    ) -> None:
        self.problem = problem
        self.batches = batches
        self.batch = batch
        self.parameters = parameters
        self._known = known if batches.fraction == 1.0 else None
        self._residuals: dict[int, NDArray[Any]] = {}
        # of which partitions, as bytes, and their residuals one after the other
        self._joined: tuple[bytes, NDArray[Any]] = (b"", np.empty(0))

    def compute(self, stretch: Stretch) -> NDArray[Any]:
        """Return the vector of a stretch, shape (length,)."""
        terms, d = stretch.terms, self.parameters.size
        fused = all(term.stop - term.start == d for term in terms)
        values = [self._gradient(term) if fused else self._backward(term) for term in terms]
        alone = len(terms) == 1 and terms[0].factor == 1
        if alone and values[0].size == stretch.length and stretch.dtype == values[0].dtype:
            return values[0]
        out = np.zeros(stretch.length, dtype=stretch.dtype)
        for term, value in zip(terms, values, strict=True):
            out[term.at : term.at + value.size] += value if term.factor == 1 else term.factor * value
        return out

    def _gradient(self, term: Term) -> Floats:
        return self.problem.gradient(self.parameters, *self._rows(term))

    def _backward(self, term: Term) -> Floats:
        return self.problem.backward(self._forward(term.partitions), *self._rows(term), term.start, term.stop)

    def _forward(self, partitions: Ints) -> NDArray[Any]:
        """Return the residuals of some partitions; pass forward over those that nothing asked for before."""
        # terms that follow each other often have the same partitions, and these arrays are large
        if (key := partitions.tobytes()) != self._joined[0]:
            new = np.array([i for i in partitions.tolist() if i not in self._residuals], dtype=np.int64)
            found = self._pass_over(new) if new.size else np.empty(0)
            some = new.size < partitions.size
            self._joined = key, np.concatenate([self._residuals[i] for i in partitions.tolist()]) if some else found
        return self._joined[1]

    def _pass_over(self, new: Ints) -> NDArray[Any]:
        windows, owner, _ = self.batches.rows(self.batch, new)
        rows = np.bincount(owner, weights=windows[:, 1] - windows[:, 0], minlength=new.size).astype(np.int64)
        residual = self.problem.residual(self.parameters, windows)
        self._residuals.update(zip(new.tolist(), np.split(residual, np.cumsum(rows)[:-1]), strict=True))
        return residual

    def _rows(self, term: Term) -> tuple[Ints, Floats]:
        if self._known is not None and (found := self._known.get(id(term.partitions))) is not None:
            return found
        windows, owner, scale = self.batches.rows(self.batch, term.partitions)
        rows = windows, term.coefficients[owner] * scale[owner]
        if self._known is not None:
            self._known[id(term.partitions)] = rows
        return rows
