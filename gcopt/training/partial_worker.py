"""What a worker of the local engine does with partial work: one thread computes, the other answers."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import numpy as np

from gcopt.partial import encode_partial
from gcopt.training.shared import NOTHING
from gcopt.training.work import Pass
from gcopt.training.worker import READY, Worker

# the part of a report that says which segment: 0 is a message, p > 0 that p partitions are processed
MESSAGE = 0


class PartialWorker(Worker):
    """Processes one partition after the other, keeps their gradients, and sends what the master asks for.

    Its stretches are the gradients of its partitions, in order. A thread of its own computes them, so that an answer of
    the master need not wait until the partition under way is done.
    """

    def run(self) -> None:
        """Answer until the master is gone, which raises BrokenPipeError."""
        self._awake = threading.Event()
        # of which parameters, and for each partition its gradient and the computing time until then
        self._kept: tuple[int, list[tuple[Any, float]]] = (NOTHING, [])
        self._report(READY, (os.getpid(), 0, 0), 0.0)
        threading.Thread(target=self._compute, daemon=True).start()
        sent = (NOTHING, 0)
        while True:
            # first look, then sleep: the master writes to the board before it wakes anybody
            sent = self._send(sent)
            self._sleep()
            self._awake.set()

    def _send(self, sent: tuple[int, int]) -> tuple[int, int]:
        """Send what the newest answer asks for, unless it was sent; return what it was for."""
        task, coefficients = self.board.asked(self.number)
        version, kept = self._kept
        if task[2] == 0 or (task[0], task[2]) == sent or version != task[0] or not coefficients.any():
            return sent
        used = int(np.flatnonzero(coefficients.any(axis=1))[-1]) + 1
        message = encode_partial([gradient for gradient, _ in kept[:used]], coefficients[:used])
        self.board.slots[0][self.number] = message
        self._report(MESSAGE, task, kept[used - 1][1])
        return task[0], task[2]

    def _compute(self) -> None:
        """Work in a thread; its end is the end of the process."""
        done = NOTHING
        try:
            while True:
                if self.board.version() == done:
                    self._awake.wait()
                    self._awake.clear()
                else:
                    done = self._take_up()
        except BrokenPipeError:
            os._exit(0)
        except BaseException as error:
            self.board.complain(self.number, f"{type(error).__name__}: {error}")
            os._exit(1)

    def _take_up(self) -> int:
        """Process one partition after the other until there are newer parameters; return the version."""
        task, parameters, due = self.board.look(self.number)
        begin = time.perf_counter()
        view = Pass(self.problem, self.batches, task[1], parameters, self._known)
        kept: list[tuple[Any, float]] = []
        self._kept = (task[0], kept)
        for done, stretch in enumerate(self.stretches, start=1):
            if due[done - 1] == float("inf"):
                break
            gradient = view.compute(stretch)
            kept.append((gradient, time.perf_counter() - begin))
            called = self._outdated(task[0], due[done - 1])
            self._report(done, task, kept[-1][1])
            if called:
                break
        return task[0]

    def _rest(self, seconds: float) -> None:
        """Wait so long, or until the other thread says that the master has called."""
        if self._awake.wait(seconds):
            self._awake.clear()
