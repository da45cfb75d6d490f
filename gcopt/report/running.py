"""Reports of simulate, train and quickstart."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gcopt.console import bytes_text, print_table, seconds_text
from gcopt.files import write_atomically
from gcopt.report._common import ROWS, written

if TYPE_CHECKING:
    from gcopt.quickstart import Run, Tried
    from gcopt.simulation import Simulation
    from gcopt.training import TrainingResult
    from gcopt.training.debias import Estimate

_SURE = 4.0  # standard errors by which the worst of many partitions must be off
_NEARLY = 5e-3  # no factor worth speaking of


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
    if result.traffic.messages:
        print(_bytes(result))
    if result.saturated:
        print(f"{result.saturated} COORDINATES WERE TOO LARGE FOR {result.compressor} and were sent smaller: biased")
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
        for w in sorted(result.workers, key=lambda w: -(w.median or 0.0))[:ROWS]
    ]
    print_table("Computing time per worker, slowest first", header, rows)
    for path in paths:
        written(path)


def _bytes(result: TrainingResult) -> str:
    """Say how much the master received, and what short messages saved."""
    traffic, compressor = result.traffic, result.compressor
    without = "without blocks (m = 1)" if compressor is None else f"whole ones in float64 (compressed by {compressor})"
    text = (
        f"received per iteration: {bytes_text(traffic.per_iteration)} in {traffic.messages / traffic.iterations:.3g} "
        f"messages of {bytes_text(traffic.per_message)}"
    )
    if traffic.unshortened == traffic.received:
        return text
    return f"{text}, {traffic.saved:.3g} times shorter than {without}"


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
