"""What a run leaves: how the loss fell, who was slow, what failed, whether the cluster is still as described."""

from __future__ import annotations

from array import array
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gcopt.training.debias import Estimate
from gcopt.training.events import Failure, Message
from gcopt.training.traffic import Traffic
from gcopt.waiting import TIES

if TYPE_CHECKING:
    from gcopt.cluster import Cluster
    from gcopt.training.policy import Policy

_TOLERATED = 0.2
_DRAWS = 1000


@dataclass(frozen=True)
class Drift:
    """Observed and predicted time of an iteration.

    Attributes
    ----------
    observed, observed_stderr : float
        Mean seconds of the iterations of this run, and its standard error.
    predicted, predicted_stderr : float
        The same from simulating the code on the cluster.
    drifted : bool
        They differ by more than 20 % and by more than three standard errors.
    verdict : str
        The same in a sentence.
    """

    observed: float
    observed_stderr: float
    predicted: float
    predicted_stderr: float
    drifted: bool
    verdict: str


def drift(policy: Policy, cluster: Cluster, durations: list[float], seed: int) -> Drift | None:
    """Compare a run with its cluster; None when there is too little to compare.

    Examples
    --------
    >>> import gcopt
    >>> from gcopt.delays import Delay
    >>> from gcopt.training.policy import Policy
    >>> cluster = gcopt.Cluster(2, Delay("exponential", {"rate": 1.0}))
    >>> drift(Policy(gcopt.families.uncoded(2)), cluster, [3.0, 3.1, 3.0, 2.9], seed=0).drifted
    True
    """
    if len(durations) < 2:
        return None
    mean, stderr = policy.predict(cluster, _DRAWS, seed)
    if not np.isfinite(mean):
        return None
    observed = float(np.mean(durations))
    error = float(np.std(durations, ddof=1) / np.sqrt(len(durations)))
    difference = observed - mean
    sure = abs(difference) > 3.0 * float(np.hypot(error, stderr))
    drifted = bool(sure and abs(difference) > _TOLERATED * mean)
    figures = f"{observed:.4g} s per iteration, {mean:.4g} s predicted"
    verdict = f"{figures}: the cluster has changed, fit again" if drifted else f"{figures}: as predicted"
    return Drift(observed, error, mean, stderr, drifted, verdict)


@dataclass(frozen=True)
class WorkerSummary:
    """How one worker did.

    Attributes
    ----------
    worker : int
    answers : int
        Whole answers it gave since the start or the resumption, those that came too late included.
    used : int
        Iterations of the whole run in which some message of it was used.
    median, p95 : float or None
        Seconds of computing for a whole answer, measured on the worker; None where it never gave one.
    """

    worker: int
    answers: int
    used: int
    median: float | None
    p95: float | None


