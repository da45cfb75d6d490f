"""Small changes of a code: copies that are exchanged or given away, and coefficients that are turned or drawn anew."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .question import Question

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_EXCHANGE, _GIVE = 0.65, 0.15  # chances; the rest are changes of coefficients
_TRIES = 20
_TURN = 0.5  # standard deviation of what is added to coefficients of mean square 1


def moved(X: Floats, question: Question, sizes: Ints, labels: Ints, rng: np.random.Generator) -> Floats:
    """Return a code that differs a little; ``X`` as in `coefficients.Judge`, clusters of one label may be exchanged."""
    n, V = len(X), len(sizes)
    cells = X.reshape(n, -1, V).copy()
    held = (cells != 0.0).any(axis=1)
    chance = rng.random()
    if chance < _EXCHANGE and _exchange(cells, held, labels, rng):
        return cells.reshape(X.shape)
    if chance < _EXCHANGE + _GIVE and _give(cells, held, question.load, sizes, rng):
        return cells.reshape(X.shape)
    worker = int(rng.integers(n))
    if question.signs:
        cells[worker, rng.integers(question.blocks)] *= -1.0
    elif question.tuned:
        mine, size = held[worker], np.sqrt((cells[worker] ** 2).sum() / (held[worker].sum() * question.blocks))
        cells[worker][:, mine] += _TURN * size * rng.standard_normal((question.blocks, int(mine.sum())))
    else:
        cells[worker] = _rotation(question.blocks, rng) @ cells[worker]
    return cells.reshape(X.shape)


def _exchange(cells: Floats, held: NDArray[np.bool_], labels: Ints, rng: np.random.Generator) -> bool:
    """Let two workers exchange a cluster that the other does not hold, with their coefficients."""
    for _ in range(_TRIES):
        i, j = rng.integers(len(cells), size=2)
        mine, others = np.flatnonzero(held[i] & ~held[j]), np.flatnonzero(held[j] & ~held[i])
        pairs = np.argwhere(labels[mine][:, None] == labels[others])
        if len(pairs):
            a, b = pairs[rng.integers(len(pairs))]
            c, d = mine[a], others[b]
            cells[i][:, d], cells[i][:, c] = cells[i][:, c].copy(), 0.0
            cells[j][:, c], cells[j][:, d] = cells[j][:, d].copy(), 0.0
            return True
    return False


def _give(cells: Floats, held: NDArray[np.bool_], load: int, sizes: Ints, rng: np.random.Generator) -> bool:
    """Let a worker give a copy to another that has room for it, or get a further one of what another holds."""
    room = load - held @ sizes
    for _ in range(_TRIES):
        i, j = rng.integers(len(cells), size=2)
        some = np.flatnonzero(held[i] & ~held[j] & (sizes <= room[j]))
        if not some.size:
            continue
        c = some[rng.integers(some.size)]
        d = int(rng.choice(np.flatnonzero(held[j])))  # signs, and directions, are those of the worker
        cells[j][:, c] = cells[j][:, d] * np.sqrt(sizes[c] / sizes[d])
        if rng.random() < 0.5 and held[i].sum() > 1 and held[:, c].sum() > 1:
            cells[i][:, c] = 0.0
        return True
    return False


def _rotation(blocks: int, rng: np.random.Generator) -> Floats:
    """Return a random orthogonal matrix."""
    return np.asarray(np.linalg.qr(rng.standard_normal((blocks, blocks)))[0])
