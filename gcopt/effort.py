"""How long a search runs, on how many processes, from where it goes on and whom it tells: the same for every search."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import gcopt
from gcopt.console import jsonable
from gcopt.errors import InputError
from gcopt.files import write_atomically
from gcopt.solvers.chains import Chain

if TYPE_CHECKING:
    from gcopt.solvers.searching import Search

SECONDS = 30.0
"""Time limit where none is given."""

_SCHEMA = "gcopt.search/1"


@dataclass(frozen=True)
class Effort:
    """What the command line says about a search beside what is searched.

    Attributes
    ----------
    seconds : float or None
        Time limit; None is `SECONDS`, unless moves are given.
    moves : tuple of int or None
        Moves of every chain, as an earlier search recorded them: it is made again.
    processes : int
    checkpoint : path or None
        Where the chains are kept; if the file exists, the search goes on from it.
    tell : callable or None
        Called with how far it is, of how much, and the best value.
    """

    seconds: float | None = None
    moves: tuple[int, ...] | None = None
    processes: int = 1
    checkpoint: Path | None = None
    tell: Callable[[float, float, float], None] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.moves is not None and self.seconds is not None:
            raise InputError("seconds and moves are both given; a search ends after one or the other")

    def search(self, chains: int) -> Search:
        """Return the outer loop with this limit."""
        from gcopt.solvers.searching import Search

        seconds = SECONDS if self.seconds is None and self.moves is None else self.seconds
        return Search(seconds, self.moves, chains, self.processes)

    def kept(self, about: Mapping[str, Any], *files: str | None) -> Kept:
        """Return what `checkpoint` holds of the search that ``about`` and the contents of files describe."""
        contents = [hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files if file is not None]
        described = {**about, "version": gcopt.__version__, "contents of files": contents}
        return Kept(self.checkpoint, json.loads(json.dumps(jsonable(described))))


class Kept:
    """The chains of a search in a file.

    Parameters
    ----------
    path : path or None
        None keeps nothing.
    about : mapping
        Solver, settings and seed: chains belong to one search.

    Raises
    ------
    InputError
        If the file is damaged or of another search.
    """

    def __init__(self, path: Path | None, about: Mapping[str, Any]) -> None:
        self.path, self.about = path, about
        self.chains = [] if path is None or not path.exists() else self._read(path)
        self.write(self.chains)  # where it cannot be written, that is said before the search

    def _read(self, path: Path) -> list[Chain]:
        try:
            with np.load(path, allow_pickle=False) as archive:
                content = {name: archive[name] for name in archive.files}
            document = json.loads(str(content.pop("search")))
            about, listed = document["about"], document["chains"]
            chains = [
                Chain(
                    chain["number"],
                    chain["moves"],
                    float("inf") if chain["value"] is None else chain["value"],
                    {name: content[f"{chain['number']}.{name}"] for name in chain["arrays"]},
                )
                for chain in listed
            ]
        except Exception as error:  # whatever a damaged or foreign file makes zipfile, numpy and json raise
            raise InputError(
                f"{path}: not a search that can go on ({type(error).__name__}); name another file"
            ) from None
        if document.get("schema") != _SCHEMA or about != self.about:
            differs = [key for key in {*about, *self.about} if about.get(key) != self.about.get(key)]
            raise InputError(f"{path}: belongs to another search ({', '.join(sorted(differs))}); name another file")
        return chains

    def write(self, chains: Sequence[Chain]) -> None:
        """Write the chains, beside the file first, so that there is always a whole one."""
        if self.path is None:
            return
        listed = [{"number": c.number, "moves": c.moves, "value": c.value, "arrays": sorted(c.arrays)} for c in chains]
        text = json.dumps(jsonable({"schema": _SCHEMA, "about": self.about, "chains": listed}))
        arrays: dict[str, Any] = {f"{c.number}.{name}": array for c in chains for name, array in c.arrays.items()}
        buffer = io.BytesIO()
        np.savez(buffer, search=np.array(text), **arrays)
        content = buffer.getvalue()
        write_atomically(self.path, content, content.__eq__)
