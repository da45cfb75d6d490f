"""The error figures as people read them: a section and a picture per figure, a column or curve per number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from gcopt.pictures import figure, save_figure
from gcopt.tabulating.table import Row, Section, fixed

_SAYS = {
    "design": (
        "Construction I on the projective plane of order 9 (Figure 3)",
        "91 workers and partitions, load and replication 10, any two workers share one partition; signs drawn anew. "
        "The bound is the exact mean of the one-step decoder; least squares are better by about 1.3.",
    ),
    "cosets": (
        "Construction I on a coset bipartite graph (Figure 4)",
        "54 workers, 27 partitions, load 5, replication 10, factors on +-[0.9, 1.1]. The paper does not say which "
        "generating set; this is the invertible one with the least second singular value. A tight frame on the same "
        "graph (orthogonal signs for the two workers of each row) needs no drawing and has a smaller error.",
    ),
    "products": (
        "Construction II on a random assignment (Figure 5)",
        "40 workers, 20 partitions, load 3, replication 6. The vectors are +-1 or Gaussian (the best of 20 draws); "
        "both are exact when everybody answers.",
    ),
}
_PLACES = 4
_DASHED = ("bound", "no ")


def sections(rows: Sequence[Row]) -> Iterator[Section]:
    """Yield a section per figure with a row per number of stragglers and a column per curve."""
    for name, group in groupby(rows, key=lambda row: row["figure"]):
        title, text = _SAYS[name]
        yield Section(title, text, [_side_by_side(s, list(mine)) for s, mine in groupby(group, key=_stragglers)])


def _stragglers(row: Row) -> str:
    return row["stragglers"]


def _side_by_side(stragglers: str, rows: Sequence[Row]) -> Row:
    return {"s": stragglers, **{row["curve"]: fixed(float(row["value"]), _PLACES) for row in rows}}


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Draw error against stragglers, a picture per figure."""
    paths = []
    for name, group in groupby(rows, key=lambda row: row["figure"]):
        mine, path = list(group), folder / f"communication-{name}.png"
        with figure() as (picture, axes):
            for label in dict.fromkeys(row["curve"] for row in mine):
                points = [row for row in mine if row["curve"] == label]
                style = "--" if any(word in label for word in _DASHED) else "-"
                counts = [int(row["stragglers"]) for row in points]
                axes.plot(counts, [float(row["value"]) for row in points], style, label=label)
            axes.set_title(_SAYS[name][0], fontsize="medium")
            axes.set_xlabel("stragglers")
            axes.set_ylabel("squared error")
            axes.set_ylim(bottom=0)
            axes.legend(frameon=False, fontsize="small")
            save_figure(picture, path)
        paths.append(path)
    return paths
