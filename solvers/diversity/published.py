"""Allocations in closed form, as published: where a search starts, and what it is compared with.

All return x, shape (n,): how many coordinates (not rounded) tolerate 0, 1, .., n - 1 of n workers.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from ..errors import InputError
from .levels import Levels

Floats = NDArray[np.float64]


def proportional_to_means(means: ArrayLike, total: float) -> Floats:
    """Return x_t: all levels would finish together if every T_(k) took its mean.

    Parameters
    ----------
    means : array, shape (n,)
        E T_(k) for k = 1..n, in any unit.
    total : float
        sum x.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    InputError
        If a mean is infinite, zero, NaN or less than the one before.

    References
    ----------
    Wang, Cui, Li, Zou, Xiong 2022, arXiv 2206.02450, x^(t).

    Examples
    --------
    >>> proportional_to_means([1.0, 2.0], 3.0).tolist()
    [2.0, 1.0]
    """
    t = _per_rank("means", means)
    late = np.flatnonzero(~np.isfinite(t))
    if late.size:
        raise InputError(
            f"means is {t[late[0]]} for k = {late[0] + 1}: so heavy a tail has no E T_(k); start from inverses of times"
        )
    if t[0] <= 0.0 or (np.diff(t) < -1e-9 * t[1:]).any():
        raise InputError("means must be above 0 and rise with k, as E T_(1) <= .. <= E T_(n) do")
    return _in_proportion(1.0 / t[::-1], total)


def proportional_to_inverses(inverses: ArrayLike, total: float) -> Floats:
    """Return x_f: `proportional_to_means` with E[1 / T_(k)] for 1 / E T_(k).

    Parameters
    ----------
    inverses : array, shape (n,)
        E[1 / T_(k)] for k = 1..n, in any unit.
    total : float
        sum x.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    InputError
        If one is infinite (times that come too close to 0, such as exponential ones without a shift), zero, NaN or
        more than the one before.

    References
    ----------
    Wang, Cui, Li, Zou, Xiong 2022, arXiv 2206.02450, x^(f).

    Examples
    --------
    >>> proportional_to_inverses([2.0, 1.0], 3.0).tolist()
    [2.0, 1.0]
    """
    f = _per_rank("inverses", inverses)
    if np.isinf(f).any():
        k = 1 + int(np.flatnonzero(np.isinf(f))[-1])
        raise InputError(
            f"inverses is infinite for k = {k}: E[1/T_(k)] diverges where times come close to 0 (no shift); use x-t"
        )
    if f[-1] <= 0.0 or (np.diff(f) > 1e-9 * f[1:]).any():
        raise InputError("inverses must be above 0 and fall with k, as E[1/T_(1)] >= .. >= E[1/T_(n)] do")
    return _in_proportion(f[::-1], total)


def logarithmic(workers: int, total: float) -> Floats:
    """Return x_lg: x_n = total / (H_N (n + 1)), where every level costs the same work; for late deadlines.

    References
    ----------
    Wang, Cui, Li, Zou, Xiong 2022, arXiv 2206.02450, x^(lg).

    Examples
    --------
    >>> logarithmic(2, 3.0).tolist()
    [2.0, 1.0]
    """
    share = 1.0 / np.arange(1, _positive("workers", workers) + 1)
    return np.asarray(check_positive("total", total) * share / share.sum())


def single(level: int, workers: int, total: float) -> Floats:
    """Return x with one diversity for all coordinates (gradient coding as of Tandon et al. 2017).

    Raises
    ------
    InputError
        If ``level`` is not from 0 to workers - 1.

    Examples
    --------
    >>> single(1, 3, 5.0).tolist()
    [0.0, 5.0, 0.0]
    """
    x = np.zeros(_positive("workers", workers))
    x[_level("level", level, workers)] = check_positive("total", total)
    return x


def best_single(means: ArrayLike, total: float) -> Floats:
    """Return the `single` with the smallest expected runtime, (n + 1) E T_(N-n) times a constant.

    Parameters
    ----------
    means : array, shape (n,)
        E T_(k) for k = 1..n; infinite ones are allowed where at least one is finite.
    total : float
        sum x.

    Examples
    --------
    >>> best_single([1.0, 1.5, 9.0], 6.0).tolist()
    [0.0, 6.0, 0.0]
    """
    t = _per_rank("means", means)
    if not np.isfinite(t).any():
        raise InputError("means is infinite for every k; no diversity has an expected runtime")
    return single(int(np.argmin(np.arange(1, t.size + 1) * t[::-1])), t.size, total)


def tandon_partial(stragglers: int, alpha: float, workers: int, total: float) -> Floats:
    """Return x of the scheme for partial stragglers: uncoded work first, then coded work.

    A straggler is at most ``alpha`` times slower, so that everybody does (alpha times less than all of its work)
    uncoded before the deadline of the others: z_n = (s + 1) total / (s + alpha) for n < s, alpha times that from s on.

    Parameters
    ----------
    stragglers : int
        s, from 0 to workers - 1; the diversity of the coded part.
    alpha : float
        At least 1.
    workers : int
    total : float
        sum x.

    Returns
    -------
    array, shape (workers,)
        Nonzero at 0 and s only.

    Raises
    ------
    InputError
        If ``stragglers`` or ``alpha`` is out of range.

    References
    ----------
    Tandon, Lei, Dimakis, Karampatziakis 2017, arXiv 1612.03301, Section 4 (partial stragglers).

    Examples
    --------
    >>> tandon_partial(2, 6.0, 4, 8.0).tolist()
    [3.0, 0.0, 5.0, 0.0]
    """
    x = np.zeros(_positive("workers", workers))
    s = _level("stragglers", stragglers, workers)
    if not (math.isfinite(alpha) and alpha >= 1.0):
        raise InputError(f"alpha is {alpha}; a finite number of at least 1 (how much slower a straggler is) is needed")
    check_positive("total", total)
    x[0] = (s + 1.0) * total / (s + alpha)
    x[s] += (alpha - 1.0) * total / (s + alpha)
    return x


def ferdinand_draper(layers: int, workers: int, total: float) -> Floats:
    """Return x of hierarchical coded computation with layers of equal size, adapted to gradients.

    The diversities s_1 <= .. <= s_r of the layers maximise u = min_j (s_j + 1) / j with sum s = r N - total, s_1 >= 1
    and s_r <= N - 1, and are rounded. ``layers`` = total forces diversity N - 1 everywhere. Below that this linear
    program has many optima, and what others show depends on their solver; this one, found directly, has as little as
    the best u allows in the first layers and N - 1 in the others, which was the fastest of several.

    Parameters
    ----------
    layers : int
        r, from total / (workers - 1) to total.
    workers : int
        N, at least 2.
    total : float
        sum x.

    Returns
    -------
    array, shape (workers,)

    Raises
    ------
    InputError
        If ``layers`` is out of range.

    References
    ----------
    Ferdinand & Draper 2018, "Hierarchical coded computation", as compared with in arXiv 2206.02450.

    Examples
    --------
    >>> ferdinand_draper(6, 4, 6.0).tolist()
    [0.0, 0.0, 0.0, 6.0]
    """
    n, r = _positive("workers", workers), _positive("layers", layers)
    check_positive("total", total)
    if n < 2 or not total <= r * (n - 1) or r > total:
        known = f"from {math.ceil(total / (n - 1))} to {total:g} would work" if n > 1 else "workers >= 2 is needed"
        raise InputError(f"layers is {layers} with {workers} workers; {known}")
    diversity = np.rint(_layer_diversities(r, n, r * n - total)).astype(np.int64)
    return np.asarray(np.bincount(diversity, minlength=n) * (total / r))


def _layer_diversities(layers: int, workers: int, to_spend: float) -> Floats:
    """An optimum of the linear program, shape (layers,)."""
    j = np.arange(1, layers + 1)

    def least(u: float) -> Floats:
        return np.asarray(np.maximum(1.0, u * j - 1.0))

    u = workers / layers
    if least(u).sum() > to_spend:
        u = float(optimize.brentq(lambda u: least(u).sum() - to_spend, 0.0, u))
    s = least(u)
    room = workers - 1.0 - s
    before = np.cumsum(room[::-1])[::-1] - room
    return np.asarray(s + np.clip(to_spend - s.sum() - before, 0.0, room))


def check_positive(name: str, value: float) -> float:
    """Return a finite number above 0.

    Raises
    ------
    InputError
        If it is not one.

    Examples
    --------
    >>> check_positive("total", 2)
    2.0
    """
    if not (math.isfinite(value) and value > 0.0):
        raise InputError(f"{name} is {value}; a positive number is needed")
    return float(value)


def _in_proportion(heights: Floats, total: float) -> Floats:
    levels = Levels.of(heights.size)
    return levels.lengths(levels.scaled(heights, check_positive("total", total)))


def _per_rank(name: str, values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or array.size == 0 or np.isnan(array).any():
        raise InputError(f"{name} has shape {array.shape} or holds NaN; one number for each k = 1..workers is expected")
    return array


def _positive(name: str, value: int) -> int:
    if value < 1:
        raise InputError(f"{name} is {value}; an integer of at least 1 is needed")
    return value


def _level(name: str, value: int, workers: int) -> int:
    if not 0 <= value < workers:
        raise InputError(f"{name} is {value}; from 0 to {workers - 1} (workers - 1) would work")
    return value
