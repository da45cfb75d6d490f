"""Reports of solve, families and solvers."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gcopt.console import print_json, print_table, seconds_text
from gcopt.report._common import written

if TYPE_CHECKING:
    from gcopt.existence import Existence
    from gcopt.families import Family
    from gcopt.solving import Solution

_LISTED = 64


class Entry(Protocol):
    """What a family and a solver have in common."""

    @property
    def summary(self) -> str:
        """One line."""

    @property
    def source(self) -> str:
        """Publication."""

    @property
    def signature(self) -> inspect.Signature:
        """Parameters."""


def print_solution(solution: Solution, path: Path | None) -> None:
    """Print value, bound, gap, status and what else a solver found."""
    result = solution.result
    bound = "none" if result.bound is None else f"{result.bound:.10g}"
    gap = "-" if result.gap is None else f"{result.gap:.3g}"
    print(f"value {result.value:.10g}, bound {bound}, gap {gap}, {result.status} after {seconds_text(result.seconds)}")
    print(result.status.advice)
    for key, value in solution.more.items():
        if value not in ("", None):
            print(f"{key}: {_shortened(value)}")
    written(path)


def _shortened(value: Any) -> str:
    """Return a value for people: numbers with six digits, long lists without their end."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shortened(item)}" for key, item in value.items())
    if not isinstance(value, (list, tuple)):
        return str(value)
    shown = ", ".join(_shortened(item) for item in value[:_LISTED])
    more = len(value) - _LISTED
    return f"[{shown}, ... {more} more, --json lists all]" if more > 0 else f"[{shown}]"


def print_entries(word: str, schema: str, entries: Iterable[tuple[str, Any]], *, as_json: bool) -> None:
    """Print families or solvers."""
    listed: list[tuple[str, Entry]] = list(entries)
    if as_json:
        rows = [
            {"name": n, "description": e.summary, "source": e.source, "parameters": _described(e)} for n, e in listed
        ]
        print_json({"schema": schema, word: rows})
        return
    table = [(n, " ".join(_spelled(p) for p in _described(e)), e.summary) for n, e in listed]
    print_table(word.capitalize(), ("name", "parameters", "what it is"), table)


def print_family(entry: Family, *, as_json: bool) -> None:
    """Print all there is to know about one family."""
    if as_json:
        print_entries("families", "gcopt.families/1", [(entry.name, entry)], as_json=True)
        return
    print(f"{entry.name}: {inspect.cleandoc(entry.__doc__).split('Examples' + chr(10))[0].rstrip()}\n")
    print(f"Source: {entry.source}")


def print_existence(family: str, parameters: Mapping[str, Any], found: Existence, *, as_json: bool) -> None:
    """Print whether a family has a code with these parameters."""
    if as_json:
        about = {"schema": "gcopt.exists/1", "family": family, "parameters": dict(parameters)}
        print_json({**about, "answer": found.answer, "reason": found.reason, "nearest": list(found.nearest)})
    else:
        print(found)


def _described(entry: Entry) -> list[dict[str, Any]]:
    shown = []
    for name, parameter in entry.signature.parameters.items():
        if name == "rng" or parameter.kind is parameter.VAR_KEYWORD:
            continue
        required = parameter.default is parameter.empty
        default = None if required else parameter.default
        shown.append({"name": name, "required": required, "default": default, "type": str(parameter.annotation)})
    return shown


def _spelled(parameter: dict[str, Any]) -> str:
    return parameter["name"] if parameter["required"] else f"[{parameter['name']}]"
