"""The exact mean of an iteration time, where workers are independent and the code goes by counts.

With G_j(t) = P(worker j has answered by t) and components c that need a_c of their members,
P(done by t) = prod_c P(at least a_c members have answered by t), and the mean is the integral of 1 - P. The counts of
unequal workers follow a Poisson-binomial distribution, built up worker by worker.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import binom

from gcopt.cluster import Trace
from gcopt.code import GradientCode
from gcopt.simulate import Waiting

if TYPE_CHECKING:
    from gcopt.cluster import Cluster

Floats = NDArray[np.float64]
Groups = list[tuple[NDArray[np.intp], int]]

_LEVELS = (1e-9, 1e-4, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.9999, 1 - 1e-7, 1 - 1e-10)
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


def expected_time(code: GradientCode, cluster: Cluster, *, wait: str = "decodable") -> float | None:
    """Return the exact expected time of one iteration, or None where no formula covers the case.

    Covered: one segment whose components go by count, independent workers (no trace, no racks), any compute model
    with per-worker slowness, deterministic overhead, stalls with a finite recovery, any network without a limit at
    the master.

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
    groups = _groups(code, wait)
    answered = _answered(code, cluster)
    if groups is None or answered is None:
        return None

    def done(t: Floats) -> Floats:
        at_t = answered(t)
        return np.asarray(np.prod([_at_least(needed, at_t[members]) for members, needed in groups], axis=0))

    return _mean(done)


def _groups(code: GradientCode, wait: str) -> Groups | None:
    """Return members and counts of what must be heard; None when the code does not go by counts."""
    if len(code.segments) > 1:
        return None
    waiting = Waiting(code, wait)
    if waiting.by_count(0):
        return [(np.arange(code.workers), code.workers - code.segments[0].stragglers)]
    groups = [(c.workers, c.needed) for c in waiting.decoders[0].components]
    return None if any(needed is None for _, needed in groups) else groups  # type: ignore[return-value]


def _answered(code: GradientCode, cluster: Cluster) -> Callable[[Floats], Floats] | None:
    """Return t (nodes,) -> P(worker j has answered by t), shape (n, nodes)."""
    compute, overhead, failures, network, job = (
        cluster.compute,
        cluster.overhead,
        cluster.failures,
        cluster.network,
        cluster.job,
    )
    stalls = failures.probability > 0
    if isinstance(compute, Trace) or isinstance(overhead, Trace) or overhead.model != "deterministic":
        return None
    if cluster.racks is not None or network.master_bandwidth < np.inf:
        return None
    if stalls and not np.isfinite(failures.recovery):
        return None
    segment = code.segments[0]
    scale = job.unit * job.samples * job.parameters / code.partitions / segment.blocks
    work = cluster.slowness * segment.pairs * scale
    message = segment.encoding.dtype.itemsize * job.parameters / segment.blocks
    fixed = overhead.mean + network.latency + message / network.bandwidth
    distribution = compute.distribution

    def by(t: Floats) -> Floats:
        left = np.broadcast_to(t - fixed, (work.size, t.size))
        share = np.divide(left, work[:, None], out=np.where(left >= 0, np.inf, -1.0), where=work[:, None] > 0)
        distinct, back = np.unique(work, return_inverse=True)
        first = np.array([np.flatnonzero(back == i)[0] for i in range(distinct.size)])
        return np.asarray(np.clip(distribution.cdf(share[first]), 0.0, 1.0)[back])

    if not stalls:
        return by
    p, recovery = failures.probability, failures.recovery
    return lambda t: (1 - p) * by(t) + p * by(t - recovery)


def _at_least(needed: int, answered: Floats) -> Floats:
    """Return P(at least ``needed`` of these have answered), shape (nodes,); ``answered`` is (members, nodes)."""
    size = len(answered)
    if needed == size:
        return np.asarray(answered.prod(axis=0))
    if needed == 1:
        return np.asarray(1 - (1 - answered).prod(axis=0))
    if np.all(answered == answered[0]):
        return np.asarray(binom.sf(needed - 1, size, answered[0]))
    count = np.zeros((size + 1, answered.shape[1]))
    count[0] = 1.0
    for p in answered:
        count[1:] = count[1:] * (1 - p) + count[:-1] * p
        count[0] *= 1 - p
    return np.asarray(count[needed:].sum(axis=0))


def _mean(done: Callable[[Floats], Floats]) -> float:
    """Integrate 1 - P piece by piece between its quantiles, then its tail."""

    def at(t: float) -> float:
        return float(done(np.array([t]))[0])

    high = 1e-12
    while at(high) < _LEVELS[-1]:
        high *= 2.0
        if high > 1e300:
            return float("inf")
    edges = [brentq(lambda t, q=q: at(t) - q, 0.0, high, xtol=1e-15 * high, rtol=1e-12) for q in _LEVELS if at(0.0) < q]
    edges = sorted({edge for edge in edges if edge > 0})
    if not edges:
        return 0.0
    total = edges[0]
    for a, b in pairwise(edges):
        nodes = 0.5 * (a + b) + 0.5 * (b - a) * _NODES
        total += 0.5 * (b - a) * float(_WEIGHTS @ (1 - done(nodes)))
    tail, error = quad(lambda t: 1 - at(t), edges[-1], np.inf, limit=200)
    return total + tail if error < 1e-3 * total else float("inf")
