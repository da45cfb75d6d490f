"""Cluster files: TOML in, TOML out. Every fault is an InputError naming the file, the key and what was expected."""

from __future__ import annotations

import difflib
import io
import json
import math
import os
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from gcopt.cluster import NOTHING, Cluster, Failures, Job, Network, Racks, Trace
from gcopt.delays import MODELS, Delay
from gcopt.errors import InputError
from gcopt.logs import read_log

TRACE_KEYS = ("trace", "replay")
SECTIONS = ("compute", "overhead", "transfer", "network", "failures", "racks")


def read(path: Path) -> Cluster:
    """Read a cluster file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; a cluster file (TOML) is expected") from None
    except IsADirectoryError:
        raise InputError(f"{path}: a folder; a cluster file (TOML) is expected") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file; a cluster file (TOML) is expected") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; a readable cluster file (TOML) is expected") from None
    return parse(text, path.parent, str(path))


def parse(text: str, base: Path, source: str) -> Cluster:
    """Read a cluster from TOML text; ``base`` is where traces lie, ``source`` is what errors name."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{source}: not valid TOML: {error}") from None
    with _naming(source):
        _known(document, ("cluster", "job"), "")
        cluster = _table(document, "cluster")
        _known(cluster, ("workers", *SECTIONS), "[cluster] ")
        for key in ("workers", "compute"):
            if key not in cluster:
                raise InputError(f"[cluster] has no {key}; it is required")
        compute = dict(_table(cluster, "compute"))
        slowness = compute.pop("slowness", None)
        racks = _part(cluster, "racks", Racks) if "racks" in cluster else None
        parts: dict[str, Any] = {
            "compute": _times(compute, "compute", base, ("slowness",)),
            **{
                key: _times(_table(cluster, key), key, base) if key in cluster else NOTHING
                for key in ("overhead", "transfer")
            },
            "network": _part(cluster, "network", Network),
            "failures": _part(cluster, "failures", Failures),
            "job": _part(document, "job", Job),
        }
        with _naming("[cluster]", " "):
            return Cluster(cluster["workers"], racks=racks, slowness=slowness, **parts)


@contextmanager
def _naming(where: str, separator: str = ": ") -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}{separator}{error}") from None


def _table(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = parent.get(key, {})
    if not isinstance(value, dict):
        raise InputError(f"{key} is {value!r}; a section is expected")
    return value


def _known(table: Mapping[str, Any], valid: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in valid:
            close = difflib.get_close_matches(key, valid, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(valid)}"
            raise InputError(f"{where}unknown key {key!r}; {hint}")


def _part(parent: Mapping[str, Any], key: str, kind: type[Any]) -> Any:
    """Make one of the small dataclasses from its section."""
    where = "[job] " if kind is Job else f"[cluster.{key}] "
    table = _table(parent, key)
    names = tuple(f.name for f in fields(kind))
    _known(table, names, where)
    with _naming(where, ""):
        missing = [name for name in names if name not in table and kind is Racks]
        if missing:
            raise InputError(f"{missing[0]} is missing; it takes {', '.join(names)}")
        return kind(**table)


def _times(table: Mapping[str, Any], key: str, base: Path, also: tuple[str, ...] = ()) -> Delay | Trace:
    where = f"[cluster.{key}] "
    if "trace" in table:
        if table.get("model", "trace") != "trace":
            raise InputError(f"{where}has both a model and a trace; keep one of them")
        _known(table, ("model", *TRACE_KEYS, *also), where)
        return _trace(table, where, base)
    if "model" not in table:
        raise InputError(f'{where}has no model; one of {", ".join(MODELS)}, or trace = "rounds.csv"')
    if table["model"] == "trace":
        raise InputError(f'{where}has model = "trace" and no trace; trace = "rounds.csv" names the file')
    if not isinstance(table["model"], str) or table["model"] not in MODELS:
        close = difflib.get_close_matches(str(table["model"]), MODELS, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(MODELS)}, trace"
        raise InputError(f"{where}model is {table['model']!r}; {hint}")
    model = table["model"]
    parameters = {name: value for name, value in table.items() if name != "model"}
    _known(parameters, (*MODELS[model].takes, *also), where)
    with _naming(where, ""):
        return Delay(model, parameters)


def _trace(table: Mapping[str, Any], where: str, base: Path) -> Trace:
    name, replay = table["trace"], table.get("replay", False)
    if not isinstance(name, str):
        raise InputError(f"{where}trace is {name!r}; the name of a CSV or npz file is expected")
    if not isinstance(replay, bool):
        raise InputError(f"{where}replay is {replay!r}; true (in order) or false (rounds at random) is expected")
    with _naming(where, ""):
        return Trace(read_log(base / name), replay)


def write(cluster: Cluster, stem: str) -> tuple[str, dict[str, str]]:
    """Return the TOML text and the traces it names, as file name to CSV text."""
    traces: dict[str, str] = {}
    lines = ["[cluster]", f"workers = {cluster.workers}"]
    for key in ("compute", "overhead", "transfer"):
        source = getattr(cluster, key)
        if source == NOTHING and key != "compute":
            continue
        table: dict[str, Any]
        if isinstance(source, Trace):
            name = f"{stem}.{key}.csv"
            traces[name] = _csv(source)
            table = {"trace": name, "replay": source.replay}
        else:
            table = {"model": source.model, **source.parameters}
        if key == "compute" and (cluster.slowness != 1.0).any():
            table["slowness"] = cluster.slowness.tolist()
        lines += _section(f"cluster.{key}", table)
    for key, default in (("network", Network()), ("failures", Failures()), ("racks", None)):
        part = getattr(cluster, key)
        if part != default:
            lines += _section(f"cluster.{key}", asdict(part))
    lines += _section("job", {name: value for name, value in asdict(cluster.job).items() if value is not None})
    return "\n".join(lines) + "\n", traces


def _section(name: str, table: Mapping[str, Any]) -> list[str]:
    return ["", f"[{name}]", *(f"{key} = {_value(value)}" for key, value in table.items())]


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, float) and math.isinf(value):
        return "inf"
    # JSON's way of writing numbers, booleans and (ASCII) strings is also TOML's, but for 1e+16, which TOML allows too.
    return json.dumps(value)


def _csv(trace: Trace) -> str:
    out = io.StringIO()
    out.write(",".join(f"worker {j}" for j in range(trace.times.shape[1])) + "\n")
    out.writelines(",".join("" if np.isinf(x) else repr(x) for x in row) + "\n" for row in trace.times.tolist())
    return out.getvalue()


def save(cluster: Cluster, path: Path) -> None:
    """Write a cluster file and its traces, all of them or none."""
    text, traces = write(cluster, path.name.removesuffix(".toml"))
    contents = {**{path.parent / name: body for name, body in traces.items()}, path: text}
    staged: dict[Path, str] = {}
    for target in contents:
        if target.is_dir():
            raise InputError(f"{target}: cannot be written (it is a folder); a file name is needed")
    try:
        for target, body in contents.items():
            handle, staged[target] = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(body)
            os.chmod(staged[target], 0o644)
        for target, temporary in staged.items():
            os.replace(temporary, target)
    except OSError as error:
        for temporary in staged.values():
            Path(temporary).unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written ({error.strerror}); a writable folder is needed") from None
