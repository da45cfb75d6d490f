"""Coset bipartite graphs: several copies of one circulant, and which generating sets make good ones."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.combinatorics.integers import prime_power
from gcopt.solvers.seeding import RngLike, generator, seed_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LOOKED_AT = 20_000  # generating sets, all of them where there are no more
_ENTRIES = 4_000_000  # of the sets looked at together
_ROUNDS = 50
_ZERO = 1e-9
_DIGITS = 9  # to which values count as equal


def coset_graph(partitions: int, copies: int, generators: Ints) -> sparse.csr_array:
    """Return the 0/1 matrix of a coset bipartite graph, shape (n, k), n = copies * k.

    Worker y, a number modulo n, holds the coset i + H of H = {0, k, 2 k, ...} if y - i modulo k is a generator, so that
    workers y and y + k hold the same. Source: Munim & Ramamoorthy 2026, Section III.

    Examples
    --------
    >>> coset_graph(3, 2, np.array([0, 1])).toarray().tolist()
    [[1, 0, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0], [0, 1, 1]]
    """
    n, d = copies * partitions, len(generators)
    columns = np.sort((np.arange(n)[:, None] - generators) % partitions, axis=1)
    return sparse.csr_array((np.ones(n * d, dtype=np.int32), columns.ravel(), np.arange(n + 1) * d), (n, partitions))


def spectrum(partitions: int, sets: Ints) -> Floats:
    """Return the squared singular values of circulants, shape (.., k), that of all ones first.

    Parameters
    ----------
    partitions : int
        k.
    sets : array of int, shape (.., d)
        Where the first column of each circulant has its ones.

    Examples
    --------
    >>> spectrum(3, np.array([0, 1])).round(9).tolist()
    [4.0, 1.0, 1.0]
    """
    first = np.zeros((*sets.shape[:-1], partitions))
    np.put_along_axis(first, sets, 1.0, axis=-1)
    return np.asarray(np.abs(np.fft.fft(first)) ** 2)


def surely_invertible(partitions: int, load: int) -> bool:
    """Say whether every generating set of so many elements gives an invertible circulant: k = p^a and p not in d.

    The hypothesis of Proposition 1 and Corollary 5 of Munim & Ramamoorthy 2026: an eigenvalue 0 at a primitive
    p^b-th root of unity would make the cyclotomic polynomial of p^b, which is p at 1, divide one that is d there.

    Examples
    --------
    >>> surely_invertible(27, 5), surely_invertible(27, 6), surely_invertible(12, 5)
    (True, False, False)
    """
    power = prime_power(partitions)
    return partitions == 1 or (power is not None and load % power[0] > 0)


def best_generators(partitions: int, load: int, rng: RngLike = 0) -> Ints:
    """Return a generating set with an invertible circulant, if there is one, and a small second singular value.

    The best of all sets that contain 0 where those are few; else the best of random ones, after exchanges of one
    element that improve it. Sets of more than k / 2 are complements.

    Parameters
    ----------
    partitions, load : int
        k, and d from 1 to k.
    rng : None, int, Generator or SeedSequence
        Of the random sets.

    Returns
    -------
    array of int, shape (d,)
        Ascending.

    Examples
    --------
    >>> best_generators(7, 3).tolist(), best_generators(12, 5).tolist()
    ([0, 1, 3], [0, 1, 2, 4, 7])
    """
    k = partitions
    if load > k // 2 and load < k:
        return np.setdiff1d(np.arange(k), best_generators(k, k - load, rng))
    if comb(k - 1, load - 1) <= _LOOKED_AT:
        every = np.array([(0, *rest) for rest in combinations(range(1, k), load - 1)], dtype=np.int64)
        parts = np.array_split(every, max(1, len(every) * k // _ENTRIES))
        return min((_best(k, part) for part in parts), key=lambda found: found[0])[1]
    return _searched(k, load, generator(seed_of(rng)))


def _best(k: int, sets: Ints) -> tuple[tuple[float, ...], Ints]:
    """Return the best of some sets and what it is judged by: invertible, then spread evenly, then far from singular."""
    found = spectrum(k, sets)
    least = np.round(found.min(axis=1), _DIGITS)
    second = np.round(found[:, 1:].max(axis=1, initial=0.0), _DIGITS)
    marks = np.stack([least <= _ZERO, second, -least])
    best = np.lexsort(marks[::-1])[0]
    return tuple(marks[:, best].tolist()), sets[best]


def _searched(k: int, load: int, draws: np.random.Generator) -> Ints:
    many = max(10, min(_LOOKED_AT, _ENTRIES // k))
    drawn = np.stack([draws.choice(k, load, replace=False) for _ in range(many)])
    mark, best = _best(k, drawn)
    for _ in range(_ROUNDS):
        near = np.tile(best, (many, 1))
        others = np.setdiff1d(np.arange(k), best)
        near[np.arange(many), draws.integers(load, size=many)] = draws.choice(others, many)
        other, found = _best(k, near)
        if not other < mark:
            break
        mark, best = other, found
    return np.sort((best - best.min()) % k)
