"""Partial work on the virtual engine: reports, answers and messages on a simulated clock."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gcopt.partial import message_seconds
from gcopt.training.engine import Job
from gcopt.training.events import Answer, Broadcast, Message, Reached, Step
from gcopt.training.partial import PartialPolicy
from gcopt.training.virtual import VirtualEngine
from gcopt.training.work import Pass, alone

Floats = NDArray[np.float64]


class PartialVirtual(VirtualEngine):
    """Every partition is computed once, and added with the coefficients that the answers amount to."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        assert isinstance(job.policy, PartialPolicy)
        self._work = job.policy.work
        self._begun = 0.0
        self._answer = Answer(-1, 0, np.zeros(0, dtype=np.int64), [])

    def broadcast(self, task: Broadcast, parameters: Floats) -> float:
        """Work out when each report arrives."""
        assert self.job.schedule is not None
        arrived = self.arrivals(self.job.schedule, task)
        self._parameters, self._batch, self._begun = parameters, task.batch, self._clock
        self._coming = _reports(arrived, task, self._clock)
        return self._clock

    def answer(self, answer: Answer) -> None:
        """Work out when each message arrives; reports are of no use any more."""
        assert self.job.schedule is not None
        self._answer = answer
        cluster = self.job.schedule.cluster
        transfer = self.job.schedule.transfer[None]
        sent = message_seconds(self._work, cluster, transfer, answer.progress[None] > 0)[0]
        came = self._clock + cluster.network.latency + sent
        self._coming = (
            Message(j, 0, answer.version, self._batch, answer.draw, None, time, time - self._begun)
            for j, time in ((j, float(came[j])) for j in np.argsort(came, kind="stable").tolist())
            if time < np.inf
        )

    def gradient(self, step: Step) -> Floats:
        """Return what the messages would have decoded to."""
        (part,) = step.parts
        d, blocks = self._parameters.size, self._work.blocks
        width = -(-d // blocks)
        combined = (part.decoding.matrix @ self._work.segment(self._answer.progress).encoding).reshape(
            blocks, blocks, -1
        )
        out, padded = np.zeros((blocks, width)), np.zeros(blocks * width)
        view = Pass(self.job.problem, self.job.batches, self._batch, self._parameters)
        for i in range(self._work.chunks):
            padded[:d] = view.compute(alone(i, 0, d))
            out += combined[:, :, i] @ padded.reshape(blocks, width)
        return out.ravel()[:d]


def _reports(arrived: Floats, task: Broadcast, begun: float) -> Iterator[Reached]:
    flat = arrived.ravel()
    for place in np.argsort(flat, kind="stable").tolist():
        seconds = float(flat[place])
        if seconds == np.inf:
            return
        worker, before = divmod(place, arrived.shape[1])
        yield Reached(worker, before + 1, task.version, task.batch, task.draw, begun + seconds, seconds)
