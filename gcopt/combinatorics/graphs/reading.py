"""A regular graph from a file: a list of edges or an adjacency matrix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from gcopt.combinatorics.graphs.building import Ints, from_edges
from gcopt.errors import InputError
from gcopt.formats import FORMATS

_LISTS = (".txt", ".edges")


def read_graph(path: str | Path) -> sparse.csr_array:
    """Read a simple regular graph.

    Parameters
    ----------
    path : path
        A list of edges (``.txt``, ``.edges`` or ``.csv``: two vertices on each line, with blanks or a comma between
        them, each edge once; whole numbers name vertices, which are numbered in their order) or an adjacency matrix of
        0 and 1 (``.csv``, ``.npz``, ``.mtx``, ``.mat``, ``.json``). Lines that begin with # are left out.

    Returns
    -------
    csr_array, shape (n, n)

    Raises
    ------
    InputError
        If the file cannot be read, is empty, or holds a loop, a double or directed edge or vertices of unequal degree;
        one line that names the file and what was found.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "path.txt").write_text("1 2\\n2 3\\n3 1\\n")
    ...     read_graph(folder + "/path.txt").toarray().tolist()
    [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    """
    place = Path(path)
    try:
        content = place.read_bytes()
    except OSError as error:
        raise InputError(f"{place}: cannot be read ({error.strerror})") from None
    try:
        return _checked(_parsed(place.suffix.lower(), content))
    except Exception as error:  # a damaged file makes zipfile, zlib and scipy raise nearly anything
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"{place}: {said[:200]}") from None


def _parsed(suffix: str, content: bytes) -> Any:
    if suffix not in (*_LISTS, *(f".{name}" for name in FORMATS)):
        endings = ", ".join([*_LISTS, *(f".{name}" for name in FORMATS)])
        raise ValueError(f"the ending says no format; one of {endings} would work")
    if suffix not in (*_LISTS, ".csv"):
        return sparse.csr_array(FORMATS[suffix[1:]].parse(content))
    lines = [line.split("#")[0].replace(",", " ").split() for line in content.decode("utf-8-sig").splitlines()]
    rows = [(number, cells) for number, cells in enumerate(lines, 1) if cells]
    if not rows:
        raise ValueError("the file is empty; a list of edges or an adjacency matrix is expected")
    if suffix == ".csv" and not (len(rows[0][1]) == 2 and len(rows) != 2):
        return sparse.csr_array(_numbers(rows, len(rows), "one row for each vertex"))
    return _from_list(_numbers(rows, 2, "two vertices"))


def _numbers(rows: list[tuple[int, list[str]]], width: int, what: str) -> Ints:
    for number, cells in rows:
        if len(cells) != width:
            raise ValueError(f"line {number} has {len(cells)} entries; {width} are expected ({what})")
        if not all(cell.removeprefix("-").isdecimal() for cell in cells):
            raise ValueError(f"line {number} holds something that is not a whole number: {' '.join(cells)[:40]!r}")
    return np.array([cells for _, cells in rows]).astype(np.int64)


def _from_list(edges: Ints) -> sparse.csr_array:
    names, numbered = np.unique(edges, return_inverse=True)
    numbered = np.sort(numbered.reshape(-1, 2), axis=1)
    different, times = np.unique(numbered, axis=0, return_counts=True)
    if (times > 1).any():
        first, second = names[different[times.argmax()]]
        raise ValueError(f"edge {first} - {second} is listed {times.max()} times; list each edge once")
    return from_edges(names.size, numbered)


def _checked(found: Any) -> sparse.csr_array:
    """Refuse what is not the adjacency matrix of a simple regular graph."""
    n, m = found.shape
    found.sum_duplicates()
    found.eliminate_zeros()
    if n != m:
        raise ValueError(f"a {n} x {m} matrix; an adjacency matrix is square")
    if not found.nnz:
        raise ValueError("no edges; a graph with edges is expected")
    if found.diagonal().any():
        raise ValueError(
            f"vertex {int(np.flatnonzero(found.diagonal())[0])} has a loop; a graph without loops is expected"
        )
    if (found.data != 1).any():
        raise ValueError(f"an entry is {found.data[found.data != 1][0]:g}; an adjacency matrix holds 0 and 1")
    if (found != found.T).nnz:
        first, second = (int(x[0]) for x in (found != found.T).nonzero())
        raise ValueError(f"{first} and {second} are joined in one direction only; an undirected graph is expected")
    degrees = np.diff(found.indptr)
    if np.ptp(degrees):
        few, many = degrees.min(), degrees.max()
        raise ValueError(
            f"vertices have {few} to {many} neighbours; a regular graph, where all have as many, is needed"
        )
    return sparse.csr_array(found, dtype=np.int32)
