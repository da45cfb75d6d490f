"""Random placements with few kinds of partitions: an integer program says which workers hold which kinds.

The fewer kinds there are, the more freely the decoder can choose, and the less noise there is as a rule.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_KINDS = 11  # two to the power of this many kinds of workers are looked at
_TRIES = 8  # with a number of kinds, before there is one more
_FEW = 3  # draws of the number of kinds, of which the least counts
_NODES = 100  # and not a time limit: the same placement on every machine


def design(caps: Ints, partitions: int, stragglers: int, rng: np.random.Generator) -> Bools | None:
    """Return a random placement with few kinds, shape (n, k), every partition on more than s workers; None if unlucky.

    Parameters
    ----------
    caps : array, shape (n,)
        The most that each worker may hold.
    partitions, stragglers : int
        k and s.
    rng : Generator

    Examples
    --------
    >>> design(np.array([3] * 7), 7, 2, np.random.default_rng(2)).sum(axis=0).tolist()
    [3, 3, 3, 3, 3, 3, 3]
    """
    fewest = -(-partitions // int(caps.max()))
    most = min(_KINDS, partitions, max(fewest, len(caps) - stragglers))
    if fewest > most:
        return None
    first = int(rng.integers(fewest, most + 1, size=_FEW).min())
    for kinds in np.repeat(np.arange(first, most + 1), _TRIES):
        cuts = np.sort(rng.choice(partitions - 1, kinds - 1, replace=False)) + 1
        sizes = np.diff(cuts, prepend=0, append=partitions)
        held = _placed(sizes, caps, stragglers, rng) if sizes.max() <= caps.max() else None
        if held is not None:
            return np.repeat(held, sizes, axis=1)
    return None


def _placed(sizes: Ints, caps: Ints, stragglers: int, rng: np.random.Generator) -> Bools | None:
    """Return which worker holds which kind, shape (n, kinds), at random; None if it cannot be done."""
    every = (np.arange(2 ** len(sizes))[:, None] >> np.arange(len(sizes))) & 1 == 1
    filled = every @ sizes
    classes, counts = np.unique(caps, return_counts=True)
    # no more would fit: further copies never do harm
    fits = [(filled <= cap) & (every | (filled[:, None] + sizes > cap)).all(axis=1) for cap in classes]
    rows = np.concatenate([every[fit] for fit in fits])
    owner = np.repeat(np.arange(len(classes)), [fit.sum() for fit in fits])
    limits = [
        optimize.LinearConstraint(rows.T.astype(float), lb=stragglers + 1),
        optimize.LinearConstraint((owner == np.arange(len(classes))[:, None]).astype(float), counts, counts),
    ]
    solved = optimize.milp(
        rng.exponential(size=len(rows)),
        integrality=np.ones(len(rows), dtype=np.int64),
        bounds=optimize.Bounds(0, len(caps)),
        constraints=limits,
        options={"node_limit": _NODES, "mip_rel_gap": 0.5},
    )
    if solved.x is None:
        return None
    held = np.zeros((len(caps), len(sizes)), dtype=bool)
    times = np.rint(solved.x).astype(np.int64)
    for i, cap in enumerate(classes):
        held[caps == cap] = np.repeat(rows[owner == i], times[owner == i], axis=0)
    return held
