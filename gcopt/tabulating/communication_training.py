"""Do shorter messages cost steps? Loss against iterations of biased, scaled and debiased updates from many starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import gcopt
from gcopt.cluster import Cluster, Failures
from gcopt.code import GradientCode
from gcopt.delays import Delay
from gcopt.families import FAMILIES
from gcopt.tabulating.communication_training_views import draw, sections
from gcopt.tabulating.table import Row, Table, significant
from gcopt.tabulating.training import flights
from gcopt.training import TrainingResult
from gcopt.training.problems import Problem

PROBABILITY = 0.25
BLOCKS = 2

_CURVE = 20  # iterations between two points of a curve
_SECOND = 1.0
_PATIENT = 10 * _SECOND


@dataclass(frozen=True)
class Update:
    """How the gradient is estimated.

    Attributes
    ----------
    label : str
    family : str
    settings : mapping
        Beyond the assignment, the blocks and the stragglers.
    debias : bool
    signed : bool
        Whether it takes the epsilon of the setting.
    """

    label: str
    family: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    debias: bool = False
    signed: bool = False


UPDATES = (
    Update("stacked, as decoded", "stacked"),
    Update("stacked, debiased", "stacked", debias=True),
    Update("random signs, as decoded", "random-signs", {"rng": 0}, signed=True),
    Update("random signs, debiased", "random-signs", {"rng": 0}, debias=True, signed=True),
    Update("random signs, scaled", "random-signs", {"rng": 0, "decoder": "scaled"}, signed=True),
    Update(
        "random signs, added up",
        "random-signs",
        {"rng": 0, "decoder": "sum", "probability": PROBABILITY},
        signed=True,
    ),
)
FRAME = Update("tight frame, debiased", "tight-frame", debias=True)


@dataclass(frozen=True)
class Setting:
    """An assignment and a problem.

    Attributes
    ----------
    problem : str
    make : callable
        Takes the number of a start and returns the problem.
    assignment : mapping
        The recipe of the assignment.
    workers : int
    step : float or None
        Of gradient descent, for all updates alike; None: that of the problem.
    starts : int
    epsilon : float
        Of random signs.
    updates : sequence of Update
    """

    problem: str
    make: Callable[[int], Problem]
    assignment: Mapping[str, Any]
    workers: int
    step: float | None
    starts: int = 20
    epsilon: float = 0.0
    updates: Sequence[Update] = UPDATES

    def runs(self, seed: int, iterations: int) -> Iterator[tuple[str, list[TrainingResult]]]:
        """Yield the runs of every update from every start; first those that wait for everybody."""
        problems = [self.make(start) for start in range(self.starts)]
        whole = Update("everybody answers, m = 1", "uncoded"), FAMILIES["uncoded"](self.workers)
        alone = Update("ignored stragglers, m = 1", "ignore-stragglers"), FAMILIES["ignore-stragglers"](self.workers, 1)
        coded = [(update, self._code(update)) for update in self.updates]
        for update, code in (whole, alone, *coded):
            chance = 0.0 if update.family == "uncoded" else PROBABILITY
            yield (
                update.label,
                [
                    self._run(problem, code, update.debias, chance, seed + i, iterations)
                    for i, problem in enumerate(problems)
                ],
            )

    def _code(self, update: Update) -> GradientCode:
        settings = {**update.settings, **({"epsilon": self.epsilon} if update.signed else {})}
        return FAMILIES[update.family](assignment=self.assignment, blocks=BLOCKS, stragglers=1, **settings)

    def _run(
        self, problem: Problem, code: GradientCode, debias: bool, chance: float, seed: int, iterations: int
    ) -> TrainingResult:
        """Train on workers that take a second for everything, or straggle for good in this iteration."""
        delay, failures = Delay("deterministic", {"value": _SECOND}), Failures(chance, np.inf, 0.0)
        return gcopt.train(
            code,
            problem,
            engine="virtual",
            cluster=Cluster(code.workers, delay, failures=failures),
            wait="deadline",
            deadline=_PATIENT,
            iterations=iterations,
            step=self.step,
            debias=debias,
            probability=chance if debias else None,
            evaluate_every=_CURVE,
            rng=seed,
        )


def digits(start: int) -> Problem:
    """Return the perceptron 64-128-10 on scikit-learn's digits, from one of many starts."""
    from gcopt.training.data import load_digits
    from gcopt.training.problems import Multilayer

    data = load_digits()
    problem = Multilayer(data.X, data.y, hidden=128, seed=0, rng=start)
    problem.compile()
    return problem


