"""What the engines know of a problem: gradients of row ranges with coefficients, and the loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gcopt.errors import InputError
from gcopt.solvers.seeding import RngLike, generator, seed_of

Vector = NDArray[np.float64]


class Problem(ABC):
    """A loss that is a mean over rows, and its gradient over any row ranges.

    Attributes
    ----------
    name : str
        As on the command line.
    samples : int
        N, the number of rows. Partition i of k holds rows ``[i * N // k, (i + 1) * N // k)``.
    parameters : int
        d, the length of the gradient.
    regularization : float
        l2 penalty; `loss` contains half of it times the squared norm, `gradient` does not: the master adds
        ``regularization * w`` once, after decoding.
    breaks : tuple of str
        What in this problem breaks exact decoding (such as ``"dropout"``); a run with any is refused.
    seed : int or None
        Seed of the one shuffle of the rows; None where they were not shuffled.
    precision : float
        Rounding unit of the arithmetic of the gradients.
    """

    name: ClassVar[str] = "problem"
    samples: int
    parameters: int
    regularization: float = 0.0
    breaks: tuple[str, ...] = ()
    seed: int | None = None
    precision: float = float(np.finfo(np.float64).eps)

    @abstractmethod
    def gradient(self, w: Vector, windows: NDArray[np.int64], coefficients: Vector) -> Vector:
        """Sum over windows of coefficient times the rows' gradients, divided by `samples`; one pass over the data.

        Parameters
        ----------
        w : float64, shape (d,)
        windows : int64, shape (q, 2)
            Row ranges ``[start, stop)``.
        coefficients : float64, shape (q,)

        Returns
        -------
        float64, shape (d,)
        """

    @abstractmethod
    def residual(self, w: Vector, windows: NDArray[np.int64]) -> Vector:
        """Forward pass over the rows of the windows; what it returns is only for `backward`."""

    @abstractmethod
    def backward(
        self, residual: Vector, windows: NDArray[np.int64], coefficients: Vector, start: int, stop: int
    ) -> Vector:
        """Coordinates ``start`` to ``stop`` of `gradient`, float64, shape (stop - start,), from the forward pass."""

    @abstractmethod
    def loss(self, w: Vector) -> float:
        """Mean loss over all rows plus ``regularization / 2 * |w|^2``."""

    @abstractmethod
    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything large, by name, so that an engine can put it into shared memory."""

    def meta(self) -> dict[str, Any]:
        """Everything small: `from_arrays` makes the problem again of `arrays` and this."""
        return {"regularization": self.regularization, "breaks": self.breaks, "seed": self.seed}

    @classmethod
    @abstractmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], **meta: Any) -> Self:
        """Make the problem again, without copying or checking."""

    def metrics(self, w: Vector) -> dict[str, float]:
        """Return how good the model is, beyond its loss."""
        return {}

    def initial(self) -> Vector:
        """Parameters to start from, float64, shape (d,)."""
        return np.zeros(self.parameters)

    def cost(self, pairs: float) -> float:
        """Forward work for ``pairs`` partitions when the gradient is taken in stretches, in gradients of a partition.

        A code with one segment and one block needs no separate forward pass (`gradient` is fused) and pays nothing.
        """
        return 0.0

    def compile(self) -> None:
        """Compile (or load from the cache) every kernel, so that no clock sees it."""
        w = self.initial()
        one, c = np.array([[0, 1]], dtype=np.int64), np.ones(1)
        self.gradient(w, one, c)
        self.backward(self.residual(w, one), one, c, 0, self.parameters)
        self.loss(w)

    def smoothness(self, rng: RngLike = 0) -> float:
        """Estimate of the largest curvature L of the loss at the start; 1 / L is a good step size.

        Power iteration on differences of gradients, 20 of them from a seeded direction, with 10 % added.
        """
        w = self.initial()
        rows, one = np.array([[0, self.samples]], dtype=np.int64), np.ones(1)
        base = self.gradient(w, rows, one)
        v = generator(seed_of(rng)).standard_normal(self.parameters)
        step, curvature = 1e-5 * (1.0 + float(np.linalg.norm(w))), 0.0
        for _ in range(20):
            v *= step / np.linalg.norm(v)
            v = self.gradient(w + v, rows, one) - base
            curvature = float(np.linalg.norm(v)) / step
            if curvature == 0.0:
                break
        return max(1.1 * curvature + self.regularization, np.finfo(float).tiny)

    def _penalty(self, w: Vector) -> float:
        return 0.5 * self.regularization * float(w @ w)


def frozen(array: ArrayLike, dtype: Any) -> NDArray[Any]:
    """Return a read-only C-ordered view (a copy where needed), so that kernels are compiled for one kind of array."""
    view = np.ascontiguousarray(array, dtype=dtype).view()
    view.flags.writeable = False
    return view


def check_regularization(value: float) -> float:
    """Return the l2 penalty, or say what would work."""
    if not (np.isfinite(value) and value >= 0):
        raise InputError(f"regularization is {value!r}; a number >= 0 is needed")
    return float(value)
