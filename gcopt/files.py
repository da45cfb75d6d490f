"""Codes in files: the native npz, exports for other tools, and anybody's matrix back in.

Everything is written beside its destination, read back, compared with what was meant, and only then moved into place.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from gcopt.code import Claim, GradientCode, Segment
from gcopt.errors import InputError
from gcopt.formats import FORMATS

PathLike = str | os.PathLike[str]

SCHEMA = "gcopt.code/1"


def save(code: GradientCode, path: PathLike) -> Path:
    """Write a code in the native format: npz with a JSON manifest, no pickles, the same bytes every time.

    Parameters
    ----------
    code : GradientCode
    path : path

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the ending is not ``.npz``, or the folder does not exist or cannot be written.

    Examples
    --------
    >>> import gcopt, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     load(save(gcopt.families.fractional_repetition(4, 1), folder + "/code.npz")).family
    'fractional-repetition'
    """
    check_destination(path)
    manifest = {
        "schema": SCHEMA,
        "version": code.version,
        "family": code.family,
        "parameters": dict(code.parameters),
        "seed": code.seed,
        "segments": [segment.settings for segment in code.segments],
        "claims": [asdict(claim) for claim in code.claims],
    }
    if code.compressor is not None:
        manifest["compressor"] = str(code.compressor)
    arrays: dict[str, Any] = {"manifest": np.array(json.dumps(manifest))}
    for c, segment in enumerate(code.segments):
        matrix = segment.encoding
        arrays |= {f"{c}.data": matrix.data, f"{c}.indices": matrix.indices, f"{c}.indptr": matrix.indptr}
        arrays[f"{c}.shape"] = np.array(matrix.shape)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)

    def same(content: bytes) -> bool:
        back = _native(content)
        pairs = zip(code.segments, back.segments, strict=True)
        told = (back.claims, back.compressor) == (code.claims, code.compressor)
        return told and all(_equal(a.encoding, b.encoding) for a, b in pairs)

    return write_atomically(path, buffer.getvalue(), same)


def check_destination(path: PathLike) -> None:
    """Refuse a place where no npz can be written, before the work is done that is to be written there.

    Raises
    ------
    InputError
        If the ending is not ``.npz`` or the folder does not exist.

    Examples
    --------
    >>> check_destination("code.npz")
    """
    place = Path(path)
    if place.suffix.lower() != ".npz":
        raise InputError(f"{path}: a code is written as .npz; for other formats write that first, then gcopt export it")
    if not place.parent.is_dir():
        raise InputError(f"{path}: cannot be written (no folder {place.parent}); name a file in one that exists")


def load(path: PathLike, *, blocks: int = 1) -> GradientCode:
    """Read a code: a native file, the folder of an export, or a bare encoding matrix of anybody.

    Parameters
    ----------
    path : path
        A ``.npz``, ``.mtx``, ``.csv``, ``.mat`` or ``.json`` file, or an exported folder. Rows are workers.
    blocks : int
        m of a bare matrix; column ``u * k + i`` is block u of partition i.

    Raises
    ------
    InputError
        If the file is missing, damaged, holds pickles, NaN or anything that is not one matrix.
    """
    place = Path(path)
    if place.is_dir():
        return _folder(place)
    form = _format_of(place)
    content = _content(place)
    try:
        if form == "npz" and (native := _native_or_none(content)) is not None:
            if blocks != 1:
                raise InputError(f"blocks is {blocks}; a gcopt file knows its own, leave it out")
            return native
        return GradientCode.from_matrix(FORMATS[form].parse(content), blocks=blocks)
    except InputError as error:
        raise InputError(f"{place}: {error}") from None
    except Exception as error:  # a damaged file makes zipfile, zlib and scipy raise nearly anything
        raise InputError(f"{place}: not a readable {form} file ({_first_line(error)})") from None


def export(code: GradientCode, path: PathLike, *, format: str | None = None) -> Path:
    """Write the encoding matrix for other tools; read back and compared bit for bit.

    A matrix tells neither claims nor decoder, nor the compressor of the messages, nor how many stragglers are meant and
    that a code is approximate; `save` keeps all that, and `GradientCode.from_matrix` is told it again.

    Parameters
    ----------
    code : GradientCode
        With several segments a folder is written: one matrix per segment and ``segments.json``.
    path : path
    format : str, optional
        ``npz``, ``mtx``, ``csv``, ``mat`` or ``json``; by default what the ending of ``path`` says.

    Raises
    ------
    InputError
        If the format is unknown or the place cannot be written.

    Examples
    --------
    >>> import gcopt, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     load(export(gcopt.families.fractional_repetition(4, 1), folder + "/B.mtx")).workers
    4
    """
    place = Path(path)
    form = format or _format_of(place)
    if form not in FORMATS:
        raise InputError(f"format is {form!r}; one of {', '.join(FORMATS)} would work")
    if len(code.segments) == 1:
        return _export_matrix(code.segments[0].encoding, place, form)
    try:
        place.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"{place}: cannot make this folder ({error.strerror})") from None
    described = []
    for c, segment in enumerate(code.segments):
        file = _export_matrix(segment.encoding, place / f"segment-{c}.{form}", form)
        described.append({"file": file.name, **segment.settings})
    document = json.dumps({"schema": "gcopt.segments/1", "segments": described}, indent=1).encode()
    write_atomically(place / "segments.json", document, lambda content: content == document)
    return place


def export_placement(code: GradientCode, path: PathLike, *, samples: int | None = None) -> Path:
    """Write who stores what: for each worker its partitions and, if ``samples`` is given, their rows.

    Parameters
    ----------
    code : GradientCode
    path : path
        A JSON file: ``{"workers": [{"worker": 0, "partitions": [...], "rows": [[start, stop], ...]}, ...]}``.
    samples : int, optional
        Number of rows of the data; partition i of k holds rows ``i * samples // k`` up to ``(i + 1) * samples // k``.
    """
    k = code.partitions
    workers = []
    for j in range(code.workers):
        held = sorted(int(i) for i in code.support[[j]].indices)
        entry: dict[str, Any] = {"worker": j, "partitions": held}
        if samples is not None:
            entry["rows"] = [[i * samples // k, (i + 1) * samples // k] for i in held]
        workers.append(entry)
    document = {"schema": "gcopt.placement/1", "partitions": k, "samples": samples, "workers": workers}
    content = (json.dumps(document, indent=1) + "\n").encode()
    return write_atomically(path, content, lambda back: json.loads(back) == document)


def write_atomically(path: PathLike, content: bytes, same: Callable[[bytes], bool]) -> Path:
    """Write a file completely or not at all; ``same`` judges what was read back before it is moved into place."""
    place = Path(path)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if not same(Path(temporary).read_bytes()):
            raise InputError(f"{place}: what was written does not read back equal; nothing was kept")
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, place)
        temporary = None
    except OSError as error:
        raise InputError(
            f"{place}: cannot be written ({error.strerror}); name a file in a folder you may write"
        ) from None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
    return place


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _export_matrix(matrix: sparse.csr_array, place: Path, form: str) -> Path:
    def same(content: bytes) -> bool:
        back = sparse.csr_array(FORMATS[form].parse(content))
        back.eliminate_zeros()
        return _equal(matrix, back)

    return write_atomically(place, FORMATS[form].dump(matrix), same)


def _equal(a: sparse.csr_array, b: sparse.csr_array) -> bool:
    if a.shape != b.shape or a.nnz != b.nnz:
        return False
    return bool((abs(a - b)).max() == 0.0) if a.nnz else True


def _format_of(place: Path) -> str:
    form = place.suffix.lower().lstrip(".")
    if form not in FORMATS:
        raise InputError(f"{place}: the ending says no format; one of .{', .'.join(FORMATS)} would work")
    return form


def _content(place: Path) -> bytes:
    try:
        return place.read_bytes()
    except OSError as error:
        raise InputError(f"{place}: cannot be read ({error.strerror})") from None


def _native_or_none(content: bytes) -> GradientCode | None:
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        if "manifest" not in archive.files:
            return None
    return _native(content)


def _native(content: bytes) -> GradientCode:
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        manifest = json.loads(str(archive["manifest"]))
        if manifest["schema"] != SCHEMA:
            raise ValueError(f"schema {manifest['schema']!r}; this version reads {SCHEMA!r}")
        segments = []
        for c, described in enumerate(manifest["segments"]):
            parts = (archive[f"{c}.data"], archive[f"{c}.indices"], archive[f"{c}.indptr"])
            segments.append(Segment(sparse.csr_array(parts, shape=tuple(archive[f"{c}.shape"])), **described))
    return GradientCode(
        segments=tuple(segments),
        claims=tuple(Claim(**claim) for claim in manifest["claims"]),
        family=manifest["family"],
        parameters=manifest["parameters"],
        seed=manifest["seed"],
        version=manifest["version"],
        compressor=manifest.get("compressor"),
    )


def _folder(place: Path) -> GradientCode:
    listing = place / "segments.json"
    if not listing.is_file():
        raise InputError(f"{place}: a folder without segments.json; name a file, or the folder of an export")
    try:
        described = json.loads(listing.read_text())["segments"]
        segments = []
        for entry in described:
            file = place / entry.pop("file")
            segments.append(Segment(load(file, blocks=entry["blocks"]).segments[0].encoding, **entry))
    except InputError:
        raise
    except Exception as error:  # likewise
        raise InputError(f"{listing}: not a readable listing of segments ({_first_line(error)})") from None
    return GradientCode(tuple(segments))


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0][:120] if text else type(error).__name__
