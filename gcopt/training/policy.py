"""The three questions of the master: is this set enough, how is it applied, what becomes of the rest."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gcopt.arrivals import arrivals
from gcopt.code import GradientCode, Segment
from gcopt.coding import combine
from gcopt.decoding import Decoder, Decoding, Fresh, noise_aware
from gcopt.decoding.running import Running
from gcopt.training.events import Broadcast, Message, Part, Reached
from gcopt.training.packing import Packing
from gcopt.waiting import Waiting

if TYPE_CHECKING:
    from gcopt.cluster import Cluster, Times

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


class Policy:
    """How a synchronous code is run: answers of one version are decoded together, all others are dropped.

    Parameters
    ----------
    code : GradientCode
    wait, tolerate, deadline
        The rule, see `gcopt.waiting.Waiting`. A segment that takes what has come in the end is closed when nobody is
        left who could answer: nobody, that is, who is neither lost nor suspected.

    Attributes
    ----------
    waiting : Waiting
    seconds : float
        Time spent on finding decoding coefficients.
    deadline : float
        Seconds; infinity for none.
    gives_in : bool
        Whether what has come is taken, whatever its error, when nothing better can come.
    packing : Packing or None
        How messages are compressed.
    noise : list of float
        What compression adds to the messages of each segment, relative to them. The rule of waiting does not look at
        it; the coefficients that are used in the end weigh it against the decoding error.
    """

    def __init__(
        self,
        code: GradientCode,
        wait: str = "decodable",
        *,
        tolerate: float | None = None,
        deadline: float | None = None,
        packing: Packing | None = None,
        noise: Sequence[float] | None = None,
    ) -> None:
        self.packing = packing
        self.waiting = Waiting(code, wait, tolerate=tolerate, deadline=deadline)
        self.code = code
        self.wait = wait
        self.seconds = 0.0
        self.deadline = np.inf if deadline is None else deadline
        self.gives_in = self.waiting.gives_in
        self.decoders = list(self.waiting.decoders)
        self.noise = list(noise or [0.0] * len(code.segments))
        self.weighing = [noise_aware(segment, w) for segment, w in zip(code.segments, self.noise, strict=True)]
        self.rules = [Rule(self.waiting, c) for c in range(len(code.segments))]

    def take_up(self, draw: int) -> None:
        """Decode the messages of this draw of the signs from now on."""
        for c, segment in enumerate(self.code.segments):
            if segment.signs is not None:
                self.decoders[c] = Fresh(segment.at(draw))
                self.weighing[c] = noise_aware(segment.at(draw), self.noise[c])

    def enough(self, segment: int, heard: Bools) -> bool:
        """Whether the answers of these workers, bool (n,), suffice for a segment when no more can come."""
        if self.gives_in:
            return bool(heard.any())
        count = self.rules[segment].count
        return int(heard.sum()) >= count if count is not None else self.decoders[segment].decodes(heard)

    def arrivals(self, cluster: Cluster, times: Times) -> Floats:
        """Return when the master hears what on a cluster, shape (iterations, n, things); see `gcopt.arrivals`."""
        return arrivals(self.code, cluster, times)

    def possible(self, arrived: Floats) -> bool:
        """Whether an iteration in which things arrive at these times, shape (n, things), can be decoded at all."""
        return all(self.enough(c, np.isfinite(arrived[:, c])) for c in range(arrived.shape[1]))

    def predict(self, cluster: Cluster, iterations: int, seed: int) -> tuple[float, float]:
        """Return the mean seconds of an iteration on a cluster and their standard error."""
        from gcopt.simulation import completed, drawn_iterations, mean_and_stderr

        drawn = drawn_iterations(self.waiting, cluster, iterations=iterations, seed=seed)
        return mean_and_stderr(completed(drawn, cluster.failures.restart))

    def decode(self, segment: int, heard: Bools) -> Decoding:
        """Return the coefficients for these workers."""
        begin = time.perf_counter()
        decoding = self.decoders[segment](heard)
        self.seconds += time.perf_counter() - begin
        return decoding

    def weighs(self, segment: int) -> bool:
        """Whether the coefficients of a segment weigh noise against error."""
        return self.noise[segment] > 0.0 and not self.code.segments[segment].is_linear

    def weigh(self, segment: int, heard: Bools, found: Decoding) -> Decoding:
        """Return the coefficients to be used, given those that waiting has found."""
        if not self.weighs(segment):
            return found
        begin = time.perf_counter()
        decoding = self.weighing[segment](heard)
        self.seconds += time.perf_counter() - begin
        return decoding

    def excess(self, part: Part) -> Floats | None:
        """Return R B - T, shape (m, m k), its real part; None where the segment is decoded exactly."""
        decoder = self.decoders[part.segment]
        if part.decoding.error <= decoder.tolerance:
            return None
        return np.asarray(np.real(part.decoding.matrix @ decoder.segment.encoding) - decoder.segment.target)

    def belongs(self, message: Message | Reached, task: Broadcast) -> bool:
        """Whether a message may enter the present step; all others are dropped and counted."""
        return message.version == task.version and message.batch == task.batch and message.draw == task.draw

    def combine(self, part: Part, out: Floats) -> None:
        """Write the decoded segment, the real part of ``sum_j R[u, j] y_j``, into its stretch of the gradient.

        The order of the sum is that of the workers, never that of the arrivals, so that equal sets give equal bits.
        """
        used: Bools = np.asarray(part.decoding.matrix.any(axis=0))
        chosen: list[bool] = used.tolist()
        messages = [message for message in part.messages if chosen[message.worker]]
        if self.packing is None:
            combine(part.decoding.matrix[:, used], [message.payload for message in messages], out)
        else:
            self.packing.combine(part.decoding.matrix[:, used], messages, out)


class Rule:
    """How many answers a segment needs before it is worth a try to decode it.

    Attributes
    ----------
    count : int or None
        The number of answers that is enough, where the segment goes by count.
    tolerance : float
        The squared error that is good enough.
    team : list of int
        For each worker the team whose members all send multiples of one message; -1 for workers without work.
    part : list of int
        For each team the part of the code that decodes on its own.
    needed : list of int
        Teams needed of each such part; 1 where no number says it, more than there are where nothing is enough.
    held : dict
        For the workers of those last parts, the partitions they hold: all must have been heard of, but for ``spare``.
    uncovered : frozenset
        Those partitions.
    spare : int
        Partitions that may be missing: each costs an error of at least m.
    """

    def __init__(self, waiting: Waiting, c: int) -> None:
        segment, kind = waiting.code.segments[c], waiting.kind(c)
        self.decoder: Decoder = waiting.decoders[c]
        self.workers = n = segment.workers
        self.tolerance = waiting.tolerance(c)
        self.count = n - segment.stragglers if kind == "count" else None
        self.team, self.part = list(range(n)), [0] * n
        few = 1 if segment.signs is not None else 0
        self.needed = [{"count": n - segment.stragglers, "within": 1, "never": n + 1}.get(kind, few)]
        self.held: dict[int, list[int]] = {}
        self.spare = 0
        self._irregular: list[tuple[NDArray[np.intp], Running]] = []
        self._nearly: tuple[Running, float] | None = None
        # what one draw of signs needs says nothing about the next, so that every set is decoded then
        if kind == "exact" and segment.signs is None:
            self._read(segment)
        elif kind == "within" and segment.signs is None:
            held = np.split(segment.support.indices, segment.support.indptr[1:-1])
            self.held = {j: partitions.tolist() for j, partitions in enumerate(held)}
            self.spare = int(self.tolerance / segment.blocks)
            self._nearly = self.decoder.running(), self.tolerance + waiting.prefixes[c].near
        self.uncovered = frozenset(i for held in self.held.values() for i in held)

    def _read(self, segment: Segment) -> None:
        components = self.decoder.components
        self.team, self.part = [-1] * self.workers, []
        self.needed = [component.needed or 1 for component in components]
        irregular = [component for component in components if component.needed is None]
        # answers come one by one; what it says about a set does not depend on the sets before
        self._irregular = [(component.workers, component.running()) for component in irregular]
        for number, component in enumerate(components):
            for team in component.teams:
                for worker in component.workers[team].tolist():
                    self.team[worker] = len(self.part)
                self.part.append(number)
        for component in irregular:
            self.held |= {j: segment.support[[j]].indices.tolist() for j in component.workers.tolist()}

    def promising(self, heard: Bools) -> bool:
        """Whether the parts without a number decode, looked at one by one, or the error is nearly small enough."""
        if self._nearly is not None:
            running, largest = self._nearly
            return running.error(heard) <= largest
        return all(running.decodes(heard[workers]) for workers, running in self._irregular)


class Gathering:
    """What has been heard of one segment in one iteration.

    Parameters
    ----------
    policy : Policy
    segment : int
    only : bool array, shape (n,), optional
        The workers to be used and waited for, whatever the others do (a replay).

    Attributes
    ----------
    decoding : Decoding or None
        Once there is one, nothing more is taken.
    """

    __slots__ = (
        "_heard",
        "_lacking",
        "_messages",
        "_missing",
        "_only",
        "_open",
        "_rule",
        "_teams",
        "_uncovered",
        "decoding",
        "policy",
        "segment",
    )

    def __init__(self, policy: Policy, segment: int, only: Bools | None = None) -> None:
        self.policy = policy
        self.segment = segment
        self.decoding: Decoding | None = None
        self._rule = policy.rules[segment]
        self._only = only
        self._missing = int(only.sum()) if only is not None else 0
        self._messages: dict[int, Message] = {}
        self._heard = np.zeros(self._rule.workers, dtype=bool)
        self._teams: set[int] = set()
        self._lacking = list(self._rule.needed)
        self._open = len(self._lacking)
        self._uncovered = set(self._rule.uncovered)

    def add(self, message: Message) -> None:
        """Take a message unless its worker was heard already; decode when there is enough."""
        worker = message.worker
        if worker in self._messages or (self._only is not None and not self._only[worker]):
            return
        self._messages[worker] = message
        self._heard[worker] = True
        if self._only is not None:
            self._missing -= 1
            if self._missing == 0:
                self._use(self.policy.decode(self.segment, self._heard))
            return
        team = self._rule.team[worker]
        # a second answer of a team, or one from a worker without work, says nothing new
        if team >= 0 and team not in self._teams:
            self._teams.add(team)
            part = self._rule.part[team]
            self._lacking[part] -= 1
            self._open -= self._lacking[part] == 0
            if self._uncovered:
                self._uncovered.difference_update(self._rule.held.get(worker, ()))
            if self._open == 0 and len(self._uncovered) <= self._rule.spare and self._rule.promising(self._heard):
                self._close(by_count=self._rule.count is not None)

    @property
    def has_some(self) -> bool:
        """Whether there is something to be taken as it is; a replay waits for its set."""
        return self.decoding is None and bool(self._messages) and self._only is None

    def awaits(self, absent: Collection[int]) -> bool:
        """Whether somebody who is not among these has not answered."""
        missing = self._rule.workers - len(self._messages)
        return missing > sum(worker not in self._messages for worker in absent)

    def close(self) -> None:
        """Decode what there is, whatever the error."""
        self._close(by_count=True)

    def close_if_enough(self) -> None:
        """Decode what there is if that is good enough; a replay waits for its set."""
        if self._only is None:
            self._close(by_count=False)

    def reachable(self, living: Bools) -> bool:
        """Whether the segment is decoded, or could be if all of these answered."""
        if self.decoding is not None:
            return True
        could = self._heard | living
        return bool(could[self._only].all()) if self._only is not None else self.policy.enough(self.segment, could)

    def part(self) -> Part:
        """Return what was decoded, messages by worker."""
        assert self.decoding is not None
        messages = tuple(self._messages[j] for j in sorted(self._messages))
        return Part(self.segment, self._heard, messages, self.decoding)

    def _close(self, by_count: bool) -> None:
        decoding = self.policy.decode(self.segment, self._heard)
        if by_count or decoding.error <= self._rule.tolerance:
            self._use(decoding)

    def _use(self, decoding: Decoding) -> None:
        self.decoding = self.policy.weigh(self.segment, self._heard, decoding)
