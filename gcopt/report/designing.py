"""Reports of fit, design and compare."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gcopt.code import GradientCode
from gcopt.console import print_table, seconds_text
from gcopt.report._common import ROWS, written

if TYPE_CHECKING:
    from gcopt.design_result import Choice, Design
    from gcopt.fit_result import Fit
    from gcopt.goal import Goal


_IN_TIME = ("in time", "+-", "time", "fewer misses")
_LEARNED = ("until the target", "steps", "step x L", "time per step", "gain")


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
    written(path, "give it to: gcopt design")


def _slowest(rows: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Return the slowest workers when there are too many to look at."""
    if len(rows) <= ROWS:
        return list(rows)
    chosen = sorted(rows, key=lambda row: -float(row[1]))[:ROWS]
    return [*chosen, (f"... {len(rows) - ROWS} faster", *[""] * (len(rows[0]) - 1))]


def print_design(found: Design, path: Path | None) -> None:
    """Print the ranking and the advice of a design."""
    _print_choices("", found.alternatives, found.goal)
    print(found.advice)
    if found.over_single:
        print(found.over_single)
    if found.bound is None:
        print("No lower bound is known for this objective.")
    elif found.goal.deadline is None:
        print(f"No exact code can need less than {seconds_text(found.bound)} on average here.")
    elif found.bound < 1:
        print(f"No exact code can be in time in more than {found.goal.spell(found.bound)} of the iterations here.")
    else:
        print("No bound below 100% is known for exact codes here.")
    written(path, "check it with: gcopt verify")


def print_compare(rows: Sequence[Choice], goal: Goal, plot: Path | None) -> None:
    """Print the best of every family."""
    _print_choices("The best of every family. ", rows, goal)
    written(plot)


def _print_choices(title: str, choices: Sequence[Choice], goal: Goal) -> None:
    columns = _by_learning if goal.learning is not None else _by_time if goal.deadline is None else _by_deadline
    asked, header = {
        _by_learning: (f"{'Bytes' if goal.objective == 'bytes' else 'Time'} until the target is reached", _LEARNED),
        _by_time: ("Expected time per iteration", ("time", "+-", "gain")),
        _by_deadline: (f"Iterations done within {seconds_text(goal.deadline)}", _IN_TIME),
    }[columns]
    rows = [
        (
            c.code.family,
            _parameters(c.code),
            f"{c.code.load}/{c.code.partitions}",
            _tolerated(c.code),
            str(len(c.code.segments)),
            *columns(c, goal),
            f"{c.gain:.3f}" if np.isfinite(c.gain) else "-",
        )
        for c in choices[:ROWS]
    ]
    print_table(title + asked, ("family", "parameters", "load", "stragglers", "segments", *header), rows)
    if len(choices) > ROWS:
        print(f"({len(choices) - ROWS} worse ones not shown; --json lists all)")


def _by_time(choice: Choice, goal: Goal) -> tuple[str, ...]:
    return seconds_text(choice.expected_runtime), "exact" if choice.stderr == 0 else seconds_text(choice.stderr)


def _by_deadline(choice: Choice, goal: Goal) -> tuple[str, ...]:
    return goal.spell(choice.value), goal.spell(choice.stderr), seconds_text(choice.expected_runtime)


def _by_learning(choice: Choice, goal: Goal) -> tuple[str, ...]:
    assert choice.plan is not None
    if not np.isfinite(choice.plan.iterations):
        return "never", "-", "-", seconds_text(choice.expected_runtime)
    steps = (f"{choice.plan.iterations:.0f}", f"{choice.plan.step:.3g}")
    return goal.spell(choice.value), *steps, seconds_text(choice.expected_runtime)


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
