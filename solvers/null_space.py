"""Coefficients for any placement with s + 1 copies of every partition, chosen to amplify noise as little as possible.

The matrix C, (s+1) x n, is the code: partition p with the holders J gets the coefficients b that solve C_J b = 1, so
that C B is all ones, and any lambda with sum 1 gives a decoding vector lambda C. Straggler set S is served by the
lambda with (lambda C)_S = 0: one (s+1) x (s+1) system per set, whatever n is.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from .adversary import WorstCase
from .errors import InputError
from .result import Result, Status
from .seeding import RngLike, generator, seed_of

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_SHARPNESS = (4.0, 16.0, 64.0)
_ROUNDS = 4
_FEWEST = 20
_PROVED = 1_000_000
_ELEMENTS = 4_000_000
_STARTS = 64


@dataclass(frozen=True, kw_only=True)
class NullSpaceResult(Result):
    """Outcome of `NullSpaceCode`.

    Attributes
    ----------
    value : float
        Noise amplification of the worst straggler set looked at.
    coefficients : array, shape (k, s + 1)
        Entry (p, i) is what holder ``holders[p, i]`` multiplies partition p with.
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
        self, holders: Integers, workers: int, *, starts: Sequence[Floats] = (), rng: RngLike = None
    ) -> NullSpaceResult:
        """Choose the coefficients of a placement.

        Parameters
        ----------
        holders : array, shape (k, s + 1)
            The workers that hold each partition, all different.
        workers : int
            n.
        starts : sequence of arrays, shape (s + 1, n)
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
        size = holders.shape[1]
        affordable = max(_FEWEST, int(self.operations / 4 / size**3))
        sets, complete = straggler_sets(workers, size - 1, min(self.sets, affordable), generator(seed, 0))
        cost = (len(holders) + len(sets)) * size**3
        draws = min(self.draws, max(1, int(self.operations / 4 / cost)))
        pool = list(starts) + [generator(seed, 1, i).standard_normal((size, workers)) for i in range(draws)]
        if not pool:
            raise InputError("draws is 0 and starts is empty; one of them must give a matrix C")
        if len(pool) > 1:
            pool.sort(key=lambda c: _worst(c, holders, sets))
        found = [(self._judge(c, holders, sets, complete)[0], c) for c in pool[: max(1, 2 * self.refined)]]
        rounds = _SHARPNESS if complete else tuple(np.repeat(_SHARPNESS, _ROUNDS))
        steps = min(self.steps, int(self.operations / 4 / cost / max(1, self.refined * len(rounds))))
        if steps:
            for _, c in sorted(found, key=lambda pair: pair[0])[: self.refined]:
                found += self._descend(c, holders, sets, rounds, steps, complete)
        value, best = min(found, key=lambda pair: pair[0])
        return NullSpaceResult(
            value=float(np.sqrt(value)),
            bound=None,
            status=Status.FEASIBLE,
            seconds=time.perf_counter() - begin,
            seed=seed,
            coefficients=coefficients(best, holders),
            complete=complete,
        )

    def _descend(
        self, c: Floats, holders: Integers, sets: Integers, rounds: Sequence[float], steps: int, complete: bool
    ) -> list[tuple[float, Floats]]:
        """Return the squared worst amplification and C after every round; bad sets join where not all are there."""
        trail = []
        for sharpness in rounds:
            outcome = optimize.minimize(
                _smooth_worst,
                c.ravel(),
                args=(c.shape, holders, sets, sharpness),
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": steps},
            )
            c = outcome.x.reshape(c.shape)
            c = c / np.linalg.norm(c, axis=0)
            value, bad = self._judge(c, holders, sets, complete)
            trail.append((value, c))
            sets = np.concatenate([sets, bad])
        return trail

    def _judge(self, c: Floats, holders: Integers, sets: Integers, complete: bool) -> tuple[float, Integers]:
        """Return the squared worst amplification and, where ``sets`` are not all there are, the worst other sets."""
        if complete:
            return _worst(c, holders, sets), sets[:0]
        try:
            bad = greedy_sets(c, holders)
        except np.linalg.LinAlgError:
            return float("inf"), sets[:0]
        n, s = c.shape[1], sets.shape[1]
        if sum(comb(n, lost) for lost in range(s + 1)) <= _PROVED:
            matrix = np.zeros((n, len(holders)))
            matrix[holders, np.arange(len(holders))[:, None]] = coefficients(c, holders)
            worst = WorstCase(objective="noise", seconds=None).solve(matrix, stragglers=s, rng=0)
            if len(worst.set) == s:
                bad = np.concatenate([bad, [worst.set]])
            return worst.value**2, bad
        return _worst(c, holders, np.concatenate([sets, bad])), bad


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


def coefficients(c: Floats, holders: Integers) -> Floats:
    """Return b of every partition, the solution of C_J b = 1, shape (k, s + 1).

    Examples
    --------
    >>> import numpy as np
    >>> coefficients(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([[0, 1]])).tolist()
    [[1.0, 0.5]]
    """
    k, size = holders.shape
    chunk = max(1, _ELEMENTS // size**2)
    parts = [
        np.linalg.solve(c[:, holders[i : i + chunk]].swapaxes(0, 1), np.ones((min(chunk, k - i), size, 1)))
        for i in range(0, k, chunk)
    ]
    return np.asarray(np.concatenate(parts)[..., 0])


def _product(indices: str, *factors: Floats) -> Floats:
    """Return a matrix product on this thread alone: on such sizes BLAS threads cost far more than they bring."""
    return np.asarray(np.einsum(indices, *factors, optimize=False))


def _weights(b: Floats, holders: Integers, workers: int) -> Floats:
    """Return the squared row lengths of B over k, shape (n,)."""
    return np.bincount(holders.ravel(), (b**2).ravel(), workers) / len(holders)


def _systems(c: Floats, sets: Integers) -> Floats:
    """Return the matrices [C_S^T; 1^T] whose solution for the last unit vector is lambda, shape (sets, s+1, s+1)."""
    count, s = sets.shape
    systems = np.ones((count, s + 1, s + 1))
    systems[:, :s] = c.T[sets]
    return systems


def _decoders(systems: Floats) -> Floats:
    """Return lambda of every set, shape (sets, s + 1)."""
    unit = np.zeros((len(systems), systems.shape[1], 1))
    unit[:, -1] = 1.0
    return np.asarray(np.linalg.solve(systems, unit)[..., 0])


def _worst(c: Floats, holders: Integers, sets: Integers) -> float:
    """Return the largest squared noise amplification over the sets, infinite where C is singular."""
    try:
        decoding = _product("sr,rn->sn", _decoders(_systems(c, sets)), c)
        weights = _weights(coefficients(c, holders), holders, c.shape[1])
        value = float(_product("sn,n->s", decoding**2, weights).max())
    except np.linalg.LinAlgError:
        return float("inf")
    return value if np.isfinite(value) else float("inf")


def _smooth_worst(
    flat: Floats, shape: tuple[int, int], holders: Integers, sets: Integers, sharpness: float
) -> tuple[float, Floats]:
    """Return log of the p-norm of the squared amplifications, p = sharpness, and its gradient by C."""
    c = flat.reshape(shape)
    try:
        b = coefficients(c, holders)
        systems = _systems(c, sets)
        lambdas = _decoders(systems)
        decoding = _product("sr,rn->sn", lambdas, c)
        weights = _weights(b, holders, shape[1])
        squares = decoding**2
        values = _product("sn,n->s", squares, weights)
        top = values.max()
        powers = (values / top) ** sharpness
        # d log ||values||_p: each set counts with its share of the sum of powers, over its value
        share = powers / powers.sum() / values
        slope = 2 * decoding * weights
        back = np.linalg.solve(systems.swapaxes(1, 2), _product("sn,rn->sr", slope, c)[..., None])[..., 0]
        gradient = _product("sr,sn->rn", lambdas * share[:, None], slope)
        through_sets = -(share[:, None, None] * back[:, :-1, None]) * lambdas[:, None, :]
        np.add.at(gradient.T, sets, through_sets)
        by_weight = _product("s,sn->n", share, squares) / len(holders)
        c_holders = c[:, holders].swapaxes(0, 1)
        eta = np.linalg.solve(c_holders.swapaxes(1, 2), (2 * b * by_weight[holders])[..., None])[..., 0]
        np.add.at(gradient.T, holders, -b[:, :, None] * eta[:, None, :])
    except np.linalg.LinAlgError:
        return float("inf"), np.zeros(flat.size)
    return float(np.log(top) + np.log(powers.sum()) / sharpness), gradient.ravel()


def greedy_sets(c: Floats, holders: Integers) -> Integers:
    """Return straggler sets that are bad for C: from several first workers, always the next one that hurts most.

    Parameters
    ----------
    c : array, shape (s + 1, n)
    holders : array, shape (k, s + 1)

    Returns
    -------
    array, shape (min(n, 64), s)

    Examples
    --------
    >>> import numpy as np
    >>> greedy_sets(np.array([[1.0, 0.1, 1.0], [0.0, 1.0, 2.0]]), np.array([[0, 1], [1, 2], [0, 2]])).tolist()
    [[0], [1], [2]]
    """
    size, n = c.shape
    scaled = c * np.sqrt(_weights(coefficients(c, holders), holders, n))
    basis = np.linalg.qr((scaled[1:] - scaled[:1]).T)[0].T
    a = scaled[0] - (scaled[0] @ basis.T) @ basis
    first = np.sort(np.argsort(-(a**2) / (basis**2).sum(axis=0), kind="stable")[:_STARTS])
    if size == 1:
        return np.empty((len(first), 0), dtype=np.int64)
    rows = np.arange(len(first))
    vectors, bases = np.tile(a, (len(first), 1)), np.tile(basis, (len(first), 1, 1))
    chosen = np.zeros((len(first), n), dtype=bool)
    picks, pick = [], first
    while True:
        picks.append(pick)
        chosen[rows, pick] = True
        if len(picks) == size - 1:
            return np.stack(picks, axis=1)
        # zero coordinate `pick` with the least change, and take that direction out of the null space
        direction = bases[rows, :, pick]
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        along = np.einsum("ls,lsn->ln", direction, bases)
        vectors -= along * (vectors[rows, pick] / along[rows, pick])[:, None]
        bases -= direction[:, :, None] * along[:, None, :]
        gain = vectors**2 / np.maximum((bases**2).sum(axis=1), 1e-300)
        pick = np.where(chosen, -1.0, gain).argmax(axis=1)
