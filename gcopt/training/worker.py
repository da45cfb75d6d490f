"""The other side of the local engine: a process that makes the workers, and what each of them does.

`main` runs in a fresh Python with the thread caps set; one `Order` comes pickled through standard input. The process
imports and compiles once, then forks the workers, and kills them when its standard input ends, which it does when the
master closes it or dies.
"""

from __future__ import annotations

import importlib
import os
import pickle
import select
import signal
import struct
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from gcopt.errors import InputError
from gcopt.training.shared import NOTHING, Arena, Board, Place
from gcopt.training.work import Pass, Stretch, alone

if TYPE_CHECKING:
    from gcopt.training.batches import Batches
    from gcopt.training.packing import Packing
    from gcopt.training.problems import Problem

# worker, segment, version, batch, draw, seconds, saturated; segment READY announces the process, whose number is the
# version; SPOILT says that the gradient of a partition, whose number takes the place of the draw, is not finite
REPORT = struct.Struct("=iiqqqdq")
READY, SPOILT = -1, -2
_DRAIN = 65536


@dataclass(frozen=True)
class Order:
    """What the master sends to the process that makes the workers.

    Attributes
    ----------
    worker : str
        Module and name of the class of the workers.
    assignments : list
        What each worker computes, see `gcopt.training.work.assignment`.
    batches : Batches
    packing : Packing or None
        How messages are compressed.
    problem : tuple of str
        Module and name of its class.
    meta : dict
        What `from_arrays` of the problem needs besides the arrays.
    board, data : tuple of (descriptor, places)
    commands : list of int
        Read ends of the pipes that wake the workers.
    reports : int
        Write end of the pipe that all of them report to.
    """

    worker: str
    assignments: list[list[Stretch]]
    batches: Batches
    packing: Packing | None
    problem: tuple[str, str]
    meta: dict[str, Any]
    board: tuple[int, dict[str, Place]]
    data: tuple[int, dict[str, Place]]
    commands: list[int]
    reports: int


class Worker:
    """Computes on the newest parameters it can see, and drops what it is doing when there are newer ones.

    Parameters
    ----------
    number : int
    stretches : list of Stretch
        What it computes, one per segment.
    problem : Problem
    batches : Batches
    board : Board
    command, reports : int
        Where it is woken and where it reports.
    packing : Packing or None
        How its messages are compressed.
    """

    def __init__(
        self,
        number: int,
        stretches: list[Stretch],
        problem: Problem,
        batches: Batches,
        board: Board,
        command: int,
        reports: int,
        packing: Packing | None = None,
    ) -> None:
        self.number = number
        self.stretches = stretches
        self.problem = problem
        self.batches = batches
        self.board = board
        self.command = command
        self.reports = reports
        self.packing = packing
        self._known: dict[int, Any] = {}

    def run(self) -> None:
        """Work until the master is gone, which raises BrokenPipeError."""
        self._report(READY, (os.getpid(), 0, 0), 0.0)
        done = NOTHING
        while True:
            # first look, then sleep: the master writes to the board before it wakes anybody
            if self.board.version() == done:
                self._sleep()
            else:
                done = self._take_up()

    def _take_up(self) -> int:
        """Compute and send one segment after the other until there are newer parameters; return the version."""
        task, parameters, due = self.board.look(self.number)
        begin = time.perf_counter()
        view = Pass(self.problem, self.batches, task[1], parameters, self._known)
        for segment, stretch in enumerate(self.stretches):
            if due[segment] == float("inf"):
                break
            vector = view.compute(stretch.at(task[2]))
            try:
                saturated = self._put(segment, vector, task[0])
            except InputError:
                self._report(SPOILT, (*task[:2], _spoilt(view, stretch)), time.perf_counter() - begin)
                break
            seconds = time.perf_counter() - begin
            called = self._outdated(task[0], due[segment])
            # too late an answer is reported all the same: it shows that this worker lives, and how slow it is
            self._report(segment, task, seconds, saturated)
            if called:
                break
        return task[0]

    def _put(self, segment: int, vector: NDArray[Any], version: int) -> int:
        """Lay a message where the master finds it; return how many coordinates were too large for its compressor."""
        slot = self.board.slots[segment][self.number]
        if self.packing is None:
            slot[:] = vector
            return 0
        return self.packing.pack(vector, version, self.number, segment, slot, self.board.memory)

    def _outdated(self, version: int, due: float) -> bool:
        """Wait for the time when a message is due; whether the master has newer parameters by then."""
        while self.board.version() == version:
            early = due - time.monotonic()
            if early <= 0.0:
                return False
            self._rest(early)
        return True

    def _rest(self, seconds: float) -> None:
        """Wait so long, or until the master calls."""
        if select.select([self.command], [], [], seconds)[0]:
            self._sleep()

    def _sleep(self) -> None:
        """Wait for a wake-up call; a call may be about something that was seen already."""
        if not os.read(self.command, _DRAIN):
            raise BrokenPipeError

    def _report(self, segment: int, task: tuple[int, int, int], seconds: float, saturated: int = 0) -> None:
        os.write(self.reports, REPORT.pack(self.number, segment, *task, seconds, saturated))


def _spoilt(view: Pass, stretch: Stretch) -> int:
    """Return the partition that a vector has its NaN or infinity from; -1 if its numbers are only too large."""
    start, stop = min(term.start for term in stretch.terms), max(term.stop for term in stretch.terms)
    held: list[int] = np.unique(np.concatenate([term.partitions for term in stretch.terms])).tolist()
    found = (i for i in held if not np.isfinite(view.compute(alone(i, start, stop))).all())
    return next(found, -1)


def main() -> None:
    """Make the workers and outlive them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order: Order = pickle.load(sys.stdin.buffer)
    module, name = order.problem
    kind = getattr(importlib.import_module(module), name)
    problem: Problem = kind.from_arrays(Arena.attach(*order.data).arrays, **order.meta)
    problem.compile()
    if order.packing is not None:
        order.packing.compressor.prepare()
    module, name = order.worker.split(":")
    worker: type[Worker] = getattr(importlib.import_module(module), name)
    board = Board(Arena.attach(*order.board))
    children = [_fork(order, number, worker, problem, board) for number in range(len(order.commands))]
    for descriptor in (*order.commands, order.reports):
        os.close(descriptor)
    while os.read(sys.stdin.fileno(), _DRAIN):
        pass
    for child in children:
        os.kill(child, signal.SIGKILL)
    for child in children:
        os.waitpid(child, 0)


def _fork(order: Order, number: int, worker: type[Worker], problem: Problem, board: Board) -> int:
    child = os.fork()
    if child:
        return child
    _work(order, number, worker, problem, board)


def _work(order: Order, number: int, worker: type[Worker], problem: Problem, board: Board) -> NoReturn:
    """Be worker ``number`` and end with the process."""
    status = 0
    try:
        # an end that a sibling holds open would hide the death of this worker from the master
        for other, descriptor in enumerate(order.commands):
            if other != number:
                os.close(descriptor)
        stretches = order.assignments[number]
        ends = (order.commands[number], order.reports)
        worker(number, stretches, problem, order.batches, board, *ends, order.packing).run()
    except BrokenPipeError:
        pass  # the master is gone
    except BaseException as error:
        board.complain(number, f"{type(error).__name__}: {error}")
        status = 1
    os._exit(status)
