"""Quiet exact codes: who holds what and with which coefficients, so that the worst stragglers amplify noise least."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..adversary import WorstCase
from ..chains import Chain
from ..errors import InputError, LimitError
from ..result import Result, Status
from ..searching import Keep, Search, Tell
from ..seeding import RngLike, seed_of
from .bounds import least_noise, least_noise_on
from .noise import is_small
from .parts import parts_of
from .problem import Quiet
from .starts import starts as known

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_STARTS = 8
_PROVED = 5_000_000  # straggler sets of a part of a given code up to which its noise is computed


@dataclass(frozen=True, kw_only=True)
class ExactCodeResult(Result):
    """Outcome of `ExactCode`.

    ``value`` is the noise amplification nu of the worst of all sets of s stragglers, as `WorstCase` proves it of
    ``encoding``; ``bound`` is what no exact code of these loads (or on this placement) can go below.

    Attributes
    ----------
    encoding : array, shape (n, k)
        B; the largest entry of a row is 1 in size.
    chains : tuple of Chain
        To go on from.
    stopped : str
        What ended the search, see `Found`.
    """

    encoding: Floats
    chains: tuple[Chain, ...]
    stopped: str

    @property
    def moves(self) -> tuple[int, ...]:
        """How many moves each chain has made: what `Search.moves` takes to make this code again."""
        return tuple(chain.moves for chain in self.chains)


@dataclass(frozen=True)
class ExactCode:
    """Search for a real code that is exact for every s stragglers, with small worst-case noise amplification.

    Chains start from groups of workers with plain repetition, cyclic codes of workers or of teams, and nearly plain
    repetition; they change the placement (new random ones with few kinds of partitions on a part of the workers,
    exchanges of copies) and descend along a smooth maximum over all straggler sets.

    Attributes
    ----------
    search : Search
        How long, how many chains and processes.

    Examples
    --------
    >>> from gcopt.solvers.searching import Search
    >>> found = ExactCode(Search(seconds=0.0)).solve(5, 2, rng=0)
    >>> round(found.value, 3)
    1.483
    """

    search: Search = field(default_factory=lambda: Search(moves=10))

    def solve(
        self,
        workers: int,
        stragglers: int,
        *,
        partitions: int | None = None,
        loads: int | ArrayLike | None = None,
        holders: ArrayLike | None = None,
        starts: Sequence[ArrayLike] = (),
        rng: RngLike = None,
        chains: Iterable[Chain] = (),
        tell: Tell | None = None,
        keep: Keep | None = None,
    ) -> ExactCodeResult:
        """Search for a code.

        Parameters
        ----------
        workers, stragglers : int
            n and s < n.
        partitions : int, optional
            k; n by default.
        loads : int or array, shape (n,), optional
            The most partitions that each worker may hold; by default the least that all can do with.
        holders : bool array, shape (n, k), optional
            Who holds what, instead of partitions and loads: only coefficients are searched.
        starts : sequence of arrays, shape (n, k)
            Real exact codes that are known; the result is no worse than the best of them.
        rng : None, int, Generator or SeedSequence
        chains, tell, keep
            As of `Search.run`.

        Raises
        ------
        InputError
            If a number or shape is impossible, or the loads leave a partition with fewer than s + 1 copies.
        LimitError
            If a group of workers has too many straggler sets to look at.

        References
        ----------
        Groups: Tandon et al. 2017, Section 3.1. Coefficients from decoding vectors: Wang et al. 2019. Cyclic codes:
        Raviv et al. 2018. The noise and its derivatives: derived in `parts` and `noise`.
        """
        seed = seed_of(rng)
        given = [np.asarray(start, dtype=np.float64) for start in starts]
        if holders is not None:
            if partitions is not None or loads is not None:
                raise InputError("holders says who holds what already; leave out partitions and loads")
            problem, bound = _fixed(np.asarray(holders), workers, stragglers)
        else:
            problem, bound = _open(workers, stragglers, partitions, loads, given)
        found = self.search.run(problem, rng=seed, chains=chains, enough=bound, tell=tell, keep=keep)
        candidates = [problem.best(found.best).matrix()] if np.isfinite(found.best.value) else []
        judged = [(_noise(matrix, stragglers), _scaled(matrix)) for matrix in candidates + given]
        value, encoding = min(judged, key=lambda pair: pair[0], default=(np.inf, np.empty(0)))
        if not np.isfinite(value):
            raise LimitError("seconds: no exact code was found; more time or larger loads may work")
        return ExactCodeResult(
            value=value,
            bound=bound,
            status=Status.OPTIMAL if value <= bound * (1.0 + 1e-9) else Status.FEASIBLE,
            seconds=found.seconds,
            seed=seed,
            encoding=encoding,
            chains=found.chains,
            stopped=found.stopped,
        )


def _fixed(holders: NDArray[np.generic], workers: int, stragglers: int) -> tuple[Quiet, float]:
    """Return the problem on a placement, and its bound."""
    if holders.ndim != 2 or len(holders) != workers or not np.isin(holders, (0, 1)).all():
        raise InputError(f"holders has shape {holders.shape}; ({workers} workers, partitions) of 0 and 1 is needed")
    held = holders.astype(bool)
    least = int(held.sum(axis=0).min(initial=workers))
    if least <= stragglers:
        raise InputError(f"holders has a partition on {least} workers; with {stragglers} stragglers it needs more")
    if not all(is_small(part) for part in parts_of(held, stragglers)):
        raise LimitError("holders: its straggler sets are too many to look at; smaller groups would work")
    return Quiet((held,), None, stragglers), least_noise_on(held, stragglers)


def _open(
    workers: int, stragglers: int, partitions: int | None, loads: int | ArrayLike | None, given: Sequence[Floats]
) -> tuple[Quiet, float]:
    """Return the problem with these loads, and its bound."""
    n, s = workers, stragglers
    k = n if partitions is None else partitions
    if not 0 <= s < n or k < 1:
        raise InputError(f"{n} workers, {s} stragglers and {k} partitions; fewer stragglers than workers are needed")
    most = np.asarray(-(-k * (s + 1) // n) if loads is None else loads)
    if most.dtype.kind not in "iu" or most.shape not in ((), (n,)):
        raise InputError(f"loads is {loads!r}; an integer, or one for each of {n} workers, is needed")
    caps = np.minimum(np.broadcast_to(most, (n,)), k).astype(np.int64)
    if caps.min() < 0 or caps.sum() < k * (s + 1):
        raise InputError(f"loads add up to {caps.sum()}; {s + 1} copies of {k} partitions need {k * (s + 1)}")
    for start in given:
        if start.shape != (n, k) or ((start != 0.0).sum(axis=1) > caps).any():
            raise InputError(f"starts has a code of shape {start.shape}; ({n}, {k}) within the loads is needed")
    placements = [start != 0.0 for start in given if (start != 0.0).sum(axis=0).min() > s]
    placements += known(tuple(caps.tolist()), k, s, _STARTS)
    small = [held for held in placements if all(is_small(part) for part in parts_of(held, s))]
    if not small:
        raise LimitError(
            f"workers = {n} and stragglers = {s} have too many straggler sets to look at; fewer would work, or loads "
            "that allow smaller groups"
        )
    return Quiet(tuple(small), caps, s), least_noise(caps, k, s)


def _noise(matrix: Floats, stragglers: int) -> float:
    """Return the proved noise amplification of the worst stragglers; infinity where it is not proved or not exact."""
    error = WorstCase(seconds=None, sets=_PROVED).solve(matrix, stragglers=stragglers, rng=0)
    worst = WorstCase(objective="noise", seconds=None, sets=_PROVED).solve(matrix, stragglers=stragglers, rng=0)
    return worst.value if error.exact and worst.status is Status.OPTIMAL else np.inf


def _scaled(matrix: Floats) -> Floats:
    largest = np.abs(matrix).max(axis=1, keepdims=True)
    return np.asarray(matrix / np.where(largest > 0.0, largest, 1.0))
