"""Worst cases and means of a code, each computed once, for the verdicts on its claims. No search is trusted."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.averages import Probability, mean_error, moments
from gcopt.code import GradientCode, Segment
from gcopt.decoding import Decoder
from gcopt.decoding.fixed import FIXED
from gcopt.errors import LimitError
from gcopt.evaluate import evaluate
from gcopt.moments import Mean, Moments
from gcopt.redrawn import mean_over_draws, moments_over_draws
from gcopt.solvers.seeding import generator

SLACK = 1e-9
_NOISE_SLACK = 1e-6
_SEARCHES = 4  # of a segment, at most: error and noise, searched and sampled; means share what is left
_SETS = 20_000

_Key = tuple[int, int, float | tuple[float, ...] | None, bool]


@dataclass(frozen=True)
class Interval:
    """A worst case over all sets of s stragglers: what was found and what is proved.

    Attributes
    ----------
    stragglers : int
    lower : float
        Value of the set found, by plain least squares.
    upper : float or None
        Proven bound; None where nothing is proved.
    set : tuple of int
        The stragglers that give ``lower``.
    method : str
        How the bound was proved.
    """

    stragglers: int
    lower: float
    upper: float | None
    set: tuple[int, ...]
    method: str

    @property
    def exact(self) -> bool:
        """Whether the bound is met."""
        return self.upper is not None and self.upper - self.lower <= SLACK * max(1.0, abs(self.upper))


class Measured:
    """Worst cases and means of the segments of a code, each computed once.

    Parameters
    ----------
    code : GradientCode
    seed : int
    samples : int
        Sets drawn where they cannot be enumerated.
    seconds : float
        Time limit of searches and samples together.
    """

    def __init__(self, code: GradientCode, seed: int, samples: int, seconds: float) -> None:
        self.code = code
        self.seed = seed
        self.samples = samples
        self._share = seconds / (_SEARCHES * len(code.segments))
        self._end = time.perf_counter() + seconds
        self.decoders = [Decoder(segment) for segment in code.segments]
        self._known: dict[tuple[str, int, int], Interval] = {}
        self._means: dict[_Key, Mean] = {}
        self._moments: dict[_Key, Moments] = {}

    def worst(self, objective: str, c: int, s: int) -> Interval:
        """Return the worst ``error`` or ``noise`` of segment c without s workers."""
        key = (objective, c, s)
        if key not in self._known:
            linear = self.code.segments[c].is_linear
            self._known[key] = self._linear(objective, c, s) if linear else self._searched(objective, c, s)
        return self._known[key]

    def mean(self, c: int, s: int, probability: Probability, *, over_draws: bool = False) -> Mean:
        """Return the mean error of segment c over random sets of s, or independent stragglers, perhaps over its draws.

        Where a segment draws no signs there is nothing but itself to average over.
        """
        key = self._key(c, s, probability, over_draws)
        if key not in self._means:
            drawn = self._drawn(c, s, key[2])
            found = mean_over_draws(self.code.segments[c], **drawn) if key[3] else mean_error(self.decoders[c], **drawn)
            self._means[key] = found
        return self._means[key]

    def moments(self, c: int, s: int, probability: Probability, *, over_draws: bool = False) -> Moments:
        """Return mean and spread of the decoded coefficients of segment c, likewise."""
        key = self._key(c, s, probability, over_draws)
        if key not in self._moments:
            drawn = self._drawn(c, s, key[2])
            found = moments_over_draws(self.code.segments[c], **drawn) if key[3] else moments(self.decoders[c], **drawn)
            self._moments[key] = found
        return self._moments[key]

    def _key(self, c: int, s: int, probability: Probability, over_draws: bool) -> _Key:
        """Return what a mean is kept under."""
        several = over_draws and self.code.segments[c].signs is not None
        if isinstance(probability, (list, tuple, np.ndarray)):
            return c, s, tuple(float(q) for q in probability), several
        return c, s, probability, several  # type: ignore[return-value]

    def seconds_for_means(self, c: int) -> float:
        """Return the time for one mean over sets of stragglers of segment c: half of what is left for this segment."""
        left = self._end - time.perf_counter()
        return max(self._share / _SEARCHES, left / (2 * (len(self.code.segments) - c)))

    def _drawn(self, c: int, s: int, probability: Probability) -> dict[str, Any]:
        """Return how a mean over sets of stragglers of segment c is to be taken."""
        about = {"stragglers": s, "probability": probability, "samples": self.samples}
        return {**about, "rng": generator(self.seed, c), "seconds": self.seconds_for_means(c)}

    def _seconds(self, objective: str, c: int) -> float:
        """Return the time for one search in segment c: its share, for promises also of what was left over before."""
        if objective == "noise" and not any(k.kind == "noise" and k.segment == c for k in self.code.claims):
            return self._share
        left = self._end - time.perf_counter()
        return max(self._share, left / (_SEARCHES * (len(self.code.segments) - c)))

    def _searched(self, objective: str, c: int, s: int) -> Interval:
        from gcopt.solvers.adversary import WorstCase

        segment = self.code.segments[c]
        solver = WorstCase(objective=objective, seconds=self._seconds(objective, c))
        try:
            found = solver.solve(segment.encoding, blocks=segment.blocks, stragglers=s, rng=self.seed)
        except LimitError as error:
            lost, tried = self._sampled(c, s, tuple(range(s)))
            value = evaluate(segment, lost)
            lower = value.error if objective == "error" else value.noise
            return Interval(s, lower, None, lost, f"{error}; {tried + 1:,} sets tried")
        plain = evaluate(segment, found.set)
        lower = plain.error if objective == "error" else plain.noise
        bound = np.inf if found.bound is None else float(found.bound)
        slack = _NOISE_SLACK * bound if np.isfinite(bound) else 0.0
        allowed = self.decoders[c].tolerance if objective == "error" else slack
        if lower > bound + allowed:  # a proof about exact arithmetic says nothing where rounding destroys the decoding
            method = f"{found.method}: {bound:.3g}, but plain least squares loses more to rounding"
            return Interval(s, lower, None, found.set, method)
        if bound > lower + allowed:
            lost, tried = self._sampled(c, s, found.set) if objective == "error" else (found.set, 0)
            lower = max(lower, evaluate(segment, lost).error) if tried else lower
            method = f"{found.method}; {found.evaluated + tried + 1:,} sets tried"
            return Interval(s, lower, max(lower, bound) if np.isfinite(bound) else None, lost, method)
        return Interval(s, lower, max(lower, bound), found.set, found.method)

    def _sampled(self, c: int, s: int, lost: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
        """Return the worst of this set and random ones, and how many of those the time allowed."""
        decoder, n = self.decoders[c], self.code.workers
        rng, end = generator(self.seed, c), time.perf_counter() + self._seconds("error", c)
        worst, tried = decoder.error(_heard(n, lost)), 0
        while tried < self.samples and time.perf_counter() < end:
            other = tuple(sorted(rng.choice(n, s, replace=False).tolist()))
            error, tried = decoder.error(_heard(n, other)), tried + 1
            if error > worst:
                worst, lost = error, other
        return lost, tried

    def _linear(self, objective: str, c: int, s: int) -> Interval:
        """Worst case with fixed coefficients, which are evaluated again by the decoder."""
        from gcopt.solvers.fixed_adversary import FixedWorstCase

        segment = self.code.segments[c]
        if objective == "noise":
            return _heaviest(segment, s)
        rule = FIXED[segment.decoder](segment)
        added, weight = rule.contributions, float(rule.factors(segment.workers - s))
        solver = FixedWorstCase(seconds=self._seconds(objective, c))
        found = solver.solve(added.mean, stragglers=s, target=added.target, weight=weight, rng=self.seed)
        lower = self.decoders[c](_heard(segment.workers, found.set)).error
        bound = lower if found.bound is None or found.bound <= found.value else found.bound
        return Interval(s, lower, max(lower, bound), found.set, found.method)


def _heaviest(segment: Segment, s: int) -> Interval:
    """Return the noise of fixed coefficients, which is worst when those are heard whose rows are longest."""
    rule = FIXED[segment.decoder](segment)
    squares = rule.contributions.squares
    lost = np.argsort(squares, kind="stable")[:s]
    factor, size = float(rule.factors(segment.workers - s)), segment.blocks * segment.partitions
    value = float(factor * np.sqrt(max(0.0, squares.sum() - squares[lost].sum()) / size))
    return Interval(s, value, value, tuple(sorted(lost.tolist())), "the longest rows are heard")


def _heard(n: int, lost: tuple[int, ...]) -> NDArray[np.bool_]:
    heard = np.ones(n, dtype=bool)
    heard[list(lost)] = False
    return heard
