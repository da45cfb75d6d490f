"""What no set of stragglers exceeds, without a search: spectra, and codes whose sets of one size are all alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from ._eigenvalues import largest_eigenvalue

Array = NDArray[Any]  # float64 or complex128
Floats = NDArray[np.float64]

ALIKE = 1e-10  # entries of the Gram matrix of rows of length 1 that are as near as that count as equal
CHUNK = 512  # rows of the Gram matrix that are looked at together


@dataclass(frozen=True, eq=False)
class FixedDecoding:
    r"""The responders keep the coefficients that are best when all answer, up to one common factor.

    With x the responders' indicator and D_u = diag(a_u), the error of rho a on them is rho^2 x^T M x - 2 rho u x + |T|^2,
    M = Re sum_u D_u^H Q D_u and u_j = Re sum_u conj(a_uj) <b_j, T_u>; the best rho leaves |T|^2 - (u x)^2 / (x^T M x),
    and the best decoding leaves no more. It works for any a; the shortest least-squares one is meant.

    Attributes
    ----------
    rows : csr_array, shape (c, m * q)
        Workers' rows.
    target : float, shape (m, m * q)
        T.
    solution : shape (m, c)
        a.
    """

    rows: sparse.csr_array
    target: Floats
    solution: Array

    @property
    def size(self) -> int:
        """Number of workers c."""
        return int(self.rows.shape[0])

    def times(self, x: Floats) -> Floats:
        """M x."""
        coded = self.rows.T @ (self.solution * x.ravel()).T
        return np.asarray((self.solution.conj().T * (self.rows.conj() @ coded)).sum(axis=1).real)

    @cached_property
    def gains(self) -> Floats:
        """The vector u, shape (c,)."""
        return np.asarray((self.solution.conj().T * (self.rows.conj() @ self.target.T)).sum(axis=1).real)

    @cached_property
    def row_sums(self) -> Floats:
        """M 1, shape (c,); equal to u but for rounding where a is a least-squares solution."""
        return self.times(np.ones(self.size))

    @cached_property
    def spread(self) -> float:
        """Largest eigenvalue of M on the vectors whose entries sum to 0."""
        c = self.size

        def centred(x: Floats) -> Floats:
            y = self.times(x.ravel() - x.mean())
            return y - y.mean()

        return max(0.0, largest_eigenvalue(self._dense, LinearOperator((c, c), matvec=centred, dtype=np.float64)))

    def _dense(self) -> Floats:
        """M between two projections on the vectors whose entries sum to 0."""
        gram: Any = self.rows.conj() @ self.rows.T
        M = gram.toarray()
        M *= self.solution.conj().T @ self.solution
        M = np.ascontiguousarray(M.real)
        M -= M.mean(axis=0)
        M -= M.mean(axis=1)[:, None]
        return M

    def bound(self, stragglers: int) -> float:
        """Bound on the error without any ``stragglers`` workers, see `least_heard`."""
        s, c, whole = stragglers, self.size, float(self.target.sum())
        share = s / c
        total, g = float(self.gains.sum()), float(self.row_sums.sum())
        apart = _largest(self.gains - self.row_sums, s)  # rounding, or a that is not quite the best
        rest = g + self.spread * s * (1.0 - share) - share * share * g + 2.0 * (1.0 - share) * apart
        return whole - least_heard(total, rest, 1.0 - share, _least(self.gains, s), _largest(self.gains, s))


def least_heard(total: float, rest: float, share: float, low: float, high: float) -> float:
    """Least (total - y)^2 / (rest - 2 share y) over low <= y <= high, with 0 where the denominator may be 0.

    That is (u x)^2 / (x^T M x) when y = u 1_S is what the set S of stragglers takes away: write 1_S = (s / c) 1 + v with
    v orthogonal to 1 and |v|^2 = s (1 - s / c); then v^T M v is at most ``spread`` |v|^2, and all else is linear in y.
    """
    worst = high if share <= 0.0 else min(max(rest / share - total, low), high)
    below, heard = rest - 2.0 * share * worst, max(0.0, total - worst)
    return heard * heard / below if below > 0.0 else 0.0


def _largest(values: Floats, count: int) -> float:
    return float(np.sort(values)[len(values) - count :].sum())


def _least(values: Floats, count: int) -> float:
    return float(np.sort(values)[:count].sum())


def rise_bound(M: Floats, gains: Floats, heard: float, stragglers: int) -> float:
    """Bound on what the loss of ``stragglers`` among some workers adds to the error.

    Parameters
    ----------
    M : array, shape (c, c)
        Of `FixedDecoding`, for the workers that may be lost.
    gains : array, shape (c,)
        Their u.
    heard : float
        |T|^2 less the error now, the sum of u over all workers.
    stragglers : int
        At most c.
    """
    s, c = stragglers, len(M)
    share, sums = s / c, M.sum(axis=1)
    centred = M - sums / c
    centred -= centred.mean(axis=1)[:, None]
    spread = max(0.0, largest_eigenvalue(centred.copy, aslinearoperator(centred)))
    apart = _largest(sums - gains, s)  # those who are never lost hold a part of the gains
    rest = heard - share * share * float(sums.sum()) + spread * s * (1.0 - share) + 2.0 * share * apart
    return heard - least_heard(heard, rest, 1.0 - share, _least(gains, s), _largest(gains, s))


def shortest_solution(rows: sparse.csr_array, target: Floats, tolerance: float = 1e-13, steps: int = 1000) -> Array:
    """Least-squares solution a of rows^T a^T = T^T by conjugate gradients on the normal equations, shape (m, c).

    It starts at 0 and so tends to the shortest one; what is left after ``steps`` is as good as it got.
    """
    matrix, adjoint = rows.T.tocsr(), rows.conj()
    found = np.zeros((len(target), rows.shape[0]), dtype=rows.dtype)
    for block, wanted in enumerate(target):
        miss = wanted.astype(rows.dtype)
        slope = adjoint @ miss
        way, square = slope.copy(), float(np.vdot(slope, slope).real)
        enough = tolerance**2 * square
        for _ in range(steps):
            if square <= enough:
                break
            image = matrix @ way
            step = square / float(np.vdot(image, image).real)
            found[block] += step * way
            miss -= step * image
            slope = adjoint @ miss
            last, square = square, float(np.vdot(slope, slope).real)
            way = slope + (square / last) * way
    return found


def all_sets_are_alike(rows: sparse.csr_array, target: Floats) -> bool:
    """Whether the error depends on the number of stragglers only, as with balanced block designs.

    The error without S is |T|^2 - tr(Q_FF^+ V_FF), Q = C^H C and V = C^H T^H T C. When both have one number on the
    diagonal and one elsewhere, so have their parts, and renaming workers turns any F into any other of its size.
    """
    c = rows.shape[0]
    if c < 2 or (np.diff(rows.indptr) == 0).any():
        return False
    turned = _turned(rows, target)
    seen = turned @ target.T
    first_gram, first_seen = (turned[[0]] @ turned.conj().T).toarray()[0], (seen[:1] @ seen.conj().T)[0]
    scale = max(1.0, float(abs(first_seen[0])))
    for start in range(0, c, CHUNK):
        part = slice(start, min(start + CHUNK, c))
        gram, shares = (turned[part] @ turned.conj().T).toarray(), seen[part] @ seen.conj().T
        diagonal = np.arange(part.stop - start), np.arange(start, part.stop)
        for block, one, near in ((gram, first_gram, ALIKE), (shares, first_seen, ALIKE * scale)):
            if np.abs(block[diagonal] - one[0]).max() > near:
                return False
            block[diagonal] = one[1]
            if np.abs(block - one[1]).max() > near:
                return False
    return True


def _turned(rows: sparse.csr_array, target: Floats) -> sparse.csr_array:
    """The rows times numbers of modulus 1 that make their sums positive: no set's error changes."""
    if len(target) > 1:
        return rows
    sums = np.asarray(rows.sum(axis=1)).ravel()
    small = np.abs(sums) < ALIKE
    turn = np.where(small, 1.0, np.conj(sums) / np.where(small, 1.0, np.abs(sums)))
    return sparse.csr_array(sparse.diags_array(turn) @ rows)
