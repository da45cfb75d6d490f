"""How the rows of `block_coordinate` are shown: a table of methods against settings for each figure, and pictures."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gcopt.tabulating.table import Row, Section

_SYMBOLS = {"workers": "N", "rate": "mu", "shift": "t0", "parameters": "L", "deadline": "t"}
_POWERS = ("rate", "deadline")
_MILLION = 1e6
_LABELS = {
    "workers": "workers N",
    "rate": "rate mu of the times, T = t0 + Exp(mu)",
    "parameters": "parameters L",
    "deadline": "deadline t, units of time",
}

_STYLES: dict[str, dict[str, Any]] = {
    "optimum": {"color": "black", "linewidth": 2.2},
    "6 segments": {"color": "0.35", "linestyle": "--"},
    "3 segments": {"color": "0.6", "linestyle": ":", "linewidth": 1.8},
    "single": {"color": "lightsteelblue", "linewidth": 4.0},  # wide: ferdinand-draper L mostly lies upon it
}
_MARKERS = "osD^<>P"


def sections(rows: Sequence[Row]) -> Iterator[Section]:
    """Yield one section per figure, and the comparison with what was published."""
    for name, points in _figures(rows):
        axis = _axis(name)
        runtime = name.startswith("runtime")
        unit = "expected runtime in millions" if runtime else "probability to complete"
        yield Section(
            f"{name}: {unit}, against {_SYMBOLS[axis]}", _fixed_settings(points[0], axis), _wide(points, axis)
        )
    known = [row for row in rows if row["published"]]
    if known:
        text = "The published values are read off the figures, to about three digits."
        yield Section("Published and computed", text, [_compared(row) for row in known])


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Write one picture per figure and return their paths."""
    return [_drawn(name, points, folder / f"block-coordinate-{name}.png") for name, points in _figures(rows)]


def _figures(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    for name, group in itertools.groupby(rows, key=lambda row: row["figure"]):
        yield name, list(group)


def _axis(figure: str) -> str:
    return figure.partition("-")[2]


def _fixed_settings(row: Row, axis: str) -> str:
    shown = {key: row[key] for key in _SYMBOLS if key != axis and row[key]}
    if "deadline" in shown:
        shown["deadline"] = f"10^{_exponent(row['deadline'])}"
    return ", ".join(f"{_SYMBOLS[key]} = {value}" for key, value in shown.items()) + "."


def _wide(rows: Sequence[Row], axis: str) -> list[Row]:
    """Return a row per method, a column per setting."""
    wide: dict[str, dict[str, str]] = {}
    for row in rows:
        column = _heading(axis, row[axis])
        wide.setdefault(row["method"], {"method": row["method"]})[column] = _cell(row)
        if row["bound"]:
            label = f"{row['method']}: bound"
            wide.setdefault(label, {"method": label})[column] = _number(row, "bound")
    return list(wide.values())


def _heading(axis: str, value: str) -> str:
    return f"{_SYMBOLS[axis]} = {'10^' + _exponent(value) if axis in _POWERS else value}"


def _exponent(value: str) -> str:
    return f"{math.log10(float(value)):.1f}"


def _cell(row: Row) -> str:
    sign = "+" if row["figure"].startswith("runtime") else "-"
    return _number(row, "value") + ("" if row["method"] == "optimum" else f" ({sign}{row['worse %']} %)")


def _number(row: Row, column: str) -> str:
    return row[column] if row["deadline"] else f"{float(row[column]) / _MILLION:#.5g}"


def _compared(row: Row) -> Row:
    axis = _axis(row["figure"])
    published = row["published"] if row["deadline"] else f"{float(row['published']) / _MILLION:#.4g}"
    return {
        "figure": row["figure"],
        "at": _heading(axis, row[axis]),
        "method": row["method"],
        "computed": _number(row, "value"),
        "published": published,
        "difference": f"{float(row['difference %']):+.2f} %",
    }


def _drawn(name: str, rows: Sequence[Row], path: Path) -> Path:
    from gcopt.pictures import figure, save_figure

    axis, markers = _axis(name), itertools.cycle(_MARKERS)
    with figure(width=8.0) as (picture, axes):
        for method in dict.fromkeys(row["method"] for row in rows):
            mine = [row for row in rows if row["method"] == method]
            style = _STYLES.get(method) or {"marker": next(markers), "markersize": 4, "linewidth": 1.0}
            (line,) = axes.plot([float(row[axis]) for row in mine], _heights(mine, "value"), label=method, **style)
            known = [row for row in mine if row["published"]]
            at = [float(row[axis]) for row in known]
            axes.plot(at, _heights(known, "published"), "x", color=line.get_color(), markersize=8)
        if any(row["published"] for row in rows):
            axes.plot([], [], "x", color="black", label="published")
        _scale(axes, name, list(dict.fromkeys(row[axis] for row in rows)))
        axes.set_title(_fixed_settings(rows[0], axis).rstrip("."), fontsize="medium")
        picture.legend(loc="outside right center", frameon=False)
        save_figure(picture, path)
    return path


def _heights(rows: Sequence[Row], column: str) -> list[float]:
    """Return what is drawn: a runtime, in one figure per parameter, or the probability to be late."""
    heights = []
    for row in rows:
        value = float(row[column])
        if row["deadline"]:
            heights.append(1.0 - value if value < 1.0 else math.nan)
        elif _axis(row["figure"]) == "parameters":
            heights.append(value / float(row["parameters"]))
        else:
            heights.append(value / _MILLION)
    return heights


def _scale(axes: Any, figure: str, points: Sequence[str]) -> None:
    """Label the axes; ticks on the horizontal one are where the points are."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    axis = _axis(figure)
    logarithmic = axis in _POWERS or figure == "runtime-parameters"
    axes.set_xscale("log" if logarithmic else "linear")
    labels = [f"$10^{{{_exponent(point)}}}$" if axis in _POWERS else point for point in points]
    axes.set_xticks([float(point) for point in points], labels)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(_LABELS[axis])
    if figure == "runtime-parameters":
        axes.set_ylabel("E tau / L, units of time per parameter")
        return
    axes.set_yscale("log")
    if figure.startswith("runtime"):
        axes.set_ylabel("expected runtime E tau, millions of units of time")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda height, _: f"{height:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylabel("probability to be late, 1 - P(tau <= t)")
