"""Vectors of equal length that form a tight frame on the workers of every partition, by damped Newton steps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve

from .errors import InputError
from .result import Result, Status
from .seeding import RngLike, generator, seed_of

Floats = NDArray[np.float64]

_FOUND = 1e-26  # squared residual per equation
_SHRINK, _GROW = 0.2, 5.0
_MOST_DAMPING = 1e6
_STALLED = 1e-3  # relative progress of the squared residual in so many steps below which a start is given up
_PATIENCE = 20


@dataclass(frozen=True, kw_only=True)
class FramesResult(Result):
    """Outcome of `TightFrames`.

    Attributes
    ----------
    value : float
        Squared residual of all conditions, relative to what vectors of 0 leave.
    vectors : array, shape (n, m)
        Row j is the vector of worker j, of length sqrt(m) where the status is feasible.
    """

    vectors: Floats


@dataclass(frozen=True)
class TightFrames:
    """Find h_j in R^m with ||h_j||^2 = m and sum h_j h_j^T = gamma_i I over the gamma_i workers of every partition.

    These are k m (m + 1) / 2 + n quadratic equations, k of which follow from the others, for n m numbers. Levenberg's
    method from Gaussian starts: it converges quadratically where there are solutions nearby, even many.

    Attributes
    ----------
    starts : int
    steps : int
        Of each start.
    seconds : float or None
        Time limit.

    Raises
    ------
    InputError
        If an option is impossible.

    Examples
    --------
    >>> support = np.array([[1, 0], [1, 0], [1, 1], [0, 1], [0, 1]])
    >>> found = TightFrames().solve(support, 2, rng=0)
    >>> str(found.status), np.allclose(found.vectors[:3].T @ found.vectors[:3], 3 * np.eye(2))
    ('optimal', True)
    """

    starts: int = 10
    steps: int = 200
    seconds: float | None = 60.0

    def __post_init__(self) -> None:
        if not self.starts >= 1 or not self.steps >= 1 or not (self.seconds is None or self.seconds > 0):
            raise InputError(
                f"starts is {self.starts}, steps {self.steps} and seconds {self.seconds}; positive numbers are needed"
            )

    def solve(self, support: Any, count: int, *, rng: RngLike = None) -> FramesResult:
        """Search from every start until one succeeds.

        Parameters
        ----------
        support : sparse array or array, shape (n, k)
            Nonzero where worker j holds partition i.
        count : int
            m.
        rng : None, int, Generator or SeedSequence
            Of the starts.

        Returns
        -------
        FramesResult
            ``optimal`` with a residual of nothing but rounding, else ``limit`` and the best that was met.
        """
        begin, seed = time.perf_counter(), seed_of(rng)
        system = _System(sparse.csr_array(support), count)
        best, least = np.zeros((system.workers, count)), 1.0
        for start in range(self.starts):
            left = np.inf if self.seconds is None else self.seconds - (time.perf_counter() - begin)
            if left <= 0:
                break
            found, value = self._descend(system, generator(seed, start), left)
            if value < least:
                best, least = found, value
            if least <= _FOUND:
                break
        status = Status.OPTIMAL if least <= _FOUND else Status.LIMIT
        gone = time.perf_counter() - begin
        return FramesResult(value=least, bound=0.0, status=status, seconds=gone, seed=seed, vectors=best)

    def _descend(self, system: _System, draws: np.random.Generator, seconds: float) -> tuple[Floats, float]:
        """Return the vectors that one start leads to, and their residual."""
        m, end = system.count, time.perf_counter() + seconds
        h = draws.standard_normal((system.workers, m))
        h *= np.sqrt(m) / np.linalg.norm(h, axis=1, keepdims=True)
        residual, damping = system.residual(h), 1.0
        history = [float(residual @ residual)]
        for _ in range(self.steps):
            if history[-1] <= _FOUND * system.scale or time.perf_counter() > end:
                break
            step = system.step(h, residual, damping * min(1.0, history[-1]))
            other = system.residual(h + step)
            value = float(other @ other)
            if value < history[-1]:
                h, residual, damping = h + step, other, damping * _SHRINK
            elif damping > _MOST_DAMPING:
                break
            else:
                damping *= _GROW
            history.append(min(value, history[-1]))
            if len(history) > _PATIENCE and history[-1] > (1.0 - _STALLED) * history[-_PATIENCE]:
                break
        return h, history[-1] / system.scale


class _System:
    """The equations, with the entries above the diagonal counted twice as in a Frobenius norm."""

    def __init__(self, support: sparse.csr_array, count: int) -> None:
        self.count = count
        self.workers, self.partitions = support.shape
        self._held = sparse.csr_array(support.T)  # partition i: its workers
        self._held.data = np.ones(self._held.nnz)
        self._copies = np.diff(self._held.indptr).astype(np.float64)
        self._first, self._second = np.triu_indices(count)
        self._weight = np.where(self._first == self._second, 1.0, np.sqrt(2.0))
        self.scale = float(count * np.sum(self._copies**2) + self.workers * count**2)

    def residual(self, h: Floats) -> Floats:
        """Return how far every equation is from holding."""
        squares = h[:, self._first] * h[:, self._second] * self._weight
        frames = self._held @ squares
        frames[:, self._first == self._second] -= self._copies[:, None]
        return np.concatenate([frames.ravel(order="F"), np.sum(h**2, axis=1) - self.count])

    def step(self, h: Floats, residual: Floats, damping: float) -> Floats:
        """Return the step of least length that solves the damped linear equations."""
        jacobian = self._jacobian(h)
        gram = np.asarray((jacobian @ jacobian.T).toarray())
        gram[np.diag_indices_from(gram)] += max(damping, 1e-14 * float(gram.diagonal().max()))
        solved = cho_solve(cho_factor(gram, overwrite_a=True, check_finite=False), residual, check_finite=False)
        return np.asarray(-(jacobian.T @ solved).reshape(self.count, self.workers).T)

    def _jacobian(self, h: Floats) -> sparse.csr_array:
        """Return the derivatives, shape (equations, m n), entry u n + j that of coordinate u of vector j."""
        rows = []
        for u, v, weight in zip(self._first, self._second, self._weight, strict=True):
            parts: list[Any] = [None] * self.count
            parts[u] = self._held.multiply(weight * h[:, v])
            parts[v] = self._held.multiply((2.0 if u == v else 1.0) * weight * h[:, u])
            rows.append([self._empty if part is None else part for part in parts])
        rows.append([sparse.diags_array(2.0 * h[:, u]) for u in range(self.count)])
        return sparse.csr_array(sparse.block_array(rows, format="csr"))

    @property
    def _empty(self) -> sparse.csr_array:
        return sparse.csr_array((self.partitions, self.workers))
