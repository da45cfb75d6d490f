"""How a random set of workers falls into kinds: all counts of each kind, with their probabilities."""

from __future__ import annotations

from math import comb, prod

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

_MOST = 300_000

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
    most = np.minimum(sizes, chosen)
    last = int(most.argmax())  # what is left for the largest follows from the others
    others = np.delete(most, last)
    if prod((others + 1).tolist()) > _MOST:
        return None
    counts = np.indices(tuple((others + 1).tolist()), dtype=np.int64).reshape(len(others), -1).T
    left = chosen - counts.sum(axis=1)
    fits = (left >= 0) & (left <= sizes[last])
    return np.asarray(np.insert(counts[fits], last, left[fits], axis=1))


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
