"""One set of stragglers, judged by plain least squares and by nothing else: what every search result has to pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.code import Segment
from gcopt.decoding import Component, components

_DENSE_LIMIT = 2500


@dataclass(frozen=True)
class Evaluation:
    """What is left without some workers.

    Attributes
    ----------
    error : float
        Squared decoding error min_R ||R B - T||_F^2.
    noise : float
        sqrt(sum_j ||R_j||^2 ||b_j||^2 / (m k)) of the smallest such R: relative error of the decoded gradient per unit
        of relative error in the messages.
    condition : float
        Largest over smallest nonzero singular value of the responders' rows, scaled to length 1; the worst component's.
    """

    error: float
    noise: float
    condition: float


def evaluate(segment: Segment, lost: Iterable[int]) -> Evaluation:
    """Solve the least-squares problem of the responders with numpy's lstsq, component by component.

    Parameters
    ----------
    segment : Segment
    lost : iterable of int
        The stragglers.

    Examples
    --------
    >>> result = evaluate(Segment(np.eye(3)), (0,))
    >>> round(result.error, 12), round(result.noise**2, 12)
    (1.0, 0.666666666667)
    """
    heard = np.ones(segment.workers, dtype=bool)
    heard[list(lost)] = False
    parts = components(segment)
    covered = sum(part.partitions.size for part in parts)
    error = float(segment.blocks * (segment.partitions - covered))
    squares, condition = 0.0, 1.0
    for part in parts:
        result = evaluate_component(part, heard[part.workers])
        error += result.error
        squares += result.noise**2
        condition = max(condition, result.condition)
    return Evaluation(error, float(np.sqrt(squares / (segment.blocks * segment.partitions))), condition)


def evaluate_component(part: Component, heard: NDArray[np.bool_]) -> Evaluation:
    """Return the error, the norm of R (not divided by sqrt(m k)) and the condition of one component."""
    target: NDArray[Any] = np.kron(np.eye(part.blocks), np.ones((part.partitions.size, 1)))
    if not heard.any():
        return Evaluation(float(target.sum()), 0.0, 1.0)
    if min(part.matrix.shape) > _DENSE_LIMIT:
        found = part.decode(heard)[heard]
        lengths = np.sqrt(np.asarray(abs(part.matrix[heard]).power(2).sum(axis=1)))
        return Evaluation(part.error(heard), float(np.linalg.norm(found * lengths[:, None])), 1.0)
    rows = part.matrix[heard].toarray()
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    found, _, rank, values = np.linalg.lstsq(unit.T, target.astype(unit.dtype), rcond=1e-13)
    miss = float(np.sum(np.abs(unit.T @ found - target) ** 2))
    return Evaluation(miss, float(np.linalg.norm(found)), float(values[0] / values[rank - 1]))
