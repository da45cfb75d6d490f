"""What no set of one question exceeds, from spectra and row sums of its matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._worst_bounds import Kept
from ._worst_question import Question
from ._worst_setup import Floats, Ints

DAMPINGS = (0.3, 1.0)  # of the coefficients that are kept; the mean eigenvalue of Q is 1


def row_sums(gram: NDArray[Any], most: int) -> Floats:
    """rho[r, i]: 1 plus the r - 1 largest |Q_ij|, j != i, for r = 0..most."""
    n = len(gram)
    size = np.abs(gram)
    np.fill_diagonal(size, 0.0)
    size = -np.sort(-size, axis=1)[:, : max(most - 1, 0)]
    rho = np.ones((most + 1, n))
    rho[2 : 2 + size.shape[1]] += np.cumsum(size, axis=1).T
    rho[2 + size.shape[1] :] = rho[1 + size.shape[1]] if size.shape[1] else 1.0
    return rho


def rise(solution: NDArray[Any], count: int, rho: Floats, top_eigenvalue: float) -> float:
    """The bound of the kernel `rise_bound`, in numpy."""
    squares = np.sum(np.abs(solution) ** 2, axis=0)
    spectral = top_eigenvalue * np.sort(squares)[::-1][:count].sum()
    return float(min(spectral, np.sort(squares * rho[count])[::-1][:count].sum()))


def spectral_bound(question: Question, least: float) -> float | None:
    """What no set exceeds, without a search; at least ``least``, a value that was found.

    Error: keep the decoding of the others, see `rise` and `Kept`. Noise, C of full column rank: a least-squares
    solution has ||C a||^2 <= ||T||^2 - err0, and the least eigenvalue of Q only grows when workers are lost.
    """
    data = question.data
    if question.noise:
        if data.freedom:
            return None
        return max(least, (question.ceiling - data.error) / data.smallest)
    count = min(question.budget // int(question.weight.min()), len(question.weight))
    values, vectors = np.linalg.eigh(data.gram)
    more = rise(data.solution, count, row_sums(data.gram, count), float(values[-1]))
    if len(values) > 1 and values[-2] > 0.0:
        more = min(more, _deflated_rise(data.solution, count, values, np.abs(vectors[:, -1]) ** 2))
    bound = min(question.ceiling, data.error + more)
    if data.complete:
        bound = min(bound, Kept.of(question.ceiling, data.solution, data.gram, data.seen).bound(count))
        if question.unit:
            nobody = np.zeros(0, dtype=np.int64)
            bound = min(bound, kept_bound(question, nobody, np.arange(len(question.weight))))
    return max(least, bound)


def kept_bound(question: Question, dropped: Ints, allowed: Ints) -> float:
    """What no set of the budget exceeds that has all ``dropped`` and else only some of ``allowed``.

    The others keep coefficients of a damped least-squares problem without ``dropped``, up to a common factor. They
    bound far more than the best ones do where that problem is ill-conditioned.
    """
    data, n = question.data, len(question.weight)
    live = np.setdiff1d(np.arange(n), dropped)
    free, s = np.searchsorted(live, allowed), question.budget - len(dropped)
    gram, seen = data.gram[np.ix_(live, live)], data.seen[:, live]
    bound = question.ceiling
    for damping in DAMPINGS:
        damped = gram + damping * np.eye(len(live))
        solution = np.linalg.solve(damped, seen.T).T
        bound = min(bound, Kept.of(question.ceiling, solution, gram, seen, free).bound(s))
    return bound


def _deflated_rise(solution: NDArray[Any], count: int, values: Floats, share: Floats) -> float:
    """Bound on the rise of the error that sets the largest eigenvalue of Q apart.

    Q <= l2 I + (l1 - l2) v v^H gives P_SS >= I / l2 - c v_S v_S^H with c = 1 / l2 - 1 / l1, and the inverse of that is
    l2 I + l2^2 c v_S v_S^H / (1 - l2 c |v_S|^2); |v_S^H a_S| <= |v_S| |a_S|. ``share`` is |v_j|^2.
    """
    x = float(np.sort(np.sum(np.abs(solution) ** 2, axis=0))[::-1][:count].sum())
    y = float(np.sort(share)[::-1][:count].sum())
    second = float(values[-2])
    part = 1.0 - second / float(values[-1])  # l2 c
    return second * x + second * part * x * y / (1.0 - part * y)
