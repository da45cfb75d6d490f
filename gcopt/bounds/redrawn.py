"""Codes that draw the factors of their blocks again in every iteration: what holds on average over the draws.

Construction I of Munim & Ramamoorthy: row j of the encoding matrix is h_j (x) a_j with all entries of h_j uniform on
[1 - eps, 1 + eps] and its negative. Everything is said of every set of responders, so of the worst as of the mean.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from gcopt.bounds.blocks import (
    combinations,
    cosets,
    few_sets,
    few_workers,
    invertible,
    nobody_missing,
    redrawn,
    redrawn_boosted,
    redrawn_shares,
    redrawn_sums,
    several_blocks,
    told_apart,
)
from gcopt.bounds.bound import bound
from gcopt.bounds.case import Case
from gcopt.bounds.counting import MUNIM
from gcopt.bounds.hypotheses import all_held, block_design, known_second, one_probability, strongly_regular
from gcopt.bounds.quantities import INDEPENDENT, MEAN_OF_DRAWS, WORST, WORST_OF_DRAWS

_OPTIMAL = ("least-squares",)
_MOMENTS = "derived: signs are independent, so that what a block leaves in others is 0 on average"
_BATCH = 20_000_000

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def lemma_one(held: Floats, blocks: int, spread: float, heard: Bools) -> Floats:
    """Return m k - m 1^T A_F K^-1 A_F^T 1, K = Delta_F + c (m - 1) diag(Delta_F), for sets F of responders.

    Munim & Ramamoorthy 2026, Lemma 1, equation (8): at least the error of each set, on average over the draws.

    Parameters
    ----------
    held : array, shape (n, k)
        The combinations a_j of the workers.
    blocks : int
        m > 1, or rows that are independent.
    spread : float
        c = E X^2 E X^-2 of a factor X; 1 for signs.
    heard : array of bool, shape (sets, n)

    Returns
    -------
    array, shape (sets,)

    Examples
    --------
    >>> round(float(lemma_one(np.ones((3, 3)) - np.eye(3), 2, 1.0, np.ones((1, 3), bool))[0]), 9)
    2.0
    """
    overlap, sums = held @ held.T, held.sum(axis=1)
    heard = heard & (overlap.diagonal() > 0.0)
    overlap = overlap + spread * (blocks - 1) * np.diag(np.diag(overlap))
    step, found = max(1, _BATCH // len(held) ** 2), []
    for start in range(0, len(heard), step):
        some = heard[start : start + step]
        matrices = np.where(some[:, :, None] & some[:, None, :], overlap, np.eye(len(held)))
        right = np.where(some, sums, 0.0)
        found.append(np.einsum("ij,ij->i", right, np.linalg.solve(matrices, right[..., None])[..., 0]))
    return np.asarray(blocks * (held.shape[1] - np.concatenate(found)))


_LEMMA = (redrawn, few_workers)


@bound("redrawn", WORST_OF_DRAWS, "upper", source=f"{MUNIM}, Lemma 1, equation (8)", decoders=_OPTIMAL, needs=_LEMMA)
def worst_set(case: Case) -> float:
    """At most the largest m k - m 1^T A_F K^-1 A_F^T 1 of a set F, K = A_F^T A_F + c (m - 1) diag(A_F^T A_F)."""
    return float(_each(case).max())


@bound(
    "redrawn-mean",
    MEAN_OF_DRAWS,
    "upper",
    source=f"{MUNIM}, Lemma 1, equation (8), averaged",
    decoders=_OPTIMAL,
    needs=(*_LEMMA, few_sets),
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
    needs=[redrawn],
)
def average(case: Case) -> float:
    """At most m k - m H^2 / (sum_i E r_i^2 + c (m - 1) H), r_i the responders with partition i, H = sum_i E r_i.

    Where a worker weights its partitions r_i are sums of weights, and their squares add up to the last H.
    """
    return _one_weight(case, 1.0 + _spread(case) * (case.segment.blocks - 1))


@bound(
    "redrawn-design",
    WORST_OF_DRAWS,
    "upper",
    source=f"{MUNIM}, Corollary 1, equation (10) (derived: for epsilon > 0)",
    decoders=_OPTIMAL,
    needs=[redrawn_sums, block_design],
)
def design(case: Case) -> float:
    """At most m k - m delta^2 N / (delta + (N - 1) lambda + c (m - 1) delta), N = n - s; signs alone have c = 1."""
    load, common, r = case.structure.load or 0, case.structure.design or 0, case.responders
    return _left(case, r * (load + (r - 1) * common))


@bound(
    "redrawn-strongly-regular",
    WORST_OF_DRAWS,
    "upper",
    source=f"{MUNIM}, Corollary 2, equation (12) (derived: for epsilon > 0)",
    decoders=_OPTIMAL,
    needs=[redrawn_sums, strongly_regular],
)
def strongly_regular_graph(case: Case) -> float:
    """At most m k - m delta^2 N / (delta - mu + mu N + (lambda-mu) theta + c (m-1) delta), N = n - s.

    Signs alone have c = 1; is delta where lambda >= mu, else the least eigenvalue.
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
    needs=[redrawn_sums, cosets],
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
    needs=[redrawn_sums, known_second],
)
def spectral(case: Case) -> float:
    """At most m k - m delta^2 N n / (gamma delta N + sigma_2^2 s + c (m - 1) delta n), N = n - s."""
    n, r, found = case.code.workers, case.responders, case.structure
    top, second = (found.load or 0) * (found.replication or 0), found.second or 0.0
    return _left(case, (top * r + second * case.s) * r / n)


