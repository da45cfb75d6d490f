"""What all runs with compressed messages share: workers that straggle by chance, and curves with their bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import gcopt
from gcopt.cluster import Cluster, Failures
from gcopt.code import GradientCode
from gcopt.delays import Delay
from gcopt.families import FAMILIES
from gcopt.training import TrainingResult
from gcopt.training.problems import Problem

WORKERS = 20
UNCODED = "uncoded"
MARKS = (100, 500, 1500)  # iterations after which errors are shown
GOALS = {"kB to 1e-2": 1e-2, "kB to 1e-4": 1e-4}

_SECOND = 1.0
_PATIENT = 10 * _SECOND


def empty_row(marks: Sequence[int] = MARKS) -> dict[str, str]:
    """Return a row whose cells are all empty, so that both parts of the table have the same columns."""
    about = ("experiment", "code", "p", "d", "compressor", "step", "starts", "bytes / message", "kB / step")
    errors = [f"{name} {mark}" for mark in marks for name in ("after", "+-", "exact")]
    goals = ("loss after 200", "steps to goal", "+- steps", "kB to goal", "times fewer", "than float32")
    return dict.fromkeys([*about, *errors, *GOALS, *goals, "kB in all", "steps", "curve"], "")


def make_code(name: str, replication: int, probability: float, seed: int) -> GradientCode:
    """Return stochastic gradient coding with copies at random, or no coding at all; both add up what arrives."""
    if name == UNCODED:
        return FAMILIES["one-bit"](WORKERS, probability, 1, allocation="cyclic", compressor="none")
    return FAMILIES["pairwise-balanced"](WORKERS, replication, probability, rng=seed)


def run(
    code: GradientCode,
    problem: Problem,
    probability: float,
    compressor: str,
    step: float,
    iterations: int,
    every: int,
    seed: int,
) -> TrainingResult:
    """Train on workers that straggle in every iteration independently, while everybody else is waited for."""
    cluster = Cluster(WORKERS, Delay("deterministic", {"value": _SECOND}), failures=Failures(probability, np.inf, 0.0))
    return gcopt.train(
        code,
        problem,
        engine="virtual",
        cluster=cluster,
        wait="deadline",
        deadline=_PATIENT,
        iterations=iterations,
        compress=compressor,
        step=step,
        evaluate_every=every,
        rng=seed,
    )


@dataclass(frozen=True)
class Curve:
    """A loss or an error against iterations and bytes.

    Attributes
    ----------
    steps : int array, shape (points,)
        Iterations.
    values : array, shape (points,)
    kilobytes : array, shape (points,)
        That had reached the master by then.
    """

    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    kilobytes: NDArray[np.float64]

    @classmethod
    def of(cls, result: TrainingResult) -> Curve:
        """Return the curve of a run."""
        answers = np.concatenate([[0], np.cumsum(result.responders.sum(axis=(1, 2)))])
        steps = np.array(result.evaluated)
        return cls(steps, np.array(result.loss), answers[steps] * result.traffic.per_message / 1000)

    @classmethod
    def mean(cls, curves: Sequence[Curve]) -> Curve:
        """Return the mean of curves over the same iterations."""
        values, sizes = ([getattr(one, name) for one in curves] for name in ("values", "kilobytes"))
        return cls(curves[0].steps, np.mean(values, axis=0), np.mean(sizes, axis=0))

    def at(self, step: int) -> float:
        """Return the value after so many iterations, which must have been evaluated."""
        (place,) = np.flatnonzero(self.steps == step)
        return float(self.values[place])

    def reach(self, goal: float) -> tuple[float, float]:
        """Return after how many iterations, and kilobytes, the value first is at a goal; infinity if never.

        Between two points its logarithm is taken to be straight.

        Examples
        --------
        >>> curve = Curve(np.array([0, 10, 20]), np.array([1.0, 0.1, 0.001]), np.array([0.0, 5.0, 10.0]))
        >>> curve.reach(0.01), curve.reach(1e-4)
        ((15.0, 7.5), (inf, inf))
        """
        below = np.flatnonzero(self.values <= goal)
        if not below.size:
            return np.inf, np.inf
        after = int(below[0])
        if not after:
            return float(self.steps[0]), float(self.kilobytes[0])
        high, low = np.log(self.values[[after - 1, after]])
        share = (high - np.log(goal)) / (high - low)
        steps, sizes = ((1 - share) * x[after - 1] + share * x[after] for x in (self.steps, self.kilobytes))
        return float(steps), float(sizes)
