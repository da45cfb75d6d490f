"""Encoding matrices as other tools read them: one pair of functions per format, bytes out and matrix in."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from scipy import sparse

from gcopt.errors import InputError

_CSV_LIMIT = 20_000_000


@dataclass(frozen=True)
class Format:
    """How a matrix is written and read.

    Attributes
    ----------
    dump : callable
        csr_array -> bytes.
    parse : callable
        bytes -> matrix; raises ValueError with what is wrong.
    """

    dump: Callable[[sparse.csr_array], bytes]
    parse: Callable[[bytes], Any]


def _dump_mtx(matrix: sparse.csr_array) -> bytes:
    from scipy.io import mmwrite

    buffer = io.BytesIO()
    mmwrite(buffer, sparse.coo_matrix(matrix), comment=" encoding matrix; rows are workers")
    return buffer.getvalue()


def _parse_mtx(content: bytes) -> Any:
    from scipy.io import mmread

    with _either_kind():
        return mmread(io.BytesIO(content))


def _dump_mat(matrix: sparse.csr_array) -> bytes:
    from scipy.io import savemat

    buffer = io.BytesIO()
    savemat(cast(Any, buffer), {"B": sparse.csc_matrix(matrix)}, do_compression=True)
    return buffer.getvalue()


def _parse_mat(content: bytes) -> Any:
    from scipy.io import loadmat

    with _either_kind():
        found = loadmat(cast(Any, io.BytesIO(content)))
    return _only_matrix({k: v for k, v in found.items() if not k.startswith("__")})


@contextmanager
def _either_kind() -> Iterator[None]:
    """Accept sparse matrices as well as sparse arrays: scipy warns that its readers will return the latter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _dump_csv(matrix: sparse.csr_array) -> bytes:
    if matrix.shape[0] * matrix.shape[1] > _CSV_LIMIT:
        raise InputError(
            f"a {matrix.shape[0]} x {matrix.shape[1]} matrix is too large for csv; mtx, mat or npz would work"
        )
    rows = (",".join(_number(value) for value in row) for row in matrix.toarray().tolist())
    return ("\n".join(rows) + "\n").encode()


def _number(value: complex) -> str:
    return repr(value).strip("()")


def _parse_csv(content: bytes) -> Any:
    rows: list[list[complex]] = []
    for number, line in enumerate(content.decode("utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        try:
            rows.append([complex(cell.strip()) for cell in line.split(",")])
        except ValueError:
            raise ValueError(f"line {number} holds something that is not a number: {line[:40]!r}") from None
        if len(rows[-1]) != len(rows[0]):
            raise ValueError(f"line {number} has {len(rows[-1])} cells, the first has {len(rows[0])}")
    return _real_if_possible(np.array(rows))


def _dump_json(matrix: sparse.csr_array) -> bytes:
    coo = matrix.tocoo()
    document = {
        "schema": "gcopt.matrix/1",
        "shape": list(matrix.shape),
        "rows": coo.row.tolist(),
        "columns": coo.col.tolist(),
        "values": coo.data.real.tolist(),
    }
    if coo.data.dtype.kind == "c":
        document["imaginary"] = coo.data.imag.tolist()
    return json.dumps(document).encode()


def _parse_json(content: bytes) -> Any:
    document = json.loads(content)
    if isinstance(document, list):
        return np.array(document)
    if not isinstance(document, dict) or not {"shape", "rows", "columns", "values"} <= set(document):
        raise ValueError("neither a list of rows nor an object with shape, rows, columns and values")
    values = np.array(document["values"], dtype=float)
    if "imaginary" in document:
        values = values + 1j * np.array(document["imaginary"], dtype=float)
    return sparse.coo_array((values, (document["rows"], document["columns"])), shape=tuple(document["shape"]))


def _dump_npz(matrix: sparse.csr_array) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, B=matrix.toarray()) if matrix.shape[1] <= 4096 else sparse.save_npz(buffer, matrix)
    return buffer.getvalue()


def _parse_npz(content: bytes) -> Any:
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        if {"format", "data", "shape"} <= set(archive.files):
            return sparse.load_npz(io.BytesIO(content))
        return _only_matrix({name: archive[name] for name in archive.files})


def _only_matrix(found: dict[str, Any]) -> Any:
    """Return the one matrix of a file with named arrays: the one called B, or the only one there is."""
    if "B" in found:
        return found["B"]
    matrices = {k: v for k, v in found.items() if getattr(v, "ndim", 0) == 2}
    if len(matrices) != 1:
        raise ValueError(f"one matrix, or one called B, is expected; found: {', '.join(sorted(found)) or 'nothing'}")
    return next(iter(matrices.values()))


def _real_if_possible(array: Any) -> Any:
    return array.real if array.size and not np.any(array.imag) else array


FORMATS: dict[str, Format] = {
    "npz": Format(_dump_npz, _parse_npz),
    "mtx": Format(_dump_mtx, _parse_mtx),
    "csv": Format(_dump_csv, _parse_csv),
    "mat": Format(_dump_mat, _parse_mat),
    "json": Format(_dump_json, _parse_json),
}
