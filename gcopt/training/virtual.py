"""The virtual engine: times come from a cluster, the clock is simulated, the gradient is really computed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gcopt.code import Segment
from gcopt.compression.messages import real_widths
from gcopt.errors import InputError, TrainingError
from gcopt.training.engine import Engine, Job
from gcopt.training.events import Broadcast, Event, Message, Part, Reached, Spoilt, Step, Tick
from gcopt.training.packing import Memory, Packing
from gcopt.training.protocol import spoilt
from gcopt.training.work import Pass, Stretch, alone, estimate

Floats = NDArray[np.float64]


class VirtualEngine(Engine):
    """Every partition is computed once, whatever the number of its copies; messages are formed where they are packed.

    With the decoding coefficients a_j the master's estimate is the sum of ``c_i g_i``, ``c_i = sum_j a_j B[j, i]``,
    which is one gradient over all rows. Equal seeds give equal bits.
    """

    name: ClassVar[str] = "virtual"

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._clock = 0.0
        self._coming: Iterator[Message | Reached] = iter(())
        self._parameters: Floats = np.empty(0)
        self._batch = 0
        self._known: dict[int, Any] = {}
        self._alone: list[list[Stretch]] = []

    def start(self, clock: float) -> None:
        """Compile; set the clock."""
        self.job.problem.compile()
        if self.job.policy.packing is not None:
            self._start_packing(self.job.policy.packing)
        self._clock = clock

    def broadcast(self, task: Broadcast, parameters: Floats) -> float:
        """Work out when each answer arrives."""
        assert self.job.schedule is not None
        arrived = self.arrivals(self.job.schedule, task)
        self._parameters, self._batch = parameters, task.batch
        self._coming = _in_order(arrived, task, self._clock)
        return self._clock

    def events(self, until: float) -> list[Event]:
        """Advance the clock to what comes next, or to the end of the wait."""
        event = next(self._coming, None)
        if event is None or event.time > until:
            self._coming = self._coming if event is None else chain((event,), self._coming)
            self._clock = until if until < np.inf else self._clock
            return [Tick(until)]
        self._clock = event.time
        return [event]

    def now(self) -> float:
        """Simulated seconds."""
        return self._clock

    def gradient(self, step: Step) -> Floats:
        """Return what the messages would have decoded to, or, where something is done to them, have decoded to."""
        if self.job.policy.packing is not None:
            return super().gradient(step._replace(parts=tuple(self._formed(part) for part in step.parts)))
        code, d = self.job.code, self._parameters.size
        out, cuts = np.empty(d), code.cuts(d).tolist()
        view = Pass(self.job.problem, self.job.batches, self._batch, self._parameters)
        for part in step.parts:
            start, stop = cuts[part.segment], cuts[part.segment + 1]
            segment = self.job.policy.decoders[part.segment].segment
            found = view.compute(estimate(segment, part.decoding, start, stop))
            out[start:stop] = found[: stop - start]
        return out

    def _start_packing(self, packing: Packing) -> None:
        code, d = self.job.code, self.job.problem.parameters
        packing.compressor.prepare()
        if packing.compressor.feedback:
            self.memory = Memory.empty(code.workers, real_widths(code, d))
        parts = zip(code.segments, pairwise(code.cuts(d).tolist()), strict=True)
        self._alone = [[alone(i, *ends) for i in range(segment.partitions)] for segment, ends in parts]

    def _formed(self, part: Part) -> Part:
        """Return a part with the messages that are used in it."""
        packing = self.job.policy.packing
        assert packing is not None
        segment = self.job.policy.decoders[part.segment].segment
        used: NDArray[np.bool_] = np.asarray(part.decoding.matrix.any(axis=0))
        chosen = [message for message in part.messages if used[message.worker]]
        size = self.job.code.message_bytes(self._parameters.size)[part.segment]
        room, formed = np.empty((len(chosen), size), dtype=np.uint8), []
        vectors = self._vectors(part.segment, segment, chosen[0].version) if chosen else room
        for out, message in zip(room, chosen, strict=True):
            about = (message.version, message.worker, part.segment)
            try:
                self.saturated += packing.pack(vectors[message.worker], *about, out, self.memory)
            except InputError:
                raise TrainingError(spoilt(Spoilt(message.worker, -1, message.version))) from None
            formed.append(message._replace(payload=out))
        return part._replace(messages=tuple(formed))

    def _vectors(self, c: int, segment: Segment, version: int) -> NDArray[Any]:
        """Return what all workers would send of a segment if it were not packed, shape (n, width)."""
        view = Pass(self.job.problem, self.job.batches, self._batch, self._parameters, self._known)
        gradients = np.array([view.compute(stretch) for stretch in self._alone[c]])
        bad = np.flatnonzero(~np.isfinite(gradients).all(axis=1)).tolist()
        if bad:
            worker = int(segment.support[:, [bad[0]]].nonzero()[0].min())
            raise TrainingError(spoilt(Spoilt(worker, bad[0], version)))
        return segment.encode(gradients)

    def close(self) -> None:
        """Forget what was coming."""
        self._coming = iter(())


def _in_order(arrived: Floats, task: Broadcast, begun: float) -> Iterator[Message]:
    flat = arrived.ravel()
    segments = arrived.shape[1]
    for place in np.argsort(flat, kind="stable").tolist():
        seconds = float(flat[place])
        if seconds == np.inf:
            return
        worker, segment = divmod(place, segments)
        yield Message(worker, segment, task.version, task.batch, task.draw, None, begun + seconds, seconds)
