"""What no exact code can beat: a master that knows every time in advance, and workers that never do anything twice."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from gcopt.cluster import Cluster, Times

_THREE_SIGMA = 0.99865


def clairvoyant_time(cluster: Cluster, draws: Iterable[Times]) -> float:
    """Return a lower bound on the mean time of any exact code, three standard errors below the mean of the draws.

    Whatever the code, the responders together have computed every partition once. Worker j has done
    max(0, t - O_j) / T_j units by t, so the time is at least the t at which these sum to the whole job; that t is the
    smallest, over sets of workers that start first, of (job + sum O_j / T_j) / sum 1 / T_j. The same holds for what is
    sent: to decode m blocks takes m messages, so that together they are at least as long as the gradient; the later of
    the two counts. Iterations in which a worker never answers may be given up for ``restart`` seconds, whichever of
    them it pays to give up.

    Parameters
    ----------
    cluster : Cluster
    draws : iterable of Times
        As from ``cluster.sample``.

    Examples
    --------
    >>> import gcopt
    >>> text = '[cluster]\\nworkers = 4\\n[cluster.compute]\\nmodel = "deterministic"\\nvalue = 2.0'
    >>> cluster = gcopt.Cluster.loads(text)
    >>> clairvoyant_time(cluster, [cluster.sample(10, rng=0)])  # four workers share two seconds of work
    0.5
    """
    seconds, whole = _alone(cluster, draws)
    return _given_up(seconds, whole, cluster.failures.restart)


def clairvoyant_share(cluster: Cluster, draws: Iterable[Times], deadline: float) -> float:
    """Return an upper bound on the probability that any exact code is done by a deadline, at most 1.

    The upper end of the one-sided three-sigma interval (Clopper & Pearson 1934) of the share of the draws in which the
    bound of `clairvoyant_time` on a single iteration is met. An iteration in which nobody answers in time is missed;
    there is no second attempt.

    Parameters
    ----------
    cluster : Cluster
    draws : iterable of Times
        As from ``cluster.sample``.
    deadline : float
        Seconds since the start of the iteration.

    Examples
    --------
    >>> import gcopt
    >>> text = '[cluster]\\nworkers = 4\\n[cluster.compute]\\nmodel = "deterministic"\\nvalue = 2.0'
    >>> cluster = gcopt.Cluster.loads(text)
    >>> [clairvoyant_share(cluster, [cluster.sample(1000, rng=0)], deadline) > 0.5 for deadline in (0.4, 0.6)]
    [False, True]
    """
    met = _alone(cluster, draws)[0] <= deadline
    hits = int(met.sum())
    return 1.0 if hits == met.size else float(betaincinv(hits + 1, met.size - hits, _THREE_SIGMA))


def share_and_stderr(met: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the share of draws that met something, and its standard error, which never vanishes (Agresti, Coull 1998).

    Examples
    --------
    >>> import numpy as np
    >>> share, stderr = share_and_stderr(np.ones(98, dtype=bool))
    >>> share, round(stderr, 4)
    (1.0, 0.0101)
    """
    size, hits = met.size, int(met.sum())
    smoothed = (hits + 1) / (size + 2)
    return hits / size, float(np.sqrt(smoothed * (1 - smoothed) / size))


def _alone(cluster: Cluster, draws: Iterable[Times]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the least seconds of each iteration, and whether everybody answers in it, each of shape (iterations,)."""
    parts, whole = [], []
    link = 8 * cluster.job.parameters / cluster.network.bandwidth
    for times in draws:
        begin = times.overhead + times.stall
        order = np.argsort(begin, axis=1)
        ready = np.take_along_axis(begin, order, axis=1)
        done = _together(ready, np.take_along_axis(times.compute, order, axis=1), cluster.job.work)
        if link > 0.0 or times.transfer.any():
            done = np.maximum(done, _together(ready, np.take_along_axis(link + times.transfer, order, axis=1), 1.0))
        parts.append(done)
        whole.append(np.isfinite(begin).all(axis=1))
    return np.concatenate(parts) + cluster.network.latency, np.concatenate(whole)


def _together(begin: NDArray[np.float64], pace: NDArray[np.float64], amount: float) -> NDArray[np.float64]:
    """Return when workers that begin one after the other have done an amount together, shape (iterations,)."""
    speed = 1.0 / np.maximum(pace, 1e-300)
    lead = np.cumsum(np.where(np.isfinite(begin), begin * speed, np.inf), axis=1)
    return np.asarray(((amount + lead) / np.cumsum(speed, axis=1)).min(axis=1))


def _given_up(seconds: NDArray[np.float64], whole: NDArray[np.bool_], restart: float) -> float:
    """Return the least mean per completed iteration less three standard errors; not ``whole`` ones may be given up."""
    optional = np.sort(seconds[~whole])
    optional = optional[np.isfinite(optional)]
    done = int(whole.sum()) + np.arange(optional.size + 1)
    lost = seconds.size - done
    spent = seconds[whole].sum() + np.concatenate([[0.0], np.cumsum(optional)])
    spent = spent + np.where(lost > 0, restart, 0.0) * lost
    if done[-1] < 2:
        return 0.0
    means = np.divide(spent, done, out=np.full(done.size, np.inf), where=done > 0)
    least = float(means.min())
    if not np.isfinite(least):
        return 0.0
    kept = int(means.argmin())
    away = np.concatenate([seconds[whole], optional[:kept]]) - least
    square = float((away**2).sum()) + (restart**2 * int(lost[kept]) if lost[kept] else 0.0)
    return max(0.0, least - 3 * float(np.sqrt(square)) / float(done[kept]))
