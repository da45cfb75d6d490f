"""Small problems and codes for the tests of the engines; worker processes import this module too."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gcopt
from gcopt.code import GradientCode, Segment
from gcopt.training.problems import FunctionProblem, Logistic
from gcopt.training.worker import Worker

_draw = np.random.default_rng(0)
X = _draw.standard_normal((301, 11))
Y = (X @ _draw.standard_normal(11) + _draw.standard_normal(301) > 0).astype(float)

_IMPORTED_BY = os.getpid()


def logistic() -> Logistic:
    return Logistic(X, Y, regularization=1e-2)


class Spoiling(Logistic):
    """The gradient of row 230 is NaN at parameters that are small, as after a step, but not 0."""

    bad = float("nan")

    def gradient(self, w, windows, coefficients):
        found = super().gradient(w, windows, coefficients)
        if 0.0 < np.abs(w).max() < 0.1 and any(start <= 230 < stop for start, stop in windows.tolist()):
            found[0] = self.bad
        return found


class Huge(Spoiling):
    """Likewise, and it is finite but beyond single precision."""

    bad = 1e60


def codes() -> dict[str, GradientCode]:
    return {
        "fractional": gcopt.families.fractional_repetition(6, 2),
        "grouped": gcopt.families.grouped(7, 2, rng=0),
        "cyclic": gcopt.families.cyclic_repetition(6, 2, rng=0),
        "complex": gcopt.families.cyclic_mds(6, 2),
        "two-stage": gcopt.families.two_stage(6, 2, alpha=2.0, rng=0),
        "blocks": blocks(),
    }


def blocks() -> GradientCode:
    """Messages half as long that need every worker, cut into three pieces of uneven lengths."""
    draw = np.random.default_rng(1)
    segments = [Segment(draw.standard_normal((6, 6)), blocks=2, length=share) for share in (0.5, 0.3, 0.2)]
    return GradientCode(tuple(segments))


def descent(iterations: int, step: float) -> NDArray[Any]:
    """Gradient descent with numpy alone."""
    w = np.zeros(X.shape[1])
    for _ in range(iterations):
        w -= step * (X.T @ (1 / (1 + np.exp(-X @ w)) - Y) / len(X) + 1e-2 * w)
    return w


def gradient(w: NDArray[Any], rows: slice) -> NDArray[Any]:
    return X[rows].T @ (X[rows] @ w - Y[rows])


def loss(w: NDArray[Any], rows: slice) -> float:
    return float(0.5 * np.sum((X[rows] @ w - Y[rows]) ** 2))


def broken_in_workers(w: NDArray[Any], rows: slice) -> NDArray[Any]:
    if os.getpid() != _IMPORTED_BY:
        raise ZeroDivisionError("a bug of the user's")
    return gradient(w, rows)


_calls = 0


def stuck_after_one(w: NDArray[Any], rows: slice) -> NDArray[Any]:
    """In a worker, the second call never returns."""
    global _calls
    if os.getpid() != _IMPORTED_BY:
        _calls += 1
        if _calls > 1:
            time.sleep(3600.0)
    return gradient(w, rows)


def function(which: Any = gradient) -> FunctionProblem:
    return FunctionProblem(which, loss, len(X), X.shape[1])


class Stillborn(Worker):
    """One of the workers dies before it is ready."""

    def run(self) -> None:
        if self.number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        super().run()
