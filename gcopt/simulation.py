"""Iteration times of a code on a cluster, drawn many at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gcopt.checks import check_count
from gcopt.code import GradientCode
from gcopt.expectation import expected_time
from gcopt.inexact import Inexactness, decoding_error
from gcopt.solvers.seeding import RngLike, generator, seed_of
from gcopt.waiting import Floats, Waiting

if TYPE_CHECKING:
    from gcopt.cluster import Cluster

_CHUNK = 4_000_000
_ERRORS = 1  # stream below the seed, so that looking at errors changes no time


@dataclass(frozen=True)
class Simulation:
    """Distribution of the time of one iteration.

    Attributes
    ----------
    mean, stderr : float
        Seconds per completed iteration and the standard error of that estimate; inf when no iteration completes.
    quantiles : dict
        Level to seconds.
    completion : list of (seconds, probability)
        Probability that an iteration is done by then.
    undecodable : float
        Share of the iterations that could not be decoded (each costs ``failures.restart`` seconds and is repeated).
    iterations : int
    wait : str
    seed : int
    expected : float or None
        The exact mean, where order statistics give it.
    error : Inexactness
        Of a completed iteration; estimated from fewer draws than the times.
    tolerate, deadline : float or None
        The numbers of the rule.
    """

    mean: float
    stderr: float
    quantiles: dict[str, float]
    completion: list[tuple[float, float]]
    undecodable: float
    iterations: int
    wait: str
    seed: int
    expected: float | None
    error: Inexactness
    tolerate: float | None = None
    deadline: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what ``gcopt simulate --json`` prints."""
        return {
            "schema": "gcopt.simulate/1",
            "mean": self.mean,
            "stderr": self.stderr,
            "expected": self.expected,
            "quantiles": self.quantiles,
            "completion": [{"seconds": t, "probability": p} for t, p in self.completion],
            "undecodable": self.undecodable,
            "error": self.error.to_dict(),
            "iterations": self.iterations,
            "wait": self.wait,
            "tolerate": self.tolerate,
            "deadline": self.deadline,
            "seed": self.seed,
        }


def simulate(
    code: GradientCode,
    cluster: Cluster,
    *,
    iterations: int = 100_000,
    wait: str = "decodable",
    tolerate: float | None = None,
    deadline: float | None = None,
    rng: RngLike = None,
) -> Simulation:
    """Simulate the time of one iteration of a code on a cluster.

    Parameters
    ----------
    code : GradientCode
    cluster : Cluster
    iterations : int
        Number of draws.
    wait : str
        ``decodable``, ``count`` or ``deadline``.
    tolerate, deadline : float, optional
        Largest relative decoding error; seconds. See `gcopt.waiting.Waiting`.
    rng : None, int, Generator or SeedSequence

    Returns
    -------
    Simulation

    Raises
    ------
    InputError
        If the numbers of workers differ or an argument is impossible.

    Examples
    --------
    >>> import gcopt
    >>> text = '[cluster]\\nworkers = 4\\n[cluster.compute]\\nmodel = "exponential"\\nrate = 1.0'
    >>> cluster = gcopt.Cluster.loads(text)
    >>> result = simulate(gcopt.families.uncoded(4), cluster, rng=0)
    >>> abs(result.mean - result.expected) < 5 * result.stderr
    True
    """
    check_count("iterations", iterations, 1)
    seed = seed_of(rng)
    waiting = Waiting(code, wait, tolerate=tolerate, deadline=deadline)
    drawn = drawn_iterations(waiting, cluster, iterations=iterations, seed=seed)
    done = completed(drawn, cluster.failures.restart)
    mean, stderr = mean_and_stderr(done)
    levels = np.linspace(0.0, 1.0, 41)
    curve = np.quantile(done, levels, method="inverted_cdf") if done.size else np.empty(0)
    named = {q: float(np.quantile(done, q, method="inverted_cdf")) if done.size else np.inf for q in (0.5, 0.9, 0.99)}
    return Simulation(
        mean=mean,
        stderr=stderr,
        quantiles={f"{q:g}": seconds for q, seconds in named.items()},
        completion=list(zip(curve.tolist(), levels.tolist(), strict=False)),
        undecodable=float(np.mean(~np.isfinite(drawn))),
        iterations=iterations,
        wait=wait,
        seed=seed,
        expected=None if waiting.gives_in else expected_time(code, cluster, wait=wait),
        error=decoding_error(waiting, cluster, generator(seed, _ERRORS)),
        tolerate=waiting.tolerate,
        deadline=waiting.deadline,
    )


def sample_iterations(code: GradientCode, cluster: Cluster, *, iterations: int, wait: str, seed: int) -> Floats:
    """Return the time of each iteration under a rule without numbers, shape (iterations,); see `drawn_iterations`."""
    return drawn_iterations(Waiting(code, wait), cluster, iterations=iterations, seed=seed)


def drawn_iterations(waiting: Waiting, cluster: Cluster, *, iterations: int, seed: int) -> Floats:
    """Return the time of each iteration, shape (iterations,); inf where it cannot be decoded.

    The draws depend on the seed, the cluster and the number of iterations alone, so that codes can be compared on
    common random numbers.
    """
    rng = generator(seed)
    rows = max(1, _CHUNK // waiting.code.workers)
    parts = []
    for start in range(0, iterations, rows):
        times = cluster.sample(min(rows, iterations - start), rng, start=start)
        parts.append(waiting.finish(cluster, times))
    return np.concatenate(parts)


def completed(drawn: Floats, restart: float) -> Floats:
    """Return the times of the completed iterations; each failed attempt before one adds ``restart`` seconds to it.

    Examples
    --------
    >>> import numpy as np
    >>> completed(np.array([1.0, np.inf, np.inf, 2.0]), restart=10.0).tolist()
    [1.0, 22.0]
    """
    good = np.flatnonzero(np.isfinite(drawn))
    failed = np.diff(good, prepend=-1) - 1
    extra = np.where(failed > 0, failed * restart, 0.0) if np.isfinite(restart) else np.where(failed > 0, np.inf, 0.0)
    return np.asarray(drawn[good] + extra)


def mean_and_stderr(done: Floats) -> tuple[float, float]:
    """Return the mean of completed iterations and its standard error; infinity where there is none.

    Examples
    --------
    >>> import numpy as np
    >>> mean_and_stderr(np.array([1.0, 3.0])), mean_and_stderr(np.array([]))
    ((2.0, 1.0), (inf, inf))
    """
    mean = float(done.mean()) if done.size else np.inf
    if done.size < 2 or not np.isfinite(mean):
        return mean, np.inf
    return mean, float(done.std(ddof=1) / np.sqrt(done.size))
