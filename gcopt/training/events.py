"""What an engine tells the master, and what the master answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gcopt.decoding import Decoding


class Message(NamedTuple):
    """One worker's answer for one segment.

    Attributes
    ----------
    worker, segment : int
    version : int
        Of the parameters it was computed with: the number of steps taken before.
    batch, draw : int
        Which rows and which encoding it was computed with.
    payload : object
        What the engine needs to combine it: usually the array; nothing on the virtual engine.
    time : float
        When the master had it.
    seconds : float
        Computing time since the worker took up the parameters, measured on the worker.
    """

    worker: int
    segment: int
    version: int
    batch: int
    draw: int
    payload: Any
    time: float
    seconds: float


class Reached(NamedTuple):
    """A worker has processed the first ``done`` of its partitions; says nothing about their gradients.

    The other attributes are those of a `Message`.
    """

    worker: int
    done: int
    version: int
    batch: int
    draw: int
    time: float
    seconds: float


class Spoilt(NamedTuple):
    """A worker has NaN or infinity from the gradient of a partition, or (-1) numbers too large to be compressed."""

    worker: int
    partition: int
    version: int


class Lost(NamedTuple):
    """A worker is gone: its process or its connection ended."""

    worker: int
    time: float
    why: str


class Returned(NamedTuple):
    """A worker that was lost is there again, or another in its place."""

    worker: int
    time: float


class Tick(NamedTuple):
    """Nothing happened until this time; infinite: nothing ever will."""

    time: float


Event = Message | Reached | Spoilt | Lost | Returned | Tick


class Broadcast(NamedTuple):
    """Send everybody the new parameters, and tell them which messages, (worker, segment), the last step used."""

    version: int
    batch: int
    draw: int
    used: tuple[tuple[int, int], ...]


class Part(NamedTuple):
    """A decoded segment: whose messages, bool (n,); the messages by worker; the decoding matrix with all n columns."""

    segment: int
    heard: NDArray[np.bool_]
    messages: tuple[Message, ...]
    decoding: Decoding


class Step(NamedTuple):
    """Every segment is decoded: apply this to the parameters, then begin the next iteration."""

    version: int
    parts: tuple[Part, ...]


class Answer(NamedTuple):
    """Tell everybody with which coefficients to send what they have processed.

    Attributes
    ----------
    version, draw : int
        The iteration, and the number of the answer in it: an answer is replaced when somebody it counts on is lost.
    progress : int array, shape (n,)
        How many of its partitions each worker is to use; 0: it sends nothing.
    coefficients : list of array, shape (progress, l)
        For each worker, see `gcopt.partial`.
    """

    version: int
    draw: int
    progress: NDArray[np.int64]
    coefficients: list[NDArray[np.float64]]


class GiveUp(NamedTuple):
    """The run cannot go on."""

    reason: str


Action = Step | Answer | GiveUp


@dataclass(frozen=True)
class Failure:
    """Something that went wrong with a worker or an iteration, or was mended.

    Attributes
    ----------
    kind : str
        ``died``, ``silent`` (no answer beyond the learned deadline), ``returned``, ``undecodable`` (an attempt that had
        to be repeated).
    worker : int or None
        Whom it concerns; None for all.
    iteration : int
    time : float
        Seconds of the run's clock.
    detail : str
    """

    kind: str
    worker: int | None
    iteration: int
    time: float
    detail: str = ""
