"""Block designs: B B^H = a I + b J and equal row sums, so that all responders count the same."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from gcopt.decoding.rule import Bools, Rule

_SAME = 1e-13  # of the squared length of a row: what rounding may do to equal inner products
_FLAT = 1e-8  # eigenvalues of the Gram matrix below this share of its diagonal are left to other rules
_ROWS = 256


class Design(Rule):
    """The normal equations (a I + b J) x = conj(sigma) 1 of N responders have the solution x = conj(sigma) / (a + N b).

    With m blocks the sum sigma_u of a row over the columns of block u gives the weight for that block.
    """

    name: ClassVar[str] = "block design"
    why: ClassVar[str] = (
        "any two workers overlap alike and the sums are equal, so one weight for all responders is best; closed form "
        "(Kadhe et al. 2019)"
    )
    by_count: ClassVar[bool] = True

    def __init__(self, matrix: sparse.csr_array, blocks: int) -> None:
        super().__init__(matrix, blocks)
        self.sums: NDArray[Any] = _sums(matrix[[0]], blocks)[0]
        first = _gram(matrix, _flipped(matrix), slice(0, 1))[0]
        self.b = float(first[1].real)
        self.a = float(first[0].real) - self.b

    @classmethod
    def fits(cls, matrix: sparse.csr_array, blocks: int) -> bool:
        """Whether the entries are such a design; what is none is nearly always seen in its first row."""
        n = matrix.shape[0]
        if n < 2:
            return False
        sums, flipped = _sums(matrix, blocks), _flipped(matrix)
        first = _gram(matrix, flipped, slice(0, 1))[0]
        square = float(first[0].real)
        between = float(first[1].real)
        if np.abs(sums - sums[0]).max() > _SAME * np.sqrt(square * matrix.shape[1]):
            return False
        if min(square - between, square + (n - 1) * between) < _FLAT * square:
            return False
        if np.abs(first[1:] - between).max() > _SAME * square:
            return False
        for start in range(0, n, _ROWS):
            rows = slice(start, min(start + _ROWS, n))
            found = _gram(matrix, flipped, rows) - between
            found[np.arange(rows.stop - start), np.arange(start, rows.stop)] -= square - between
            if np.abs(found).max() > _SAME * square:
                return False
        return True

    def weight(self, counts: ArrayLike) -> NDArray[Any]:
        """Return the coefficient of each of so many responders: for counts of shape (q,) shape (q, m)."""
        return np.asarray(np.conj(self.sums) / (self.a + np.asarray(counts)[..., None] * self.b))

    def decode(self, heard: Bools) -> NDArray[Any]:
        """Return coefficients, shape (n, m)."""
        return np.where(heard[:, None], self.weight(int(heard.sum())), 0.0)

    def error(self, heard: Bools) -> float:
        """Return m k - N |sigma|^2 / (a + N b) for N responders."""
        count = int(heard.sum())
        won = count * float(np.sum(np.abs(self.sums) ** 2)) / (self.a + count * self.b)
        return max(0.0, self.size - won)


def _sums(matrix: sparse.csr_array, blocks: int) -> NDArray[Any]:
    """Return the sum of every row over the columns of each block, shape (n, m)."""
    k = matrix.shape[1] // blocks
    return np.stack([np.asarray(matrix[:, u * k : (u + 1) * k].sum(axis=1)) for u in range(blocks)], axis=1)


def _flipped(matrix: sparse.csr_array) -> sparse.csr_array:
    """Return B^H."""
    return sparse.csr_array(matrix.conj().T)


def _gram(matrix: sparse.csr_array, flipped: sparse.csr_array, rows: slice) -> NDArray[Any]:
    """Return these rows of B B^H."""
    return np.asarray((matrix[rows] @ flipped).toarray())
