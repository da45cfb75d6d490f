"""The mean decoding error: exact by components where the sets are few, else sampled with a standard error."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from gcopt.decoding import Component, Decoder

_SETS = 60_000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Mean:
    """Expected squared decoding error.

    Attributes
    ----------
    value : float
    stderr : float
        0 when exact.
    exact : bool
    """

    value: float
    stderr: float
    exact: bool


def mean_error(
    decoder: Decoder, *, stragglers: int, probability: float | None, samples: int, rng: np.random.Generator
) -> Mean:
    """Return the mean of the decoding error over random stragglers.

    Parameters
    ----------
    decoder : Decoder
        Of one segment.
    stragglers : int
        s: every set of s stragglers is equally likely; not used when ``probability`` is given.
    probability : float or None
        q: every worker straggles independently with this probability.
    samples : int
        Number of sets drawn where they are too many to enumerate.
    rng : Generator

    Examples
    --------
    >>> import gcopt, numpy as np
    >>> decoder = Decoder(gcopt.families.fractional_repetition(4, 1).segments[0])
    >>> rng = np.random.default_rng(0)
    >>> round(mean_error(decoder, stragglers=2, probability=None, samples=0, rng=rng).value, 9)  # 2/6 lose a pair
    0.666666667
    """
    segment = decoder.segment
    n = segment.workers
    if segment.decoder == "least-squares":
        sizes = [c.workers.size for c in decoder.components]
        most = stragglers if probability is None else n
        if sum(comb(size, t) for size in sizes for t in range(min(size, most) + 1)) <= _SETS:
            return Mean(_by_components(decoder, stragglers, probability), 0.0, True)
    elif probability is None and comb(n, stragglers) <= _SETS:
        errors = [decoder(_without(n, lost)).error for lost in combinations(range(n), stragglers)]
        return Mean(float(np.mean(errors)), 0.0, True)
    drawn = np.array([decoder(draw(rng, n, stragglers, probability)).error for _ in range(samples)])
    return Mean(float(drawn.mean()), float(drawn.std(ddof=1) / np.sqrt(samples)), False)


def draw(rng: np.random.Generator, n: int, stragglers: int, probability: float | None) -> NDArray[np.bool_]:
    """Draw one set of responders, bool, shape (n,)."""
    if probability is not None:
        return np.asarray(rng.random(n) >= probability)
    heard = np.ones(n, dtype=bool)
    heard[rng.choice(n, stragglers, replace=False)] = False
    return heard


def _without(n: int, lost: tuple[int, ...]) -> NDArray[np.bool_]:
    heard = np.ones(n, dtype=bool)
    heard[list(lost)] = False
    return heard


def _by_components(decoder: Decoder, stragglers: int, probability: float | None) -> float:
    segment = decoder.segment
    n = segment.workers
    covered = sum(c.partitions.size for c in decoder.components)
    total = float(segment.blocks * (segment.partitions - covered))
    for component in decoder.components:
        size = component.workers.size
        if probability is None:
            counts = np.arange(min(size, stragglers) + 1)
            weights = hypergeom.pmf(counts, n, size, stragglers)
        else:
            counts = np.arange(size + 1)
            weights = np.array([comb(size, t) * probability**t * (1 - probability) ** (size - t) for t in counts])
        total += float(sum(w * _mean_without(component, int(t)) for t, w in zip(counts, weights, strict=True) if w > 0))
    return total


def _mean_without(component: Component, lost: int) -> float:
    size = component.workers.size
    errors = [component.error(_without(size, s)) for s in combinations(range(size), lost)]
    return float(np.mean(errors))
