"""Diversity allocation as the command line runs it: a delay model or a cluster file in, an allocation out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gcopt.checks import check_count, check_finite
from gcopt.cluster import Cluster
from gcopt.delays import Delay
from gcopt.errors import InputError
from gcopt.solvers.diversity import Allocation, DiversityCompletion, DiversityRuntime
from gcopt.solvers.diversity.methods import PUBLISHED, Published
from gcopt.solvers.result import Status
from gcopt.solving import Solution, Solver

OURS = ("auto", "exact", "sample-average")


def diversity_runtime(
    workers: int | None = None,
    parameters: int | None = None,
    samples: int = 1,
    unit: float = 1.0,
    model: str | None = None,
    method: str = "auto",
    segments: int | None = None,
    load: int | None = None,
    within: float | None = None,
    relaxed: bool = False,
    cluster: str | None = None,
    wait: str = "count",
    alpha: float = 6.0,
    layers: int | None = None,
    iterations: int | None = None,
    draws: int | None = None,
    *,
    seconds: float | None,
    seed: int,
    **delay: Any,
) -> Solution:
    """How many coordinates should tolerate how many stragglers, so that an iteration is expected to be done soonest.

    Parameters
    ----------
    workers, parameters, samples, unit, model
        The cluster and the job; further settings are those of the delay model. Or ``cluster``: a cluster file.
    method : str
        ``auto``, ``exact``, ``sample-average``, or a published method.
    segments : int
        At most so many different diversities.
    load : int
        At most so many partitions per worker.
    within : float
        The least load with which the runtime is at most this share longer than with any; 0.01 is sensible.
    relaxed : bool
        Do not ask for whole coordinates.
    wait : str
        With ``cluster``: ``count`` or ``decodable``.
    alpha, layers, iterations, draws
        Of the published methods that have them.
    """
    _known(method)
    if cluster is not None:
        _refuse("cluster", workers=workers, parameters=parameters, model=model, within=within, draws=draws, **delay)
        return _on_cluster("runtime", cluster, None, wait, segments, load, method, seconds, seed)
    _without_cluster(wait, relaxed, draws)
    n, total, scale, law = _problem(workers, parameters, samples, unit, model, delay)
    if method in PUBLISHED:
        _refuse(f"method {method}", segments=segments, load=load, within=within)
        published = Published(
            method,
            law.distribution,
            n,
            total,
            alpha=alpha,
            layers=layers,
            iterations=iterations,
            draws=draws,
            shifted_exponential=_shifted(law),
        )
        found = published.solve(seed)
    else:
        solver = DiversityRuntime(method=method, segments=segments, integers=not relaxed, seconds=seconds)
        solver = replace(solver, rows=draws) if draws is not None else solver
        if within is not None:
            _refuse("within", load=load, segments=segments)
            found = solver.lightest(law.distribution, n, total, check_finite("within", within, 0.0), rng=seed)
        else:
            found = solver.solve(law.distribution, n, total, diversities=_diversities(n, load), rng=seed)
    return _solution("diversity-runtime", found.scaled(scale))


def diversity_completion(
    deadline: float,
    workers: int | None = None,
    parameters: int | None = None,
    samples: int = 1,
    unit: float = 1.0,
    model: str | None = None,
    method: str = "auto",
    load: int | None = None,
    relaxed: bool = False,
    cluster: str | None = None,
    wait: str = "count",
    alpha: float = 6.0,
    layers: int | None = None,
    iterations: int | None = None,
    draws: int | None = None,
    *,
    seconds: float | None,
    seed: int,
    **delay: Any,
) -> Solution:
    """How many coordinates should tolerate how many stragglers, so that an iteration most probably meets a deadline.

    Parameters are those of ``diversity-runtime``, and the deadline in seconds.
    """
    _known(method)
    limit = check_finite("deadline", deadline, 0.0, open_low=True)
    if cluster is not None:
        _refuse("cluster", workers=workers, parameters=parameters, model=model, draws=draws, **delay)
        return _on_cluster("completion", cluster, limit, wait, None, load, method, seconds, seed)
    _without_cluster(wait, relaxed, draws)
    n, total, scale, law = _problem(workers, parameters, samples, unit, model, delay)
    if method == "sample-average":
        raise InputError("method is 'sample-average'; for a delay model the probability is exact: auto would work")
    if method in PUBLISHED:
        _refuse(f"method {method}", load=load)
        published = Published(
            method,
            law.distribution,
            n,
            total,
            deadline=limit / scale,
            alpha=alpha,
            layers=layers,
            iterations=iterations,
            draws=draws,
            shifted_exponential=_shifted(law),
        )
        found = published.solve(seed)
    else:
        solver = DiversityCompletion(integers=not relaxed, seconds=seconds)
        found = solver.solve(law.distribution, n, total, limit / scale, diversities=_diversities(n, load), rng=seed)
    if found.status is Status.INFEASIBLE:
        least = total * scale * float(law.ppf(0.0))
        found = replace(found, note=f"{found.note}; deadlines above {least:.6g} seconds can be met")
    return _solution("diversity-completion", found)


def _known(method: str) -> None:
    if method not in (*OURS, *PUBLISHED):
        raise InputError(f"method is {method!r}; one of {', '.join((*OURS, *PUBLISHED))} would work")


def _without_cluster(wait: Any, relaxed: Any, draws: Any) -> None:
    if wait != "count":
        raise InputError(f"wait is {wait!r}; it goes with cluster=FILE.toml, of a delay model only count is known")
    if not isinstance(relaxed, bool):
        raise InputError(f"relaxed is {relaxed!r}; true or false would work")
    if draws is not None:
        check_count("draws", draws, 1)


def _problem(
    workers: Any, parameters: Any, samples: Any, unit: Any, model: Any, delay: dict[str, Any]
) -> tuple[int, int, float, Delay]:
    """Return workers, parameters, seconds per unit of the solver's runtime, and the delay model."""
    for name, value in (("workers", workers), ("parameters", parameters), ("model", model)):
        if value is None:
            raise InputError(f"{name} is missing; workers, parameters and model are needed, or cluster=FILE.toml")
    n = check_count("workers", workers, 1)
    total = check_count("parameters", parameters, 1)
    amount = check_count("samples", samples, 1) * check_finite("unit", unit, 0.0, open_low=True)
    return n, total, amount / n, Delay(model, delay)


