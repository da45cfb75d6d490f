"""Arrays in memory that processes share and that nothing can leave behind: a file without a name, mapped."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.training.packing import Memory

_ALIGN = 64

# the version before there are any parameters
NOTHING = -1

Place = tuple[tuple[int, ...], str, int]


@dataclass(frozen=True)
class Arena:
    """Named arrays in one shared mapping, reached by a file descriptor that children inherit.

    The memory has no name in any file system; it is gone when the last process that has it is, however that ended.

    Attributes
    ----------
    descriptor : int
    places : dict
        Shape, dtype and offset of each array.
    arrays : dict
        The arrays themselves, views of the mapping.

    Examples
    --------
    >>> import numpy as np
    >>> arena = Arena.create({"w": ((3,), "<f8")})
    >>> arena.arrays["w"][:] = 7.0
    >>> Arena.attach(arena.descriptor, arena.places).arrays["w"].tolist()
    [7.0, 7.0, 7.0]
    >>> arena.close()
    """

    descriptor: int
    places: dict[str, Place]
    arrays: dict[str, NDArray[Any]]

    @classmethod
    def create(cls, shapes: Mapping[str, tuple[tuple[int, ...], str]]) -> Arena:
        """Make room for arrays of these shapes and dtypes, filled with zeros."""
        places: dict[str, Place] = {}
        size = 0
        for name, (shape, dtype) in shapes.items():
            places[name] = (shape, dtype, size)
            size += -(-prod(shape) * np.dtype(dtype).itemsize // _ALIGN) * _ALIGN
        descriptor = _nameless_file()
        os.ftruncate(descriptor, max(size, 1))
        return cls.attach(descriptor, places)

    @classmethod
    def holding(cls, arrays: Mapping[str, NDArray[Any]]) -> Arena:
        """Copy these arrays into shared memory."""
        arena = cls.create({name: (array.shape, array.dtype.str) for name, array in arrays.items()})
        for name, array in arrays.items():
            arena.arrays[name][...] = array
        return arena

    @classmethod
    def attach(cls, descriptor: int, places: Mapping[str, Place]) -> Arena:
        """Map the arrays that another process has made."""
        memory = mmap.mmap(descriptor, 0)
        arrays = {name: np.ndarray(shape, dtype, memory, offset) for name, (shape, dtype, offset) in places.items()}
        return cls(descriptor, dict(places), arrays)

    def close(self) -> None:
        """Let go of the descriptor; the mapping goes with the last array that uses it."""
        self.arrays.clear()
        os.close(self.descriptor)


def _nameless_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("gcopt")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class Board:
    """What the master shows its workers, and where they put their answers.

    Parameters are read under a sequence number: it is odd while the master writes, and a reader that sees it change
    reads again. An answer stays where it is until its worker takes up newer parameters, which the master shows only
    when it has combined the answers.

    Parameters
    ----------
    arena : Arena
        Made from `Board.shapes`.
    """

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self.parameters = arena.arrays["parameters"]
        self.delays = arena.arrays["delays"]
        self.errors = arena.arrays["errors"]
        self.slots = [array for name, array in arena.arrays.items() if name.startswith("slots")]
        # only with error feedback
        self.memory = Memory.of(arena.arrays) if "memory" in arena.arrays else None
        # only with partial work
        self.answers = arena.arrays.get("answers", np.empty(0))
        # single numbers are read and written several times faster through a memoryview
        self._state: Any = arena.arrays["state"].data
        self._begun: Any = arena.arrays["begun"].data

    @staticmethod
    def shapes(
        workers: int, parameters: int, widths: list[int], dtypes: list[str]
    ) -> dict[str, tuple[tuple[int, ...], str]]:
        """Return what a board for so many workers, and messages of these widths and types, consists of."""
        slots = {f"slots{c}": ((workers, w), dtype) for c, (w, dtype) in enumerate(zip(widths, dtypes, strict=True))}
        return {
            "state": ((4,), "<i8"),
            "begun": ((1,), "<f8"),
            "parameters": ((parameters,), "<f8"),
            "delays": ((workers, len(widths)), "<f8"),
            "errors": ((workers, 512), "|u1"),
            **slots,
        }

    def clear(self) -> None:
        """Show that there is nothing to do yet."""
        self._state[1] = NOTHING

    def show(
        self,
        task: tuple[int, int, int],
        parameters: NDArray[np.float64],
        begun: float,
        delays: NDArray[np.float64] | None,
    ) -> None:
        """Show new parameters: (version, batch, draw), when that was, and when each message is to arrive."""
        self._state[0] += 1
        self.parameters[:] = parameters
        self._state[1], self._state[2], self._state[3] = task
        self._begun[0] = begun
        if delays is not None:
            self.delays[:] = delays
        self._state[0] += 1

    def look(self, worker: int) -> tuple[tuple[int, int, int], NDArray[np.float64], list[float]]:
        """Return the newest task, a copy of its parameters, and when this worker's messages are to arrive."""
        while True:
            before = self._state[0]
            task = (self._state[1], self._state[2], self._state[3])
            parameters = self.parameters.copy()
            begun = self._begun[0]
            due = [begun + delay for delay in self.delays[worker].tolist()]
            if before % 2 == 0 and before == self._state[0]:
                return task, parameters, due

    def ask(self, draw: int, coefficients: list[NDArray[np.float64]]) -> None:
        """Show with which coefficients each worker is to send what it has processed; ``draw`` numbers the answers."""
        self._state[0] += 1
        self.answers[:] = 0.0
        for room, mine in zip(self.answers, coefficients, strict=True):
            room[: len(mine)] = mine
        self._state[3] = draw
        self._state[0] += 1

    def asked(self, worker: int) -> tuple[tuple[int, int, int], NDArray[np.float64]]:
        """Return the newest task, and a copy of the coefficients that go with it; draw 0: there are none yet."""
        while True:
            before = self._state[0]
            task = (self._state[1], self._state[2], self._state[3])
            coefficients = self.answers[worker].copy()
            if before % 2 == 0 and before == self._state[0]:
                return task, coefficients

    def version(self) -> int:
        """Return the version of the newest parameters, perhaps before they are complete."""
        return int(self._state[1])

    def complain(self, worker: int, text: str) -> None:
        """Leave a last word for the master."""
        raw = np.frombuffer(text.encode()[: self.errors.shape[1]], dtype=np.uint8)
        self.errors[worker, : raw.size] = raw

    def complaint(self, worker: int) -> str:
        """Return the last word of a worker, empty if there was none."""
        return bytes(self.errors[worker]).rstrip(b"\0").decode(errors="replace")
