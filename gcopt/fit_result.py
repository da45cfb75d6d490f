"""What a fit found: the cluster, the models in order, the workers one by one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gcopt.cluster import Cluster
from gcopt.estimation import Candidate
from gcopt.workers import WorkerReport


@dataclass(frozen=True)
class Fit:
    """A cluster fitted to timing logs, and what the logs say.

    Attributes
    ----------
    cluster : Cluster
        With the best model, or with the log itself as a trace if none fits.
    ranking : tuple of Candidate
        Models of the time per unit of work (the whole job), best first.
    overhead : tuple of Candidate
        Models of the overhead, best first; empty without a log at load 0.
    fits_well : bool
        Whether the best models may stand in for the logs, see `fit`.
    threshold : float
        The Kolmogorov distance that was allowed.
    slowest : tuple of float
        Mean seconds until all workers are done in the log at the largest load: measured, and by the best model.
    workers : tuple of WorkerReport
        Per worker, from the log at the largest load.
    correlation : float
        Of times within a round, 0 to 1; independent workers have 0.
    rounds : int
        Of all logs.
    loads : tuple of float
        At which they were taken.
    notes : tuple of str
        What a person should know, in sentences.
    """

    cluster: Cluster
    ranking: tuple[Candidate, ...]
    overhead: tuple[Candidate, ...]
    fits_well: bool
    threshold: float
    slowest: tuple[float, float]
    workers: tuple[WorkerReport, ...]
    correlation: float
    rounds: int
    loads: tuple[float, ...]
    notes: tuple[str, ...]

    def summary(self) -> dict[str, list[tuple[str, ...]]]:
        """Return tables as rows of text, the first being the header: models, overhead if there is one, workers."""
        tables = {"models": _model_rows(self.ranking)}
        if self.overhead:
            tables["overhead"] = _model_rows(self.overhead)
        header = ("worker", "median s", "p95 s", "late", "rank", "slowness", "verdict")
        rows = [
            (
                str(w.worker),
                f"{w.median:.4g}",
                f"{w.p95:.4g}",
                f"{w.late:.1%}",
                f"{w.rank:.2f}",
                f"{w.slowness:.3g}",
                w.verdict,
            )
            for w in self.workers
        ]
        return {**tables, "workers": [header, *rows]}

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold (no infinities)."""
        return {
            "workers": self.cluster.workers,
            "rounds": self.rounds,
            "loads": list(self.loads),
            "fits_well": self.fits_well,
            "threshold": self.threshold,
            "models": [candidate.to_dict() for candidate in self.ranking],
            "overhead": [candidate.to_dict() for candidate in self.overhead],
            "slowest": {"measured": _finite(self.slowest[0]), "predicted": _finite(self.slowest[1])},
            "correlation": self.correlation,
            "failures": {
                "probability": self.cluster.failures.probability,
                "recovery": _finite(self.cluster.failures.recovery),
            },
            "per_worker": [worker.to_dict() for worker in self.workers],
            "notes": list(self.notes),
        }


def _model_rows(ranking: Sequence[Candidate]) -> list[tuple[str, ...]]:
    rows = [
        (
            c.delay.model,
            ", ".join(f"{name} = {value:.4g}" for name, value in c.delay.parameters.items()),
            f"{c.distance:.3f}",
        )
        for c in ranking
    ]
    return [("model", "parameters", "distance"), *rows]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
