"""Kernels of the annealing: a move changes one or two rows of the encoding matrix, and is kept or taken back.

The matrix (n, V) is scaled: entry (j, c) is the coefficient times the root of the size of cluster c. A copy of a
cluster keeps its coefficient when it moves to another worker.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..jit import kernel
from ._inverse_kernels import products, times, with_row, without_row
from ._set_kernels import all_sets, mean_of, worst_of
from ._time_kernels import expected_time

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

UNIFORMS = 6  # random numbers of a move

SWITCH, SHIFT, TRADE, DROP, ADD, TUNE = 0, 1, 2, 3, 4, 5


class Sizes(NamedTuple):
    """What a matrix has to fit: sizes of clusters (V,), the target (V,), most that workers hold (n,), copies kept."""

    sizes: Ints
    target: Floats
    caps: Ints
    kinds: Floats
    """Chances of the kinds of moves, added up, shape (6,)."""


class Wanted(NamedTuple):
    """What is minimised: weights of worst case, mean, second singular value and time; and what they need."""

    weights: Floats
    stragglers: int
    exact: bool
    """Whether every set of stragglers is looked at, for the worst case and for the mean."""
    roots: int
    """So many workers, the first ones, stand for all others in sets of stragglers; n where nobody stands for others."""
    samples: Ints
    chances: Floats
    overhead: Floats
    pace: Floats
    tolerance: float
    never: float


class Place(NamedTuple):
    """Where a walk is: the matrix, Q, P, B t, a (see `_inverse_kernels`), loads, known bad sets, and scratch space."""

    matrix: Floats
    gram: Floats
    inverse: Floats
    sums: Floats
    solution: Floats
    loads: Ints
    bad: Ints
    stack: Floats
    work: Floats
    marks: Ints
    """Which bad set was exceeded last, and which one is replaced next."""


@kernel
def _nth_held(row: Floats, u: float) -> int:
    """A random cluster that a worker holds."""
    count = 0
    for c in range(len(row)):
        count += row[c] != 0.0
    left = int(u * count)
    for c in range(len(row)):
        if row[c] != 0.0:
            if left == 0:
                return c
            left -= 1
    return -1


@kernel
def _copies(matrix: Floats, c: int) -> int:
    count = 0
    for j in range(matrix.shape[0]):
        count += matrix[j, c] != 0.0
    return count


@kernel
def _change_one(matrix: Floats, i: int, c: int, load: int, fit: Sizes, kind: int, u: float, new: Floats) -> int:
    """Give up cluster c, or take a random one, or both. Returns 0 where that does not fit.

    The new copy counts like c where coefficients may differ, else like the other copies of its cluster.
    """
    if kind != ADD:
        if _copies(matrix, c) < 2:
            return 0
        new[c] = 0.0
        load -= fit.sizes[c]
    if kind != DROP:
        d = int(u * len(new))
        if matrix[i, d] != 0.0:
            return 0
        new[d] = matrix[i, c] * fit.target[d] / fit.target[c]
        if fit.kinds[TUNE - 1] >= 1.0:
            new[d] = np.abs(matrix[:, d]).max()
        load += fit.sizes[d]
    return int(0 < load <= fit.caps[i])


@kernel
def propose(matrix: Floats, loads: Ints, fit: Sizes, u: Floats, rows: Ints, new: Floats) -> int:
    """Draw a move: the rows it changes and what they become. Returns how many, 0 where the drawn one does not fit."""
    n, kind = len(matrix), 0
    while kind < TUNE and u[0] >= fit.kinds[kind]:
        kind += 1
    i = int(u[1] * n)
    c = _nth_held(matrix[i], u[2])
    if c < 0:
        return 0
    rows[0] = i
    new[0] = matrix[i]
    if kind == TUNE:
        new[0, c] *= np.exp(0.5 * (u[3] - 0.5)) if u[4] < 0.9 else -1.0
        return 1
    if kind in (TRADE, DROP, ADD):
        return _change_one(matrix, i, c, loads[i], fit, kind, u[3], new[0])
    j = int(u[3] * n)
    if i == j or matrix[j, c] != 0.0:
        return 0
    rows[1] = j
    new[1] = matrix[j]
    new[1, c], new[0, c] = matrix[i, c], 0.0
    moved = fit.sizes[c]
    if kind == SWITCH:
        d = _nth_held(matrix[j], u[4])
        if d < 0 or matrix[i, d] != 0.0:
            return 0
        new[0, d], new[1, d] = matrix[j, d], 0.0
        moved -= fit.sizes[d]
    if loads[i] - moved > fit.caps[i] or loads[j] + moved > fit.caps[j] or loads[i] == moved or loads[j] == -moved:
        return 0
    return 2


@kernel
def _write(place: Place, rows: Ints, new: Floats, fit: Sizes) -> None:
    """Write rows of the matrix, their products with the target, and their loads."""
    for l in range(len(rows)):
        i = rows[l]
        place.matrix[i] = new[l]
        place.sums[i] = np.dot(new[l], fit.target)
        place.loads[i] = 0
        for c in range(len(fit.sizes)):
            place.loads[i] += fit.sizes[c] if new[l, c] != 0.0 else 0


@kernel
def _put(place: Place, rows: Ints, new: Floats, fit: Sizes, ridge: float) -> None:
    """Put new rows into the matrix, and bring Q, P, B t and the loads up to date."""
    line, x = np.empty(len(place.matrix)), np.empty(len(place.matrix))
    for i in rows:
        without_row(place.inverse, i, line)
    _write(place, rows, new, fit)
    for i in rows:
        products(place.matrix[i], place.matrix, line)
        line[i] += ridge
        place.gram[i, :] = line
        place.gram[:, i] = line
    for l in range(len(rows)):
        line[:] = place.gram[rows[l]]
        for later in rows[l + 1 :]:
            line[later] = 0.0  # that row is not back yet
        with_row(place.inverse, rows[l], line, x)


@kernel
def _remember(place: Place, found: Ints) -> None:
    """Put a set among the known bad ones, in the place of the oldest."""
    if len(place.bad):
        place.bad[place.marks[1]] = found
        place.marks[0] = place.marks[1]
        place.marks[1] = (place.marks[1] + 1) % len(place.bad)


@kernel
def objective(place: Place, fit: Sizes, wanted: Wanted, limit: float) -> float:
    """The value where ``place`` is, or something above ``limit`` as soon as it is known to be."""
    weights, s = wanted.weights, wanted.stragglers
    value: float = 0.0
    base: float = 0.0
    if weights[3] > 0.0:
        value += weights[3] * expected_time(
            place.matrix,
            fit.target,
            place.loads.astype(np.float64),
            wanted.overhead,
            wanted.pace,
            wanted.tolerance,
            wanted.never,
            limit / weights[3],
        )
        if weights[0] + weights[1] + weights[2] == 0.0 or value > limit:
            return value
    if weights[2] > 0.0:
        squares = np.linalg.eigvalsh(place.gram)
        value += weights[2] * float(squares[-2] / squares[-1])
        if value > limit:
            return value
    base = float(np.dot(fit.target, fit.target)) - times(place.inverse, place.sums, place.solution)
    P, a = place.inverse, place.solution
    on_worst: float = weights[0]
    on_mean: float = weights[1]
    sums = on_mean > 0.0 and len(wanted.samples) == 0
    if on_mean > 0.0 and not sums:
        room = (limit - value) / on_mean
        value += on_mean * mean_of(P, a, base, wanted.samples, wanted.chances, room, place.work)
        if value > limit:
            return value
    if on_worst == 0.0 and not sums:
        return value
    room = (limit - value) / on_worst if on_worst > 0.0 else np.inf
    known = worst_of(P, a, base, place.bad, room, place.work, place.marks[:1]) if on_worst > 0.0 else base
    if known > room or not wanted.exact:
        return value + on_worst * known
    worst, roots = np.empty(s, dtype=np.int64), len(P) if sums else wanted.roots
    share = on_mean * wanted.chances[0]
    most = (limit - value - on_worst * known) / share if sums else np.inf
    largest, total = all_sets(P, a, base, s, roots, known, room, sums, most, place.stack, worst)
    if largest > known and on_worst > 0.0:
        _remember(place, worst)
    if sums:
        value += share * total
    return value + on_worst * largest


@kernel
def walk(
    place: Place,
    fit: Sizes,
    wanted: Wanted,
    value: float,
    best: float,
    best_matrix: Floats,
    ridge: float,
    uniforms: Floats,
    temperatures: Floats,
) -> tuple[float, float, int]:
    """Make a move for every row of ``uniforms``, by the rule of Metropolis et al. 1953.

    Returns the value at the end, the best one, whose matrix goes to ``best_matrix``, and how many moves were kept.
    """
    rows, new, kept = np.empty(2, dtype=np.int64), np.empty((2, place.matrix.shape[1])), 0
    old, gram, inverse = np.empty_like(new), np.empty_like(place.gram), np.empty_like(place.inverse)
    for t in range(len(uniforms)):
        count = propose(place.matrix, place.loads, fit, uniforms[t], rows, new)
        if count == 0:
            continue
        for l in range(count):
            old[l] = place.matrix[rows[l]]
        gram[:], inverse[:] = place.gram, place.inverse
        _put(place, rows[:count], new, fit, ridge)
        limit = value - temperatures[t] * np.log(1.0 - uniforms[t, -1])
        reached = objective(place, fit, wanted, limit)
        if reached <= limit:
            value = reached
            kept += 1
            if value < best:
                best = value
                best_matrix[:] = place.matrix
            continue
        _write(place, rows[:count], old, fit)
        place.gram[:], place.inverse[:] = gram, inverse
    return value, best, kept
