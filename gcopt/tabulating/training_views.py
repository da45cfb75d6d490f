"""The comparison of training as people read it: does it pay, a section per cluster, loss against time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from gcopt.pictures import plot_losses
from gcopt.tabulating.table import Row, Section, significant

_HIDDEN = ("cluster", "goal", "seconds", "loss")

_PAYS = (
    "How much sooner than uncoded the loss is within 1 % (in brackets: 0.1 %) of where exact gradients lead, with "
    "the best exact code, the best known one with a bounded error, the best searched one, and without the slowest."
)


def sections(rows: Sequence[Row]) -> Iterator[Section]:
    """Yield who is ahead on each cluster, then a section per cluster with all kinds of codes."""
    groups = [list(group) for _, group in groupby(rows, key=lambda row: row["cluster"])]
    yield Section("Does it pay?", _PAYS, [_summary(mine) for mine in groups])
    for mine in groups:
        name, goal = mine[0]["cluster"], mine[0]["goal"]
        shown = [{key: cell for key, cell in row.items() if key not in _HIDDEN} for row in mine]
        yield Section(name, f"{_WHY.get(name, '')} The goal is a loss of {goal}.".strip(), shown)


_WHY = {
    "two-speed-20": "The last five workers are always slow. An error does not pay: loads by speed, which are exact, "
    "take all the waiting away, and a searched code gains nothing on them. To leave out the slow ones "
    "is faster only until their data are missed: 0.1 % is never reached.",
    "shifted-exponential-20": "Anybody may be slow. An error does not pay beside block-coordinate codes, which are "
    "exact and use what slow workers have finished. To leave out whoever is late beats every "
    "code: the rows are shuffled, so that other workers' data are as good, and this loss "
    "forgives such noise.",
    "stalling-57": "One in four workers stalls for a minute. Here an error pays: exact codes need much more work, or "
    "wait. Only until 1 %: what is tolerated is a bias that stays. The search finds nothing better than "
    "the repetition that it starts from: stalls are rare and long, and no placement avoids them.",
}


def _summary(mine: Sequence[Row]) -> Row:
    exact = [row for row in mine if float(row["worst error %"]) == 0.0]
    bounded = [row for row in mine if row["tolerate"]]
    return {
        "cluster": mine[0]["cluster"],
        **{
            name: _best(some, mine)
            for name, some in (
                ("exact", exact),
                ("bounded error", [row for row in bounded if row["kind"] != "searched"]),
                ("searched", [row for row in bounded if row["kind"] == "searched"]),
                ("ignored stragglers", [row for row in mine if row["kind"] == "ignored stragglers"]),
            )
        },
    }


def _best(some: Sequence[Row], mine: Sequence[Row]) -> str:
    """Return how many times sooner than uncoded the best of some is, at both goals, and its name."""
    if not some:
        return ""
    first = min(some, key=lambda row: _seconds(row["s to 1 %"]))
    gains = [_gain(mine[0][goal], first[goal]) for goal in ("s to 1 %", "s to 0.1 %")]
    return f"{gains[0]} ({gains[1]}) {first['code']}"


def _gain(before: str, after: str) -> str:
    return "never" if after == "never" else significant(_seconds(before) / _seconds(after), 2)


def _seconds(cell: str) -> float:
    return float("inf") if cell == "never" else float(cell)


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Draw loss against time, a panel per cluster."""
    path = folder / "training.png"
    panels = []
    for name, group in groupby(rows, key=lambda row: row["cluster"]):
        mine = list(group)
        end = 1.3 * min(_seconds(row["s to 1 %"]) for row in mine if row["kind"] in ("best exact design", "uncoded"))
        curves = []
        for row in mine:
            pairs = zip(row["seconds"].split(), row["loss"].split(), strict=True)
            seen = [(float(a), float(b)) for a, b in pairs if float(a) <= end]
            curves.append((row["kind"], [a for a, _ in seen], [b for _, b in seen]))
        panels.append((name, curves))
    plot_losses(panels, path)
    return [path]
