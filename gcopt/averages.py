"""The decoded gradient over random stragglers: its mean error, its bias and its variance.

Exact by formula for decoders whose coefficients are fixed and for block designs, exact by components where the sets to
be looked at are few (one of each size for repetition and block designs), else sampled with a standard error. What
would take longer than it may is sampled as well, from as many sets as the time allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from gcopt.checks import check_number
from gcopt.code import Segment
from gcopt.decoding import Decoder
from gcopt.decoding.design import Design
from gcopt.enumeration import Pace, enumerable, enumerated_error, number_of_sets, weighted_sets
from gcopt.errors import InputError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Probability = float | Sequence[float] | None


@dataclass(frozen=True)
class Mean:
    """Expected squared decoding error.

    Attributes
    ----------
    value : float
    stderr : float
        0 when exact.
    exact : bool
    sets : int
        How many sets were drawn; 0 when exact.
    """

    value: float
    stderr: float
    exact: bool
    sets: int = 0


@dataclass(frozen=True, eq=False)
class Moments:
    """What the decoder multiplies the partial gradients with, on average over random stragglers.

    Attributes
    ----------
    mean : array, shape (m, m k)
        E[R B]; the estimate is unbiased when it is the target T.
    stderr : array, shape (m, m k)
        Of each entry; 0 when exact.
    error : Mean
        E ||R B - T||^2, which is ``bias + variance``.
    exact : bool
    """

    mean: NDArray[Any]
    stderr: Floats
    error: Mean
    target: Floats

    @property
    def exact(self) -> bool:
        """Whether nothing was sampled."""
        return self.error.exact

    @property
    def bias(self) -> float:
        """||E[R B] - T||^2."""
        return float(np.sum(np.abs(self.mean - self.target) ** 2))

    @property
    def variance(self) -> float:
        """E ||R B - E[R B]||^2."""
        return max(0.0, self.error.value - self.bias)

    @property
    def factor(self) -> float:
        """Alpha: the multiple of T that is nearest to the mean; dividing the estimate by it removes that much bias."""
        return float(np.real(np.sum(self.mean * self.target)) / self.target.sum())

    @property
    def crooked(self) -> float:
        """||E[R B] - alpha T||^2: bias that no factor removes."""
        return float(np.sum(np.abs(self.mean - self.factor * self.target) ** 2))


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
    return _mean([decoder.error(draw(rng, n, stragglers, chances)) for _ in pace.allowed(samples)])


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
    if (found := _alike(decoder, stragglers, chances)) is not None:
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
    total = np.zeros_like(segment.target, dtype=segment.encoding.dtype)
    squares, errors = np.zeros(total.shape), []
    for _ in pace.allowed(samples):
        decoding = decoder(draw(rng, segment.workers, stragglers, chances))
        coefficients = np.asarray(decoding.matrix @ segment.encoding)
        total += coefficients
        squares += np.abs(coefficients) ** 2
        errors.append(decoding.error)
    drawn = len(errors)
    mean = total / drawn
    spread = np.maximum(squares / drawn - np.abs(mean) ** 2, 0.0) / (drawn - 1)
    return Moments(mean, np.sqrt(spread), _mean(errors), segment.target)


def _mean(errors: Sequence[float]) -> Mean:
    found = np.array(errors)
    return Mean(float(found.mean()), float(found.std(ddof=1) / np.sqrt(found.size)), False, found.size)


def _alike(decoder: Decoder, stragglers: int, chances: Floats | None) -> Moments | None:
    """Moments of a decoder that gives every responder the same coefficient, from those of the set of responders.

    None where there is no such coefficient, or where it depends on how many respond and workers are unlike each other.
    """
    segment = decoder.segment
    n = segment.workers
    if segment.decoder == "sum" and chances is not None:
        return _second(segment, 1.0 - chances, 1.0 - chances, None)
    if chances is None:
        heard, share = np.array([n - stragglers]), np.ones(1)
    elif np.ptp(chances) == 0.0:
        heard = np.arange(1, n + 1)
        share = binom.pmf(heard, n, 1.0 - chances[0])
    else:
        return None
    weight = _weight(decoder, heard)
    if weight is None:
        return None
    one, square = np.ones(n), share * weight**2 * heard
    first = float((share * weight * heard).sum()) / n
    pairs = float((square * (heard - 1)).sum()) / max(1, n * (n - 1))
    return _second(segment, first * one, float(square.sum()) / n * one, pairs)


def _weight(decoder: Decoder, heard: NDArray[np.int64]) -> Floats | None:
    """Return what each of so many responders counts, shape of ``heard``; None where they count differently."""
    segment = decoder.segment
    if segment.decoder == "sum":
        return np.ones(heard.size)
    if segment.decoder == "scaled":
        return np.asarray(segment.workers / heard)
    whole = decoder.components[0] if len(decoder.components) == 1 else None
    if whole is None or segment.blocks > 1 or whole.workers.size < segment.workers:
        return None
    if whole.kind is not Design or np.iscomplexobj(segment.encoding):
        return None
    design = Design(whole.matrix, 1)
    return np.asarray(design.weight(heard)[:, 0])


def _second(segment: Segment, first: Floats, alone: Floats, pairs: float | None) -> Moments:
    """Moments from E[r_j], E[r_j^2] and E[r_i r_j] of the coefficients r; ``pairs`` None means independent."""
    rows = segment.encoding
    squares = np.asarray(abs(rows).power(2).sum(axis=1))
    mean = np.asarray(first @ rows)[None, :]
    if pairs is None:  # the variance is that of each worker by itself
        variance = float(((alone - first**2) * squares).sum())
        error = float(np.sum(np.abs(mean - segment.target) ** 2)) + variance
    else:
        column = np.asarray(rows.sum(axis=0))
        square = float((alone * squares).sum() + pairs * (np.sum(np.abs(column) ** 2) - squares.sum()))
        error = square - 2.0 * float(np.real(mean).sum()) + segment.partitions
    return Moments(mean, np.zeros(mean.shape), Mean(max(error, 0.0), 0.0, True), segment.target)
