"""One bit per coordinate: every one is rounded at random to one of two levels, so that the mean is right."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gcopt.checks import check_count, check_flag
from gcopt.compression._random import Stream
from gcopt.compression._spread import spread
from gcopt.compression.compressor import ROUNDED, Array, Bytes, Compressor, Floats, as_float32, as_vector
from gcopt.errors import InputError

SCALES = ("max", "norm")


@dataclass(frozen=True)
class Dither(Compressor):
    """Sends sign(x_j + R u_j), u_j uniform on (-1, 1), and the scale R: Q(x)_j = +-R has the mean x_j.

    E |Q(x) - x|^2 = D R^2 - |x|^2; with the dither subtracted again, Q(x)_j = R sign(x_j + R u_j) - R u_j, the error is
    uniform on (-R, R) whatever x is, E |Q(x) - x|^2 = D R^2 / 3. Both are sums over blocks where these have scales.

    Attributes
    ----------
    scale : str or float
        R: ``max`` (max |x_j|, the least that is possible), ``norm`` (|x|, so that the variance is (D - 1) |x|^2), or a
        number that is known beforehand and not sent; a coordinate beyond it is sent as if it were +-R, with a bias.
    subtractive : bool
        The master draws the same dither and subtracts it.
    block : int or None
        Coordinates that share a scale, a multiple of 8; None for all.

    References
    ----------
    Li & Skoglund 2024, Distributed Learning based on 1-Bit Gradient Coding in the Presence of Stragglers
    (arXiv 2403.14716). Subtractive dither: Roberts 1962, Picture Coding Using Pseudo-Random Noise.

    Examples
    --------
    >>> [round(Dither(scale).variance([3.0, -4.0, 0.0, 1.0]), 4) for scale in ("norm", "max")]
    [78.0, 38.0]
    >>> round(Dither("max", subtractive=True).variance([3.0, -4.0, 0.0, 1.0]), 3)
    21.333
    >>> str(Dither("max", subtractive=True)), Dither("max").size(100)
    ('dither1:max,subtractive', 17)
    """

    scale: str | float = "max"
    subtractive: bool = False
    block: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "subtractive", check_flag("subtractive", self.subtractive))
        if isinstance(self.scale, str) and self.scale not in SCALES:
            raise InputError(f"scale is {self.scale!r}; {', '.join(SCALES)} or a positive number would work")
        if not isinstance(self.scale, str):
            number = self.scale
            real = isinstance(number, (int, float, np.number)) and not isinstance(number, bool)
            if not real or not 0.0 < number < np.inf:
                raise InputError(f"scale is {number!r}; {', '.join(SCALES)} or a positive number would work")
            object.__setattr__(self, "scale", float(number))
        check_block(self.block)
        if self.block is not None and not isinstance(self.scale, str):
            raise InputError("block is given and the scale is a number; blocks share nothing then, leave it out")

    def __str__(self) -> str:
        words = [f"{self.scale}", *(["subtractive"] if self.subtractive else [])]
        return "dither1:" + ",".join([*words, *([f"block={self.block}"] if self.block else [])])

    @property
    def unbiased(self) -> bool:
        """True; a coordinate beyond a fixed scale is counted, since it is an exception."""
        return True

    @property
    def subtracts(self) -> bool:
        """Whether the master needs the dither."""
        return self.subtractive

    def size(self, length: int) -> int:
        """An eighth of a byte per coordinate, and four bytes per scale that is sent."""
        return ceil(length / 8) + 4 * (blocks(length, self.block) if isinstance(self.scale, str) else 0)

    def variance(self, vector: ArrayLike) -> float:
        """Return sum_b D_b R_b^2 - |x|^2, or a third of the first sum; of the clipped vector where R is too small."""
        x = as_vector(vector).astype(np.float64)
        lengths, scales = block_lengths(x.size, self.block), self._scales(x)
        radius = np.repeat(scales, lengths)
        clipped = np.clip(x, -radius, radius)
        over = clipped - x
        bias = 0.0 if not over.any() else float(np.dot(over, over))
        sent = float(np.dot(lengths, scales**2))
        if not self.subtractive:
            return sent - float(np.dot(clipped, clipped)) + bias
        # beyond R nothing but the sign is left of x, and the dither is what is lost
        return sent / 3.0 + bias

    def relative(self, length: int) -> float:
        """Return D_b - 1, or D_b / 3 where subtracted, which one-hot vectors need; infinity for a number."""
        if not isinstance(self.scale, str):
            return np.inf
        longest = min(length, self.block or length)
        return longest * ROUNDED / 3.0 if self.subtractive else longest * ROUNDED - 1.0

    def rotated(self, length: int) -> float:
        """Return 2 (D / P) (ln(2 D) + 1) - 1 for the scale ``max``, P the largest power of two up to D."""
        if self.scale != "max":
            return self.relative(length)
        most = spread(block_lengths(length, self.block)) * ROUNDED
        return most / 3.0 if self.subtractive else most - 1.0

    def typical(self, length: int) -> float:
        """Return it for Gaussian vectors; a number is taken to be as good as ``max``."""
        longest = min(length, self.block or length)
        square = float(longest) if self.scale == "norm" else largest_square(longest)
        return square / 3.0 if self.subtractive else square - 1.0

    def pack(self, vector: Array, stream: Stream, out: Bytes) -> int:
        """Write the scales and the bits."""
        from gcopt.compression import _kernels as kernels

        scales = self._scales(vector)
        sent = 4 * scales.size if isinstance(self.scale, str) else 0
        out[:sent] = scales.astype(np.float32).view(np.uint8)[:sent]
        beyond, fine = kernels.pack(vector, -scales, scales, self.block or vector.size, stream.words, out[sent:])
        if not fine:
            raise InputError("a vector holds NaN or infinity; finite numbers are expected")
        return int(beyond)

    def add(self, message: Bytes, stream: Stream, coefficients: Floats, out: Array) -> None:
        """Add multiples of what the bits stand for."""
        from gcopt.compression import _kernels as kernels

        count = blocks(out.shape[1], self.block)
        if isinstance(self.scale, str):
            scales = message[: 4 * count].view(np.float32).astype(np.float64)
        else:
            scales, count = np.array([self.scale]), 0
        bits, block = message[4 * count :], self.block or out.shape[1]
        if self.subtractive:
            kernels.add_subtractive(bits, -scales, scales, block, stream.words, coefficients, out)
        else:
            kernels.add(bits, -scales, scales, block, coefficients, out)

    def _scales(self, vector: Array) -> Floats:
        """Return the scale of every block, as it is sent."""
        from gcopt.compression import _kernels as kernels

        if not isinstance(self.scale, str):
            return np.array([self.scale])
        step = self.block or vector.size
        parts = [vector[start : start + step] for start in range(0, vector.size, step)]
        if self.scale == "max":
            found = [kernels.largest(part) for part in parts]
        else:
            found = [np.sqrt(kernels.squares(part)) for part in parts]
        return as_float32("the scale of a vector", found, up=True).astype(np.float64)


def check_block(block: int | None) -> None:
    """Refuse blocks that do not end where a byte does."""
    if block is not None and check_count("block", block, 8) % 8:
        raise InputError(f"block is {block}; a multiple of 8 is needed")


def blocks(length: int, block: int | None) -> int:
    """Return the number of blocks."""
    return 1 if block is None else ceil(length / block)


def block_lengths(length: int, block: int | None) -> NDArray[np.int64]:
    """Return the lengths of all blocks; the last may be short.

    Examples
    --------
    >>> block_lengths(20, 8).tolist()
    [8, 8, 4]
    """
    step = length if block is None else block
    return np.array([min(step, length - start) for start in range(0, length, step)], dtype=np.int64)


def largest_square(length: int) -> float:
    """Return about E max_j |x_j|^2 of so many independent standard normal numbers, by extreme-value theory.

    Examples
    --------
    >>> round(largest_square(1000), 1)
    12.0
    """
    if length < 3:
        return 1.0 if length == 1 else 1.0 + 2.0 / np.pi
    # the level that one of D squares passes on average, corrected by Gumbel's mean
    from scipy.special import ndtri

    level = float(ndtri(1.0 - 0.5 / length))
    return level**2 + 2.0 * float(np.euler_gamma)
