"""Training with coded gradients: a run and its result."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gcopt.checks import check_count
from gcopt.code import GradientCode
from gcopt.solvers.seeding import RngLike
from gcopt.training import setup
from gcopt.training.batches import Batches
from gcopt.training.debias import estimate_of, expected_factors
from gcopt.training.engine import Job
from gcopt.training.loop import Progress, Run
from gcopt.training.optimizers import Optimizer
from gcopt.training.partial import PARTIAL, assignment_of
from gcopt.training.patience import Patience
from gcopt.training.result import TrainingResult, drift
from gcopt.training.traffic import Traffic

if TYPE_CHECKING:
    from gcopt.cluster import Cluster
    from gcopt.compression import Compressor
    from gcopt.training.problems import Problem

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
PathLike = str | os.PathLike[str]


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
    compress: Compressor | str | None = None,
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
    compress : Compressor or str, optional
        What is done to messages before they are sent, see `gcopt.compression`, instead of what the code says; ``none``
        for nothing. Random compression adds noise, which least-squares coefficients then weigh against the error
        (`gcopt.decoding.noise_aware`); fixed ones stay. Workers keep and resend what was lost where it says so
        (``feedback+sign``); the dither follows from the seed of the run. NaN or infinity in what is to be compressed
        ends the run.
    optimizer : str or Optimizer
        ``sgd``, ``momentum``, ``nesterov`` or ``adam``.
    step : float, optional
        Step size; by default 1 / L with L from ``problem.smoothness()``, and 0.01 for ``adam``. A
        perceptron has no L, so that it needs one of both.
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
    sets, blocks = setup.check_replay(replay, code, iterations, wait), code.blocks
    setup.check_rule(wait, tolerate, deadline, debias, probability)
    if compress is not None:
        code = code.compressed(compress)
    if wait == PARTIAL:
        code = assignment_of(code)
    setup.check_problem(problem, code)
    rule = setup.make_rule(problem, optimizer, step)
    fraction = 1.0 if batch is None else batch
    source = "uniform" if cluster is None and engine != "virtual" else "cluster"
    debiasing = [wait, tolerate, deadline, source if probability is None else probability] if debias else None
    identity = partial(setup.identity, code, problem, rule, fraction, debiasing)
    state = setup.make_state(problem, resume, identity, iterations, rng)
    policy = setup.make_policy(code, wait, tolerate, deadline, blocks, state.seed, problem.parameters)
    job = Job(
        code=code,
        problem=problem,
        batches=Batches(problem.samples, code.partitions, fraction, state.seed),
        policy=policy,
        schedule=setup.make_schedule(policy, engine, cluster, delays, state.seed),
    )
    if debias and not state.factors:
        expected = job.schedule.cluster if job.schedule is not None else cluster
        state.factors = expected_factors(policy.waiting, expected, probability, state.seed)
    run = Run(
        job=job,
        engine=setup.make_engine(engine, job),
        # nobody hangs on a simulated clock
        master=setup.make_master(policy, Patience(floor=np.inf) if engine == "virtual" else patience),
        optimizer=rule,
        state=state,
        iterations=iterations,
        evaluate_every=evaluate_every,
        replay=sets,
        on_iteration=on_iteration,
        checkpoint=setup.check_place(checkpoint),
        every=every,
        identity=identity,
    )
    run.go()
    return _result(run, cluster, tolerate)


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
        traffic=Traffic.of(job.policy, job.problem.parameters, run.watch.messages, state.iteration - run.begun),
        compressor=None if job.policy.packing is None else str(job.policy.packing.compressor),
        saturated=state.saturated,
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
