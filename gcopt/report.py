"""What people read: tables for the terminal and pictures. Scripts read the JSON instead."""

from __future__ import annotations

import inspect
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gcopt.code import Claim, GradientCode
from gcopt.console import print_json, print_table, seconds_text
from gcopt.files import write_atomically

if TYPE_CHECKING:
    from gcopt.bounds import Examination
    from gcopt.cluster import Cluster
    from gcopt.decoding import Explanation
    from gcopt.design_result import Choice, Design
    from gcopt.existence import Existence
    from gcopt.families import Family
    from gcopt.fit_result import Fit
    from gcopt.goal import Goal
    from gcopt.quickstart import Run, Tried
    from gcopt.simulation import Simulation
    from gcopt.solving import Solution
    from gcopt.training import TrainingResult
    from gcopt.training.debias import Estimate
    from gcopt.verification import Check, Interval, Report

_ROWS = 20
_LISTED = 64
_SURE = 4.0  # standard errors by which the worst of many partitions must be off
_NEARLY = 5e-3  # no factor worth speaking of
_SEGMENTS = 8  # more are said together


class Entry(Protocol):
    """What a family and a solver have in common."""

    @property
    def summary(self) -> str:
        """One line."""

    @property
    def source(self) -> str:
        """Publication."""

    @property
    def signature(self) -> inspect.Signature:
        """Parameters."""


def print_fit(found: Fit, path: Path | None) -> None:
    """Print what a fit says: the models, the workers, the remarks."""
    tables = found.summary()
    titles = {
        "models": "Models of the time per unit of work, best first (distance: Kolmogorov)",
        "overhead": "Models of the overhead, best first",
        "workers": "Workers (late: share of rounds above 1.5 x the round's median)",
    }
    for name, (header, *rows) in tables.items():
        limited = _slowest(rows) if name == "workers" else rows
        print_table(titles[name], header, limited)
    for note in found.notes:
        print(f"- {note}")
    _written(path, "give it to: gcopt design")


