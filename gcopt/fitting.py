"""From timing logs to a cluster: the delay model, who is slow, how often answers fail, the overhead."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from gcopt.checks import check_number
from gcopt.cluster import Cluster, Failures, Trace
from gcopt.delays import MODELS, Delay
from gcopt.errors import InputError
from gcopt.estimation import Candidate, match_unit_time, rank_models
from gcopt.fit_result import Fit
from gcopt.logs import check_log, read_log
from gcopt.workers import (
    WorkerReport,
    estimate_failures,
    estimate_slowness,
    report_workers,
    shared_variation,
    split_failures,
)

__all__ = ["Fit", "fit", "read_log"]

Floats = NDArray[np.float64]
Log = str | Path | NDArray[Any]

DISTANCE = 0.05  # a model that is nowhere further off than this is good enough to design with
LILLIEFORS = 1.06  # 5 % point of sqrt(N) times the distance when parameters are estimated (Lilliefors 1969)
SLOWEST = 0.10  # relative error allowed in the predicted mean time until everybody is done
CORRELATED = 0.2  # from here on the correlation within rounds is worth a remark
DRAWS = 2000


def fit(logs: Log | Sequence[Any], *, load: float | Sequence[float] | None = None, model: str | None = None) -> Fit:
    """Fit a cluster to one timing log, or to several taken at different loads.

    One log gives the time per unit of work, the unit being the whole job, with nothing as overhead. Several logs give
    both: time = overhead + load * unit time, by a line through the medians (Theil and Sen); a log at load 0 is the
    overhead itself, and the unit time is then the one whose sum with it comes closest to all the logs.

    A model fits well if its Kolmogorov distance is at most 0.05 or 1.06 / sqrt(N) (Lilliefors 1969), N the number of
    times divided by 1 + (n - 1) * the correlation within rounds, and if the mean time until all workers are done,
    which is what straggling is about, comes out within 10 % or three standard errors.

    Answers that never came, and those beyond a gap of a factor 3 that took more than 10 times the worker's median, if
    fewer than 2 %, are failures: their share is the probability, the mean extra time (infinite if most never came)
    the recovery.

    Parameters
    ----------
    logs : path, array of shape (rounds, n), or several of them
        As `gcopt.logs.read_log` reads them; infinity for no answer.
    load : float or sequence of float, optional
        Fraction of the whole job that each worker did in each log; 1/n by default.
    model : str, optional
        A delay model to use even if it does not fit, ``best`` for the best ranked one, ``trace`` for the log itself;
        by default the best ranked if it fits well, else the log (drawn by whole rounds).

    Returns
    -------
    Fit

    Raises
    ------
    InputError
        If a log or a load is impossible, or the logs do not belong together.

    Examples
    --------
    >>> import numpy as np
    >>> log = 1.0 + np.random.default_rng(0).exponential(0.5, (200, 8))
    >>> found = fit(log)
    >>> found.fits_well, found.cluster.compute.model
    (True, 'shifted-exponential')
    """
    if model is not None and model not in (*MODELS, "best", "trace"):
        raise InputError(f"model is {model!r}; one of {', '.join(MODELS)}, best, trace would work")
    taken = _by_load(logs, load)
    if list(taken) == [0.0]:
        raise InputError("load is 0: such a log holds the overhead alone; add a log at another load")
    split = {at: split_failures(log) for at, log in taken.items()}
    extra = np.concatenate([extra for _, extra in split.values()])
    failures = estimate_failures(extra, sum(log.size for log in taken.values()))
    clean = {at: log for at, (log, _) in split.items()}
    if len(taken) == 1:
        return _one_load(next(iter(taken.values())), clean, failures, model)
    return _many_loads(clean, failures, model)


def _one_load(raw: Floats, clean: dict[float, Floats], failures: Failures, model: str | None) -> Fit:
    ((load, log),) = clean.items()
    n = log.shape[1]
    slowness = estimate_slowness(log)
    unit = log / slowness / load
    correlation = shared_variation(log)
    effective = _effective(log, correlation)
    ranking = rank_models(unit[np.isfinite(unit)], effective)
    threshold = max(DISTANCE, LILLIEFORS / math.sqrt(effective))
    modelled = Cluster(n, ranking[0].delay, slowness=slowness)
    slowest, agrees = _slowest(log, modelled, load)
    good = ranking[0].distance <= threshold and agrees
    chosen = _choose(ranking, good, model)
    cluster = modelled.replace(compute=chosen, failures=failures) if chosen else Cluster(n, Trace(raw / load))
    workers = report_workers(log, slowness)
    notes = [
        _verdict("time", ranking[0], threshold, chosen),
        *_remarks(workers, correlation, failures, slowest, agrees),
    ]
    return Fit(cluster, ranking, (), good, threshold, slowest, workers, correlation, len(raw), (load,), tuple(notes))


def _many_loads(clean: dict[float, Floats], failures: Failures, model: str | None) -> Fit:
    largest = max(clean)
    log = clean[largest]
    intercept, slope = _line(clean)
    slowness = estimate_slowness(np.where(log > intercept, log - intercept, np.inf))
    even = {at: (intercept + (x - intercept) / slowness)[np.isfinite(x)] for at, x in clean.items() if at > 0.0}
    correlation = shared_variation(log)
    threshold = max(DISTANCE, LILLIEFORS / math.sqrt(_effective(log, correlation)))
    overhead: Delay | Trace = Delay("deterministic", {"value": intercept})
    overheads: tuple[Candidate, ...] = ()
    notes = [f"medians: the whole job takes {slope:.4g} s beyond an overhead of {intercept:.4g} s"]
    if 0.0 in clean:
        idle = clean[0.0]
        base = idle[np.isfinite(idle)]
        overheads = rank_models(base, _effective(idle, shared_variation(idle)))
        chosen = _choose(overheads, overheads[0].distance <= threshold, "best" if model in MODELS else model)
        overhead = chosen or Trace(np.where(np.isfinite(idle), idle, np.median(base)))
        notes.append(_verdict("overhead", overheads[0], threshold, chosen))
        ranking = match_unit_time(even, base, slope)
    else:
        ranking = rank_models(np.concatenate([np.maximum(x - intercept, 0.0) / at for at, x in even.items()]))
    compute = _choose(ranking, True, model if model in MODELS else "best")
    assert compute is not None
    cluster = Cluster(log.shape[1], compute, overhead, slowness, failures=failures)
    slowest, agrees = _slowest(log, cluster, largest)
    workers = report_workers(log, slowness)
    notes.append(_verdict("time per unit", ranking[0], threshold, compute))
    notes += _remarks(workers, correlation, failures, slowest, agrees)
    worst = max(best.distance for best in (ranking[0], *overheads[:1]))
    return Fit(
        cluster=cluster,
        ranking=ranking,
        overhead=overheads,
        fits_well=worst <= threshold and agrees,
        threshold=threshold,
        slowest=slowest,
        workers=workers,
        correlation=correlation,
        rounds=sum(len(x) for x in clean.values()),
        loads=tuple(clean),
        notes=tuple(notes),
    )


def _by_load(logs: Log | Sequence[Any], load: float | Sequence[float] | None) -> dict[float, Floats]:
    """Return the logs by load, in order; those at one load are put together."""
    several = isinstance(logs, (list, tuple)) and all(isinstance(x, (str, Path)) or np.ndim(x) == 2 for x in logs)
    listed: Sequence[Any] = logs if several else [logs]  # type: ignore[assignment]
    if not listed:
        raise InputError("logs is empty; at least one is needed")
    arrays = [
        read_log(x) if isinstance(x, (str, Path)) else check_log(x, f"log {i + 1}" if several else "log")
        for i, x in enumerate(listed)
    ]
    widths = [x.shape[1] for x in arrays]
    if len(set(widths)) > 1:
        raise InputError(f"the logs have {', '.join(map(str, widths))} workers; logs of one cluster have equally many")
    given = [1.0 / widths[0]] if load is None else [load] if isinstance(load, (int, float)) else list(load)
    if len(given) == 1 and load is None:
        given *= len(arrays)
    if len(given) != len(arrays):
        raise InputError(f"load has {len(given)} entries; one for each of the {len(arrays)} logs is expected")
    at = [check_number("load", x, 0.0, 1.0) for x in given]
    return {x: np.concatenate([a for a, y in zip(arrays, at, strict=True) if y == x]) for x in sorted(set(at))}


def _line(logs: dict[float, Floats]) -> tuple[float, float]:
    """Return overhead and time of the whole job: the line of Theil and Sen through the medians."""
    loads = np.array(list(logs))
    medians = np.array([np.median(x[np.isfinite(x)]) for x in logs.values()])
    slope = float(stats.theilslopes(medians, loads).slope)
    if slope <= 0.0:
        found = ", ".join(f"{t:.4g} s at load {x:g}" for x, t in zip(loads, medians, strict=True))
        raise InputError(f"the times do not grow with the load ({found}); check the loads")
    return max(float(np.median(medians - slope * loads)), 0.0), slope


def _effective(log: Floats, correlation: float) -> float:
    return float(np.isfinite(log).sum() / (1.0 + (log.shape[1] - 1) * correlation))


def _slowest(log: Floats, cluster: Cluster, load: float) -> tuple[tuple[float, float], bool]:
    """Compare the mean time until all are done with the cluster's, without failures; NaN where no round is complete."""
    last = log.max(axis=1)
    last = last[np.isfinite(last)]
    drawn = cluster.replace(failures=Failures()).sample(DRAWS, rng=0).finish(load).max(axis=1)
    predicted = float(drawn.mean())
    if not last.size:
        return (math.nan, predicted), True
    measured = float(last.mean())
    error = float(last.std() / math.sqrt(last.size))
    return (measured, predicted), abs(measured - predicted) <= max(SLOWEST * measured, 3.0 * error)


