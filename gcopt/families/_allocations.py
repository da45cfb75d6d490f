"""Who holds what in codes that are sums of whatever arrives: named ways to put d copies of partitions on workers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.combinatorics.catalogue import construction
from gcopt.combinatorics.existence import block_design, design_existence
from gcopt.combinatorics.fields import Field, nearest_orders, prime_power
from gcopt.combinatorics.hadamard import hadamard, hadamard_known
from gcopt.combinatorics.integers import divisors
from gcopt.combinatorics.nonexistence import forbidden
from gcopt.errors import InputError
from gcopt.existence import Existence
from gcopt.families._scattered import subsets
from gcopt.families.pairwise_balanced import check_copies

Ints = NDArray[np.int64]

_NEAR = 3  # at most so many sizes are named on either side


@dataclass(frozen=True)
class Allocation:
    """One way to place copies.

    Attributes
    ----------
    existence : callable
        Of n, d_i of every partition, shape (k,): whether there is such a placement.
    place : callable
        Of n, d_i and a generator: the placement, shape (n, k), where ``existence`` says yes.
    sizes : callable
        Of n: the d and the largest k that the placement fixes; None for a d that it does not.
    """

    existence: Callable[[int, Ints], Existence]
    place: Callable[[int, Ints, np.random.Generator], Any]
    sizes: Callable[[int], tuple[int | None, int]]


def sized(allocation: Any, workers: int, replication: Any, partitions: Any) -> tuple[Allocation, Ints, Existence]:
    """Return an allocation, d_i of every partition, and whether it has such sizes.

    Raises
    ------
    InputError
        If there is no allocation of that name, it needs a replication, or a number is impossible.

    Examples
    --------
    >>> _, copies, answer = sized("hadamard", 8, None, None)
    >>> copies.tolist(), answer.answer
    ([4, 4, 4, 4, 4, 4, 4], 'yes')
    """
    if allocation not in ALLOCATIONS:
        raise InputError(f"allocation is {allocation!r}; one of {', '.join(ALLOCATIONS)} would work")
    found = ALLOCATIONS[allocation]
    fixed, most = found.sizes(workers)
    if replication is None and fixed is None:
        raise InputError(f"replication is missing; allocation {allocation} needs it, from 1 to {workers}")
    listed = isinstance(replication, (list, tuple, np.ndarray))
    copies = check_copies(
        fixed if replication is None else replication,
        most if partitions is None and not listed else partitions,
        workers,
    )
    return found, copies, found.existence(workers, copies)


def _always(workers: int, copies: Ints) -> Existence:
    return Existence("yes", "any number of workers, partitions and copies")


def _random(workers: int, copies: Ints, numbers: np.random.Generator) -> Any:
    return subsets(numbers, copies, workers).T


def _cyclic(workers: int, copies: Ints, numbers: np.random.Generator) -> Any:
    """Partition i ends at worker i n / k and is on the d_i before: for k = n worker j holds j, ..., j + d - 1."""
    n, k = workers, copies.size
    columns = np.repeat(np.arange(k), copies)
    steps = np.arange(columns.size) - np.repeat(np.cumsum(copies) - copies, copies)
    return _ones((columns * n // k - steps) % n, columns, (n, k))


def _groups_exist(workers: int, copies: Ints) -> Existence:
    n, d = workers, int(copies[0])
    if (unequal := _unequal(copies)) is not None:
        return unequal
    if n % d == 0:
        return Existence("yes", f"{n // d} groups of {d} workers that do the same")
    loads = sorted(divisors(n), key=lambda x: abs(x - d))[:2]
    nearest = [{"replication": x} for x in loads] + [{"workers": n // d * d}, {"workers": n // d * d + d}]
    return Existence("no", "groups of replication workers must fill all workers", tuple(nearest))


def _groups(workers: int, copies: Ints, numbers: np.random.Generator) -> Any:
    """Worker j is in group j modulo n / d, as in ``fractional-repetition``; groups hold stretches of partitions."""
    n, k, d = workers, copies.size, int(copies[0])
    groups = n // d
    columns = np.repeat(np.arange(k), d)
    rows = columns * groups // k + groups * np.tile(np.arange(d), k)
    return _ones(rows, columns, (n, k))


def _hadamard_exists(workers: int, copies: Ints) -> Existence:
    n = workers
    if n % 4:
        return Existence("no", "a Hadamard matrix of more than 2 rows has a multiple of 4", _orders(n, 4))
    if not hadamard_known(n):
        return Existence("unknown", f"no Hadamard matrix of order {n} is made here", _orders(n, 4))
    return _fits(copies, n // 2, n - 1, "columns of a Hadamard matrix but the first, each half +1")


def _hadamard(workers: int, copies: Ints, numbers: np.random.Generator) -> Any:
    """Take +1 or -1 of a column, either of which is half of the workers and shares a quarter: to even out the loads.

    Squares of the loads add up to the same either way, so the fourth powers of how far they are from their mean decide.
    """
    found = hadamard(workers)
    held = (found * found[:, [0]])[:, 1 : copies.size + 1] == 1
    load = np.zeros(workers)
    for column in held.T:
        away = load - load.mean()
        growth = 2 * away**3 + 3 * away**2
        if 2 * growth @ column > growth.sum():
            np.logical_not(column, out=column)
        load += column
    return held


def _lines_exist(workers: int, copies: Ints) -> Existence:
    q = isqrt(workers)
    if q * q != workers or not prime_power(q):
        why = "lines of a plane need the square of a prime power of workers"
        squares = tuple({"workers": other**2} for other in (*([q] if prime_power(q) else []), *nearest_orders(q)))
        theorem = q * q != workers or q < 2 or forbidden(workers, q, 1) is not None
        nearest = sorted(squares, key=lambda one: abs(one["workers"] - workers))[:2]
        return Existence("no" if theorem else "unknown", why, tuple(nearest))
    return _fits(copies, q, q + 1, f"one line of each parallel class over the field of {q} elements")


def _lines(workers: int, copies: Ints, numbers: np.random.Generator) -> Any:
    """Lines y = a x + a^2, of which at most two meet in a point, since a has two values at most; then x = 0."""
    q = isqrt(workers)
    field = Field(q)
    slopes = field.elements
    x, y = np.repeat(slopes, q), np.tile(slopes, q)
    heights = field.add(field.multiply(x[:, None], slopes), field.multiply(slopes, slopes))
    return np.hstack([heights == y[:, None], x[:, None] == 0])[:, : copies.size]


def _symmetric_exists(workers: int, copies: Ints) -> Existence:
    n, d = workers, int(copies[0])
    if (unequal := _unequal(copies)) is not None:
        return unequal
    if copies.size > n:
        return _fits(copies, d, n, "blocks of a symmetric design")
    if d in (1, n):
        return Existence("yes", "blocks of one worker, or of all")
    if d * (d - 1) % (n - 1):
        reason = f"any two blocks share {d} * {d - 1} / {n - 1} workers, which is no whole number"
        return Existence("no", reason, _symmetric_near(n, d))
    found = design_existence(n, d, d * (d - 1) // (n - 1))
    return found if found.answer == "yes" else Existence(found.answer, found.reason, _symmetric_near(n, d))


def _symmetric(workers: int, copies: Ints, numbers: np.random.Generator) -> Any:
    n, d = workers, int(copies[0])
    if d in (1, n):
        held = np.eye(n) if d == 1 else np.ones((n, n))
        return held[:, : copies.size]
    return block_design(n, d, d * (d - 1) // (n - 1))[:, : copies.size]


def _symmetric_near(n: int, d: int) -> tuple[dict[str, int], ...]:
    """Return the nearest d for n workers, and the nearest n for d, of symmetric designs that are made here."""
    sizes = sorted((x for x in range(2, n) if x != d and _made(n, x)), key=lambda x: abs(x - d))[:2]
    points = [x + 1 for x in divisors(d * (d - 1)) if x + 1 > d and x + 1 != n and _made(x + 1, d)]
    near = sorted(points, key=lambda x: abs(x - n))[:2]
    return (*({"replication": x} for x in sizes), *({"workers": x} for x in near))


def _made(n: int, d: int) -> bool:
    index, rest = divmod(d * (d - 1), n - 1)
    return not rest and forbidden(n, d, index) is None and construction(n, d, index, search=False) is not None


def _fits(copies: Ints, replication: int, most: int, what: str) -> Existence:
    """Say whether all d_i are as fixed and the partitions not too many."""
    if (copies != replication).any():
        return Existence("no", f"every partition is on {replication} workers there", ({"replication": replication},))
    if copies.size > most:
        return Existence("no", f"there are {most} such partitions", ({"partitions": most},))
    return Existence("yes", what)


def _unequal(copies: Ints) -> Existence | None:
    if (copies == copies[0]).all():
        return None
    return Existence("no", "every partition is on equally many workers there", ({"replication": int(copies[0])},))


def _orders(n: int, step: int) -> tuple[dict[str, int], ...]:
    """Return the nearest orders, multiples of a step, of Hadamard matrices that are made here."""
    low, high = n // step * step, n // step * step + step
    below = next((x for x in range(low, 0, -step) if x != n and hadamard_known(x)), None)
    above = next(x for x in range(high, 4 * high, step) if hadamard_known(x))
    found = sorted((x for x in (below, above) if x is not None), key=lambda x: abs(x - n))
    return tuple({"workers": x} for x in found)


def _ones(rows: Ints, columns: Ints, shape: tuple[int, int]) -> sparse.csr_array:
    return sparse.csr_array((np.ones(rows.size), (rows, columns)), shape=shape)


ALLOCATIONS: dict[str, Allocation] = {
    "random": Allocation(_always, _random, lambda n: (None, n)),
    "cyclic": Allocation(_always, _cyclic, lambda n: (None, n)),
    "fractional-repetition": Allocation(_groups_exist, _groups, lambda n: (None, n)),
    "hadamard": Allocation(_hadamard_exists, _hadamard, lambda n: (max(1, n // 2), max(1, n - 1))),
    "affine-plane": Allocation(_lines_exist, _lines, lambda n: (isqrt(n), isqrt(n) + 1)),
    "symmetric": Allocation(_symmetric_exists, _symmetric, lambda n: (None, n)),
}
