"""Messages that are compressed: packed by a worker, added up by the master, and what a worker keeps in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gcopt.coding import combine
from gcopt.compression import Compressor, Stream

if TYPE_CHECKING:
    from gcopt.code import GradientCode
    from gcopt.training.events import Message

Array = NDArray[Any]
Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]


class Memory:
    """What every worker keeps of what its messages lost, and what it would keep if its present one is used.

    There are two places for each vector. A worker reads the one that counts and writes the other; the master, who
    alone knows which messages are used, says when they change places. So both may live in different processes, and
    whoever is late, or dies, keeps what he had.

    Parameters
    ----------
    places : list of array, one per segment, shape (2, n, width)
    which : int64 array, shape (segments, n)
        The place that counts.

    Examples
    --------
    >>> memory = Memory.empty(2, [3])
    >>> memory.next(0, worker=1)[:] = 5.0
    >>> memory.keep(0, worker=1)
    >>> memory.now(0, worker=1).tolist(), memory.now(0, worker=0).tolist()
    ([5.0, 5.0, 5.0], [0.0, 0.0, 0.0])
    """

    def __init__(self, places: Sequence[Floats], which: NDArray[np.int64]) -> None:
        self.places = list(places)
        self.which = which

    @staticmethod
    def shapes(workers: int, widths: Sequence[int]) -> dict[str, tuple[tuple[int, ...], str]]:
        """Return shapes and types of all arrays, by name."""
        places = {f"memory{c}": ((2, workers, width), "<f8") for c, width in enumerate(widths)}
        return {**places, "memory": ((len(widths), workers), "<i8")}

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Memory:
        """Return the memory that lives in arrays of those shapes."""
        which = arrays["memory"]
        return cls([arrays[f"memory{c}"] for c in range(len(which))], which)

    @classmethod
    def empty(cls, workers: int, widths: Sequence[int]) -> Memory:
        """Return one in arrays of its own."""
        return cls.of({name: np.zeros(shape, kind) for name, (shape, kind) in cls.shapes(workers, widths).items()})

    def now(self, segment: int, worker: int) -> Floats:
        """Return what a worker keeps, shape (width,)."""
        return np.asarray(self.places[segment][self.which[segment, worker], worker])

    def next(self, segment: int, worker: int) -> Floats:
        """Return where it writes what it will keep, shape (width,)."""
        return np.asarray(self.places[segment][1 - self.which[segment, worker], worker])

    def keep(self, segment: int, worker: int) -> None:
        """Let what was written count: the message was used."""
        self.which[segment, worker] = 1 - self.which[segment, worker]

    def snapshot(self) -> list[Floats]:
        """Return a copy of what counts, one array per segment, shape (n, width)."""
        workers = range(self.which.shape[1])
        return [np.array([self.now(c, j) for j in workers]) for c in range(len(self.places))]

    def restore(self, kept: Sequence[Floats]) -> None:
        """Go on from a snapshot; from an empty one, with nothing kept."""
        for c, vectors in enumerate(kept):
            for j, vector in enumerate(vectors):
                self.now(c, j)[:] = vector


@dataclass(frozen=True)
class Packing:
    """How the messages of a run are compressed; the same for worker and master.

    Attributes
    ----------
    compressor : Compressor
    seed : int
        Of the run.
    """

    compressor: Compressor
    seed: int

    def stream(self, version: int, worker: int, segment: int) -> Stream:
        """Return the random numbers of one message."""
        return Stream(self.seed, version, worker, segment)

    def pack(
        self, vector: Array, version: int, worker: int, segment: int, out: Bytes, memory: Memory | None = None
    ) -> int:
        """Write a message; return how many coordinates were beyond what it can express.

        Parameters
        ----------
        vector : array, shape (width,), float64 or complex128
        version, worker, segment : int
        out : uint8 array
        memory : Memory, optional
            Of error feedback: what is kept is added before, and what is lost is written where it will be kept.

        Raises
        ------
        InputError
            If a number is NaN or infinite.
        """
        stream, plain = self.stream(version, worker, segment), vector.view(np.float64)
        if not plain.size:
            return 0
        if memory is None:
            return self.compressor.pack(plain, stream, out)
        rest = memory.next(segment, worker)
        np.add(plain, memory.now(segment, worker), out=rest)
        saturated = self.compressor.pack(rest, stream, out)
        self.compressor.add(out, stream, np.array([-1.0]), rest[None])
        return saturated

    def combine(self, coefficients: Array, messages: Sequence[Message], out: Floats) -> None:
        """Write the real part of ``sum_j R[u, j] C(y_j)``, block after block, into a stretch of the gradient.

        Parameters
        ----------
        coefficients : array, shape (m, r)
        messages : sequence of Message, by worker
        out : array, shape (length,)
        """
        blocks, width = len(coefficients), -(-out.size // len(coefficients))
        if not width:
            return
        if coefficients.dtype.kind == "c":
            combine(coefficients, [self._unpacked(message, 2 * width).view(np.complex128) for message in messages], out)
            return
        total = out[None] if blocks == 1 else np.empty((blocks, width))
        total[:] = 0.0
        for column, message in zip(coefficients.T, messages, strict=True):
            self.compressor.add(message.payload, self._stream_of(message), np.ascontiguousarray(column), total)
        if blocks > 1:
            out[:] = total.ravel()[: out.size]

    def _unpacked(self, message: Message, length: int) -> Floats:
        return self.compressor.decompress(message.payload, length, self._stream_of(message))

    def _stream_of(self, message: Message) -> Stream:
        return self.stream(message.version, message.worker, message.segment)


def packing_of(code: GradientCode, seed: int) -> Packing | None:
    """Return how a code's messages are compressed; None where they are not."""
    if code.compressor is None or str(code.compressor) == "none":
        return None
    return Packing(code.compressor, seed)
