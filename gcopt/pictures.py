"""Pictures for people: one look for all of them, drawn without a screen."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gcopt.errors import InputError
from gcopt.files import write_atomically


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
