"""Worst cases and means of a code, each computed once, for the verdicts on its claims. No search is trusted."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from gcopt.averages import Mean, Moments, Probability, mean_error, moments
from gcopt.code import GradientCode, Segment
from gcopt.decoding import Decoder
from gcopt.errors import LimitError
from gcopt.evaluate import evaluate
from gcopt.solvers.seeding import generator

SLACK = 1e-9
_NOISE_SLACK = 1e-6
_SEARCHES = 4  # of a segment, at most: error and noise, searched and sampled
_SETS = 20_000

_Key = tuple[int, int, float | tuple[float, ...] | None]


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
        Time limit of the searches together.
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
            self._known[key] = self._linear(c, s) if linear else self._searched(objective, c, s)
        return self._known[key]

    def mean(self, c: int, s: int, probability: Probability) -> Mean:
        """Return the mean error of segment c over random sets of s, or independent stragglers."""
        key = _key(c, s, probability)
        if key not in self._means:
            rng, decoder = generator(self.seed, c), self.decoders[c]
            self._means[key] = mean_error(decoder, stragglers=s, probability=key[2], samples=self.samples, rng=rng)
        return self._means[key]

    def moments(self, c: int, s: int, probability: Probability) -> Moments:
        """Return mean and spread of the decoded coefficients of segment c, likewise."""
        key = _key(c, s, probability)
        if key not in self._moments:
            rng, decoder = generator(self.seed, c), self.decoders[c]
            self._moments[key] = moments(decoder, stragglers=s, probability=key[2], samples=self.samples, rng=rng)
        return self._moments[key]

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

    def _linear(self, c: int, s: int) -> Interval:
        """Worst case with fixed coefficients: proved if no partition is on two workers or sets are few."""
        segment, decoder = self.code.segments[c], self.decoders[c]
        n = segment.workers
        if int(segment.replication.max()) == 1:
            lost = _largest_difference(segment, s)
            value = decoder(_heard(n, lost)).error
            return Interval(s, value, value, lost, "every worker's share of the error is known; the s largest are lost")
        if (sets := comb(n, s)) <= _SETS:
            lost = max(combinations(range(n), s), key=lambda lost: _fixed_error(segment, lost))
            value = decoder(_heard(n, lost)).error
            return Interval(s, value, value, lost, f"all {sets:,} sets")
        rng = generator(self.seed, c)
        tried = [tuple(rng.choice(n, s, replace=False).tolist()) for _ in range(self.samples)]
        lost = max(tried, key=lambda lost: _fixed_error(segment, lost))
        return Interval(s, decoder(_heard(n, lost)).error, None, lost, f"the worst of {self.samples} random sets")


def _fixed_error(segment: Segment, lost: tuple[int, ...]) -> float:
    """Return the error without these workers where everybody else has the same coefficient."""
    factor = segment.workers / (segment.workers - len(lost)) if segment.decoder == "scaled" else 1.0
    rows = segment.encoding
    return float(np.sum(np.abs(factor * (_heard(segment.workers, lost) @ rows) - 1.0) ** 2))


def _key(c: int, s: int, probability: Probability) -> _Key:
    """Return what a mean is kept under."""
    if isinstance(probability, (list, tuple, np.ndarray)):
        return c, s, tuple(float(q) for q in probability)
    return c, s, probability  # type: ignore[return-value]


def _largest_difference(segment: Segment, s: int) -> tuple[int, ...]:
    """Return the s workers whose loss costs most where each partition is on one worker and coefficients are fixed."""
    factor = segment.workers / (segment.workers - s) if segment.decoder == "scaled" else 1.0
    weights = segment.encoding
    kept = np.asarray(np.abs(factor * weights.data - 1) ** 2)
    gain = np.zeros(segment.workers)
    np.add.at(gain, np.repeat(np.arange(segment.workers), np.diff(weights.indptr)), 1 - kept)
    return tuple(sorted(np.argsort(-gain, kind="stable")[:s].tolist()))


def _heard(n: int, lost: tuple[int, ...]) -> NDArray[np.bool_]:
    heard = np.ones(n, dtype=bool)
    heard[list(lost)] = False
    return heard
