"""Codes that draw the factors of their blocks again in every iteration: what holds on average over the draws.

Construction I of Munim & Ramamoorthy: row j of the encoding matrix is h_j (x) a_j with all entries of h_j uniform on
[1 - eps, 1 + eps] and its negative. Everything is said of every set of responders, so of the worst as of the mean.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from gcopt.bounds.bound import Formula, bound
from gcopt.bounds.case import Case
from gcopt.bounds.counting import MUNIM
from gcopt.bounds.hypotheses import (
    block_design,
    cosets,
    equal_loads,
    few_sets,
    redrawn,
    redrawn_signs,
    regular_assignment,
    strongly_regular,
)
from gcopt.bounds.quantities import MEAN_OF_DRAWS, WORST_OF_DRAWS

_OPTIMAL = ("least-squares",)
_BATCH = 20_000_000

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def boost(epsilon: float) -> float:
    """Return c = E[X^2] E[1 / X^2] of a factor X.

    Examples
    --------
    >>> round(boost(0.1), 7), boost(0.0)
    (1.013468, 1.0)
    """
    return (1.0 + epsilon**2 / 3.0) / (1.0 - epsilon**2)


def lemma_one(held: Floats, blocks: int, epsilon: float, heard: Bools) -> Floats:
    """Return m k - m 1^T A_F K^-1 A_F^T 1, K = Delta_F + c (m - 1) diag(Delta_F), for sets F of responders.

    Munim & Ramamoorthy 2026, Lemma 1, equation (8): at least the error of each set, on average over the draws.

    Parameters
    ----------
    held : array, shape (n, k)
        The combinations a_j of the workers.
    blocks : int
        m > 1, or rows that are independent.
    epsilon : float
    heard : array of bool, shape (sets, n)

    Examples
    --------
    >>> round(float(lemma_one(np.ones((3, 3)) - np.eye(3), 2, 0.0, np.ones((1, 3), bool))[0]), 9)
    1.2
    """
    overlap, sums = held @ held.T, held.sum(axis=1)
    overlap = overlap + boost(epsilon) * (blocks - 1) * np.diag(np.diag(overlap))
    step, found = max(1, _BATCH // len(held) ** 2), []
    for start in range(0, len(heard), step):
        some = heard[start : start + step]
        matrices = np.where(some[:, :, None] & some[:, None, :], overlap, np.eye(len(held)))
        right = np.where(some, sums, 0.0)
        found.append(np.einsum("ij,ij->i", right, np.linalg.solve(matrices, right[..., None])[..., 0]))
    return np.asarray(blocks * (held.shape[1] - np.concatenate(found)))


@bound("redrawn", WORST_OF_DRAWS, "upper", source=f"{MUNIM}, Lemma 1, equation (8)", decoders=_OPTIMAL, needs=[redrawn])
def worst_set(case: Case) -> float:
    """At most the largest m k - m 1^T A_F K^-1 A_F^T 1 of a set F, K = A_F^T A_F + c (m - 1) diag(A_F^T A_F)."""
    return float(_each(case).max())


@bound(
    "redrawn-mean",
    MEAN_OF_DRAWS,
    "upper",
    source=f"{MUNIM}, Lemma 1, equation (8), averaged",
    decoders=_OPTIMAL,
    needs=[redrawn, few_sets],
)
def mean_set(case: Case) -> float:
    """At most the mean of m k - m 1^T A_F K^-1 A_F^T 1 over sets F, K = A_F^T A_F + c (m - 1) diag(A_F^T A_F)."""
    return float(_each(case).mean())


@bound(
    "redrawn-average",
    MEAN_OF_DRAWS,
    "upper",
    source="derived: the best common weight of all responders, for random sets",
    decoders=_OPTIMAL,
    needs=[redrawn, equal_loads],
)
def average(case: Case) -> float:
    """At most m k - m (delta N)^2 / (sum_i E r_i^2 + c (m - 1) delta N), r_i the responders of N with partition i."""
    n, r, copies = case.code.workers, case.responders, case.segment.replication.astype(float)
    square = float((copies * r / n * (1.0 + (copies - 1.0) * (r - 1.0) / max(1, n - 1))).sum())
    return _left(case, square)


@bound(
    "redrawn-design",
    WORST_OF_DRAWS,
    "upper",
    source=f"{MUNIM}, Corollary 1, equation (10)",
    decoders=_OPTIMAL,
    needs=[redrawn_signs, block_design],
)
def design(case: Case) -> float:
    """At most m k - m delta^2 (n - s) / (m delta + (n - s - 1) lambda)."""
    load, common, r = case.structure.load or 0, case.structure.design or 0, case.responders
    return _left(case, r * (load + (r - 1) * common))


@bound(
    "redrawn-strongly-regular",
    WORST_OF_DRAWS,
    "upper",
    source=f"{MUNIM}, Corollary 2, equation (12)",
    decoders=_OPTIMAL,
    needs=[redrawn_signs, strongly_regular],
)
def strongly_regular_graph(case: Case) -> float:
    """At most m k - m delta^2 (n-s) / (m delta - mu + mu (n-s) + (lambda-mu) theta).

    theta is delta where lambda >= mu, else the least eigenvalue.
    """
    degree, near, far = case.structure.strongly_regular or (0, 0, 0)
    least = ((near - far) - sqrt((near - far) ** 2 + 4 * (degree - far))) / 2
    theta, r = degree if near >= far else least, case.responders
    return _left(case, r * (degree - far + far * r + (near - far) * theta))


@bound(
    "redrawn-cosets",
    WORST_OF_DRAWS,
    "upper",
    source=f"{MUNIM}, Corollary 3, equation (17)",
    decoders=_OPTIMAL,
    needs=[redrawn, cosets],
)
def coset_graph(case: Case) -> float:
    """At most m k - m delta^2 (m k - s) / (m delta^2 + c (m - 1) delta)."""
    load, m, r = case.structure.load or 0, case.segment.blocks, case.responders
    return _left(case, m * load**2 * r)


@bound(
    "redrawn-spectral",
    WORST_OF_DRAWS,
    "upper",
    source="derived: Lemma 1 with the second singular value of the assignment",
    decoders=_OPTIMAL,
    needs=[redrawn, regular_assignment],
)
def spectral(case: Case) -> float:
    """At most m k - m delta^2 N n / (gamma delta N + sigma_2^2 s + c (m - 1) delta n), N = n - s."""
    n, r, found = case.code.workers, case.responders, case.structure
    top, second = (found.load or 0) * (found.replication or 0), found.second or 0.0
    return _left(case, (top * r + second * case.s) * r / n)


def _left(case: Case, square: float) -> float:
    """Return m k - m (delta N)^2 / (square + c (m - 1) delta N): one weight for all, sum_i r_i^2 at most ``square``."""
    m, heard = case.segment.blocks, (case.structure.load or 0) * case.responders
    return m * case.code.partitions - m * heard**2 / (square + boost(case.epsilon) * (m - 1) * heard)


def _each(case: Case) -> Floats:
    rows = case.structure.rows
    assert rows is not None, "the rows are no multiples of one combination"
    return lemma_one(rows.shared.toarray(), case.segment.blocks, case.epsilon, case.sets)
