"""Unbiased codes: every worker has a fixed vector, and each partition the dual frame of its holders' vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .question import Question

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_FLAT = 1e-9  # of the trace: an eigenvalue below that counts as 0


class Frames:
    """The mean error of codes that are decoded by adding up what arrives, times the signs of each worker.

    If h_j are the signs of worker j and S_c = sum of h_j h_j^T over the holders of cluster c, then with coefficients
    S_c^-1 h_j / (1 - q) the mean estimate is the gradient when workers straggle independently with probability q, and
    the error is m q / (1 - q) sum_c w_c tr(S_c^-1): least where the signs are a tight frame, S_c = g I, as for the
    designed variants of construction I (Munim & Ramamoorthy 2026). Derived here.

    A code is a matrix X as in `coefficients.Judge`, of signs times roots of sizes. A master that adds up takes the sign
    of what a worker sends of a block, over all partitions, for its vector; codes where that is another cost m k more
    for each.

    Parameters
    ----------
    question : Question
        With a probability, and signs.
    sizes : int64, shape (V,)
    """

    def __init__(self, question: Question, sizes: Ints) -> None:
        self.question, self.sizes = question, sizes

    def value(self, X: Floats, bad: Ints) -> float:
        """Return the mean error; more than m k where there is no such code."""
        signs, m, q = self._signs(X), self.question.blocks, self.question.probability or 0.0
        whole = float(m * self.question.partitions)
        frames = np.einsum("juc,jvc->cuv", signs, signs)
        values = np.linalg.eigvalsh(frames)
        if (flat := values[:, 0] <= _FLAT * values.sum(axis=1)).any():
            return whole * (2.0 + int(flat.sum()))
        errors = m * q / (1.0 - q) * (1.0 / values).sum(axis=1)
        return float(errors @ self.sizes) + whole * self._mistaken(signs, frames)

    def judge(self, X: Floats, bad: Ints) -> tuple[float, Ints]:
        """Return the value and the sets, of which none is needed."""
        return self.value(X, bad), bad

    def _signs(self, X: Floats) -> Floats:
        """Return h_j where worker j holds a cluster, else 0, shape (n, m, V)."""
        return X.reshape(len(X), self.question.blocks, -1) / np.sqrt(self.sizes)

    def _mistaken(self, signs: Floats, frames: Floats) -> int:
        """Return how many signs of blocks are not those of what is sent."""
        sent = np.einsum("cuv,jvc,c->ju", np.linalg.inv(frames), signs, self.sizes)
        mine = np.sign(signs.sum(axis=2))
        return int((np.sign(sent) != mine).sum())

    def coefficients(self, X: Floats) -> Floats:
        """Return what X stands for, in the same shape: columns times the roots of sizes."""
        signs = self._signs(X)
        inverse = np.linalg.inv(np.einsum("juc,jvc->cuv", signs, signs)) / (1.0 - (self.question.probability or 0.0))
        return np.asarray((np.einsum("cuv,jvc->juc", inverse, signs) * np.sqrt(self.sizes)).reshape(X.shape))