def _choose(ranking: tuple[Candidate, ...], good: bool, model: str | None) -> Delay | None:
    """Return the model to use; None for the trace."""
    if model == "trace" or (model is None and not good):
        return None
    named = [c.delay for c in ranking if model in (None, "best", c.delay.model)]
    if not named:
        fitted = sorted({c.delay.model for c in ranking})
        raise InputError(f"model {model} cannot be fitted to this log; these can: {', '.join(fitted)}")
    return named[0]


def _verdict(what: str, best: Candidate, threshold: float, chosen: Delay | None) -> str:
    relation = "fits" if best.distance <= threshold else "is the nearest model and does not fit"
    kept = f"using {chosen.model}" if chosen else "keeping the log itself, drawn by whole rounds"
    return f"{what}: {best.delay} {relation} (distance {best.distance:.3f}, allowed {threshold:.3f}); {kept}"


def _remarks(
    workers: Sequence[WorkerReport],
    correlation: float,
    failures: Failures,
    slowest: tuple[float, float],
    agrees: bool,
) -> list[str]:
    remarks = []
    chronic = [w for w in workers if w.verdict == "chronic"]
    if chronic:
        named = ", ".join(f"{w.worker} ({w.slowness:.2f} x)" for w in chronic[:10])
        more = f" and {len(chronic) - 10} more" if len(chronic) > 10 else ""
        remarks.append(f"slow all the time: worker {named}{more}; give them less work")
    if not agrees:
        remarks.append(f"until everybody is done takes {slowest[0]:.4g} s; the model says {slowest[1]:.4g} s")
    if correlation > CORRELATED:
        remarks.append(f"workers are slow together (correlation {correlation:.2f} within rounds), which no code helps")
    if failures.probability > 0.0:
        late = f"late by {failures.recovery:.3g} s" if math.isfinite(failures.recovery) else "never there"
        remarks.append(f"{failures.probability:.2%} of the answers are failures, {late}")
    return remarks
