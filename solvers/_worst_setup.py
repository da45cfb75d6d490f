"""What the worst case needs before it searches: components, least-squares data, and the way back together."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from ._worst_bounds import shortest_solution

Array = NDArray[Any]  # float64 or complex128
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RANK_TOLERANCE = 1e-9  # singular values below this share of the largest count as zero
FAINT = 1e-13  # singular values down to this share are used where that makes the error smaller
EXACT = 1e-12  # error per column of T that counts as rounding
LARGE = 1500  # more workers are decoded by conjugate gradients
PROPORTIONAL = 1e-10  # rows of length 1 that are as near as that, up to a scalar, count as the same


@dataclass(frozen=True, eq=False)
class Component:
    """Workers that share no partition with anybody else; rows of length 1.

    Attributes
    ----------
    workers : int64, shape (c,)
        Their numbers in the whole code.
    rows : csr_array, shape (c, m * q)
        Their rows on the q partitions they hold; column ``u * q + i`` is block u of the i-th of these.
    blocks : int
        m.
    """

    workers: Ints
    rows: sparse.csr_array
    blocks: int

    @property
    def size(self) -> int:
        """Number of workers c."""
        return len(self.workers)

    @property
    def whole(self) -> float:
        """Error when all workers are lost: m q."""
        return float(self.rows.shape[1])

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for components with the same rows."""
        rows = self.rows
        return rows.shape, rows.indptr.tobytes(), rows.indices.tobytes(), rows.data.tobytes()

    @cached_property
    def dense(self) -> Array:
        """The rows, shape (c, m * q)."""
        return np.asarray(self.rows.toarray())

    @property
    def target(self) -> Floats:
        """T on these partitions, shape (m, m * q)."""
        return np.asarray(np.kron(np.eye(self.blocks), np.ones(self.rows.shape[1] // self.blocks)), dtype=np.float64)

    @cached_property
    def is_rank_one(self) -> bool:
        """Whether all workers send the same, up to a scalar."""
        counts = np.diff(self.rows.indptr)
        if self.size > 1 and (counts != counts[0]).any():
            return False
        table = self.rows.data.reshape(self.size, -1)
        if (self.rows.indices.reshape(self.size, -1) != self.rows.indices[: counts[0]]).any():
            return False
        factor = table @ table[0].conj()
        return bool(np.abs(table - factor[:, None] * table[0]).max() <= PROPORTIONAL)

    def least_squares(self, lost: Ints) -> tuple[float, float]:
        """Error and ||a||^2 of the shortest best decoding without the workers ``lost`` (positions in this component).

        Plain least squares on the responders' rows: what every result is checked against.
        """
        alive = np.setdiff1d(np.arange(self.size), lost)
        if len(alive) == 0:
            return self.whole, 0.0
        if self.size > LARGE:
            rows = self.rows[alive]
            found = shortest_solution(rows, self.target)
            miss = rows.T @ found.T - self.target.T
            return float(np.linalg.norm(miss) ** 2), float(np.linalg.norm(found) ** 2)
        matrix, target = self.dense[alive].T, self.target.T
        error, norm = self.whole, 0.0
        for cut in (RANK_TOLERANCE, FAINT):
            solution = np.linalg.lstsq(matrix, target, rcond=cut)[0]
            residual = float(np.linalg.norm(matrix @ solution - target) ** 2)
            if residual < error - EXACT * self.whole:
                error, norm = residual, float(np.linalg.norm(solution) ** 2)
            if error <= EXACT * self.whole:
                break
        return error, norm

    def starved(self, stragglers: int, first: int | None = None) -> Ints:
        """Return the holders of column after column, of ``first`` and then always of one that fewest still hold."""
        holders = self.rows.tocsc()
        left = np.diff(holders.indptr).astype(np.int64)
        lost = np.zeros(self.size, dtype=bool)
        free = min(stragglers, self.size)
        while free:
            column = int(np.where(left > 0, left, self.size + 1).argmin()) if first is None else first
            first = None
            mine = holders.indices[holders.indptr[column] : holders.indptr[column + 1]]
            mine = mine[~lost[mine]][:free]
            lost[mine] = True
            left -= np.bincount(self.rows[mine].indices, minlength=len(left))
            free -= len(mine)
        return np.flatnonzero(lost)


@dataclass(frozen=True, eq=False)
class Found:
    """What a search found in one component.

    Attributes
    ----------
    value : float
        Worst found: error, or ||a||^2 where the noise is meant.
    bound : float or None
        No set exceeds it; None where nothing is proved.
    lost : int64, shape (t,)
        The stragglers that give ``value``.
    evaluated : int
        Sets looked at.
    pivot, strained : float or None, int64 array
        Smallest pivot of the null projector that was met, and the set where.
    method : str
        How the bound was proved.
    doubtful : bool
        Whether some pivot was neither clearly zero nor clearly not.
    """

    value: float
    bound: float | None
    lost: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    evaluated: int = 0
    pivot: float | None = None
    strained: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    method: str = ""
    doubtful: bool = False


def unit_rows(encoding: sparse.csr_array) -> sparse.csr_array:
    """The rows at length 1; those without entries stay as they are."""
    lengths = np.sqrt(np.asarray(abs(encoding).power(2).sum(axis=1)).ravel())
    lengths[lengths == 0.0] = 1.0
    return sparse.csr_array(encoding.multiply(1.0 / lengths[:, None]))


def split(encoding: sparse.csr_array, blocks: int) -> tuple[list[Component], int]:
    """Return the components and the number of partitions that nobody holds; workers without work are in none."""
    n, columns = encoding.shape
    k = columns // blocks
    coo = encoding.tocoo()
    graph = sparse.coo_array((np.ones(coo.nnz), (coo.row, n + coo.col % k)), shape=(n + k, n + k))
    count, label = sparse.csgraph.connected_components(graph, directed=False)
    order = np.argsort(label[:n], kind="stable")
    ends = np.searchsorted(label[:n][order], np.arange(count + 1))
    sizes = np.bincount(label[n:], minlength=count)
    by_label = np.argsort(label[n:], kind="stable")
    local = np.empty(k, dtype=np.int64)
    local[by_label] = np.arange(k) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    scaled = unit_rows(encoding)[order]
    scaled.sort_indices()
    components = []
    for c in np.flatnonzero((np.diff(ends) > 0) & (sizes > 0)):
        first, last = scaled.indptr[ends[c]], scaled.indptr[ends[c + 1]]
        column = scaled.indices[first:last]
        indices = column // k * sizes[c] + local[column % k]
        indptr = scaled.indptr[ends[c] : ends[c + 1] + 1] - first
        shape = (ends[c + 1] - ends[c], blocks * sizes[c])
        rows = sparse.csr_array((scaled.data[first:last], indices, indptr), shape=shape)
        components.append(Component(order[ends[c] : ends[c + 1]].astype(np.int64), rows, blocks))
    return components, int(np.count_nonzero(sizes[np.diff(ends) == 0]))


@dataclass(frozen=True, eq=False)
class LeastSquares:
    """Everything the elimination of workers starts from; C = rows^T, columns are workers of length 1.

    Attributes
    ----------
    null : complex or float, shape (c, c)
        K, projector on the null space of C; all zeros when ``freedom`` is 0.
    inverse : shape (c, c)
        P = (C^H C)^+.
    basis : shape (c, freedom)
        N, orthonormal, K = N N^H.
    gram : shape (c, c)
        Q = C^H C.
    solution : shape (m, c)
        a, the shortest least-squares solution of C a = T^T, transposed.
    seen : shape (m, c)
        C^H T^T, transposed: what each worker has of the target.
    error, freedom, smallest : float, int, float
        Least error; dimension of the null space; smallest nonzero eigenvalue of Q.
    complete : bool
        Whether nobody else is heard.
    """

    null: Array
    inverse: Array
    basis: Array
    gram: Array
    solution: Array
    seen: Array
    error: float
    freedom: int
    smallest: float
    complete: bool = True

    @classmethod
    def of(cls, rows: Array, target: Floats) -> LeastSquares:
        """Factor the rows, shape (c, m * q)."""
        C = rows.T
        left, values, right = np.linalg.svd(C, full_matrices=False)
        rank = int(np.count_nonzero(values > RANK_TOLERANCE * values[0]))
        image = right[:rank].conj().T
        basis = np.asarray(linalg.qr(image)[0])[:, rank:]
        inverse = (image / values[:rank] ** 2) @ image.conj().T
        solution = (image / values[:rank]) @ (left[:, :rank].conj().T @ target.T)
        error = float(np.linalg.norm(C @ solution - target.T) ** 2)
        arrays = (
            basis @ basis.conj().T,
            inverse,
            basis,
            C.conj().T @ C,
            np.ascontiguousarray(solution.T),
            target @ C.conj(),
        )
        return cls(*arrays, error, basis.shape[1], float(values[rank - 1] ** 2))

    def on(self, chosen: Ints) -> LeastSquares:
        """Reduce to some of the workers; the others never straggle (good for the error only)."""
        grid = np.ix_(chosen, chosen)
        parts = self.null[grid], self.inverse[grid], self.basis[chosen], self.gram[grid]
        vectors = np.ascontiguousarray(self.solution[:, chosen]), self.seen[:, chosen]
        return LeastSquares(*parts, *vectors, self.error, self.freedom, self.smallest, False)

    @cached_property
    def is_circulant(self) -> bool:
        """Whether shifting all workers by one changes no value, so that every set has a shift that contains 0."""
        n = len(self.gram)
        outer = self.solution.T @ self.solution.conj()
        cell = (np.arange(n) + np.arange(n)[:, None]) % n  # row i reads entry (i, i + j)
        for matrix in (self.null, self.inverse, outer):
            shifted = np.take_along_axis(matrix, cell, axis=1)
            if np.abs(shifted - shifted[0]).max() > 1e-9 * max(1.0, float(np.abs(matrix).max())):
                return False
        return True


def distribute(tables: list[Floats], stragglers: int) -> tuple[float, list[int]]:
    """Spread at most ``stragglers`` over the components so that the sum of ``tables[c][stragglers of c]`` is largest.

    Examples
    --------
    >>> distribute([np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0])], 2)
    (3.0, [2, 0])
    """
    total = np.zeros(stragglers + 1)
    choices = []
    for table in tables:
        best = total + table[0]
        choice = np.zeros(stragglers + 1, dtype=np.int32)
        for t in range(1, min(len(table) - 1, stragglers) + 1):
            reached = total[: stragglers + 1 - t] + table[t]
            better = reached > best[t:]
            best[t:][better] = reached[better]
            choice[t:][better] = t
        choices.append(choice)
        total = best
    left, spread = stragglers, []
    for choice in reversed(choices):
        spread.append(int(choice[left]))
        left -= spread[-1]
    return float(total[stragglers]), spread[::-1]
