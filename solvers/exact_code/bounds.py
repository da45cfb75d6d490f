"""Noise that no exact code of given loads can avoid.

Let partition p have c_p(S) responders that hold it. From sum_j a_j b_jp = 1 follows sum_j a_j^2 b_jp^2 >= 1 / c_p(S)
(Cauchy-Schwarz), so that k nu^2 >= sum_p 1 / c_p(S) for every set S of stragglers, and on average over any choice of
S at random (derived here).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def least_noise(loads: Ints, partitions: int, stragglers: int) -> float:
    """Return a lower bound on the noise amplification of every exact code with no more than these loads.

    All sets S are equally likely: a partition with r copies counts h(r) = E[1 / (r - lost)] and there are sum(loads)
    copies. Where that is just k (s + 1), also: S takes all but one holder of a partition p, both at random. Then p
    counts 1, and a partition that shares o < s + 1 holders with p counts f(o) = (s + 2) / ((s + 1) (s + 2 - o)); the o
    sum to sum_j load_j^2 over all pairs. Both h and f are replaced by their convex hulls, so that averages suffice.

    Parameters
    ----------
    loads : array, shape (n,)
    partitions, stragglers : int
        k and s.

    Examples
    --------
    >>> round(least_noise(np.array([3, 3, 3]), 3, 2), 12)
    1.0
    """
    n, s, k = len(loads), stragglers, partitions
    loads = np.minimum(loads, k)
    copies = np.arange(s + 1, n + 1)
    bound = _hull(copies, np.array([_mean_share(n, int(r), s) for r in copies]), loads.sum() / k)
    if loads.sum() == k * (s + 1) and k > 1:
        shared = np.arange(s + 2)
        counts = np.where(shared <= s, (s + 2) / ((s + 1) * (s + 2.0 - shared)), 1.0)
        mean = ((loads**2).sum() / k - (s + 1)) / (k - 1)
        bound = max(bound, (1.0 + (k - 1) * _hull(shared, counts, mean)) / k)
    return sqrt(bound)


def least_noise_on(holders: Bools, stragglers: int) -> float:
    """Return a lower bound on the noise amplification of every exact code on a placement, shape (n, k).

    Examples
    --------
    >>> least_noise_on(np.ones((4, 2), dtype=bool), 3)
    1.0
    """
    copies = holders.sum(axis=0)
    best = float(np.mean([_mean_share(len(holders), int(r), stragglers) for r in copies]))
    for p in range(holders.shape[1]):
        order = np.argsort(~holders[:, p], kind="stable")[: copies[p]]
        for turn in range(len(order)):
            lost = np.roll(order, turn)[:stragglers]
            left = copies - holders[lost].sum(axis=0)
            best = max(best, float(np.mean(1.0 / left)))
    return sqrt(best)


def _mean_share(workers: int, copies: int, stragglers: int) -> float:
    """Return E[1 / responders] of a partition with so many copies; more than s of them."""
    lost = np.arange(stragglers + 1)
    return float(stats.hypergeom(workers, copies, stragglers).pmf(lost) @ (1.0 / (copies - lost)))


def _hull(places: Ints, values: Sequence[float] | Floats, at: float) -> float:
    """Return the largest convex function below the values, at a place between the first and the last."""
    at = min(max(at, float(places[0])), float(places[-1]))
    best = np.inf
    for i in range(len(places)):
        for j in range(i, len(places)):
            if places[i] <= at <= places[j]:
                share = 0.0 if i == j else (at - places[i]) / (places[j] - places[i])
                best = min(best, (1.0 - share) * values[i] + share * values[j])
    return float(best)
