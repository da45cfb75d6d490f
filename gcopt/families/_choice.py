"""Codes of random coefficients: the best of several draws, and what is promised once all sets were looked at."""

from __future__ import annotations

from collections.abc import Iterable
from math import comb

import numpy as np

from gcopt.code import Claim, Segment
from gcopt.decoding import Decoder
from gcopt.enumeration import enumerated_error
from gcopt.solvers.seeding import generator

SETS = 40
"""Random sets of stragglers on which draws are compared, the same for all."""

_COMPUTED = 5000  # sets of stragglers up to which all are looked at
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


def computed_claims(segment: Segment) -> list[Claim]:
    """Return that nothing is lost when everybody answers, where that is so, and the mean error where sets are few.

    Instead of a mean of 0 it is promised that the code is exact.

    Examples
    --------
    >>> [str(claim) for claim in computed_claims(Segment(np.ones((3, 2)), stragglers=1))]
    ['exact for every set of 0 stragglers', 'exact for every set of 1 stragglers']
    """
    decoder, s, found = Decoder(segment), segment.stragglers, []
    if decoder.decodes(np.ones(segment.workers, dtype=bool)):
        found.append(Claim("exact", 0.0, "computed: everybody answers", stragglers=0))
    mean = enumerated_error(decoder, s, None) if s and comb(segment.workers, s) <= _COMPUTED else None
    if mean is not None and mean <= decoder.tolerance:
        found.append(Claim("exact", 0.0, "computed: all sets of stragglers", stragglers=s))
    elif mean is not None:
        found.append(Claim("mean", mean, "computed: all sets of stragglers", stragglers=s))
    return found


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
