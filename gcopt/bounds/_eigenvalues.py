"""The second eigenvalue of a symmetric matrix with constant row sums."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

_DENSE = 1500

Floats = NDArray[np.float64]


def second_eigenvalue(times: Callable[[Floats], Floats], size: int, top: float, shift: float) -> float | None:
    """Return the second largest eigenvalue, counted with multiplicity, of a symmetric matrix with row sums ``top``.

    Parameters
    ----------
    times : callable
        Multiplies the matrix with an array, shape (size,) or (size, any).
    size : int
    top : float
        The largest eigenvalue, that of the all-ones vector.
    shift : float
        How far that eigenvalue is moved down; at least top minus the second one.

    Returns
    -------
    float or None
        None if the iteration does not converge; 0.0 for size 1.

    Examples
    --------
    >>> round(second_eigenvalue(lambda x: np.ones((3, 3)) @ x - x, 3, 2.0, 4.0), 9)
    -1.0
    """
    if size == 1:
        return 0.0
    if size <= _DENSE:
        return float(np.linalg.eigvalsh(times(np.eye(size)))[-2])

    def moved(x: Floats) -> Floats:
        return np.asarray(times(x) - shift * x.mean())

    start = np.random.default_rng(0).standard_normal(size)
    operator = LinearOperator((size, size), matvec=moved, dtype=np.float64)
    try:
        return float(eigsh(operator, k=1, which="LA", v0=start, tol=1e-10, return_eigenvectors=False)[0])
    except ArpackNoConvergence:
        return None