class _Flights:
    """Logistic regression on flights, made once: all its starts are 0, and only stragglers differ."""

    def __init__(self) -> None:
        self._made: Problem | None = None

    def __call__(self, start: int) -> Problem:
        self._made = self._made or flights()
        return self._made


FANO = {"family": "projective-plane", "order": 2, "stragglers": 1}
COSETS = {"family": "coset-graph", "partitions": 27, "copies": 2, "load": 5, "stragglers": 1}
SETTINGS = (
    Setting("digits", digits, FANO, 7, 0.5),
    Setting("digits", digits, COSETS, 54, 0.5, epsilon=0.1, updates=(*UPDATES, FRAME)),
    Setting("flights", _Flights(), FANO, 7, None, starts=5),
    Setting("flights", _Flights(), COSETS, 54, None, starts=5, epsilon=0.1, updates=(*UPDATES, FRAME)),
)


def communication_training(
    seed: int = 0, settings: Sequence[Setting] = SETTINGS, iterations: int = 300
) -> Iterator[Row]:
    """Yield a row per setting and update: where the loss is, from many starts.

    Parameters
    ----------
    seed : int
        Of the stragglers.
    settings : sequence of Setting
    iterations : int
    """
    for one in settings:
        for label, runs in one.runs(seed, iterations):
            about = {"problem": one.problem, "assignment": str(one.assignment["family"]), "update": label}
            yield {**about, **_row(runs)}


def _row(runs: Sequence[TrainingResult]) -> Row:
    losses, last = np.array([run.loss for run in runs]), np.array([run.loss[-1] for run in runs])
    first, middle = runs[0], losses.shape[1] // 3
    spread = last.std(ddof=1) if len(runs) > 1 else 0.0
    return {
        "loss after a third": significant(float(losses[:, middle].mean()), 4),
        "loss": significant(float(last.mean()), 4),
        "+-": significant(float(spread), 1),
        "accuracy %": significant(100 * float(np.mean([run.final["accuracy"] for run in runs])), 4),
        "error / m k": significant(float(np.mean([run.error["mean"] for run in runs])), 3),
        "factor": significant(float(np.mean([run.estimate.factor for run in runs])), 3),
        "kB / step": significant(float(np.mean([r.bytes_received / r.iterations / 1000 for r in runs])), 4),
        "steps": " ".join(str(step) for step in first.evaluated),
        "losses": " ".join(significant(float(value), 4) for value in losses.mean(axis=0)),
    }


TABLE = Table(
    "communication-training",
    "Do shorter messages cost steps?",
    "The setting of Munim & Ramamoorthy 2026, Figure 6, on data that can be had: every worker straggles in every "
    "iteration with probability 1/4, messages are half as long (m = 2), 300 steps of gradient descent with the same "
    "step size for all; means of all starts (+-: their standard deviation). digits: a perceptron 64-128-10 on "
    "scikit-learn's digits (MNIST cannot come along: no reproduction), from 20 random initialisations. flights: "
    "logistic regression on every tenth of the flights that come along, five times from 0, with other stragglers. As "
    "decoded: the least-squares estimate, which is too small on average, by the factor; debiased: divided by what that "
    "is expected to be; scaled and added up: unbiased fixed decoders. kB / step: what reaches the master.",
    communication_training,
    sections,
    draw,
    keys=3,
)
