"""The decoded gradient over random stragglers: its mean error, its bias and its variance.

Exact by formula for decoders whose coefficients are fixed and for block designs, exact by components where the sets to
be looked at are few (one of each size for repetition and block designs), else sampled with a standard error. What
would take longer than it may is sampled as well, from as many sets as the time allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.alike import alike
from gcopt.checks import check_number
from gcopt.decoding import Decoder
from gcopt.enumeration import Pace, enumerable, enumerated_error, number_of_sets, weighted_sets
from gcopt.errors import InputError
from gcopt.moments import Mean, Moments

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Probability = float | Sequence[float] | None


def mean_error(
    decoder: Decoder,
    *,
    stragglers: int,
    probability: Probability,
    samples: int,
    rng: np.random.Generator,
    seconds: float = inf,
) -> Mean:
    """Return the mean of the decoding error over random stragglers.

    Parameters
    ----------
    decoder : Decoder
        Of one segment.
    stragglers : int
        s: every set of s stragglers is equally likely; not used when ``probability`` is given.
    probability : float, sequence of float (n,) or None
        q: every worker straggles independently with this probability, or each with its own.
    samples : int
        Number of sets drawn where they are too many to enumerate.
    rng : Generator
    seconds : float
        After this time no further set is drawn, but for the first two.

    Raises
    ------
    InputError
        If ``probability`` is impossible.

    Examples
    --------
    >>> import gcopt, numpy as np
    >>> decoder = Decoder(gcopt.families.fractional_repetition(4, 1).segments[0])
    >>> rng = np.random.default_rng(0)
    >>> round(mean_error(decoder, stragglers=2, probability=None, samples=0, rng=rng).value, 9)  # 2/6 lose a pair
    0.666666667
    """
    chances = check_probability(probability, decoder.segment.workers)
    if decoder.segment.is_linear:
        given: dict[str, Any] = {"stragglers": stragglers, "probability": probability, "samples": samples}
        return moments(decoder, **given, rng=rng, seconds=seconds).error
    pace = Pace(seconds)
    if (found := enumerated_error(decoder, stragglers, chances, seconds)) is not None:
        return Mean(found, 0.0, True)
    n = decoder.segment.workers
    return Mean.of([decoder.error(draw(rng, n, stragglers, chances)) for _ in pace.allowed(samples)])


def moments(
    decoder: Decoder,
    *,
    stragglers: int,
    probability: Probability,
    samples: int,
    rng: np.random.Generator,
    seconds: float = inf,
) -> Moments:
    """Return mean and spread of the coefficients R B over random stragglers; parameters are those of `mean_error`.

    Examples
    --------
    >>> import gcopt, numpy as np
    >>> decoder = Decoder(gcopt.families.ignore_stragglers(4, 1).segments[0])
    >>> found = moments(decoder, stragglers=1, probability=None, samples=0, rng=np.random.default_rng(0))
    >>> found.mean.tolist(), round(found.variance, 9), found.exact
    ([[1.0, 1.0, 1.0, 1.0]], 1.333333333, True)
    """
    segment = decoder.segment
    n = segment.workers
    chances = check_probability(probability, n)
    if (found := alike(decoder, stragglers, chances)) is not None:
        return found
    pace = Pace(seconds)
    if not enumerable(n, stragglers, probability):
        return _sampled(decoder, stragglers, chances, samples, rng, pace)
    mean, error, sets = np.zeros_like(segment.target, dtype=segment.encoding.dtype), 0.0, Pace(seconds)
    steps = number_of_sets(n, stragglers, probability)
    for weight, heard in weighted_sets(n, stragglers, chances):
        if sets.too_slow(steps):
            return _sampled(decoder, stragglers, chances, samples, rng, pace)
        decoding = decoder(heard)
        mean += weight * (decoding.matrix @ segment.encoding)
        error += weight * decoding.error
    return Moments(mean, np.zeros(mean.shape), Mean(error, 0.0, True), segment.target)


def check_probability(probability: Probability, workers: int) -> Floats | None:
    """Return the probability of every worker to straggle, shape (n,), or None; refuse what is no probability.

    Examples
    --------
    >>> check_probability(0.25, 2).tolist()
    [0.25, 0.25]
    """
    if probability is None:
        return None
    if isinstance(probability, (list, tuple, np.ndarray)):
        if len(probability) != workers:
            raise InputError(f"probability has {len(probability)} entries; {workers} are needed, one per worker")
        return np.array([check_number(f"probability[{j}]", q, 0.0, 1.0) for j, q in enumerate(probability)])
    return np.full(workers, check_number("probability", probability, 0.0, 1.0))


def draw(rng: np.random.Generator, n: int, stragglers: int, probability: Floats | float | None) -> Bools:
    """Draw one set of responders, bool, shape (n,)."""
    if probability is not None:
        return np.asarray(rng.random(n) >= probability)
    heard = np.ones(n, dtype=bool)
    heard[rng.choice(n, stragglers, replace=False)] = False
    return heard


def _sampled(
    decoder: Decoder, stragglers: int, chances: Floats | None, samples: int, rng: np.random.Generator, pace: Pace
) -> Moments:
    segment = decoder.segment
    sets = (draw(rng, segment.workers, stragglers, chances) for _ in pace.allowed(samples))
    decodings = (decoder(heard) for heard in sets)
    return Moments.of(((segment.encoding, found.matrix, found.error) for found in decodings), segment.target)
