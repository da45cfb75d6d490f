"""Construction II: coefficients that are the entries of few vectors, which decode exactly when nobody is missing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_ZERO = 1e-9  # of the largest singular value, and of the length of a vector


def null_space_products(held: Ints, blocks: int, rng: np.random.Generator) -> Floats | None:
    """Return coefficients, shape (n, m, V), with which R = [v_1 .. v_m] decodes without stragglers.

    Parameters
    ----------
    held : array, shape (n, V)
        0 or 1.
    blocks : int
        m.
    rng : Generator

    Returns
    -------
    array or None
        None where a null space is empty, or a vector is 0 at all holders of a cluster.

    References
    ----------
    Munim & Ramamoorthy 2026, Section V, Algorithm 1, with normal vectors: v_j is in the null space of what the vectors
    before it gave, A_u(i, j) = v_u(j) / |v_u(H_i)|^2 over the holders H_i of i.

    Examples
    --------
    >>> held = np.array([[1, 0], [1, 0], [0, 1], [0, 1]])
    >>> cells = null_space_products(held, 2, np.random.default_rng(0))
    >>> (cells[:, 0].T @ cells[:, 1]).round(9).tolist()  # the blocks of a cluster do not disturb each other
    [[0.0, 0.0], [0.0, -0.0]]
    """
    n = len(held)
    found = np.zeros((0, n))
    for _ in range(blocks):
        _, values, right = np.linalg.svd(found, full_matrices=True) if len(found) else (None, np.zeros(0), np.eye(n))
        rank = int((values > _ZERO * values.max(initial=0.0)).sum())
        vector = right[rank:].T @ rng.standard_normal(n - rank)
        squares = held.T @ vector**2
        if (squares <= _ZERO**2 * n).any():
            return None
        found = np.concatenate([found, (held * vector[:, None] / squares).T])
    return np.asarray(found.reshape(blocks, -1, n).transpose(2, 0, 1))
