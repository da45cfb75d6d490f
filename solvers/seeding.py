"""Randomness in one place: every random choice descends from one stored integer seed (SPEC 7, keyword ``rng``)."""

from __future__ import annotations

import numpy as np

from .errors import InputError

RngLike = None | int | np.integer | np.random.Generator | np.random.SeedSequence


def seed_of(rng: RngLike) -> int:
    """Return the integer seed that stands for ``rng``; a Generator is advanced by one draw.

    Parameters
    ----------
    rng : None, int, Generator or SeedSequence
        None draws fresh entropy from the operating system.

    Raises
    ------
    InputError
        If ``rng`` is none of these or negative.

    Examples
    --------
    >>> seed_of(7)
    7
    """
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(2**63))
    if isinstance(rng, np.random.SeedSequence):
        return int(rng.generate_state(1, np.uint64)[0] >> np.uint64(1))
    if rng is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> np.uint64(1))
    if isinstance(rng, (int, np.integer)) and not isinstance(rng, bool) and rng >= 0:
        return int(rng)
    raise InputError(f"rng is {rng!r}; an integer >= 0, a numpy Generator, a SeedSequence or None would work")


def generator(seed: int, *stream: int) -> np.random.Generator:
    """Return the generator of one stream below a seed; equal arguments give equal draws everywhere.

    Examples
    --------
    >>> bool(generator(3, 1).random() == generator(3, 1).random())
    True
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=stream))
