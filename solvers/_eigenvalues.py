"""Largest eigenvalue of a symmetric matrix, from above: guessed by Lanczos, proved by a Cholesky factorisation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

Floats = NDArray[np.float64]

SMALL = 400  # below, all eigenvalues are as quick
MARGINS = (1e-11, 1e-10, 1e-8, 1e-6, 1e-3)  # shares of the guess by which it is raised until it is proved


def largest_eigenvalue(dense: Callable[[], Floats], operator: LinearOperator) -> float:
    """Return what no eigenvalue exceeds, but for rounding, and the largest falls short of by little.

    A guess mu that Lanczos makes is from below; that mu I - M has a Cholesky factor proves that it is also from above.

    Parameters
    ----------
    dense : callable
        Returns M as a new array, shape (c, c), which is overwritten.
    operator : LinearOperator
        The same M.

    Examples
    --------
    >>> from scipy.sparse.linalg import aslinearoperator
    >>> M = np.diag([3.0, -7.0, 1.0])
    >>> round(largest_eigenvalue(M.copy, aslinearoperator(M)), 9)
    3.0
    """
    c = operator.shape[0]
    if c <= SMALL:
        return float(linalg.eigvalsh(dense())[-1])
    try:
        start = np.random.default_rng(0).normal(size=c)
        guess = float(eigsh(operator, k=1, which="LA", v0=start, ncv=min(c, 60), return_eigenvectors=False)[0])
    except ArpackNoConvergence:
        return float(linalg.eigvalsh(dense(), overwrite_a=True, subset_by_index=[c - 1, c - 1])[0])
    for margin in MARGINS:
        raised = guess + margin * max(abs(guess), 1e-9)
        if _exceeds_all(raised, dense()):
            return raised
    return float(linalg.eigvalsh(dense(), overwrite_a=True, subset_by_index=[c - 1, c - 1])[0])


def _exceeds_all(number: float, matrix: Floats) -> bool:
    """Whether number I - M has a Cholesky factor; M is overwritten."""
    np.negative(matrix, out=matrix)
    matrix[np.diag_indices(len(matrix))] += number
    try:
        linalg.cholesky(matrix.T, lower=True, overwrite_a=True, check_finite=False)
    except linalg.LinAlgError:
        return False
    return True
