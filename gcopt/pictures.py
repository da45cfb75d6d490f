"""Pictures for people: one look for all of them, drawn without a screen."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gcopt.errors import InputError
from gcopt.files import write_atomically

if TYPE_CHECKING:
    from gcopt.cluster import Cluster
    from gcopt.design_result import Choice
    from gcopt.goal import Goal
    from gcopt.training import TrainingResult


@contextmanager
def figure(width: float = 7.0, height: float = 4.2, columns: int = 1) -> Iterator[tuple[Any, Any]]:
    """Yield (figure, axes) with our look; matplotlib is imported here and nowhere else."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    picture = Figure(figsize=(width * columns, height), layout="constrained", dpi=130)
    FigureCanvasAgg(picture)
    axes = picture.subplots(1, columns)
    for one in [axes] if columns == 1 else axes:
        one.spines[["top", "right"]].set_visible(False)
        one.grid(alpha=0.25)
    yield picture, axes


def save_figure(picture: Any, path: Path) -> None:
    """Write a picture completely or not at all; the ending says the format."""
    form = path.suffix.lower().lstrip(".")
    if form not in ("png", "svg", "pdf"):
        raise InputError(f"{path}: the ending of a picture must be .png, .svg or .pdf")
    buffer = io.BytesIO()
    picture.savefig(buffer, format=form)
    content = buffer.getvalue()
    write_atomically(path, content, lambda back: back == content)


def plot_losses(
    panels: Sequence[tuple[str, Sequence[tuple[str, Sequence[float], Sequence[float]]]]], path: Path
) -> None:
    """Draw loss against time: one panel for each (title, [(label, seconds, losses), ...])."""
    with figure(columns=len(panels)) as (picture, axes):
        for one, (title, curves) in zip([axes] if len(panels) == 1 else axes, panels, strict=True):
            for label, seconds, losses in curves:
                one.plot(seconds, losses, label=label, marker="o", markersize=2.5)
            one.set_title(title)
            one.set_xlabel("seconds")
            one.set_ylabel("loss")
            one.legend(frameon=False)
        save_figure(picture, path)


def plot_training(result: TrainingResult, path: Path) -> None:
    """Draw loss against time of one run."""
    plot_losses([(f"{result.problem}, {result.engine} engine", [(result.code, result.time, result.loss)])], path)


def plot_completion(rows: Sequence[Choice], cluster: Cluster, path: Path, goal: Goal) -> None:
    """Draw the probability that an iteration is done, against time, for some codes on a cluster.

    Failed attempts are repeated, as everywhere, unless there is a deadline: then they are missed.
    """
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
