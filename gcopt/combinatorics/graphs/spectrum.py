"""The second singular value of an assignment: what the worst case of a code hangs on."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, eigsh

from gcopt.errors import InputError

_DENSE = 300


def second_singular_squared(matrix: Any, *, tolerance: float = 0.0) -> float:
    """Return the second largest eigenvalue of A^T A, for a matrix with equal row sums and equal column sums.

    The largest is their product, with the vector of ones; it counts once more where the code falls into parts.

    Parameters
    ----------
    matrix : sparse array, shape (n, k)
        Entries of at least 0.
    tolerance : float
        Relative accuracy; 0 for that of the machine.

    Raises
    ------
    InputError
        If the sums differ.

    Examples
    --------
    >>> from gcopt.combinatorics.graphs.building import complement, from_edges
    >>> round(second_singular_squared(complement(from_edges(4, np.empty((0, 2))))), 9)  # K_4 has eigenvalues 3, -1
    1.0
    """
    a: Any = sparse.csr_array(matrix, dtype=np.float64)
    n, k = a.shape
    rows, columns = a.sum(axis=1), a.sum(axis=0)
    if np.ptp(rows) > 1e-9 * rows.max() or np.ptp(columns) > 1e-9 * columns.max():
        raise InputError("matrix has unequal row or column sums; the second singular value needs a regular one")
    if k == 1:
        return 0.0
    transposed, top = a.T.tocsr(), float(rows[0] * columns[0])
    if min(n, k) <= _DENSE:
        gram = (transposed @ a if k <= n else a @ transposed).toarray()
        return float(np.linalg.eigvalsh(gram - top / len(gram))[-1])

    def without_top(x: Any) -> Any:
        flat = x.ravel()
        return transposed @ (a @ flat) - top * flat.mean()

    start = np.random.default_rng(0).standard_normal(k)
    gram = LinearOperator((k, k), matvec=without_top, dtype=np.float64)
    return float(eigsh(gram, k=1, which="LA", v0=start, ncv=40, tol=tolerance, return_eigenvectors=False)[0])
