"""Block designs whose workers send every block with a sign: m equations, whoever responds."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.decoding.design import Design
from gcopt.decoding.rule import Bools, Rule

_SAME = 1e-13  # of an entry: what rounding may do to equal ones


class SignedDesign(Rule):
    """Rows h_j (x) a_j with signs h_j (in R^m) and rows a_j of a block design A, A A^T = a I + b J, A 1 = sigma 1.

    With V the signs of the responders, shape (N, m), the normal equations are (m a I + b V V^T) R = sigma V, so that
    R = sigma V (m a I + b V^T V)^-1.
    """

    name: ClassVar[str] = "signed block design"
    why: ClassVar[str] = (
        "a block design whose blocks are sent with signs, so m equations for m blocks are enough (derived, for "
        "construction I of Munim & Ramamoorthy 2026)"
    )

    def __init__(self, matrix: sparse.csr_array, blocks: int) -> None:
        super().__init__(matrix, blocks)
        found = _signs(matrix, blocks)
        assert found is not None
        self._signs, design = found
        rows = Design(design, 1)
        self._a, self._b, self._sum = rows.a, rows.b, float(rows.sums[0].real)

    @classmethod
    def fits(cls, matrix: sparse.csr_array, blocks: int) -> bool:
        """Whether the entries are such rows; what is none is nearly always seen in the signs."""
        if blocks == 1 or matrix.dtype.kind == "c":
            return False
        found = _signs(matrix, blocks)
        return found is not None and Design.fits(found[1], 1)

    def decode(self, heard: Bools) -> NDArray[Any]:
        """Return coefficients, shape (n, m)."""
        signs = np.where(heard[:, None], self._signs, 0.0)
        return self._sum * signs @ np.linalg.inv(self._normal(signs))

    def error(self, heard: Bools) -> float:
        """Return m k - sigma^2 tr((V^T V) (m a I + b V^T V)^-1)."""
        signs = self._signs[heard]
        won = float(np.trace(np.linalg.solve(self._normal(signs), signs.T @ signs)))
        return max(0.0, self.size - self._sum**2 * won)

    def _normal(self, signs: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.blocks * self._a * np.eye(self.blocks) + self._b * signs.T @ signs


def _signs(matrix: sparse.csr_array, blocks: int) -> tuple[NDArray[np.float64], sparse.csr_array] | None:
    """Return the signs of the blocks, shape (n, m), and what they are the signs of; None where the rows are no such."""
    k = matrix.shape[1] // blocks
    stretches = [sparse.csr_array(matrix[:, u * k : (u + 1) * k]) for u in range(blocks)]
    for rows in stretches:
        rows.sort_indices()
    first = stretches[0]
    if not np.diff(first.indptr).all():
        return None
    signs = [np.sign(np.asarray(rows.sum(axis=1))) for rows in stretches]
    size = float(np.abs(first.data).max())
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(first.indptr))
    design = first.data * signs[0][row]
    for rows, sign in zip(stretches, signs, strict=True):
        alike = np.array_equal(rows.indptr, first.indptr) and np.array_equal(rows.indices, first.indices)
        if not alike or not sign.all() or np.abs(rows.data * sign[row] - design).max() > _SAME * size:
            return None
    return np.stack(signs, axis=1), sparse.csr_array((design, first.indices, first.indptr), shape=first.shape)
