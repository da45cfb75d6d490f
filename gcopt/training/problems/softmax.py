"""Softmax (multinomial logistic) regression."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gcopt.training.problems._classes import ClassProblem
from gcopt.training.problems._linear import check_residual, check_stretch
from gcopt.training.problems._problem import Vector, frozen
from gcopt.training.problems._rows import Rows, Windows, check_windows


class Softmax(ClassProblem):
    """Softmax regression: a row with label y and scores s = x W loses ``log(sum exp(s)) - s[y]``.

    The parameters are W, shape (features, C), flattened: coordinate ``f * C + c`` is feature f of class c, so a stretch
    of coordinates is a stretch of features (up to its ends).

    Parameters
    ----------
    X : array or scipy sparse array, shape (N, features)
    y : array, shape (N,)
        Labels 0 to C - 1.
    classes : int or None
        C; None takes the largest label plus one.
    regularization : float
        l2 penalty.

    Raises
    ------
    InputError
        If a label is not one of 0 to C - 1, a shape is wrong, or a number is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> problem = Softmax([[1.0], [2.0]], [0, 1])
    >>> problem.gradient(np.zeros(2), np.array([[0, 2]]), np.ones(1)).tolist()
    [0.25, -0.25]
    """

    name = "softmax"
    curvature = 0.5

    def __init__(
        self,
        X: Any,
        y: ArrayLike,
        *,
        classes: int | None = None,
        regularization: float = 0.0,
        seed: int | None = None,
    ) -> None:
        self._build(X, y, classes=classes, regularization=regularization, seed=seed)

    def _restore(self, rows: Rows, y: NDArray[Any], meta: dict[str, Any]) -> None:
        super()._restore(rows, y, meta)
        self.parameters = self.features * self.classes

    def gradient(self, w: Vector, windows: Windows, coefficients: Vector) -> Vector:
        """Sum over windows of coefficient times the rows' gradients, divided by `samples`; one fused pass."""
        rows, c = check_windows(windows, coefficients, self.samples)
        scaled = frozen(c / self.samples, np.float64)
        return self.rows.class_gradient(self.y, self._weights(w), rows, scaled).ravel()

    def residual(self, w: Vector, windows: Windows) -> Vector:
        """Return the derivatives of each row's loss by its scores, shape (rows, C)."""
        from gcopt.training import _class_kernels

        rows, _ = check_windows(windows, None, self.samples)
        return _class_kernels.slopes(self.rows.class_scores(self._weights(w), rows), self.y, rows)

    def backward(self, residual: Vector, windows: Windows, coefficients: Vector, start: int, stop: int) -> Vector:
        """Coordinates ``start`` to ``stop`` of the gradient from the residuals of the same windows."""
        rows, c = check_windows(windows, coefficients, self.samples)
        check_stretch(start, stop, self.parameters)
        given = frozen(residual, np.float64)
        check_residual(given, rows)
        first, last = start // self.classes, -(-stop // self.classes)
        scaled = frozen(c / self.samples, np.float64)
        whole = self.rows.class_backward(given, rows, scaled, first, last).ravel()
        return whole[start - first * self.classes : stop - first * self.classes]

    def scores(self, w: Vector) -> Vector:
        """Return x W of every row, shape (N, C)."""
        return self.rows.class_scores(self._weights(w), frozen([[0, self.samples]], np.int64))

    def _weights(self, w: Vector) -> Vector:
        return self._check(w).reshape(self.features, self.classes)
