"""Kernel that places clusters so that pairs of them share few workers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..jit import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@kernel
def _nth(mine: Ints, other: Ints, u: float) -> int:
    """A random cluster that one worker holds and another does not; -1 if there is none."""
    count = 0
    for c in range(len(mine)):
        count += mine[c] > other[c]
    left = int(u * count)
    for c in range(len(mine)):
        if mine[c] > other[c]:
            if left == 0:
                return c
            left -= 1
    return -1


@kernel
def spread(held: Ints, shared: Ints, sizes: Ints, uniforms: Floats) -> None:
    """Let pairs of workers exchange clusters of one size where the squares of ``shared`` do not grow, in place.

    ``held`` (n, V) is 0 or 1, ``shared`` (V, V) how many workers two clusters have in common.
    """
    n, size = held.shape
    for t in range(len(uniforms)):
        i, j = int(uniforms[t, 0] * n), int(uniforms[t, 1] * n)
        c, d = _nth(held[i], held[j], uniforms[t, 2]), _nth(held[j], held[i], uniforms[t, 3])
        if i == j or c < 0 or d < 0 or sizes[c] != sizes[d]:
            continue
        # cluster c leaves the others of i for those of j, and d goes the other way
        grows = 0
        for e in range(size):
            step = held[j, e] - held[i, e] if e != c and e != d else 0
            grows += step * (shared[c, e] - shared[d, e]) + step * step
        if grows > 0:
            continue
        for e in range(size):
            step = held[j, e] - held[i, e] if e != c and e != d else 0
            shared[c, e] += step
            shared[e, c] += step
            shared[d, e] -= step
            shared[e, d] -= step
        held[i, c], held[i, d], held[j, c], held[j, d] = 0, 1, 1, 0
