"""svmlight / libsvm text, ``label index:value index:value ... # comment``, read with whole-file array operations."""

from __future__ import annotations

import math
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.errors import InputError
from gcopt.training._readers import Table, read_text

_COMMENT = re.compile(r"#[^\n]*")
_PAIR = re.compile(r"\d+:[^:\s]+")
_LARGEST = 2**32


def looks_like_svmlight(file: Path) -> bool:
    """Whether the first line that says anything is a label and ``index:value`` pairs."""
    with file.open(encoding="utf-8-sig", errors="replace") as lines:
        for line in lines:
            words = _COMMENT.sub("", line).split()
            if words:
                return len(words) > 1 and all(_PAIR.fullmatch(word) for word in words[1:])
    return False


def read_svmlight(file: Path) -> Table:
    """Read an svmlight file into a csr_array and the labels."""
    text = _COMMENT.sub("", read_text(file))
    first, lines, values = _tokens(file, text)
    rest = np.ones(len(values), dtype=bool)
    rest[first] = False
    pairs = values[rest].reshape(-1, 2)
    owner = lines[rest][::2]
    columns, data = pairs[:, 0], pairs[:, 1]
    same = owner[1:] == owner[:-1]
    whole = (columns >= 0) & (columns < _LARGEST) & (columns == np.floor(columns))
    if not np.isfinite(values).all() or not whole.all() or (same & (columns[1:] <= columns[:-1])).any():
        raise InputError(_fault(file, text))
    base = 0 if len(columns) and columns.min() == 0 else 1
    indices = columns.astype(np.int64) - base
    indptr = np.searchsorted(owner, np.append(lines[first], np.iinfo(np.int64).max)).astype(np.int64)
    width = int(indices.max()) + 1 if len(indices) else 0
    X = sparse.csr_array((data.copy(), indices, indptr), shape=(len(first), width))
    return X, values[first].copy(), [f"feature {i + base}" for i in range(width)], "label"


def _tokens(file: Path, text: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return which tokens begin a line, the line of every token, and their values; refuse any other form.

    The form of a line is: a token, then pairs of a token that a colon follows at once and one that follows it at once.
    """
    chars = np.frombuffer(text.encode(), dtype=np.uint8)
    colon = chars == ord(":")
    gap = (chars <= ord(" ")) | colon
    starts = np.flatnonzero(~gap & np.concatenate([[True], gap[:-1]]))
    if not len(starts):
        raise InputError(f"{file}: the file is empty; lines 'label index:value ...' are expected")
    lines = np.cumsum(chars == ord("\n"))[starts]
    first = np.flatnonzero(np.concatenate([[True], lines[1:] != lines[:-1]]))
    counts = np.diff(np.append(first, len(starts)))
    place = np.arange(len(starts)) - np.repeat(first, counts)
    after_colon = np.where(starts > 0, colon[starts - 1], False)
    good = (after_colon == ((place > 0) & (place % 2 == 0))).all() and (counts % 2 == 1).all()
    good = good and after_colon.sum() == colon.sum() and not (colon[1:] & gap[:-1]).any()
    values = _numbers(text.replace(":", " ")) if good else None
    if values is None or len(values) != len(starts):
        raise InputError(_fault(file, text))
    return first, lines.astype(np.int64), values


def _numbers(text: str) -> NDArray[np.float64] | None:
    """Return the numbers of a text, None where something in it is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            values: NDArray[Any] = np.fromstring(text, sep=" ")
        except (DeprecationWarning, ValueError):
            return None
    return values


def _fault(file: Path, text: str) -> str:
    """Return the first thing that is wrong with the lines."""
    for number, line in enumerate(text.split("\n"), 1):
        words, before = line.split(), -1
        for place, word in enumerate(words, 1):
            where = f"{file}: line {number}, column {place} is {word!r}"
            index, colon, value = word.rpartition(":")
            if bool(colon) != (place > 1) or (colon and not index.isdecimal()) or not _is_finite(value):
                return f"{where}; {'index:value' if place > 1 else 'a label'} with a finite number is expected"
            if colon and int(index) >= _LARGEST:
                return f"{where}; an index below 2**32 is expected"
            if colon and int(index) <= before:
                return f"{where}; indices must increase within a line, and {before} came before"
            before = int(index) if colon else before
    return f"{file}: not an svmlight file; lines 'label index:value ...' are expected"


def _is_finite(word: str) -> bool:
    try:
        return math.isfinite(float(word)) and "_" not in word
    except ValueError:
        return False
