"""Least squares."""

from __future__ import annotations

import numpy as np

from gcopt.training.problems._linear import ScoreProblem
from gcopt.training.problems._problem import Vector


class LeastSquares(ScoreProblem):
    """Least squares: a row with label y loses ``(x.w - y)^2 / 2``.

    Parameters
    ----------
    X : array or scipy sparse array, shape (N, d)
    y : array, shape (N,)
        Finite numbers.
    regularization : float
        l2 penalty.

    Raises
    ------
    InputError
        If a shape is wrong or a number is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> problem = LeastSquares([[1.0, 0.0], [0.0, 2.0]], [1.0, 1.0])
    >>> problem.gradient(np.zeros(2), np.array([[0, 2]]), np.ones(1)).tolist()
    [-0.5, -1.0]
    """

    name = "least-squares"
    link = 0
    curvature = 1.0

    def _losses(self, scores: Vector) -> Vector:
        return np.asarray(0.5 * (scores - self.y) ** 2)

    def metrics(self, w: Vector) -> dict[str, float]:
        """Return the root mean square error, and the share of the labels' variance that is explained."""
        square = float(np.mean((self.scores(w) - self.y) ** 2))
        variance = float(np.var(self.y))
        return {"rmse": square**0.5, "r2": 1.0 - square / variance if variance > 0.0 else 0.0}
