"""The exact mean of an iteration time, where workers are independent and the code goes by counts.

With components c that need a_c of their members, P(done by t) = prod_c P(at least a_c members have answered by t), and
the mean is the integral of 1 - P(done by t). The counts of unequal workers follow a Poisson-binomial distribution,
built up worker by worker. Several segments end at a maximum of scaled order statistics of the same times, whose mean
needs their joint distribution.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import betainc

from gcopt.arrivals import message_sizes, work_so_far
from gcopt.checks import check_count, check_finite
from gcopt.cluster import Trace
from gcopt.code import GradientCode
from gcopt.delays import Delay
from gcopt.errors import InputError
from gcopt.sums import covered, tail_of_sum
from gcopt.waiting import Waiting

if TYPE_CHECKING:
    from gcopt.cluster import Cluster

Floats = NDArray[np.float64]
Groups = list[tuple[list[NDArray[np.intp]], int]]

_LEVELS = (1 - 1e-9, 0.9999, 0.99, 0.9, 0.7, 0.5, 0.3, 0.1, 0.01, 1e-4, 1e-7, 1e-10)
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


def expected_time(code: GradientCode, cluster: Cluster, *, wait: str = "decodable") -> float | None:
    """Return the exact expected time of one iteration, or None where no formula covers the case.

    Covered: one segment whose components go by count, independent workers (no trace, no racks), any compute model
    with per-worker slowness, deterministic overhead, a transfer time that is constant or (shifted) exponential like
    the computing time, stalls with a finite recovery, any network without a limit at the master. Also several segments
    that go by counts of workers with equal loads, if all workers are alike, the bandwidth is unlimited, no message
    takes longer for its length and nobody stalls.

    Parameters
    ----------
    code : GradientCode
    cluster : Cluster
    wait : str
        ``decodable`` or ``count``.

    Examples
    --------
    >>> import gcopt
    >>> text = '[cluster]\\nworkers = 4\\n[cluster.compute]\\nmodel = "exponential"\\nrate = 0.25'
    >>> cluster = gcopt.Cluster.loads(text + '\\n[job]\\nparameters = 1\\nsamples = 1')
    >>> round(expected_time(gcopt.families.uncoded(4), cluster), 9)  # H_4 / 4 / rate
    2.083333333
    """
    if len(code.segments) > 1:
        return _several(code, cluster, wait)
    groups = _groups(code, wait)
    late = _late(code, cluster)
    if groups is None or late is None:
        return None

    def unfinished(t: Floats) -> Floats:
        late_at_t = late(t)
        missing = [
            _too_few(needed, np.stack([late_at_t[team].prod(axis=0) for team in teams])) for teams, needed in groups
        ]
        return np.asarray(-np.expm1(np.sum(np.log1p(-np.minimum(missing, 1.0)), axis=0)))

    with np.errstate(divide="ignore"):
        return float(_integral(unfinished, _kinks(code, cluster)))


def expected_answers(compute: Delay, work: float, transfer: Delay, share: float, *, workers: int, needed: int) -> float:
    """Return the expected time until so many of n independent workers are done, each after work * T1 + share * T2.

    With work = d, share = 1 / m and needed = n - s = n - d + m this is E T_tot of Ye and Abbe 2018 (arXiv 1802.03475).

    Parameters
    ----------
    compute, transfer : Delay
        T1 and T2: one of them constant, or both (shifted) exponential.
    work, share : float
        Their weights, at least 0.
    workers, needed : int

    Raises
    ------
    InputError
        If no formula covers the two delays, or a number is impossible.

    Examples
    --------
    >>> wait = Delay("exponential", {"rate": 1.0})
    >>> round(expected_answers(wait, 1.0, wait, 0.0, workers=2, needed=2), 9)
    1.5
    """
    if not covered(compute, transfer):
        raise InputError(
            f"{compute} and {transfer} have no formula; one constant, or both (shifted) exponential, would"
        )
    n, k = check_count("workers", workers, 1), check_count("needed", needed, 1, workers)
    units, length = check_finite("work", work, 0.0), check_finite("share", share, 0.0)
    return float(_integral(lambda t: _fewer(k, n, tail_of_sum(t, compute, units, transfer, length)), []))


def _groups(code: GradientCode, wait: str) -> Groups | None:
    """Return teams of workers and how many of them must be heard; None when the code does not go by counts."""
    waiting = Waiting(code, wait)
    if waiting.by_count(0):
        return [(list(np.arange(code.workers)[:, None]), code.workers - code.segments[0].stragglers)]
    groups = [([c.workers[team] for team in c.teams], c.needed) for c in waiting.decoders[0].components]
    return None if any(needed is None for _, needed in groups) else groups  # type: ignore[return-value]


def _several(code: GradientCode, cluster: Cluster, wait: str) -> float | None:
    """Return E max_c W_c T_(k_c), k_c the number of workers needed by segment c and W_c the work up to its end.

    With M samples of ``unit`` and the paper's counts this is the expectation of tau in Wang et al. 2022, Section 2.
    """
    compute, overhead, network = cluster.compute, cluster.overhead, cluster.network
    if isinstance(compute, Trace) or isinstance(overhead, Trace) or overhead.model != "deterministic":
        return None
    if not cluster.alike or cluster.failures.probability > 0 or cluster.length_matters:
        return None
    work = work_so_far(code, cluster.job.forward)
    if (work != work[0]).any():
        return None
    waiting, counts = Waiting(code, wait), []
    for c in range(len(code.segments)):
        if (count := waiting.count(c)) is None:
            return None
        counts.append(count)
    scale = cluster.job.work / code.partitions * float(cluster.slowness[0])
    return overhead.mean + network.latency + scale * _latest(compute, code.workers, counts, work[0])


def _latest(compute: Delay, workers: int, counts: list[int], work: Floats) -> float:
    """Return E max_c W_c T_(k_c)."""
    if compute.model == "deterministic":
        return compute.mean * float(work[-1])
    from gcopt.solvers.joint_order_statistics import JointOrderStatistics  # compiled code, not wanted at import time

    last = {k: float(w) for k, w in zip(counts, work, strict=True)}  # of segments with one count the last ends last
    needed = sorted(last, reverse=True)
    return JointOrderStatistics(compute.distribution, workers, needed).mean_of_maximum([last[k] for k in needed])


def _late(code: GradientCode, cluster: Cluster) -> Callable[[Floats], Floats] | None:
    """Return t (nodes,) -> P(worker j has not answered by t), shape (n, nodes)."""
    compute, overhead, failures, transfer = cluster.compute, cluster.overhead, cluster.failures, cluster.transfer
    stalls = failures.probability > 0
    if isinstance(compute, Trace) or isinstance(overhead, Trace) or overhead.model != "deterministic":
        return None
    if isinstance(transfer, Trace) or not covered(compute, transfer):
        return None
    if cluster.racks is not None or cluster.network.master_bandwidth < np.inf:
        return None
    if stalls and not np.isfinite(failures.recovery):
        return None
    fixed, work = _fixed_and_work(code, cluster)
    share = _share(code, cluster)
    distinct, back = np.unique(work, return_inverse=True)

    def after(t: Floats) -> Floats:
        return np.stack([tail_of_sum(t - fixed, compute, units, transfer, share) for units in distinct.tolist()])[back]

    if not stalls:
        return after
    p, recovery = failures.probability, failures.recovery
    return lambda t: (1 - p) * after(t) + p * after(t - recovery)


def _kinks(code: GradientCode, cluster: Cluster) -> list[float]:
    """Return where P(late) jumps or bends: the earliest answers of the fastest and the slowest that stalled."""
    compute, transfer = cluster.compute, cluster.transfer
    if cluster.failures.probability == 0 or isinstance(compute, Trace) or isinstance(transfer, Trace):
        return []
    fixed, work = _fixed_and_work(code, cluster)
    latest = fixed + cluster.failures.recovery + _share(code, cluster) * float(transfer.ppf(0.0))
    return [float(latest + units * float(compute.ppf(0.0))) for units in (work.min(), work.max())]


def _fixed_and_work(code: GradientCode, cluster: Cluster) -> tuple[float, Floats]:
    """Return the seconds that do not depend on luck and the units of work of each worker, shape (n,)."""
    job, network = cluster.job, cluster.network
    scale = job.work / code.partitions
    message = float(message_sizes(code, job.parameters)[0])
    fixed = cluster.overhead.mean + network.latency + message / network.bandwidth  # type: ignore[union-attr]
    return fixed, np.asarray(cluster.slowness * work_so_far(code, job.forward)[:, 0] * scale)


def _share(code: GradientCode, cluster: Cluster) -> float:
    """Return the bytes of a message over those of the gradient in float64."""
    return float(message_sizes(code, cluster.job.parameters)[0]) / (8 * cluster.job.parameters)


def _fewer(needed: int, workers: int, late: Floats) -> Floats:
    """Return P(fewer than ``needed`` of so many alike workers have answered), each late with this probability."""
    return np.asarray(betainc(workers - needed + 1.0, needed, late))


def _too_few(needed: int, late: Floats) -> Floats:
    """Return P(fewer than ``needed`` of these have answered), shape (nodes,); ``late`` is (members, nodes).

    Everything is summed from the probabilities of being late, so that small tails keep their digits.
    """
    size = len(late)
    if needed == 1:
        return np.asarray(late.prod(axis=0))
    if np.all(late == late[0]):
        return _fewer(needed, size, late[0])
    count = np.zeros((size + 1, late.shape[1]))
    count[0] = 1.0
    for p in late:
        count[1:] = count[1:] * (1 - p) + count[:-1] * p
        count[0] *= 1 - p
    return np.asarray(count[size - needed + 1 :].sum(axis=0))


def _integral(unfinished: Callable[[Floats], Floats], kinks: list[float]) -> float:
    """Integrate P(unfinished) from 0: piece by piece between its quantiles and kinks, then over doubling intervals."""

    def at(t: float) -> float:
        return float(unfinished(np.array([t]))[0])

    high = 1e-12
    while at(high) > _LEVELS[-1]:
        high *= 2.0
        if high > 1e300:
            return float("inf")
    edges = [brentq(lambda t, q=q: at(t) - q, 0.0, high, xtol=1e-15 * high, rtol=1e-12) for q in _LEVELS if at(0.0) > q]
    if not any(edge > 0 for edge in edges):
        return 0.0
    edges = sorted({edge for edge in (*edges, *kinks) if edge >= min(edges) and edge > 0})
    total = edges[0]
    for a, b in pairwise(edges):
        steps = a * (b / a) ** np.linspace(0.0, 1.0, 1 + int(np.ceil(np.log2(b / a))))
        total += sum(_piece(unfinished, c, d) for c, d in pairwise(steps))
    return total + _tail(unfinished, edges[-1], total)


def _piece(unfinished: Callable[[Floats], Floats], a: float, b: float) -> float:
    nodes = 0.5 * (a + b) + 0.5 * (b - a) * _NODES
    return 0.5 * (b - a) * float(_WEIGHTS @ unfinished(nodes))


def _tail(unfinished: Callable[[Floats], Floats], start: float, scale: float) -> float:
    """Integrate beyond ``start`` by doubling; a heavy tail becomes a geometric series, which may diverge."""
    total, last, ratio = 0.0, 0.0, 0.0
    while (piece := _piece(unfinished, start, 2 * start)) > 1e-13 * scale:
        before, ratio = ratio, piece / last if last else 0.0
        total, last, start = total + piece, piece, 2 * start
        if abs(ratio - before) < 1e-9 * ratio:
            return total + piece * ratio / (1 - ratio) if ratio < 1 - 1e-6 else float("inf")
    return total
