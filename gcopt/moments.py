"""What averages over random stragglers consist of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Mean:
    """Expected squared decoding error.

    Attributes
    ----------
    value : float
    stderr : float
        0 when exact.
    exact : bool
    sets : int
        How many sets were drawn; 0 when exact.
    """

    value: float
    stderr: float
    exact: bool
    sets: int = 0

    @classmethod
    def of(cls, errors: Sequence[float]) -> Mean:
        """Return the mean of at least two samples."""
        found = np.array(errors)
        return cls(float(found.mean()), float(found.std(ddof=1) / np.sqrt(found.size)), False, found.size)


@dataclass(frozen=True, eq=False)
class Moments:
    """What the decoder multiplies the partial gradients with, on average over random stragglers.

    Attributes
    ----------
    mean : array, shape (m, m k)
        E[R B]; the estimate is unbiased when it is the target T.
    stderr : array, shape (m, m k)
        Of each entry; 0 when exact.
    error : Mean
        E ||R B - T||^2, which is ``bias + variance``.
    exact : bool
    """

    mean: NDArray[Any]
    stderr: Floats
    error: Mean
    target: Floats

    @classmethod
    def of(cls, decodings: Iterable[tuple[Any, NDArray[Any], float]], target: Floats) -> Moments:
        """Return the moments of at least two samples: encoding matrix, decoding matrix R, and error of each."""
        total = squares = np.zeros(target.shape)
        errors = []
        for encoding, matrix, error in decodings:
            coefficients = np.asarray(matrix @ encoding)
            total = total + coefficients
            squares = squares + np.abs(coefficients) ** 2
            errors.append(error)
        drawn = len(errors)
        mean = total / drawn
        spread = np.maximum(squares / drawn - np.abs(mean) ** 2, 0.0) / (drawn - 1)
        return cls(mean, np.sqrt(spread), Mean.of(errors), target)

    @property
    def exact(self) -> bool:
        """Whether nothing was sampled."""
        return self.error.exact

    @property
    def bias(self) -> float:
        """||E[R B] - T||^2."""
        return float(np.sum(np.abs(self.mean - self.target) ** 2))

    @property
    def variance(self) -> float:
        """E ||R B - E[R B]||^2."""
        return max(0.0, self.error.value - self.bias)

    @property
    def factor(self) -> float:
        """Alpha: the multiple of T that is nearest to the mean; dividing the estimate by it removes that much bias."""
        return float(np.real(np.sum(self.mean * self.target)) / self.target.sum())

    @property
    def crooked(self) -> float:
        """||E[R B] - alpha T||^2: bias that no factor removes."""
        return float(np.sum(np.abs(self.mean - self.factor * self.target) ** 2))
