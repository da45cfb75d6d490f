"""Timing logs: rows are rounds, columns are workers, entries seconds; an empty cell or `inf` means no answer."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.errors import InputError

SHAPE = "a log has one row per round and one column per worker"


def read_log(path: str | Path) -> NDArray[np.float64]:
    """Read a timing log.

    Parameters
    ----------
    path : str or Path
        A CSV file with or without a header line, or ``file.npz`` (holding one array) or ``file.npz:NAME``.

    Returns
    -------
    array, shape (rounds, workers), float64
        Seconds; infinite where a worker gave no answer.

    Raises
    ------
    InputError
        If the file is missing or unreadable, ragged, or holds text, NaN or a negative number; the message names the
        file, the line and the column.
    """
    name = str(path)
    file, _, member = name.partition(".npz:")
    if member:
        return _read_npz(Path(file + ".npz"), member)
    if name.endswith(".npz"):
        return _read_npz(Path(name), None)
    return _read_csv(Path(name))


def check_log(array: Any, source: str = "log") -> NDArray[np.float64]:
    """Return an array of seconds, shape (rounds, workers), as a log, or raise InputError naming the entry at fault."""
    log = np.asarray(array)
    if log.ndim != 2 or 0 in log.shape:
        raise InputError(f"{source} has shape {log.shape}; (rounds, workers) is expected")
    if log.dtype.kind not in "uif":
        raise InputError(f"{source} has entries of type {log.dtype}; seconds are expected")
    log = log.astype(float)
    wrong = np.argwhere(np.isnan(log) | (log < 0.0))
    if len(wrong):
        row, column = wrong[0]
        found = log[row, column]
        raise InputError(
            f"{source}: round {row}, worker {column} is {found:g}; seconds >= 0 are expected, inf for none"
        )
    _check_answers(log, source)
    return log


def _check_answers(log: NDArray[np.float64], source: str) -> None:
    silent = np.flatnonzero(~np.isfinite(log).any(axis=0))
    if len(silent):
        raise InputError(f"{source}: worker {silent[0]} never answered; leave its column out")


def _read_npz(path: Path, member: str | None) -> NDArray[np.float64]:
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise InputError(f"{path}: a single array, not an npz archive; save it with numpy.savez")
        with archive:
            names = archive.files
            if member is None and len(names) != 1:
                raise InputError(f"{path} holds {len(names)} arrays; name one as {path}:NAME of {', '.join(names)}")
            if member is not None and member not in names:
                raise InputError(f"{path} holds no array {member!r}; there are: {', '.join(names)}")
            array = archive[member or names[0]]
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a readable npz file without pickles ({error})") from None
    return check_log(array, f"{path}:{member or names[0]}")


def _read_csv(path: Path) -> NDArray[np.float64]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; {SHAPE}") from None
    except IsADirectoryError:
        raise InputError(f"{path}: a folder; a CSV or npz file is expected") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable CSV file ({error})") from None
    reader = csv.reader(text.splitlines())
    lines = [(reader.line_num, row) for row in reader if row]
    if lines and not any(_is_number(cell) or not cell.strip() for cell in lines[0][1]):
        lines = lines[1:]
    if not lines:
        raise InputError(f"{path}: holds no rounds; {SHAPE}")
    width = len(lines[0][1])
    rows = []
    for number, row in lines:
        if len(row) != width:
            raise InputError(
                f"{path}, line {number}: {len(row)} columns; {width} are expected as in line {lines[0][0]}"
            )
        rows.append([_seconds(cell, f"{path}, line {number}, column {j + 1}") for j, cell in enumerate(row)])
    log = np.array(rows, dtype=float)
    count = log[:, 0] - np.arange(len(log))
    if len(log) >= 3 and width > 1 and count[0] in (0.0, 1.0) and np.all(count == count[0]):
        raise InputError(f"{path}, column 1: counts the rounds; leave it out, {SHAPE}")
    _check_answers(log, str(path))
    return log


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _seconds(cell: str, where: str) -> float:
    if not cell.strip():
        return np.inf
    try:
        value = float(cell)
    except ValueError:
        raise InputError(f"{where}: {cell!r}; seconds are expected, empty or inf for no answer") from None
    if not value >= 0.0:
        raise InputError(f"{where}: {cell}; seconds >= 0 are expected, empty or inf for no answer")
    return value
