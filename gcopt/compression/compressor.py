"""What every way of shortening a message has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gcopt.compression._random import Stream
from gcopt.errors import InputError

Array = NDArray[Any]
Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

ROUNDED = (1.0 + 2.0**-23) ** 2
"""How much the square of a scale may grow when it is rounded up to float32, unless it is below 1.2e-38."""


class Compressor(ABC):
    """Turns a real vector x of D coordinates into bytes and the bytes into an estimate C(x); frozen, without memory.

    Subclasses are frozen dataclasses. Random ones draw what they need from a `Stream`, which the master knows too.
    ``str`` of a compressor is the word that `gcopt.compression.parse` makes it again from.
    """

    @property
    @abstractmethod
    def unbiased(self) -> bool:
        """Whether E C(x) = x for every x."""

    @property
    def feedback(self) -> bool:
        """Whether the sender is to keep what was lost and to add it to its next vector."""
        return False

    @property
    def subtracts(self) -> bool:
        """Whether bytes mean something only to those who know the stream they were made with."""
        return False

    @abstractmethod
    def size(self, length: int) -> int:
        """Bytes of the message of a vector of D = ``length`` coordinates."""

    @abstractmethod
    def variance(self, vector: ArrayLike) -> float:
        """Return E |C(x) - x|^2, exactly; for a biased compressor that is bias and variance together."""

    @abstractmethod
    def relative(self, length: int) -> float:
        """Return the least proved w with E |C(x) - x|^2 <= w |x|^2 for all x of that length; infinity where none is.

        Vectors whose largest coordinate is below 1.2e-38, where float32 has fewer digits, are excepted.
        """

    def rotated(self, length: int) -> float:
        """Return what `relative` does for vectors that `Rotated` has turned before, on average over its rotations."""
        return self.relative(length)

    @abstractmethod
    def typical(self, length: int) -> float:
        """Return about E |C(x) - x|^2 / E |x|^2 for Gaussian x, which is what is to be expected of gradients."""

    def contraction(self, length: int) -> float:
        """Return the largest proved delta with E |C(x) - x|^2 <= (1 - delta) |x|^2 for all x; not above 0: none is."""
        return 1.0 - self.relative(length)

    @abstractmethod
    def pack(self, vector: Array, stream: Stream, out: Bytes) -> int:
        """Write the message of a vector; return how many coordinates were beyond what can be expressed.

        Parameters
        ----------
        vector : array, shape (D,), float32 or float64, C-ordered
        stream : Stream
        out : uint8 array, shape (size(D),)

        Raises
        ------
        InputError
            If a coordinate is NaN or infinite, or too large for the numbers of the message.
        """

    @abstractmethod
    def add(self, message: Bytes, stream: Stream, coefficients: Floats, out: Array) -> None:
        """Add multiples of C(x) to the rows of an array.

        Parameters
        ----------
        message : uint8 array, shape (size(D),)
        stream : Stream
            That the message was packed with.
        coefficients : array, shape (m,)
        out : array, shape (m, D), float32 or float64
        """

    def compress(self, vector: ArrayLike, stream: Stream | None = None) -> Bytes:
        """Return the message of a vector, a new array.

        Examples
        --------
        >>> import gcopt
        >>> gcopt.compression.parse("sign").compress([1.0, -3.0]).nbytes
        5
        """
        plain = as_vector(vector)
        out = np.empty(self.size(plain.size), dtype=np.uint8)
        self.pack(plain, stream or Stream(0), out)
        return out

    def decompress(self, message: Bytes, length: int, stream: Stream | None = None) -> Floats:
        """Return C(x), shape (D,), from its message.

        Examples
        --------
        >>> import gcopt
        >>> sign = gcopt.compression.parse("sign")
        >>> sign.decompress(sign.compress([1.0, -3.0]), 2).tolist()
        [2.0, -2.0]
        """
        given = np.asarray(message)
        if given.dtype != np.uint8 or given.shape != (self.size(length),):
            raise InputError(
                f"a message has shape {given.shape} and type {given.dtype}; {self} needs {self.size(length)} bytes for "
                f"{length} coordinates"
            )
        out: Floats = np.zeros((1, length))
        self.add(given, stream or Stream(0), np.ones(1), out)
        return np.asarray(out[0])

    def prepare(self, dtype: Any = np.float64) -> None:
        """Compile what is used for vectors of this type, before any clock starts."""
        few = np.zeros(8, dtype=dtype)
        out = np.zeros((1, 8))
        self.add(self.compress(few), Stream(0), np.ones(1), out)


def lost(compressor: Compressor, vector: ArrayLike) -> float:
    """Return |C(x) - x|^2 of a compressor without randomness, by doing it.

    Examples
    --------
    >>> import gcopt
    >>> lost(gcopt.compression.parse("top:1"), [3.0, 4.0])
    9.0
    """
    x = as_vector(vector).astype(np.float64)
    off = compressor.decompress(compressor.compress(x), x.size) - x
    return float(np.dot(off, off))


def as_vector(vector: ArrayLike) -> Array:
    """Return a vector as kernels take it: one-dimensional, C-ordered, float32 if it is, else float64.

    Raises
    ------
    InputError
        If it is empty, complex, or no vector of numbers.
    """
    given = np.asarray(vector)
    if given.ndim != 1 or given.size == 0 or given.dtype.kind not in "biuf":
        raise InputError(f"a vector has shape {given.shape} and type {given.dtype}; real numbers in one row are needed")
    return np.ascontiguousarray(given, dtype=np.float32 if given.dtype == np.float32 else np.float64)


def check_finite_vector(vector: Array) -> None:
    """Refuse a vector with NaN or infinity.

    Raises
    ------
    InputError
        If it holds one.
    """
    if not np.isfinite(vector).all():
        raise InputError("a vector holds NaN or infinity; finite numbers are expected")


def as_float32(name: str, values: ArrayLike, up: bool = False) -> NDArray[np.float32]:
    """Round to single precision, upwards where ``up`` says so; refuse what is not finite or becomes too large.

    Raises
    ------
    InputError
        If a number is NaN, infinite, or beyond 3.4e38.
    """
    given = np.asarray(values, dtype=np.float64)
    with np.errstate(over="ignore"):
        found = given.astype(np.float32)
    if up:
        found = np.where(found < given, np.nextafter(found, np.float32(np.inf)), found)
    if not np.isfinite(found).all():
        kind = "NaN or infinity" if not np.isfinite(given).all() else f"{np.abs(given).max():.3g}"
        raise InputError(f"{name} is {kind}; finite numbers below 3.4e38 are expected")
    return np.asarray(found, dtype=np.float32)
