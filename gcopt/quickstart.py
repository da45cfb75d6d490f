"""The whole flow on two real clusters: fit or read, design, verify, export, train, and a picture of what was gained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import numpy as np

import gcopt
from gcopt.cluster import Cluster, Failures
from gcopt.code import GradientCode
from gcopt.designer import Design, design
from gcopt.errors import InputError
from gcopt.files import export, export_placement, save
from gcopt.fitting import fit
from gcopt.pictures import plot_losses
from gcopt.simulation import simulate
from gcopt.verification import verify

ITERATIONS = 50
Tell = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Run:
    """One training run on the virtual engine.

    Attributes
    ----------
    code : str
        Family of the code, and whether loads follow the speeds.
    seconds_per_iteration : float
        Mean simulated seconds.
    seconds_to_loss : float
        Until the loss that both runs reach.
    loss, auc : float
        At the end.
    """

    code: str
    seconds_per_iteration: float
    seconds_to_loss: float
    loss: float
    auc: float


@dataclass(frozen=True, eq=False)
class Tried:
    """A cluster, the code found for it, and what it gained.

    Attributes
    ----------
    name, about : str
    design : Design
    verified : bool
    uncoded, coded : Run
    curves : list of (label, seconds, losses)
    calm_gain : float or None
        Gain of the same code if nothing ever stalled; None on a cluster without stalls.
    files : list of str
    """

    name: str
    about: str
    design: Design
    verified: bool
    uncoded: Run
    coded: Run
    curves: list[tuple[str, list[float], list[float]]]
    calm_gain: float | None
    files: list[str]

    @property
    def speedup(self) -> float:
        """Time to the same loss, uncoded over designed."""
        return self.uncoded.seconds_to_loss / self.coded.seconds_to_loss

    def to_dict(self) -> dict[str, Any]:
        """Return an entry of ``gcopt quickstart --json``."""
        found = self.design.to_dict()
        kept = ("family", "parameters", "value", "stderr", "bound", "gain", "advice")
        return {
            "name": self.name,
            "about": self.about,
            **{key: found[key] for key in kept},
            "load": self.design.best.code.load,
            "stragglers": self.design.best.code.stragglers,
            "verified": self.verified,
            "speedup": self.speedup,
            "gain_without_stalls": self.calm_gain,
            "uncoded": asdict(self.uncoded),
            "designed": asdict(self.coded),
            "files": self.files,
        }


def quickstart(folder: Path, *, seed: int = 0, iterations: int = ITERATIONS, tell: Tell | None = None) -> list[Tried]:
    """Run the whole flow on the two shipped clusters and leave everything in a folder.

    Parameters
    ----------
    folder : Path
        Made if it does not exist; files of an earlier run are replaced.
    seed : int
    iterations : int
        Full-batch accelerated gradient steps of each training run.
    tell : callable, optional
        Called with (steps done, steps in all, what comes now).

    Raises
    ------
    InputError
        If the folder cannot be made.
    """
    from gcopt.training.data import load_flights
    from gcopt.training.problems import make_problem

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot make this folder ({error.strerror})") from None
    say = tell or (lambda done, total, what: None)
    say(0, 5, "reading 327,346 flights")
    flights = load_flights()
    problem = make_problem("logistic", flights.X, flights.y, rng=seed)
    problem.compile()
    tried = []
    for i, (name, about, read) in enumerate(_CLUSTERS):
        say(1 + 2 * i, 5, f"{name}: reading and designing")
        cluster = read(folder)
        found = design(cluster, rng=seed)
        say(2 + 2 * i, 5, f"{name}: verifying, exporting, training")
        tried.append(_try(name, about, cluster, found, problem, folder, seed=seed, iterations=iterations))
    plot_losses([(one.about, one.curves) for one in tried], folder / "loss-against-time.png")
    return tried


def _language_model(folder: Path) -> Cluster:
    """Fit the log of the job with one slow worker."""
    place = resources("gcopt") / "data" / "bytedance_llm_step_compute.npz"
    found = fit(f"{place}:AR_step_rank_compute")
    found.cluster.save(folder / "language-model-16.toml")
    return found.cluster


def _serverless(folder: Path) -> Cluster:
    cluster = Cluster.load(str(resources("gcopt") / "data" / "serverless-256.toml"))
    cluster.save(folder / "serverless-256.toml")
    return cluster


_CLUSTERS: list[tuple[str, str, Callable[[Path], Cluster]]] = [
    ("language-model-16", "16 GPUs training a language model, one slow", _language_model),
    ("serverless-256", "256 serverless workers", _serverless),
]


def _try(
    name: str,
    about: str,
    cluster: Cluster,
    found: Design,
    problem: Any,
    folder: Path,
    *,
    seed: int,
    iterations: int,
) -> Tried:
    code = found.best.code
    report = verify(code, rng=seed)
    written = [save(code, folder / f"{name}.npz"), export(code, folder / f"{name}-matrix", format="mtx")]
    if len(code.segments) == 1:
        written[1] = written[1].rename(folder / f"{name}.mtx")
    written.append(export_placement(code, folder / f"{name}-placement.json", samples=problem.samples))
    plain = gcopt.families.uncoded(cluster.workers)
    results = [
        gcopt.train(
            one,
            problem,
            engine="virtual",
            cluster=cluster,
            iterations=iterations,
            optimizer="nesterov",
            rng=seed,
        )
        for one in (plain, code)
    ]
    target = max(min(result.loss) for result in results)
    weighted = code.family == "uncoded" and "speeds" in code.parameters
    labels = ("uncoded", "uncoded, loads by speed" if weighted else code.family)
    runs = [_run(label, result, target) for label, result in zip(labels, results, strict=True)]
    return Tried(
        name=name,
        about=about,
        design=found,
        verified=report.ok and any(check.status == "proved" for check in report.checks),
        uncoded=runs[0],
        coded=runs[1],
        curves=[(label, result.time, result.loss) for label, result in zip(labels, results, strict=True)],
        calm_gain=_calm_gain(cluster, code, seed),
        files=[path.name for path in written],
    )


def _run(label: str, result: Any, target: float) -> Run:
    reached = int(np.argmax(np.asarray(result.loss) <= target * (1 + 1e-9)))
    return Run(
        code=label,
        seconds_per_iteration=result.seconds / result.iterations,
        seconds_to_loss=result.time[reached],
        loss=result.final["loss"],
        auc=result.final["auc"],
    )


def _calm_gain(cluster: Cluster, code: GradientCode, seed: int) -> float | None:
    if cluster.failures.probability == 0:
        return None
    calm = cluster.replace(failures=Failures())
    uncoded, coded = (
        simulate(one, calm, iterations=4000, rng=seed).mean for one in (gcopt.families.uncoded(code.workers), code)
    )
    return uncoded / coded
