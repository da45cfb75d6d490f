"""A random rotation before another compressor: no coordinate is much larger than the others afterwards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gcopt.compression._random import Stream
from gcopt.compression._spread import power_below
from gcopt.compression.compressor import Array, Bytes, Compressor, Floats, as_vector
from gcopt.errors import InputError

_ROTATIONS = 64


@dataclass(frozen=True)
class Rotated(Compressor):
    """Sends C(U x) of another compressor and takes U^T of what arrives, U an orthogonal matrix that the stream says.

    With P the largest power of two up to D, U flips signs at random, multiplies the first P coordinates by the
    Hadamard matrix H / sqrt(P) and, where P < D, flips signs again and does the same to the last P: nothing is padded,
    and messages are not longer. A coordinate of U x is sub-Gaussian with the proxy |x|^2 / P, since given all else it
    is a sum of independent signs, or what that is multiplied with has length at most |x|. So of d coordinates
    E max_j |(U x)_j|^2 <= (2 / P) (ln(2 d) + 1) |x|^2, by a union bound that is integrated, and one bit with the scale
    ``max`` has E |C(x) - x|^2 <= (2 (D / P) (ln(2 D) + 1) - 1) |x|^2 instead of (D - 1) |x|^2; D / P < 2.

    Attributes
    ----------
    inner : Compressor

    References
    ----------
    Suresh, Yu, Kumar & McMahan 2017, Distributed Mean Estimation with Limited Communication, Section 3 (D = P).

    Examples
    --------
    >>> from gcopt.compression import Dither
    >>> str(Rotated(Dither())), round(Rotated(Dither()).relative(1024), 3), Rotated(Dither()).size(1000)
    ('rotate+dither1:max', 16.249, 129)
    """

    inner: Compressor

    def __post_init__(self) -> None:
        if isinstance(self.inner, Rotated):
            raise InputError("rotate is around rotate; once is enough")
        if self.inner.feedback:
            raise InputError("rotate is around feedback; feedback+rotate would work")

    def __str__(self) -> str:
        return f"rotate+{self.inner}"

    @property
    def unbiased(self) -> bool:
        """As the compressor inside."""
        return self.inner.unbiased

    @property
    def subtracts(self) -> bool:
        """True: the rotation follows from the stream."""
        return True

    def size(self, length: int) -> int:
        """As the compressor inside."""
        return self.inner.size(length)

    def variance(self, vector: ArrayLike) -> float:
        """Return the mean of what the compressor inside has for 64 rotations, an estimate: there are 2^D of them."""
        x = as_vector(vector).astype(np.float64)
        return float(np.mean([self.inner.variance(self._turned(x, Stream(s))) for s in range(_ROTATIONS)]))

    def relative(self, length: int) -> float:
        """Return what is proved of rotated vectors, or of all where that is less."""
        return min(self.inner.relative(length), self.inner.rotated(length))

    def typical(self, length: int) -> float:
        """As the compressor inside: Gaussian vectors remain so."""
        return self.inner.typical(length)

    def pack(self, vector: Array, stream: Stream, out: Bytes) -> int:
        """Rotate, then as the compressor inside."""
        return self.inner.pack(self._turned(vector, stream), stream, out)

    def add(self, message: Bytes, stream: Stream, coefficients: Floats, out: Array) -> None:
        """Rotate back what the compressor inside makes of the message, and add multiples of it."""
        from gcopt.compression import _kernels, _rotation_kernels

        turned = np.zeros((1, out.shape[1]))
        self.inner.add(message, stream, np.ones(1), turned)
        _rotation_kernels.rotate_back(turned[0], power_below(out.shape[1]), _signs(stream))
        _kernels.add_tile(turned[0], coefficients, out)

    def _turned(self, vector: Array, stream: Stream) -> Floats:
        from gcopt.compression import _rotation_kernels

        turned = vector.astype(np.float64)
        _rotation_kernels.rotate(turned, power_below(vector.size), _signs(stream))
        return turned


def _signs(stream: Stream) -> Array:
    return stream._replace(use=stream.use + 1).words
