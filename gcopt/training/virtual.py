"""The virtual engine: times come from a cluster, the clock is simulated, the gradient is really computed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gcopt.training.engine import Engine, Job
from gcopt.training.events import Broadcast, Event, Message, Reached, Step, Tick
from gcopt.training.work import Pass, estimate

Floats = NDArray[np.float64]


class VirtualEngine(Engine):
    """Every partition is computed once, whatever the number of its copies; no message is formed.

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

    def start(self, clock: float) -> None:
        """Compile; set the clock."""
        self.job.problem.compile()
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
        """Return what the messages would have decoded to."""
        code, d = self.job.code, self._parameters.size
        out, cuts = np.empty(d), code.cuts(d).tolist()
        view = Pass(self.job.problem, self.job.batches, self._batch, self._parameters)
        for part in step.parts:
            start, stop = cuts[part.segment], cuts[part.segment + 1]
            segment = self.job.policy.decoders[part.segment].segment
            found = view.compute(estimate(segment, part.decoding, start, stop))
            out[start:stop] = found[: stop - start]
        return out

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
