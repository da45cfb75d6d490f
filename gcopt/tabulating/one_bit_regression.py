"""Linear regression with compressed messages: how far from the solution, and how far theory says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.code import GradientCode
from gcopt.convergence import second_moment
from gcopt.solvers.seeding import generator
from gcopt.tabulating.one_bit_runs import GOALS, MARKS, UNCODED, WORKERS, Curve, empty_row, make_code, run
from gcopt.tabulating.table import Row, significant
from gcopt.training.problems import LeastSquares

STEP = 0.05
EVERY = 20  # iterations between two points of a curve
_FEATURES, _ROWS = 50, 1000

Floats = NDArray[np.float64]

COMPRESSORS = (
    "none",
    "float16",
    "bfloat16",
    "dither1:norm",
    "dither1:norm,subtractive",
    "dither1:max",
    "dither1:max,subtractive",
    "dither1:max,subtractive,block=16",
    "two-level",
    "rotate+dither1:max,subtractive",
    "random:5",
    "sign",
    "feedback+sign",
    "feedback+top:5",
)
PREDICTED = ("none", "dither1:norm", "dither1:norm,subtractive")
BASELINES = ("none", "dither1:max", "dither1:max,subtractive", "sign", "feedback+sign")


class Regression(LeastSquares):
    """Least squares whose ``loss`` is the relative squared distance |w - w*|^2 / |w*|^2 from the solution w*."""

    def _restore(self, *args: Any) -> None:
        super()._restore(*args)
        X = self.rows.arrays()["x"]
        self.solution: Floats = np.linalg.lstsq(X, self.y, rcond=None)[0]

    def loss(self, w: Floats) -> float:
        """Return the distance; 1 at 0, where runs start."""
        return float(np.sum((w - self.solution) ** 2) / np.sum(self.solution**2))


def regression(seed: int = 0) -> Regression:
    """Return 1000 standard normal rows of 50 features, labels x.w + noise with w and the noise standard normal too.

    The curvature is between 0.6 and 1.5, so that steps of 0.05 are well below what uncompressed gradients bear; the
    noise keeps the gradients of the partitions from being zero at the solution.
    """
    rng = generator(seed)
    X = rng.standard_normal((_ROWS, _FEATURES))
    return Regression(X, X @ rng.standard_normal(_FEATURES) + rng.standard_normal(_ROWS))


@dataclass(frozen=True)
class Setting:
    """How often workers straggle and what they hold.

    Attributes
    ----------
    code : str
    probability : float
    replication : int
    compressors : sequence of str
    """

    code: str
    probability: float
    replication: int
    compressors: Sequence[str] = COMPRESSORS


SETTINGS = tuple(
    setting
    for p in (0.1, 0.5)
    for setting in (
        Setting(UNCODED, p, 1, BASELINES),
        *(Setting("random", p, d) for d in (1, 5, WORKERS)),
    )
)


def rows(
    seed: int,
    settings: Sequence[Setting] = SETTINGS,
    starts: int = 4,
    marks: Sequence[int] = MARKS,
    *,
    problem: Regression | None = None,
    step: float = STEP,
) -> Iterator[Row]:
    """Yield a row per setting and compressor; every start has its own stragglers and dither."""
    problem = regression() if problem is None else problem
    for one in settings:
        code = make_code(one.code, one.replication, one.probability, seed)
        for word in one.compressors:
            results = [
                run(code, problem, one.probability, word, step, max(marks), EVERY, seed + i) for i in range(starts)
            ]
            about = {"experiment": "regression", "code": one.code, "p": str(one.probability)}
            about |= {"d": str(one.replication), "compressor": word, "step": str(step), "starts": str(starts)}
            about["bytes / message"] = f"{results[0].traffic.per_message:.0f}"
            cells = _cells([Curve.of(result) for result in results], marks)
            exact = _exact(problem, code, one.probability, word, marks, step)
            yield {**empty_row(marks), **about, **cells, **exact}


def _cells(curves: Sequence[Curve], marks: Sequence[int]) -> Row:
    whole = Curve.mean(curves)
    row = {"kB / step": significant(whole.kilobytes[-1] / whole.steps[-1], 4)}
    row["kB in all"] = significant(whole.kilobytes[-1], 4)
    for mark in marks:
        found = np.array([curve.at(mark) for curve in curves])
        row[f"after {mark}"] = f"{found.mean():.3g}"
        row[f"+- {mark}"] = f"{found.std(ddof=1) / np.sqrt(found.size):.2g}"
    for name, goal in GOALS.items():
        reached = whole.reach(goal)[1]
        row[name] = "never" if reached == np.inf else significant(reached, 3)
    row["steps"] = " ".join(str(step) for step in whole.steps)
    row["curve"] = " ".join(f"{value:.4g}" for value in whole.values)
    return row


def _exact(problem: Regression, code: GradientCode, p: float, word: str, marks: Sequence[int], step: float) -> Row:
    """Return what theory says where it says something."""
    if word not in PREDICTED:
        return {}
    X, y = problem.rows.arrays()["x"], problem.y
    parts = list(zip(np.split(X, code.partitions), np.split(y, code.partitions), strict=True))
    hessians = np.array([x.T @ x for x, _ in parts]) / len(X)
    linear = np.array([x.T @ labels for x, labels in parts]) / len(X)
    moments = second_moment(code, hessians, linear, probability=p, step=step, iterations=max(marks), compressor=word)
    found = moments.distance[list(marks)] / moments.distance[0]
    return {f"exact {mark}": f"{value:.3g}" for mark, value in zip(marks, found, strict=True)}