@bound(
    "redrawn-one-step",
    MEAN_OF_DRAWS,
    "equality",
    source=f"derived: for block designs with signs equation (10) of {MUNIM}",
    decoders=("one-step",),
    needs=[redrawn],
)
def one_step(case: Case) -> float:
    """m k - m H^2 / (sum_i E r_i^2 + (m x - 1) H), r_i the responders with partition i, H = sum_i E r_i.

    x = 1 + eps^2 / 3; for block designs with signs m k - m delta^2 (n - s) / (m delta + (n - s - 1) lambda). Where a
    worker weights its partitions r_i are sums of weights, and their squares add up to the last H.
    """
    return _one_weight(case, case.segment.blocks * _square_of_factor(case))


@bound(
    "redrawn-scaled",
    MEAN_OF_DRAWS,
    "equality",
    source=_MOMENTS,
    decoders=("scaled",),
    needs=[all_held, redrawn_shares],
)
def scaled(case: Case) -> float:
    """m sum_i ((n - g)(n - r) / (g r (n - 1)) + (m x - 1) n / (r g)), g the workers of partition i, r = n - s.

    x = 1 + eps^2 / 3.
    """
    n, r, m, copies = case.code.workers, case.responders, case.segment.blocks, case.segment.replication
    alone = (n - copies) * (n - r) / (copies * r * max(1, n - 1))
    return float(m * (alone + (m * _square_of_factor(case) - 1.0) * n / (r * copies)).sum())


@bound(
    "redrawn-sum",
    INDEPENDENT,
    "equality",
    source=_MOMENTS,
    decoders=("sum",),
    needs=[all_held, one_probability, redrawn_boosted],
)
def added_up(case: Case) -> float:
    """sum_i m (m x - 1 + q) / ((1 - q) g), g the workers of partition i, x = 1 + eps^2 / 3.

    For signs on bi-regular assignments m k (m - 1 + q) / ((1 - q) gamma).
    """
    m, q = case.segment.blocks, case.q
    each = m * (m * _square_of_factor(case) - 1.0 + q) / (1.0 - q)
    return float((each / case.segment.replication).sum())


@bound(
    "cosets-exact",
    WORST,
    "equality",
    source=f"{MUNIM}, Proposition 1 (derived: for any factors that are independent where workers hold the same)",
    decoders=_OPTIMAL,
    needs=[several_blocks, cosets, invertible, told_apart, nobody_missing],
)
def coset_graph_exact(case: Case) -> float:
    """0 when nobody is missing, for m copies of a circulant of k = p^a rows where p does not divide the load."""
    return 0.0


def _left(case: Case, square: float) -> float:
    """Return m k - m (delta N)^2 / (square + c (m - 1) delta N), ``square`` being at least sum_i r_i^2."""
    m, heard = case.segment.blocks, float((case.structure.load or 0) * case.responders)
    return m * case.code.partitions - m * heard**2 / (square + _spread(case) * (m - 1) * heard)


def _one_weight(case: Case, alone: float) -> float:
    """Return the mean over random sets of what the best weight for all leaves, ``alone`` for the squares of entries."""
    n, r, m, held = case.code.workers, case.responders, case.segment.blocks, combinations(case)
    column, squares = np.asarray(held.sum(axis=0)), float(held.data @ held.data)
    share, both = r / n, r / n * (r - 1) / max(1, n - 1)
    least = alone * share * squares + both * (float(column @ column) - squares)
    return m * case.code.partitions - m * (share * float(column.sum())) ** 2 / least


def _spread(case: Case) -> float:
    """Return c = E X^2 E X^-2 of a factor X."""
    assert case.segment.signs is not None, "nothing is drawn again"
    return case.segment.signs.spread


def _square_of_factor(case: Case) -> float:
    """Return E X^2 of a factor."""
    assert case.segment.signs is not None, "nothing is drawn again"
    return case.segment.signs.square


def _each(case: Case) -> Floats:
    return lemma_one(combinations(case).toarray(), case.segment.blocks, _spread(case), case.sets)
