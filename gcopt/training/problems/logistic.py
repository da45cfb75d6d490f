"""Logistic regression."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.errors import InputError
from gcopt.training.problems._linear import ScoreProblem
from gcopt.training.problems._metrics import auc
from gcopt.training.problems._problem import Vector


class Logistic(ScoreProblem):
    """Logistic regression: a row with label y and score s = x.w loses ``log(1 + exp(s)) - y s``.

    Parameters
    ----------
    X : array or scipy sparse array, shape (N, d)
    y : array, shape (N,)
        Labels 0 and 1.
    regularization : float
        l2 penalty.

    Raises
    ------
    InputError
        If a label is neither 0 nor 1, a shape is wrong, or a number is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> problem = Logistic([[1.0, 2.0], [1.0, -1.0]], [1, 0])
    >>> problem.gradient(np.zeros(2), np.array([[0, 2]]), np.ones(1)).tolist()
    [0.0, -0.75]
    >>> round(problem.loss(np.zeros(2)), 6)
    0.693147
    """

    name = "logistic"
    link = 1
    curvature = 0.25

    @staticmethod
    def _check_labels(labels: NDArray[Any]) -> NDArray[Any]:
        wrong = labels[(labels != 0) & (labels != 1)]
        if wrong.size:
            raise InputError(f"y holds {wrong[0]}; logistic needs labels 0 and 1 (softmax takes more classes)")
        return labels.astype(np.float64)

    def _losses(self, scores: Vector) -> Vector:
        # log(1 + exp(s)) without overflow
        soft = np.maximum(scores, 0.0) + np.log1p(np.exp(-np.abs(scores)))
        return np.asarray(soft - self.y * scores)

    def metrics(self, w: Vector) -> dict[str, float]:
        """Return the share of rows on the right side of score 0, and the area under the ROC curve."""
        scores = self.scores(w)
        return {"accuracy": float(((scores > 0) == (self.y > 0.5)).mean()), "auc": auc(scores, self.y)}
