"""What softmax regression and the perceptron share: labels 0 to C - 1, and C scores per row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gcopt.errors import InputError
from gcopt.training.problems._linear import LinearProblem
from gcopt.training.problems._problem import Vector
from gcopt.training.problems._rows import Rows


class ClassProblem(LinearProblem):
    """A classifier with one score per class.

    Attributes
    ----------
    classes : int
        C.
    """

    classes: int

    def _build(self, X: Any, y: ArrayLike, **meta: Any) -> None:
        super()._build(X, y, **meta)
        if self.classes < self.y.max() + 1:
            raise InputError(f"y holds {self.y.max()}; with {self.classes} classes 0 to {self.classes - 1} would work")

    @staticmethod
    def _check_labels(labels: NDArray[Any]) -> NDArray[Any]:
        wrong = labels[(labels < 0) | (labels != np.floor(labels))]
        if wrong.size:
            raise InputError(f"y holds {wrong[0]}; labels 0, 1, 2, ... are needed")
        return labels.astype(np.int64)

    def meta(self) -> dict[str, Any]:
        """Return everything small, for `from_arrays`."""
        return {**super().meta(), "classes": self.classes}

    def _restore(self, rows: Rows, y: NDArray[Any], meta: dict[str, Any]) -> None:
        super()._restore(rows, y, meta)
        classes = meta["classes"]
        self.classes = max(int(self.y.max()) + 1, 2) if classes is None else classes

    def _losses(self, scores: Vector) -> Vector:
        top = scores.max(axis=1)
        mass = np.exp(scores - top[:, None]).sum(axis=1)
        return np.asarray(np.log(mass) + top - scores[np.arange(self.samples), self.y])

    def metrics(self, w: Vector) -> dict[str, float]:
        """Return the share of rows whose highest score is their label's."""
        return {"accuracy": float((self.scores(w).argmax(axis=1) == self.y).mean())}
