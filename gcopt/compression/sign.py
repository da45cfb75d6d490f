"""Signs and the mean size: one bit per coordinate, biased, and no randomness."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, pi

import numpy as np
from numpy.typing import ArrayLike

from gcopt.compression._random import Stream
from gcopt.compression._spread import power_below
from gcopt.compression.compressor import Array, Bytes, Compressor, Floats, as_float32, as_vector
from gcopt.compression.dither import block_lengths, blocks, check_block


@dataclass(frozen=True)
class ScaledSign(Compressor):
    """C(x) = (|x|_1 / D) sign(x), the sign of 0 being +.

    |C(x) - x|^2 = (1 - delta) |x|^2 with delta = |x|_1^2 / (D |x|^2) >= 1 / D (a sum over blocks where these have
    scales). Without the memory that `Feedback` keeps it need not find a minimum.

    Attributes
    ----------
    block : int or None
        Coordinates that share a scale, a multiple of 8; None for all.

    References
    ----------
    Karimireddy, Rebjock, Stich & Jaggi 2019, Error Feedback Fixes SignSGD, Section 4.

    Examples
    --------
    >>> ScaledSign().variance([3.0, -4.0, 0.0, 1.0])
    10.0
    """

    block: int | None = None

    def __post_init__(self) -> None:
        check_block(self.block)

    def __str__(self) -> str:
        return "sign" if self.block is None else f"sign:block={self.block}"

    @property
    def unbiased(self) -> bool:
        """False."""
        return False

    def size(self, length: int) -> int:
        """An eighth of a byte per coordinate, and four bytes per scale."""
        return ceil(length / 8) + 4 * blocks(length, self.block)

    def variance(self, vector: ArrayLike) -> float:
        """Return sum_b (|x_b|^2 - |x_b|_1^2 / D_b), with scales as they are sent."""
        x = as_vector(vector).astype(np.float64)
        sent = np.repeat(self._scales(x), block_lengths(x.size, self.block))
        off = np.where(x >= 0.0, sent, -sent) - x
        return float(np.dot(off, off))

    def relative(self, length: int) -> float:
        """Return 1 - 1 / D_b, and what rounding the scale to float32 takes."""
        return 1.0 - (1.0 - 2.0**-48) / min(length, self.block or length)

    def rotated(self, length: int) -> float:
        """Return 1 - (1 - r + r^2) / (2 (1 + r)) with r = D / P - 1, P the power of two up to D; without blocks.

        A sum of independent signs times a has a mean size of at least |a| / sqrt(2) (Szarek 1976), so that
        E |U x|_1^2 is at least P / 2 times |(U x)_last P|^2 + r^2 |x_first P|^2, of which 1 - r + r^2 is the least.
        """
        if self.block is not None and self.block < length:
            return self.relative(length)
        power = power_below(length)
        r = length / power - 1.0
        return 1.0 - (1.0 - r + r**2) / (2.0 * (1.0 + r))

    def typical(self, length: int) -> float:
        """Return 1 - (2 / pi) (1 + (pi / 2 - 1) / D_b)."""
        longest = min(length, self.block or length)
        return 1.0 - 2.0 / pi * (1.0 + (pi / 2.0 - 1.0) / longest)

    def pack(self, vector: Array, stream: Stream, out: Bytes) -> int:
        """Write the scales and the signs."""
        from gcopt.compression import _kernels as kernels

        scales = self._scales(vector)
        out[: 4 * scales.size] = scales.astype(np.float32).view(np.uint8)
        kernels.pack_signs(vector, out[4 * scales.size :])
        return 0

    def add(self, message: Bytes, stream: Stream, coefficients: Floats, out: Array) -> None:
        """Add multiples of the signs times the scales."""
        from gcopt.compression import _kernels as kernels

        count = blocks(out.shape[1], self.block)
        scales = message[: 4 * count].view(np.float32).astype(np.float64)
        kernels.add(message[4 * count :], -scales, scales, self.block or out.shape[1], coefficients, out)

    def _scales(self, vector: Array) -> Floats:
        """Return the scale of every block, as it is sent; a sum that is finite has only finite terms."""
        from gcopt.compression import _kernels as kernels

        step = self.block or vector.size
        parts = [vector[start : start + step] for start in range(0, vector.size, step)]
        return as_float32("the scale of a vector", [kernels.sizes(p) / p.size for p in parts]).astype(np.float64)
