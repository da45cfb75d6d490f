"""Reports of build, verify and export."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gcopt.code import Claim, GradientCode
from gcopt.console import print_table
from gcopt.report._common import ROWS, written

if TYPE_CHECKING:
    from gcopt.bounds import Examination
    from gcopt.decoding import Explanation
    from gcopt.verification import Check, Interval, Report

_SEGMENTS = 8  # more are said together

_LENGTH = 1000  # of a gradient, as an example of how long a message is


def print_build(code: GradientCode, path: Path) -> None:
    """Print what was built and what it promises."""
    print(
        f"{code.family}: {code.workers} workers, {code.partitions} partitions, load {code.load}, "
        f"replication {code.replication}"
        + (f", messages {code.blocks} times shorter" if code.blocks > 1 else "")
        + (f", {len(code.segments)} segments" if len(code.segments) > 1 else "")
    )
    _print_compressor(code)
    for group in _together(code, [(claim.kind, claim.source) for claim in code.claims]):
        print(f"- claims: {_sentence(code, [code.claims[i] for i in group])}  ({code.claims[group[0]].source})")
    written(path, "check it with: gcopt verify")


def _print_compressor(code: GradientCode) -> None:
    """Say what is done to messages, and what that leaves of them."""
    if code.compressor is None:
        return
    sent, plain = (int(some.message_bytes(_LENGTH).sum()) for some in (code, code.compressed(None)))
    about = "claims are about the coefficients, before that"
    kind = "unbiased" if code.compressor.unbiased else "biased"
    print(
        f"messages are compressed by {code.compressor} ({kind}): {sent} bytes instead of {plain} for {_LENGTH} "
        f"coordinates; {about}"
    )


def what_a_matrix_lacks(code: GradientCode) -> str:
    """Say what of a code its exported matrices do not tell; nothing where they tell all.

    Examples
    --------
    >>> from gcopt.families import paley
    >>> what_a_matrix_lacks(paley(5, 1, decoder="scaled"))
    'its claims, its 1 stragglers, the scaled decoder, that it is approximate'
    """
    segment = code.segments[0]
    alone = len(code.segments) == 1  # of several, segments.json tells the rest
    lacks = {
        "its claims": bool(code.claims),
        f"its {segment.blocks} blocks": alone and segment.blocks > 1,
        f"its {segment.stragglers} stragglers": alone and segment.stragglers > 0,
        f"the {segment.decoder} decoder": alone and segment.is_linear,
        "that it is approximate": alone and segment.approximate,
        "that it draws its signs anew": alone and segment.signs is not None,
        f"its compressor {code.compressor}": code.compressor is not None,
    }
    return ", ".join(words for words, true in lacks.items() if true)


def print_verify(report: Report) -> None:
    """Print every claim with its verdict, then the measured numbers of each segment."""
    if report.checks:
        groups = _together(report.code, [(c.claim.kind, c.status) for c in report.checks])
        rows = [_checks_row(report.code, [report.checks[i] for i in group]) for group in groups]
        print_table("Claims", ("claim", "status", "measured", "how"), rows)
    else:
        print("A bare matrix makes no claims; this is what it does.")
    _print_compressor(report.code)
    header = ("segment", "load", "replication", "s", "worst error", "noise", "mean error", "worst without")
    measured = []
    shown = _longest(report)
    for c in shown:
        part, segment = report.segments[c], report.code.segments[c]
        mean = f"{part.mean.value:.4g}" + ("" if part.mean.exact else f" +- {part.mean.stderr:.1g}")
        most = 12 if len(shown) <= _SEGMENTS else 4
        lost = ", ".join(map(str, part.worst.set[:most])) + (" ..." if len(part.worst.set) > most else "")
        measured.append(
            (
                f"{c} ({part.share:.0%})",
                str(int(segment.load.max())),
                str(int(segment.replication.min())),
                str(part.worst.stragglers),
                _interval(part.worst),
                "-" if part.noise is None else _interval(part.noise),
                mean,
                lost or "-",
            )
        )
    print_table("Measured (squared decoding error; noise: error per unit of error in the messages)", header, measured)
    if len(shown) < len(report.segments):
        print(f"({len(report.segments) - len(shown)} shorter segments not shown; --json lists all)")
    if report.code.redraws:
        print("signs are drawn anew in every iteration: means are over draws, worst cases those of one")
    if report.checks:
        proved = sum(check.status == "proved" for check in report.checks)
        held = f"{proved} of {len(report.checks)} claims proved, none refuted"
        print(held if all(check.status != "refuted" for check in report.checks) else "A CLAIM IS FALSE")
    if report.bounds is not None:
        _print_bounds(report.bounds)


def _print_bounds(found: Examination) -> None:
    """Print what published bounds say beside what was measured."""
    words = {"upper": "at most", "lower": "at least", "equality": "equals"}
    header = ("bound", "of what", "is", "claimed", "measured", "ratio", "status", "how")
    rows = [
        (
            f.bound.name,
            f.bound.quantity.words,
            words[f.bound.direction],
            f"{f.claimed:.6g}",
            f"{f.measured:.6g}",
            "-" if f.ratio is None else f"{f.ratio:.4g}",
            f.status,
            f.method,
        )
        for f in found.findings
    ]
    print_table(f"Published bounds at {found.setting} (ratio: measured / claimed)", header, rows)
    if found.others:
        print(f"({len(found.others)} bounds do not apply; --json lists them with the hypothesis that fails)")
    if not found.ok:
        print("A BOUND IS VIOLATED")


def print_decoders(report: Report) -> None:
    """Print which rule decodes the parts of each segment, and why; segments that are decoded alike come together."""
    alike: dict[tuple[Explanation, ...], list[int]] = {}
    for c, part in enumerate(report.segments):
        alike.setdefault(part.decoders, []).append(c)
    rows = [
        (
            _listed(numbers),
            str(found.components),
            str(found.workers),
            str(found.partitions),
            found.rule,
            found.why,
        )
        for decoders, numbers in alike.items()
        for found in decoders
    ]
    print_table("How it is decoded", ("segment", "parts", "workers", "partitions", "rule", "why"), rows)


def _listed(numbers: Sequence[int]) -> str:
    """Return numbers as people write them, the many shortened: 0, 1, 2 or 0 .. 49 (50 of them)."""
    few = len(numbers) <= 4
    return ", ".join(map(str, numbers)) if few else f"{numbers[0]} .. {numbers[-1]} ({len(numbers)} of them)"


def _longest(report: Report) -> list[int]:
    """Return the segments to be shown, in order: all, or the longest when there are too many to look at."""
    order = sorted(range(len(report.segments)), key=lambda c: -report.segments[c].share)
    return sorted(order[:ROWS])


def _together(code: GradientCode, keys: Sequence[tuple[str, str]]) -> list[list[int]]:
    """Return which claims go into one line: with many segments those of equal (kind, ...), but never refuted ones."""
    found: dict[tuple[str, ...], list[int]] = {}
    for i, key in enumerate(keys):
        alone = len(code.segments) <= _SEGMENTS or "refuted" in key
        found.setdefault((*key, str(i)) if alone else key, []).append(i)
    return list(found.values())


def _sentence(code: GradientCode, claims: Sequence[Claim]) -> str:
    """Say what claims of one kind promise together; a claim does not know that it is about the first of several."""
    if len(claims) == 1:
        first = len(code.segments) > 1 and claims[0].segment == 0
        return f"segment 0: {claims[0]}" if first else str(claims[0])
    words = {
        "exact": "exact for every set of {} stragglers",
        "load": "no worker holds more than {} partitions",
        "replication": "every partition is on at least {} workers",
        "noise": "noise amplification at most {}",
    }
    kind = claims[0].kind
    values = [float(c.stragglers or 0) if kind == "exact" else c.value for c in claims]
    return f"{len(claims)} segments: {words.get(kind, kind + ' {}').format(_range(values))}"


def _checks_row(code: GradientCode, checks: Sequence[Check]) -> tuple[str, str, str, str]:
    """Return a row of the table of claims."""
    methods = {check.method for check in checks}
    how = methods.pop() if len(methods) == 1 else f"in {len(methods)} ways; --json lists them"
    measured = _range([check.measured for check in checks])
    return _sentence(code, [check.claim for check in checks]), checks[0].status, measured, how


def _range(values: Sequence[float]) -> str:
    low, high = f"{min(values):.6g}", f"{max(values):.6g}"
    return low if low == high else f"{low} to {high}"


def _interval(interval: Interval) -> str:
    if interval.exact:
        return f"{interval.lower:.6g} (proved)" if interval.lower > 1e-20 else "0 (proved)"
    upper = "?" if interval.upper is None else f"{interval.upper:.6g}"
    return f"{interval.lower:.6g} to {upper}"
