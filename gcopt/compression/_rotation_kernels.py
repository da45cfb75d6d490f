"""Compiled kernels of the random rotation: Walsh-Hadamard transforms in place, signs from a stream."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.compression._philox import TILE, numbers
from gcopt.solvers.jit import kernel

Array = NDArray[Any]

_PIECE = 8192  # numbers that stay in cache


@kernel
def flip(x: Array, words: Array, bit: int) -> None:
    """Change the sign of every coordinate whose number has this bit."""
    held, place = np.empty((4, TILE // 4), np.uint32), np.uint32(bit)
    number = held.reshape(TILE)
    for start in range(0, len(x), TILE):
        numbers(words, start // TILE, held)
        for i in range(min(TILE, len(x) - start)):
            x[start + i] *= 1.0 - 2.0 * np.float64((number[i] >> place) & np.uint32(1))


@kernel
def butterflies(x: Array, half: int) -> None:
    """One level: sums and differences of numbers that are ``half`` apart."""
    for start in range(0, len(x), 2 * half):
        for i in range(start, start + half):
            a, b = x[i], x[i + half]
            x[i], x[i + half] = a + b, a - b


@kernel
def hadamard(x: Array) -> None:
    """Multiply by the orthogonal Hadamard matrix of Sylvester; the length is a power of two."""
    piece = min(_PIECE, len(x))
    for start in range(0, len(x), piece):
        half = 1
        while half < piece:
            butterflies(x[start : start + piece], half)
            half *= 2
    half = piece
    while half < len(x):
        butterflies(x, half)
        half *= 2
    factor = 1.0 / np.sqrt(float(len(x)))
    for i in range(len(x)):
        x[i] *= factor


@kernel
def rotate(x: Array, power: int, words: Array) -> None:
    """Rotate in place: the first ``power`` coordinates and, where there are more, the last ones after them."""
    flip(x, words, 31)
    hadamard(x[:power])
    if power < len(x):
        flip(x, words, 30)
        hadamard(x[len(x) - power :])


@kernel
def rotate_back(x: Array, power: int, words: Array) -> None:
    """Undo `rotate`."""
    if power < len(x):
        hadamard(x[len(x) - power :])
        flip(x, words, 30)
    hadamard(x[:power])
    flip(x, words, 31)
