"""In which order workers should process their chunks, so that little work in all gives every chunk its copies.

Worker j processes its chunks one after the other. When chunk i is its p-th of load_j, then ``left = load_j - p + 1``
chunks are undone as long as i is. In the worst case chunk i has l - 1 copies, from the workers with most left, and all
others have stopped just before it, so that of the W = sum_j load_j chunks as many are undone as the *slack* of i says:
the sum of its c_i - l + 1 smallest numbers left, c_i being its number of copies. One more and i has its l copies:

    Q_i = 1 + W - slack_i,   Q_max = max_i Q_i = 1 + W - min_i slack_i

(the ordering metric of Ramamoorthy, Meng, Girimaji 2024, arXiv 2405.19509, there for l = 1, written for any l).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ._ordering_bounds import slack_bound
from ._ordering_start import Places, matched
from .errors import InputError
from .result import Result, Status
from .seeding import RngLike, generator, seed_of

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_STEPS = 20_000
_HOT, _COLD = 3.0, 0.1


@dataclass(frozen=True, kw_only=True)
class OrderingResult(Result):
    """The best orders found; ``value`` is their Q_max, ``bound`` what no orders can go below.

    Attributes
    ----------
    order : tuple of tuple of int
        For each worker its chunks, the first to be processed first.
    method : str
        Where the orders come from, in a phrase.
    """

    order: tuple[tuple[int, ...], ...]
    method: str


@dataclass(frozen=True)
class Ordering:
    """Search for the orders of least Q_max: the work that is enough, whoever does it, for l copies of every chunk.

    Where all workers hold d chunks and all chunks have c copies, perfect matchings give orders in which all chunks are
    alike, optimal for l = 1 (see `_ordering_start`); otherwise, and where the bound is not met, two chunks of
    a worker are swapped at a time by simulated annealing.

    Attributes
    ----------
    blocks : int
        l, the copies that every chunk needs: gradients are sent in l blocks.
    seconds : float or None
        Time after which the best orders so far are returned; None goes through all steps.
    restarts, steps : int
        Chains of the search, and swaps tried in each.

    Raises
    ------
    InputError
        If an option is impossible.

    Examples
    --------
    >>> import numpy as np
    >>> ring = np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [1, 0, 0, 1, 1], [1, 1, 0, 0, 1]])
    >>> found = Ordering().solve(ring)
    >>> found.value, str(found.status), found.method
    (10.0, 'optimal', 'perfect matchings')
    """

    blocks: int = 1
    seconds: float | None = 10.0
    restarts: int = 4
    steps: int = 1_000_000

    def __post_init__(self) -> None:
        if self.blocks < 1:
            raise InputError(f"blocks is {self.blocks}; 1 or more would work")
        if self.seconds is not None and not self.seconds > 0:
            raise InputError(f"seconds is {self.seconds}; a positive number or None would work")
        if self.restarts < 0 or self.steps < 0:
            raise InputError(f"restarts, steps are {self.restarts}, {self.steps}; 0 or more would work")

    def solve(self, assignment: NDArray[Any] | sparse.sparray, *, rng: RngLike = None) -> OrderingResult:
        """Find orders for one assignment.

        Parameters
        ----------
        assignment : array or sparse array, shape (n, k)
            Worker j holds chunk i where the entry is not zero.
        rng : None, int, Generator or SeedSequence
            For the search; equal seeds give equal orders unless the time runs out.

        Returns
        -------
        OrderingResult
            Status optimal (bound equals value) or feasible.

        Raises
        ------
        InputError
            If the assignment is no matrix or a chunk has fewer than ``blocks`` copies.
        """
        from ._ordering_kernels import anneal

        held = checked_assignment(assignment, self.blocks)
        seed = seed_of(rng)
        places = Places(held)
        _compile(anneal)
        started = perf_counter()
        most = slack_bound(held, self.blocks)
        left, method = matched(places)
        if _smallest(left, places, self.blocks) < most:
            left, method = self._search(left, method, places, most, seed, started)
        total, slack = int(held.sum()), _smallest(left, places, self.blocks)
        return OrderingResult(
            value=float(1 + total - slack),
            bound=float(1 + total - most),
            status=Status.OPTIMAL if slack == most else Status.FEASIBLE,
            seconds=perf_counter() - started,
            seed=seed,
            order=places.order(left),
            method=method,
        )

    def _search(
        self, best: Floats, method: str, places: Places, most: int, seed: int, started: float
    ) -> tuple[Floats, str]:
        """Improve on ``best`` until its slack is ``most`` or all chains are through."""
        from ._ordering_kernels import anneal

        slack = _smallest(best, places, self.blocks)
        rounds = -(-self.steps // _STEPS)
        heat = np.geomspace(_HOT, _COLD, rounds + 1)
        for chain in range(self.restarts):
            rng = generator(seed, chain)
            left = best.copy()
            for t in range(rounds):
                if slack == most or (self.seconds is not None and perf_counter() - started > self.seconds):
                    return best, method
                draws = rng.random((_STEPS, 3))
                if anneal(left, places.arrays, self.blocks - 1, slack + 1.0, heat[t], heat[t + 1], draws):
                    best, method = left.copy(), "simulated annealing"
                    slack = _smallest(best, places, self.blocks)
        return best, method


def worst_work(
    assignment: NDArray[Any] | sparse.sparray, order: Sequence[Sequence[int]], *, blocks: int = 1
) -> NDArray[np.int64]:
    """Return Q_i, how many chunks the workers must process in all so that chunk i surely has ``blocks`` copies.

    Parameters
    ----------
    assignment : array or sparse array, shape (n, k)
        Worker j holds chunk i where the entry is not zero.
    order : sequence of sequences of int
        For each worker its chunks, the first to be processed first.
    blocks : int
        l.

    Returns
    -------
    array of int, shape (k,)
        Q_max is the largest.

    Raises
    ------
    InputError
        If the assignment is no matrix, a chunk has fewer than ``blocks`` copies, or an order is not one of the chunks
        that its worker holds.

    Examples
    --------
    >>> import numpy as np
    >>> worst_work(np.ones((2, 2)), [[0, 1], [1, 0]]).tolist(), worst_work(np.ones((2, 2)), [[0, 1], [0, 1]]).tolist()
    ([2, 2], [1, 3])
    """
    held = checked_assignment(assignment, blocks)
    places = Places(held)
    return np.asarray(1 + held.sum() - _slacks(places.left(checked_order(held, order)), places, blocks), dtype=np.int64)


def checked_assignment(assignment: Any, blocks: int = 1) -> Bools:
    """Return who holds what, bool, shape (n, k); refuse what cannot give ``blocks`` copies of every chunk."""
    dense: Any = getattr(assignment, "toarray", None)
    array = np.asarray(assignment if dense is None else dense())
    if array.ndim != 2 or 0 in array.shape or array.dtype.kind not in "biufc":
        raise InputError(f"assignment has shape {array.shape} and type {array.dtype}; a matrix of numbers is needed")
    if not np.isfinite(array).all():
        raise InputError("assignment holds NaN or infinity; finite numbers are needed")
    held: Bools = np.asarray(array != 0)
    copies = held.sum(axis=0)
    if copies.min() < blocks:
        i = int(copies.argmin())
        raise InputError(f"blocks is {blocks} and chunk {i} is on {copies[i]} workers; at most that many would work")
    return held


def checked_order(held: Bools, order: Sequence[Sequence[int]]) -> list[Ints]:
    """Return the orders as arrays; refuse those that are not of the chunks a worker holds, each once."""
    if len(order) != len(held):
        raise InputError(f"order has {len(order)} entries; one for each of the {len(held)} workers is needed")
    for j, mine in enumerate(order):
        if sorted(mine) != np.flatnonzero(held[j]).tolist():
            raise InputError(f"order[{j}] is {list(mine)}; each of {np.flatnonzero(held[j]).tolist()} once is needed")
    return [np.array(mine, dtype=np.int64) for mine in order]


def _slacks(left: Floats, places: Places, blocks: int) -> Ints:
    cuts = places.first[1:-1]
    return np.array([np.sort(x)[: len(x) - blocks + 1].sum() for x in np.split(left, cuts)], dtype=np.int64)


def _smallest(left: Floats, places: Places, blocks: int) -> int:
    return int(_slacks(left, places, blocks).min())


def _compile(anneal: Any) -> None:
    """Run the kernel once on next to nothing, so that the time of a search is spent on searching."""
    one, ends = np.zeros(1, dtype=np.int64), np.array([0, 1])
    anneal(np.ones(1), (one, ends, one, one, ends), 0, 2.0, _HOT, _COLD, np.zeros((1, 3)))
