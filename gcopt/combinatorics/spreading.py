"""Assignments in which no two partitions share more workers than need be, by exchanges that lower that."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from gcopt.solvers.seeding import RngLike, generator, seed_of

_TIMES = 20
_MOST = 20_000


def spread(assignment: Any, kinds: ArrayLike, rng: RngLike = 0) -> sparse.csr_array:
    """Return the assignment after random exchanges that make pairs of partitions share fewer workers.

    Two workers exchange partitions of one kind wherever the sum over pairs of partitions of c (c - 1) / 2, c the
    workers that they share, does not grow: it counts the cycles of length 4, and who loses both of a pair loses more
    than who loses either. Row and column sums stay.

    Parameters
    ----------
    assignment : sparse array, shape (n, k)
        Of 0 and 1.
    kinds : array, shape (k,)
        Only partitions of equal kinds are exchanged.
    rng : None, int, Generator or SeedSequence

    Returns
    -------
    csr_array of int64

    Examples
    --------
    >>> twice = sparse.csr_array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]])
    >>> found = spread(twice, np.zeros(4)).toarray()
    >>> int((found.T @ found - 2 * np.eye(4)).max())
    1
    """
    draws, label = generator(seed_of(rng)), np.asarray(kinds)
    held = np.asarray(assignment.toarray(), dtype=np.int64)
    shared = held.T @ held
    pairs = np.argwhere(held)
    for one, other in draws.integers(len(pairs), size=(min(_TIMES * len(pairs), _MOST), 2)):
        (j, a), (i, b) = pairs[one], pairs[other]
        if label[a] != label[b] or held[j, b] or held[i, a]:
            continue
        gained = held[i] - held[j]  # what a shares more with the others, and b less, once a is on i and b on j
        gained[[a, b]] = 0
        if np.sum(gained * (shared[a] - shared[b] + gained)) > 0:
            continue
        for partition, sign in ((a, 1), (b, -1)):
            shared[partition] += sign * gained
            shared[:, partition] += sign * gained
        held[[j, i, i, j], [a, b, a, b]] = 0, 0, 1, 1
        pairs[one], pairs[other] = (j, b), (i, a)
    return sparse.csr_array(held)
