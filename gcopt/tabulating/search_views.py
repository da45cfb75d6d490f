"""The table of searched codes as people read it: who is best where, the noise, mean against worst, all rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from gcopt.pictures import figure, save_figure
from gcopt.tabulating.table import Row, Section

SIZES = ("workers", "partitions", "load", "stragglers")

_TIE = 1.0002  # five digits, each rounded to its side
_FRONT = 90  # workers

_WORST = (
    "The least worst case that a search found, beside the best random assignment, the best family and what no code of "
    "that load can be below. Equal: within two units of the fifth digit."
)
_MEAN = "The same for the mean; of random assignments only the one with the least worst case is measured."
_NU = (
    "Least worst-case noise amplification nu of codes that are exact for every s stragglers: searched, and of the "
    "families, with no more than that load. A load above s + 1 makes less noise."
)
_MEAN_AGAINST_WORST = (
    "Every code with 90 workers, load 10, 22 stragglers, by its worst case; with an asterisk those on the front: no "
    "other is better in one and as good in the other. The worst case is that of the standard attack, the same for all; "
    "~0 says that all drawn sets decode, so that the mean is next to the bound. The projective plane, the block design "
    "of load 10, needs 91 workers and 91 partitions. Searches start from one cluster number each and minimise worst + "
    "100 mean. No code can be below the last row."
)
_AGAIN = "Each of these commands makes the code again, bit for bit, on the same machine and libraries."


def sections(rows: Sequence[Row]) -> Iterator[Section]:
    """Yield summaries, then a section per point, then how each search is made again."""
    points = [list(group) for _, group in groupby(rows, key=_sizes)]
    compared = [mine for mine in points if any(_searched(row) and not row["nu >="] for row in mine)]
    small = [mine for mine in compared if mine[0]["workers"] != str(_FRONT)]
    if small:
        yield Section("Worst case", _WORST, [_best(mine, "worst proved", "worst >=") for mine in small])
        yield Section("Mean", _MEAN, [_best(mine, "mean", "mean >=") for mine in small])
    if quiet := [_quiet(row, rows) for row in rows if row["nu >="]]:
        yield Section("Noise of exact codes", _NU, quiet)
    if front := [row for row in rows if row["load"] == "10"]:
        yield Section("Mean against worst case", _MEAN_AGAINST_WORST, list(_fronted(front)))
    for mine in points:
        n, k, load, s = _sizes(mine[0])
        title = f"{n} workers, {k} partitions, load {load}, {s} stragglers"
        yield Section(title, "", [*(_shown(row) for row in mine), _floor(mine[0])])
    if made := [{"search": _named(row), "command": f"`{row['command']}`"} for row in rows if row["command"]]:
        yield Section("Searches", _AGAIN, made)


def _sizes(row: Row) -> tuple[str, ...]:
    return tuple(row[key] for key in SIZES)


def _named(row: Row) -> str:
    return f"({', '.join(_sizes(row))}) {row['method']}"


def _searched(row: Row) -> bool:
    return row["method"].startswith("search: ")


def _random(row: Row) -> bool:
    return row["method"].startswith("best of ")


def _value(row: Row, column: str) -> float:
    """Return a number to compare: of a worst case that is not proved what the attack found; no mean below its bound."""
    if column == "worst proved" and not _proved(row):
        return float(row["worst found"])
    if column == "mean" and row["+-"] != "exact" and _alike(row):  # a sample may miss what is rare
        return max(float(row["mean"]), float(row["mean >="]))
    return float(row[column])


def _proved(row: Row) -> bool:
    return float(row["worst proved"]) <= float(row["worst found"]) * _TIE


def _best(mine: Sequence[Row], column: str, floor: str) -> Row:
    """Return who is best at a point, and whether the search is."""

    def least(some: Sequence[Row]) -> Row | None:
        return min(some, key=lambda row: _value(row, column), default=None)

    found = least([row for row in mine if _searched(row)])
    drawn = least([row for row in mine if _random(row)])
    known = least([row for row in mine if not _searched(row) and not _random(row) and _alike(row)])
    assert found is not None
    value = _value(found, column)
    return {
        **{key: mine[0][key] for key in SIZES},
        "searched": _shown_value(found, column),
        "by": found["method"].removeprefix("search: "),
        "best random": "" if drawn is None else _shown_value(drawn, column),
        "better": "" if drawn is None else _yes(value * _TIE < _value(drawn, column), value, drawn, column, floor),
        "best family": "" if known is None else f"{_shown_value(known, column)} {known['method']}",
        "as good": "" if known is None else _yes(value <= _value(known, column) * _TIE, value, known, column, floor),
        "no code below": mine[0][floor],
    }


def _alike(row: Row) -> bool:
    """Whether nobody holds more than the load of the point, and partitions can be cut into those of the point.

    Smaller partitions are another problem: less is lost with one.
    """
    whole = int(row["partitions"]) % int(row["code partitions"]) == 0
    return whole and float(row["largest load"]) <= float(row["load"]) * 1.005


def _yes(holds: bool, value: float, other: Row, column: str, floor: str) -> str:
    if holds:
        return "yes"
    nothing_better = _value(other, column) <= float(other[floor]) * _TIE
    return "no: nothing is better" if nothing_better and value <= _value(other, column) * _TIE else "no"


def _shown_value(row: Row, column: str) -> str:
    return _worst(row) if column == "worst proved" else _mean(row)


def _worst(row: Row) -> str:
    return row["worst proved"] if _proved(row) else f"{row['worst found']} - {row['worst proved']}"


def _mean(row: Row) -> str:
    return row["mean"] if row["+-"] == "exact" else f"~{row['mean']}"


def _quiet(found: Row, rows: Sequence[Row]) -> Row:
    known = [
        row
        for row in rows
        if row["nu"]
        and not _searched(row)
        and (row["workers"], row["stragglers"]) == (found["workers"], found["stragglers"])
        and int(row["load"]) <= int(found["load"])
    ]
    best = min(known, key=lambda row: float(row["nu"].removeprefix(">= ")), default=None)
    return {
        **{key: found[key] for key in SIZES},
        "searched": found["nu"],
        "best family": "" if best is None else f"{best['nu']} {best['method']}, load {best['load']}",
        "no code below": found["nu >="],
    }


def _fronted(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield the codes by their worst case, those on the front marked."""
    for row in sorted(rows, key=lambda row: (_value(row, "worst proved"), _value(row, "mean"))):
        yield {
            "front": "*" if _on_front(row, rows) else "",
            "code": row["method"] if row["workers"] == str(_FRONT) else f"{row['method']}, {row['workers']} workers",
            "clusters": row["clusters"],
            "worst, by attack": row["worst found"],
            "worst, proved": row["worst proved"],
            "mean": _mean(row),
        }
    least = rows[0]
    yield {
        "front": "",
        "code": "no code can be below",
        "clusters": "",
        "worst, by attack": least["worst >="],
        "worst, proved": least["worst >="],
        "mean": least["mean >="],
    }


