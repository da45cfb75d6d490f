"""Compressed messages as people read them: a section per setting, and pictures against iterations and bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from gcopt.pictures import figure, save_figure
from gcopt.tabulating.one_bit_runs import UNCODED
from gcopt.tabulating.table import Row, Section

_ABOUT = ("experiment", "code", "p", "d")
_HIDDEN = (*_ABOUT, "starts", "steps", "curve", "kB in all", "+- 100", "exact 100", "+- 500")
_LOWEST = 1e-14  # below, nothing but rounding is left

# what is drawn, and how: dashed where messages are biased
_DRAWN = {
    "none": ("black", "-"),
    "float16": ("dimgray", ":"),
    "dither1:norm": ("tab:red", "-"),
    "dither1:max": ("tab:orange", "-"),
    "dither1:max,subtractive": ("tab:olive", "-"),
    "two-level": ("tab:pink", "-"),
    "rotate+dither1:max,subtractive": ("tab:green", "-"),
    "sign": ("tab:purple", "--"),
    "feedback+sign": ("tab:blue", "--"),
    "feedback+top:5": ("tab:cyan", "--"),
    "feedback+top:0.01": ("tab:cyan", "--"),
}


def _setting(row: Row) -> tuple[str, ...]:
    return tuple(row[key] for key in _ABOUT)


def _title(experiment: str, code: str, p: str, d: str) -> str:
    placed = "uncoded, stragglers ignored" if code == UNCODED else f"copies at random, d = {d}"
    return f"{experiment}, p = {p}, {placed}"


def sections(rows: Sequence[Row]) -> Iterator[Section]:
    """Yield a section per experiment, probability and code, without the columns that are empty there."""
    for setting, found in groupby(rows, key=_setting):
        group = list(found)
        shown = [key for key in group[0] if key not in _HIDDEN and any(row[key] for row in group)]
        yield Section(_title(*setting), "", [{key: row[key] for key in shown} for row in group])


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Draw a picture per experiment and setting with copies: against iterations, and against bytes."""
    paths = []
    for setting, found in groupby((row for row in rows if row["code"] != UNCODED), key=_setting):
        group = [row for row in found if row["compressor"] in _DRAWN]
        experiment, _, p, d = setting
        paths.append(folder / f"one-bit-{experiment}-p{p}-d{d}.png")
        _picture(_title(*setting), group, paths[-1])
    return paths


def _picture(title: str, rows: Sequence[Row], path: Path) -> None:
    far = rows[0]["experiment"] == "regression"
    with figure(width=5.6, columns=2) as (picture, axes):
        for row in rows:
            color, style = _DRAWN[row["compressor"]]
            steps, values = ([float(x) for x in row[key].split()] for key in ("steps", "curve"))
            sizes = [float(row["kB / step"]) * step for step in steps]
            for one, places in zip(axes, (steps, sizes), strict=True):
                one.plot(places[1:], values[1:], color=color, linestyle=style, label=row["compressor"])
        for one, label in zip(axes, ("iterations", "kB that reach the master"), strict=True):
            one.set_xlabel(label)
            low, high = one.get_ylim()
            one.set_yscale("log" if far or high > 4.0 * low > 0.0 else "linear")
            one.set_ylabel("relative squared error" if far else "loss")
            if far:
                one.set_ylim(bottom=max(_LOWEST, one.get_ylim()[0]), top=2.0)
        axes[1].set_xscale("log")
        picture.suptitle(title, fontsize="medium")
        handles, labels = axes[0].get_legend_handles_labels()
        picture.legend(handles, labels, loc="outside right center", frameon=False, fontsize="small")
        save_figure(picture, path)
