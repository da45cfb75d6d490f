"""The search for short messages as the command line runs it: sizes in, a code with its proofs out, beside others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

import gcopt
from gcopt.checks import check_count, check_flag, check_number
from gcopt.code import Claim, GradientCode, Segment
from gcopt.effort import Effort
from gcopt.errors import InputError
from gcopt.evaluate import evaluate
from gcopt.files import load as read
from gcopt.known_codes import known_codes
from gcopt.measuring import Measured
from gcopt.solvers.block_bounds import expected_loss, expected_missing
from gcopt.solvers.result import Status
from gcopt.solvers.short_messages import Question, ShortMessages, ShortMessagesResult
from gcopt.solving import Solution, Solver

MOST = 500
"""Workers, and partitions, up to which the search makes sense: every move decodes hundreds of sets anew."""

OBJECTIVES = ("mean", "worst")

_COEFFICIENTS = ("free", "signs")
_VERIFYING = 20.0  # seconds for what is reported
_ROUNDING = 1e-12  # of m k
_MET = 1e-9  # of the bound: so near it a value is proved

Floats = NDArray[np.float64]


def short_messages(
    workers: int,
    load: int,
    blocks: int,
    partitions: int | None = None,
    stragglers: int | None = None,
    objective: Any = "mean",
    probability: float | None = None,
    coefficients: str = "free",
    unbiased: bool = False,
    clusters: int | None = None,
    start: str | None = None,
    samples: int = 400,
    chains: int = 4,
    compare: bool = True,
    *,
    effort: Effort,
    seed: int,
) -> Solution:
    """Who should hold what, with which coefficients, so that stragglers do least harm to messages m times shorter.

    Parameters
    ----------
    workers, partitions : int
        n and k (n by default).
    load : int
        The most partitions on a worker.
    blocks : int
        m: a message is m times shorter than the gradient.
    stragglers : int
        s; needed unless ``probability`` is given and only the mean is wanted.
    objective : str or mapping
        ``mean`` or ``worst`` squared error over sets of s stragglers, or weights such as {"worst": 1, "mean": 100}.
    probability : float
        For the mean: workers straggle independently with this probability.
    coefficients : str
        ``free``, or ``signs``: 1 or -1, for each worker and block (construction I, searched).
    unbiased : bool
        Every responder counts the same, whoever responds, and the mean estimate is the gradient: exactly, for
        independent stragglers. Signs are searched, and coefficients are the dual frames of those of the holders.
    clusters : int
        Merge partitions into so many clusters that are always placed together; by default that is searched too.
    start : str
        File of a code to start from, beside all others.
    samples : int
        Sets of stragglers drawn where they are too many to look at all.
    chains : int
        Searches side by side.
    compare : bool
        Whether to say what published codes of this size reach.
    """
    about = {key: value for key, value in locals().items() if key != "effort"}
    question = _question(about)
    compare = check_flag("compare", compare)
    given = _given(question, seed)
    if start is not None:
        given.insert(0, _start(start, question))
    kept = effort.kept({"solver": "short-messages", **about}, start)
    solver = ShortMessages(effort.search(check_count("chains", chains, 1)))
    found = solver.solve(question, given=given, rng=seed, chains=kept.chains, tell=effort.tell, keep=kept.write)
    judged = _judged(question, found)
    if not compare or question.unbiased:
        return judged
    from gcopt.solvers.short_messages.comparison import compared

    placements = [one for one in given if one[1].shape[1] == question.partitions]
    return replace(judged, more={**judged.more, "compared": compared(question, placements, seed)})


def _question(about: dict[str, Any]) -> Question:
    """Return the question that the settings ask; refuse impossible ones."""
    n = check_count("workers", about["workers"], 2, MOST)
    k = n if about["partitions"] is None else check_count("partitions", about["partitions"], 1, MOST)
    objective, q, unbiased = about["objective"], about["probability"], check_flag("unbiased", about["unbiased"])
    weights = {objective: 1.0} if isinstance(objective, str) else objective
    if not isinstance(weights, dict) or not set(weights) <= set(OBJECTIVES):
        raise InputError(f"objective is {objective!r}; one of {', '.join(OBJECTIVES)}, or weights of them, would work")
    counts = {name: check_number(f"objective {name}", weights.get(name, 0.0), 0.0, inf) for name in OBJECTIVES}
    if about["stragglers"] is None and (q is None or counts["worst"]):
        raise InputError("stragglers is missing; their number, or for the mean a probability, is needed")
    if about["coefficients"] not in _COEFFICIENTS:
        raise InputError(f"coefficients is {about['coefficients']!r}; one of {', '.join(_COEFFICIENTS)} would work")
    if about["start"] is not None and not isinstance(about["start"], str):
        raise InputError(f"start is {about['start']!r}; the name of a file is needed")
    return Question(
        n,
        k,
        check_count("load", about["load"], 1, k, f" (at most the {k} partitions)"),
        check_count("blocks", about["blocks"], 1, n, f" (at most the {n} workers)"),
        check_count("stragglers", about["stragglers"] or 0, 0, n - 1, f" (fewer than the {n} workers)"),
        **counts,
        probability=None if q is None else check_number("probability", q, 0.0, 1.0),
        clusters=None if about["clusters"] is None else check_count("clusters", about["clusters"], 1, k),
        signs=unbiased or about["coefficients"] == "signs",
        unbiased=unbiased,
        samples=check_count("samples", about["samples"], 2),
    )


def _given(question: Question, seed: int) -> list[tuple[str, Floats]]:
    """Return the placement of every family that exists with these sizes and this load."""
    n, k = question.workers, question.partitions
    copies = question.load * n // k
    found = []
    for name, code in known_codes(n, copies, question.stragglers, seed):
        if len(code.segments) == 1 and code.partitions == k and code.load <= question.load:
            found.append((name, code.support.toarray().astype(np.float64)))
    return found


def _start(path: str, question: Question) -> tuple[str, Floats]:
    code = read(path)
    sizes = (code.workers, code.partitions, len(code.segments), code.blocks)
    if sizes != (question.workers, question.partitions, 1, question.blocks) or code.dtype.kind == "c":
        raise InputError(
            f"start {path} has {code.workers} workers, {code.partitions} partitions and {code.blocks} blocks; a real "
            f"code of {question.workers}, {question.partitions} and {question.blocks}, in one segment, is needed"
        )
    if code.load > question.load:
        raise InputError(f"start {path} has a load of {code.load}; at most {question.load} would work")
    return path, np.asarray(code.segments[0].encoding.toarray())


def _judged(question: Question, found: ShortMessagesResult) -> Solution:
    """Return what was found, measured again by the verifier."""
    segment = Segment(
        sparse.csr_array(found.encoding),
        question.blocks,
        stragglers=question.stragglers,
        decoder="sum" if question.unbiased else "least-squares",
        approximate=True,
    )
    measured = Measured(GradientCode((segment,)), found.seed or 0, 10 * question.samples, _VERIFYING)
    parts: dict[str, _Part] = {}
    if question.worst:
        parts["worst"] = _worst(question, found, measured)
    if question.mean:
        parts["mean"] = _mean(question, measured)
    claims = (
        *(claim for part in parts.values() for claim in part.claims),
        Claim("load", float(segment.load.max()), "the assignment"),
        Claim("replication", float(segment.replication.min()), "the assignment"),
    )
    sizes = {name: getattr(question, name) for name in ("workers", "partitions", "load", "blocks", "stragglers")}
    code = GradientCode((segment,), claims, "short-messages", sizes, found.seed, gcopt.__version__)
    value, bound = sum(getattr(question, name) * part.value for name, part in parts.items()), found.bound or 0.0
    if abs(value - bound) <= _ROUNDING * question.blocks * question.partitions * (question.worst + question.mean):
        value = bound  # the difference is rounding
    exact = all(part.exact for part in parts.values())
    proved = exact and value <= bound + _MET * max(1.0, bound)
    result = replace(found, value=value, status=Status.OPTIMAL if proved else Status.FEASIBLE)
    more = {
        **{name: part.shown for name, part in parts.items()},
        "load": int(segment.load.max()),
        "replication": [int(segment.replication.min()), int(segment.replication.max())],
        "clusters": len(found.sizes),
        "start": found.start,
        "sampled": question.drawn,
        "chain": found.chain,
        "moves": list(found.moves),
        "stopped": found.stopped,
    }
    return Solution("short-messages", result, more, code)


@dataclass(frozen=True)
class _Part:
    """A term of the objective, measured."""

    value: float
    exact: bool
    shown: Any
    claims: tuple[Claim, ...] = ()


def _worst(question: Question, found: ShortMessagesResult, measured: Measured) -> _Part:
    """The worst case; where not every set could be looked at, those that the search met may be the worst known."""
    worst = measured.worst("error", 0, question.stragglers)
    segment = measured.code.segments[0]
    lower = max([worst.lower, *(evaluate(segment, lost).error for lost in found.bad if not worst.exact)])
    upper = lower if worst.exact else worst.upper
    claims = () if upper is None else (Claim("error", upper, worst.method, stragglers=question.stragglers),)
    shown = {"lower": lower, "upper": upper, "method": worst.method, "bound": question.worst_bound()}
    return _Part(lower, worst.exact, shown, claims)


def _mean(question: Question, measured: Measured) -> _Part:
    """The mean; drawn sets may miss what is rare, and what the replication alone costs is then the better estimate."""
    n, m, s, q, bound = (
        question.workers,
        question.blocks,
        question.stragglers,
        question.probability,
        question.mean_bound(),
    )
    mean, copies = measured.mean(0, s, q), measured.code.segments[0].replication.tolist()
    rare = sum(expected_loss(n, g, m, s) if q is None else expected_missing(g, m, q) for g in copies)
    value = mean.value if mean.exact else max(mean.value, rare)
    about: dict[str, Any] = {"stragglers": question.stragglers} if q is None else {"probability": q}
    source = "computed: signs and dual frames" if question.unbiased else "computed: all sets of stragglers"
    claims = (Claim("mean", mean.value, source, **about),) if mean.exact else ()
    if question.unbiased:
        claims = (Claim("unbiased", 0.0, source, **about), *claims)
    shown = {"value": mean.value, "stderr": mean.stderr, "exact": mean.exact, "at least": rare, "bound": bound}
    return _Part(value, mean.exact, shown, claims)


SHORT_MESSAGES = Solver(
    "short-messages",
    "the search is ours; Munim & Ramamoorthy 2026, constructions I and II and Claim 1; Kadhe et al. 2020",
    short_messages,
)
