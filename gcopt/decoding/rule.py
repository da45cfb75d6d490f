"""What all rules of decoding have in common."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

EXACT = 1e-12
"""A set of responders decodes exactly when its squared error is at most this times m k."""

_SMALL = 250_000  # entries of a matrix that is faster to multiply with when dense

Bools = NDArray[np.bool_]


class Rule:
    """One way to find least-squares coefficients for the rows of a matrix.

    Coefficients are the best for rows of length 1: of all with the least error they amplify noise least.

    Parameters
    ----------
    matrix : csr_array, shape (n, m * k)
        Encoding matrix of a component, or of several where ``together`` says that the rule can take them at once.
    blocks : int
        m.

    Attributes
    ----------
    name : str
        Of the rule.
    why : str
        What was found in the entries and what it is good for, in half a sentence.
    by_count : bool
        Whether the error of a component depends on nothing but how many of its workers were heard.
    together : bool
        Whether components that follow this rule are decoded faster together.
    """

    name: ClassVar[str]
    why: ClassVar[str]
    by_count: ClassVar[bool] = False
    together: ClassVar[bool] = False

    def __init__(self, matrix: sparse.csr_array, blocks: int) -> None:
        self.matrix = matrix
        self.blocks = blocks
        self.size = int(matrix.shape[1])
        """m k, the squared error when nobody is heard."""

    @classmethod
    def fits(cls, matrix: sparse.csr_array, blocks: int) -> bool:
        """Whether the entries of one component allow the rule."""
        raise NotImplementedError

    def decode(self, heard: Bools) -> NDArray[Any]:
        """Return coefficients, shape (n, m), zero where nobody was heard; a function of ``heard`` and nothing else."""
        raise NotImplementedError

    def error(self, heard: Bools) -> float:
        """Return the squared error of the best coefficients."""
        return self.miss(self.decode(heard))

    def decodes(self, heard: Bools) -> bool:
        """Whether these workers determine everything."""
        return self.error(heard) <= EXACT * self.size

    def miss(self, coefficients: NDArray[Any]) -> float:
        """Return the squared error of given coefficients, shape (n, m)."""
        return float(np.sum(np.abs(self.transposed @ coefficients - self.target) ** 2))

    @cached_property
    def transposed(self) -> NDArray[Any] | sparse.csr_array:
        """B^T, dense where that is small."""
        transposed = sparse.csr_array(self.matrix.T)
        return transposed.toarray() if np.prod(transposed.shape) <= _SMALL else transposed

    @cached_property
    def target(self) -> NDArray[np.float64]:
        """T^T, shape (m * k, m)."""
        return target(self.size // self.blocks, self.blocks)


def target(partitions: int, blocks: int) -> NDArray[np.float64]:
    """Return T^T = I_m (x) 1_k, shape (m * k, m)."""
    return np.asarray(np.kron(np.eye(blocks), np.ones((partitions, 1))), dtype=np.float64)


def row_norms(matrix: sparse.csr_array) -> NDArray[np.float64]:
    """Return the lengths of the rows, shape (n,)."""
    squares = np.abs(matrix.data) ** 2
    return np.asarray(np.sqrt(np.add.reduceat(squares, matrix.indptr[:-1])), dtype=np.float64)
