"""How a random set of workers falls into kinds: all counts of each kind, with their probabilities."""

from __future__ import annotations

from math import comb, prod

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

_MOST = 5_000_000  # numbers, in all ways

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def ways(sizes: Ints, chosen: int) -> Ints | None:
    """Return all ways to choose so many workers by how many of each kind, shape (ways, kinds); None if too many.

    Parameters
    ----------
    sizes : array of int, shape (kinds,)
        Workers of each kind.
    chosen : int

    Examples
    --------
    >>> ways(np.array([1, 2]), 2).tolist()
    [[0, 2], [1, 1]]
    """
    most, last = np.minimum(sizes, chosen), int(sizes.argmax())  # of which are those that are left
    others = np.flatnonzero(np.where(np.arange(sizes.size) == last, 0, most))
    shape = tuple((most[others] + 1).tolist())
    if prod(shape) * sizes.size > _MOST:
        return None
    found = np.zeros((prod(shape), sizes.size), dtype=np.int64)
    found[:, others] = np.indices(shape, dtype=np.int64).reshape(len(shape), prod(shape)).T
    found[:, last] = chosen - found.sum(axis=1)
    return np.asarray(found[(found[:, last] >= 0) & (found[:, last] <= sizes[last])])


def of_given(sizes: Ints, counts: Ints) -> Floats:
    """Return the probability of each way when every set of so many of the given workers is equally likely, (ways,).

    Examples
    --------
    >>> of_given(np.array([1, 2]), np.array([[0, 2], [1, 1]])).round(4).tolist()
    [0.3333, 0.6667]
    """
    total = comb(int(sizes.sum()), int(counts[0].sum()))
    found = np.ones(len(counts))
    for t, size in enumerate(sizes.tolist()):
        found *= np.array([float(comb(size, c)) for c in range(size + 1)])[counts[:, t]]
    return np.asarray(found / total)


def of_drawn(counts: Ints) -> Floats:
    """Return the probability of each way when the kind of every worker is drawn, all equally likely; shape (ways,).

    Examples
    --------
    >>> of_drawn(np.array([[0, 2], [1, 1], [2, 0]])).round(9).tolist()
    [0.25, 0.5, 0.25]
    """
    chosen, kinds = int(counts[0].sum()), counts.shape[1]
    logarithms = gammaln(chosen + 1) - gammaln(counts + 1).sum(axis=1) - chosen * np.log(kinds)
    return np.asarray(np.exp(logarithms))
