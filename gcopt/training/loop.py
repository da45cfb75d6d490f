"""The loop that connects the master with an engine, and what surrounds it: losses, checkpoints, callbacks."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.errors import InputError, TrainingError
from gcopt.training import checkpoint as checkpoints
from gcopt.training.checkpoint import State
from gcopt.training.engine import Engine, Job
from gcopt.training.events import Answer, GiveUp, Message, Step
from gcopt.training.optimizers import Optimizer
from gcopt.training.protocol import Master
from gcopt.training.result import Watch

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Progress:
    """What ``on_iteration`` is called with after a step.

    Attributes
    ----------
    iteration : int
        Steps done.
    loss : float or None
        If it was evaluated after this step.
    seconds : float
        Training time so far.
    ignored : int
        Workers whose answers this step did not use.
    engine : str
    pids : tuple of int
        Process of each worker; empty on the virtual engine.
    """

    iteration: int
    loss: float | None
    seconds: float
    ignored: int
    engine: str
    pids: tuple[int, ...]


@dataclass(eq=False)
class Run:
    """A run under way."""

    job: Job
    engine: Engine
    master: Master
    optimizer: Optimizer
    state: State
    iterations: int
    evaluate_every: int
    replay: Bools | None
    on_iteration: Callable[[Progress], object] | None
    checkpoint: Path | None
    every: int
    identity: Callable[[], dict[str, Any]]
    watch: Watch = field(init=False)
    begun: int = field(init=False)  # steps before this run

    def __post_init__(self) -> None:
        self.watch = Watch(self.job.code.workers, len(self.job.code.segments))
        self.begun = self.state.iteration
        self.optimizer.restore(self.state.optimizer)

    def go(self) -> None:
        """Train to the end; whatever happens, nothing of the engine is left."""
        started = False
        try:
            self.engine.start(self.state.clock)
            started = True
            if self.engine.memory is not None:
                self.engine.memory.restore(self.state.memory)
            if not self.state.evaluated:
                self._evaluate()
            while self.state.iteration < self.iterations:
                self._iterate()
                self._look_up()
            if self.checkpoint is not None:
                self._save(self.checkpoint)
        except TrainingError as error:
            if not started:
                raise
            raise TrainingError(f"iteration {self.state.iteration}: {error}; {self._rescue()}") from error
        except KeyboardInterrupt:
            if started and self.checkpoint is not None:
                self._save(self.checkpoint)
            raise
        finally:
            self.engine.close()

    def _iterate(self) -> None:
        """Take one step."""
        state, engine, master = self.state, self.engine, self.master
        number = state.iteration
        begun = engine.now()
        only = None if self.replay is None else self.replay[number]
        draw = number if self.job.code.redraws else 0
        task = master.begin(version=number, batch=number, draw=draw, now=begun, only=only)
        if (hopeless := master.check()) is not None:
            raise TrainingError(hopeless.reason)
        master.excuse(engine.broadcast(task, state.parameters))
        master.postpone(engine.wasted)
        step = self._await_step()
        gradient = engine.gradient(step)
        engine.settle(step)
        self._debias(gradient)
        if self.job.problem.regularization:
            gradient += self.job.problem.regularization * state.parameters
        if not isfinite(gradient.sum()):
            raise TrainingError("the decoded gradient holds NaN or infinity; a smaller step may help")
        # a new array: an engine may still be reading the old one
        state.parameters = self.optimizer.step(state.parameters.copy(), gradient)
        state.iteration += 1
        state.clock = engine.now()
        state.durations.append(state.clock - begun)
        state.responders.append(np.array([part.heard for part in step.parts]))
        self._judge(step)

    def _debias(self, gradient: NDArray[np.float64]) -> None:
        """Divide each segment by what it is multiplied with on average."""
        cuts = pairwise(self.job.code.cuts(gradient.size).tolist())
        for factor, (start, stop) in zip(self.state.factors, cuts, strict=False):
            gradient[start:stop] /= factor

    def _judge(self, step: Step) -> None:
        """Take note of what the gradient was made of."""
        state, segments = self.state, self.job.code.segments
        errors = np.zeros(len(segments))
        for part in step.parts:
            excess = self.job.policy.excess(part)
            if excess is not None:
                if not state.excess:
                    state.excess = [np.zeros_like(segment.target) for segment in segments]
                state.excess[part.segment] += excess
                errors[part.segment] = part.decoding.error / excess.shape[1]
        state.errors.append(errors)

    def _await_step(self) -> Step:
        step: Step | None = None
        while step is None:
            for event in self.engine.events(self.master.deadline):
                if isinstance(event, Message):
                    self.watch.heard(event)
                action = self.master.handle(event)
                if isinstance(action, GiveUp):
                    raise TrainingError(action.reason)
                if isinstance(action, Answer):
                    self.engine.answer(action)
                else:
                    step = action or step
        return step

    def _look_up(self) -> None:
        """Do what is not training, while the clock is stopped."""
        state = self.state
        last = state.iteration == self.iterations
        loss = self._evaluate() if last or state.iteration % self.evaluate_every == 0 else None
        if self.checkpoint is not None and not last and state.iteration % self.every == 0:
            with self.engine.pause():
                self._save(self.checkpoint)
        if self.on_iteration is not None:
            ignored = self.job.code.workers - int(state.responders[-1].any(axis=0).sum())
            about = (loss, state.clock, ignored, self.engine.name, self.engine.pids)
            with self.engine.pause():
                self.on_iteration(Progress(state.iteration, *about))

    def _evaluate(self) -> float:
        state = self.state
        # an overflow is reported below, in words
        with self.engine.pause(), np.errstate(over="ignore", invalid="ignore"):
            loss = self.job.problem.loss(state.parameters)
        if not np.isfinite(loss):
            raise TrainingError(f"the loss after {state.iteration} steps is {loss}; a smaller step may help")
        state.evaluated.append(state.iteration)
        state.loss.append(loss)
        state.time.append(state.clock)
        return loss

    def _save(self, path: Path) -> Path:
        return checkpoints.save(path, self.snapshot(), self.identity())

    def _rescue(self) -> str:
        """Save what there is; say where."""
        name = f"gcopt-checkpoint-{self.state.seed}-{self.state.iteration}.npz"
        try:
            return f"go on from the checkpoint with resume={str(self._save(self.checkpoint or Path(name)))!r}"
        except InputError as error:
            return f"no checkpoint could be saved ({error})"

    def snapshot(self) -> State:
        """Return the state with the optimiser's and the counts of this run in it."""
        state = copy.copy(self.state)
        state.optimizer = self.optimizer.state()
        state.memory = [] if self.engine.memory is None else self.engine.memory.snapshot()
        state.saturated += self.engine.saturated
        state.ignored += self.master.ignored
        state.late += self.master.late
        state.failures = sorted(
            [*state.failures, *self.engine.failures, *self.master.failures], key=lambda failure: failure.time
        )
        return state
