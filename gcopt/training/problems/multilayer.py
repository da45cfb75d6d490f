"""A perceptron with one hidden layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gcopt.checks import check_count
from gcopt.errors import InputError
from gcopt.solvers.seeding import RngLike, generator, seed_of
from gcopt.training.problems._classes import ClassProblem
from gcopt.training.problems._linear import check_residual, check_stretch
from gcopt.training.problems._problem import Vector, frozen
from gcopt.training.problems._rows import Rows, Windows, check_windows

OUTPUTS = ("softmax", "sigmoid")  # in the order of the links of the kernels

_ROWS = 4096  # rows whose hidden layer is kept at a time where only scores are wanted


class Multilayer(ClassProblem):
    """Multilayer perceptron: a row x has hidden units ``h = max(0, x W1 + b1)`` and scores ``s = h W2 + b2``.

    The parameters are W1, shape (features, H), b1, shape (H,), W2, shape (H, C), and b2, shape (C,), each flattened by
    rows, one after the other: d = features H + H + H C + C. The rows need no column of ones.

    Parameters
    ----------
    X : array or scipy sparse array, shape (N, features)
    y : array, shape (N,)
        Labels 0 to C - 1.
    hidden : int
        H.
    output : str
        ``softmax``: a row with label y loses ``log(sum exp(s)) - s[y]``; ``sigmoid``: every class is a question of its
        own, and the row loses ``sum log(1 + exp(s)) - s[y]``.
    classes : int or None
        C; None takes the largest label plus one.
    regularization : float
        l2 penalty on all parameters.
    rng : None, int, Generator or SeedSequence
        Of the parameters to start from; None takes ``seed``, or 0.

    Raises
    ------
    InputError
        If a label is not one of 0 to C - 1, an option or a shape is wrong, or a number is not finite.

    Notes
    -----
    Every worker that is sent a stretch of the gradient in place of all of it keeps 2 H + C numbers per row.

    Examples
    --------
    >>> import numpy as np
    >>> problem = Multilayer([[1.0, 0.0], [0.0, 1.0]], [0, 1], hidden=3, rng=0)
    >>> problem.parameters, problem.initial().shape
    (17, (17,))
    >>> problem.gradient(np.zeros(17), np.array([[0, 1]]), np.ones(1))[-2:].tolist()
    [-0.25, 0.25]
    """

    name = "multilayer"

    def __init__(
        self,
        X: Any,
        y: ArrayLike,
        *,
        hidden: int = 128,
        output: str = "softmax",
        classes: int | None = None,
        regularization: float = 0.0,
        seed: int | None = None,
        rng: RngLike = None,
    ) -> None:
        check_count("hidden", hidden, 1)
        if output not in OUTPUTS:
            raise InputError(f"output is {output!r}; {' or '.join(OUTPUTS)} would work")
        start = seed_of(seed or 0 if rng is None else rng)
        self._build(
            X, y, classes=classes, regularization=regularization, seed=seed, hidden=hidden, output=output, start=start
        )

    def _restore(self, rows: Rows, y: NDArray[Any], meta: dict[str, Any]) -> None:
        super()._restore(rows, y, meta)
        self.hidden, self.output, self.start = meta["hidden"], meta["output"], meta["start"]
        self._link = OUTPUTS.index(self.output)
        self._sizes = self.features, self.hidden, self.classes
        self.parameters = (self.features + 1 + self.classes) * self.hidden + self.classes

    def meta(self) -> dict[str, Any]:
        """Return everything small, for `from_arrays`."""
        return {**super().meta(), "hidden": self.hidden, "output": self.output, "start": self.start}

    def initial(self) -> Vector:
        """Weights from normal distributions of variance 2 / inputs, biases 0.

        He, Zhang, Ren, Sun 2015, Delving deep into rectifiers, section 2.2, equation (10).
        """
        features, hidden, classes = self._sizes
        draw = generator(self.start, 1)
        first = draw.standard_normal(features * hidden) * np.sqrt(2.0 / features)
        second = draw.standard_normal(hidden * classes) * np.sqrt(2.0 / hidden)
        return np.concatenate((first, np.zeros(hidden), second, np.zeros(classes)))

    def smoothness(self, rng: RngLike = 0) -> float:
        """Refuse: the curvature of this loss has no bound that holds everywhere.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError(
            "no step is given, and the curvature of multilayer has no bound to take one from; step 0.5 often works, "
            "and the optimizer adam needs none"
        )

    def gradient(self, w: Vector, windows: Windows, coefficients: Vector) -> Vector:
        """Sum over windows of coefficient times the rows' gradients, divided by `samples`; one fused pass."""
        rows, c = check_windows(windows, coefficients, self.samples)
        scaled = frozen(c / self.samples, np.float64)
        return self.rows.layer_gradient(self.y, self._check(w), self._sizes, rows, scaled, self._link)

    def residual(self, w: Vector, windows: Windows) -> Vector:
        """Return h, the derivatives of each row's loss by x W1 + b1, and those by s, shape (rows, 2 H + C)."""
        from gcopt.training import _layer_kernels

        rows, _ = check_windows(windows, None, self.samples)
        w1, b1, w2, b2 = self._layers(w)
        return _layer_kernels.forward(self.rows.class_scores(w1, rows), self.y, rows, b1, w2, b2, self._link)

    def backward(self, residual: Vector, windows: Windows, coefficients: Vector, start: int, stop: int) -> Vector:
        """Coordinates ``start`` to ``stop`` of the gradient from the residuals of the same windows."""
        rows, c = check_windows(windows, coefficients, self.samples)
        check_stretch(start, stop, self.parameters)
        check_residual(residual, rows)
        features, hidden, classes = self._sizes
        h, delta, slopes = np.split(residual, (hidden, 2 * hidden), axis=1)
        scaled = frozen(c / self.samples, np.float64)
        each = np.repeat(scaled, rows[:, 1] - rows[:, 0])
        # of each array of parameters: its rows and their length, and how to compute the gradient of some of its rows
        arrays: tuple[tuple[int, int, Callable[[int, int], Vector]], ...] = (
            (features, hidden, lambda a, b: self.rows.class_backward(frozen(delta, np.float64), rows, scaled, a, b)),
            (hidden, 1, lambda a, b: each @ delta[:, a:b]),
            (hidden, classes, lambda a, b: h[:, a:b].T @ (each[:, None] * slopes)),
            (classes, 1, lambda a, b: each @ slopes[:, a:b]),
        )
        pieces, at = [np.empty(0)], 0
        for count, width, compute in arrays:
            low, high = max(start - at, 0), min(stop - at, count * width)
            if low < high:
                first, last = low // width, -(-high // width)
                pieces.append(compute(first, last).ravel()[low - first * width : high - first * width])
            at += count * width
        return np.concatenate(pieces)

    def scores(self, w: Vector) -> Vector:
        """Return s of every row, shape (N, C)."""
        from gcopt.training import _layer_kernels

        w1, b1, w2, b2 = self._layers(w)
        out = np.empty((self.samples, self.classes))
        for first in range(0, self.samples, _ROWS):
            last = min(first + _ROWS, self.samples)
            h = self.rows.class_scores(w1, frozen([[first, last]], np.int64))
            _layer_kernels.activate(h, b1)
            out[first:last] = h @ w2 + b2
        return out

    def _losses(self, scores: Vector) -> Vector:
        if self.output == "softmax":
            return super()._losses(scores)
        # log(1 + exp(s)) without overflow
        soft = np.maximum(scores, 0.0) + np.log1p(np.exp(-np.abs(scores)))
        return np.asarray(soft.sum(axis=1) - scores[np.arange(self.samples), self.y])

    def _layers(self, w: Vector) -> tuple[Vector, Vector, Vector, Vector]:
        from gcopt.training import _layer_kernels

        return _layer_kernels.layers(self._check(w), self._sizes)
