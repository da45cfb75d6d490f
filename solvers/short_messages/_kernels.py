"""Kernel that decodes many sets of responders. Imports numba."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..jit import fast_kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@fast_kernel
def decode(gram: Floats, seen: Floats, whole: float, lost: Ints) -> tuple[Floats, Floats]:
    """Return the ridge error and the decoding of every set of stragglers.

    Parameters
    ----------
    gram : array, shape (n, n)
        X X^T + eps I of the rows X.
    seen : array, shape (n, m)
        X T^T.
    whole : float
        ||T||^2, the error when nobody responds.
    lost : int64, shape (sets, s)
        Stragglers of every set; filled up with -1.

    Returns
    -------
    errors : array, shape (sets,)
        min_R ||R X - T||^2 + eps ||R||^2, R zero on the stragglers.
    decodings : array, shape (sets, n, m)
        The transposed R.
    """
    n, m = seen.shape
    found, decodings = np.empty(len(lost)), np.zeros((len(lost), n, m))
    heard, live = np.empty(n, dtype=np.bool_), np.empty(n, dtype=np.int64)
    L, R = np.empty((n, n)), np.empty((n, m))
    for f in range(len(lost)):
        heard[:] = True
        for j in lost[f]:
            if j >= 0:
                heard[j] = False
        count = 0
        for j in range(n):
            if heard[j]:
                live[count] = j
                count += 1
        found[f] = whole - _solve(gram, seen, live[:count], L, R)
        for a in range(count):
            decodings[f, live[a]] = R[a]
    return found, decodings


@fast_kernel
def _solve(gram: Floats, seen: Floats, live: Ints, L: Floats, R: Floats) -> float:
    """Leave the decoding of the live workers in R and return how much of ||T||^2 it explains."""
    count, m = len(live), seen.shape[1]
    explained = 0.0
    for a in range(count):  # Cholesky, row by row, and the forward substitution along with it
        i = live[a]
        for b in range(a + 1):
            value = gram[i, live[b]]
            for c in range(b):
                value -= L[a, c] * L[b, c]
            L[a, b] = value / L[b, b] if b < a else np.sqrt(max(value, 1e-300))
        for u in range(m):
            value = seen[i, u]
            for c in range(a):
                value -= L[a, c] * R[c, u]
            R[a, u] = value / L[a, a]
            explained += R[a, u] ** 2
    for a in range(count - 1, -1, -1):
        for u in range(m):
            R[a, u] /= L[a, a]
            for c in range(a):
                R[c, u] -= L[a, c] * R[a, u]
    return explained
