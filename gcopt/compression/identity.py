"""Nothing is done to a message: eight bytes for every number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gcopt.compression._random import Stream
from gcopt.compression.compressor import Array, Bytes, Compressor, Floats, as_vector, check_finite_vector


@dataclass(frozen=True)
class Identity(Compressor):
    """Sends float64 as it is; what the others are compared with.

    Examples
    --------
    >>> Identity().size(100), Identity().variance([1.0, 2.0])
    (800, 0.0)
    """

    def __str__(self) -> str:
        return "none"

    @property
    def unbiased(self) -> bool:
        """True."""
        return True

    def size(self, length: int) -> int:
        """Eight bytes per coordinate."""
        return 8 * length

    def variance(self, vector: ArrayLike) -> float:
        """Return 0."""
        as_vector(vector)
        return 0.0

    def relative(self, length: int) -> float:
        """Return 0."""
        return 0.0

    def typical(self, length: int) -> float:
        """Return 0."""
        return 0.0

    def pack(self, vector: Array, stream: Stream, out: Bytes) -> int:
        """Copy the numbers."""
        check_finite_vector(vector)
        out[:] = vector.astype(np.float64).view(np.uint8)
        return 0

    def add(self, message: Bytes, stream: Stream, coefficients: Floats, out: Array) -> None:
        """Add multiples of the numbers."""
        from gcopt.compression import _kernels as kernels

        kernels.add_tile(message.view(np.float64), coefficients, out)
