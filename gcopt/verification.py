"""What a code promises, recomputed from its matrices alone. No search is trusted: what it finds is evaluated again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.averages import Mean, mean_error
from gcopt.checks import check_count, check_number
from gcopt.code import Claim, GradientCode, Segment
from gcopt.decoding import EXACT, Decoder
from gcopt.errors import LimitError
from gcopt.evaluate import evaluate
from gcopt.solvers.seeding import RngLike, generator, seed_of

_SLACK = 1e-9
_NOISE_SLACK = 1e-6
_SEARCHES = 4  # of a segment, at most: error and noise, searched and sampled


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
        return self.upper is not None and self.upper - self.lower <= _SLACK * max(1.0, abs(self.upper))


@dataclass(frozen=True)
class Check:
    """One claim, measured.

    Attributes
    ----------
    claim : Claim
    measured : float
    status : str
        ``proved``, ``sampled`` (nothing speaks against it, and it is not proved) or ``refuted``.
    method : str
        How it was checked.
    """

    claim: Claim
    measured: float
    status: str
    method: str


@dataclass(frozen=True)
class SegmentReport:
    """Measured values of one segment: worst error, noise amplification, mean error, condition of the worst decoding."""

    share: float
    worst: Interval
    noise: Interval | None
    mean: Mean
    condition: float | None
    load_bound: float


@dataclass(frozen=True)
class Report:
    """Result of `verify`.

    Attributes
    ----------
    code : GradientCode
    checks : tuple of Check
        One for each claim.
    segments : tuple of SegmentReport
    seed : int
    seconds : float
    """

    code: GradientCode
    checks: tuple[Check, ...]
    segments: tuple[SegmentReport, ...]
    seed: int
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether no claim is refuted."""
        return all(check.status != "refuted" for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``gcopt verify --json`` prints."""
        parts = [
            _segment_dict(report, segment) for report, segment in zip(self.segments, self.code.segments, strict=True)
        ]
        top = parts[0] if len(parts) == 1 else _weighted(parts)
        return {
            "schema": "gcopt.verify/1",
            "ok": self.ok,
            "family": self.code.family,
            "workers": self.code.workers,
            "partitions": self.code.partitions,
            "blocks": self.code.blocks,
            "load": self.code.load,
            "replication": self.code.replication,
            "claims": [_check_dict(check) for check in self.checks],
            "worst_case": top["worst_case"],
            "noise": top["noise"],
            "mean": top["mean"],
            "segments": parts,
            "seed": self.seed,
            "seconds": self.seconds,
        }


def verify(
    code: GradientCode,
    *,
    stragglers: int | None = None,
    probability: float | None = None,
    samples: int = 1000,
    seconds: float = 60.0,
    rng: RngLike = 0,
) -> Report:
    """Check every claim of a code and measure what it does, from the matrices alone.

    Parameters
    ----------
    code : GradientCode
        Ours or anybody's (`gcopt.load` reads bare matrices).
    stragglers : int, optional
        s of the worst case; by default what each segment is meant to tolerate, for a bare matrix replication - 1.
    probability : float, optional
        Average over workers that straggle independently with this probability, instead of over sets of s.
    samples : int
        Sets drawn where they cannot be enumerated.
    seconds : float
        Time limit of the searches together.
    rng : None, int, Generator or SeedSequence

    Returns
    -------
    Report

    Raises
    ------
    InputError
        If an argument is impossible.

    Examples
    --------
    >>> import gcopt
    >>> report = verify(gcopt.families.fractional_repetition(12, 3))
    >>> report.ok, [check.status for check in report.checks]
    (True, ['proved', 'proved', 'proved', 'proved'])
    """
    n = code.workers
    if stragglers is not None:
        check_count("stragglers", stragglers, 0, n - 1, f" (fewer than the {n} workers)")
    if probability is not None:
        check_number("probability", probability, 0.0, 1.0)
    check_count("samples", samples, 2)
    check_number("seconds", seconds, 0.0, open_low=True)
    begin = time.perf_counter()
    seed = seed_of(rng)
    measured = _Measured(code, seed, samples, seconds)
    segments = tuple(_segment(measured, c, stragglers, probability) for c in range(len(code.segments)))
    checks = tuple(_CHECKS.get(claim.kind, _check_unknown)(measured, claim) for claim in code.claims)
    return Report(code, checks, segments, seed, time.perf_counter() - begin)


class _Measured:
    """Worst cases of the segments of a code, each computed once."""

    def __init__(self, code: GradientCode, seed: int, samples: int, seconds: float) -> None:
        self.code = code
        self.seed = seed
        self.samples = samples
        self._share = seconds / (_SEARCHES * len(code.segments))
        self._end = time.perf_counter() + seconds
        self.decoders = [Decoder(segment) for segment in code.segments]
        self._known: dict[tuple[str, int, int], Interval] = {}

    def worst(self, objective: str, c: int, s: int) -> Interval:
        key = (objective, c, s)
        if key not in self._known:
            scaled = self.code.segments[c].decoder == "scaled"
            self._known[key] = self._scaled(c, s) if scaled else self._searched(objective, c, s)
        return self._known[key]

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
        worst, tried = decoder(_heard(n, lost)).error, 0
        while tried < self.samples and time.perf_counter() < end:
            other = tuple(sorted(rng.choice(n, s, replace=False).tolist()))
            error, tried = decoder(_heard(n, other)).error, tried + 1
            if error > worst:
                worst, lost = error, other
        return lost, tried

    def _scaled(self, c: int, s: int) -> Interval:
        """Worst case of the constant decoder: proved where no partition is on two workers, else sampled."""
        segment, decoder = self.code.segments[c], self.decoders[c]
        n = segment.workers
        if int(segment.replication.max()) == 1:
            lost = _largest_difference(segment, s)
            value = decoder(_heard(n, lost)).error
            return Interval(s, value, value, lost, "every worker's share of the error is known; the s largest are lost")
        rng = generator(self.seed, c)
        sets = [tuple(rng.choice(n, s, replace=False).tolist()) for _ in range(self.samples)]
        lost = max(sets, key=lambda lost: decoder(_heard(n, lost)).error)
        return Interval(s, decoder(_heard(n, lost)).error, None, lost, f"the worst of {self.samples} random sets")


def _largest_difference(segment: Segment, s: int) -> tuple[int, ...]:
    """Return the s workers whose loss costs most when each partition is on one worker and responders count n/(n-s)."""
    factor = segment.workers / (segment.workers - s)
    weights = segment.encoding
    kept = np.asarray(np.abs(factor * weights.data - 1) ** 2)
    gain = np.zeros(segment.workers)
    np.add.at(gain, np.repeat(np.arange(segment.workers), np.diff(weights.indptr)), 1 - kept)
    return tuple(sorted(np.argsort(-gain, kind="stable")[:s].tolist()))


def _segment(measured: _Measured, c: int, stragglers: int | None, probability: float | None) -> SegmentReport:
    code, segment = measured.code, measured.code.segments[c]
    s = stragglers
    if s is None:
        guess = int(min(segment.replication.min(), segment.workers)) - 1
        s = segment.stragglers if code.claims else max(segment.stragglers, guess, 0)
    worst = measured.worst("error", c, s)
    tolerated = worst.upper is not None and worst.upper <= measured.decoders[c].tolerance
    noise = measured.worst("noise", c, s) if tolerated else None
    mean = _mean(measured, c, worst, tolerated, probability)
    condition = None if noise is None else evaluate(segment, noise.set).condition
    return SegmentReport(
        float(code.shares[c]), worst, noise, mean, condition, segment.partitions * (s + 1) / segment.workers
    )


def _mean(measured: _Measured, c: int, worst: Interval, tolerated: bool, probability: float | None) -> Mean:
    if tolerated and probability is None:
        return Mean(0.0, 0.0, True)
    rng = generator(measured.seed, c)
    decoder = measured.decoders[c]
    return mean_error(decoder, stragglers=worst.stragglers, probability=probability, samples=measured.samples, rng=rng)


def _heard(n: int, lost: tuple[int, ...]) -> NDArray[np.bool_]:
    heard = np.ones(n, dtype=bool)
    heard[list(lost)] = False
    return heard


def _check_exact(measured: _Measured, claim: Claim) -> Check:
    worst = measured.worst("error", claim.segment, claim.stragglers or 0)
    tolerance = measured.decoders[claim.segment].tolerance
    if worst.lower > tolerance:
        return Check(claim, worst.lower, "refuted", f"without workers {list(worst.set)} the error is {worst.lower:.3g}")
    proved = worst.upper is not None and worst.upper <= tolerance
    return Check(claim, worst.lower, "proved" if proved else "sampled", worst.method)


def _check_noise(measured: _Measured, claim: Claim) -> Check:
    worst = measured.worst("noise", claim.segment, claim.stragglers or 0)
    allowed = claim.value * (1 + _SLACK)
    if worst.lower > allowed:
        return Check(claim, worst.lower, "refuted", f"without workers {list(worst.set)} it is {worst.lower:.6g}")
    proved = worst.upper is not None and worst.upper <= allowed
    return Check(claim, worst.lower, "proved" if proved else "sampled", worst.method)


def _check_load(measured: _Measured, claim: Claim) -> Check:
    found = float(measured.code.segments[claim.segment].load.max())
    return Check(claim, found, "proved" if found <= claim.value else "refuted", "counted")


def _check_replication(measured: _Measured, claim: Claim) -> Check:
    found = float(measured.code.segments[claim.segment].replication.min())
    return Check(claim, found, "proved" if found >= claim.value else "refuted", "counted")


def _check_unbiased(measured: _Measured, claim: Claim) -> Check:
    """With coefficients n / (n - s) each worker counts 1 on average, so E R B = T iff the columns of B sum to T's."""
    segment = measured.code.segments[claim.segment]
    if segment.decoder != "scaled":
        return Check(claim, np.nan, "sampled", "only the constant decoder has a check of its mean")
    away = segment.target.sum(axis=0) - np.asarray(segment.encoding.sum(axis=0))
    bias = float(np.abs(away).max())
    return Check(claim, bias, "proved" if bias <= EXACT else "refuted", "columns of the encoding matrix sum to 1")


def _check_unknown(measured: _Measured, claim: Claim) -> Check:
    return Check(claim, np.nan, "sampled", f"nothing here can check a claim called {claim.kind}")


_CHECKS: dict[str, Callable[[_Measured, Claim], Check]] = {
    "exact": _check_exact,
    "noise": _check_noise,
    "load": _check_load,
    "replication": _check_replication,
    "unbiased": _check_unbiased,
}


def _check_dict(check: Check) -> dict[str, Any]:
    claim = check.claim
    return {
        "claim": str(claim),
        "kind": claim.kind,
        "segment": claim.segment,
        "source": claim.source,
        "claimed": claim.value,
        "measured": check.measured,
        "status": check.status,
        "method": check.method,
    }


def _segment_dict(report: SegmentReport, segment: Segment) -> dict[str, Any]:
    worst, noise, mean = report.worst, report.noise, report.mean
    known = worst.lower if worst.upper is None else worst.upper
    return {
        "share": report.share,
        "blocks": segment.blocks,
        "load": int(segment.load.max()),
        "replication": int(segment.replication.min()),
        "load_bound": report.load_bound,
        "worst_case": {
            "stragglers": worst.stragglers,
            "lower": worst.lower,
            "upper": worst.upper,
            "relative": known / (segment.blocks * segment.partitions),
            "certificate": "exact" if worst.exact else "bounds",
            "set": list(worst.set),
            "method": worst.method,
        },
        "noise": None
        if noise is None
        else {"lower": noise.lower, "upper": noise.upper, "set": list(noise.set), "condition": report.condition},
        "mean": {"value": mean.value, "stderr": mean.stderr, "exact": mean.exact},
    }


def _weighted(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the top level of a code with several segments: values weighted by length."""

    def total(key: str, entry: str) -> float | None:
        values = [part[key] and part[key][entry] for part in parts]
        if any(v is None for v in values):
            return None
        return float(sum(part["share"] * v for part, v in zip(parts, values, strict=True)))

    exact = all(part["worst_case"]["certificate"] == "exact" for part in parts)
    worst = {entry: total("worst_case", entry) for entry in ("lower", "upper", "relative")}
    noise = {entry: total("noise", entry) for entry in ("lower", "upper")}
    return {
        "worst_case": {
            "stragglers": min(part["worst_case"]["stragglers"] for part in parts),
            **worst,
            "certificate": "exact" if exact else "bounds",
            "set": None,
            "method": "see the segments",
        },
        "noise": None if noise["lower"] is None else {**noise, "set": None, "condition": None},
        "mean": {
            "value": total("mean", "value"),
            "stderr": total("mean", "stderr"),
            "exact": all(part["mean"]["exact"] for part in parts),
        },
    }
