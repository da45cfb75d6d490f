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


def least_squares(matrix: NDArray[Any], stragglers: Iterable[int]) -> tuple[float, float]:
    """Error ||a B - 1||^2 and noise of the least decoding vector, rows scaled to length 1, by numpy alone."""
    rest = np.setdiff1d(np.arange(len(matrix)), list(stragglers))
    norms = np.linalg.norm(matrix[rest], axis=1)
    scaled = matrix[rest] / np.where(norms > 0, norms, 1.0)[:, None]
    ones = np.ones(matrix.shape[1])
    a = np.linalg.lstsq(scaled.T, ones.astype(matrix.dtype), rcond=1e-12)[0]
    return float(np.sum(abs(scaled.T @ a - ones) ** 2)), float(np.linalg.norm(a) / np.sqrt(matrix.shape[1]))


def worst_error(matrix: NDArray[Any], s: int) -> float:
    return max(least_squares(matrix, lost)[0] for lost in straggler_sets(len(matrix), s))


def noises(matrix: NDArray[Any], sets: Iterable[Iterable[int]]) -> NDArray[np.float64]:
    return np.array([least_squares(matrix, lost)[1] for lost in sets])


def worst_noise(matrix: NDArray[Any], s: int) -> float:
    return float(noises(matrix, straggler_sets(len(matrix), s)).max())


def claim(code: GradientCode, kind: str, segment: int = 0) -> float:
    """Value of the one claim of this kind."""
    (found,) = [c.value for c in code.claims if c.kind == kind and c.segment == segment]
    return found
