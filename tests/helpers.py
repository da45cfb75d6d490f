"""Slow and obvious versions of what the package computes cleverly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.code import GradientCode


def dense(code: GradientCode, segment: int = 0) -> NDArray[Any]:
    """Encoding matrix B, shape (n, m * k)."""
    return code.segments[segment].encoding.toarray()


def straggler_sets(n: int, s: int) -> Iterator[tuple[int, ...]]:
    return combinations(range(n), s)


def sampled_sets(n: int, s: int, count: int, seed: int = 0) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    return np.argsort(rng.random((count, n)), axis=1)[:, :s]


def best_coefficients(
    matrix: NDArray[Any], heard: NDArray[np.bool_], blocks: int = 1, rcond: float = 1e-12
) -> NDArray[Any]:
    """Decoding coefficients R, shape (m, n), of least error and then least noise, by numpy alone."""
    norms = np.linalg.norm(matrix, axis=1)
    used = heard & (norms > 0)
    unit = matrix[used] / norms[used][:, None]
    target = np.kron(np.eye(blocks), np.ones((matrix.shape[1] // blocks, 1))).astype(unit.dtype)
    found = np.zeros((blocks, len(matrix)), dtype=unit.dtype)
    found[:, used] = np.linalg.lstsq(unit.T, target, rcond=rcond)[0].T / norms[used]
    return found


def error_of(matrix: NDArray[Any], coefficients: NDArray[Any]) -> float:
    """||R B - target||^2 of coefficients R, shape (m, n)."""
    blocks = len(coefficients)
    target = np.kron(np.eye(blocks), np.ones(matrix.shape[1] // blocks))
    return float(np.sum(abs(coefficients @ matrix - target) ** 2))


def noise_of(matrix: NDArray[Any], coefficients: NDArray[Any]) -> float:
    """Noise amplification of coefficients R, shape (m, n)."""
    lengths = np.linalg.norm(matrix, axis=1)
    return float(np.linalg.norm(coefficients * lengths) / np.sqrt(matrix.shape[1]))


def least_squares(
    matrix: NDArray[Any], stragglers: Iterable[int], blocks: int = 1, rcond: float = 1e-12
) -> tuple[float, float]:
    """Error and noise of the best coefficients."""
    heard = np.isin(np.arange(len(matrix)), list(stragglers), invert=True)
    found = best_coefficients(matrix, heard, blocks, rcond)
    return error_of(matrix, found), noise_of(matrix, found)


def fixed_coefficients(heard: NDArray[np.bool_], decoder: str) -> NDArray[np.float64]:
    """Coefficients R, shape (1, n), of the decoders ``scaled`` and ``sum``."""
    return heard[None] * (len(heard) / max(1, heard.sum()) if decoder == "scaled" else 1.0)


def fixed_error(matrix: NDArray[Any], stragglers: Iterable[int], decoder: str) -> float:
    heard = np.isin(np.arange(len(matrix)), list(stragglers), invert=True)
    return error_of(matrix, fixed_coefficients(heard, decoder))


def errors(matrix: NDArray[Any], s: int, blocks: int = 1) -> NDArray[np.float64]:
    """Of every set of s stragglers."""
    return np.array([least_squares(matrix, lost, blocks)[0] for lost in straggler_sets(len(matrix), s)])


def worst_error(matrix: NDArray[Any], s: int, blocks: int = 1) -> float:
    return float(errors(matrix, s, blocks).max())


def noises(matrix: NDArray[Any], sets: Iterable[Iterable[int]], blocks: int = 1) -> NDArray[np.float64]:
    return np.array([least_squares(matrix, lost, blocks)[1] for lost in sets])


def worst_noise(matrix: NDArray[Any], s: int, blocks: int = 1) -> float:
    return float(noises(matrix, straggler_sets(len(matrix), s), blocks).max())


def claim(code: GradientCode, kind: str, segment: int = 0) -> float:
    """Value of the one claim of this kind."""
    (found,) = [c.value for c in code.claims if c.kind == kind and c.segment == segment]
    return found
