"""Error feedback: what a message lost is kept by its sender and added to the next vector."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from gcopt.compression._random import Stream
from gcopt.compression.compressor import Array, Bytes, Compressor, Floats
from gcopt.errors import InputError


@dataclass(frozen=True)
class Feedback(Compressor):
    """Sends C(v) of v = x + e and keeps e' = v - C(v), if the message was used; e' = e for a straggler.

    The memory is not in here but with the worker; this says that there is one, and makes C contract: an unbiased
    compressor of relative variance w is divided by 1 + w, so that E |C(v) - v|^2 <= (1 - delta) |v|^2 with
    delta = 1 / (1 + w); a biased one contracts by itself.

    Attributes
    ----------
    inner : Compressor

    References
    ----------
    Li, Xiao & Skoglund 2026, Biased Compression in Gradient Coding for Distributed Learning (COCO-EF, arXiv
    2603.16353). Seide et al. 2014, 1-Bit Stochastic Gradient Descent.

    Examples
    --------
    >>> from gcopt.compression import Dither, ScaledSign
    >>> str(Feedback(ScaledSign())), round(Feedback(Dither("norm")).contraction(100), 6)
    ('feedback+sign', 0.01)
    """

    inner: Compressor

    def __post_init__(self) -> None:
        if self.inner.feedback:
            raise InputError("feedback is around feedback; once is enough")

    def __str__(self) -> str:
        return f"feedback+{self.inner}"

    @property
    def unbiased(self) -> bool:
        """False: what is kept is late."""
        return False

    @property
    def feedback(self) -> bool:
        """True."""
        return True

    @property
    def subtracts(self) -> bool:
        """As the compressor inside."""
        return self.inner.subtracts

    def factor(self, length: int) -> float:
        """Return what messages are multiplied with so that C contracts."""
        w = self.inner.relative(length)
        if not self.inner.unbiased or w == float("inf"):
            return 1.0
        return 1.0 / (1.0 + w)

    def size(self, length: int) -> int:
        """As the compressor inside."""
        return self.inner.size(length)

    def variance(self, vector: ArrayLike) -> float:
        """Return E |C(x) - x|^2 of one message, nothing being kept from before."""
        import numpy as np

        x = np.asarray(vector, dtype=float)
        a = self.factor(x.size)
        return a**2 * self.inner.variance(x) + (1.0 - a) ** 2 * float(np.dot(x, x))

    def relative(self, length: int) -> float:
        """Return 1 - delta."""
        a, w = self.factor(length), self.inner.relative(length)
        return w if a == 1.0 else a**2 * w + (1.0 - a) ** 2

    def typical(self, length: int) -> float:
        """Return it for Gaussian vectors."""
        a, w = self.factor(length), self.inner.typical(length)
        return a**2 * w + (1.0 - a) ** 2

    def pack(self, vector: Array, stream: Stream, out: Bytes) -> int:
        """As the compressor inside: the factor is the master's."""
        return self.inner.pack(vector, stream, out)

    def add(self, message: Bytes, stream: Stream, coefficients: Floats, out: Array) -> None:
        """As the compressor inside, times the factor."""
        self.inner.add(message, stream, coefficients * self.factor(out.shape[1]), out)
