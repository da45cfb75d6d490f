"""Shorter floating-point numbers: four or two bytes per coordinate, and no randomness."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gcopt.compression._random import Stream
from gcopt.compression.compressor import Array, Bytes, Compressor, Floats, check_finite_vector, lost
from gcopt.errors import InputError

# bits of the significand that are written down, and the largest number
_KINDS = {"float32": (23, 3.4028234663852886e38), "float16": (10, 65504.0), "bfloat16": (7, 3.3895313892515355e38)}


@dataclass(frozen=True)
class Cast(Compressor):
    """Rounds every coordinate to the nearest number of a shorter type, the even one of two that are as near.

    Where p bits of the significand are written down, the error of a coordinate is at most 2^-(p+1) of it, unless it is
    too small for the type: below 2^-25 in float16 nothing is left, and only |C(x) - x| <= |x| holds for every x.

    Attributes
    ----------
    kind : str
        ``float32`` (p = 23), ``float16`` (p = 10; what is beyond 65504 becomes +-65504 and is counted), or ``bfloat16``
        (p = 7, and the range of float32).

    References
    ----------
    IEEE 754-2019, Sections 3.6 and 4.3.1.

    Examples
    --------
    >>> half = Cast("float16")
    >>> half.size(100), half.decompress(half.compress([1.0, 2049.0, 1e9]), 3).tolist()
    (200, [1.0, 2048.0, 65504.0])
    """

    kind: str = "float16"

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise InputError(f"kind is {self.kind!r}; {', '.join(_KINDS)} would work")

    def __str__(self) -> str:
        return self.kind

    @property
    def unbiased(self) -> bool:
        """False."""
        return False

    def size(self, length: int) -> int:
        """Four bytes per coordinate, or two."""
        return length * (4 if self.kind == "float32" else 2)

    def variance(self, vector: ArrayLike) -> float:
        """Return |C(x) - x|^2."""
        return lost(self, vector)

    def relative(self, length: int) -> float:
        """Return 1, which vectors need that are too small for the type; others lose at most 4^-(p+1)."""
        return 1.0

    def typical(self, length: int) -> float:
        """Return 4^-p / (32 ln 2): errors uniform within steps, sizes spread evenly between powers of two."""
        return 0.25 ** _KINDS[self.kind][0] / (32.0 * log(2.0))

    def pack(self, vector: Array, stream: Stream, out: Bytes) -> int:
        """Write the rounded numbers."""
        check_finite_vector(vector)
        most = _KINDS[self.kind][1]
        beyond = int(np.count_nonzero(np.abs(vector) > most))
        if self.kind == "float16":
            out[:] = np.clip(vector, -most, most).astype(np.float16).view(np.uint8)
            return beyond
        if beyond:
            raise InputError(f"a coordinate is {np.abs(vector).max():.3g}; {self.kind} ends at {most:.3g}")
        out[:] = (vector.astype(np.float32) if self.kind == "float32" else _to_bfloat16(vector)).view(np.uint8)
        return 0

    def add(self, message: Bytes, stream: Stream, coefficients: Floats, out: Array) -> None:
        """Add multiples of the numbers."""
        from gcopt.compression import _kernels as kernels

        if self.kind == "bfloat16":
            numbers: NDArray[Any] = (message.view(np.uint16).astype(np.uint32) << np.uint32(16)).view(np.float32)
        else:
            numbers = message.view(self.kind)
        kernels.add_tile(numbers.astype(np.float64), coefficients, out)


def _to_bfloat16(vector: Array) -> NDArray[np.uint16]:
    """Round once, from float64: by way of float32 some numbers would go the wrong way."""
    x = vector.astype(np.float64)
    bits = x.view(np.uint64)
    odd = (bits >> np.uint64(45)) & np.uint64(1)
    normal = ((bits + np.uint64(2**44 - 1) + odd) >> np.uint64(45) << np.uint64(45)).view(np.float64)
    # subnormal numbers are multiples of 2^-133, which is what float64 has for steps beside this one
    beside = 1.5 * 2.0**-81
    rounded = np.where(np.abs(x) < 2.0**-126, np.copysign((x + beside) - beside, x), normal)
    return np.asarray(rounded.astype(np.float32).view(np.uint32) >> np.uint32(16), dtype=np.uint16)
