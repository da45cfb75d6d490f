"""The search for assignments as the command line runs it: sizes, loads or a cluster in, a code with its proofs out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, inf
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

import gcopt
from gcopt.averages import check_probability
from gcopt.checks import check_count, check_number
from gcopt.cluster import Cluster
from gcopt.code import Claim, GradientCode, Segment
from gcopt.effort import Effort
from gcopt.errors import InfeasibleError, InputError
from gcopt.evaluate import evaluate
from gcopt.files import load as read
from gcopt.known_codes import known_codes
from gcopt.measuring import Measured
from gcopt.solvers.assignment import Assignment, AssignmentResult, Question, Rounds, Weights
from gcopt.solvers.assignment.starts import Start
from gcopt.solvers.result import Status
from gcopt.solvers.seeding import generator
from gcopt.solving import Solution, Solver

MOST = 2000
"""Workers, and partitions, up to which the search makes sense: every move changes matrices of their size."""

OBJECTIVES = ("worst", "mean", "spectral", "time")

_COEFFICIENTS = ("tuned", "equal")
_ROUNDS = 1000
_VERIFYING = 20.0  # seconds for what is reported
_SIMULATED, _COMPARED = 20_000, 5_000
_ROUNDING = 1e-12  # of k
_MET = 1e-9  # of the bound: so near it a value is proved

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def assignment(
    workers: int | None = None,
    partitions: int | None = None,
    load: Any = None,
    replication: int | None = None,
    stragglers: int = 1,
    objective: Any = "worst",
    probability: Any = None,
    coefficients: str = "tuned",
    clusters: int | None = None,
    start: str | None = None,
    cluster: str | None = None,
    tolerate: float | None = None,
    samples: int = 500,
    chains: int = 4,
    *,
    effort: Effort,
    seed: int,
) -> Solution:
    """Who should hold what, and with which coefficients, so that stragglers do least harm.

    Parameters
    ----------
    workers, partitions : int
        n and k (n by default).
    load : int or list of int
        The most partitions on every worker, or on each (memory limits); or ``replication`` says it for all.
    replication : int
        Every partition on exactly so many workers; by default that is free.
    stragglers : int
        s.
    objective : str or mapping
        ``worst`` (largest squared error over sets of s stragglers), ``mean``, ``spectral`` (square of the second
        singular value, over that of the first), ``time`` (expected seconds on ``cluster`` until the error is at most
        ``tolerate``), or weights such as {"worst": 1, "mean": 10}, whose weighted sum is minimised.
    probability : float or list of float
        For the mean: workers straggle independently, with one probability or each with its own.
    coefficients : str
        ``tuned`` (searched too) or ``equal`` (every copy counts the same).
    clusters : int
        Merge partitions into so many clusters that are always placed together; by default that is searched too.
    start : str
        File of a code to start from, beside all others.
    cluster : str
        A cluster file: its number of workers and, for ``time``, how long they take.
    tolerate : float
        For ``time``: relative squared error, from 0 to 1, at which the master stops waiting.
    samples : int
        Sets of stragglers drawn where they are too many to look at all.
    chains : int
        Searches side by side.
    """
    about = {key: value for key, value in locals().items() if key != "effort"}
    for name, file in (("start", start), ("cluster", cluster)):
        if file is not None and not isinstance(file, str):
            raise InputError(f"{name} is {file!r}; the name of a file is needed")
    model = None if cluster is None else Cluster.load(cluster)
    n = _workers(workers, model)
    k = n if partitions is None else check_count("partitions", partitions, 1, MOST)
    s = check_count("stragglers", stragglers, 0, n - 1, f" (fewer than the {n} workers)")
    weights = _weights(objective)
    if coefficients not in _COEFFICIENTS:
        raise InputError(f"coefficients is {coefficients!r}; one of {', '.join(_COEFFICIENTS)} would work")
    copies = None if replication is None else check_count("replication", replication, 1, n)
    question = Question(
        _caps(load, copies, n, k),
        k,
        s,
        weights,
        probability=check_probability(probability, n),
        replication=copies,
        clusters=None if clusters is None else check_count("clusters", clusters, 1, k),
        tuned=coefficients == "tuned",
        rounds=_rounds(weights, model, tolerate, k, seed),
        samples=check_count("samples", samples, 2),
    )
    given = _given(question, start, seed)
    kept = effort.kept({"solver": "assignment", **about}, start, cluster)
    solver = Assignment(effort.search(check_count("chains", chains, 1)))
    found = solver.solve(question, given=given, rng=seed, chains=kept.chains, tell=effort.tell, keep=kept.write)
    if model is not None and question.rounds is not None:
        found = _soonest(question, found, model, tolerate)
    return _judged(question, found, model, tolerate)


def _workers(workers: Any, model: Cluster | None) -> int:
    if workers is None and model is None:
        raise InputError("workers is missing; a number, or cluster=FILE.toml, is needed")
    n = check_count("workers", model.workers if workers is None and model else workers, 2, MOST)
    if model is not None and n != model.workers:
        raise InputError(f"workers is {n} and the cluster has {model.workers}; leave workers out")
    return n


def _weights(objective: Any) -> Weights:
    """Return the weights of an objective: a word, or a mapping of words to numbers."""
    given = {objective: 1.0} if isinstance(objective, str) else objective
    if not isinstance(given, dict) or not set(given) <= set(OBJECTIVES):
        raise InputError(f"objective is {objective!r}; one of {', '.join(OBJECTIVES)}, or weights of them, would work")
    return Weights(**{name: check_number(f"objective {name}", value, 0.0, inf) for name, value in given.items()})


def _caps(load: Any, replication: int | None, n: int, k: int) -> Ints:
    """Return the most that each worker holds, shape (n,)."""
    if load is None:
        if replication is None:
            raise InputError("load is missing; the most partitions on a worker (or on each), or replication, is needed")
        each, more = divmod(k * replication, n)
        if more:
            nearest = [r for r in range(1, n + 1) if k * r % n == 0]
            near = min(nearest, key=lambda r: abs(r - replication))
            raise InfeasibleError(
                f"replication is {replication}: {k * replication} copies do not spread evenly over {n} workers; "
                f"replication={near} would, or load={each + 1} for the largest"
            )
        return np.full(n, each, dtype=np.int64)
    if isinstance(load, (list, tuple)):
        if len(load) != n:
            raise InputError(f"load has {len(load)} entries; {n} are needed, one per worker")
        caps = [check_count(f"load[{j}]", value, 1, k) for j, value in enumerate(load)]
    else:
        caps = [check_count("load", load, 1, k, f" (at most the {k} partitions)")] * n
    if sum(caps) < k:
        raise InfeasibleError(
            f"load is {load}: {n} workers hold at most {sum(caps)} partitions and there are {k}; load={ceil(k / n)} "
            "would do"
        )
    return np.array(caps, dtype=np.int64)


def _rounds(weights: Weights, model: Cluster | None, tolerate: Any, k: int, seed: int) -> Rounds | None:
    """Return drawn iterations of the cluster."""
    if not weights.time:
        if tolerate is not None:
            raise InputError("tolerate is given and the time is not wanted; objective=time goes with it")
        return None
    if model is None:
        raise InputError("cluster is missing; the objective time needs cluster=FILE.toml")
    share = check_number("tolerate", 0.0 if tolerate is None else tolerate, 0.0, 1.0)
    times = model.sample(_ROUNDS, generator(seed, 7))
    job, network = model.job, model.network
    message = network.latency + 8 * job.parameters * (1 / network.bandwidth)
    pace = times.compute * (job.unit * job.samples * job.parameters / k)
    overhead = times.overhead + times.stall + message + times.transfer
    # a round that nobody answers in full costs a restart after the last that did answer
    latest = float(np.where(np.isfinite(overhead), overhead + pace * k, 0.0).max())
    return Rounds(overhead, np.array(pace), share, latest + model.failures.restart)


def _given(question: Question, start: str | None, seed: int) -> list[tuple[str, Floats]]:
    """Return codes to start from: a file, and every family whose load fits, its partitions cut into k."""
    n, k = question.workers, question.partitions
    given = []
    if start is not None:
        code = read(start)
        if (code.workers, code.partitions, len(code.segments), code.blocks) != (n, k, 1, 1) or code.dtype.kind == "c":
            raise InputError(
                f"start {start} has {code.workers} workers and {code.partitions} partitions; a real code of {n} and "
                f"{k}, one segment and block, is needed"
            )
        given.append((start, code.segments[0].encoding.toarray()))
        if not Start.of_code(*given[0]).fits(question):
            raise InputError(f"start {start} does not keep to load, replication or coefficients; change these")
    copies = int(question.caps.min()) * n // k if question.replication is None else question.replication
    fewest = copies if question.rounds is None else 1  # where the time counts, less may be more
    for replication in range(fewest, copies + 1) if question.clusters is None else ():
        for name, code in known_codes(n, replication, question.stragglers, seed) if replication else ():
            segment = code.segments[0]
            times, rest = divmod(k, code.partitions)
            if len(code.segments) == 1 and not rest and segment.encoding.dtype.kind == "f" and not segment.is_linear:
                given.append((name, np.repeat(segment.encoding.toarray(), times, axis=1)))
    return given


def _soonest(question: Question, found: AssignmentResult, model: Cluster, tolerate: float | None) -> AssignmentResult:
    """Return the best of what the chains found and where they began, on rounds that none of them has seen."""
    every = (found, *(replace(found, encoding=o.encoding, sizes=o.sizes, start=o.name) for o in found.others))

    def seconds(one: AssignmentResult) -> float:
        code = _code(question, one)
        return gcopt.simulate(code, model, iterations=_COMPARED, tolerate=tolerate or 0.0, rng=found.seed).mean

    return min(every, key=seconds)


def _code(question: Question, found: AssignmentResult) -> GradientCode:
    segment = Segment(sparse.csr_array(found.encoding), stragglers=question.stragglers, approximate=True)
    return GradientCode((segment,))


def _judged(question: Question, found: AssignmentResult, model: Cluster | None, tolerate: float | None) -> Solution:
    """Return what was found, measured again by the verifier."""
    code, weights = _code(question, found), question.weights
    segment = code.segments[0]
    measured = Measured(code, found.seed or 0, 10 * question.samples, _VERIFYING)
    parts: dict[str, _Part] = {}
    if weights.worst:
        parts["worst"] = _worst(question, found, measured)
    if weights.mean:
        parts["mean"] = _mean(question, measured)
    if weights.spectral:
        parts["spectral"] = _spectral(found)
    if weights.time and model is not None:
        parts["time"] = _time(found, code, model, tolerate or 0.0)
    sizes = {"workers": question.workers, "partitions": question.partitions, "stragglers": question.stragglers}
    claims = (
        *(claim for part in parts.values() for claim in part.claims),
        Claim("load", float(segment.load.max()), "the assignment"),
        Claim("replication", float(segment.replication.min()), "the assignment"),
    )
    code = GradientCode((segment,), claims, "assignment", sizes, found.seed, gcopt.__version__)
    return Solution("assignment", _result(question, found, parts), _shown(question, found, segment, parts), code)


def _result(question: Question, found: AssignmentResult, parts: dict[str, _Part]) -> AssignmentResult:
    value, bound = sum(getattr(question.weights, name) * part.value for name, part in parts.items()), found.bound or 0.0
    sure = all(part.exact for part in parts.values())
    if not sure and not question.weights.time:  # an estimate may be too low, and what is proved tells by how much
        value = max(value, bound)
    if abs(value - bound) <= _ROUNDING * question.partitions * question.weights.array.sum():
        value = bound  # the difference is rounding
    proved = sure and value <= bound + _MET * max(1.0, bound)
    return replace(found, value=value, status=Status.OPTIMAL if proved else Status.FEASIBLE)


def _shown(question: Question, found: AssignmentResult, segment: Segment, parts: dict[str, _Part]) -> dict[str, Any]:
    return {
        **{name: part.shown for name, part in parts.items()},
        "load": int(segment.load.max()),
        "replication": [int(segment.replication.min()), int(segment.replication.max())],
        "clusters": len(found.sizes),
        "start": found.start,
        "sampled": question.sampled,
        "chain": found.chain,
        "moves": list(found.moves),
        "stopped": found.stopped,
    }


@dataclass(frozen=True)
class _Part:
    """A term of the objective, measured."""

    value: float
    exact: bool
    shown: Any
    claims: tuple[Claim, ...] = ()


def _worst(question: Question, found: AssignmentResult, measured: Measured) -> _Part:
    """The worst case; where not every set could be looked at, those that the search met may be the worst known."""
    worst = measured.worst("error", 0, question.stragglers)
    segment = measured.code.segments[0]
    lower = max([worst.lower, *(evaluate(segment, lost).error for lost in found.bad if not worst.exact)])
    upper = lower if worst.exact else worst.upper
    claims = () if upper is None else (Claim("error", upper, worst.method, stragglers=question.stragglers),)
    return _Part(lower, worst.exact, {"lower": lower, "upper": upper, "method": worst.method}, claims)


def _mean(question: Question, measured: Measured) -> _Part:
    """The mean; drawn sets may miss what is rare, and what no code can be better than is then the better estimate."""
    q = None if question.probability is None else tuple(question.probability.tolist())
    mean, bound = measured.mean(0, question.stragglers, q), question.mean_bound()
    value = mean.value if mean.exact else max(mean.value, bound)
    about: dict[str, Any] = {"stragglers": question.stragglers} if q is None else {"probability": q}
    claims = (Claim("mean", mean.value, "computed: all sets of stragglers", **about),) if mean.exact else ()
    shown = {"value": mean.value, "stderr": mean.stderr, "exact": mean.exact, "bound": bound}
    return _Part(value, mean.exact, shown, claims)


def _spectral(found: AssignmentResult) -> _Part:
    first, second = np.append(np.linalg.svd(found.encoding, compute_uv=False), 0.0)[:2]
    return _Part(float(second / first) ** 2, True, float(second / first) ** 2)


def _time(found: AssignmentResult, code: GradientCode, model: Cluster, tolerate: float) -> _Part:
    run = gcopt.simulate(code, model, iterations=_SIMULATED, tolerate=tolerate, rng=generator(found.seed or 0, 8))
    return _Part(run.mean, False, {"value": run.mean, "stderr": run.stderr})


ASSIGNMENT = Solver("assignment", "the search is ours; bounds: Munim & Ramamoorthy 2026, Claim 1", assignment)
