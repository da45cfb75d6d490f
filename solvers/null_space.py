"""Coefficients for any placement with s + m copies of every partition, chosen to amplify noise as little as possible.

The matrix C, (s + m) x n, is the code: partition p with the holders J gets the coefficients b that solve C_J b = E, and
any Lambda with Lambda E = I gives a decoding matrix Lambda C. Straggler set S is served by the Lambda with
(Lambda C)_S = 0: one system of s + m equations per set, whatever n is (see `_null_space_algebra`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from scipy import optimize

from ._null_space_algebra import Floats, Integers, coefficients, encoding, greedy_sets, joined, smooth_worst, worst
from .adversary import WorstCase
from .errors import InputError
from .result import Result, Status
from .seeding import RngLike, generator, seed_of

__all__ = ["NullSpaceCode", "NullSpaceResult", "coefficients", "joined", "straggler_sets"]

_SHARPNESS = (4.0, 16.0, 64.0)
_ROUNDS = 4
_FEWEST = 20
_PROVED = 1_000_000


@dataclass(frozen=True, kw_only=True)
class NullSpaceResult(Result):
    """Outcome of `NullSpaceCode`.

    Attributes
    ----------
    value : float
        Noise amplification of the worst straggler set looked at.
    coefficients : array, shape (k, copies, m)
        Entry (p, i, u) is what holder ``holders[p, i]`` multiplies block u of partition p with.
    complete : bool
        Whether every set was looked at, so that ``value`` is the worst case of this code.
    """

    coefficients: Floats
    complete: bool


@dataclass(frozen=True)
class NullSpaceCode:
    """Search for a matrix C with small worst-case noise amplification.

    Gaussian draws are ranked by their worst set; the best few descend along a smooth maximum over the sets (p-norms of
    growing p, exact gradients), and where not every set can be looked at, the worst sets of each result, found
    greedily, join the ones that count.

    Attributes
    ----------
    draws : int
        Gaussian matrices to rank; 0 leaves only the given starts.
    refined : int
        How many of the best descend; 0 keeps the best draw as it is.
    steps : int
        Descent steps for each sharpness.
    sets : int
        Straggler sets to look at: all of them if there are no more than this, else a sample of this size.
    operations : float
        Roughly how many multiplications may be spent, ranking and descending in equal parts; draws and steps are cut
        down to it (a limit on time that gives the same result on every machine).

    Raises
    ------
    InputError
        If an option is impossible.

    Examples
    --------
    >>> import numpy as np
    >>> holders = (np.arange(4)[:, None] + np.arange(3)) % 4
    >>> round(NullSpaceCode().solve(holders, 4, rng=0).value, 2)
    2.02
    """

    draws: int = 50
    refined: int = 3
    steps: int = 40
    sets: int = 1000
    operations: float = 1e8

    def __post_init__(self) -> None:
        for name, least in (("draws", 0), ("refined", 0), ("steps", 1), ("sets", 1), ("operations", 1)):
            if not getattr(self, name) >= least:
                raise InputError(f"{name} is {getattr(self, name)}; at least {least} is needed")

    def solve(
        self,
        holders: Integers,
        workers: int,
        *,
        stragglers: int | None = None,
        blocks: int = 1,
        starts: Sequence[Floats] = (),
        rng: RngLike = None,
    ) -> NullSpaceResult:
        """Choose the coefficients of a placement.

        Parameters
        ----------
        holders : array, shape (k, copies), copies >= s + m
            The workers that hold each partition, all different; n fills up where there are fewer than elsewhere.
        workers : int
            n.
        stragglers : int, optional
            s; copies - m by default.
        blocks : int
            m.
        starts : sequence of arrays, shape (s + m, n)
            Matrices C to rank with the draws, at least one where there are none.
        rng : None, int, Generator or SeedSequence
            Of the draws and the sampled sets.

        Returns
        -------
        NullSpaceResult
            ``value`` is an upper bound on the noise of these sets where workers do the same (the decoding vectors
            that C knows of are then not all there are), else the noise itself.
        """
        begin, seed = time.perf_counter(), seed_of(rng)
        copies = holders.shape[1]
        s = copies - blocks if stragglers is None else stragglers
        size = s + blocks
        if not (0 <= s < workers and size <= copies):
            raise InputError(f"stragglers is {s} with blocks = {blocks}; together at most {copies} copies would work")
        affordable = max(_FEWEST, int(self.operations / 4 / size**3))
        sets, complete = straggler_sets(workers, s, min(self.sets, affordable), generator(seed, 0))
        cost = (len(holders) * copies / size + len(sets)) * size**3
        draws = min(self.draws, max(1, int(self.operations / 4 / cost)))
        pool = list(starts) + [generator(seed, 1, i).standard_normal((size, workers)) for i in range(draws)]
        if not pool:
            raise InputError("draws is 0 and starts is empty; one of them must give a matrix C")
        if len(pool) > 1:
            pool.sort(key=lambda c: worst(c, holders, sets, blocks))
        task = _Task(holders, sets, complete, blocks)
        found = [(task.judge(c)[0], c) for c in pool[: max(1, 2 * self.refined)]]
        rounds = _SHARPNESS if complete else tuple(np.repeat(_SHARPNESS, _ROUNDS))
        steps = min(self.steps, int(self.operations / 4 / cost / max(1, self.refined * len(rounds))))
        if steps:
            for _, c in sorted(found, key=lambda pair: pair[0])[: self.refined]:
                found += task.descend(c, rounds, steps)
        value, best = min(found, key=lambda pair: pair[0])
        return NullSpaceResult(
            value=float(np.sqrt(value)),
            bound=None,
            status=Status.FEASIBLE,
            seconds=time.perf_counter() - begin,
            seed=seed,
            coefficients=coefficients(best, holders, blocks),
            complete=complete,
        )


@dataclass(frozen=True, eq=False)
class _Task:
    """What does not change while C does."""

    holders: Integers
    sets: Integers
    complete: bool
    blocks: int

    def descend(self, c: Floats, rounds: Sequence[float], steps: int) -> list[tuple[float, Floats]]:
        """Return the squared worst amplification and C after every round; bad sets join where not all are there."""
        trail, sets = [], self.sets
        for sharpness in rounds:
            outcome = optimize.minimize(
                smooth_worst,
                c.ravel(),
                args=(c.shape, self.holders, sets, sharpness, self.blocks),
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": steps},
            )
            c = outcome.x.reshape(c.shape)
            c = c / np.linalg.norm(c, axis=0)
            value, bad = self.judge(c, sets)
            trail.append((value, c))
            sets = np.concatenate([sets, bad])
        return trail

    def judge(self, c: Floats, sets: Integers | None = None) -> tuple[float, Integers]:
        """Return the squared worst amplification and, where ``sets`` are not all there are, the worst other sets."""
        sets = self.sets if sets is None else sets
        if self.complete:
            return worst(c, self.holders, sets, self.blocks), sets[:0]
        try:
            bad = greedy_sets(c, self.holders, self.blocks)[0]
        except np.linalg.LinAlgError:
            return float("inf"), sets[:0]
        n, s = c.shape[1], sets.shape[1]
        if sum(comb(n, lost) for lost in range(s + 1)) <= _PROVED:
            matrix = encoding(coefficients(c, self.holders, self.blocks), self.holders, n)
            proved = WorstCase(objective="noise", seconds=None).solve(matrix, blocks=self.blocks, stragglers=s, rng=0)
            if len(proved.set) == s:
                bad = np.concatenate([bad, [proved.set]])
            return proved.value**2, bad
        return worst(c, self.holders, np.concatenate([sets, bad]), self.blocks), bad


def straggler_sets(workers: int, stragglers: int, limit: int, rng: np.random.Generator) -> tuple[Integers, bool]:
    """Return all sets of stragglers if there are at most ``limit``, else that many drawn ones; and which it was.

    Examples
    --------
    >>> import numpy as np
    >>> straggler_sets(3, 2, 10, np.random.default_rng(0))[0].tolist()
    [[0, 1], [0, 2], [1, 2]]
    """
    count = comb(workers, stragglers)
    if count <= limit:
        every = list(combinations(range(workers), stragglers))
        return np.array(every, dtype=np.int64).reshape(count, stragglers), True
    drawn = [rng.choice(workers, stragglers, replace=False) for _ in range(limit)]
    return np.array(drawn, dtype=np.int64), False
