"""Rows h_j (x) a_j, found in the entries: all blocks of a worker are multiples of one combination of partitions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from gcopt.code import Segment
from gcopt.signs import Signs

_SAME = 1e-9
_DEPENDENT = 1e-9  # of the largest singular value
_MINORS = 20_000

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rows:
    """Factors and combinations of the workers of a segment whose rows are h_j (x) a_j (a Khatri-Rao product).

    Attributes
    ----------
    factors : array, shape (n, m)
        Row j is h_j.
    shared : csr_array, shape (n, k)
        Row j is a_j; its first entry of largest magnitude is 1.
    """

    factors: NDArray[Any]
    shared: sparse.csr_array

    @cached_property
    def flat(self) -> bool:
        """Whether all entries of every a_j are 1, as in [D_1 A | ... | D_m A] with A of zeros and ones."""
        return bool(np.abs(self.shared.data - 1.0).max(initial=0.0) <= _SAME)

    @cached_property
    def signs(self) -> Floats | None:
        """h_j divided by its magnitude, where all its entries have one: +-1, shape (n, m); None where they differ."""
        size = np.abs(self.factors)
        largest = size.max(axis=1, keepdims=True)
        if np.iscomplexobj(self.factors) or not largest.all() or (largest - size > _SAME * largest).any():
            return None
        return np.asarray(np.sign(self.factors), dtype=np.float64)

    @cached_property
    def kinds(self) -> Ints:
        """Of how many workers the signs are each of the 2^(m-1) patterns, up to a common sign; see `patterns`."""
        assert self.signs is not None, "the factors are no signs"
        m = self.factors.shape[1]
        number = (self.signs[:, 1:] != self.signs[:, :1]) @ (1 << np.arange(m - 1))
        return np.bincount(number.astype(np.int64), minlength=1 << (m - 1))

    def sizes(self, signs: Signs) -> Floats | None:
        """Return how large the factors of every worker are beside those drawn, shape (n,); None where none fit."""
        n, m = self.factors.shape
        ratio = self.factors / signs.factors(signs.draw, n, m)
        first = ratio[:, 0]
        return first if (np.abs(ratio - first[:, None]).max(axis=1) <= _SAME * np.abs(first)).all() else None

    def frames(self) -> NDArray[Any]:
        """Return sum_j h_j h_j^H over the workers j of every partition, h_j divided by its mean magnitude.

        Returns
        -------
        array, shape (k, m, m)
            gamma I where they are a tight frame of signs.
        """
        n, m = self.factors.shape
        size = np.abs(self.factors).mean(axis=1, keepdims=True)
        unit = np.divide(self.factors, size, out=np.zeros_like(self.factors), where=size > 0)
        products = (unit[:, :, None] * unit[:, None, :].conj()).reshape(n, m * m)
        held = sparse.csr_array((np.ones(self.shared.nnz), self.shared.indices, self.shared.indptr), self.shared.shape)
        return np.asarray(held.T @ products).reshape(-1, m, m)

    def independent(self, team: ArrayLike) -> bool | None:
        """Whether the factors of any m workers of a team (of all, if fewer) are independent; None if hard to find."""
        mine = self.factors[np.asarray(team)]
        size, m = mine.shape
        some = min(size, m)
        if comb(size, some) > _MINORS:
            return None
        found = np.linalg.svd(mine[np.array(list(combinations(range(size), some)))], compute_uv=False)
        return bool((found[:, -1] > _DEPENDENT * found[:, 0]).all())


def rows_of(segment: Segment) -> Rows | None:
    """Return factors and combinations of a segment, or None where the blocks of some worker are no multiples of one.

    Examples
    --------
    >>> found = rows_of(Segment(np.array([[1.0, 1.0, -1.0, -1.0], [0.0, 2.0, 0.0, 6.0]]), blocks=2))
    >>> found.factors.tolist(), found.shared.toarray().tolist(), found.flat
    ([[1.0, -1.0], [2.0, 6.0]], [[1.0, 1.0], [0.0, 1.0]], True)
    >>> rows_of(Segment(np.array([[1.0, 2.0, 1.0, 1.0]]), blocks=2)) is None
    True
    """
    n, k, m = segment.workers, segment.partitions, segment.blocks
    matrix = segment.encoding
    pivots = _largest(matrix)
    blocks = [sparse.csr_array(matrix[:, u * k : (u + 1) * k]) for u in range(m)]
    factors, shared = np.zeros((n, m), dtype=matrix.dtype), sparse.csr_array((n, k), dtype=matrix.dtype)
    for u, block in enumerate(blocks):
        chosen = (pivots // k == u) & (np.diff(matrix.indptr) > 0)
        factors[:, u] = block[np.arange(n), pivots % k]
        scale = np.divide(1.0, factors[:, u], out=np.zeros(n, dtype=matrix.dtype), where=chosen)
        shared = sparse.csr_array(shared + sparse.diags_array(scale) @ block)
    largest = np.abs(factors).max(axis=1)
    for u, block in enumerate(blocks):
        missed = abs(block - sparse.diags_array(factors[:, u]) @ shared)
        if (np.asarray(missed.max(axis=1).todense()).ravel() > _SAME * largest).any():
            return None
    shared.eliminate_zeros()
    shared.sort_indices()
    return Rows(factors, shared)


def patterns(blocks: int) -> Floats:
    """Return the 2^(m-1) rows of m signs that begin with 1, in the order of `Rows.kinds`.

    Examples
    --------
    >>> patterns(2).tolist()
    [[1.0, 1.0], [1.0, -1.0]]
    """
    bits = np.arange(1 << (blocks - 1))[:, None] >> np.arange(blocks - 1) & 1
    return np.hstack([np.ones((len(bits), 1)), 1.0 - 2.0 * bits])


def _largest(matrix: sparse.csr_array) -> Ints:
    """Return the column of the first entry of largest magnitude in every row, shape (n,); 0 where there is none."""
    found = np.zeros(matrix.shape[0], dtype=np.int64)
    size = np.abs(matrix.data)
    for j, (a, b) in enumerate(zip(matrix.indptr[:-1].tolist(), matrix.indptr[1:].tolist(), strict=True)):
        if b > a:
            found[j] = matrix.indices[a + int((size[a:b] >= (1.0 - _SAME) * size[a:b].max()).argmax())]
    return found
