"""Partial work on the local engine: reports and answers go the way of messages and parameters."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import numpy as np

from gcopt.training.engine import Job
from gcopt.training.events import Answer, Event, Reached
from gcopt.training.local import LocalEngine
from gcopt.training.partial import PartialPolicy
from gcopt.training.partial_worker import MESSAGE
from gcopt.training.shared import Board
from gcopt.training.work import Stretch, alone


class PartialLocal(LocalEngine):
    """One process per worker; each keeps the gradients of the partitions it has processed until it is asked."""

    worker = "gcopt.training.partial_worker:PartialWorker"

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        assert isinstance(job.policy, PartialPolicy)
        self._work = job.policy.work

    def answer(self, answer: Answer) -> None:
        """Show the coefficients and wake those who are to use them."""
        self._board.ask(answer.draw, answer.coefficients)
        for j in np.flatnonzero(answer.progress).tolist():
            if j in self._commands:
                # a full pipe or a broken one: as when parameters are shown
                with suppress(BlockingIOError, BrokenPipeError):
                    os.write(self._commands[j], b"!")

    def _stretches(self, worker: int) -> list[Stretch]:
        return [alone(i, 0, self.job.problem.parameters) for i in self._work.order[worker].tolist()]

    def _shapes(self) -> dict[str, tuple[tuple[int, ...], str]]:
        n, d, blocks, most = self._work.workers, self.job.problem.parameters, self._work.blocks, self._work.load.max()
        shapes = Board.shapes(n, d, [-(-d // blocks)], ["<f8"])
        return {**shapes, "delays": ((n, int(most)), "<f8"), "answers": ((n, int(most), blocks), "<f8")}

    def _event(self, now: float, worker: int, place: int, *report: Any) -> Event:
        if place == MESSAGE:
            return super()._event(now, worker, place, *report)
        version, batch, draw, seconds, _ = report
        return Reached(worker, place, version, batch, draw, now, seconds)
