"""The mean squared error of least squares with coded, quantised gradients: a recursion that is exact."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from gcopt.code import GradientCode
from gcopt.training.problems import LeastSquares

Floats = NDArray[np.float64]

# sum_i E C_i given S = sum_i E g_i g_i', for messages Q(g_i) of covariance C_i given g_i
NOISES: dict[str, Callable[[Floats], Floats]] = {
    "none": np.zeros_like,
    "dither1:norm": lambda S: np.trace(S) * np.eye(len(S)) - np.diag(np.diag(S)),
    "dither1:norm,subtractive": lambda S: np.trace(S) / 3.0 * np.eye(len(S)),
}


def predicted(
    problem: LeastSquares, code: GradientCode, p: float, word: str, marks: Sequence[int], step: float
) -> list[float]:
    """Return E |w - w*|^2 / |w*|^2 after so many steps from 0.

    With e = w - w* and z = (e, 1), worker i sends the linear function g_i = G_i z, so that moments of first and second
    order are enough: E e e' becomes B Z B' + step^2 sum_i (p (1 - p) G_i Z G_i' + (1 - p) C_i), where Z = E z z' and
    B = [I, 0] - step (1 - p) sum_i G_i.

    Parameters
    ----------
    problem : LeastSquares
        Without regularization; its rows are cut into as many equal stretches as there are partitions.
    code : GradientCode
        Who holds what; entries are taken to be 1 / (d_k (1 - p)).
    p : float
        With which workers straggle independently.
    word : str
        One of `NOISES`.
    marks : sequence of int
        Increasing.
    step : float
    """
    X, y, k = problem.rows.arrays()["x"], problem.y, code.partitions
    best = np.linalg.lstsq(X, y, rcond=None)[0]
    parts = zip(np.split(X, k), np.split(X @ best - y, k), strict=True)
    gradients = np.array([x.T @ np.column_stack([x, rest]) for x, rest in parts]) / len(X)
    held = code.support.toarray().astype(float)
    G = np.tensordot(held / held.sum(axis=0) / (1.0 - p), gradients, 1)[held.any(axis=1)]
    d, noise, found = best.size, NOISES[word], []
    B = np.eye(d, d + 1) - step * (1.0 - p) * G.sum(axis=0)
    stacked, beside = G.reshape(-1, d + 1), np.hstack(list(G))
    z = np.append(-best, 1.0)
    Z = np.outer(z, z)
    for t in range(1, max(marks) + 1):
        through = np.hstack(list((stacked @ Z).reshape(G.shape)))
        S = through @ beside.T
        moments = B @ Z @ B.T + step**2 * (1.0 - p) * (p * S + noise(S))
        mean = B @ Z[:, -1]
        Z = np.block([[moments, mean[:, None]], [mean[None], np.ones((1, 1))]])
        if t in marks:
            found.append(float(np.trace(moments) / np.dot(best, best)))
    return found
