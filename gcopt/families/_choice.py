"""The best of several draws of a code."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gcopt.code import Segment
from gcopt.decoding import Decoder
from gcopt.solvers.seeding import generator

SETS = 40
"""Random sets of stragglers on which draws are compared, the same for all."""

_STREAM = 2**31  # draws of the codes themselves have smaller numbers


def best_segment(segments: Iterable[Segment], seed: int, sets: int = SETS) -> Segment:
    """Return the segment with the least mean error, then the least worst, then the least noise, on random sets.

    Each loses the stragglers that it is meant to lose.

    Parameters
    ----------
    segments : iterable of Segment
        With equally many workers and stragglers.
    seed : int
        Of the sets.
    sets : int

    Examples
    --------
    >>> weak, sound = Segment(np.eye(2), stragglers=1), Segment(np.ones((2, 2)), stragglers=1)
    >>> best_segment([weak, sound], seed=0) is sound
    True
    """
    return min(segments, key=lambda segment: _mark(segment, seed, sets))


def _mark(segment: Segment, seed: int, sets: int) -> tuple[float, float, float]:
    draws, decoder = generator(seed, _STREAM), Decoder(segment)
    lengths = np.asarray(abs(segment.encoding).power(2).sum(axis=1))
    errors, noises = [], []
    for _ in range(sets if segment.stragglers else 1):
        heard = np.ones(segment.workers, dtype=bool)
        heard[draws.choice(segment.workers, segment.stragglers, replace=False)] = False
        found = decoder(heard)
        errors.append(0.0 if found.error <= decoder.tolerance else found.error)
        noises.append(float(np.sum(np.abs(found.matrix) ** 2 * lengths)))
    return float(np.mean(errors)), max(errors), float(np.mean(noises))
