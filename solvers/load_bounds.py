"""What no code of a given load can do: lower bounds that hold for every assignment and all coefficients.

Whatever is sent and however it is decoded (by least squares, or without bias), a partition whose holders all straggle
is missing from the estimate and costs 1. The bounds count such partitions, in the worst or the mean case, over all ways
to place them; they need no search, and no assignment to look at. One block per partition (m = 1).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from fractions import Fraction
from itertools import accumulate
from math import ceil, comb, exp, expm1, inf
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError

Floats = NDArray[np.float64]

_POWERS = 64  # of the Gram matrix, at most, whose traces are compared


def worst_bound(loads: ArrayLike, partitions: int, stragglers: int) -> float:
    """Return what the worst set of s stragglers costs at least.

    Parameters
    ----------
    loads : array of int, shape (n,)
        How many partitions each worker holds at most.
    partitions : int
        k.
    stragglers : int
        s, at most n.

    Returns
    -------
    float
        A squared error; an integer.

    Raises
    ------
    InputError
        If a number is impossible.

    Notes
    -----
    Derived here. Some c workers erase t partitions; at first the a workers of largest load and t = 0, and the best a is
    taken. The other partitions have at most R copies left, R = sum of min(d_j, k - t) over the n - c largest loads,
    so that one of these k - t has at most floor(R / (k - t)) holders left: without them t + 1 are gone, and so on.
    At each step the other s - c stragglers may also be drawn at random, which erases at least `mean_bound` of n - c
    workers with R copies of k - t partitions on average, and some draw that rounded up. This is never less than
    equation (21) of Munim & Ramamoorthy 2026 for m = 1, floor(k s / (n d)), where R would be n d - c.

    Examples
    --------
    >>> [worst_bound([3] * 7, 7, s) for s in range(8)]  # what the Fano plane loses
    [0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 4.0, 7.0]
    """
    k, given = _checked(loads, partitions)
    s = _check_stragglers(stragglers, len(given))
    descending = sorted((d for d in given if d), reverse=True)
    return float(max(_erased(descending[a:], k, s - a) for a in range(min(s, len(descending)) + 1)))


def mean_bound(loads: ArrayLike, partitions: int, stragglers: int) -> float:
    """Return what s stragglers cost on average, all sets of so many being equally likely, at least.

    Parameters and errors are those of `worst_bound`.

    Notes
    -----
    A partition of g workers is erased with probability f(g) = C(n-g, s-g) / C(n, s) = C(s, g) / C(n, g), for the
    converse of Wang, Liu & Shroff 2019. f is convex, f(g+1) - f(g) = -f(g) (n-s) / (n-g) rising to 0, so that for a
    given number of copies it is best to have equally many of each partition, but for one more of some; this can always
    be placed (Gale and Ryser), and is attained by fractional repetition.

    Examples
    --------
    >>> mean_bound([3] * 12, 12, 6)  # 12 C(9, 3) / C(12, 6)
    1.0909090909090908
    """
    k, given = _checked(loads, partitions)
    n = len(given)
    return float(_mean(n, k, sum(given), _check_stragglers(stragglers, n)))


def mean_bound_independent(loads: ArrayLike, partitions: int, probability: ArrayLike) -> float:
    """Return what stragglers cost on average, each straggling independently with its own probability, at least.

    Parameters
    ----------
    loads : array of int, shape (n,)
        How many partitions each worker holds at most.
    partitions : int
        k.
    probability : float or array, shape (n,)
        q_j, from 0 to 1.

    Raises
    ------
    InputError
        If a number is impossible.

    Notes
    -----
    Derived here. Partition i is erased with probability exp(-x_i), x_i = sum of -log q_j over its holders, and the x_i
    add up to at most sum_j -d_j log q_j: by Jensen sum_i exp(-x_i) >= k prod_j q_j^(d_j / k). With equal q the x_i are
    also multiples of -log q, which are best as equal as integers can be; with unequal q that bounds what the smallest
    would do for all. Both hold too for some k' partitions that the most reliable workers, whoever counts as such,
    cannot all reach, with at most min(d_j, k') on each other worker. The largest of all these is returned.

    Examples
    --------
    >>> round(mean_bound_independent([3] * 7, 7, 0.25), 9)  # 7 / 4^3
    0.109375
    >>> mean_bound_independent([4, 1, 1], 5, [0.0, 0.5, 0.5])  # the first worker cannot hold all
    0.25
    """
    k, given = _checked(loads, partitions)
    return _over_chances(given, k, checked_chances(probability, len(given)), lambda x: exp(-x))


def unbiased_bound(loads: ArrayLike, partitions: int, probability: ArrayLike) -> float:
    """Return the mean squared error of every unbiased estimate under independent stragglers, at least.

    Parameters and errors are those of `mean_bound_independent`.

    Returns
    -------
    float
        Infinity where nothing is unbiased: some partition is on no worker that can answer.

    Notes
    -----
    A coefficient with mean 1 that is 0 with probability Q has variance at least Q / (1 - Q) (Glasgow & Wootters 2020,
    q^d / (1 - q^d), for unequal workers: derived here). In x = -log Q that is 1 / (e^x - 1), convex and falling, so
    that what `mean_bound_independent` does holds here too.

    Examples
    --------
    >>> round(unbiased_bound([3] * 7, 7, 0.5), 9)
    1.0
    """
    k, given = _checked(loads, partitions)
    return _over_chances(given, k, checked_chances(probability, len(given)), _odds)


def second_singular_bound(workers: int, partitions: int, load: int) -> float:
    """Return the least square that the second singular value of a bi-regular assignment can have.

    Parameters
    ----------
    workers, partitions, load : int
        n, k, d; replication n d / k must be an integer.

    Raises
    ------
    InputError
        If a number is impossible, or no bi-regular assignment exists.

    Notes
    -----
    Derived here. The Gram matrix of a 0/1 assignment with replication g has the largest eigenvalue top = g d and at
    most min(n, k) - 1 others, all in [0, sigma^2], with sum rest = n d - g d; the largest is at least their mean, and
    sigma^(2p-2) rest >= trace of the p-th power - top^p. That trace counts closed walks of length 2p: n times at least
    those of the bi-regular tree (what Alon & Boppana compare with), and for p = 2 it is the sum of squares of integers,
    how many partitions two workers share, whose sum is known. The complement of an assignment has the same sigma.

    Examples
    --------
    >>> second_singular_bound(7, 7, 3), second_singular_bound(10, 10, 10)  # the Fano plane attains 3 - 1
    (2.0, 0.0)
    """
    n, k, d = (_whole(name, x) for name, x in (("workers", workers), ("partitions", partitions), ("load", load)))
    if d > k or n * d % k:
        raise InputError(f"load is {d}; one of at most {k} of which {n} times is a multiple of {k} would work")
    if d == k:
        return 0.0
    g = n * d // k
    found = [(n * d - g * d) / (min(n, k) - 1)]
    for row, column in ((d, g), (k - d, n - g)):
        shared = max(_squares(n, row, column), _squares(k, column, row))
        top, rest = row * column, row * (n - column)
        found.append((shared - top**2) / rest)
        for power, walks in enumerate(_walks(row, column, _POWERS), start=2):
            if n * walks > top**power:
                found.append(float(Fraction(n * walks - top**power, rest)) ** (1.0 / (power - 1)))
    return max(found)


def _erased(descending: list[int], k: int, s: int) -> int:
    """Return how many partitions s of these workers can erase, as the notes of `worst_bound` say."""
    n, sums = len(descending), list(accumulate(descending, initial=0))
    ascending = descending[::-1]

    def held(workers: int, cap: int) -> int:
        above = min(workers, n - bisect_left(ascending, cap))
        return above * cap + sums[workers] - sums[above]

    best = c = t = 0
    s = min(s, n)
    while c <= s:
        copies = held(n - c, k - t)
        best = max(best, t + ceil(_mean(n - c, k - t, copies, s - c)))
        if t == k:
            break
        c, t = c + copies // (k - t), t + 1
    return best


def _mean(n: int, k: int, copies: int, s: int) -> Fraction:
    """Return the least mean number of erased partitions when k partitions have so many copies on n workers in all."""
    if k == 0:
        return Fraction(0)
    g, more = divmod(copies, k)
    one = Fraction(comb(s, g), comb(n, g))
    return (k - more) * one + (more * Fraction(comb(s, g + 1), comb(n, g + 1)) if more else 0)


def _over_chances(loads: list[int], k: int, chances: Floats, cost: Callable[[float], float]) -> float:
    """Return the largest bound on sum_i cost(x_i), cost convex and falling, over the workers that are left out."""
    order = [j for j in np.argsort(chances, kind="stable").tolist() if chances[j] < 1.0 and loads[j]]
    best, reached = 0.0, 0
    for first in range(len(order) + 1):
        left, rest = k - reached, order[first:]
        if left <= 0:
            break
        reached += loads[rest[0]] if rest else 0
        if rest and chances[rest[0]] == 0.0:
            continue
        held = np.array([min(loads[j], left) for j in rest], dtype=np.int64)
        weights = -np.log(chances[rest])
        bounds = [left * cost(float(held @ weights) / left)]
        if rest:
            g, more = divmod(int(held.sum()), left)
            most = float(weights[0])
            bounds.append((left - more) * cost(g * most) + (more * cost((g + 1) * most) if more else 0.0))
        best = max(best, *bounds)
    return best


def _odds(x: float) -> float:
    """Return 1 / (e^x - 1), without the detour over what may overflow."""
    return exp(-x) / -expm1(-x) if x > 0.0 else inf


def _squares(rows: int, row: int, column: int) -> int:
    """Return the least sum of squares of how many columns two of the rows share, ordered pairs and equal ones too."""
    least, more = divmod(row * (column - 1), rows - 1) if rows > 1 else (0, 0)
    return rows * (row**2 + (rows - 1 - more) * least**2 + more * (least + 1) ** 2)


def _walks(row: int, column: int, most: int) -> list[int]:
    """Return closed walks of length 4, 6, .., 2 most from a vertex of degree ``row`` of the bi-regular tree."""
    at, found = [1] + [0] * (most + 1), []
    children = [row] + [(row, column)[h % 2] - 1 for h in range(1, most + 1)]
    for step in range(1, 2 * most + 1):
        up = [*at[1:], 0]
        down = [0, *(count * children[h] for h, count in enumerate(at[:-1]))]
        at = [a + b for a, b in zip(up, down, strict=True)]
        if step % 2 == 0 and step > 2:
            found.append(at[0])
    return found


def _checked(loads: ArrayLike, partitions: Any) -> tuple[int, list[int]]:
    """Return k and the loads, none of them more than k."""
    k = _whole("partitions", partitions)
    given = np.asarray(loads)
    if given.ndim != 1 or not given.size or given.dtype.kind not in "iu":
        raise InputError(
            f"loads has shape {given.shape} and type {given.dtype}; integers, one for each worker, would work"
        )
    if given.min() < 0:
        raise InputError(f"loads[{int(given.argmin())}] is {given.min()}; integers of at least 0 would work")
    return k, [min(d, k) for d in given.tolist()]


def _check_stragglers(stragglers: Any, n: int) -> int:
    if isinstance(stragglers, (int, np.integer)) and not isinstance(stragglers, bool) and 0 <= stragglers <= n:
        return int(stragglers)
    raise InputError(f"stragglers is {stragglers!r}; with {n} workers an integer from 0 to {n} would work")


def _whole(name: str, value: Any) -> int:
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= 1:
        return int(value)
    raise InputError(f"{name} is {value!r}; an integer of at least 1 would work")


def checked_chances(probability: ArrayLike, n: int) -> Floats:
    """Return q_j of every worker, shape (n,)."""
    given = np.asarray(probability)
    if given.dtype.kind not in "iuf" or given.shape not in ((), (n,)):
        raise InputError(
            f"probability has shape {given.shape} and type {given.dtype}; a number, or {n} of them, would work"
        )
    wrong = np.flatnonzero(~((given >= 0) & (given <= 1)))
    if wrong.size:
        raise InputError(f"probability holds {given.flat[wrong[0]]}; numbers from 0 to 1 would work")
    return np.broadcast_to(given.astype(np.float64), (n,))
