"""How much copies of partitions help against noise: everything goes through how many workers two partitions share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gcopt.checks import check_finite
from gcopt.code import GradientCode
from gcopt.convergence._summing import chances_of
from gcopt.errors import InputError

Floats = NDArray[np.float64]

_EQUAL = 1e-9


@dataclass(frozen=True, eq=False)
class Redundancy:
    """Who holds what, as far as it counts for the variance.

    Attributes
    ----------
    shared : array, shape (k, k)
        lambda: workers that hold both partitions; on the diagonal their copies d.
    workers : int
        n.
    """

    shared: Floats
    workers: int

    @property
    def copies(self) -> Floats:
        """d of every partition, shape (k,)."""
        return np.asarray(np.diag(self.shared))

    @property
    def balanced(self) -> bool:
        """Whether any two partitions share d_i d_l / n workers, as if copies were thrown independently."""
        off = self.shared - np.outer(self.copies, self.copies) / self.workers
        return bool(np.abs(off - np.diag(np.diag(off))).max(initial=0.0) <= _EQUAL)

    @property
    def common(self) -> float | None:
        """lambda where any two partitions share as many workers, else None; 0 of one partition."""
        off = self.shared[~np.eye(len(self.shared), dtype=bool)]
        if off.size == 0:
            return 0.0
        return float(off[0]) if np.ptp(off) == 0 else None

    @property
    def even(self) -> float | None:
        """d where all partitions have the same number of copies, else None."""
        return float(self.copies[0]) if np.ptp(self.copies) == 0 else None

    def message_squares(self, gradients: ArrayLike, probability: float) -> float:
        """Return sum_j |y_j|^2 of messages y_j = sum g_i / (d_i (1 - p)), from lambda alone.

        ``(1 - p)^-2 sum_il lambda_il / (d_i d_l) <g_i, g_l>``.

        Raises
        ------
        InputError
            If the shape or a number is impossible, or a partition is on no worker.

        Examples
        --------
        >>> import gcopt
        >>> found = redundancy(gcopt.families.one_bit(4, 0.25, 2, allocation="cyclic"))
        >>> found.message_squares([[1, 2], [-3, 1], [2, -1], [0.5, 4]], 0.25)
        30.0
        """
        g, heard = self._checked(gradients, probability)
        scaled = self.shared / np.outer(self.copies, self.copies)
        return float(np.sum(scaled * (g @ g.T))) / heard**2

    def balanced_squares(self, gradients: ArrayLike, probability: float) -> float:
        """Return the same for balanced allocations: (1 - p)^-2 [|sum g|^2 / n + sum (1 / d_i - 1 / n) |g_i|^2].

        Raises
        ------
        InputError
            If the allocation is not balanced, or as for `message_squares`.
        """
        g, heard = self._checked(gradients, probability)
        if not self.balanced:
            raise InputError("partitions share workers unevenly; any two must share d_i d_l / n of them")
        own = (1.0 / self.copies - 1.0 / self.workers) @ np.sum(g**2, axis=1)
        return float(np.sum(g.sum(axis=0) ** 2) / self.workers + own) / heard**2

    def design_squares(self, gradients: ArrayLike, probability: float) -> float:
        """Return the same where all d and all lambda are alike: [lambda |sum g|^2 + (d - lambda) sum |g_i|^2] / d^2.

        Over (1 - p)^2, as the others.

        Raises
        ------
        InputError
            If they are not alike, or as for `message_squares`.
        """
        g, heard = self._checked(gradients, probability)
        d, common = self.even, self.common
        if d is None or common is None:
            raise InputError("partitions differ in copies, or two of them in shared workers; all alike are needed")
        both = common * np.sum(g.sum(axis=0) ** 2) + (d - common) * np.sum(g**2)
        return float(both) / (d * heard) ** 2

    def _checked(self, gradients: ArrayLike, probability: float) -> tuple[Floats, float]:
        """Return gradients, shape (k, D), and 1 - p."""
        g, k = np.asarray(gradients, dtype=np.float64), len(self.shared)
        if g.ndim != 2 or len(g) != k or not np.isfinite(g).all():
            raise InputError(f"gradients has shape {g.shape}; ({k}, D) finite numbers are expected")
        if (lost := int(np.sum(self.copies == 0))) > 0:
            raise InputError(f"{lost} partitions are on no worker; every one needs a worker")
        return g, 1.0 - float(chances_of([probability], 1)[0])


def redundancy(code: GradientCode) -> Redundancy:
    """Return how many workers any two partitions of a code share.

    Examples
    --------
    >>> import gcopt
    >>> found = redundancy(gcopt.families.one_bit(8, 0.25, allocation="hadamard"))
    >>> found.even, found.balanced, sorted(set(found.shared.ravel().tolist()))
    (4.0, True, [2.0, 4.0])
    """
    held = code.support.astype(np.float64)
    return Redundancy(np.asarray((held.T @ held).toarray()), code.workers)


def kappa(probability: Any, variance: float) -> float:
    """Return (w + p) / (1 - p): the variance over sum_j (1 - p)^2 |y_j|^2 where C has the relative variance w.

    Examples
    --------
    >>> kappa(0.5, 0.0), kappa(0.5, 9.0)
    (1.0, 19.0)
    """
    p = float(chances_of([probability], 1)[0])
    return (check_finite("variance", variance, 0.0) + p) / (1.0 - p)
