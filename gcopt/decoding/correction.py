"""Codes without a structure that helps: one factorisation, then a correction for the workers that are missing.

All workers have the coefficients a0 of least norm among the best. Without the workers in S the best is a = a0 - d with
d_S = a0_S, and d costs d^H Q d, Q = conj(B) B^T for rows of length 1. With N an orthonormal basis of {a : a B = 0} and
W one of {u : N_S^H u = 0},

    d = Q^+_:S W x + N t,    (W^H (Q^+)_SS W) x = W^H a0_S,    N_S t = a0_S - (Q^+)_SS W x  with the least norm of t.

Codes of full row rank have no N and W = I; redundant codes, as long as S can be spared, have W^H a0_S = 0 and x = 0.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.decoding.factors import RANK, Factors, is_dense
from gcopt.decoding.rule import EXACT, Bools, Rule

STEEP = 1e-4
"""Q has the square of the condition of B; a code steeper than this is not solved with it."""

_SETTLED = 1e-11  # of the normal equations, over the length of the target
_FEW = 0.5  # responders per missing worker below which their own rows are the smaller problem


class Correction(Rule):
    """Correct the solution for all workers so that the missing ones get 0; checked, else plain least squares."""

    name: ClassVar[str] = "correction"
    why: ClassVar[str] = (
        "no structure was found; factored once, then a system as large as the missing workers and the redundancy"
    )

    def __init__(self, matrix: sparse.csr_array, blocks: int) -> None:
        super().__init__(matrix, blocks)
        self.factors = Factors(matrix, blocks)

    @classmethod
    def fits(cls, matrix: sparse.csr_array, blocks: int) -> bool:
        """Whether it can be factored."""
        return is_dense(matrix.shape)

    @cached_property
    def exact(self) -> bool:
        """Whether all workers together decode exactly."""
        return self.miss(self._scaled(self.factors.solution)) <= EXACT * self.size

    def decode(self, heard: Bools) -> NDArray[Any]:
        """Return coefficients, shape (n, m)."""
        missing = np.flatnonzero(~heard)
        if not missing.size:
            return self._scaled(self.factors.solution)
        if heard.size - missing.size < _FEW * missing.size:
            return self._plain(heard)
        found = self._without(missing)
        return self._plain(heard) if found is None else self._scaled(found)

    def decodes(self, heard: Bools) -> bool:
        """Whether these workers determine everything."""
        return not self._hopeless(heard) and super().decodes(heard)

    def hopeless(self, left: float) -> bool:
        """Whether missing workers would have to send so much that no rounding decides it; never wrong.

        Coefficients of squared error e differ from the solution by a null vector and a rest of norm at most
        sqrt(e) / (smallest singular value), and ``left`` is at most the part of that rest on the missing workers.
        """
        return bool(left * self.factors.smallest > 2.0 * np.sqrt(EXACT * self.size))

    def _hopeless(self, heard: Bools) -> bool:
        null = self.factors.null
        if not null.shape[1] or not self.exact or heard.all():
            return False
        missing = ~heard
        wanted = self.factors.solution[missing]
        left = wanted - null[missing] @ np.linalg.lstsq(null[missing], wanted, rcond=None)[0]
        return self.hopeless(float(np.linalg.norm(left)))

    def _without(self, missing: NDArray[np.intp]) -> NDArray[Any] | None:
        """Return coefficients of the unit rows, or None where they do not stand the test."""
        solution, null = self.factors.solution, self.factors.null
        found: NDArray[Any] | None = None
        if null.shape[1]:
            found = self._spared(missing)
        if found is None:
            found = self._corrected(missing)
        if found is None:
            return None
        lost = np.abs(found[missing]).max()
        if not lost <= 1e-9 * max(1.0, np.abs(solution).max()):
            return None
        found[missing] = 0.0
        return found if self._is_best(found, missing) else None

    def _spared(self, missing: NDArray[np.intp]) -> NDArray[Any] | None:
        """Return the correction by null vectors alone; None where that is not all."""
        solution, null = self.factors.solution, self.factors.null
        rows, wanted = null[missing], solution[missing]
        step, _, _, values = np.linalg.lstsq(rows, wanted, rcond=None)
        if values[-1] < RANK:  # parts of orthonormal columns, so that nothing is to be compared with the largest value
            return None
        left = np.abs(wanted - rows @ step).max()
        return solution - null @ step if left <= 1e-9 * max(1.0, np.abs(solution).max()) else None

    def _corrected(self, missing: NDArray[np.intp]) -> NDArray[Any] | None:
        """Return the whole correction; None where a system is singular."""
        solution, null = self.factors.solution, self.factors.null
        wanted = solution[missing]
        if not null.shape[1]:
            forced = self._forced(missing, None, wanted)
            return None if forced is None else solution - forced
        left, values, right = np.linalg.svd(null[missing])
        rank = int((values > RANK).sum())
        rest = left[:, rank:]
        forced = self._forced(missing, rest, rest.conj().T @ wanted)
        if forced is None:
            return None
        spare = left[:, :rank].conj().T @ (wanted - forced[missing])
        return np.asarray(solution - forced - null @ (right[:rank].conj().T @ (spare / values[:rank, None])))

    def _forced(
        self, missing: NDArray[np.intp], rest: NDArray[Any] | None, wanted: NDArray[Any]
    ) -> NDArray[Any] | None:
        """Return Q^+_:S W x with (W^H (Q^+)_SS W) x = ``wanted``, W = ``rest`` or the identity; None if singular.

        Steep codes go by the root K of Q^+: with K_:S W = U R that is K^H U R^-H ``wanted``.
        """
        if self.factors.steepness > STEEP:
            inverse = self.factors.inverse
            reach, within = inverse[:, missing], inverse[np.ix_(missing, missing)]
            if rest is not None:
                reach, within = reach @ rest, rest.conj().T @ within @ rest
            try:
                return np.asarray(reach @ np.linalg.solve(within, wanted))
            except np.linalg.LinAlgError:
                return None
        root = self.factors.root
        basis, corner = np.linalg.qr(root[:, missing] if rest is None else root[:, missing] @ rest)
        sizes = np.abs(np.diagonal(corner))
        if corner.shape[0] < corner.shape[1] or not sizes.min(initial=np.inf) > RANK * sizes.max(initial=0.0):
            return None
        return np.asarray(root.conj().T @ (basis @ np.linalg.solve(corner.conj().T, wanted)))

    def _is_best(self, found: NDArray[Any], missing: NDArray[np.intp]) -> bool:
        """Whether unit-row coefficients decode exactly or solve the normal equations of the responders."""
        miss = self.transposed @ self._scaled(found) - self.target
        if float(np.sum(np.abs(miss) ** 2)) <= EXACT * self.size:
            return True
        slope = np.conj(self.matrix @ np.conj(miss)) / self.factors.norms[:, None]
        slope[missing] = 0.0
        return bool(np.linalg.norm(slope) <= _SETTLED * np.sqrt(self.size))

    def _scaled(self, found: NDArray[Any]) -> NDArray[Any]:
        """Return coefficients of the rows from those of the unit rows."""
        return np.asarray(found / self.factors.norms[:, None])

    def _plain(self, heard: Bools) -> NDArray[Any]:
        found = np.zeros((heard.size, self.blocks), dtype=self.matrix.dtype)
        if heard.any():
            rows = self.factors.unit[heard].T
            found[heard] = np.linalg.lstsq(rows, self.target.astype(found.dtype), rcond=RANK)[0]
        return self._scaled(found)
