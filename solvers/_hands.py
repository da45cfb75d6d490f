"""Who moves the chains of a search: this process, or several that are started for it."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process

from .chains import Chain, Problem
from .errors import LimitError

_DEATHS = 3
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, eq=False)
class Turn:
    """Start a chain or let it go on: for so many seconds, up to ``target`` moves, until its value is ``enough``."""

    seed: int
    number: int
    chain: Chain | None
    seconds: float
    target: int | None
    enough: float

    def take(self, problem: Problem) -> Chain:
        end = time.perf_counter() + self.seconds
        chain = problem.start(self.seed, self.number) if self.chain is None else self.chain
        while self.goes_on(chain) and time.perf_counter() < end:
            chain = problem.advance(chain, self.seed)
        return chain

    def goes_on(self, chain: Chain) -> bool:
        """Whether there is more to do than what the clock allows."""
        return (self.target is None or chain.moves < self.target) and chain.value > self.enough


class Hands:
    """One or more processes that take turns; the work of one that dies is done again by another."""

    def __init__(self, processes: int, problem: Problem) -> None:
        self.processes, self.problem = processes, problem
        self.running: dict[Future[Chain], Turn] = {}
        self.deaths = 0
        self.pool = self._pool() if processes > 1 else None

    def _pool(self) -> ProcessPoolExecutor:
        context = get_context("spawn")  # a fork of a process with threads (BLAS, numba) may hang
        pool = ProcessPoolExecutor(self.processes, context, initializer=_prepare, initargs=(self.problem,))
        before = {name: os.environ.get(name) for name in _THREADS}
        os.environ.update(dict.fromkeys(_THREADS, "1"))  # read when a process loads numpy: they are many already
        try:
            wait([pool.submit(_ready) for _ in range(self.processes)])
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
        return pool

    def __enter__(self) -> Hands:
        return self

    def __exit__(self, *what: object) -> None:
        if self.pool is not None:
            self.pool.shutdown(wait=True, cancel_futures=True)

    @property
    def free(self) -> int:
        return self.processes - len(self.running)

    @property
    def busy(self) -> bool:
        return bool(self.running)

    def take(self, turn: Turn) -> None:
        future: Future[Chain] = Future()
        if self.pool is None:
            future.set_result(turn.take(self.problem))
        else:
            try:
                future = self.pool.submit(_take, turn)
            except BrokenProcessPool as error:  # somebody died between two turns
                future.set_exception(error)
        self.running[future] = turn

    def finished(self) -> list[Chain]:
        """Wait until a turn is over, and return the chains of all that are."""
        done, _ = wait(self.running, return_when=FIRST_COMPLETED)
        try:
            chains = [future.result() for future in done]
        except BrokenProcessPool:
            self._replace()
            return []
        for future in done:
            del self.running[future]
        return chains

    def _replace(self) -> None:
        self.deaths += 1
        if self.deaths > _DEATHS:
            raise LimitError(
                f"processes: the system ended one of them {self.deaths} times (memory?); fewer processes may work"
            ) from None
        turns, self.running, self.pool = list(self.running.values()), {}, self._pool()
        for turn in turns:
            self.take(turn)


_PROBLEM: list[Problem] = []


def _prepare(problem: Problem) -> None:
    """Set up a process: an interrupt is for the one that asked, which then ends the others, as its death does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, daemon=True).start()
    problem.compile()
    _PROBLEM[:] = [problem]


def _follow() -> None:
    """End with the process that asked, even if that is killed: the queue alone would be waited for forever."""
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def _ready() -> bool:
    """Whether `_prepare` is over, as it is for whoever is asked."""
    return bool(_PROBLEM)


def _take(turn: Turn) -> Chain:
    return turn.take(_PROBLEM[0])
