"""Training with partial work: an iteration ends when every partition has been processed often enough by somebody.

Workers report every partition they are done with; as soon as the reports suffice the master answers with coefficients,
and the messages to them decode to the exact gradient (see `gcopt.partial`). Whoever is lost between answer and message
makes the master answer again, without him.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gcopt.code import GradientCode, Segment
from gcopt.decoding import Decoding
from gcopt.partial import PartialWork, partial_times, reports
from gcopt.simulation import completed, mean_and_stderr
from gcopt.training.events import Action, Answer, Broadcast, Event, Lost, Message, Part, Reached
from gcopt.training.patience import Patience
from gcopt.training.policy import Policy
from gcopt.training.protocol import Master

if TYPE_CHECKING:
    from gcopt.cluster import Cluster, Times

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PARTIAL = "partial"


def assignment_of(code: GradientCode) -> GradientCode:
    """Return who holds what in a code as a code of one segment; its entries are of no importance.

    Examples
    --------
    >>> import gcopt
    >>> float(assignment_of(gcopt.families.two_stage(6, 1, 3.0)).segments[0].encoding.max())
    1.0
    """
    return replace(code, segments=(Segment(code.support),), claims=())


class PartialPolicy(Policy):
    """How partial work is run.

    Parameters
    ----------
    code : GradientCode
        From `assignment_of`.
    work : PartialWork
    """

    def __init__(self, code: GradientCode, work: PartialWork) -> None:
        self.code = code
        self.work = work
        self.wait = PARTIAL
        self.packing = None
        self.seconds = 0.0
        self.deadline, self.gives_in = np.inf, False

    def arrivals(self, cluster: Cluster, times: Times) -> Floats:
        """Return when the master knows of each worker's partitions, shape (iterations, n, largest load)."""
        return reports(self.work, cluster, times)

    def possible(self, arrived: Floats) -> bool:
        """Whether all that is ever processed suffices."""
        return self.work.ready(np.isfinite(arrived).sum(axis=1))

    def predict(self, cluster: Cluster, iterations: int, seed: int) -> tuple[float, float]:
        """Return the mean seconds of an iteration on a cluster and their standard error."""
        drawn = partial_times(self.work, cluster, iterations=iterations, rng=seed)
        return mean_and_stderr(completed(drawn, cluster.failures.restart))

    def excess(self, part: Part) -> None:
        """Return that partial work is decoded exactly."""
        return None

    def belongs(self, message: Message | Reached, task: Broadcast) -> bool:
        """Whether it is about this iteration and, if it is a message, sent to the newest answer."""
        draw = task.draw if isinstance(message, Reached) else message.draw
        return (message.version, message.batch, draw) == task[:3]

    def answer(self, version: int, draw: int, progress: Ints) -> Answer:
        """Work out the coefficients."""
        begin = time.perf_counter()
        coefficients = self.work.coefficients(progress)
        self.seconds += time.perf_counter() - begin
        return Answer(version, draw, progress, coefficients)


class PartialMaster(Master):
    """The state machine with reports, answers and messages. ``late`` counts reports as well.

    Parameters
    ----------
    policy : PartialPolicy
    patience : Patience, optional

    Examples
    --------
    >>> import gcopt
    >>> code = gcopt.families.fractional_repetition(2, 1)
    >>> policy = PartialPolicy(assignment_of(code), PartialWork.of(code.support, [[0, 1], [1, 0]]))
    >>> master = PartialMaster(policy)
    >>> task = master.begin(version=0, batch=0, now=0.0)
    >>> master.handle(Reached(0, 1, 0, 0, 0, time=1.0, seconds=1.0)) is None
    True
    >>> answer = master.handle(Reached(1, 1, 0, 0, 0, time=1.5, seconds=1.5))
    >>> answer.draw, answer.progress.tolist(), [c.tolist() for c in answer.coefficients]
    (1, [1, 1], [[[1.0]], [[1.0]]])
    >>> master.handle(Message(0, 0, 0, 0, 1, None, 2.0, 1.0)) is None
    True
    >>> master.handle(Message(1, 0, 0, 0, 1, None, 2.0, 1.5)).parts[0].decoding.matrix
    array([[1., 1.]])
    """

    def __init__(self, policy: PartialPolicy, patience: Patience | None = None) -> None:
        super().__init__(policy, patience)
        self._work = policy.work
        self._answer_with = policy.answer
        self._reached: Ints = np.zeros(self.workers, dtype=np.int64)
        self._asked: Ints | None = None
        self._sent: dict[int, Message] = {}

    def begin(
        self, *, version: int, batch: int, now: float, draw: int = 0, only: Sequence[Bools] | None = None
    ) -> Broadcast:
        """Begin an iteration; there are no replays."""
        task = super().begin(version=version, batch=batch, now=now, draw=draw, only=only)
        self._reached, self._asked, self._sent = np.zeros_like(self._reached), None, {}
        return task

    def handle(self, event: Event) -> Action | None:
        """Take note of an event; return what is to be done, if anything."""
        action = super().handle(event)
        return self._settle() if action is None and isinstance(event, Lost) and self._waiting else action

    def _gather(self, only: Sequence[Bools] | None) -> None:
        # done in `begin`, when nobody asks any more what was owed in the last iteration
        pass

    def _reachable(self, living: Bools) -> bool:
        return self._work.ready(np.where(living, self._work.load, 0))

    def _take(self, message: Message | Reached) -> Action | None:
        if isinstance(message, Reached):
            self._reached[message.worker] = max(self._reached[message.worker], message.done)
            return self._answer_if_ready()
        self._sent[message.worker] = message
        # nobody is asked where one who was is lost, and the others have not processed enough yet
        return self._step() if self._asked is not None and not self._awaited() else None

    def _answer_if_ready(self) -> Answer | None:
        if self._asked is not None:
            return None
        usable = self._reached.copy()
        usable[[*self.dead, *self.silent]] = 0
        if not self._work.ready(usable):
            return None
        self._asked, self._sent = usable, {}
        self._task = self._task._replace(draw=self._task.draw + 1)
        return self._answer_with(self._task.version, self._task.draw, usable)

    def _settle(self) -> Action | None:
        """Ask others where somebody who was asked is lost before he has sent anything."""
        if self._awaited() & (self.dead.keys() | self.silent):
            self._asked = None
        return self._answer_if_ready()

    def _awaited(self) -> set[int]:
        asked = [] if self._asked is None else np.flatnonzero(self._asked).tolist()
        return set(asked) - self._sent.keys()

    def _owes(self, worker: int) -> bool:
        return bool(self._reached[worker] < self._work.load[worker]) or worker in self._awaited()

    def _parts(self) -> tuple[Part, ...]:
        assert self._asked is not None
        heard: Bools = np.asarray(self._asked > 0)
        decoding = Decoding(np.where(heard, self._work.mixing.T, 0.0), float(self._work.residual(self._asked)))
        return (Part(0, heard, tuple(self._sent[j] for j in sorted(self._sent)), decoding),)
