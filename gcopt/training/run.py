"""One run of training: the loop that connects the master's protocol with an engine."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gcopt.checks import check_count, check_finite
from gcopt.code import GradientCode
from gcopt.errors import GcoptWarning, InputError, TrainingError
from gcopt.solvers.seeding import RngLike, seed_of
from gcopt.training import checkpoint as checkpoints
from gcopt.training.batches import Batches
from gcopt.training.checkpoint import State
from gcopt.training.engine import Engine, Job
from gcopt.training.events import GiveUp, Message, Step
from gcopt.training.optimizers import Optimizer, make_optimizer
from gcopt.training.patience import Patience
from gcopt.training.policy import Policy
from gcopt.training.protocol import Master
from gcopt.training.result import TrainingResult, Watch, drift

if TYPE_CHECKING:
    from gcopt.cluster import Cluster
    from gcopt.training.problems import Problem

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
PathLike = str | os.PathLike[str]

ENGINES = {"local": "gcopt.training.local:LocalEngine", "virtual": "gcopt.training.virtual:VirtualEngine"}

_ADAM_STEP = 0.01


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
class _Run:
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

    def __post_init__(self) -> None:
        self.watch = Watch(self.job.code.workers, len(self.job.code.segments))
        self.optimizer.restore(self.state.optimizer)

    def go(self) -> None:
        """Train to the end; whatever happens, nothing of the engine is left."""
        started = False
        try:
            self.engine.start(self.state.clock)
            started = True
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
        task = master.begin(version=number, batch=number, now=begun, only=only)
        if (hopeless := master.check()) is not None:
            raise TrainingError(hopeless.reason)
        master.excuse(engine.broadcast(task, state.parameters))
        step = self._await_step()
        gradient = engine.gradient(step)
        if self.job.problem.regularization:
            gradient += self.job.problem.regularization * state.parameters
        if not np.isfinite(gradient.sum()):
            raise TrainingError("the decoded gradient holds NaN or infinity; a smaller step may help")
        # a new array: an engine may still be reading the old one
        state.parameters = self.optimizer.step(state.parameters.copy(), gradient)
        state.iteration += 1
        state.clock = engine.now()
        state.durations.append(state.clock - begun)
        state.responders.append(self._responders(step))
        self.watch.stepped(step)

    def _await_step(self) -> Step:
        step: Step | None = None
        while step is None:
            for event in self.engine.events(self.master.deadline):
                if isinstance(event, Message):
                    self.watch.heard(event)
                action = self.master.handle(event)
                if isinstance(action, GiveUp):
                    raise TrainingError(action.reason)
                step = action or step
        return step

    def _responders(self, step: Step) -> Bools:
        used = np.zeros((len(step.parts), self.job.code.workers), dtype=bool)
        for part in step.parts:
            used[part.segment, [message.worker for message in part.messages]] = True
        return used

    def _look_up(self) -> None:
        """Do what is not training, while the clock is stopped."""
        state = self.state
        last = state.iteration == self.iterations
        loss = None
        if last or state.iteration % self.evaluate_every == 0:
            loss = self._evaluate()
        with self.engine.pause():
            if self.checkpoint is not None and not last and state.iteration % self.every == 0:
                self._save(self.checkpoint)
            if self.on_iteration is not None:
                ignored = self.job.code.workers - int(state.responders[-1].any(axis=0).sum())
                about = (loss, state.clock, ignored, self.engine.name, self.engine.pids)
                self.on_iteration(Progress(state.iteration, *about))

    def _evaluate(self) -> float:
        state = self.state
        with self.engine.pause():
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
        state.ignored += self.master.ignored
        state.late += self.master.late
        state.failures = sorted(
            [*state.failures, *self.engine.failures, *self.master.failures], key=lambda failure: failure.time
        )
        return state


def train(
    code: GradientCode,
    problem: Problem,
    *,
    engine: str = "local",
    iterations: int = 100,
    cluster: Cluster | None = None,
    delays: bool = False,
    wait: str = "decodable",
    optimizer: str | Optimizer = "sgd",
    step: float | None = None,
    batch: float | None = None,
    checkpoint: PathLike | None = None,
    every: int = 100,
    resume: PathLike | None = None,
    replay: ArrayLike | None = None,
    evaluate_every: int = 1,
    on_iteration: Callable[[Progress], object] | None = None,
    patience: Patience | None = None,
    rng: RngLike = None,
) -> TrainingResult:
    """Train a model with coded gradients.

    Parameters
    ----------
    code : GradientCode
        Its n workers share the rows of the problem, cut into its k partitions.
    problem : Problem
        See `gcopt.training.problems`; any class of the same shape will do.
    engine : str
        ``local``: processes on this machine; ``virtual``: simulated times, the same gradients.
    iterations : int
        Steps in all, those before a resumption included.
    cluster : Cluster, optional
        Where the virtual engine takes its times from (without it every partition takes 1/k seconds), where the local
        one takes its delays from, and what the observed times are compared with.
    delays : bool
        On the local engine: hold every message back until the moment the cluster says. It is never sent earlier
        than the computation allows.
    wait : str
        ``decodable``: step as soon as the answers decode exactly; ``count``: after the first n - s.
    optimizer : str or Optimizer
        ``sgd``, ``momentum``, ``nesterov`` or ``adam``.
    step : float, optional
        Step size; by default 1 / L with L from ``problem.smoothness()``, and 0.01 for ``adam``.
    batch : float, optional
        Fraction of every partition used in an iteration; all rows by default.
    checkpoint : path, optional
        Where to save every ``every`` iterations, at the end, on Ctrl-C, and when the run cannot go on.
    every : int
    resume : path, optional
        A checkpoint of the same code, problem, optimiser and batch to go on from; its seed is used.
    replay : bool array, shape (iterations, segments, n), optional
        Whose messages each iteration uses, as in ``TrainingResult.responders``: the same set gives the same bits.
    evaluate_every : int
        Evaluate the loss after so many steps; before the first and after the last always.
    on_iteration : callable, optional
        Called with a `Progress` after every step.
    patience : Patience, optional
        How the deadlines for silent workers are learned.
    rng : None, int, Generator or SeedSequence
        For batches and arrival times.

    Returns
    -------
    TrainingResult

    Raises
    ------
    InputError
        If an argument is impossible or the problem cannot be coded exactly.
    TrainingError
        If the run cannot go on: it says who failed and where the checkpoint is.

    Examples
    --------
    >>> import gcopt, numpy as np
    >>> from gcopt.training.problems import LeastSquares
    >>> problem = LeastSquares(np.eye(4), np.arange(4.0))
    >>> result = train(gcopt.families.fractional_repetition(4, 1), problem, engine="virtual", iterations=20, rng=0)
    >>> result.loss[-1] < 0.5 * result.loss[0], result.seconds
    (True, 10.0)
    """
    for name, count in (("iterations", iterations), ("every", every), ("evaluate_every", evaluate_every)):
        check_count(name, count, 1)
    _check_problem(problem, code)
    rule = _make_rule(problem, optimizer, step)
    fraction = 1.0 if batch is None else batch

    def identity() -> dict[str, Any]:
        settings = {key: value for key, value in rule.settings().items() if key != "rate"}
        return {
            "code": checkpoints.fingerprint_of_code(code),
            "problem": checkpoints.fingerprint_of_problem(problem),
            "optimizer": [rule.name, settings],
            "batch": fraction,
        }

    state = _make_state(problem, resume, identity, iterations, rng)
    policy = Policy(code, wait)
    job = Job(
        code=code,
        problem=problem,
        batches=Batches(problem.samples, code.partitions, fraction, state.seed),
        policy=policy,
        schedule=_make_schedule(policy, engine, cluster, delays, state.seed),
    )
    run = _Run(
        job=job,
        engine=_make_engine(engine, job),
        # nobody hangs on a simulated clock
        master=Master(policy, Patience(floor=np.inf) if engine == "virtual" else patience),
        optimizer=rule,
        state=state,
        iterations=iterations,
        evaluate_every=evaluate_every,
        replay=_check_replay(replay, code, iterations),
        on_iteration=on_iteration,
        checkpoint=_check_place(checkpoint),
        every=every,
        identity=identity,
    )
    run.go()
    return _result(run, cluster)


def _result(run: _Run, cluster: Cluster | None) -> TrainingResult:
    state, job = run.snapshot(), run.job
    return TrainingResult(
        engine=run.engine.name,
        iterations=state.iteration,
        seconds=state.clock,
        evaluated=state.evaluated,
        loss=state.loss,
        time=state.time,
        decode_seconds=job.policy.seconds,
        stragglers_ignored=state.ignored,
        late=state.late,
        failures=state.failures,
        final={"loss": state.loss[-1], **job.problem.metrics(state.parameters)},
        parameters=state.parameters,
        responders=np.array(state.responders, dtype=bool),
        durations=state.durations,
        drift=drift(job.code, cluster, state.durations, job.policy.wait, state.seed) if cluster is not None else None,
        workers=run.watch.table(),
        seed=state.seed,
        code=job.code.family,
        problem=job.problem.name,
    )


def _check_problem(problem: Problem, code: GradientCode) -> None:
    """Refuse what coding would silently change, warn about what it might."""
    from gcopt.training.problems import FunctionProblem, check_additive, check_breaks

    check_breaks(problem)
    one = np.array([[0, 1]])
    if len(code.segments) > 1 or code.blocks > 1:
        problem.residual(problem.initial(), one)
    if type(problem).__module__.startswith("gcopt.") and not isinstance(problem, FunctionProblem):
        return
    check_additive(problem)
    found = problem.gradient(problem.initial(), one, np.ones(1)).dtype
    if found != np.float64:
        warnings.warn(
            f"the gradient of {problem.name!r} is {found}: workers that hold the same rows agree only to its rounding, "
            "which decoding amplifies; sum in float64 if you can",
            GcoptWarning,
            stacklevel=3,
        )


def _make_rule(problem: Problem, optimizer: str | Optimizer, step: float | None) -> Optimizer:
    if isinstance(optimizer, Optimizer):
        if step is not None:
            raise InputError("step is given and the optimizer is an object, which has its own; give one of them")
        return copy.deepcopy(optimizer)
    if step is None:
        step = _ADAM_STEP if optimizer == "adam" else 1.0 / problem.smoothness()
    return make_optimizer(optimizer, check_finite("step", step, 0.0, open_low=True))


def _make_state(
    problem: Problem,
    resume: PathLike | None,
    identity: Callable[[], dict[str, Any]],
    iterations: int,
    rng: RngLike,
) -> State:
    if resume is None:
        return State(parameters=np.array(problem.initial(), dtype=np.float64), seed=seed_of(rng))
    state = checkpoints.load(resume, identity())
    if state.iteration > iterations:
        raise InputError(
            f"{resume}: the checkpoint is at {state.iteration} steps and iterations is {iterations}; more would work"
        )
    return state


def _make_schedule(policy: Policy, engine: str, cluster: Cluster | None, delays: bool, seed: int) -> Any:
    from gcopt.cluster import Cluster
    from gcopt.delays import Delay
    from gcopt.training.schedule import Schedule

    if cluster is not None and cluster.workers != policy.code.workers:
        raise InputError(
            f"the code has {policy.code.workers} workers and the cluster {cluster.workers}; they must agree"
        )
    if engine == "virtual":
        cluster = cluster or Cluster(policy.code.workers, Delay("deterministic", {"value": 1.0}))
        return Schedule(policy, cluster, seed)
    if delays and cluster is None:
        raise InputError("delays is True and there is no cluster to take them from; give cluster=")
    return Schedule(policy, cluster, seed) if delays and cluster is not None else None


def _make_engine(name: str, job: Job) -> Engine:
    import importlib

    if name not in ENGINES:
        raise InputError(f"no engine is called {name!r}; there are: {', '.join(sorted(ENGINES))}")
    module, attribute = ENGINES[name].split(":")
    engine: Engine = getattr(importlib.import_module(module), attribute)(job)
    return engine


def _check_replay(replay: ArrayLike | None, code: GradientCode, iterations: int) -> Bools | None:
    if replay is None:
        return None
    sets = np.asarray(replay, dtype=bool)
    shape = (len(code.segments), code.workers)
    if sets.ndim != 3 or sets.shape[1:] != shape or len(sets) < iterations:
        raise InputError(f"replay has shape {sets.shape}; ({iterations}, {shape[0]}, {shape[1]}) is expected")
    return sets


def _check_place(checkpoint: PathLike | None) -> Path | None:
    """Find out now, not after hours, that a checkpoint cannot be written."""
    if checkpoint is None:
        return None
    place = Path(checkpoint)
    if not place.parent.is_dir() or not os.access(place.parent, os.W_OK):
        raise InputError(f"checkpoint is {str(checkpoint)!r}; a file in an existing folder you may write is needed")
    return place
