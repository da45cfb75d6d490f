"""What the master does, without transport and without a clock: events in, actions out.

An engine feeds a `Master` with messages, losses, returns and the passing of time, and does what it answers. Every time
is given to it in seconds of one clock, so that a simulated clock serves as well as a real one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from gcopt.training.events import (
    Action,
    Broadcast,
    Event,
    Failure,
    GiveUp,
    Lost,
    Message,
    Part,
    Reached,
    Returned,
    Spoilt,
    Step,
)
from gcopt.training.patience import Patience
from gcopt.training.policy import Gathering, Policy

Bools = NDArray[np.bool_]


class Master:
    """The state machine: what to wait for, what to decode together, when to step, what to drop, when to give up.

    Parameters
    ----------
    policy : Policy
    patience : Patience, optional

    Attributes
    ----------
    failures : list of Failure
    ignored : int
        Answers that no step used, one per worker and iteration.
    late : int
        Messages dropped because they belong to another version, batch or draw, or came after the step.
    dead : dict
        Workers that are lost, and why.
    silent : set of int
        Workers that are suspected.

    Examples
    --------
    >>> import gcopt
    >>> master = Master(Policy(gcopt.families.fractional_repetition(4, 1)))
    >>> master.begin(version=0, batch=0, now=0.0)
    Broadcast(version=0, batch=0, draw=0, used=())
    >>> master.handle(Message(2, 0, 0, 0, 0, None, 1.0, 1.0)) is None
    True
    >>> step = master.handle(Message(1, 0, 0, 0, 0, None, 2.0, 2.0))
    >>> [message.worker for message in step.parts[0].messages]
    [1, 2]
    """

    def __init__(self, policy: Policy, patience: Patience | None = None) -> None:
        self.policy = policy
        self.patience = patience or Patience()
        self.workers = policy.code.workers
        self.segments = len(policy.code.segments)
        self.failures: list[Failure] = []
        self.ignored = 0
        self.late = 0
        self.dead: dict[int, str] = {}
        self.silent: set[int] = set()
        self._task = Broadcast(-1, -1, -1, ())
        self._waiting = False
        self._gathered: list[Gathering] = []
        self._undone = 0
        self._used: tuple[tuple[int, int], ...] = ()
        self._begun = self._progress = 0.0
        # when whoever has answered is enough
        self._due = np.inf
        self._ticked = False
        # since when a worker owes us an answer, and how many it gave in this iteration
        self._since: list[float] | None = None
        self._answers = [0] * self.workers

    def begin(
        self, *, version: int, batch: int, now: float, draw: int = 0, only: Sequence[Bools] | None = None
    ) -> Broadcast:
        """Begin an iteration; ``only`` names, per segment, the workers to be used and waited for (a replay)."""
        self.policy.take_up(draw)
        self._gather(only)
        self._task = Broadcast(version, batch, draw, self._used)
        self._waiting = True
        self._begun = self._progress = now
        self._due = now + self.policy.deadline
        self._ticked = False
        self._remember(now)
        return self._task

    def _gather(self, only: Sequence[Bools] | None) -> None:
        """Forget what was heard."""
        sets = only if only is not None else [None] * self.segments
        self._gathered = [Gathering(self.policy, c, wanted) for c, wanted in enumerate(sets)]
        self._undone = self.segments

    def excuse(self, until: float) -> None:
        """Hold nobody's silence against him before this time: the engine knows that no answer can come earlier."""
        self._progress = max(self._progress, until)

    def postpone(self, seconds: float) -> None:
        """Count the rule's deadline from so much later: the engine has repeated the beginning of the iteration."""
        self._due += seconds

    def check(self) -> GiveUp | None:
        """Return the end of the run if those who live cannot decode this iteration; to be asked when it begins."""
        if not self._waiting or not self.dead:
            return None
        living = np.ones(self.workers, dtype=bool)
        living[list(self.dead)] = False
        if self._reachable(living):
            return None
        left = int(living.sum())
        return GiveUp(f"the {left} of {self.workers} workers that are left cannot decode{self._epitaph()}")

    def _reachable(self, living: Bools) -> bool:
        return all(gathering.reachable(living) for gathering in self._gathered)

    def handle(self, event: Event) -> Action | None:
        """Take note of an event; return what is to be done, if anything."""
        if isinstance(event, (Message, Reached)):
            return self._message(event)
        if isinstance(event, Lost):
            self.dead[event.worker] = event.why
            self.silent.discard(event.worker)
            self._note("died", event.worker, event.time, event.why)
            return self.check() or self._give_in(self._gathered)
        if isinstance(event, Spoilt):
            return GiveUp(spoilt(event))
        if isinstance(event, Returned):
            self._welcome(event.worker, event.time)
            return None
        return self._tick(event.time)

    @property
    def deadline(self) -> float:
        """When to call with a `Tick` if nothing happens before."""
        return min(self._due, self._overdue) if any(g.has_some for g in self._gathered) else self._overdue

    @property
    def _overdue(self) -> float:
        """When silence becomes suspicious."""
        wait = self.patience.limit if self._ticked else self.patience.deadline
        return self._progress + wait(self.workers)

    def _message(self, message: Message | Reached) -> Action | None:
        worker = message.worker
        if worker in self.silent or worker in self.dead:
            self._welcome(worker, message.time)
        assert self._since is not None
        self._since[worker] = message.time
        if not self._waiting or not self.policy.belongs(message, self._task):
            self.late += 1
            return None
        self._progress, self._ticked = message.time, False
        self._answers[worker] += 1
        self.patience.learn(message.time - self._begun)
        return self._take(message)

    def _take(self, message: Message | Reached) -> Action | None:
        """Use what belongs to this iteration."""
        assert isinstance(message, Message)
        gathering = self._gathered[message.segment]
        if gathering.decoding is None:
            gathering.add(message)
            self._undone -= gathering.decoding is not None
        return self._step() if self._undone == 0 else self._give_in([gathering], message.time > self._due)

    def _give_in(self, gatherings: Sequence[Gathering], due: bool = False) -> Step | None:
        """Take what has come, where that is the rule, if it is time or nobody is left who could answer."""
        if not self.policy.gives_in or not self._waiting:
            return None
        absent = self.dead.keys() | self.silent
        for gathering in gatherings:
            if gathering.has_some and (due or not gathering.awaits(absent)):
                gathering.close()
                self._undone -= 1
        return self._step() if self._undone == 0 else None

    def _step(self) -> Step:
        self._waiting = False
        parts = self._parts()
        self._used = tuple((m.worker, m.segment) for part in parts for m in part.messages)
        self.ignored += self.workers - len({worker for worker, _ in self._used})
        return Step(self._task.version, parts)

    def _parts(self) -> tuple[Part, ...]:
        return tuple(gathering.part() for gathering in self._gathered)

    def _tick(self, now: float) -> Action | None:
        if not self._waiting or now < self.deadline:
            return None
        if (step := self._give_in(self._gathered, now >= self._due)) is not None or now < self._overdue:
            return step
        self._ticked = True
        self._suspect(now)
        if (action := self._settle()) is not None:
            return action
        waited = now - self._progress
        if waited >= self.patience.limit(self.workers):
            return GiveUp(f"no answer for {waited:.3g} s from {_names(self.silent)}{self._epitaph()}")
        return None

    def _settle(self) -> Action | None:
        """Do without those who are overdue."""
        # what the shortcut of the policy held to be too little may decode after all
        for gathering in self._gathered:
            if gathering.decoding is None:
                gathering.close_if_enough()
                self._undone -= gathering.decoding is not None
        return self._step() if self._undone == 0 else self._give_in(self._gathered)

    def _owes(self, worker: int) -> bool:
        """Whether something is still to come from a worker in this iteration."""
        return self._answers[worker] < self.segments

    def _remember(self, now: float) -> None:
        """Begin to wait for those who were done with the last iteration; suspect who has owed an answer too long."""
        if self._since is None:
            self._since = [now] * self.workers
        for j in range(self.workers):
            if not self._owes(j):
                self._since[j] = now
        if now - min(self._since) > self.patience.deadline(self.workers):
            self._suspect(now)
        self._answers = [0] * self.workers

    def _suspect(self, now: float) -> None:
        assert self._since is not None
        limit = self.patience.deadline(self.workers)
        for j in range(self.workers):
            owes = self._owes(j) and now - self._since[j] >= limit
            if owes and np.isfinite(now) and j not in self.dead and j not in self.silent:
                self.silent.add(j)
                self._note("silent", j, now, f"no answer for {now - self._since[j]:.3g} s")

    def _welcome(self, worker: int, now: float) -> None:
        self.silent.discard(worker)
        self.dead.pop(worker, None)
        self._note("returned", worker, now)

    def _epitaph(self) -> str:
        reasons = "; ".join(sorted(set(self.dead.values())))
        return f"; lost: {_names(self.dead)} ({reasons})" if self.dead else ""

    def _note(self, kind: str, worker: int, now: float, detail: str = "") -> None:
        self.failures.append(Failure(kind, worker, self._task.version, now, detail))


def spoilt(event: Spoilt) -> str:
    """Return what to say of a gradient that is not finite.

    Examples
    --------
    >>> spoilt(Spoilt(worker=3, partition=5, version=7))
    'worker 3 found NaN or infinity in the gradient of partition 5 after 7 steps; a smaller step may help'
    """
    if event.partition < 0:
        what = "cannot compress its message: numbers above 3.4e38 or their sums"
    else:
        what = f"found NaN or infinity in the gradient of partition {event.partition}"
    return f"worker {event.worker} {what} after {event.version} steps; a smaller step may help"


def _names(workers: Iterable[int]) -> str:
    listed = sorted(workers)
    return ("worker " if len(listed) == 1 else "workers ") + ", ".join(map(str, listed))
