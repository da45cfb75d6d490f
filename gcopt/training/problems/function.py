"""A problem made of the user's own functions."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gcopt.errors import GcoptWarning, InputError
from gcopt.training.problems._problem import Problem, Vector, check_regularization, frozen
from gcopt.training.problems._rows import Windows, check_windows

GradientFunction = Callable[[Vector, slice], ArrayLike]
LossFunction = Callable[[Vector, slice], float]


class FunctionProblem(Problem):
    """A problem whose gradient and loss are functions of the parameters and a slice of rows.

    A function gives whole gradients: only codes with one segment and one block can use it. Rows are taken as they are:
    shuffle them yourself if they are sorted. `check_additive` tests whether the gradient suits a code at all.

    Parameters
    ----------
    gradient : callable
        ``gradient(w, rows)`` returns the **sum** (not the mean) over the rows of the slice of their gradients, shape
        (d,). Worker processes import it by name, so there it must be defined at the top level of a module.
    loss : callable
        ``loss(w, rows)`` returns the sum of the losses of the same rows.
    samples : int
        N.
    parameters : int
        d.
    initial : array, shape (d,), or None
        Where to start; None is zero.
    regularization : float
        l2 penalty that the master adds.
    breaks : tuple of str
        What in the function breaks exact decoding, if anything is known to.

    Raises
    ------
    InputError
        If a number is impossible, or a function returns something that is not a finite gradient or loss.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 0.0], [0.0, 2.0]])
    >>> problem = FunctionProblem(
    ...     lambda w, rows: X[rows].T @ (X[rows] @ w - 1), lambda w, rows: 0.5 * np.sum((X[rows] @ w - 1) ** 2), 2, 2
    ... )
    >>> problem.gradient(np.zeros(2), np.array([[0, 2]]), np.ones(1)).tolist()
    [-0.5, -1.0]
    """

    name = "function"

    def __init__(
        self,
        gradient: GradientFunction,
        loss: LossFunction,
        samples: int,
        parameters: int,
        *,
        initial: ArrayLike | None = None,
        regularization: float = 0.0,
        breaks: tuple[str, ...] = (),
    ) -> None:
        if samples < 1 or parameters < 1:
            raise InputError(f"samples, parameters are {samples}, {parameters}; both at least 1 are needed")
        self._gradient, self._loss = gradient, loss
        self.samples, self.parameters = samples, parameters
        self.regularization = check_regularization(regularization)
        self.breaks = tuple(breaks)
        self._start = frozen(np.zeros(parameters) if initial is None else initial, np.float64)
        if self._start.shape != (parameters,) or not np.isfinite(self._start).all():
            raise InputError(f"initial has shape {self._start.shape}; ({parameters},) finite numbers are expected")

    def initial(self) -> Vector:
        """Parameters to start from."""
        return self._start.copy()

    def gradient(self, w: Vector, windows: Windows, coefficients: Vector) -> Vector:
        """Sum over windows of coefficient times the function's value, divided by `samples`."""
        rows, c = check_windows(windows, coefficients, self.samples)
        out, point = np.zeros(self.parameters), frozen(w, np.float64)
        for (start, stop), coefficient in zip(rows.tolist(), c.tolist(), strict=True):
            out += (coefficient / self.samples) * self._call(point, slice(start, stop))
        return out

    def _call(self, w: Vector, rows: slice) -> Vector:
        value = np.asarray(self._gradient(w, rows))
        where = f"gradient of rows {rows.start} to {rows.stop}"
        if value.shape != (self.parameters,) or value.dtype.kind not in "iuf":
            raise InputError(f"{where} has shape {value.shape}, {value.dtype}; ({self.parameters},) reals are expected")
        if not np.isfinite(value).all():
            raise InputError(f"{where} holds NaN or infinity; a smaller step may help")
        if value.dtype.kind == "f" and value.dtype.itemsize < 8:
            self.precision = float(np.finfo(value.dtype).eps)
            warnings.warn(
                f"{where} is {value.dtype}: workers that hold the same rows agree only to its rounding, which "
                "decoding amplifies; sum in float64 if you can",
                GcoptWarning,
                stacklevel=3,
            )
        return value.astype(np.float64)

    def residual(self, w: Vector, windows: Windows) -> Vector:
        """Refuse: a function gives whole gradients only."""
        raise InputError(
            "the code cuts the gradient into segments or blocks, and a gradient function gives whole gradients; "
            "use a code with one segment and blocks = 1, or write a subclass of Problem"
        )

    def backward(self, residual: Vector, windows: Windows, coefficients: Vector, start: int, stop: int) -> Vector:
        """Refuse: a function gives whole gradients only."""
        return self.residual(residual, windows)

    def loss(self, w: Vector) -> float:
        """Mean loss over all rows plus the penalty."""
        value = float(self._loss(frozen(w, np.float64), slice(0, self.samples)))
        if not np.isfinite(value):
            raise InputError(f"loss of rows 0 to {self.samples} is {value}; a finite number is expected")
        return value / self.samples + self._penalty(w)

    def compile(self) -> None:
        """Call both functions once, so that whatever they compile or load is ready."""
        self._call(self._start, slice(0, 1))
        self._loss(self._start, slice(0, 1))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the starting point; the functions bring their own data."""
        return {"initial": self._start}

    def meta(self) -> dict[str, Any]:
        """Return the functions and the sizes; refuse functions that another process cannot import."""
        for name, function in (("gradient", self._gradient), ("loss", self._loss)):
            try:
                pickle.dumps(function)
            except (pickle.PicklingError, AttributeError, TypeError):
                raise InputError(
                    f"{name} is {getattr(function, '__qualname__', function)!r}, which worker processes cannot import; "
                    "define it with def at the top level of a module (no lambda, no function inside a function)"
                ) from None
        functions = {"gradient": self._gradient, "loss": self._loss}
        return {**super().meta(), **functions, "samples": self.samples, "parameters": self.parameters}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], **meta: Any) -> Self:
        """Make the problem again."""
        seed = meta.pop("seed", None)
        problem = cls(initial=arrays["initial"], **meta)
        problem.seed = seed
        return problem
