"""Codes with random signs, and their errors over all signs."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from gcopt.code import GradientCode
from gcopt.families import FAMILIES
from tests.matrices import Array, circulant

COSETS = np.vstack([circulant(5, 0, 1, 3)] * 2)
HADAMARD = np.repeat([[1.0, 1.0], [1.0, -1.0]], 5, axis=0)  # for the two workers of each row of the circulant


def random_signs(workers: int, blocks: int) -> Array:
    """Signs, shape (n, m)."""
    return np.random.default_rng(workers).choice([-1.0, 1.0], (workers, blocks))


def redrawn(held: Array, blocks: int = 2, **options: Any) -> GradientCode:
    """The code that sends each block of what a worker holds with signs that are drawn again."""
    assignment = GradientCode.from_matrix(np.asarray(held, dtype=float))
    return FAMILIES["random-signs"](assignment, blocks, options.pop("stragglers", 0), **{"rng": 0, **options})


def signed(held: Array, signs: Array, **options: Any) -> GradientCode:
    """The code with these signs, shape (n, m), which stay."""
    rows = signs[:, :, None] * np.asarray(held, dtype=float)[:, None, :]
    return GradientCode.from_matrix(rows.reshape(len(rows), -1), blocks=signs.shape[1], **options)


def all_signs(workers: int, blocks: int) -> Array:
    """All signs up to a common one of each worker, shape (2^(n (m-1)), n, m)."""
    free = workers * (blocks - 1)
    bits = (np.arange(2**free)[:, None] >> np.arange(free)) & 1
    others = (1.0 - 2.0 * bits).reshape(-1, workers, blocks - 1)
    return np.concatenate([np.ones((len(others), workers, 1)), others], axis=2)


def estimates(held: Array, signs: Array, heard: Array) -> Array:
    """R B of the best R for each of the signs, shape (patterns, m, m k)."""
    patterns, n, m = signs.shape
    rows = (signs[:, :, :, None] * held[None, :, None, :] * heard[None, :, None, None]).reshape(patterns, n, -1)
    target = np.kron(np.eye(m), np.ones(held.shape[1]))
    gram = np.linalg.pinv(rows @ rows.transpose(0, 2, 1), hermitian=True, rcond=1e-10)
    return target @ rows.transpose(0, 2, 1) @ gram @ rows


def errors(held: Array, signs: Array, heard: Array) -> Array:
    """The error of a set of responders for each of the signs, shape (patterns,)."""
    m, k = signs.shape[2], held.shape[1]
    target = np.kron(np.eye(m), np.ones(k))
    return m * k - (estimates(held, signs, heard) * target).sum(axis=(1, 2))


def responders(workers: int, stragglers: int) -> Array:
    """All sets of n - s responders, bool, shape (sets, n)."""
    lost = list(combinations(range(workers), stragglers))
    heard = np.ones((len(lost), workers), dtype=bool)
    for row, gone in zip(heard, lost, strict=True):
        row[list(gone)] = False
    return heard


def means(held: Array, blocks: int, stragglers: int) -> Array:
    """The mean error of every set of n - s responders over all signs, shape (sets,)."""
    signs = all_signs(len(held), blocks)
    return np.array([errors(held, signs, heard).mean() for heard in responders(len(held), stragglers)])
