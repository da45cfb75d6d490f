"""What a code promises, recomputed from its matrices alone. No search is trusted: what it finds is evaluated again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gcopt.averages import Probability, check_probability
from gcopt.checks import check_count, check_number
from gcopt.code import GradientCode, Segment
from gcopt.decoding import Explanation
from gcopt.evaluate import evaluate
from gcopt.measuring import Interval, Measured
from gcopt.moments import Mean
from gcopt.solvers.seeding import RngLike, seed_of
from gcopt.verdicts import Check, verdict

if TYPE_CHECKING:
    from gcopt.bounds import Examination

__all__ = ["Check", "Interval", "Report", "SegmentReport", "verify"]


@dataclass(frozen=True)
class SegmentReport:
    """One segment: worst error, noise amplification, mean error, condition of the worst decoding; what decodes it."""

    share: float
    worst: Interval
    noise: Interval | None
    mean: Mean
    condition: float | None
    load_bound: float
    decoders: tuple[Explanation, ...]


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
    bounds : Examination or None
        What published bounds say about the code, where that was asked for.
    """

    code: GradientCode
    checks: tuple[Check, ...]
    segments: tuple[SegmentReport, ...]
    seed: int
    seconds: float
    bounds: Examination | None = None

    @property
    def ok(self) -> bool:
        """Whether no claim is refuted and no bound violated."""
        return all(check.status != "refuted" for check in self.checks) and (self.bounds is None or self.bounds.ok)

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
            "compressor": None if self.code.compressor is None else str(self.code.compressor),
            "claims": [_check_dict(check) for check in self.checks],
            "worst_case": top["worst_case"],
            "noise": top["noise"],
            "mean": top["mean"],
            "segments": parts,
            "bounds": None if self.bounds is None else self.bounds.to_list(),
            "seed": self.seed,
            "seconds": self.seconds,
        }


def verify(
    code: GradientCode,
    *,
    stragglers: int | None = None,
    probability: Probability = None,
    samples: int = 1000,
    seconds: float = 60.0,
    bounds: bool = False,
    rng: RngLike = 0,
) -> Report:
    """Check every claim of a code and measure what it does, from the matrices alone.

    Parameters
    ----------
    code : GradientCode
        Ours or anybody's (`gcopt.load` reads bare matrices).
    stragglers : int, optional
        s of the worst case; by default what each segment is meant to tolerate, for a bare matrix replication - 1.
    probability : float or sequence of float (n,), optional
        Average over workers that straggle independently with this probability, or each with its own, instead of over
        sets of s.
    samples : int
        Sets drawn where they cannot be enumerated.
    seconds : float
        Time limit of searches and samples together. Factoring a large matrix may take longer, and at least two sets are
        drawn for a mean.
    bounds : bool
        Whether to hold every published bound of `gcopt.bounds` that applies against what is measured.
    rng : None, int, Generator or SeedSequence

    Returns
    -------
    Report
        Of a code that draws signs, means are over its draws, and worst cases those of the draw that its matrix is of.

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
    check_probability(probability, n)
    check_count("samples", samples, 2)
    check_number("seconds", seconds, 0.0, open_low=True)
    begin = time.perf_counter()
    seed = seed_of(rng)
    measured = Measured(code, seed, samples, seconds)
    segments = tuple(_segment(measured, c, stragglers, probability) for c in range(len(code.segments)))
    checks = tuple(verdict(measured, claim) for claim in code.claims)
    found = None
    if bounds:
        from gcopt.bounds import Case, examine

        found = examine(Case(measured, segments[0].worst.stragglers, probability))
    return Report(code, checks, segments, seed, time.perf_counter() - begin, found)


def _segment(measured: Measured, c: int, stragglers: int | None, probability: Probability) -> SegmentReport:
    code, segment = measured.code, measured.code.segments[c]
    s = stragglers
    if s is None:
        guess = int(min(segment.replication.min(), segment.workers)) - 1
        s = segment.stragglers if code.claims else max(segment.stragglers, guess, 0)
    worst = measured.worst("error", c, s)
    tolerated = worst.upper is not None and worst.upper <= measured.decoders[c].tolerance
    noise = measured.worst("noise", c, s) if tolerated else None
    certain = tolerated and probability is None and segment.signs is None
    mean = Mean(0.0, 0.0, True) if certain else measured.mean(c, worst.stragglers, probability, over_draws=True)
    condition = None if noise is None else evaluate(segment, noise.set).condition
    bound = segment.partitions * (s + 1) / segment.workers
    decoders = tuple(measured.decoders[c].explain())
    return SegmentReport(float(code.shares[c]), worst, noise, mean, condition, bound, decoders)


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
        "mean": {"value": mean.value, "stderr": mean.stderr, "exact": mean.exact, "sets": mean.sets},
        "decoders": [found._asdict() for found in report.decoders],
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
            "sets": max(part["mean"]["sets"] for part in parts),
        },
    }
