"""The largest coordinates only: biased, and no randomness."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gcopt.checks import check_count, check_number
from gcopt.compression._random import Stream
from gcopt.compression.compressor import Array, Bytes, Compressor, Floats, as_float32, lost
from gcopt.errors import InputError


@dataclass(frozen=True)
class TopK(Compressor):
    """Sends the K coordinates that are largest in size, as float32, and where they are; the others count as 0.

    |C(x) - x|^2 <= (1 - K / D) |x|^2.

    Attributes
    ----------
    kept : int or float
        K, or a fraction of the coordinates.

    References
    ----------
    Stich, Cordonnier & Jaggi 2018, Sparsified SGD with Memory, Lemma A.1.

    Examples
    --------
    >>> TopK(1).variance([3.0, -4.0, 0.0, 1.0]), TopK(0.01).size(1000), str(TopK(0.01))
    (10.0, 80, 'top:0.01')
    """

    kept: int | float

    def __post_init__(self) -> None:
        check_kept(self.kept)

    def __str__(self) -> str:
        return f"top:{self.kept}"

    @property
    def unbiased(self) -> bool:
        """False."""
        return False

    def size(self, length: int) -> int:
        """Four bytes per value, and four per place or an eighth of a byte per coordinate, whichever is less."""
        count = how_many(self.kept, length)
        return 4 * count + (4 * count if _listed(count, length) else ceil(length / 8))

    def variance(self, vector: ArrayLike) -> float:
        """Return |C(x) - x|^2, the sum of the squares of the others."""
        return lost(self, vector)

    def relative(self, length: int) -> float:
        """Return 1 - K / D, and what rounding to float32 takes."""
        return 1.0 - how_many(self.kept, length) / length * (1.0 - 2.0**-48)

    def typical(self, length: int) -> float:
        """Return 1 - K / D - 2 t phi(t), where |x_j| > t has probability K / D, for Gaussian vectors."""
        share = how_many(self.kept, length) / length
        if share == 1.0:
            return 0.0
        from scipy.special import ndtri

        level = -float(ndtri(share / 2.0))
        return 1.0 - share - 2.0 * level * float(np.exp(-(level**2) / 2.0) / np.sqrt(2.0 * np.pi))

    def pack(self, vector: Array, stream: Stream, out: Bytes) -> int:
        """Write values and places."""
        count = how_many(self.kept, vector.size)
        # numpy puts NaN last, among the largest
        places = np.sort(np.argpartition(np.abs(vector), vector.size - count)[vector.size - count :])
        out[: 4 * count] = as_float32("a coordinate of a vector", vector[places]).view(np.uint8)
        if _listed(count, vector.size):
            out[4 * count :] = places.astype(np.uint32).view(np.uint8)
        else:
            flags = np.zeros(vector.size, dtype=np.uint8)
            flags[places] = 1
            out[4 * count :] = np.packbits(flags, bitorder="little")
        return 0

    def add(self, message: Bytes, stream: Stream, coefficients: Floats, out: Array) -> None:
        """Add multiples of the values at their places."""
        length = out.shape[1]
        count = how_many(self.kept, length)
        values, rest = message[: 4 * count].view(np.float32).astype(np.float64), message[4 * count :]
        places: NDArray[np.int64]
        if _listed(count, length):
            places = rest.view(np.uint32).astype(np.int64)
        else:
            places = np.flatnonzero(np.unpackbits(rest, count=length, bitorder="little"))
        if places.size != count or places.max() >= length:
            raise InputError(f"a message of {self} is damaged: its places are not {count} of {length} coordinates")
        for row, c in zip(out, coefficients, strict=True):
            row[places] += c * values


def check_kept(kept: int | float) -> None:
    """Refuse what is neither a number of coordinates nor a fraction of them."""
    if isinstance(kept, (float, np.floating)):
        check_number("kept", kept, 0.0, 1.0, open_low=True)
    elif isinstance(kept, str):
        raise InputError(f"kept is {kept!r}; a number of coordinates or a fraction of them would work")
    else:
        check_count("kept", kept, 1)


def how_many(kept: int | float, length: int) -> int:
    """Return K for that many coordinates: at least one, and not more than there are.

    Examples
    --------
    >>> how_many(5, 3), how_many(0.07, 100), how_many(0.001, 100)
    (3, 7, 1)
    """
    return max(1, round(kept * length)) if isinstance(kept, (float, np.floating)) else min(int(kept), length)


def _listed(count: int, length: int) -> bool:
    """Whether places are numbers, and not flags of all coordinates."""
    return 4 * count < ceil(length / 8) and length <= 2**32
