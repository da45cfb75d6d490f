"""The factorisation of a component from which every set of responders starts."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import lsmr

from gcopt.decoding.rule import row_norms, target

RANK = 1e-10
"""Singular values below this share of the largest count as zero."""

DENSE_LIMIT = 2500
"""The smaller side of a matrix up to which it is factored."""

_LARGE = 8  # nothing is made with more entries than this many squares of the dense limit


def is_dense(shape: tuple[int, int]) -> bool:
    """Whether a matrix of this shape is small enough to be factored, and the square of its workers to be kept."""
    n, columns = shape
    return min(n, columns) <= DENSE_LIMIT and n * max(n, columns) <= _LARGE * DENSE_LIMIT**2


class Factors:
    """Singular value decomposition B^T = U diag(v) V of the rows scaled to length 1.

    Attributes
    ----------
    norms : array, shape (n,)
        Lengths of the rows before that.
    unit : array, shape (n, m * k)
        The rows of length 1.
    solution : array, shape (n, m)
        Smallest coefficients of the unit rows that are best when everybody is heard.
    null : array, shape (n, n - rank)
        Orthonormal basis of {a : a B = 0}; no columns where all workers are needed.
    steepness : float
        Smallest over largest nonzero singular value.
    """

    def __init__(self, matrix: sparse.csr_array, blocks: int) -> None:
        self.norms = row_norms(matrix)
        self.unit: NDArray[Any] = matrix.toarray() / self.norms[:, None]
        wanted = target(matrix.shape[1] // blocks, blocks)
        # more workers than columns: the null space needs all of `right`; else a full `left` would only be large
        left, values, right = np.linalg.svd(self.unit.T, full_matrices=self.unit.shape[0] > self.unit.shape[1])
        rank = int((values > RANK * values[0]).sum())
        inside = (left[:, :rank].conj().T @ wanted) / values[:rank, None]
        self._right, self._values = right[:rank], values[:rank]
        self.solution: NDArray[Any] = right[:rank].conj().T @ inside
        self.null: NDArray[Any] = right[rank:].conj().T
        self.steepness = float(values[rank - 1] / values[0])
        self.smallest = float(values[rank - 1])

    @cached_property
    def inverse(self) -> NDArray[Any]:
        """Pseudo-inverse of conj(B) B^T, shape (n, n): the quadratic form of what changes of coefficients cost."""
        return np.asarray(self.root.conj().T @ self.root)

    @cached_property
    def root(self) -> NDArray[Any]:
        """K with K^H K = ``inverse``, shape (rank, n); its condition is that of B and not the square."""
        return np.asarray(self._right / self._values[:, None])


def iterate(unit: sparse.csr_array, wanted: NDArray[Any], tolerance: float = 1e-15, damp: float = 0.0) -> NDArray[Any]:
    """Return least-squares coefficients of sparse unit rows for each column of ``wanted``, without a factorisation.

    With ``damp``, the square of it times their squared length counts as error.
    """
    rows, transposed = wanted.T.astype(unit.dtype), unit.T
    most = 20 * unit.shape[0]
    columns = [lsmr(transposed, row, damp=damp, atol=tolerance, btol=tolerance, maxiter=most)[0] for row in rows]
    return np.stack(columns, axis=1)