def _on_front(row: Row, rows: Sequence[Row]) -> bool:
    mine = _value(row, "worst proved"), _value(row, "mean")
    others = [(_value(other, "worst proved"), _value(other, "mean")) for other in rows]
    return not any(a <= mine[0] and b <= mine[1] and (a, b) != mine for a, b in others)


def _shown(row: Row) -> Row:
    return {
        "code": row["method"],
        "k": row["code partitions"],
        "largest load": row["largest load"],
        "clusters": row["clusters"],
        "worst": _worst(row),
        "mean": _mean(row),
        "nu": row["nu"],
        "start": row["start"],
    }


def _floor(row: Row) -> Row:
    empty = dict.fromkeys(("k", "largest load", "clusters", "worst", "mean", "nu", "start"), "")
    return {"code": "no code can be below", **empty, "worst": row["worst >="], "mean": row["mean >="]}


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Draw mean against worst case for 90 workers."""
    path = folder / "search-front.png"
    with figure() as (picture, axes):
        for label, marker, mine in (
            ("searched", "o", [row for row in rows if row["load"] == "10" and _searched(row)]),
            ("families", "x", [row for row in rows if row["load"] == "10" and not _searched(row)]),
        ):
            means = [_value(row, "mean") for row in mine]
            axes.plot([float(row["worst found"]) for row in mine], means, marker, label=label)
        least = next(row for row in rows if row["load"] == "10")
        axes.plot(float(least["worst >="]), float(least["mean >="]), "k+", label="no code can be below")
        axes.set_yscale("log")
        axes.set_xlabel("worst squared error (standard attack), partitions")
        axes.set_ylabel("mean squared error, partitions")
        axes.legend(frameon=False)
        save_figure(picture, path)
    return [path]
