"""What waiting by a rule on a cluster costs in accuracy: whose answers are used, and what they decode to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from gcopt.arrivals import arrivals
from gcopt.decoding import Fresh
from gcopt.waiting import Bools, Floats, Waiting

if TYPE_CHECKING:
    from gcopt.cluster import Cluster

_DRAWS = 2000
_WORK = 4_000_000  # decoding a set of n workers takes about n^2 steps
_FEWEST = 20


@dataclass(frozen=True)
class Inexactness:
    """Squared decoding error of an iteration, relative to m k; segments count by their lengths.

    Attributes
    ----------
    mean, stderr, max : float
        0 where every iteration is decoded exactly, inf where none is decoded at all.
    """

    mean: float
    stderr: float
    max: float

    def to_dict(self) -> dict[str, float]:
        """Return the numbers by name."""
        return asdict(self)


def draws_for(workers: int) -> int:
    """Return how many sets of responders are worth decoding for an average.

    Examples
    --------
    >>> draws_for(10), draws_for(100), draws_for(10_000)
    (2000, 400, 20)
    """
    return max(_FEWEST, min(_DRAWS, _WORK // workers**2))


def responders(waiting: Waiting, cluster: Cluster, rng: np.random.Generator) -> Bools:
    """Draw whose messages iterations on a cluster use, shape (iterations, segments, n); without those that fail."""
    times = cluster.sample(draws_for(waiting.code.workers), rng)
    arrived = arrivals(waiting.code, cluster, times)
    done = np.isfinite(waiting.until(arrived)).all(axis=1)
    return waiting.heard(arrived[done])


def decoded(waiting: Waiting, segment: int, heard: Bools) -> tuple[Floats, Floats]:
    """Decode sets of responders of one segment, shape (iterations, n), equal ones once, or each in a draw of its own.

    Returns
    -------
    errors : array, shape (iterations,)
        Squared error relative to m k; 0 where the set decodes exactly.
    factors : array, shape (iterations,)
        The multiple of the gradient that is nearest to what is decoded.
    """
    decoder, redrawn = waiting.decoders[segment], waiting.code.segments[segment].signs is not None
    target = decoder.segment.target
    sets, place = (heard, np.arange(len(heard))) if redrawn else np.unique(heard, axis=0, return_inverse=True)
    found = np.zeros((2, len(sets)))
    for i, one in enumerate(sets):
        if redrawn:
            decoder = Fresh(decoder.segment.at(i))
        decoding = decoder(one)
        exact = decoding.error <= decoder.tolerance
        weights = target if exact else np.real(decoding.matrix @ decoder.segment.encoding)
        found[:, i] = 0.0 if exact else decoding.error / target.sum(), np.sum(weights * target) / target.sum()
    errors, factors = found[:, place.ravel()]
    return errors, factors


def decoding_error(waiting: Waiting, cluster: Cluster, rng: np.random.Generator) -> Inexactness:
    """Estimate the decoding error of an iteration on a cluster.

    Examples
    --------
    >>> import gcopt
    >>> cluster = gcopt.Cluster(4, gcopt.delays.Delay("exponential", {"rate": 1.0}))
    >>> found = decoding_error(Waiting(gcopt.families.ignore_stragglers(4, 1)), cluster, np.random.default_rng(0))
    >>> round(found.mean, 9), round(found.max, 9), found.stderr < 1e-9  # (1 + 3 / 9) / 4, whoever is last
    (0.333333333, 0.333333333, True)
    """
    segments = range(len(waiting.code.segments))
    if not waiting.gives_in and all(waiting.kind(c) == "exact" for c in segments):
        return Inexactness(0.0, 0.0, 0.0)
    heard = responders(waiting, cluster, rng)
    if not len(heard):
        return Inexactness(np.inf, np.inf, np.inf)
    errors = sum(share * decoded(waiting, c, heard[:, c])[0] for c, share in enumerate(waiting.code.shares))
    spread = float(np.std(errors, ddof=1) / np.sqrt(len(errors))) if len(errors) > 1 else np.inf
    return Inexactness(float(np.mean(errors)), spread, float(np.max(errors)))
