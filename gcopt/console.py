"""What every verb of the command line shares: settings, JSON, errors, exit codes, progress."""

from __future__ import annotations

import json
import math
import os
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from gcopt.errors import InputError

_SHORT = 26
_WIDE = 160
_TEXT = 20  # a text in a narrower column is no pleasure to read
_GAP = 3  # between columns


def settings(pairs: Iterable[str]) -> dict[str, Any]:
    """Read ``key=value`` settings; values are numbers, true, false, lists as in JSON, or words.

    Examples
    --------
    >>> settings(["workers=12", "alpha=1.5", "speeds=[1, 2]", "model=exponential"])
    {'workers': 12, 'alpha': 1.5, 'speeds': [1, 2], 'model': 'exponential'}
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or not key:
            raise InputError(f"--set {pair}: key=value is expected, such as --set workers=12")
        if key in found:
            raise InputError(f"--set {key} is given twice")
        try:
            found[key] = json.loads(text)
        except json.JSONDecodeError:
            found[key] = text.strip()
    return found


def integers(option: str, text: str | None) -> tuple[int, ...] | None:
    """Read the integers of an option, with commas between them.

    Examples
    --------
    >>> integers("--moves", "512, 256")
    (512, 256)
    """
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.strip("[] ").split(","))
    except ValueError:
        raise InputError(f"{option} {text}: integers with commas between them are needed, such as 512,256") from None


def jsonable(value: Any) -> Any:
    """Return a value as strict JSON can hold it: no infinities or NaN (null), no numpy types.

    Examples
    --------
    >>> jsonable({"a": float("inf"), "b": (1, 2.0)})
    {'a': None, 'b': [1, 2.0]}
    """
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if hasattr(value, "tolist"):
        return jsonable(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON object to stdout."""
    sys.stdout.write(json.dumps(jsonable(document)) + "\n")


def print_table(
    title: str, header: Sequence[str], rows: Iterable[Sequence[str]], *, file: TextIO | None = None
) -> None:
    """Print a table to stdout: short cells stay on one line, numbers are on the right, long texts wrap.

    It is as wide as the terminal, or COLUMNS; wide where neither is known. Where it would not fit, rows become
    paragraphs, so that nothing is cut off.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    cells = [[str(cell) for cell in row] for row in rows]
    longest = [max((len(row[i]) for row in cells), default=0) for i in range(len(header))]
    out = file or sys.stdout
    known = out.isatty() or "COLUMNS" in os.environ
    screen = Console(file=out, width=None if known else _WIDE, highlight=False)
    screen.print(title.replace("[", "\\["), style="bold")
    needed = sum(max(len(name), size if size <= _SHORT else _TEXT) for name, size in zip(header, longest, strict=True))
    if cells and needed + _GAP * len(header) > screen.width:
        out.write("".join(f"\n{_paragraph(header, row, screen.width)}\n" for row in cells) + "\n")
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for i, (name, size) in enumerate(zip(header, longest, strict=True)):
        short = size <= _SHORT
        text = i > 0 and not short
        table.add_column(name, justify="left" if i == 0 or text else "right", no_wrap=short, overflow="fold")
    for row in cells:
        table.add_row(*(cell.replace("[", "\\[") for cell in row))
    screen.print(table)


def _paragraph(header: Sequence[str], row: Sequence[str], width: int) -> str:
    """Return a row of a table as text: the first cell, and below it the others with their names."""
    named = "; ".join(f"{name}: {cell}" for name, cell in zip(header[1:], row[1:], strict=True) if cell)
    lines = textwrap.wrap(named, max(width, 2 * _SHORT), initial_indent="  ", subsequent_indent="  ")
    return "\n".join([row[0] if not header[0] else f"{header[0]}: {row[0]}", *lines])


def say(text: str) -> None:
    """Print a remark to stderr, where it does not disturb what is piped on."""
    sys.stderr.write(text + "\n")


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Progress]:
    """Show a progress bar on stderr while the block runs; nothing when stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield Progress()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _Shown(bar, bar.add_task(what, total=total, note=""))


class Progress:
    """A progress bar that shows nothing."""

    def update(self, done: float, total: float | None = None, note: str = "") -> None:
        """Say how far it is."""


class _Shown(Progress):
    def __init__(self, bar: Any, task: Any) -> None:
        self._bar = bar
        self._task = task

    def update(self, done: float, total: float | None = None, note: str = "") -> None:
        known = {} if total is None else {"total": total}
        self._bar.update(self._task, completed=done, note=note, **known)


def seconds_text(value: float | None) -> str:
    """Return a time with three significant digits and a unit that fits.

    Examples
    --------
    >>> seconds_text(0.00123), seconds_text(45.336), seconds_text(70494401.2), seconds_text(float("inf"))
    ('1.23 ms', '45.3 s', '7.05e+07 s', 'never')
    """
    if value is None or math.isnan(value):
        return "-"
    if not math.isfinite(value):
        return "never"
    for limit, unit in ((0.9995e-3, 1e-6), (0.9995, 1e-3)):
        if 0 < abs(value) < limit:
            return f"{value / unit:.3g} {'us' if unit == 1e-6 else 'ms'}"
    return f"{value:.3g} s" if value < 999.5 or value >= 1e5 else f"{value:.0f} s"


def bytes_text(value: float) -> str:
    """Return a number of bytes with three significant digits and a unit that fits.

    Examples
    --------
    >>> bytes_text(38440), bytes_text(640), bytes_text(2.5e9)
    ('38.4 kB', '640 B', '2.5 GB')
    """
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= 0.9995 * unit:
            return f"{value / unit:.3g} {name}"
    return f"{value:.3g} B"
