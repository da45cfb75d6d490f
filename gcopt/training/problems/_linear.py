"""What the problems share that see a row only through products with the parameters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gcopt.errors import InputError
from gcopt.solvers.seeding import RngLike, generator, seed_of
from gcopt.training.problems._problem import Problem, Vector, check_regularization, frozen
from gcopt.training.problems._rows import DenseRows, Rows, SparseRows, Windows, check_windows, make_rows


class LinearProblem(Problem):
    """A model that sees a row x only through products with the parameters.

    Parameters
    ----------
    X : array or scipy sparse array, shape (N, features)
        float32 is kept, everything else becomes float64; sums are float64 always. An intercept is a column of ones:
        the loaders of `gcopt.training.data` add it.
    y : array, shape (N,)
    regularization : float
        l2 penalty on all parameters.

    Raises
    ------
    InputError
        If a shape is wrong or a number is not finite.
    """

    curvature: ClassVar[float] = 1.0  # largest second derivative of a row's loss by its scores
    forward: ClassVar[float] = 0.7  # fused gradients that a forward pass alone costs: 0.6 to 0.8 were measured

    def __init__(self, X: Any, y: ArrayLike, *, regularization: float = 0.0, seed: int | None = None) -> None:
        self._build(X, y, regularization=regularization, seed=seed)

    def _build(self, X: Any, y: ArrayLike, **meta: Any) -> None:
        """Check rows, labels and penalty; ``meta`` is what the problem's own `meta` will hold."""
        rows = make_rows(X)
        labels = np.asarray(y)
        if labels.shape != (rows.shape[0],):
            raise InputError(f"y has shape {labels.shape}; ({rows.shape[0]},) is expected, one label per row of X")
        if labels.dtype.kind not in "biuf" or not np.isfinite(labels).all():
            raise InputError("y holds something other than finite numbers; encode the labels first")
        check_regularization(meta["regularization"])
        self._restore(rows, self._check_labels(labels), {"breaks": (), **meta})

    def _restore(self, rows: Rows, y: NDArray[Any], meta: dict[str, Any]) -> None:
        self.rows = rows
        self.y = frozen(y, y.dtype)
        self.samples, self.features = rows.shape
        self.parameters = self.features
        self.regularization = float(meta["regularization"])
        self.breaks = tuple(meta["breaks"])
        self.seed = meta["seed"]

    @staticmethod
    def _check_labels(labels: NDArray[Any]) -> NDArray[Any]:
        return labels.astype(np.float64)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the rows and the labels."""
        return {**self.rows.arrays(), "y": self.y}

    def meta(self) -> dict[str, Any]:
        """Return everything small, for `from_arrays`."""
        return {**super().meta(), "features": self.features}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], **meta: Any) -> Self:
        """Make the problem again over the same memory."""
        problem = cls.__new__(cls)
        kind = DenseRows if "x" in arrays else SparseRows
        rows: Rows = kind(arrays, meta["features"])
        problem._restore(rows, arrays["y"], meta)
        return problem

    def cost(self, pairs: float) -> float:
        """Forward passes over ``pairs`` partitions, in fused gradients of a partition."""
        return self.forward * pairs

    def smoothness(self, rng: RngLike = 0) -> float:
        """Estimate of the largest curvature of the loss anywhere: c * lambda_max(X'X) / N plus the regularization.

        c is 1 for least squares, 1/4 for logistic, 1/2 for softmax (Boehning 1992, Multinomial logistic regression
        algorithm). The eigenvalue is a power iteration's from a seeded start, with 2 % added since it comes from below.
        """
        from gcopt.training._kernels import SQUARE

        everything, one = frozen([[0, self.samples]], np.int64), frozen([1.0], np.float64)
        zeros = frozen(np.zeros(self.samples), np.float64)
        v = generator(seed_of(rng)).standard_normal(self.features)
        largest = 0.0
        for _ in range(100):
            v = self.rows.gradient(zeros, frozen(v / np.linalg.norm(v), np.float64), everything, one, SQUARE)
            before, largest = largest, float(np.linalg.norm(v))
            if abs(largest - before) <= 1e-3 * largest:
                break
        return max(1.02 * self.curvature * largest / self.samples + self.regularization, float(np.finfo(float).tiny))

    def loss(self, w: Vector) -> float:
        """Mean loss over all rows plus the penalty."""
        return float(self._losses(self.scores(w)).mean()) + self._penalty(w)

    @abstractmethod
    def scores(self, w: Vector) -> Vector:
        """Return the scores of every row, shape (N,) or (N, C)."""

    @abstractmethod
    def _losses(self, scores: Vector) -> Vector:
        """Return the loss of every row, shape (N,)."""

    def _check(self, w: Vector) -> Vector:
        point = frozen(w, np.float64)
        if point.shape != (self.parameters,):
            raise InputError(f"w has shape {point.shape}; ({self.parameters},) is expected")
        return point


class ScoreProblem(LinearProblem):
    """A linear model with one score per row, whose loss is named by a link of the kernels."""

    link: ClassVar[int]

    def gradient(self, w: Vector, windows: Windows, coefficients: Vector) -> Vector:
        """Sum over windows of coefficient times the rows' gradients, divided by `samples`; one fused pass."""
        rows, c = check_windows(windows, coefficients, self.samples)
        scaled = frozen(c / self.samples, np.float64)
        return self.rows.gradient(self.y, self._check(w), rows, scaled, self.link)

    def residual(self, w: Vector, windows: Windows) -> Vector:
        """Return the derivative of each row's loss by its score, in the order of the windows."""
        from gcopt.training import _kernels

        rows, _ = check_windows(windows, None, self.samples)
        scores = self.rows.scores(self._check(w), rows)
        return _kernels.slopes(scores, self.y, rows, self.link)

    def backward(self, residual: Vector, windows: Windows, coefficients: Vector, start: int, stop: int) -> Vector:
        """Coordinates ``start`` to ``stop`` of the gradient from the residuals of the same windows."""
        rows, c = check_windows(windows, coefficients, self.samples)
        check_stretch(start, stop, self.parameters)
        given = frozen(residual, np.float64)
        check_residual(given, rows)
        return self.rows.backward(given, rows, frozen(c / self.samples, np.float64), start, stop)

    def scores(self, w: Vector) -> Vector:
        """Return x.w of every row, shape (N,)."""
        return self.rows.scores(self._check(w), frozen([[0, self.samples]], np.int64))


def check_stretch(start: int, stop: int, parameters: int) -> None:
    """Refuse a stretch of coordinates that leaves the parameters."""
    if not 0 <= start <= stop <= parameters:
        raise InputError(f"start, stop are {start}, {stop}; 0 <= start <= stop <= {parameters} is needed")


def check_residual(residual: NDArray[Any], windows: Windows) -> None:
    """Refuse residuals that are not those of the windows."""
    rows = int((windows[:, 1] - windows[:, 0]).sum())
    if len(residual) != rows:
        raise InputError(f"residual has {len(residual)} rows; the windows have {rows}")
