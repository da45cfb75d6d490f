"""Placements next to a placement: every move keeps the loads and at least s + 1 copies of every partition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_TRIES = 50


def switch(holders: Bools, rng: np.random.Generator) -> bool:
    """Let two workers exchange two partitions of which each held one, in place; whether there were such two.

    Examples
    --------
    >>> holders = np.eye(2, dtype=bool)
    >>> switch(holders, np.random.default_rng(0)), holders.tolist()
    (True, [[False, True], [True, False]])
    """
    for _ in range(_TRIES):
        p, q = rng.integers(holders.shape[1], size=2)
        mine, theirs = holders[:, p] & ~holders[:, q], holders[:, q] & ~holders[:, p]
        if mine.any() and theirs.any():
            _exchange(holders, p, q, _one(mine, rng), _one(theirs, rng))
            return True
    return False


def imitate(holders: Bools, rng: np.random.Generator) -> bool:
    """Give a partition the holders of another one, in place, and others what these drop; whether that went."""
    for _ in range(_TRIES):
        p, q = rng.integers(holders.shape[1], size=2)
        mine, theirs = holders[:, p] & ~holders[:, q], holders[:, q] & ~holders[:, p]
        if mine.any() and mine.sum() == theirs.sum():
            changed = holders.copy()
            pairs = zip(rng.permutation(np.flatnonzero(mine)), np.flatnonzero(theirs), strict=True)
            if all(_hand_over(changed, p, q, old, new, rng) for old, new in pairs):
                holders[:] = changed
                return True
    return False


def shift(holders: Bools, room: Ints, rng: np.random.Generator) -> bool:
    """Move a copy to a worker with room for more, in place; whether there was one."""
    for _ in range(_TRIES if room.any() else 0):
        new, p = _one(room > 0, rng), rng.integers(holders.shape[1])
        if not holders[new, p]:
            holders[_one(holders[:, p], rng), p] = False
            holders[new, p] = True
            return True
    return False


def _hand_over(holders: Bools, p: int, q: int, old: Any, new: Any, rng: np.random.Generator) -> bool:
    """Let ``new`` hold p instead of ``old``, against a partition that is neither p nor q."""
    back = holders[new] & ~holders[old]
    back[[p, q]] = False
    if not back.any():
        return False
    _exchange(holders, p, _one(back, rng), old, new)
    return True


def _exchange(holders: Bools, p: int, q: int, old: int, new: int) -> None:
    holders[old, p] = holders[new, q] = False
    holders[new, p] = holders[old, q] = True


def _one(among: Bools, rng: np.random.Generator) -> int:
    return int(rng.choice(np.flatnonzero(among)))
