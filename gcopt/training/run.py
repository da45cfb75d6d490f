"""Training with coded gradients: from what the user says to a run, and from a run to its result."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gcopt.checks import check_count, check_finite
from gcopt.code import GradientCode
from gcopt.errors import GcoptWarning, InputError
from gcopt.partial import PartialWork
from gcopt.solvers.seeding import RngLike, seed_of
from gcopt.training import checkpoint as checkpoints
from gcopt.training.batches import Batches
from gcopt.training.checkpoint import State
from gcopt.training.debias import estimate_of, expected_factors
from gcopt.training.engine import Engine, Job
from gcopt.training.loop import Progress, Run
from gcopt.training.optimizers import Optimizer, make_optimizer
from gcopt.training.partial import PARTIAL, PartialMaster, PartialPolicy, assignment_of
from gcopt.training.patience import Patience
from gcopt.training.policy import Policy
from gcopt.training.protocol import Master
from gcopt.training.result import TrainingResult, drift
from gcopt.waiting import DEADLINE, WAITS

if TYPE_CHECKING:
    from gcopt.cluster import Cluster
    from gcopt.training.problems import Problem

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
PathLike = str | os.PathLike[str]

ENGINES = {"local": "gcopt.training.local:LocalEngine", "virtual": "gcopt.training.virtual:VirtualEngine"}
_PARTIAL_ENGINES = {
    "local": "gcopt.training.partial_local:PartialLocal",
    "virtual": "gcopt.training.partial_virtual:PartialVirtual",
}

_ADAM_STEP = 0.01


def train(
    code: GradientCode,
    problem: Problem,
    *,
    engine: str = "local",
    iterations: int = 100,
    cluster: Cluster | None = None,
    delays: bool = False,
    wait: str = "decodable",
    tolerate: float | None = None,
    deadline: float | None = None,
    debias: bool = False,
    probability: float | None = None,
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
        ``decodable``: step as soon as the answers decode, exactly or within ``tolerate``; ``count``: after the first
        n - s; ``deadline``: with whoever has answered by then; ``partial``: as soon as every partition has been
        processed, often enough, by somebody who need not be done with all of his (the code says who holds what, and its
        blocks how short messages are; see `gcopt.partial`).
    tolerate, deadline : float, optional
        The numbers of the rule: the largest decoding error relative to m k; seconds. See `gcopt.waiting.Waiting`. Under
        both the run goes on as long as somebody answers.
    debias : bool
        Divide what is decoded, segment by segment, by the multiple of the gradient that it is on average. That is
        estimated before the run from the stragglers to be expected: those of the cluster under the rule (on the virtual
        engine there always is one), else all orders of arrival alike; see `gcopt.training.debias.expected_factors`.
        Fixed coefficients that are unbiased stay as they are; bias that is not alike for all partitions is no factor,
        and remains. A resumed run keeps its factors.
    probability : float, optional
        For ``debias``: every worker straggles independently with this probability instead.
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
        Not with partial work: a set does not say how far everybody was.
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
    sets, blocks = _check_replay(replay, code, iterations, wait), code.blocks
    _check_rule(wait, tolerate, deadline, debias, probability)
    if wait == PARTIAL:
        code = assignment_of(code)
    _check_problem(problem, code)
    rule = _make_rule(problem, optimizer, step)
    fraction = 1.0 if batch is None else batch
    source = probability if probability is not None else "cluster" if cluster or engine == "virtual" else "uniform"
    identity = partial(_identity, code, problem, rule, fraction, [wait, tolerate, deadline, source] if debias else None)
    state = _make_state(problem, resume, identity, iterations, rng)
    policy = _make_policy(code, wait, tolerate, deadline, blocks, state.seed)
    job = Job(
        code=code,
        problem=problem,
        batches=Batches(problem.samples, code.partitions, fraction, state.seed),
        policy=policy,
        schedule=_make_schedule(policy, engine, cluster, delays, state.seed),
    )
    if debias and not state.factors:
        expected = job.schedule.cluster if job.schedule is not None else cluster
        state.factors = expected_factors(policy.waiting, expected, probability, state.seed)
    run = Run(
        job=job,
        engine=_make_engine(engine, job),
        # nobody hangs on a simulated clock
        master=_make_master(policy, Patience(floor=np.inf) if engine == "virtual" else patience),
        optimizer=rule,
        state=state,
        iterations=iterations,
        evaluate_every=evaluate_every,
        replay=sets,
        on_iteration=on_iteration,
        checkpoint=_check_place(checkpoint),
        every=every,
        identity=identity,
    )
    run.go()
    return _result(run, cluster, tolerate)


def _identity(
    code: GradientCode, problem: Problem, rule: Optimizer, fraction: float, debiasing: list[Any] | None
) -> dict[str, Any]:
    """Return what a checkpoint must agree on with the run that goes on from it."""
    settings = {key: value for key, value in rule.settings().items() if key != "rate"}
    return {
        "code": checkpoints.fingerprint_of_code(code),
        "problem": checkpoints.fingerprint_of_problem(problem),
        "optimizer": [rule.name, settings],
        "batch": fraction,
        "debiasing": debiasing,
    }


def _result(run: Run, cluster: Cluster | None, tolerate: float | None) -> TrainingResult:
    state, job = run.snapshot(), run.job
    responders = np.array(state.responders, dtype=bool)
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
        responders=responders,
        durations=state.durations,
        errors=(errors := np.array(state.errors).reshape(-1, len(job.code.segments))),
        estimate=estimate_of(job.code, errors, state.excess, state.factors),
        tolerate=tolerate,
        shares=job.code.shares,
        drift=drift(job.policy, cluster, state.durations, state.seed) if cluster is not None else None,
        workers=run.watch.table(responders),
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
    found = problem.gradient(problem.initial(), one, np.ones(1)).dtype
    if found != np.float64:
        problem.precision = max(problem.precision, float(np.finfo(found).eps))
        warnings.warn(
            f"the gradient of {problem.name!r} is {found}: workers that hold the same rows agree only to its rounding, "
            "which decoding amplifies; sum in float64 if you can",
            GcoptWarning,
            stacklevel=3,
        )
    check_additive(problem)


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


def _check_rule(
    wait: str, tolerate: float | None, deadline: float | None, debias: bool, probability: float | None
) -> None:
    """Refuse numbers that would be of no effect."""
    if wait not in (*WAITS, DEADLINE, PARTIAL):
        raise InputError(f"wait is {wait!r}; {', '.join(WAITS)}, {DEADLINE} or {PARTIAL} would work")
    if wait == PARTIAL and (tolerate is not None or deadline is not None or debias):
        raise InputError("wait is 'partial', which decodes exactly; it takes no tolerate, deadline or debias")
    if probability is not None and not debias:
        raise InputError("probability is given and debias is not; it is what debias expects, and of no use without it")


def _make_policy(
    code: GradientCode, wait: str, tolerate: float | None, deadline: float | None, blocks: int, seed: int
) -> Policy:
    if wait == PARTIAL:
        return PartialPolicy(code, PartialWork.of(code.support, blocks=blocks, rng=seed))
    return Policy(code, wait, tolerate=tolerate, deadline=deadline)


def _make_master(policy: Policy, patience: Patience | None) -> Master:
    return PartialMaster(policy, patience) if isinstance(policy, PartialPolicy) else Master(policy, patience)


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
    homes = _PARTIAL_ENGINES if job.policy.wait == PARTIAL else ENGINES
    if name not in homes:
        raise InputError(f"the {name} engine knows no partial work; {' or '.join(homes)} would work")
    module, attribute = homes[name].split(":")
    engine: Engine = getattr(importlib.import_module(module), attribute)(job)
    return engine


def _check_replay(replay: ArrayLike | None, code: GradientCode, iterations: int, wait: str) -> Bools | None:
    if replay is None:
        return None
    if wait == PARTIAL:
        raise InputError("replay is given and wait is 'partial'; sets can be replayed with decodable or count")
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
