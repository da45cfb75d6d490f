"""How good codes are on a cluster for a goal: by formula where there is one, else on draws that all codes share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gcopt.clairvoyant import clairvoyant_share, clairvoyant_time, share_and_stderr
from gcopt.cluster import Cluster, Times
from gcopt.code import GradientCode
from gcopt.expectation import expected_time
from gcopt.goal import Goal
from gcopt.simulation import completed, mean_and_stderr
from gcopt.solvers.seeding import generator
from gcopt.waiting import Floats, Waiting

_CHUNK = 2_000_000

Tell = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Measured:
    """What a code achieves.

    Attributes
    ----------
    value : float
        Expected seconds per iteration, or the probability that one is done by the deadline.
    stderr : float
        Of the value; 0 where it is exact.
    expected_runtime : float
        Expected seconds per iteration, whatever the objective.
    late : float
        With a deadline: seconds by which half of the iterations are done where fewer meet it, else 999 of 1000. It
        decides between codes that meet it in equally many draws, such as none or all; 0 without a deadline.
    """

    value: float
    stderr: float
    expected_runtime: float
    late: float = 0.0


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
        found.append(_by_time(code, cluster, goal, draws))
        if tell is not None:
            best = min(range(done + 1), key=lambda i: rank(goal, found[i]))
            tell(done + 1, len(codes), f"best so far: {codes[best].family}, {goal.spell(found[best].value)}")
    return found


def rank(goal: Goal, measured: Measured) -> tuple[float, float]:
    """Return a key that sorts the best first."""
    return goal.loss(measured.value), measured.late


def bound(cluster: Cluster, goal: Goal, iterations: int, stream: int) -> float:
    """Return what no exact code can beat: a lower bound on seconds, an upper bound on a probability.

    Parameters are those of `measure`.

    Examples
    --------
    >>> import gcopt
    >>> cluster = gcopt.Cluster(4, gcopt.delays.Delay("deterministic", {"value": 2.0}))
    >>> bound(cluster, Goal(), 100, 0), bound(cluster, Goal("completion", deadline=0.6), 100, 0)
    (0.5, 1.0)
    """
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


def _late(drawn: Floats, share: float) -> float:
    return float(np.quantile(drawn, 0.5 if share < 0.5 else 0.999, method="inverted_cdf"))
