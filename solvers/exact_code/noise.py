"""The worst-case noise of an exact code made of parts: exactly, and as a smooth function of the numbers in it.

Losses in different parts add up, so the sum over all straggler sets of exp(sharpness * noise) is a product of
polynomials, one for every part: only the sets inside each part are looked at, never those of all workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from .._descent import minimise
from ._kernels import growths, product, pull
from .parts import Free, Null, Point

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Parts = Sequence[Free | Null]

SETS = 200_000
SHARPNESS = (4.0, 16.0, 64.0, 256.0, 1024.0)
_HOPELESS = 1e300
_LOOKS = 1_000_000  # straggler sets looked at in one descent or one round of draws
_FEWEST = 4


@lru_cache(maxsize=256)
def subsets(workers: int, size: int) -> Ints:
    """Return all sets of so many workers, shape (sets, size)."""
    count = comb(workers, size)
    return np.array(list(combinations(range(workers), size)), dtype=np.int64).reshape(count, size)


def affordable(parts: Parts, stragglers: int, most: int) -> int:
    """Return how many looks at all straggler sets of the parts may be taken, at most so many, at least a few."""
    sets = sum(comb(len(part.workers), size) for part in parts for size in range(stragglers + 1))
    return min(most, max(_FEWEST, _LOOKS // sets))


def is_small(part: Free | Null, most: int = SETS) -> bool:
    """Whether the straggler sets of a part can be looked at one by one."""
    return comb(len(part.workers), min(lost_at_most(part), len(part.workers) // 2)) <= most


def lost_at_most(part: Free | Null) -> int:
    """How many workers of the part may straggle."""
    return part.team * part.stragglers + part.team - 1


def squares(part: Free | Null, point: Point, stragglers: int) -> list[Floats]:
    """Return the squared noise, times k, of every set of 0, 1, .. stragglers of a part; infinite where it fails."""
    base, found = float(point.a @ point.a), []
    for size in range(stragglers + 1):
        out = np.zeros(comb(len(part.workers), size))
        growths(point.a, point.null, subsets(len(part.workers), size), out)
        found.append(base + out)
    return found


def worst(parts: Parts, numbers: Sequence[Floats], stragglers: int) -> float:
    """Return the largest squared noise, times k, over all sets of stragglers; infinite where one cannot be lost."""
    total = np.zeros(stragglers + 1)
    for part, mine in zip(parts, numbers, strict=True):
        total = together(total, table(part, mine, stragglers))
    return float(total[-1])


def table(part: Free | Null, numbers: Floats, stragglers: int) -> Floats:
    """Return the worst squared noise, times k, of a part without 0, 1, .. workers, shape (stragglers + 1,)."""
    try:
        with np.errstate(all="ignore"):
            point = part.at(numbers)
    except np.linalg.LinAlgError:
        return np.full(stragglers + 1, np.inf)
    if not (np.isfinite(point.a).all() and np.isfinite(point.null).all()):
        return np.full(stragglers + 1, np.inf)
    return np.array([found.max(initial=-np.inf) for found in squares(part, point, stragglers)])


def together(one: Floats, other: Floats) -> Floats:
    """Return the table of two parts: the worst way to spread the stragglers over them."""
    size = len(one)
    sums = one[:, None] + other[None, :]
    return np.array([np.fliplr(sums).diagonal(size - 1 - t).max() for t in range(size)])


def descend(
    parts: Parts, numbers: Sequence[Floats], stragglers: int, steps: int, sharpness: Sequence[float] = SHARPNESS
) -> list[Floats]:
    """Return numbers with less noise in the worst case: descent along ever sharper smooth maxima."""
    cuts = np.cumsum([part.count for part in parts])[:-1]
    flat, steps = np.concatenate(numbers), affordable(parts, stragglers, steps)
    for sharp in sharpness:
        top = worst(parts, np.split(flat, cuts), stragglers)
        if not np.isfinite(top):
            break
        smooth = partial(smooth_worst, parts=parts, cuts=cuts, stragglers=stragglers, sharpness=sharp / top)
        lower = minimise(smooth, flat, steps)
        if worst(parts, np.split(lower, cuts), stragglers) < top:
            flat = lower
    return np.split(flat, cuts)


def smooth_worst(flat: Floats, parts: Parts, cuts: Ints, stragglers: int, sharpness: float) -> tuple[float, Floats]:
    """Return log(sum over the sets of exp(sharpness * squared noise)) / sharpness, and its gradient."""
    hopeless = (_HOPELESS, np.zeros_like(flat))
    with np.errstate(all="ignore"):
        try:
            points = [part.at(mine) for part, mine in zip(parts, np.split(flat, cuts), strict=True)]
        except np.linalg.LinAlgError:
            return hopeless
        values = [squares(part, point, stragglers) for part, point in zip(parts, points, strict=True)]
        logs = [np.array([_log_sum(sharpness * v) for v in mine]) for mine in values]
        before, after = _running(logs), _running(logs[::-1])[::-1]
        total = before[-1][-1]
        if not np.isfinite(total):
            return hopeless
        gradients = []
        for i, (part, point) in enumerate(zip(parts, points, strict=True)):
            others = product(before[i], after[i + 1])[::-1]  # with so many lost here, so many are left for the others
            by_a, by_null = np.zeros_like(point.a), np.zeros_like(point.null)
            seen = 0.0
            for size, mine in enumerate(values[i]):
                weights = np.exp(sharpness * mine + (others[size] - total))
                seen += weights.sum()
                weights[weights < 1e-12] = 0.0
                pull(point.a, point.null, subsets(len(part.workers), size), weights, by_a, by_null)
            gradients.append(part.back(point, by_a + 2.0 * seen * point.a, by_null))
    gradient = np.concatenate(gradients)
    if not np.isfinite(gradient).all():
        return hopeless
    return float(total / sharpness), gradient


def _log_sum(values: Floats) -> float:
    top = float(values.max(initial=-np.inf))
    return top + float(np.log(np.exp(values - top).sum())) if np.isfinite(top) else top


def _running(logs: list[Floats]) -> list[Floats]:
    """Return the logarithms of the products of the first 0, 1, .. polynomials."""
    one = np.full(len(logs[0]), -np.inf)
    one[0] = 0.0
    found = [one]
    for log in logs:
        found.append(product(found[-1], log))
    return found
