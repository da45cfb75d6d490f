"""Averages over the draws of a code that draws its signs anew in every iteration, and over its stragglers.

By formula where all responders count alike, else from pairs of a draw and a set of responders, each drawn once.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

import numpy as np

from gcopt.alike import alike
from gcopt.averages import Probability, check_probability, draw
from gcopt.code import Segment
from gcopt.decoding import Decoder, Decoding, Fresh
from gcopt.enumeration import Pace
from gcopt.moments import Mean, Moments

DRAWS = 2**31
"""Draws are looked at as if there were so many."""


def mean_over_draws(
    segment: Segment,
    *,
    stragglers: int,
    probability: Probability,
    samples: int,
    rng: np.random.Generator,
    seconds: float = inf,
) -> Mean:
    """Return the mean of the decoding error over random stragglers and the draws of a segment.

    Parameters
    ----------
    segment : Segment
        With ``signs``.
    stragglers, probability, samples, rng, seconds
        As for `gcopt.averages.mean_error`.

    Raises
    ------
    InputError
        If ``probability`` is impossible.

    Examples
    --------
    >>> import gcopt
    >>> fano = {"family": "circulant", "workers": 7, "stragglers": 1, "shifts": [0, 1, 3]}
    >>> code = gcopt.families.random_signs(fano, 2, 0, decoder="one-step", rng=0)
    >>> found = mean_over_draws(
    ...     code.segments[0], stragglers=0, probability=None, samples=0, rng=np.random.default_rng(0)
    ... )
    >>> round(found.value, 9), found.exact
    (3.5, True)
    """
    chances = check_probability(probability, segment.workers)
    if (found := _by_formula(segment, stragglers, chances)) is not None:
        return found.error
    drawn = _decodings(segment, stragglers, chances, samples, rng, seconds)
    return Mean.of([decoding.error for _, decoding in drawn])


def moments_over_draws(
    segment: Segment,
    *,
    stragglers: int,
    probability: Probability,
    samples: int,
    rng: np.random.Generator,
    seconds: float = inf,
) -> Moments:
    """Return mean and spread of R B over random stragglers and draws; parameters are those of `mean_over_draws`."""
    chances = check_probability(probability, segment.workers)
    if (found := _by_formula(segment, stragglers, chances)) is not None:
        return found
    drawn = _decodings(segment, stragglers, chances, samples, rng, seconds)
    return Moments.of(((one.encoding, decoding.matrix, decoding.error) for one, decoding in drawn), segment.target)


def _by_formula(segment: Segment, stragglers: int, chances: np.ndarray | None) -> Moments | None:
    if not segment.is_linear:
        return None
    return alike(Decoder(segment), stragglers, chances, over_draws=True)


def _decodings(
    segment: Segment,
    stragglers: int,
    chances: np.ndarray | None,
    samples: int,
    rng: np.random.Generator,
    seconds: float,
) -> Iterator[tuple[Segment, Decoding]]:
    for _ in Pace(seconds).allowed(samples):
        one = segment.at(int(rng.integers(DRAWS)))
        yield one, Fresh(one)(draw(rng, segment.workers, stragglers, chances))
