"""One bit per coordinate between the smallest and the largest: for vectors that do not lie around zero."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import ArrayLike

from gcopt.compression._random import Stream
from gcopt.compression._spread import spread
from gcopt.compression.compressor import ROUNDED, Array, Bytes, Compressor, Floats, as_float32, as_vector
from gcopt.compression.dither import block_lengths, blocks, check_block, largest_square
from gcopt.errors import InputError


@dataclass(frozen=True)
class TwoLevel(Compressor):
    """Sends whether Q(x)_j is lo = min x or hi = max x, the latter with probability (x_j - lo) / (hi - lo).

    E Q(x) = x and E |Q(x) - x|^2 = sum_j (hi - x_j) (x_j - lo), of every block where these have levels of their own.

    Attributes
    ----------
    block : int or None
        Coordinates that share two levels, a multiple of 8; None for all.

    References
    ----------
    Suresh, Yu, Kumar & McMahan 2017, Distributed Mean Estimation with Limited Communication, Lemma 2.

    Examples
    --------
    >>> TwoLevel().variance([3.0, -4.0, 0.0, 1.0]), TwoLevel().size(100)
    (22.0, 21)
    """

    block: int | None = None

    def __post_init__(self) -> None:
        check_block(self.block)

    def __str__(self) -> str:
        return "two-level" if self.block is None else f"two-level:block={self.block}"

    @property
    def unbiased(self) -> bool:
        """True."""
        return True

    def size(self, length: int) -> int:
        """An eighth of a byte per coordinate, and eight bytes per block."""
        return ceil(length / 8) + 8 * blocks(length, self.block)

    def variance(self, vector: ArrayLike) -> float:
        """Return sum_j (hi - x_j) (x_j - lo), with the levels as they are sent."""
        x = as_vector(vector).astype(np.float64)
        low, high = (np.repeat(level, block_lengths(x.size, self.block)) for level in self._levels(x))
        return float(np.dot(high - x, x - low))

    def relative(self, length: int) -> float:
        """Return D_b / 2 - 1, which two coordinates of opposite signs need."""
        longest = max(2, min(length, self.block or length))
        return longest / 2.0 * ROUNDED - 1.0

    def rotated(self, length: int) -> float:
        """Return 2 (D / P) (ln(2 D) + 1) - 1, since (hi - x) (x - lo) <= max^2 - x^2; P the power of two up to D."""
        return spread(block_lengths(length, self.block)) * ROUNDED - 1.0

    def typical(self, length: int) -> float:
        """Return about (E max x_j)^2 - 1 for Gaussian vectors: max |x_j| of half as many is as large."""
        return largest_square(max(1, min(length, self.block or length) // 2)) - 1.0

    def pack(self, vector: Array, stream: Stream, out: Bytes) -> int:
        """Write the levels and the bits."""
        from gcopt.compression import _kernels as kernels

        low, high = self._levels(vector)
        sent = 8 * low.size
        out[:sent] = np.concatenate([low, high]).astype(np.float32).view(np.uint8)
        beyond, fine = kernels.pack(vector, low, high, self.block or vector.size, stream.words, out[sent:])
        if not fine:
            raise InputError("a vector holds NaN or infinity; finite numbers are expected")
        return int(beyond)

    def add(self, message: Bytes, stream: Stream, coefficients: Floats, out: Array) -> None:
        """Add multiples of the levels that the bits stand for."""
        from gcopt.compression import _kernels as kernels

        sent = 8 * blocks(out.shape[1], self.block)
        low, high = message[:sent].view(np.float32).astype(np.float64).reshape(2, -1)
        kernels.add(message[sent:], low, high, self.block or out.shape[1], coefficients, out)

    def _levels(self, vector: Array) -> tuple[Floats, Floats]:
        """Return the lower and the upper level of every block, as they are sent: no coordinate is beyond them."""
        from gcopt.compression import _kernels as kernels

        step = self.block or vector.size
        parts = [vector[start : start + step] for start in range(0, vector.size, step)]
        ends = np.array([kernels.extremes(part) for part in parts])
        name = "an extreme coordinate of a vector"
        low, high = -as_float32(name, -ends[:, 0], up=True), as_float32(name, ends[:, 1], up=True)
        return low.astype(np.float64), high.astype(np.float64)
