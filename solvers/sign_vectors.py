"""Vectors of +-1 that are orthogonal on the workers of every partition: a 0/1 program for each after the first."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .errors import InputError
from .result import Result, Status
from .seeding import RngLike, generator, seed_of

Floats = NDArray[np.float64]

_GAP = 1e12  # any feasible point will do


@dataclass(frozen=True, kw_only=True)
class SignVectorsResult(Result):
    """Outcome of `SignVectors`.

    Attributes
    ----------
    value : float
        How many vectors were found.
    vectors : array, shape (n, m)
        The columns that were found, entries +-1; fewer than asked for unless the status is optimal.
    reason : str
        Why there are fewer.
    """

    vectors: Floats
    reason: str = ""


@dataclass(frozen=True)
class SignVectors:
    """Find v_1 = 1, v_2, .., v_m of +-1 with sum over the workers j of a partition v_t[j] v_u[j] = 0 for t != u.

    The first may be 1 everywhere, for otherwise every v_t may be multiplied by it. Each further one is a feasible point
    of a 0/1 program (HiGHS) with a random objective; when there is none for a third or later one, all begins anew. Two
    do not exist where a partition has an odd number of workers, nor three or more unless that is a multiple of 4.
    Source: Munim & Ramamoorthy 2026, Algorithm 1 (variant with +-1).

    Attributes
    ----------
    seconds : float
        Time limit.
    starts : int
        How often to begin anew.

    Raises
    ------
    InputError
        If an option is impossible.

    Examples
    --------
    >>> support = np.array([[1, 0], [1, 0], [0, 1], [0, 1]])
    >>> found = SignVectors().solve(support, 2, rng=0).vectors
    >>> found[:, 0].tolist(), (support.T @ found[:, 1]).tolist()
    ([1.0, 1.0, 1.0, 1.0], [0.0, 0.0])
    """

    seconds: float = 60.0
    starts: int = 20

    def __post_init__(self) -> None:
        if not self.seconds > 0 or not self.starts >= 1:
            raise InputError(f"seconds is {self.seconds} and starts {self.starts}; positive numbers are needed")

    def solve(self, support: Any, count: int, *, rng: RngLike = None) -> SignVectorsResult:
        """Find so many vectors.

        Parameters
        ----------
        support : sparse array or array, shape (n, k)
            Nonzero where worker j holds partition i.
        count : int
            m.
        rng : None, int, Generator or SeedSequence
            Of the objectives.

        Returns
        -------
        SignVectorsResult
            ``infeasible`` where it is proved that there are none; ``limit`` where time or starts ran out.
        """
        begin, seed = time.perf_counter(), seed_of(rng)
        held = sparse.csr_array(support)
        held = sparse.csr_array((np.ones(held.nnz), held.indices, held.indptr), shape=held.shape)

        def result(vectors: list[Floats], status: Status, reason: str = "") -> SignVectorsResult:
            found, gone = np.stack(vectors, axis=1), time.perf_counter() - begin
            value = float(len(vectors))
            return SignVectorsResult(
                value=value, bound=float(count), status=status, seconds=gone, seed=seed, vectors=found, reason=reason
            )

        first = [np.ones(held.shape[0])]
        if reason := _odd(held, count):
            return result(first, Status.INFEASIBLE, reason)
        best = first
        for start in range(self.starts):
            vectors, draws = list(first), generator(seed, start)
            while len(vectors) < count:
                left = self.seconds - (time.perf_counter() - begin)
                found, proved = _next(held, vectors, draws, left) if left > 0 else (None, False)
                if found is None:
                    break
                vectors.append(found)
            best = max(best, vectors, key=len)
            if len(best) == count:
                return result(best, Status.OPTIMAL)
            if proved and len(vectors) == 1:
                return result(best, Status.INFEASIBLE, "the 0/1 program for the second vector has no solution")
            if time.perf_counter() - begin >= self.seconds:
                break
        return result(best, Status.LIMIT, f"none found in {time.perf_counter() - begin:.3g} s and {start + 1} starts")


def _odd(held: sparse.csr_array, count: int) -> str:
    """Return why counting already excludes so many vectors, or nothing."""
    divisor = 1 if count < 2 else 2 if count == 2 else 4
    copies = np.asarray(held.sum(axis=0)).astype(np.int64)
    wrong = np.flatnonzero(copies % divisor)
    if not wrong.size:
        return ""
    return f"partition {wrong[0]} is on {copies[wrong[0]]} workers, no multiple of {divisor}"


def _next(
    held: sparse.csr_array, vectors: list[Floats], draws: np.random.Generator, seconds: float
) -> tuple[Floats | None, bool]:
    """Return one more vector, or None and whether that is proved: x in {0, 1} for v = 2 x - 1, and x_0 = 1."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    n = held.shape[0]
    rows = sparse.vstack([sparse.csr_array(held.multiply(v[:, None]).T) for v in vectors], format="csr")
    half = np.asarray(rows.sum(axis=1)) / 2.0
    low = np.zeros(n)
    low[0] = 1.0
    found = milp(
        draws.standard_normal(n),
        integrality=np.ones(n, dtype=np.int64),
        bounds=Bounds(low, np.ones(n)),
        constraints=LinearConstraint(rows, half, half),
        options={"time_limit": seconds, "mip_rel_gap": _GAP},
    )
    if found.x is None:
        return None, found.status == 2
    return np.asarray(2.0 * np.round(found.x) - 1.0), False
