"""CSV and npz files of rows and labels. Fast where the file is right, exact about the place where it is not."""

from __future__ import annotations

import contextlib
import csv
import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.errors import InputError

Table = tuple[Any, NDArray[Any], list[str], str]

_ADVICE = "numbers are expected; replace a category by one column of 0 and 1 for each of its values"


def read_text(file: Path) -> str:
    """Return a file as text, or say that it is none."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: byte {error.start} is not text; a CSV, npz or svmlight file is expected") from None
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None


def read_csv(file: Path, label: str | None) -> Table:
    """Read a CSV file with an optional header; the label is a column of that name, or the last."""
    lines = read_text(file).splitlines()
    skip = next((i for i, line in enumerate(lines) if line.strip()), None)
    if skip is None:
        raise InputError(f"{file}: the file is empty; rows of numbers are expected")
    delimiter = max(",;\t", key=lines[skip].count)
    first = [cell.strip() for cell in next(csv.reader([lines[skip]], delimiter=delimiter))]
    header = not any(_is_number(cell) for cell in first)
    names = first if header else [f"column {i + 1}" for i in range(len(first))]
    at = _label_column(file, names, header, label)
    start = skip + 1 if header else skip
    if not any(line.strip() for line in lines[start:]):
        raise InputError(f"{file}: line {skip + 1} is a header and no rows follow")
    table = None
    with contextlib.suppress(ValueError):
        table = np.loadtxt(lines[start:], delimiter=delimiter, comments=None, quotechar='"', ndmin=2)
    if table is None or table.shape[1] != len(names) or not np.isfinite(table).all():
        raise InputError(_csv_fault(file, lines, start, delimiter, names))
    return np.delete(table, at, axis=1), table[:, at].copy(), names[:at] + names[at + 1 :], names[at]


def _label_column(file: Path, names: list[str], header: bool, label: str | None) -> int:
    if label is None:
        return len(names) - 1
    if not header:
        raise InputError(
            f"{file}: label is {label!r}, but the file has no header; leave it out to take the last column"
        )
    if names.count(label) != 1:
        raise InputError(f"{file}: {names.count(label)} columns are called {label!r}; there are: {', '.join(names)}")
    return names.index(label)


def _csv_fault(file: Path, lines: list[str], start: int, delimiter: str, names: list[str]) -> str:
    """Return the first thing that is wrong with the rows of a table."""
    for number, line in enumerate(lines[start:], start + 1):
        if not line.strip():
            continue
        cells = next(csv.reader([line], delimiter=delimiter))
        if len(cells) != len(names):
            return f"{file}: line {number} has {len(cells)} columns; {len(names)} are expected, as in the first line"
        for column, cell in enumerate(cells, 1):
            name = "" if names[column - 1] == f"column {column}" else f" ({names[column - 1]})"
            where = f"{file}: line {number}, column {column}{name}"
            if not cell.strip():
                return f"{where} is empty; a number is expected"
            if not _is_number(cell):
                return f"{where} is {cell.strip()!r}; {_ADVICE}"
            if not math.isfinite(float(cell)):
                return f"{where} is {cell.strip()}; a finite number is expected"
    return f"{file}: the rows cannot be read as a table of numbers"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    # what Python reads and a table of numbers should not hold
    return "_" not in cell


def read_npz(file: Path, label: str | None) -> Table:
    """Read arrays ``X`` and ``y`` (or the one called ``label``), or a CSR matrix in parts."""
    arrays = _open_npz(file)
    target = label or "y"
    if target not in arrays:
        raise InputError(f"{file}: there is no array {target!r}; the file holds: {', '.join(arrays) or 'nothing'}")
    y = arrays[target]
    if "X" in arrays:
        X: Any = arrays["X"]
        _check_numbers(file, "X", X, 2)
    elif all(key in arrays for key in ("data", "indices", "indptr", "shape")):
        X = _csr(file, arrays)
    else:
        raise InputError(
            f"{file}: there is neither an array 'X' nor 'data', 'indices', 'indptr' and 'shape'; the file holds: "
            + ", ".join(arrays)
        )
    _check_numbers(file, target, y, 1)
    if len(y) != X.shape[0]:
        raise InputError(f"{file}: {target} has {len(y)} entries and X {X.shape[0]} rows; as many are expected")
    return X, y, [f"column {i + 1}" for i in range(X.shape[1])], target


def _open_npz(file: Path) -> dict[str, NDArray[Any]]:
    try:
        stored: Any = np.load(file, allow_pickle=False)
        if not isinstance(stored, np.ndarray):
            with stored:
                return {key: stored[key] for key in stored.files}
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise InputError(f"{file}: holds pickled objects, which are never read; save plain arrays") from None
        raise InputError(f"{file}: not a readable npz ({_one_line(error)})") from None
    except (OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{file}: not a readable npz, perhaps truncated ({_one_line(error)})") from None
    raise InputError(f"{file}: one array without a name; an npz with arrays 'X' and 'y' is expected")


def _one_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _check_numbers(file: Path, name: str, array: NDArray[Any], dimensions: int) -> None:
    if array.ndim != dimensions:
        raise InputError(f"{file}: {name} has shape {array.shape}; {dimensions} dimensions are expected")
    if array.dtype.kind not in "biuf":
        raise InputError(f"{file}: {name} has entries of type {array.dtype}; {_ADVICE}")
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        place = ", ".join(str(i) for i in wrong[0].tolist())
        raise InputError(f"{file}: {name}[{place}] is {array[tuple(wrong[0])]}; finite numbers are expected")


def _csr(file: Path, arrays: Mapping[str, NDArray[Any]]) -> sparse.csr_array:
    data, indices, indptr, shape = (arrays[key] for key in ("data", "indices", "indptr", "shape"))
    _check_numbers(file, "data", data, 1)
    if "format" in arrays and arrays["format"].item() not in (b"csr", "csr"):
        raise InputError(f"{file}: format is {arrays['format'].item()!r}; csr is expected")
    whole = all(part.dtype.kind in "iu" for part in (indices, indptr, shape))
    sized = shape.shape == (2,) and indptr.shape == (shape[0] + 1,) and indices.shape == data.shape
    if not (
        whole and sized and indptr[0] == 0 and indptr[-1] == len(data) and (np.diff(indptr.astype(int)) >= 0).all()
    ):
        raise InputError(f"{file}: data, indices, indptr and shape do not fit together as a CSR matrix")
    if len(indices) and not 0 <= indices.min() <= indices.max() < shape[1]:
        raise InputError(
            f"{file}: indices reach {indices.max()}; with {shape[1]} columns 0 to {shape[1] - 1} would work"
        )
    matrix = sparse.csr_array((data, indices.astype(np.int64), indptr.astype(np.int64)), shape=tuple(shape.tolist()))
    matrix.sum_duplicates()
    return matrix
