"""Smallest spectral norm over an affine set of matrices: Douglas-Rachford splitting, with a proof at every stage."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

ROUNDING = 1e-12  # norms below are 0: that of the equal split is at most 1
EVERY = 25  # steps between two looks at how far value and bound are apart
RADIUS = 10.0  # of the ball of nuclear norms, in spectral norms of the start: what is quick on small and large codes


class Marginals:
    """Orthogonal projection onto the matrices q_i mu_j + nu_i on a support: what fixed sums cannot tell apart from 0.

    Parameters
    ----------
    support : array of bool, shape (n, k)
        Every row and column has an entry.
    scale : array, shape (n,)
        q, positive.
    """

    def __init__(self, support: Bools, scale: Floats) -> None:
        n, k = support.shape
        _, first = np.unique(components(support)[0], return_index=True)  # (mu, nu) + c (1, -q) gives the same matrix
        self._free = np.delete(np.arange(n + k), k + first)
        sums = np.concatenate([scale**2 @ support, support.sum(axis=1)])
        system: Any = _links(support * scale[:, None], k) + sparse.diags_array(sums)
        self._factors = splu(sparse.csc_array(system.tocsr()[self._free][:, self._free]))
        self.support, self._scale = support, scale

    def fit(self, matrix: Floats) -> Floats:
        """Return the one with the same sums; of a matrix that is 0 elsewhere, the nearest one."""
        return self.of(self._scale @ matrix, matrix.sum(axis=1))

    def of(self, columns: Floats, rows: Floats) -> Floats:
        """Return the one, shape (n, k), whose sums q^T C and C 1 are these; no C on the support has a smaller norm."""
        k, sums = columns.size, np.concatenate([columns, rows])
        found = np.zeros(sums.size)
        found[self._free] = self._factors.solve(sums[self._free])
        return np.where(self.support, self._scale[:, None] * found[:k] + found[k:, None], 0.0)


@dataclass(frozen=True)
class Splitting:
    """The matrices C = R^-1/2 W - R^1/2 1 1^T / k of weights W with given support, row sums R 1, and column sums 1.

    Attributes
    ----------
    start : array, shape (n, k)
        Some such W, positive on the support and 0 elsewhere.
    nonnegative : bool
        Whether no entry of W may be negative.
    """

    start: Floats
    nonnegative: bool

    def minimise(self, gap: float, iterations: int, deadline: float) -> tuple[Floats, float, int]:
        """Return W of small norm, a bound below that of all, and the steps until they are near or a limit is reached.

        Two copies of C, one for the norm and one for the signs, are drawn to the affine set. What is left of the first
        has nuclear norm at most 1; made orthogonal to all changes of C that are allowed, it bounds every norm below.
        """
        support = self.start > 0.0
        scale = np.sqrt(self.start.sum(axis=1))
        low = np.repeat(-scale[:, None] / self.start.shape[1], self.start.shape[1], axis=1)
        first = self.start / scale[:, None] + low
        best, value, bound, step = first, _norm(first), 0.0, 0
        if value < ROUNDING or iterations == 0 or perf_counter() >= deadline:
            return self.start, 0.0, 0
        marginals, radius = Marginals(support, scale), RADIUS * value
        copies = [first] * (2 if self.nonnegative else 1)
        over = False
        while not over:
            step += 1
            near = [_shrunk(copies[0], radius), *(np.maximum(copy, low) for copy in copies[1:])]
            middle = sum(2.0 * x - z for x, z in zip(near, copies, strict=True)) / len(copies)
            middle = np.where(support, middle, low)
            middle -= marginals.fit(middle)
            over = step == iterations or perf_counter() >= deadline
            if over or step % EVERY == 0:
                inside = _mixed(middle, first, low) if self.nonnegative else middle
                if (found := _norm(inside)) < value:
                    best, value = inside, found
                left = [(z - x) / radius for z, x in zip(copies, near, strict=True)]
                bound = max(bound, _least(left, first, low, marginals))
                over = over or value**2 - bound**2 <= gap * value**2
            copies = [z + middle - x for z, x in zip(copies, near, strict=True)]
        weights = np.where(support, scale[:, None] * (best - low), 0.0)
        return np.maximum(weights, 0.0) if self.nonnegative else weights, bound, step


def _least(left: list[Floats], first: Floats, low: Floats, marginals: Marginals) -> float:
    """Return a bound below all norms, from what is left of each copy: Z, and of that for the signs what is negative.

    Z is replaced by what has the same product with all C, plus something positive times C - low, which is not negative.
    """
    support = marginals.support
    slack = np.where(support, -left[1], 0.0) if len(left) > 1 else np.zeros_like(low)
    dual = np.where(support, marginals.fit(np.where(support, left[0] - slack, 0.0)), left[0])
    nuclear = float(np.linalg.svd(dual + slack, compute_uv=False).sum())
    return float((dual * first).sum() + (slack * low).sum()) / nuclear


def components(support: Bools) -> tuple[Ints, Ints]:
    """Return the connected component of every worker, shape (n,), and of every partition, shape (k,).

    Examples
    --------
    >>> [part.tolist() for part in components(np.array([[True, False], [False, True], [False, True]]))]
    [[0, 1, 1], [0, 1]]
    """
    k = support.shape[1]
    _, found = connected_components(_links(support, k), directed=False)
    return found[k:].astype(np.int64), found[:k].astype(np.int64)


def _links(matrix: Any, k: int) -> Any:
    """Return the symmetric matrix [[0, M^T], [M, 0]], sparse."""
    rows, columns = np.nonzero(matrix)
    size = k + len(matrix)
    half = sparse.coo_array((matrix[rows, columns].astype(np.float64), (rows + k, columns)), shape=(size, size))
    return sparse.csr_array(half + half.T)


def spectral_norm(weights: Floats) -> float:
    """Return the largest singular value of R^-1/2 W - R^1/2 1 1^T / k, R the row sums of W; 0 if it is but rounding.

    Empty rows do not count.

    Examples
    --------
    >>> spectral_norm(np.full((3, 3), 1 / 3)), round(spectral_norm(np.eye(3)), 9)
    (0.0, 1.0)
    """
    used = weights[np.any(weights, axis=1)]
    scale = np.sqrt(used.sum(axis=1))[:, None]
    found = _norm(used / scale - scale / used.shape[1])
    return found if found >= ROUNDING else 0.0


def _norm(matrix: Floats) -> float:
    return float(np.linalg.svd(matrix, compute_uv=False)[0])


def _shrunk(matrix: Floats, radius: float) -> Floats:
    """Return the matrix minus the nearest one of nuclear norm at most ``radius``."""
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    if values.sum() <= radius:
        return np.zeros_like(matrix)
    excess = (np.cumsum(values) - radius) / np.arange(1, values.size + 1)
    threshold = excess[np.flatnonzero(values > excess)[-1]]
    return np.asarray((left * np.minimum(values, threshold)) @ right)


def _mixed(matrix: Floats, inside: Floats, low: Any) -> Floats:
    """Return the point nearest to ``matrix``, on the line to ``inside``, with no entry below ``low``."""
    below = matrix < low
    if not below.any():
        return matrix
    share = float(((low - matrix)[below] / (inside - matrix)[below]).max())
    return (1.0 - share) * matrix + share * inside
