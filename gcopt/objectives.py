"""How good codes are on a cluster for a goal: by formula where there is one, else on draws that all codes share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gcopt.arrivals import message_sizes
from gcopt.clairvoyant import clairvoyant_share, clairvoyant_time, share_and_stderr
from gcopt.cluster import Cluster, Times
from gcopt.code import GradientCode
from gcopt.compression.messages import noise_of, real_widths
from gcopt.decoding import noise_aware
from gcopt.expectation import expected_time
from gcopt.goal import Goal
from gcopt.inexact import responders
from gcopt.learning import Plan, Spread
from gcopt.simulation import completed, mean_and_stderr
from gcopt.solvers.seeding import generator
from gcopt.waiting import Bools, Floats, Waiting

_CHUNK = 2_000_000
_HEARD = 4  # stream of draws

Tell = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Measured:
    """What a code achieves.

    Attributes
    ----------
    value : float
        Expected seconds per iteration, the probability that one is done by the deadline, or seconds or bytes until the
        target is reached (infinity where it never is).
    stderr : float
        Of the value; 0 where it is exact. What iterations are needed is a model's word and counts as exact.
    expected_runtime : float
        Expected seconds per iteration, whatever the objective.
    late : float
        With a deadline: seconds by which half of the iterations are done where fewer meet it, else 999 of 1000. It
        decides between codes that meet it in equally many draws, such as none or all; 0 without a deadline.
    plan : Plan or None
        Step and iterations, where a target is to be reached.
    """

    value: float
    stderr: float
    expected_runtime: float
    late: float = 0.0
    plan: Plan | None = None


def measure(
    codes: Sequence[GradientCode],
    cluster: Cluster,
    goal: Goal,
    iterations: int,
    stream: int,
    tell: Tell | None = None,
) -> list[Measured]:
    """Measure every code on the same draws.

    Parameters
    ----------
    codes : sequence of GradientCode
    cluster : Cluster
    goal : Goal
    iterations : int
        Draws.
    stream : int
        Which draws of the goal's seed; other streams are independent.
    tell : callable, optional
        Called with (codes done, codes in all, best so far).

    Examples
    --------
    >>> import gcopt
    >>> cluster = gcopt.Cluster(4, gcopt.delays.Delay("exponential", {"rate": 0.25}))
    >>> [found] = measure([gcopt.families.uncoded(4)], cluster, Goal("completion", deadline=2.0), 10_000, 0)
    >>> round(found.expected_runtime, 3), abs(found.value - (1 - 2.718281828**-2) ** 4) < 4 * found.stderr
    (2.083, True)
    """
    draws = list(_draws(cluster, goal, iterations, stream))
    found: list[Measured] = []
    for done, code in enumerate(codes):
        one = _by_time(code, cluster, goal, draws)
        found.append(one if goal.learning is None else _by_learning(code, cluster, goal, one))
        if tell is not None:
            best = min(range(done + 1), key=lambda i: rank(goal, found[i]))
            tell(done + 1, len(codes), f"best so far: {codes[best].family}, {goal.spell(found[best].value)}")
    return found


def rank(goal: Goal, measured: Measured) -> tuple[float, float]:
    """Return a key that sorts the best first."""
    return goal.loss(measured.value), measured.late


def bound(cluster: Cluster, goal: Goal, iterations: int, stream: int) -> float | None:
    """Return what no exact code can beat: a lower bound on seconds, an upper bound on a probability.

    None for objectives that codes which are not exact are meant for.

    Parameters are those of `measure`.

    Examples
    --------
    >>> import gcopt
    >>> cluster = gcopt.Cluster(4, gcopt.delays.Delay("deterministic", {"value": 2.0}))
    >>> bound(cluster, Goal(), 100, 0), bound(cluster, Goal("completion", deadline=0.6), 100, 0)
    (0.5, 1.0)
    """
    if goal.learning is not None:
        return None
    draws = _draws(cluster, goal, iterations, stream)
    if goal.deadline is None:
        return clairvoyant_time(cluster, draws)
    return clairvoyant_share(cluster, draws, goal.deadline)


def _draws(cluster: Cluster, goal: Goal, iterations: int, stream: int) -> Iterator[Times]:
    rng = generator(goal.seed, stream)
    rows = max(1, _CHUNK // cluster.workers)
    for start in range(0, iterations, rows):
        yield cluster.sample(min(rows, iterations - start), rng, start=start)


def _by_time(code: GradientCode, cluster: Cluster, goal: Goal, draws: Iterable[Times]) -> Measured:
    exact = expected_time(code, cluster, wait=goal.wait)
    if exact is not None and goal.deadline is None:
        return Measured(exact, 0.0, exact)
    waiting = Waiting(code, goal.wait)
    drawn = np.concatenate([waiting.finish(cluster, times) for times in draws])
    mean, stderr = mean_and_stderr(completed(drawn, cluster.failures.restart))
    if goal.deadline is None:
        return Measured(mean, stderr, mean)
    share, stderr = share_and_stderr(drawn <= goal.deadline)
    return Measured(share, stderr, mean if exact is None else exact, _late(drawn, share))


def _by_learning(code: GradientCode, cluster: Cluster, goal: Goal, time: Measured) -> Measured:
    """Return what it takes to reach the target, given what an iteration takes."""
    assert goal.learning is not None
    waiting = Waiting(code, goal.wait)
    heard = responders(waiting, cluster, generator(goal.seed, _HEARD))
    spread = spread_of(waiting, heard, cluster.job.parameters) if len(heard) else None
    plan = goal.learning.plan(spread) if spread is not None else Plan(0.0, np.inf, np.inf)
    if goal.objective == "bytes":
        sent = heard.sum(axis=2).mean(axis=0) @ message_sizes(code, cluster.job.parameters) if len(heard) else np.inf
        return Measured(float(sent) * plan.iterations, 0.0, time.expected_runtime, plan=plan)
    value = time.value * plan.iterations
    stderr = time.stderr * plan.iterations if np.isfinite(value) else 0.0
    return Measured(value, stderr, time.expected_runtime, plan=plan)


def spread_of(waiting: Waiting, heard: Bools, parameters: int) -> Spread | None:
    """Return what decoded gradients are of the true one, from whose messages iterations used.

    Parameters
    ----------
    waiting : Waiting
    heard : bool array, shape (iterations, segments, n)
    parameters : int
        Length of the gradient.

    Returns
    -------
    Spread or None
        None where messages are compressed with a bias that nothing mends: no model covers that. Error feedback counts
        as no compression that takes 1 / sqrt(delta) times as many steps, delta the contraction that is typical: a rule
        of thumb, right within a tenth where it was measured.

    Examples
    --------
    >>> import gcopt, numpy as np
    >>> code = gcopt.families.pairwise_balanced(2, 2, 0.5, partitions=1)
    >>> sets = np.array([[True, True], [True, False], [False, True], [False, False]])[:, None]
    >>> spread_of(Waiting(code, "count"), sets, 10).relative
    0.5
    """
    code, compressor = waiting.code, waiting.code.compressor
    if compressor is not None and not compressor.unbiased and not compressor.feedback:
        return None
    variances = noise_of(code, parameters)
    slowdown = _slowdown(code, parameters)
    if not any(variances) and not waiting.gives_in and all(waiting.kind(c) == "exact" for c in range(len(variances))):
        return Spread(slowdown=slowdown)
    decodings = []
    for c, (segment, w) in enumerate(zip(code.segments, variances, strict=True)):
        decoder = noise_aware(segment, w) if w else waiting.decoders[c]
        sets, counts = np.unique(heard[:, c], axis=0, return_counts=True)
        chances = counts / len(heard)
        decodings.append([(decoder(one), float(chance)) for one, chance in zip(sets, chances, strict=True)])
    return replace(Spread.of(code, decodings, variances, len(heard)), slowdown=slowdown)


def _slowdown(code: GradientCode, parameters: int) -> float:
    """Return how many times more steps error feedback needs."""
    if code.compressor is None or not code.compressor.feedback:
        return 1.0
    kept = max(code.compressor.typical(width) for width in real_widths(code, parameters) if width)
    return float(1.0 / np.sqrt(1.0 - kept)) if kept < 1.0 else np.inf


def _late(drawn: Floats, share: float) -> float:
    return float(np.quantile(drawn, 0.5 if share < 0.5 else 0.999, method="inverted_cdf"))
