"""What the families share about unequal workers and about which stragglers are worth trying."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.errors import InputError

PER_WORKER = 8
"""Partitions per worker when loads follow the speeds and nobody says how many; more make the shares finer."""

SPREAD = 0.05
"""Speeds closer together than this are treated as equal."""


def check_speeds(speeds: Any, workers: int) -> NDArray[np.float64]:
    """Return speeds as an array, or say what was found and what would work.

    Examples
    --------
    >>> check_speeds([1, 0], 2)
    Traceback (most recent call last):
        ...
    gcopt.solvers.errors.InputError: speeds[1] is 0; positive numbers are needed
    """
    wanted = f"a list of {workers} positive numbers is needed, one per worker"
    try:
        array = np.asarray(speeds, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"speeds is {speeds!r}; {wanted}") from None
    if isinstance(speeds, (str, bool)) or array.shape != (workers,):
        raise InputError(f"speeds has shape {array.shape}; {wanted}")
    bad = np.flatnonzero(~(np.isfinite(array) & (array > 0)))
    if bad.size:
        raise InputError(f"speeds[{bad[0]}] is {array[bad[0]]:g}; positive numbers are needed")
    return array


def weighted_loads(total: int, speeds: NDArray[np.float64], cap: int) -> NDArray[np.int64]:
    """Share ``total`` in proportion to speed, nobody more than ``cap``, so that the largest load / speed is smallest.

    Whole shares are rounded down; what is left goes, one by one, to the worker that will be done with it first.

    Parameters
    ----------
    total : int
        At most ``cap`` times the number of workers.
    speeds : array, shape (n,), positive
    cap : int
        The excess of capped workers goes to the others, again in proportion to speed.

    Returns
    -------
    array, shape (n,)
        Sums to ``total``.

    Examples
    --------
    >>> weighted_loads(16, np.array([1.0, 1.0, 1.0, 5.0]), cap=8).tolist()
    [3, 3, 2, 8]
    """
    share = np.zeros(len(speeds))
    free = np.ones(len(speeds), dtype=bool)
    while free.any():
        scale = (total - cap * (~free).sum()) / speeds[free].sum()
        over = free & (scale * speeds > cap)
        if not over.any():
            share[free] = scale * speeds[free]
            break
        free &= ~over
    share[~free] = cap
    loads = np.minimum(np.floor(share + 1e-9).astype(np.int64), cap)
    for _ in range(total - int(loads.sum())):
        loads[np.argmin(np.where(loads < cap, (loads + 1) / speeds, np.inf))] += 1
    return loads


def unequal(speeds: NDArray[np.float64]) -> bool:
    """Whether speeds differ enough for weighted loads to be worth a try."""
    return bool(speeds.max() > (1 + SPREAD) * speeds.min())


def sensible_stragglers(workers: int) -> list[int]:
    """Return the numbers of stragglers worth trying: all for up to 40 workers, then all up to 8 and a few up to 40.

    Beyond that codes that are not plain repetition amplify rounding errors too much to be of use.

    Examples
    --------
    >>> sensible_stragglers(5)
    [1, 2, 3, 4]
    >>> sensible_stragglers(100)
    [1, 2, 3, 4, 5, 6, 7, 8, 10, 13, 17, 22, 28, 35]
    """
    if workers <= 40:
        return list(range(1, workers))
    chosen = list(range(1, 9))
    while (following := math.ceil(1.25 * chosen[-1])) <= 40:
        chosen.append(following)
    return chosen
