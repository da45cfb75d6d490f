"""The local engine: worker processes on this machine, shared memory for what is large, pipes for what is small."""

from __future__ import annotations

import os
import pickle
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gcopt.coding import prepare
from gcopt.compression.messages import real_widths
from gcopt.errors import InputError, TrainingError
from gcopt.training.engine import Engine, Job
from gcopt.training.events import Broadcast, Event, Lost, Message, Spoilt, Tick
from gcopt.training.packing import Memory
from gcopt.training.shared import Arena, Board
from gcopt.training.work import Stretch, assignment
from gcopt.training.worker import READY, REPORT, SPOILT, Order

if TYPE_CHECKING:
    from gcopt.training.problems import Problem

Floats = NDArray[np.float64]

CAPS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

# whole reports only: the pipe holds nothing else
_READ = REPORT.size * 1024
_PATIENCE_AT_THE_END = 5.0


class LocalEngine(Engine):
    """One process per worker.

    A process of its own makes the workers (`gcopt.training.worker`), so that nothing of the caller's script is
    imported again, and guards them: however this process ends, they are killed. Each worker is woken through a pipe
    and reads task and parameters from shared memory, always the newest; all report through one pipe, whose short writes
    are atomic. A worker's death shows as an error on its pipe. Shared memory has no name, so none can be left behind.
    """

    name: ClassVar[str] = "local"
    worker: ClassVar[str] = "gcopt.training.worker:Worker"

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._offset = 0.0
        self._keeper: subprocess.Popen[bytes] | None = None
        self._arenas: list[Arena] = []
        self._commands: dict[int, int] = {}
        self._reports = -1
        self._poll = select.poll()

    def start(self, clock: float) -> None:
        """Put the data into shared memory, start the workers and wait until all are ready."""
        where = _importable(self.job.problem)
        # this process fills the compiler's cache before anybody else may want to
        self.job.problem.compile()
        packing = self.job.policy.packing
        if packing is not None:
            packing.compressor.prepare()
        for segment in self.job.code.segments:
            prepare(segment.encoding.dtype, self.job.code.workers * self.job.problem.parameters)
        self._board = Board(self._arena(Arena.create(self._shapes())))
        self._board.clear()
        self.memory = self._board.memory
        data = self._arena(Arena.holding(self.job.problem.arrays()))
        code = self.job.code
        pipes = [os.pipe() for _ in range(code.workers)]
        self._commands = {j: write for j, (_, write) in enumerate(pipes)}
        self._reports, reports = os.pipe()
        board = self._board.arena
        order = Order(
            worker=self.worker,
            assignments=[self._stretches(j) for j in range(code.workers)],
            batches=self.job.batches,
            packing=packing,
            problem=where,
            meta=self.job.problem.meta(),
            board=(board.descriptor, board.places),
            data=(data.descriptor, data.places),
            commands=[read for read, _ in pipes],
            reports=reports,
        )
        try:
            self._keeper = _keeper((*order.commands, reports, board.descriptor, data.descriptor))
        finally:
            for descriptor in (*order.commands, reports):
                os.close(descriptor)
        assert self._keeper.stdin is not None
        with suppress(BrokenPipeError):
            self._keeper.stdin.write(pickle.dumps(order))
            self._keeper.stdin.flush()
        for command in self._commands.values():
            os.set_blocking(command, False)
            self._poll.register(command, 0)
        self._workers = {command: j for j, command in self._commands.items()}
        self._poll.register(self._reports, select.POLLIN)
        self._await_ready()
        self._offset = time.monotonic() - clock

    def broadcast(self, task: Broadcast, parameters: Floats) -> float:
        """Show the parameters and wake everybody who lives."""
        delays = None if self.job.schedule is None else self.arrivals(self.job.schedule, task)
        begun = time.monotonic()
        self._board.show((task.version, task.batch, task.draw), parameters, begun, delays)
        for command in self._commands.values():
            # a full pipe belongs to a worker that has enough to wake up to; a broken one shows in `events`
            with suppress(BlockingIOError, BrokenPipeError):
                os.write(command, b"!")
        return begun - self._offset + (0.0 if delays is None else float(delays.min()))

    def events(self, until: float) -> list[Event]:
        """Wait for reports and deaths."""
        found: list[Event] = []
        while not found:
            wait = None if until == np.inf else max(0, int((until - self.now()) * 1000) + 1)
            ready = self._poll.poll(wait)
            now = self.now()
            if not ready and now >= until:
                return [Tick(now)]
            # a worker's reports come before its death
            for descriptor, _ in sorted(ready, key=lambda entry: entry[0] != self._reports):
                found += self._reported(now) if descriptor == self._reports else [self._lost(descriptor, now)]
        return found

    def now(self) -> float:
        """Seconds since the start, without the pauses."""
        return time.monotonic() - self._offset

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Stop the clock."""
        begin = time.monotonic()
        try:
            yield
        finally:
            self._offset += time.monotonic() - begin

    def close(self) -> None:
        """End all processes and let go of everything."""
        keeper, self._keeper = self._keeper, None
        commands, self._commands = self._commands, {}
        if keeper is not None and keeper.stdin is not None:
            with suppress(BrokenPipeError):
                keeper.stdin.close()
        for command in commands.values():
            os.close(command)
        if self._reports >= 0:
            os.close(self._reports)
            self._reports = -1
        while self._arenas:
            self._arenas.pop().close()
        if keeper is not None:
            try:
                keeper.wait(_PATIENCE_AT_THE_END)
            except subprocess.TimeoutExpired:
                keeper.kill()
                keeper.wait()

    def _arena(self, arena: Arena) -> Arena:
        self._arenas.append(arena)
        return arena

    def _stretches(self, worker: int) -> list[Stretch]:
        return assignment(self.job.code, worker, self.job.problem.parameters)

    def _shapes(self) -> dict[str, tuple[tuple[int, ...], str]]:
        code, d, packing = self.job.code, self.job.problem.parameters, self.job.policy.packing
        if packing is None:
            widths = [stretch.length for stretch in self._stretches(0)]
            return Board.shapes(code.workers, d, widths, [s.encoding.dtype.str for s in code.segments])
        shapes = Board.shapes(code.workers, d, code.message_bytes(d).tolist(), ["|u1"] * len(code.segments))
        kept = Memory.shapes(code.workers, real_widths(code, d)) if packing.compressor.feedback else {}
        return {**shapes, **kept}

    def _await_ready(self) -> None:
        pids: dict[int, int] = {}
        while len(pids) < len(self._commands):
            ready = [descriptor for descriptor, _ in self._poll.poll()]
            raw = os.read(self._reports, _READ) if self._reports in ready else b""
            if not raw:
                raise TrainingError(f"the workers did not start: {self._first_death()}")
            for worker, segment, pid, *_ in REPORT.iter_unpack(raw):
                assert segment == READY
                pids[worker] = pid
        self.pids = tuple(pids[j] for j in range(len(pids)))

    def _first_death(self) -> str:
        said = "; ".join({text for j in self._commands if (text := self._board.complaint(j))})
        if said:
            return said
        assert self._keeper is not None
        try:
            return f"exit status {self._keeper.wait(_PATIENCE_AT_THE_END)}"
        except subprocess.TimeoutExpired:
            return "the process of a worker ended"

    def _reported(self, now: float) -> list[Event]:
        raw = os.read(self._reports, _READ)
        if not raw:
            # the last worker is gone; each death is told by its own pipe
            self._poll.unregister(self._reports)
        return [self._event(now, *report) for report in REPORT.iter_unpack(raw)]

    def _event(self, now: float, worker: int, segment: int, *report: Any) -> Event:
        version, batch, draw, seconds, saturated = report
        if segment == SPOILT:
            return Spoilt(worker, draw, version)
        self.saturated += saturated
        payload = self._board.slots[segment][worker]
        return Message(worker, segment, version, batch, draw, payload, now, seconds)

    def _lost(self, descriptor: int, now: float) -> Lost:
        self._poll.unregister(descriptor)
        os.close(descriptor)
        worker = self._workers.pop(descriptor)
        del self._commands[worker]
        return Lost(worker, now, self._board.complaint(worker) or "its process ended")


def _keeper(descriptors: tuple[int, ...]) -> subprocess.Popen[bytes]:
    """Start the process that makes the workers; in a session of its own, where no Ctrl-C reaches it."""
    environment = {**os.environ, **dict.fromkeys(CAPS, "1")}
    environment["PYTHONPATH"] = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
    command = [sys.executable, "-P", "-c", "from gcopt.training.worker import main; main()"]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=environment,
        pass_fds=descriptors,
        start_new_session=True,
    )


def _importable(problem: Problem) -> tuple[str, str]:
    """Return module and name of a problem's class; refuse what workers cannot import."""
    kind = type(problem)
    for thing in (kind, *problem.meta().values()):
        name = getattr(thing, "__qualname__", "")
        if getattr(thing, "__module__", "") == "__main__" or "." in name:
            raise InputError(
                f"{name} is defined in the script itself or inside a function, where workers cannot import it; "
                "move it to the top level of a module of its own, or use engine='virtual'"
            )
    return kind.__module__, kind.__qualname__
