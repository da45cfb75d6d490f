"""Coordinates drawn at random: unbiased, and only values are sent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gcopt.compression._random import Stream
from gcopt.compression.compressor import Array, Bytes, Compressor, Floats, as_float32, as_vector
from gcopt.compression.top import check_kept, how_many
from gcopt.errors import InputError


@dataclass(frozen=True)
class RandomK(Compressor):
    """Sends K coordinates, every K of the D being as likely, as float32; they count D / K times, and the others as 0.

    E |C(x) - x|^2 = (D / K - 1) |x|^2. The master draws the same places from the stream. Means are right up to the
    rounding of the values to float32 and of the chances to multiples of 2^-32: that of a coordinate is off by at most
    D / (K 2^32) of it, which is a thousandth for one of ten million.

    Attributes
    ----------
    kept : int or float
        K, or a fraction of the coordinates.

    References
    ----------
    Stich, Cordonnier & Jaggi 2018, Sparsified SGD with Memory, Section 2.2; the selection is Algorithm S of Knuth,
    The Art of Computer Programming, Volume 2, Section 3.4.2.

    Examples
    --------
    >>> RandomK(1).variance([3.0, -4.0, 0.0, 1.0]), RandomK(0.01).size(1000), str(RandomK(0.01))
    (78.0, 40, 'random:0.01')
    """

    kept: int | float

    def __post_init__(self) -> None:
        check_kept(self.kept)

    def __str__(self) -> str:
        return f"random:{self.kept}"

    @property
    def unbiased(self) -> bool:
        """True."""
        return True

    @property
    def subtracts(self) -> bool:
        """True: places follow from the stream."""
        return True

    def size(self, length: int) -> int:
        """Four bytes per value."""
        return 4 * how_many(self.kept, length)

    def variance(self, vector: ArrayLike) -> float:
        """Return (D / K - 1) |x|^2, with values as they are sent."""
        x = as_vector(vector).astype(np.float64)
        sent = as_float32("a coordinate of a vector", x).astype(np.float64)
        share = how_many(self.kept, x.size) / x.size
        kept, dropped = sent / share - x, x
        return share * float(np.dot(kept, kept)) + (1.0 - share) * float(np.dot(dropped, dropped))

    def relative(self, length: int) -> float:
        """Return D / K - 1, and what rounding to float32 takes."""
        times, off = length / how_many(self.kept, length), 2.0**-24
        return (times - 1.0) * (1.0 + 2.0 * off) + times * off**2

    def typical(self, length: int) -> float:
        """Return D / K - 1."""
        return length / how_many(self.kept, length) - 1.0

    def pack(self, vector: Array, stream: Stream, out: Bytes) -> int:
        """Write the values."""
        from gcopt.compression import _sparse_kernels as kernels

        values = np.empty(how_many(self.kept, vector.size), dtype=np.float32)
        if not kernels.pack_drawn(vector, stream.words, values):
            raise InputError("a vector holds NaN, infinity or more than 3.4e38; finite numbers below are expected")
        out[:] = values.view(np.uint8)
        return 0

    def add(self, message: Bytes, stream: Stream, coefficients: Floats, out: Array) -> None:
        """Add multiples of the values at the places that the stream says."""
        from gcopt.compression import _sparse_kernels as kernels

        values = message.view(np.float32).astype(np.float64)
        kernels.add_drawn(values, stream.words, coefficients * (out.shape[1] / values.size), out)
