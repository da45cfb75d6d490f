"""Compiled parts of `joint_order_statistics`: a Poissonised recursion, forward for P, backward for its gradient."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .jit import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NOTHING = 1e-19  # probability of a Poisson count below which it is left out
VANISHED = 1e-26  # partial probability below which a count of workers is left out


@kernel
def poisson(mean: float, most: int, weights: Floats) -> tuple[int, int]:
    """Write P(count = d) to ``weights[d]`` for first <= d < stop; outside, or beyond ``most``, it counts as nothing."""
    if mean <= 0.0:
        weights[0] = 1.0
        return 0, 1
    mode = min(int(mean), most)
    at_mode = math.exp(mode * math.log(mean) - mean - math.lgamma(mode + 1.0))
    weights[mode] = at_mode
    first = mode
    while first > 0 and weights[first] > NOTHING:
        weights[first - 1] = weights[first] * first / mean
        first -= 1
    last = mode
    while last < most and weights[last] > NOTHING:
        weights[last + 1] = weights[last] * mean / (last + 1.0)
        last += 1
    return first, last + 1


@kernel
def joint(levels: Floats, needed: Ints, workers: int, values: Floats, gradients: Floats) -> None:
    """Write P(at least needed[j] of the workers are below level j, for all j) and its gradient, row by row.

    ``levels`` (rows, K) holds cdf values that rise along a row, ``needed`` (K,) rises too; ``values`` is (rows,),
    ``gradients`` (rows, K).
    """
    rows, k = levels.shape
    n = workers
    rate = np.float64(n)
    prefactor = math.exp(math.lgamma(n + 1.0) + n - n * math.log(rate))
    weights = np.zeros(n + 2)
    spread = np.zeros((k + 1, n + 2))
    first = np.zeros(k + 1, np.int64)
    stop = np.zeros(k + 1, np.int64)
    now = np.zeros(n + 2)
    then = np.zeros(n + 2)
    edge = np.zeros(k)
    for row in range(rows):
        now[:] = 0.0
        now[0] = 1.0
        low, high = 0, 0  # the counts with any probability
        below = 0.0
        for j in range(k + 1):
            level = levels[row, j] if j < k else 1.0
            first[j], stop[j] = poisson(rate * max(level - below, 0.0), n, weights)
            spread[j, first[j] : stop[j]] = weights[first[j] : stop[j]]
            below = max(level, below)
            reach = min(high + stop[j] - 1, n)
            start = low + first[j]
            then[low : reach + 1] = 0.0
            for d in range(first[j], stop[j]):
                weight = spread[j, d]
                for m in range(low, min(high, n - d) + 1):
                    then[m + d] += weight * now[m]
            least = needed[j] if j < k else n
            if j < k:
                edge[j] = then[least - 1] if start <= least - 1 <= reach else 0.0
            low, high = max(start, least), reach
            while high > low and then[high] < VANISHED:
                high -= 1
            while low < high and then[low] < VANISHED:
                low += 1
            now, then = then, now
            if low > high:
                break
        values[row] = prefactor * now[n] if low <= n <= high else 0.0
        gradients[row, :] = 0.0
        if values[row] == 0.0:
            continue
        now[:] = 0.0
        now[n] = 1.0
        for j in range(k, 0, -1):
            bottom, top = needed[j - 1], needed[j] if j < k else n
            then[bottom : n + 1] = 0.0
            for d in range(first[j], stop[j]):
                weight = spread[j, d]
                for m in range(max(bottom, top - d), n - d + 1):
                    then[m] += weight * now[m + d]
            now, then = then, now
            gradients[row, j - 1] = prefactor * rate * edge[j - 1] * now[bottom]
