"""Mean and spread of what is decoded where all responders count alike: by formula, without a look at any set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from gcopt.code import Segment
from gcopt.decoding import Decoder
from gcopt.decoding.design import Design
from gcopt.decoding.fixed import FIXED, Contributions
from gcopt.moments import Mean, Moments

Floats = NDArray[np.float64]


def alike(decoder: Decoder, stragglers: int, chances: Floats | None, *, over_draws: bool = False) -> Moments | None:
    """Return the moments of a decoder that lets every responder count alike, from those of the set of responders.

    Parameters
    ----------
    decoder : Decoder
    stragglers : int
        s: every set of s is equally likely; not used when ``chances`` are given.
    chances : array, shape (n,), or None
        Probability of each worker to straggle.
    over_draws : bool
        On average over the draws of the code's signs too.

    Returns
    -------
    Moments or None
        None where responders count differently, or where it depends on how many respond and workers straggle with
        unlike probabilities.

    Examples
    --------
    >>> import gcopt
    >>> decoder = Decoder(gcopt.families.ignore_stragglers(4, 1).segments[0])
    >>> round(alike(decoder, 1, None).variance, 9)
    1.333333333
    """
    segment = decoder.segment
    n = segment.workers
    added = Contributions.over_draws(segment) if over_draws else None
    if segment.decoder == "sum" and chances is not None:
        return _second(segment, added, 1.0 - chances, 1.0 - chances, None)
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
    return _second(segment, added, first * one, float(square.sum()) / n * one, pairs)


def _weight(decoder: Decoder, heard: NDArray[np.int64]) -> Floats | None:
    """Return what each of so many responders counts, shape of ``heard``; None where they count differently."""
    segment = decoder.segment
    if segment.is_linear:
        return FIXED[segment.decoder](segment).factors(heard)
    whole = decoder.components[0] if len(decoder.components) == 1 else None
    if whole is None or segment.blocks > 1 or whole.workers.size < segment.workers:
        return None
    if whole.kind is not Design or np.iscomplexobj(segment.encoding):
        return None
    design = Design(whole.matrix, 1)
    return np.asarray(design.weight(heard)[:, 0])


def _second(
    segment: Segment, added: Contributions | None, first: Floats, alone: Floats, pairs: float | None
) -> Moments:
    """Moments from E[r_j], E[r_j^2] and E[r_i r_j] of the weights r; ``pairs`` None means independent."""
    added = added or Contributions.of(segment)
    mean = np.asarray(first @ added.mean)
    own = np.asarray(abs(added.mean).power(2).sum(axis=1))
    if pairs is None:  # the variance is that of each worker by itself
        variance = float((alone * added.squares - first**2 * own).sum())
        error = float(np.sum(np.abs(mean - added.target) ** 2)) + variance
    else:
        column = np.asarray(added.mean.sum(axis=0))
        square = float((alone * added.squares).sum() + pairs * (np.sum(np.abs(column) ** 2) - own.sum()))
        error = square - 2.0 * float(np.real(mean) @ added.target) + float(added.target.sum())
    shape = segment.target.shape
    return Moments(mean.reshape(shape), np.zeros(shape), Mean(max(error, 0.0), 0.0, True), segment.target)
