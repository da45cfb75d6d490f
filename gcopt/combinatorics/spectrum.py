"""The second eigenvalue of a regular matrix: what the worst case of a code hangs on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from gcopt.errors import InputError

Floats = NDArray[np.float64]

ACCURATE = 1e-9

_DENSE = 600
_RESTARTS = 100
_EQUAL = 1e-9


def second_eigenvalue(
    times: Callable[[Floats], Floats], size: int, top: float, *, accuracy: float = ACCURATE
) -> float | None:
    """Return the second largest eigenvalue, counted with multiplicity, of a symmetric matrix with row sums ``top``.

    Parameters
    ----------
    times : callable
        Multiplies the matrix, entries of at least 0, with an array, shape (size,) or (size, any).
    size : int
    top : float
        The largest eigenvalue, that of the vector of ones.
    accuracy : float
        Relative, for large matrices; by so much the result is raised, for an iteration comes from below.

    Returns
    -------
    float or None
        None if the iteration does not converge soon, as for long cycles; 0.0 for size 1.

    Examples
    --------
    >>> round(second_eigenvalue(lambda x: np.ones((3, 3)) @ x - x, 3, 2.0), 9)
    -1.0
    """
    if size == 1:
        return 0.0
    if size <= _DENSE:
        return float(np.linalg.eigvalsh(times(np.eye(size)))[-2])
    found = largest_eigenvalue(lambda x: times(x) - 2.0 * top * x.mean(), size, accuracy=accuracy)
    return None if found is None else min(top, found)  # the vector of ones now has the eigenvalue -top, the least


def largest_eigenvalue(times: Callable[[Floats], Floats], size: int, *, accuracy: float = ACCURATE) -> float | None:
    """Return the largest eigenvalue of a symmetric matrix by iteration, raised by ``accuracy``; None if it is hard.

    Parameters
    ----------
    times : callable
        Multiplies the matrix with an array, shape (size,).
    size : int
        Above 40.
    accuracy : float
        Relative; the iteration comes from below.

    Examples
    --------
    >>> round(largest_eigenvalue(lambda x: np.arange(50.0) * x, 50), 6)
    49.0
    """
    operator = LinearOperator((size, size), matvec=lambda x: times(x.ravel()), dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(size)
    try:
        found = eigsh(
            operator, k=1, which="LA", v0=start, tol=accuracy, ncv=40, maxiter=_RESTARTS, return_eigenvectors=False
        )
    except ArpackNoConvergence:
        return None
    return float(found[0] + accuracy * abs(found[0]))


def second_singular_squared(matrix: Any, *, accuracy: float = ACCURATE) -> float | None:
    """Return sigma_2^2, the second largest eigenvalue of A^T A, for a matrix with equal row and equal column sums.

    The largest is their product, with the vector of ones; it counts once more where the code falls into parts.

    Parameters
    ----------
    matrix : sparse array or array, shape (n, k)
        Entries of at least 0.
    accuracy : float
        As for `second_eigenvalue`.

    Returns
    -------
    float or None
        None if it is hard to find.

    Raises
    ------
    InputError
        If the sums differ.

    Examples
    --------
    >>> round(second_singular_squared(np.ones((4, 4)) - np.eye(4)), 9)  # K_4 has eigenvalues 3, -1
    1.0
    """
    a: Any = sparse.csr_array(matrix, dtype=np.float64)
    short, top = a if a.shape[0] <= a.shape[1] else a.T, _top(a)
    found = second_eigenvalue(lambda x: short @ (short.T @ x), short.shape[0], top, accuracy=accuracy)
    return None if found is None else max(0.0, found)


def second_singular_bound(matrix: Any, *, accuracy: float = ACCURATE) -> float:
    """Return the same, or the largest eigenvalue where it is hard to find: never less than it is.

    Examples
    --------
    >>> second_singular_bound(np.eye(3))
    1.0
    """
    found = second_singular_squared(matrix, accuracy=accuracy)
    return _top(sparse.csr_array(matrix)) if found is None else found


def _top(matrix: Any) -> float:
    """Row sum times column sum."""
    rows, columns = matrix.sum(axis=1), matrix.sum(axis=0)
    if np.ptp(rows) > _EQUAL * rows.max() or np.ptp(columns) > _EQUAL * columns.max():
        raise InputError("matrix has unequal row or column sums; the second singular value needs a regular one")
    return float(rows[0] * columns[0])
