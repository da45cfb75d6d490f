"""What randomly scattered assignments share: drawing subsets, no partition without a worker, the one-step weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.code import Claim, GradientCode, Segment
from gcopt.families._approximate import fixed_claims

Floats = NDArray[np.float64]


def subsets(rng: np.random.Generator, sizes: Sequence[int] | NDArray[np.int64], total: int) -> sparse.csr_array:
    """Return one uniformly random subset of 0..total - 1 of each size, as rows of a 0/1 matrix.

    Examples
    --------
    >>> subsets(np.random.default_rng(0), [2, 0, 3], 3).sum(axis=1).tolist()
    [2.0, 0.0, 3.0]
    """
    rows = [rng.choice(total, size, replace=False, shuffle=False) for size in sizes]
    edges = np.concatenate([[0], np.cumsum(sizes)])
    indices = np.concatenate(rows)
    matrix = sparse.csr_array((np.ones(indices.size), indices, edges), shape=(len(rows), total))
    matrix.sort_indices()
    return matrix


def refilled(held: sparse.csr_array, chances: Callable[[int], Floats], rng: np.random.Generator) -> sparse.csr_array:
    """Draw the holders of partitions without a worker again, independently, until there is one.

    Parameters
    ----------
    held : csr_array, shape (n, k)
    chances : callable
        The probability of each worker, shape (n,), to hold a given partition; not all 0.
    rng : Generator

    Examples
    --------
    >>> held = sparse.csr_array(np.array([[1.0, 0.0], [1.0, 0.0]]))
    >>> refilled(held, lambda i: np.array([0.0, 0.5]), np.random.default_rng(0)).toarray().tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    n, k = held.shape
    rows, columns = [], []
    for i in np.flatnonzero(np.bincount(held.indices, minlength=k) == 0):
        chance = chances(int(i))
        first = chance * np.concatenate([[1.0], np.cumprod(1.0 - chance)[:-1]])  # to be the first holder
        at = rng.choice(n, p=first / first.sum())
        mine = np.concatenate([[at], at + 1 + np.flatnonzero(rng.random(n - at - 1) < chance[at + 1 :])])
        rows.append(mine)
        columns.append(np.full(mine.size, i))
    if not rows:
        return held
    more = (np.ones(sum(map(len, rows))), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csr_array(held + sparse.csr_array(more, shape=(n, k)))


def one_step(weight: float, mean: float, variance: float, empty: float) -> float:
    """Return an upper bound on E (weight X - 1)^2, X the responders that hold a partition, and 0 with chance ``empty``.

    Either as it is, or given that the partition has a worker at all, whichever is larger: the second is what is left
    when partitions without a worker are drawn again, and it is smaller unless the weighted count is off by more than 1.

    Examples
    --------
    >>> round(20 * one_step(1 / (14 * 0.2), 14 * 0.2, 14 * 0.2 * 0.8, 0.8**20), 6)
    5.714286
    """
    value = weight**2 * variance + (weight * mean - 1.0) ** 2
    return max(value, (value - empty) / (1.0 - empty))


def scattered_code(
    held: sparse.csr_array, load: float, stragglers: int, average: Claim, decoder: str, probability: float | None
) -> GradientCode:
    """Return the code in which every partition counts k / (n load) everywhere, so that n / responders is one-step.

    Parameters
    ----------
    held : csr_array, shape (n, k)
    load : float
        Expected number of partitions on a worker.
    stragglers : int
    average : Claim
        What holds on average over the draws.
    decoder : str
    probability : float or None
        q of the ``sum`` decoder, whose entries are divided by 1 - q.
    """
    n, k = held.shape
    matrix = held.copy()
    matrix.data = np.full(held.nnz, k / (n * load * (1.0 - (probability or 0.0))))
    segment = Segment(matrix, stragglers=stragglers, decoder=decoder, approximate=True)
    known = [claim for claim in fixed_claims(segment, probability) if claim.kind == "mean"]
    claims = [
        Claim("load", float(segment.load.max()), "the draw"),
        Claim("replication", float(segment.replication.min()), "the draw; partitions without a worker are drawn again"),
        average,
        *known,
    ]
    return GradientCode((segment,), claims=tuple(claims))
