"""What an engine does for the master: it moves parameters out and messages in, nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from gcopt.code import GradientCode
from gcopt.training.events import Answer, Broadcast, Event, Failure, Step
from gcopt.training.packing import Memory
from gcopt.training.policy import Policy

if TYPE_CHECKING:
    from gcopt.training.batches import Batches
    from gcopt.training.problems import Problem
    from gcopt.training.schedule import Schedule

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Job:
    """What is to be computed, the same for every engine.

    Attributes
    ----------
    code : GradientCode
    problem : Problem
    batches : Batches
    policy : Policy
    schedule : Schedule or None
        When messages are to arrive, where that is simulated.
    """

    code: GradientCode
    problem: Problem
    batches: Batches
    policy: Policy
    schedule: Schedule | None = None


class Engine(ABC):
    """The way between the master and its workers. Workers are 0..n-1 everywhere.

    Attributes
    ----------
    name : str
    pids : tuple of int
        Process of each worker; empty where there are none.
    failures : list of Failure
        What the engine itself has seen go wrong.
    wasted : float
        Seconds that attempts which nobody could have decoded cost at the beginning of this iteration.
    saturated : int
        Coordinates that were too large for what the compressor can express.
    memory : Memory or None
        What workers keep of what their messages lost; there once the engine has started, where codes want it.
    """

    name: ClassVar[str]
    pids: tuple[int, ...] = ()

    def __init__(self, job: Job) -> None:
        self.job = job
        self.failures: list[Failure] = []
        self.wasted = 0.0
        self.saturated = 0
        self.memory: Memory | None = None

    @abstractmethod
    def start(self, clock: float) -> None:
        """Get ready; nothing of it counts as training time. The clock begins at ``clock`` seconds."""

    @abstractmethod
    def broadcast(self, task: Broadcast, parameters: Floats) -> float:
        """Send everybody the new parameters, shape (d,), without waiting; return before when no answer can come."""

    def answer(self, answer: Answer) -> None:
        """Tell workers how to send what they have processed, without waiting; only engines for partial work can."""
        raise NotImplementedError(f"the {self.name} engine knows no answers")

    @abstractmethod
    def events(self, until: float) -> list[Event]:
        """Wait until something happens, at latest until that time; return what happened, never nothing."""

    @abstractmethod
    def now(self) -> float:
        """Seconds on the clock of the run."""

    def arrivals(self, schedule: Schedule, task: Broadcast) -> Floats:
        """Return when the messages of an iteration are to arrive, seconds after its begin, shape (n, segments)."""
        arrived, failed = schedule.arrivals(task.version)
        self.wasted = failed * schedule.cluster.failures.restart if failed else 0.0
        if failed:
            detail = f"{failed} attempts repeated" if failed > 1 else "repeated once"
            self.failures.append(Failure("undecodable", None, task.version, self.now(), detail))
        return arrived

    def gradient(self, step: Step) -> Floats:
        """Return the decoded gradient, shape (d,)."""
        out = np.empty(self.job.problem.parameters)
        cuts = self.job.code.cuts(out.size).tolist()
        for part in step.parts:
            self.job.policy.combine(part, out[cuts[part.segment] : cuts[part.segment + 1]])
        return out

    def settle(self, step: Step) -> None:
        """Let workers keep what the messages have lost that this step used: only of these it is final."""
        if self.memory is None:
            return
        for part in step.parts:
            used: Bools = np.asarray(part.decoding.matrix.any(axis=0))
            for message in part.messages:
                if used[message.worker]:
                    self.memory.keep(part.segment, message.worker)

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Stop the clock while the master does what is not training."""
        yield

    @abstractmethod
    def close(self) -> None:
        """Leave nothing behind; may be called more than once and at any time."""
