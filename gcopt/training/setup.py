"""From what the user says to the parts of a run: checks, and who makes what."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gcopt.checks import check_finite
from gcopt.code import GradientCode
from gcopt.compression.messages import noise_of
from gcopt.errors import GcoptWarning, InputError
from gcopt.partial import PartialWork
from gcopt.solvers.seeding import RngLike, seed_of
from gcopt.training import checkpoint as checkpoints
from gcopt.training.checkpoint import State
from gcopt.training.engine import Engine, Job
from gcopt.training.optimizers import Optimizer, make_optimizer
from gcopt.training.packing import packing_of
from gcopt.training.partial import PARTIAL, PartialMaster, PartialPolicy
from gcopt.training.patience import Patience
from gcopt.training.policy import Policy
from gcopt.training.protocol import Master
from gcopt.waiting import DEADLINE, WAITS

if TYPE_CHECKING:
    from gcopt.cluster import Cluster
    from gcopt.training.problems import Problem
    from gcopt.training.schedule import Schedule

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
PathLike = str | os.PathLike[str]

ENGINES = {"local": "gcopt.training.local:LocalEngine", "virtual": "gcopt.training.virtual:VirtualEngine"}
_PARTIAL_ENGINES = {
    "local": "gcopt.training.partial_local:PartialLocal",
    "virtual": "gcopt.training.partial_virtual:PartialVirtual",
}

_ADAM_STEP = 0.01


def identity(
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


def check_problem(problem: Problem, code: GradientCode) -> None:
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


def make_rule(problem: Problem, optimizer: str | Optimizer, step: float | None) -> Optimizer:
    """Return the optimiser, a fresh one."""
    if isinstance(optimizer, Optimizer):
        if step is not None:
            raise InputError("step is given and the optimizer is an object, which has its own; give one of them")
        return copy.deepcopy(optimizer)
    if step is None:
        step = _ADAM_STEP if optimizer == "adam" else 1.0 / problem.smoothness()
    return make_optimizer(optimizer, check_finite("step", step, 0.0, open_low=True))


def make_state(
    problem: Problem,
    resume: PathLike | None,
    identity: Callable[[], dict[str, Any]],
    iterations: int,
    rng: RngLike,
) -> State:
    """Return where the run begins: at the problem's initial parameters or at a checkpoint."""
    if resume is None:
        return State(parameters=np.array(problem.initial(), dtype=np.float64), seed=seed_of(rng))
    state = checkpoints.load(resume, identity())
    if state.iteration > iterations:
        raise InputError(
            f"{resume}: the checkpoint is at {state.iteration} steps and iterations is {iterations}; more would work"
        )
    return state


def check_rule(
    wait: str, tolerate: float | None, deadline: float | None, debias: bool, probability: float | None
) -> None:
    """Refuse numbers that would be of no effect."""
    if wait not in (*WAITS, DEADLINE, PARTIAL):
        raise InputError(f"wait is {wait!r}; {', '.join(WAITS)}, {DEADLINE} or {PARTIAL} would work")
    if wait == PARTIAL and (tolerate is not None or deadline is not None or debias):
        raise InputError("wait is 'partial', which decodes exactly; it takes no tolerate, deadline or debias")
    if probability is not None and not debias:
        raise InputError("probability is given and debias is not; it is what debias expects, and of no use without it")


def make_policy(
    code: GradientCode, wait: str, tolerate: float | None, deadline: float | None, blocks: int, seed: int, d: int
) -> Policy:
    """Return how the code is run on gradients of length d."""
    packing = packing_of(code, seed)
    if wait != PARTIAL:
        return Policy(code, wait, tolerate=tolerate, deadline=deadline, packing=packing, noise=noise_of(code, d))
    if packing is not None:
        raise InputError(f"wait is 'partial' and messages are compressed by {packing.compressor}; none would work")
    return PartialPolicy(code, PartialWork.of(code.support, blocks=blocks, rng=seed))


def make_master(policy: Policy, patience: Patience | None) -> Master:
    """Return the state machine that goes with a policy."""
    return PartialMaster(policy, patience) if isinstance(policy, PartialPolicy) else Master(policy, patience)


def make_schedule(policy: Policy, engine: str, cluster: Cluster | None, delays: bool, seed: int) -> Schedule | None:
    """Return when messages arrive, where that is simulated."""
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


def make_engine(name: str, job: Job) -> Engine:
    """Return an engine by its name."""
    import importlib

    if name not in ENGINES:
        raise InputError(f"no engine is called {name!r}; there are: {', '.join(sorted(ENGINES))}")
    homes = _PARTIAL_ENGINES if job.policy.wait == PARTIAL else ENGINES
    if name not in homes:
        raise InputError(f"the {name} engine knows no partial work; {' or '.join(homes)} would work")
    module, attribute = homes[name].split(":")
    engine: Engine = getattr(importlib.import_module(module), attribute)(job)
    return engine


def check_replay(replay: ArrayLike | None, code: GradientCode, iterations: int, wait: str) -> Bools | None:
    """Return the sets to be replayed, or say which shape they should have."""
    if replay is None:
        return None
    if wait == PARTIAL:
        raise InputError("replay is given and wait is 'partial'; sets can be replayed with decodable or count")
    sets = np.asarray(replay, dtype=bool)
    shape = (len(code.segments), code.workers)
    if sets.ndim != 3 or sets.shape[1:] != shape or len(sets) < iterations:
        raise InputError(f"replay has shape {sets.shape}; ({iterations}, {shape[0]}, {shape[1]}) is expected")
    return sets


def check_place(checkpoint: PathLike | None) -> Path | None:
    """Find out now, not after hours, that a checkpoint cannot be written."""
    if checkpoint is None:
        return None
    place = Path(checkpoint)
    if not place.parent.is_dir() or not os.access(place.parent, os.W_OK):
        raise InputError(f"checkpoint is {str(checkpoint)!r}; a file in an existing folder you may write is needed")
    return place
