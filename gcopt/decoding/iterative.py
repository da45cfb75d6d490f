"""Codes that are too large to be factored and show no structure."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.decoding.factors import iterate
from gcopt.decoding.rule import EXACT, Bools, Rule, row_norms

_COEFFICIENTS = 1e-15
_ERROR = 1e-10  # of the slope: the error of its square


class Iterative(Rule):
    """LSMR on the sparse rows of the responders, from zero, so that it ends at the smallest coefficients."""

    name: ClassVar[str] = "iterative least squares"
    why: ClassVar[str] = "no structure was found, and there is too much to be factored; LSMR on the sparse rows"

    def __init__(self, matrix: sparse.csr_array, blocks: int) -> None:
        super().__init__(matrix, blocks)
        self._norms = row_norms(matrix)
        self._unit = sparse.csr_array(matrix.multiply(1 / self._norms[:, None]))

    @classmethod
    def fits(cls, matrix: sparse.csr_array, blocks: int) -> bool:
        """Anything."""
        return True

    def decode(self, heard: Bools) -> NDArray[Any]:
        """Return coefficients, shape (n, m)."""
        return self._iterated(heard, _COEFFICIENTS)

    def error(self, heard: Bools) -> float:
        """Return the squared error of the best coefficients, which settles long before they do."""
        return self.miss(self._iterated(heard, _ERROR))

    def decodes(self, heard: Bools) -> bool:
        """Whether these workers determine everything."""
        return self.miss(self.decode(heard)) <= EXACT * self.size

    def _iterated(self, heard: Bools, tolerance: float) -> NDArray[Any]:
        found = np.zeros((heard.size, self.blocks), dtype=self.matrix.dtype)
        if heard.any():
            found[heard] = iterate(self._unit[heard], self.target, tolerance) / self._norms[heard, None]
        return found
