"""What the families share about finished matrices: making one from its holders, and its worst-case noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

ENUMERATED = 1_000_000
"""Straggler sets up to which a constructor computes the worst noise and promises it."""


def from_holders(coefficients: NDArray[np.float64], holders: NDArray[np.int64], workers: int) -> sparse.csr_array:
    """Return B, shape (n, k), from the coefficients of every holder, rows scaled to largest entry 1 in size.

    Parameters
    ----------
    coefficients, holders : array, shape (k, s + 1)
        Row p belongs to partition p.
    workers : int
        n.

    Examples
    --------
    >>> import numpy as np
    >>> from_holders(np.array([[2.0, 1.0]]), np.array([[0, 1]]), 2).toarray().tolist()
    [[1.0], [1.0]]
    """
    k, copies = holders.shape
    columns = np.repeat(np.arange(k), copies)
    matrix = sparse.csr_array((coefficients.ravel(), (holders.ravel(), columns)), shape=(workers, k))
    largest = abs(matrix).max(axis=1).toarray().ravel()
    return sparse.csr_array(sparse.diags_array(1.0 / np.where(largest > 0, largest, 1.0)) @ matrix)


def worst_noise(matrix: sparse.csr_array, stragglers: int) -> float:
    """Return the largest noise amplification of any set of stragglers.

    Examples
    --------
    >>> import numpy as np
    >>> round(worst_noise(sparse.csr_array(np.ones((2, 2))), 1), 12)
    1.0
    """
    from gcopt.solvers.adversary import WorstCase  # its kernels are compiled code, not wanted at import time

    return WorstCase(objective="noise", seconds=None).solve(matrix, stragglers=stragglers, rng=0).value
