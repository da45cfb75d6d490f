"""Coefficients for messages that are noisy because they were compressed: between least squares and the plain sum."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, sparse
from scipy.sparse.csgraph import connected_components

from gcopt.checks import check_finite
from gcopt.code import Segment
from gcopt.decoding.component import Explanation
from gcopt.decoding.decoder import Decoder, Decoding, residual
from gcopt.decoding.factors import DENSE_LIMIT, iterate
from gcopt.decoding.rule import Bools

_LEAST = 1e-10  # variance per worker below which systems of equations would be solved no better than with it

_NOTHING = 1e-20  # of |T|^2: rows whose product with T is shorter can say nothing about the gradient as a whole


def noise_aware(segment: Segment, variance: float) -> Decoder:
    """Return a decoder that minimises the expected squared error of compressed messages.

    With partial gradients that are independent, isotropic and equally long, and messages whose errors have w times
    their own expected squared length, the squared error is, in units of a partial gradient's,

        ||R B - T||^2 + w sum_j |R_j|^2 ||b_j||^2,

    R_j the coefficients of worker j and b_j its row of B. Among coefficients with <R B, T> = m k, that is with an
    estimate which is once the gradient where partial gradients are alike, it is least for R = c T B^H (B B^H + w
    diag ||b_j||^2)^-1, rows of responders only, c chosen so. As w grows, coefficients go to those of a matched filter,
    c T B^H diag ||b_j||^-2; as it goes to 0, to those of least squares times m k / (m k - its error).

    Parameters
    ----------
    segment : Segment
        Where its decoder has fixed coefficients, these stay what they are.
    variance : float
        w, for instance ``code.compressor.typical(length of a message)``. For 0 this is least squares without the
        condition.

    Returns
    -------
    Decoder
        ``error`` of its decodings is ||R B - T||^2 as always, without the noise. ``decodes``, and what ``running``
        returns, speak of what the responders could determine, as least squares would. Coefficients are 0 where nobody
        is heard whose message tells anything of the whole gradient, B T^H = 0.

    Raises
    ------
    InputError
        If the variance is negative, NaN or infinite.

    Notes
    -----
    Derived: the Lagrange conditions of a convex quadratic with one linear constraint.

    Examples
    --------
    The third worker has a message of its own, twice as much of the first partition. Without noise it is used so that
    both partitions count 1; with much noise everybody's message has its say.

    >>> segment = Segment(np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 1.0]]))
    >>> for variance in (0.0, 1.0, 100.0):
    ...     found = noise_aware(segment, variance)([True, True, True])
    ...     print(found.matrix.round(3).tolist(), round(found.error, 3))
    [[0.4, 0.7, 0.3]] 0.0
    [[0.462, 0.615, 0.308]] 0.012
    [[0.525, 0.528, 0.316]] 0.049
    """
    w = check_finite("variance", variance, 0.0)
    return Decoder(segment) if w == 0.0 or segment.is_linear else _NoiseAware(segment, w)


class _Part(NamedTuple):
    """Workers whose messages have something in common: they share no equation with others.

    ``unit`` are their rows scaled to length 1, ``gram`` the products of these (None where too many), ``wanted`` their
    products with T^H.
    """

    workers: NDArray[np.intp]
    unit: sparse.csr_array
    gram: NDArray[Any] | None
    wanted: NDArray[Any]


class _NoiseAware(Decoder):
    """The decoder of `noise_aware` for w > 0 and coefficients that are free."""

    def __init__(self, segment: Segment, variance: float) -> None:
        super().__init__(segment)
        self.variance = max(variance, _LEAST * segment.workers)
        self._lengths = np.sqrt(np.asarray(abs(segment.encoding).power(2).sum(axis=1)))

    def error(self, responders: ArrayLike) -> float:
        """Return ||R B - T||^2 of the coefficients for these responders."""
        return self(responders).error

    def decodes(self, responders: ArrayLike) -> bool:
        """Whether these responders determine the segment exactly."""
        return self._plain.decodes(responders)

    def explain(self) -> list[Explanation]:
        """Say what is done."""
        why = f"messages have errors of {self.variance:g} times their squared length; regularised systems of equations"
        return [Explanation(self.segment.workers, self.segment.partitions, "noise-aware", why, 1)]

    def _decode(self, heard: Bools) -> Decoding:
        segment = self.segment
        matrix: NDArray[Any] = np.zeros((segment.blocks, segment.workers), dtype=segment.encoding.dtype)
        gained = told = 0.0
        for part in self._systems:
            mine = heard[part.workers]
            if mine.any():
                wanted, workers = part.wanted[mine], part.workers[mine]
                found = self._solved(part, mine, wanted)
                matrix[:, workers] = found.conj().T / self._lengths[workers]
                gained += float(np.real(np.vdot(found, wanted)))
                told += float(np.sum(np.abs(wanted) ** 2))
        whole = segment.blocks * segment.partitions
        matrix = matrix * (whole / gained) if told > _NOTHING * whole else np.zeros_like(matrix)
        matrix.flags.writeable = False
        return Decoding(matrix, residual(segment, matrix))

    def _solved(self, part: _Part, heard: Bools, wanted: NDArray[Any]) -> NDArray[Any]:
        """Return X with (U U^H + w) X = (1 + w) U T^H, U the unit rows that were heard, shape (heard, m)."""
        w = self.variance
        if part.gram is None:
            unit = sparse.csr_array(part.unit[heard])
            return (1.0 + w) * iterate(unit, self.segment.target.T, damp=float(np.sqrt(w))).conj()
        system = part.gram[np.ix_(heard, heard)] / (1.0 + w)
        system[np.diag_indices_from(system)] += w / (1.0 + w)
        return np.asarray(linalg.solve(system, wanted, assume_a="pos", check_finite=False))

    @cached_property
    def _plain(self) -> Decoder:
        return Decoder(self.segment)

    @cached_property
    def _systems(self) -> list[_Part]:
        """Rows with no product other than 0 with those of another part are solved for by themselves."""
        used = np.flatnonzero(self._lengths)
        unit = sparse.csr_array(sparse.diags_array(1.0 / self._lengths[used]) @ self.segment.encoding[used])
        gram = sparse.csr_array(unit @ unit.conj().T)
        wanted = unit @ self.segment.target.T
        label = connected_components(abs(gram), directed=False)[1]
        order = np.argsort(label, kind="stable")
        found = []
        for at in np.split(order, np.flatnonzero(np.diff(label[order])) + 1) if used.size else []:
            dense = gram[at][:, at].toarray() if at.size <= DENSE_LIMIT else None
            found.append(_Part(used[at], sparse.csr_array(unit[at]), dense, wanted[at]))
        return found
