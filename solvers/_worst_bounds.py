"""What no set of stragglers exceeds, without a search: spectra of coefficients that are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize_scalar
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from ._eigenvalues import largest_eigenvalue

Array = NDArray[Any]  # float64 or complex128
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Kept:
    r"""Responders keep coefficients a that were chosen beforehand, up to one common factor.

    With x the responders' indicator and D_u = diag(a_u), the error of tau a is |T|^2 - 2 tau u x + tau^2 x^T M x, with
    M = Re sum_u D_u^H Q D_u and u_j = Re sum_u conj(a_uj) <b_j, T_u>. Some workers are heard for certain, s of c others
    straggle: with S the set of them, 1_S = (s / c) 1 + v, v orthogonal to 1, |v|^2 = s (1 - s / c), and v^T M v is at
    most ``spread`` |v|^2, all else is linear in 1_S. Any a and tau give a bound; the best decoding leaves no more.

    Attributes
    ----------
    whole : float
        |T|^2, the error that is left when nothing is heard.
    total, norm : float
        u 1 and 1^T M 1 over all who may be heard.
    gains, sums : array, shape (c,)
        u and M 1 for those who may straggle, the 1 over all who may be heard.
    inner : array, shape (c,)
        M 1 among those who may straggle.
    spread : float
        Largest eigenvalue of their M on the vectors whose entries sum to 0.
    """

    whole: float
    total: float
    norm: float
    gains: Floats
    sums: Floats
    inner: Floats
    spread: float

    @classmethod
    def of(cls, whole: float, solution: Array, gram: Array, seen: Array, free: NDArray[Any] | None = None) -> Kept:
        """From a, Q and <b_j, T_u> (m, c) of all who may be heard; those at the positions ``free`` may straggle."""
        M = np.asarray((np.conj(solution).T @ solution * gram).real)
        gains, sums = np.asarray((np.conj(solution) * seen).sum(axis=0).real), M.sum(axis=1)
        here = slice(None) if free is None else free
        part = M if free is None else M[np.ix_(free, free)]
        total, norm = float(gains.sum()), float(sums.sum())
        return cls(whole, total, norm, gains[here], sums[here], part.sum(axis=1), _spread(part))

    def bound(self, stragglers: int) -> float:
        """Bound on the error without ``stragglers`` of those who may straggle, at most c."""
        s, c = stragglers, len(self.gains)
        share = s / c
        fixed = self.norm - share * share * float(self.inner.sum()) + self.spread * s * (1.0 - share)
        linear = 2.0 * share * self.inner - 2.0 * self.sums

        def error(tau: float) -> float:
            lost = np.sort(2.0 * tau * self.gains + tau * tau * linear)[c - s :].sum()
            return float(self.whole - 2.0 * tau * self.total + tau * tau * fixed + lost)

        return min(self.whole, float(minimize_scalar(error, bracket=(0.5, 1.0)).fun))


def _spread(M: Floats) -> float:
    centred = M - M.mean(axis=0)
    centred -= centred.mean(axis=1)[:, None]
    return max(0.0, largest_eigenvalue(centred.copy, aslinearoperator(centred)))


def kept_by_many(rows: sparse.csr_array, target: Floats) -> Kept:
    """The coefficients of a damped least-squares problem, for workers too many for dense factorisations but one.

    Parameters
    ----------
    rows : csr_array, shape (c, m * q)
        Of length 1.
    target : float, shape (m, m * q)
        T.
    """
    a = shortest_solution(rows, target, damping=0.5)
    c, adjoint = rows.shape[0], sparse.csr_array(rows.conj())

    def times(x: Floats) -> Floats:
        coded = rows.T @ (a * x.ravel()).T
        return np.asarray((a.conj().T * (adjoint @ coded)).sum(axis=1).real)

    def centred(x: Floats) -> Floats:
        y = times(x.ravel() - x.mean())
        return np.asarray(y - y.mean())

    def dense() -> Floats:
        M: Any = (adjoint @ rows.T).toarray()
        M *= a.conj().T @ a
        M = np.ascontiguousarray(M.real)
        M -= M.mean(axis=0)
        M -= M.mean(axis=1)[:, None]
        return np.asarray(M)

    gains = np.asarray((a.conj().T * (adjoint @ target.T)).sum(axis=1).real)
    sums = times(np.ones(c))
    spread = max(0.0, largest_eigenvalue(dense, LinearOperator((c, c), matvec=centred, dtype=np.float64)))
    return Kept(float(target.sum()), float(gains.sum()), float(sums.sum()), gains, sums, sums, spread)


def shortest_solution(
    rows: sparse.csr_array, target: Floats, damping: float = 0.0, tolerance: float = 1e-13, steps: int = 4000
) -> Array:
    """Minimise |rows^T a^T - T^T|^2 + damping |a|^2 by conjugate gradients, shape (m, c).

    It starts at 0 and so tends to the shortest solution; what is left after ``steps`` is as good as it got.
    """
    matrix, adjoint = rows.T.tocsr(), rows.conj()
    found = np.zeros((len(target), rows.shape[0]), dtype=rows.dtype)
    for a, wanted in zip(found, target, strict=True):
        miss = wanted.astype(rows.dtype)
        slope = adjoint @ miss
        way, square = slope.copy(), float(np.vdot(slope, slope).real)
        enough = tolerance**2 * square
        for _ in range(steps):
            if square <= enough:
                break
            image = matrix @ way
            step = square / float(np.vdot(image, image).real + damping * np.vdot(way, way).real)
            a += step * way
            miss -= step * image
            slope = adjoint @ miss - damping * a
            last, square = square, float(np.vdot(slope, slope).real)
            way = slope + (square / last) * way
    return found
