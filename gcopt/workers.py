"""Who is slow and who fails: all the time or now and then, and whether it is more than chance."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from gcopt.cluster import Failures

Floats = NDArray[np.float64]

LATE = 1.5  # a worker is late in a round in which it takes this many times the round's median
CHRONIC = 1.3  # a worker whose median is this many times the typical worker's is slow all the time
MATERIAL = 0.02  # differences of the medians below this are not worth a different load
LEVEL = 0.01  # chance of calling any worker of an even cluster different
STALL = 10.0  # a stall takes more than this many times the worker's median,
GAP = 3.0  # at least this many times the longest time that is none,
RARE = 0.02  # and stalls are a smaller share of the answers than this


@dataclass(frozen=True)
class WorkerReport:
    """What a log says about one worker.

    Attributes
    ----------
    worker : int
    median, p95 : float
        Seconds, over its answers.
    late : float
        Share of the rounds in which it took more than 1.5 times the round's median, or did not answer.
    rank : float
        Its place within a round on average: 0 always first, 1 always last.
    slowness : float
        Its median relative to the typical worker's; 1 where the difference may be chance or is below 2 %.
    verdict : str
        ``chronic`` (slowness above 1.3), ``one-off`` (late in some round), ``fine``.
    """

    worker: int
    median: float
    p95: float
    late: float
    rank: float
    slowness: float
    verdict: str

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {key: value if value != math.inf else None for key, value in asdict(self).items()}


def report_workers(log: Floats, slowness: Floats | None = None) -> tuple[WorkerReport, ...]:
    """Describe every worker of a log.

    Parameters
    ----------
    log : array, shape (rounds, n)
        Seconds; infinite for no answer.
    slowness : array, shape (n,), optional
        As from `estimate_slowness`, which is called if it is not given.

    Examples
    --------
    >>> import numpy as np
    >>> log = np.random.default_rng(0).gamma(100.0, 0.01, (30, 4)) * [1.0, 1.0, 3.0, 1.0]
    >>> [worker.verdict for worker in report_workers(log)]
    ['fine', 'fine', 'chronic', 'fine']
    """
    slow = estimate_slowness(log) if slowness is None else slowness
    answers = np.where(np.isfinite(log), log, np.nan)
    answered = np.isfinite(log).any(axis=1)
    usual = np.zeros((len(log), 1))  # a round that nobody answered is one in which all were late
    usual[answered] = np.nanmedian(answers[answered], axis=1, keepdims=True)
    late = (log > LATE * usual).mean(axis=0)
    n = log.shape[1]
    place = (stats.rankdata(log, axis=1).mean(axis=0) - 1.0) / max(n - 1, 1)
    median, p95 = np.nanmedian(answers, axis=0), np.nanquantile(answers, 0.95, axis=0)
    reports = []
    for j in range(n):
        verdict = "chronic" if slow[j] > CHRONIC else "one-off" if late[j] > 0.0 else "fine"
        numbers = [float(a[j]) for a in (median, p95, late, place, slow)]
        reports.append(WorkerReport(j, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], verdict))
    return tuple(reports)


def estimate_slowness(log: Floats) -> Floats:
    """Return how much slower each worker is than the typical one, shape (n,); 1 where it may be chance.

    Each time is divided by its round's median, which takes out what the workers of a round share. The slowness of a
    worker is the median of that over the rounds, relative to the median worker. It counts as different from 1 if it
    differs by at least 2 % and its logarithm exceeds what chance gives in one of a hundred even clusters (Student's t
    with rounds - 1 degrees of freedom, Bonferroni over the workers; standard error of a median 1.2533 sigma /
    sqrt(rounds), sigma from the median absolute deviation of the worker or of all workers, whichever is larger).
    """
    usable = np.isfinite(log) & (log > 0.0)
    answers = np.where(usable, log, np.nan)[usable.any(axis=1)]
    rounds, n = answers.shape
    if rounds < 2 or n < 2 or not usable.any(axis=0).all():
        return np.ones(n)
    logs = np.log(answers) - np.log(np.nanmedian(answers, axis=1, keepdims=True))
    middle = np.nanmedian(logs, axis=0)
    spread = 1.4826 * np.nanmedian(np.abs(logs - middle), axis=0)
    sigma = np.maximum(spread, np.median(spread))
    middle = middle - np.median(middle)
    counts = np.sum(~np.isnan(logs), axis=0)
    limit = stats.t.isf(LEVEL / (2.0 * n), np.maximum(counts - 1, 1)) * 1.2533 * sigma / np.sqrt(counts)
    slowness = np.exp(middle)
    same = (np.abs(middle) <= limit) | (np.abs(slowness - 1.0) < MATERIAL)
    return np.asarray(np.where(same, 1.0, slowness))


def shared_variation(log: Floats) -> float:
    """Return the correlation of times within a round (intraclass correlation of the ranks), 0 to 1.

    Each worker's times are first divided by its median, so that a chronically slow worker is not counted.
    """
    answers = np.where(np.isfinite(log), log, np.nan)[np.isfinite(log).any(axis=1)]
    relative = answers / np.maximum(np.nanmedian(answers, axis=0), np.finfo(float).tiny)
    ranks = stats.rankdata(relative, axis=None, nan_policy="omit").reshape(answers.shape)
    ranks = np.where(np.isnan(relative), np.nanmean(ranks), ranks)
    rounds, n = answers.shape
    if rounds < 2 or n < 2:
        return 0.0
    between = n * float(ranks.mean(axis=1).var(ddof=1))
    within = float(ranks.var(axis=1, ddof=1).mean())
    total = between + (n - 1) * within
    return min(max((between - within) / total, 0.0), 1.0) if total > 0.0 else 0.0


def split_failures(log: Floats) -> tuple[Floats, Floats]:
    """Take the failures out of a log: answers that never came, and rare stalls.

    Parameters
    ----------
    log : array, shape (rounds, n)
        Seconds; infinite for no answer.

    Returns
    -------
    clean : array, shape (rounds, n)
        The log with infinity in place of stalls: times beyond a gap of a factor 3 that are more than 10 times the
        worker's median, if fewer than 2 % of the answers.
    extra : array, shape (failures,)
        Seconds beyond the worker's median; infinite for no answer.

    Examples
    --------
    >>> import numpy as np
    >>> log = np.ones((100, 2))
    >>> log[3, 1] = 30.0
    >>> split_failures(log)[1].tolist()
    [29.0]
    """
    medians = np.nanmedian(np.where(np.isfinite(log), log, np.nan), axis=0)
    relative = log / np.maximum(medians, np.finfo(float).tiny)
    ordered = np.sort(relative[np.isfinite(relative)])
    gaps = np.flatnonzero((ordered[1:] > STALL) & (ordered[1:] > GAP * ordered[:-1])) + 1
    gaps = gaps[ordered.size - gaps < RARE * ordered.size]
    failed = relative >= (ordered[gaps[0]] if gaps.size else np.inf)
    return np.where(failed, np.inf, log), np.asarray((log - medians)[failed])


def estimate_failures(extra: Floats, size: int) -> Failures:
    """Estimate failures in so many entries: the mean extra time is the recovery, infinite if most never came.

    Examples
    --------
    >>> import numpy as np
    >>> estimate_failures(np.array([29.0, 31.0]), 1000)
    Failures(probability=0.002, recovery=30.0, restart=60.0)
    """
    if not extra.size:
        return Failures()
    late = extra[np.isfinite(extra)]
    recovery = math.inf if 2 * late.size < extra.size else float(np.mean(late))
    return Failures(extra.size / size, recovery)
