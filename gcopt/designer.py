"""The search over families for a cluster: which code is best for a goal, what it gains, whether coding pays.

Every family says which parameters are worth a try on a cluster. All candidates are measured on the same random draws;
the few best, the lightest of those that may be as good, and the uncoded baseline are measured again on many fresh
draws, exactly where a formula covers them. Differences within the noise are decided for the code that does less work,
and between codes of about equal work for the one with fewer segments, which sends fewer messages.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gcopt.candidates import candidates, references
from gcopt.cluster import Cluster
from gcopt.code import GradientCode
from gcopt.console import seconds_text
from gcopt.design_result import Choice, Design, work
from gcopt.errors import InfeasibleError, InputError
from gcopt.families import FAMILIES
from gcopt.goal import Goal
from gcopt.learning import Learning
from gcopt.objectives import Measured, Tell, bound, measure, rank
from gcopt.solvers.result import Status
from gcopt.solvers.seeding import RngLike, seed_of

__all__ = ["Choice", "Design", "compare", "design"]

_FINALISTS = 6
_LIGHTEST = 3
_FIRST_LOOK = 2_000
_ENTRIES = 20_000_000
_HARDLY = 0.005  # a gain this small does not pay for more work
_STORED = 0.01  # what storing twice the data has to gain to be worth it
_EQUAL = 1e-3  # a value this near its bound is optimal
_ABOUT = 1.1  # so much more work is paid for by fewer segments
_LOOK, _FINAL, _BOUND = 1, 2, 3  # streams of draws


def design(
    cluster: Cluster,
    *,
    family: str | None = None,
    settings: Mapping[str, Any] | None = None,
    objective: str = "runtime",
    deadline: float | None = None,
    wait: str = "decodable",
    learning: Learning | None = None,
    iterations: int = 40_000,
    rng: RngLike = 0,
    tell: Tell | None = None,
) -> Design:
    """Find the code whose iterations are fastest on a cluster, or are done most often by a deadline.

    Parameters
    ----------
    cluster : Cluster
    family : str, optional
        Search this family only.
    settings : mapping, optional
        Parameters that candidates must have, such as ``{"stragglers": 2}``.
    objective : str
        ``runtime``: least expected seconds per iteration; ``completion``: largest probability that an iteration is
        done by the deadline; ``accuracy``, ``bytes``: fewest expected seconds, or bytes used by the master, until a
        target is reached, as `gcopt.learning.Learning` models it.
    deadline : float, optional
        Seconds since the start of the iteration; for ``completion``.
    wait : str
        When the master stops waiting: ``decodable`` or ``count``.
    learning : Learning, optional
        Target and difficulty, for ``accuracy`` and ``bytes``.
    iterations : int
        Draws with which the finalists are compared.
    rng : None, int, Generator or SeedSequence
    tell : callable, optional
        Called with (candidates done, candidates in all, best so far).

    Returns
    -------
    Design

    Raises
    ------
    InputError
        If an argument is impossible.
    InfeasibleError
        If no candidate fits the settings and can be decoded, or none ever completes an iteration or meets the deadline.

    Examples
    --------
    >>> import gcopt
    >>> text = '[cluster]\\nworkers = 6\\n[cluster.compute]\\nmodel = "deterministic"\\nvalue = 1.0'
    >>> print(design(gcopt.Cluster.loads(text)).advice)
    Do not code: no code that was tried makes an iteration faster than equal shares without redundancy.
    """
    begin = time.perf_counter()
    goal = Goal(objective, deadline, wait, seed_of(rng), learning)
    iterations = _affordable(iterations, cluster)
    settings = settings or {}
    codes = list(candidates(cluster, goal, family=family, settings=settings))
    if not codes:
        raise InfeasibleError(_nothing_fits(family, settings))
    looked = measure(codes, cluster, goal, _FIRST_LOOK, _LOOK, tell)
    order = _ranked(goal, looked)
    finalists = _finalists(codes, looked, order, goal)
    kept, uncoded = _finals([codes[i] for i in finalists], cluster, goal, iterations)
    chosen = _decided(kept, goal)
    best = chosen if "draws" in settings else replace(chosen, code=_polished(chosen.code))
    others = [_choice(codes[i], looked[i], goal, uncoded) for i in order if i not in finalists]
    single = next((choice for choice in kept if len(choice.code.segments) == 1), None)
    if len(best.code.segments) == 1:
        single = None
    elif single is None:
        single = _reference(cluster, goal, iterations, uncoded, settings.get("partitions"))
    limit = bound(cluster, goal, iterations, _BOUND)
    limit = None if limit is None else min(limit, best.value, key=goal.loss)
    least = min(best.value, goal.loss(best.value))  # with a deadline the rarer of hits and misses
    proved = limit is not None and abs(best.value - limit) <= _EQUAL * least
    return Design(
        best=best,
        alternatives=(best, *(choice for choice in kept if choice is not chosen), *others),
        best_single=single,
        uncoded=uncoded,
        bound=limit,
        status=Status.OPTIMAL if proved else Status.FEASIBLE,
        goal=goal,
        seconds=time.perf_counter() - begin,
    )


def compare(
    cluster: Cluster,
    *,
    objective: str = "runtime",
    deadline: float | None = None,
    wait: str = "decodable",
    learning: Learning | None = None,
    iterations: int = 40_000,
    rng: RngLike = 0,
    tell: Tell | None = None,
) -> list[Choice]:
    """Return the best code of every family on a cluster, best family first.

    Parameters are those of `design`.

    Examples
    --------
    >>> import gcopt
    >>> text = '[cluster]\\nworkers = 6\\n[cluster.compute]\\nmodel = "exponential"\\nrate = 1.0'
    >>> compare(gcopt.Cluster.loads(text))[0].code.load
    6
    """
    goal = Goal(objective, deadline, wait, seed_of(rng), learning)
    iterations = _affordable(iterations, cluster)
    codes = list(candidates(cluster, goal))
    looked = measure(codes, cluster, goal, _FIRST_LOOK, _LOOK, tell)
    best: dict[str, GradientCode] = {}
    for i in _ranked(goal, looked):
        best.setdefault(codes[i].family, codes[i])
    return _finals(list(best.values()), cluster, goal, iterations)[0]


def _affordable(iterations: int, cluster: Cluster) -> int:
    """Return the number of draws, fewer for many workers."""
    if iterations < 100:
        raise InputError(f"iterations is {iterations}; at least 100 are needed to compare codes")
    return min(iterations, max(_FIRST_LOOK, _ENTRIES // cluster.workers))


def _nothing_fits(family: str | None, settings: Mapping[str, Any]) -> str:
    wanted = ", ".join(f"{key}={value}" for key, value in settings.items()) or "this cluster"
    return (
        f"no candidate of {family or 'any family'} fits {wanted} and can be decoded in floating point; leave out a "
        "setting, or use build"
    )


def _ranked(goal: Goal, looked: Sequence[Measured]) -> list[int]:
    """Return the indices, best first."""
    return sorted(range(len(looked)), key=lambda i: rank(goal, looked[i]))


def _finalists(codes: list[GradientCode], looked: list[Measured], order: list[int], goal: Goal) -> list[int]:
    """Return the best, the lightest of those that may be as good (with an easy deadline all are), the best single."""
    near = order[: _near([looked[i] for i in order], goal)]
    light = sorted(near, key=lambda i: _whole(codes[i]))[:_LIGHTEST]
    single = [i for i in order if len(codes[i].segments) == 1][:1]
    return list(dict.fromkeys([*order[:_FINALISTS], *light, *single]))


def _finals(codes: list[GradientCode], cluster: Cluster, goal: Goal, iterations: int) -> tuple[list[Choice], float]:
    """Measure codes and the uncoded baseline on many fresh draws; return the codes, best first, and the baseline."""
    *found, plain = measure([*codes, FAMILIES["uncoded"](cluster.workers)], cluster, goal, iterations, _FINAL)
    order = _ranked(goal, found)
    if goal.deadline is not None and found[order[0]].value == 0:
        raise InfeasibleError(_never_met(codes[order[0]], found[order[0]].late, goal.deadline))
    return [_choice(codes[i], found[i], goal, plain.value) for i in order], plain.value


def _never_met(code: GradientCode, half: float, deadline: float) -> str:
    if not np.isfinite(half):
        return "no code that was tried completes half of its iterations, however late; allow more stragglers"
    return (
        f"deadline is {seconds_text(deadline)} and no code that was tried ever met it; {half:.4g} seconds would be met "
        f"half of the time, by {code.family} with load {code.load}"
    )


def _reference(cluster: Cluster, goal: Goal, iterations: int, uncoded: float, partitions: int | None) -> Choice | None:
    """Return the best code with one redundancy, where the search was among codes with several only."""
    codes = list(references(cluster, goal, partitions=partitions))
    if not codes:
        return None
    code = codes[_ranked(goal, measure(codes, cluster, goal, _FIRST_LOOK, _LOOK))[0]]
    return _choice(code, measure([code], cluster, goal, iterations, _FINAL)[0], goal, uncoded)


def _choice(code: GradientCode, found: Measured, goal: Goal, uncoded: float) -> Choice:
    return Choice(code, found.value, found.stderr, goal.gain(uncoded, found.value), found.expected_runtime, found.plan)


def _near(ranked: Sequence[Measured] | Sequence[Choice], goal: Goal) -> int:
    """Return how many, from the best on, are hardly worse than it, or not surely."""
    best = ranked[0]
    slack = _HARDLY * min(goal.loss(best.value), best.value) + 2 * best.stderr
    return sum(goal.loss(one.value) <= goal.loss(best.value) + slack for one in ranked)


def _decided(ranked: list[Choice], goal: Goal) -> Choice:
    """Return the best; among those near it, of those with about the least work the one with the fewest segments.

    Near is what is hardly worse, or not surely, or little worse and stores much less.

    Raises InfeasibleError where not even the best ever completes an iteration.
    """
    if goal.learning is not None and ranked[0].plan is not None and not np.isfinite(ranked[0].plan.iterations):
        floor = min(choice.plan.floor for choice in ranked if choice.plan is not None)
        reached = f"the nearest comes to {floor:.2g}" if floor < 1.0 else "the nearest gets no nearer than it starts"
        raise InfeasibleError(
            f"target is {goal.learning.target:g} and no code that was tried reaches it: {reached}; a larger target, "
            "less diversity, or more replication would work"
        )
    if not np.isfinite(ranked[0].value):
        raise InfeasibleError(
            "no code that was tried ever completes an iteration on this cluster, or some last too long for any mean; "
            "allow more stragglers, or ask for the objective 'completion'"
        )
    best = ranked[0]
    near = ranked[: _near(ranked, goal)]
    for choice in ranked[len(near) :]:
        halvings = np.log2(_stored(best.code) / _stored(choice.code))
        loss = goal.loss(best.value)
        if goal.loss(choice.value) <= loss + _STORED * max(halvings, 0.0) * min(loss, best.value):
            near.append(choice)
    least = min(_whole(choice.code) for choice in near)
    light = [choice for choice in near if _whole(choice.code) <= _ABOUT * least]
    return min(light, key=lambda c: (len(c.code.segments), _whole(c.code), c.code.dtype.kind == "c"))


def _stored(code: GradientCode) -> float:
    """Return the largest share of the data on a worker."""
    return code.load / code.partitions


def _whole(code: GradientCode) -> float:
    """Return what all workers compute together, in whole gradients; rounded, so that equal ones are equal."""
    return round(float(work(code).sum()), 9)


def _polished(code: GradientCode) -> GradientCode:
    """Build the winner with as many draws as its family likes; candidates get one, since their times are the same.

    If they are not, because other draws have fewer zeros, the winner stays as it is.
    """
    if "draws" not in code.parameters:
        return code
    kept = {key: value for key, value in code.parameters.items() if key != "draws"}
    polished = FAMILIES[code.family](**kept, rng=code.seed)
    return polished if np.allclose(work(polished), work(code), rtol=1e-9) else code
