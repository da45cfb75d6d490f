"""Least squares that knows of noise in the messages: what compression adds is weighed against what stragglers leave."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from gcopt.checks import check_finite
from gcopt.code import Segment
from gcopt.decoding.decoder import Decoder, Decoding, residual
from gcopt.decoding.rule import Bools

Floats = NDArray[np.float64]

_NOTHING = 1e-12
_MANY = 4000  # workers whose inner products fit into memory and time


def noise_aware(segment: Segment, variance: float) -> Decoder:
    """Return what decodes messages that carry noise in proportion to their size.

    Parameters
    ----------
    segment : Segment
    variance : float
        w: the master has y_j plus noise of mean 0 and squared length w |y_j|^2, independent between workers.

    Returns
    -------
    Decoder
        The usual one where there is no noise, coefficients are fixed, or workers are beyond some thousands.

    Raises
    ------
    InputError
        If the variance is negative or not finite.

    Examples
    --------
    >>> import gcopt, numpy as np
    >>> code = gcopt.GradientCode.from_matrix([[1.0, 1.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    >>> heard = [True, True, False]
    >>> noise_aware(code.segments[0], 0.0)(heard).matrix.round(4).tolist()
    [[0.6667, 0.6667, 0.0]]
    >>> noise_aware(code.segments[0], 2.0)(heard).matrix.round(4).tolist()
    [[0.6667, 0.6667, 0.0]]
    """
    w = check_finite("variance", variance, 0.0)
    plain = w < _NOTHING or segment.is_linear or segment.workers > _MANY
    return Decoder(segment) if plain else Noisy(segment, w)


class Noisy(Decoder):
    """Minimises ||R B - T||^2 + w sum_j |R_j|^2 ||b_j||^2 among all R with <R B, T> as least squares have it.

    That is the mean squared error of the estimate for independent isotropic partial gradients of equal length, at the
    multiple of the gradient that users know from least squares, so that a step keeps its meaning. The solution is
    ``c T B^H (B B^H + w diag ||b_j||^2)^-1`` on the rows of the responders, R_j the columns of R. Errors are reported
    without the noise.

    Responders that decode exactly still do, with the exact coefficients that add least noise: noise averages out over a
    run, a wrong weight of a partition does not.
    """

    def __init__(self, segment: Segment, variance: float) -> None:
        super().__init__(segment)
        self.variance = variance

    def error(self, responders: Any) -> float:
        """Return the squared error of these responders."""
        return self(responders).error

    @cached_property
    def _lengths(self) -> Floats:
        rows = self.segment.encoding
        return np.asarray(np.sqrt((abs(rows) ** 2).sum(axis=1)), dtype=np.float64)

    @cached_property
    def _gram(self) -> NDArray[Any]:
        """Inner products of the rows, shape (n, n); those of workers without work are of no meaning."""
        rows, lengths = self.segment.encoding, np.maximum(self._lengths, np.finfo(float).tiny)
        return np.asarray((rows @ rows.conj().T).toarray() / lengths[:, None] / lengths)

    @cached_property
    def _aims(self) -> NDArray[Any]:
        """Inner products of the rows with those of T, shape (n, m)."""
        rows, lengths = self.segment.encoding, np.maximum(self._lengths, np.finfo(float).tiny)
        return np.asarray((rows.conj() @ self.segment.target.T) / lengths[:, None])

    def _decode(self, heard: Bools) -> Decoding:
        plain = super()._decode(heard)
        if plain.error <= self.tolerance:
            return plain
        segment, used = self.segment, np.flatnonzero(heard & (self._lengths > 0.0))
        size = segment.blocks * segment.partitions
        system = self._gram[np.ix_(used, used)].T + self.variance * np.eye(used.size)
        best = cho_solve(cho_factor(system), self._aims[used]) if used.size else self._aims[used]
        reached = float(np.real(np.sum(best * self._aims[used].conj())))
        # where the rows of those who answered say nothing of the gradient, nothing is said
        if size - plain.error <= self.tolerance or reached <= 0.0:
            return plain
        matrix: NDArray[Any] = np.zeros_like(plain.matrix)
        matrix[:, used] = ((size - plain.error) / reached * best / self._lengths[used, None]).T
        matrix.flags.writeable = False
        return Decoding(matrix, residual(segment, matrix))
