"""Errors of a code without trusting its decoder: every set of stragglers, by numpy alone."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.code import GradientCode
from tests.helpers import dense, fixed_coefficients, fixed_error, least_squares, straggler_sets


def error(code: GradientCode, lost: tuple[int, ...]) -> float:
    matrix, decoder = dense(code), code.segments[0].decoder
    return least_squares(matrix, lost)[0] if decoder == "least-squares" else fixed_error(matrix, lost, decoder)


def errors(code: GradientCode, s: int) -> NDArray[np.float64]:
    """Of every set of s stragglers."""
    return np.array([error(code, lost) for lost in straggler_sets(code.workers, s)])


def independent(code: GradientCode, chances: Any) -> tuple[NDArray[np.float64], float, float]:
    """Mean coefficients, their mean error and the variance for equal unit gradients, of fixed coefficients."""
    mean, wrong, variance = np.zeros(code.partitions), 0.0, 0.0
    for bits in product((False, True), repeat=code.workers):
        heard = np.array(bits)
        weight = float(np.prod(np.where(heard, 1.0 - np.asarray(chances), chances)))
        found = (fixed_coefficients(heard, code.segments[0].decoder) @ dense(code))[0]
        mean += weight * found
        wrong += weight * float(np.sum((found - 1.0) ** 2))
        variance += weight * float(found.sum() - code.partitions) ** 2
    return mean, wrong, variance