def _slowest(rows: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Return the slowest workers when there are too many to look at."""
    if len(rows) <= _ROWS:
        return list(rows)
    chosen = sorted(rows, key=lambda row: -float(row[1]))[:_ROWS]
    return [*chosen, (f"... {len(rows) - _ROWS} faster", *[""] * (len(rows[0]) - 1))]


def print_design(found: Design, path: Path | None) -> None:
    """Print the ranking and the advice of a design."""
    _print_choices("", found.alternatives, found.goal)
    print(found.advice)
    if found.over_single:
        print(found.over_single)
    if found.goal.deadline is None:
        print(f"No exact code can need less than {seconds_text(found.bound)} on average here.")
    elif found.bound < 1:
        print(f"No exact code can be in time in more than {found.goal.spell(found.bound)} of the iterations here.")
    else:
        print("No bound below 100% is known for exact codes here.")
    _written(path, "check it with: gcopt verify")


def print_compare(rows: Sequence[Choice], goal: Goal, plot: Path | None) -> None:
    """Print the best of every family."""
    _print_choices("The best of every family. ", rows, goal)
    _written(plot)


def _print_choices(title: str, choices: Sequence[Choice], goal: Goal) -> None:
    by_time = goal.deadline is None
    asked = "Expected time per iteration" if by_time else f"Iterations done within {seconds_text(goal.deadline)}"
    gain = "gain" if by_time else "fewer misses"
    header = ("family", "parameters", "load", "stragglers", "segments", *(() if by_time else ("in time", "+-")), "time")
    rows = [
        (
            c.code.family,
            _parameters(c.code),
            f"{c.code.load}/{c.code.partitions}",
            _tolerated(c.code),
            str(len(c.code.segments)),
            *(() if by_time else (goal.spell(c.value), goal.spell(c.stderr))),
            seconds_text(c.expected_runtime),
            *(("exact" if c.stderr == 0 else seconds_text(c.stderr),) if by_time else ()),
            f"{c.gain:.3f}" if np.isfinite(c.gain) else "-",
        )
        for c in choices[:_ROWS]
    ]
    print_table(title + asked, (*header, *(("+-",) if by_time else ()), gain), rows)
    if len(choices) > _ROWS:
        print(f"({len(choices) - _ROWS} worse ones not shown; --json lists all)")


def _tolerated(code: GradientCode) -> str:
    """Return how many stragglers the segments tolerate, such as 0-19."""
    counts = sorted({segment.stragglers for segment in code.segments})
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]}-{counts[-1]}"


def _parameters(code: GradientCode) -> str:
    """Return the parameters that are not columns of their own, lists shortened."""
    shown = []
    for key, value in code.parameters.items():
        if key in ("workers", "stragglers", "segments", "draws"):
            continue
        long = isinstance(value, (list, tuple)) and len(value) > 4
        shown.append(f"{key}={('by worker' if key == 'speeds' else '...') if long else value}")
    return " ".join(shown) or "-"


def print_build(code: GradientCode, path: Path) -> None:
    """Print what was built and what it promises."""
    print(
        f"{code.family}: {code.workers} workers, {code.partitions} partitions, load {code.load}, "
        f"replication {code.replication}" + (f", {len(code.segments)} segments" if len(code.segments) > 1 else "")
    )
    for group in _together(code, [(claim.kind, claim.source) for claim in code.claims]):
        print(f"- claims: {_sentence(code, [code.claims[i] for i in group])}  ({code.claims[group[0]].source})")
    _written(path, "check it with: gcopt verify")


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
        f"its {segment.stragglers} stragglers": alone and segment.stragglers > 0,
        f"the {segment.decoder} decoder": alone and segment.is_linear,
        "that it is approximate": alone and segment.approximate,
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
    return sorted(order[:_ROWS])


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


def print_simulation(found: Simulation) -> None:
    """Print the distribution of the iteration time."""
    exact = "" if found.expected is None else f", exact {seconds_text(found.expected)}"
    if found.expected == np.inf:
        exact = ", which tells little: the exact mean is infinite"
    print(f"mean {seconds_text(found.mean)} +- {seconds_text(found.stderr)}{exact} ({found.iterations} iterations)")
    print("quantiles: " + ", ".join(f"{float(q):.0%} {seconds_text(t)}" for q, t in found.quantiles.items()))
    if found.undecodable:
        print(f"{found.undecodable:.3%} of the iterations could not be decoded and were repeated")
    if 0.0 < found.error.max < np.inf:
        error = found.error
        print(f"relative decoding error {error.mean:.4g} +- {error.stderr:.1g} on average, {error.max:.4g} at most")


def print_training(result: TrainingResult, paths: Sequence[Path]) -> None:
    """Print how a run went: loss, time, who was slow, what failed, whether the cluster is as described."""
    print(
        f"{result.problem} with {result.code} on the {result.engine} engine: {result.iterations} iterations in "
        f"{seconds_text(result.seconds)}, loss {result.loss[0]:.6g} -> {result.final['loss']:.6g}"
    )
    print(", ".join(f"{key} {value:.6g}" for key, value in result.final.items()))
    print(
        f"workers not used: {result.stragglers_ignored / result.iterations:.3g} per iteration; messages too late: "
        f"{result.late}; decoding took {seconds_text(result.decode_seconds)}"
    )
    for line in _approximation(result):
        print(line)
    if result.final["loss"] > result.loss[0]:
        print("THE LOSS ROSE: a smaller step would help")
    for failure in result.failures:
        who = "" if failure.worker is None else f"worker {failure.worker} "
        what = f"{who}{failure.kind}: {failure.detail}".rstrip(": ")
        print(f"- at {seconds_text(failure.time)}: {what}")
    if result.drift is not None:
        print(result.drift.verdict)
    header = ("worker", "whole answers", "used in", "median", "p95")
    rows = [
        (str(w.worker), str(w.answers), str(w.used), seconds_text(w.median), seconds_text(w.p95))
        for w in sorted(result.workers, key=lambda w: -(w.median or 0.0))[:_ROWS]
    ]
    print_table("Computing time per worker, slowest first", header, rows)
    for path in paths:
        _written(path)


def _approximation(result: TrainingResult) -> list[str]:
    """Say how wrong the gradients of a run were; nothing where they were right."""
    error, found = result.error, result.estimate
    if found.worst_partition is None:
        return []
    lines = [
        f"THE GRADIENT WAS APPROXIMATE: mean relative error {error['mean']:.3g}, at most {error['max']:.3g}, relative "
        f"variance {found.variance:.2g}; on average it was {_multiple(found)}"
    ]
    which, weight = found.worst_partition, f"{found.worst_weight:.3g}"
    chance = _SURE * (found.variance / result.iterations) ** 0.5
    if found.factor - found.worst_weight > chance:
        lines.append(
            f"PARTITION {which} COUNTED {weight} ON AVERAGE: the run is biased towards the other data, which no factor "
            "mends"
        )
    else:
        lines.append(
            f"all partitions counted alike, as far as {result.iterations} iterations can tell (least: partition "
            f"{which}, {weight} on average)"
        )
    if result.beyond:
        lines.append(
            f"{result.beyond} of {result.iterations} iterations ended above the tolerance: no more answers came"
        )
    return lines


def _multiple(found: Estimate) -> str:
    """Say how much of the gradient an estimate was on average, and what was or could be done about it."""
    if found.debiased:
        return f"{found.factor:.4g} times the gradient, after division by {found.expected_factor:.4g}"
    if abs(found.factor - 1.0) < _NEARLY:
        return "the gradient itself"
    return f"{found.factor:.4g} times the gradient (--debias divides by what is expected)"


def save_parameters(result: TrainingResult, path: Path) -> None:
    """Write what a run learned: parameters, losses, times and whose messages were used."""
    arrays: dict[str, Any] = {name: getattr(result, name) for name in ("parameters", "responders", "loss", "time")}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, evaluated=np.asarray(result.evaluated), **arrays)

    def same(content: bytes) -> bool:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return bool(np.array_equal(archive["parameters"], result.parameters))

    write_atomically(path, buffer.getvalue(), same)


def plot_training(result: TrainingResult, path: Path) -> None:
    """Draw loss against time of one run."""
    from gcopt.pictures import plot_losses

    plot_losses([(f"{result.problem}, {result.engine} engine", [(result.code, result.time, result.loss)])], path)


def print_quickstart(tried: Sequence[Tried], folder: Path) -> None:
    """Print what each cluster should run and what that gained in training."""
    for one in tried:
        print_table(
            f"{one.about} ({one.name}): logistic regression on 327,346 flights, simulated clock",
            ("", "time per iteration", "time to the same loss", "loss", "AUC"),
            [_run_row("uncoded, equal shares", one.uncoded), _run_row(f"designed: {one.coded.code}", one.coded)],
        )
        print(f"{one.design.advice}")
        calm = "" if one.calm_gain is None else f" (without the rare stalls of these workers: {one.calm_gain:.2f})"
        proof = "every claim verified" if one.verified else "NOT VERIFIED"
        print(f"Speed-up to the same loss: {one.speedup:.2f}{calm}; {proof}.\n")
    print(f"Codes, matrices, placements, cluster files and loss-against-time.png are in {folder}")


def _run_row(name: str, run: Run) -> tuple[str, ...]:
    times = (seconds_text(run.seconds_per_iteration), seconds_text(run.seconds_to_loss))
    return (name, *times, f"{run.loss:.6f}", f"{run.auc:.4f}")


def print_solution(solution: Solution, path: Path | None) -> None:
    """Print value, bound, gap, status and what else a solver found."""
    result = solution.result
    bound = "none" if result.bound is None else f"{result.bound:.10g}"
    gap = "-" if result.gap is None else f"{result.gap:.3g}"
    print(f"value {result.value:.10g}, bound {bound}, gap {gap}, {result.status} after {seconds_text(result.seconds)}")
    print(result.status.advice)
    for key, value in solution.more.items():
        if value not in ("", None):
            print(f"{key}: {_shortened(value)}")
    _written(path)


def _shortened(value: Any) -> str:
    """Return a value for people: numbers with six digits, long lists without their end."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if not isinstance(value, (list, tuple)):
        return str(value)
    shown = ", ".join(_shortened(item) for item in value[:_LISTED])
    more = len(value) - _LISTED
    return f"[{shown}, ... {more} more, --json lists all]" if more > 0 else f"[{shown}]"


def print_entries(word: str, schema: str, entries: Iterable[tuple[str, Any]], *, as_json: bool) -> None:
    """Print families or solvers."""
    listed: list[tuple[str, Entry]] = list(entries)
    if as_json:
        rows = [
            {"name": n, "description": e.summary, "source": e.source, "parameters": _described(e)} for n, e in listed
        ]
        print_json({"schema": schema, word: rows})
        return
    table = [(n, " ".join(_spelled(p) for p in _described(e)), e.summary) for n, e in listed]
    print_table(word.capitalize(), ("name", "parameters", "what it is"), table)


def print_family(entry: Family, *, as_json: bool) -> None:
    """Print all there is to know about one family."""
    if as_json:
        print_entries("families", "gcopt.families/1", [(entry.name, entry)], as_json=True)
        return
    print(f"{entry.name}: {inspect.cleandoc(entry.__doc__).split('Examples' + chr(10))[0].rstrip()}\n")
    print(f"Source: {entry.source}")


def print_existence(family: str, parameters: Mapping[str, Any], found: Existence, *, as_json: bool) -> None:
    """Print whether a family has a code with these parameters."""
    if as_json:
        about = {"schema": "gcopt.exists/1", "family": family, "parameters": dict(parameters)}
        print_json({**about, "answer": found.answer, "reason": found.reason, "nearest": list(found.nearest)})
    else:
        print(found)


def _described(entry: Entry) -> list[dict[str, Any]]:
    shown = []
    for name, parameter in entry.signature.parameters.items():
        if name == "rng" or parameter.kind is parameter.VAR_KEYWORD:
            continue
        required = parameter.default is parameter.empty
        default = None if required else parameter.default
        shown.append({"name": name, "required": required, "default": default, "type": str(parameter.annotation)})
    return shown


def _spelled(parameter: dict[str, Any]) -> str:
    return parameter["name"] if parameter["required"] else f"[{parameter['name']}]"


def _written(path: Path | None, following: str = "") -> None:
    if path is not None:
        print(f"wrote {path}" + (f"; {following} {path}" if following else ""))


def plot_completion(rows: Sequence[Choice], cluster: Cluster, path: Path, goal: Goal) -> None:
    """Draw the probability that an iteration is done, against time, for some codes on a cluster.

    Failed attempts are repeated, as everywhere, unless there is a deadline: then they are missed.
    """
    from gcopt.pictures import figure, save_figure
    from gcopt.simulation import completed, sample_iterations

    levels = np.linspace(0.0, 1.0, 401)
    with figure() as (picture, axes):
        for choice in rows:
            done = sample_iterations(choice.code, cluster, iterations=20_000, wait=goal.wait, seed=goal.seed)
            if goal.deadline is None:
                done = completed(done, cluster.failures.restart)
            times = np.quantile(done, levels, method="inverted_cdf") if done.size else np.empty(0)
            seen = np.isfinite(times)
            label = f"{choice.code.family}, load {choice.code.load}/{choice.code.partitions}"
            axes.plot(times[seen], levels[: times.size][seen], label=label)
        if goal.deadline is not None:
            axes.axvline(goal.deadline, color="black", linewidth=0.8, linestyle=":", label="deadline")
        axes.set_xlabel("seconds since the start of the iteration")
        axes.set_ylabel("probability that it is done")
        axes.set_xlim(0, 4 * rows[0].value if goal.deadline is None else 2 * goal.deadline)
        axes.legend(frameon=False)
        save_figure(picture, path)