def _shifted(law: Delay) -> tuple[float, float] | None:
    """Return rate and shift of a shifted exponential model."""
    if law.model not in ("shifted-exponential", "exponential"):
        return None
    return law.parameters["rate"], law.parameters.get("shift", 0.0)


def _diversities(workers: int, load: int | None) -> range | None:
    return None if load is None else range(check_count("load", load, 1, workers))


def _refuse(what: str, **settings: Any) -> None:
    for name, value in settings.items():
        if value is not None:
            raise InputError(f"{name} is {value!r} and cannot be combined with {what}; one of them would work")


def _on_cluster(
    objective: str,
    path: str,
    deadline: float | None,
    wait: str,
    segments: int | None,
    load: int | None,
    method: str,
    seconds: float | None,
    seed: int,
) -> Solution:
    from gcopt.allocating import allocate
    from gcopt.goal import Goal

    if method in PUBLISHED or method == "exact":
        raise InputError(f"method is {method!r}; on a cluster file sample-average is used")
    cluster = Cluster.load(path)
    goal = Goal(objective, deadline=deadline, wait=wait, seed=seed)
    found = allocate(cluster, goal, segments=segments, load=load, seconds=seconds)
    return _solution(f"diversity-{objective}", found)


def _solution(name: str, found: Allocation) -> Solution:
    used = np.flatnonzero(found.x)
    more = {
        "x": found.x.tolist(),
        "relaxed": found.relaxed.tolist(),
        "relaxed_value": found.relaxed_value,
        "stderr": found.stderr,
        "method": found.method,
        "segments": int(used.size),
        "note": found.note,
    }
    return Solution(name, found, more)


_SOURCE = "Wang, Cui, Li, Zou, Xiong 2022, arXiv 2206.02450, Problem"

RUNTIME = Solver("diversity-runtime", f"{_SOURCE} 1", diversity_runtime)
COMPLETION = Solver("diversity-completion", f"{_SOURCE} 2", diversity_completion)