class Watch:
    """Takes note of the workers' computing times during a run, and of how many messages there were of each segment."""

    def __init__(self, workers: int, segments: int) -> None:
        self._last = segments - 1
        self.messages = [0] * segments
        self._seconds = [array("d") for _ in range(workers)]

    def heard(self, message: Message) -> None:
        """Take note of a message."""
        self.messages[message.segment] += 1
        if message.segment == self._last:
            self._seconds[message.worker].append(message.seconds)

    def table(self, responders: NDArray[np.bool_]) -> list[WorkerSummary]:
        """Return one row per worker, given whose messages were used, shape (iterations, segments, n)."""
        rows = []
        counts = responders.any(axis=1).sum(axis=0).tolist()
        for worker, (seconds, used) in enumerate(zip(self._seconds, counts, strict=True)):
            middle, high = np.quantile(seconds, [0.5, 0.95]).tolist() if seconds else (None, None)
            rows.append(WorkerSummary(worker, len(seconds), used, middle, high))
        return rows


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """Outcome of a run.

    Attributes
    ----------
    engine : str
    iterations : int
        Steps done, those before a resumption included.
    seconds : float
        Training time; simulated on the virtual engine. Evaluating the loss does not count.
    evaluated, loss, time : list
        After how many steps the loss was evaluated, what it was, and the training time by then.
    decode_seconds : float
        Real time spent on finding decoding coefficients.
    stragglers_ignored : int
        Answers no step used, one per worker and iteration.
    late : int
        Messages that came too late and were dropped.
    traffic : Traffic
        Messages and bytes that reached the master since the start or the resumption.
    compressor : str or None
        What was done to messages.
    saturated : int
        Coordinates that were too large for what the compressor can express, and so were sent smaller than they are.
    failures : list of Failure
    final : dict
        Loss and what the problem measures (accuracy, ...).
    parameters : array, shape (d,)
    responders : bool array, shape (iterations, segments, n)
        Whose messages each iteration used; ``replay=`` takes it.
    durations : list of float
        Seconds of each iteration.
    errors : array, shape (iterations, segments)
        Decoding error of each iteration relative to m k, 0 where exact.
    estimate : Estimate
        What the decoded gradients were estimates of, on average.
    tolerate : float or None
        The largest relative decoding error that was asked for.
    shares : array, shape (segments,)
        How much of the gradient each segment is.
    drift : Drift or None
        Comparison with the cluster, if there was one.
    workers : list of WorkerSummary
    seed : int
    code, problem : str
        What was run.
    """

    engine: str
    iterations: int
    seconds: float
    evaluated: list[int]
    loss: list[float]
    time: list[float]
    decode_seconds: float
    stragglers_ignored: int
    late: int
    traffic: Traffic
    compressor: str | None
    saturated: int
    failures: list[Failure]
    final: dict[str, float]
    parameters: NDArray[np.float64] = field(repr=False)
    responders: NDArray[np.bool_] = field(repr=False)
    durations: list[float] = field(repr=False)
    errors: NDArray[np.float64] = field(repr=False)
    estimate: Estimate
    tolerate: float | None
    shares: NDArray[np.float64] = field(repr=False)
    drift: Drift | None
    workers: list[WorkerSummary] = field(repr=False)
    seed: int
    code: str
    problem: str

    @property
    def bytes_received(self) -> int:
        """Bytes of all messages that reached the master since the start or the resumption, see `Traffic`."""
        return self.traffic.received

    @property
    def bytes_per_message(self) -> float:
        """Bytes of a message, on average."""
        return self.traffic.per_message

    @property
    def error(self) -> dict[str, float]:
        """Mean and largest relative decoding error of an iteration; segments count by their lengths."""
        whole = self.errors @ self.shares
        return {"mean": float(whole.mean()), "max": float(whole.max())} if whole.size else {"mean": 0.0, "max": 0.0}

    @property
    def beyond(self) -> int:
        """Iterations in which all answers that came did not reach ``tolerate``."""
        return 0 if self.tolerate is None else int((self.errors > self.tolerate * (1.0 + TIES)).any(axis=1).sum())

    def _compression(self) -> dict[str, Any] | None:
        if self.compressor is None:
            return None
        return {"compressor": self.compressor, "saved": self.traffic.saved, "saturated": self.saturated}

    def to_dict(self) -> dict[str, Any]:
        """Return what ``gcopt train --json`` prints."""
        return {
            "schema": "gcopt.train/1",
            "engine": self.engine,
            "code": self.code,
            "problem": self.problem,
            "iterations": self.iterations,
            "seconds": self.seconds,
            "evaluated": self.evaluated,
            "loss": self.loss,
            "time": self.time,
            "decode_seconds": self.decode_seconds,
            "error": {**self.error, "beyond": self.beyond},
            "estimate": self.estimate.to_dict(),
            "stragglers_ignored": self.stragglers_ignored,
            "late": self.late,
            "bytes": self.traffic.to_dict(),
            "compression": self._compression(),
            "failures": [asdict(failure) for failure in self.failures],
            "final": self.final,
            "drift": None if self.drift is None else asdict(self.drift),
            "workers": [asdict(row) for row in self.workers],
            "seed": self.seed,
        }
