"""Loss against iterations as people read it: a section and a panel per problem and assignment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from gcopt.pictures import figure, save_figure
from gcopt.tabulating.table import Row, Section

_HIDDEN = ("problem", "assignment", "steps", "losses")
_SAYS = {
    "projective-plane": "on 7 workers, the Fano plane, load 3",
    "coset-graph": "on 54 workers, a coset bipartite graph of 27 partitions, load 5",
}


def _title(row: Row) -> str:
    return f"{row['problem']} {_SAYS[row['assignment']]}"


def sections(rows: Sequence[Row]) -> Iterator[Section]:
    """Yield a section per problem and assignment."""
    for title, group in groupby(rows, key=_title):
        yield Section(title, "", [{key: cell for key, cell in row.items() if key not in _HIDDEN} for row in group])


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Draw mean loss against iterations, a panel per problem and assignment."""
    groups = [(title, list(group)) for title, group in groupby(rows, key=_title)]
    path = folder / "communication-training.png"
    with figure(columns=len(groups)) as (picture, axes):
        for one, (title, mine) in zip([axes] if len(groups) == 1 else axes, groups, strict=True):
            for row in mine:
                steps, losses = ([float(x) for x in row[key].split()] for key in ("steps", "losses"))
                dashed = "--" if row["update"].endswith("m = 1") else "-"
                one.plot(steps[1:], losses[1:], dashed, label=row["update"])
            one.set_title(title, fontsize="medium")
            one.set_xlabel("iterations")
            one.set_ylabel("loss")
            one.set_yscale("log")
            one.legend(frameon=False, fontsize="small")
        save_figure(picture, path)
    return [path]
