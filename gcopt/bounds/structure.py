"""What the entries of an encoding matrix say about a code: degrees, second singular value, design, graph, symmetry.

Nothing here looks at a code's name or parameters: a structure counts only when it is found again in the matrix.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.bounds.rows import Rows, rows_of
from gcopt.bounds.symmetry import circulant_copies, grid_shifts, held_by, moves_all
from gcopt.code import GradientCode, Segment
from gcopt.combinatorics.spectrum import second_eigenvalue, second_singular_squared

_SAME = 1e-12
_CHUNK = 4_000_000
_KNOWN: WeakKeyDictionary[Segment, Structure] = WeakKeyDictionary()

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Structure:
    """The reading of one segment; everything is computed when first asked for, and kept.

    Attributes
    ----------
    segment : Segment

    Examples
    --------
    >>> triangle = Structure(Segment(np.ones((3, 3)) - np.eye(3)))
    >>> triangle.load, triangle.replication, round(triangle.second, 9), triangle.design
    (2, 2, 1.0, 1)
    """

    segment: Segment

    @property
    def workers(self) -> int:
        """Number of workers n."""
        return self.segment.workers

    @property
    def partitions(self) -> int:
        """Number of partitions k."""
        return self.segment.partitions

    @cached_property
    def held(self) -> sparse.csr_array:
        """The assignment A: 1.0 where worker j holds partition i, shape (n, k)."""
        held = sparse.csr_array(self.segment.support.astype(np.float64))
        held.sort_indices()
        return held

    @cached_property
    def load(self) -> int | None:
        """Partitions on every worker; None where workers differ."""
        return _common(self.segment.load)

    @cached_property
    def replication(self) -> int | None:
        """Workers on every partition; None where partitions differ."""
        return _common(self.segment.replication)

    @cached_property
    def entry(self) -> complex | None:
        """The value of all nonzero entries; None where they differ."""
        return _only(self.segment.encoding.data)

    @cached_property
    def rows(self) -> Rows | None:
        """Factors h_j and combinations a_j where every row is h_j (x) a_j; else None."""
        return rows_of(self.segment)

    @cached_property
    def share(self) -> complex | None:
        """The value of all entries times the replication of their partition, for m > 1 up to signs; None if various."""
        entries, copies = self.segment.encoding, self.segment.replication
        values = entries.data if self.segment.blocks == 1 else np.abs(entries.data)
        return _only(values * copies[entries.indices % self.partitions])

    @cached_property
    def second(self) -> float | None:
        """sigma_2^2, the second largest eigenvalue of A^T A of a bi-regular assignment; None if it is hard to find."""
        regular = self.load is not None and self.replication is not None
        return second_singular_squared(self.held) if regular else None

    @cached_property
    def symmetric(self) -> bool:
        """Whether A is the adjacency matrix of a graph (loops allowed)."""
        return self.workers == self.partitions and abs(self.held - self.held.T).nnz == 0

    def stranding(self, stragglers: int) -> NDArray[np.bool_]:
        """Return the responders left when one partition after the other loses its last workers, the cheapest first.

        The last one loses as many as there are stragglers left.

        Returns
        -------
        array of bool, shape (n,)
            n - s of them true.

        Examples
        --------
        >>> Structure(Segment(np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1]]))).stranding(1).tolist()
        [False, True, True]
        """
        n, rows, columns = self.workers, self.held, self.held.T.tocsr()
        heard, left, budget = np.ones(n, dtype=bool), self.segment.replication.copy(), stragglers
        for _ in range(self.partitions):
            left[left == 0] = n + 1
            i = int(left.argmin())
            if not budget or left[i] > n:
                break
            holders = columns.indices[columns.indptr[i] : columns.indptr[i + 1]]
            for j in holders[heard[holders]][:budget]:
                left[rows.indices[rows.indptr[j] : rows.indptr[j + 1]]] -= 1
                heard[j], budget = False, budget - 1
        heard[np.flatnonzero(heard)[:budget]] = False
        return heard

    @cached_property
    def design(self) -> int | None:
        """The lambda of a block design: any two workers (points) share lambda partitions (blocks), sizes are equal."""
        n, load, replication = self.workers, self.load, self.replication
        if load is None or replication is None or n < 2 or load * (replication - 1) % (n - 1):
            return None
        common = load * (replication - 1) // (n - 1)
        return common if common and _products(self.held, load, common, common) else None

    @cached_property
    def transposed(self) -> Structure:
        """The assignment whose workers are the partitions, and the other way round."""
        return Structure(Segment(sparse.csr_array(self.held.T)))

    @cached_property
    def strongly_regular(self) -> tuple[int, int, int] | None:
        """(delta, lambda, mu) of a strongly regular graph with adjacency matrix A."""
        n, degree = self.workers, self.load
        if degree is None or not self.symmetric or self.held.diagonal().any() or not 0 < degree < n - 1:
            return None
        mine = self.held[[0]].toarray()[0] > 0
        counts = (self.held @ self.held[[0]].toarray()[0])[1:]
        near, far = _common(counts[mine[1:]]), _common(counts[~mine[1:]])
        if near is None or far is None or not _products(self.held, degree, near, far):
            return None
        return degree, near, far

    @cached_property
    def graph(self) -> sparse.csr_array | None:
        """Adjacency matrix of the simple graph whose edges are the workers and whose vertices are the partitions."""
        if self.load != 2 or np.unique(self.held.indices.reshape(-1, 2), axis=0).shape[0] < self.workers:
            return None
        product = sparse.csr_array(self.held.T @ self.held)
        adjacency = sparse.csr_array(product - sparse.diags_array(product.diagonal()))
        adjacency.eliminate_zeros()
        return adjacency

    @cached_property
    def expansion(self) -> float | None:
        """Spectral expansion d - lambda_2 of that graph when it is d-regular; None if it is not or is hard to find."""
        adjacency, degree = self.graph, self.replication
        if adjacency is None or degree is None:
            return None
        second = second_eigenvalue(lambda x: adjacency @ x, self.partitions, float(degree))
        return None if second is None else float(degree) - second

    @cached_property
    def repetition(self) -> tuple[int, int] | None:
        """(workers, partitions) of every group, where the workers of a group hold the same and groups share nothing."""
        if self.load is None or self.replication is None or not self.load:
            return None
        teams = Counter(held_by(self.held))
        disjoint = len(teams) * self.load == self.partitions
        return (self.replication, self.load) if disjoint and set(teams.values()) == {self.replication} else None

    @cached_property
    def shifts(self) -> tuple[int, int] | None:
        """(a, b), a b = k: both cyclic shifts of the a x b grid of partitions permute the workers; None if none do.

        Then some symmetry of the assignment moves every partition to every other: the assignment is row-transitive.
        """
        return grid_shifts(self.held)

    @cached_property
    def transitive(self) -> bool:
        """Whether symmetries move every partition to every other: shifts, those of groups, or any of a small code."""
        return self.shifts is not None or self.repetition is not None or moves_all(self.held)

    @cached_property
    def teams(self) -> list[Ints]:
        """The workers that hold the same, for all that is held."""
        found: dict[bytes, list[int]] = {}
        for j, pattern in enumerate(held_by(self.held)):
            found.setdefault(pattern, []).append(j)
        return [np.array(team) for team in found.values()]

    @cached_property
    def copies(self) -> int | None:
        """How many workers hold each row of a circulant of k different ones; None if the assignment is no such."""
        return circulant_copies(self.held)

    @cached_property
    def balanced(self) -> bool:
        """Whether any two partitions i, i' have d_i d_i' / n workers in common."""
        columns, copies = sparse.csr_array(self.held.T), self.segment.replication
        for rows in _chunks(self.partitions):
            wanted = np.outer(copies[rows], copies) / self.workers
            found = (columns[rows] @ self.held).toarray()
            wanted[np.arange(len(rows)), rows] = copies[rows]
            if np.abs(found - wanted).max() > 1e-9:
                return False
        return True

    @cached_property
    def factors(self) -> tuple[Structure, Structure] | None:
        """Two bi-regular assignments of which A is the Kronecker product, both larger than one entry."""
        n, k = self.workers, self.partitions
        coo = self.held.tocoo()
        row, column = coo.row.astype(np.int64), coo.col.astype(np.int64)
        start = self.held[[0]].indices
        for rows in (a for a in range(1, n + 1) if n % a == 0):
            for columns in (b for b in range(1, k + 1) if k % b == 0):
                inner = (n // rows) * (k // columns)
                mine = np.unique(start // (k // columns)).size * np.unique(start % (k // columns)).size
                if rows * columns == 1 or inner == 1 or mine != start.size:  # a product in its first row already
                    continue
                outside = (row // (n // rows)) * columns + column // (k // columns)
                within = (row % (n // rows)) * (k // columns) + column % (k // columns)
                first, second = np.unique(outside), np.unique(within)
                if first.size * second.size == coo.nnz and min(first.size, second.size) > 1:
                    return _assignment(first, rows, columns), _assignment(second, n // rows, k // columns)
        return None


def structure(code: GradientCode) -> Structure:
    """Return the reading of the first segment of a code, the same one each time.

    Examples
    --------
    >>> code = GradientCode.from_matrix(np.eye(2))
    >>> structure(code) is structure(code)
    True
    """
    segment = code.segments[0]
    if segment not in _KNOWN:
        _KNOWN[segment] = Structure(segment)
    return _KNOWN[segment]


def _assignment(cells: Ints, rows: int, columns: int) -> Structure:
    where = (np.ones(cells.size), (cells // columns, cells % columns))
    return Structure(Segment(sparse.csr_array(where, shape=(rows, columns))))


def _common(values: NDArray[Any]) -> int | None:
    """Return the one value of all; 0 of none."""
    if values.size == 0:
        return 0
    return int(values[0]) if (values == values[0]).all() else None


def _only(values: NDArray[Any]) -> complex | None:
    if values.size == 0 or np.abs(values - values[0]).max() > _SAME * abs(values[0]):
        return None
    return values[0].item()  # type: ignore[no-any-return]


def _chunks(size: int) -> list[Ints]:
    """Split the rows of a square matrix, so that what is not there is found out by looking at a few."""
    step = max(1, _CHUNK // size)
    return [np.arange(a, min(a + step, size)) for a in range(0, size, step)]


def _products(held: sparse.csr_array, alone: int, near: int, far: int) -> bool:
    """Whether A A^T has ``alone`` on its diagonal, ``near`` where A has a one (if not equal) and ``far`` elsewhere."""
    transposed = sparse.csr_array(held.T)
    for rows in _chunks(held.shape[0]):
        found = (held[rows] @ transposed).toarray()
        if near != far:
            found = found - (near - far) * held[rows].toarray()
        found[np.arange(len(rows)), rows] -= alone - far
        if (found != far).any():
            return False
    return True
