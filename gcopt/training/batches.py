"""Mini-batches: in every iteration the same share of every partition, the same rows for every worker that holds it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gcopt.checks import check_number
from gcopt.errors import InputError
from gcopt.solvers.seeding import generator

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_STREAM = 0xBA7C


def partition_windows(samples: int, partitions: int) -> Ints:
    """Return the rows of each partition: partition i of k holds rows ``[i N // k, (i + 1) N // k)``.

    Parameters
    ----------
    samples : int
        N.
    partitions : int
        k, at most N.

    Returns
    -------
    int64, shape (k, 2)

    Raises
    ------
    InputError
        If there are fewer samples than partitions.

    Examples
    --------
    >>> partition_windows(10, 4).tolist()
    [[0, 2], [2, 5], [5, 7], [7, 10]]
    """
    if not 1 <= partitions <= samples:
        raise InputError(f"partitions is {partitions}; with {samples} samples 1 to {samples} would work")
    edges = np.arange(partitions + 1, dtype=np.int64) * samples // partitions
    return np.stack([edges[:-1], edges[1:]], axis=1)


@dataclass(frozen=True)
class Batches:
    """The rows of every batch, as everybody works them out alone.

    The rows of partition i in a batch depend on the seed, the number of the batch and i only: every holder of a
    partition differentiates the same rows, so an exact code stays exact. They are one stretch of the partition from a
    random start, around its end where need be; each row is equally likely, so the scaled gradient is unbiased.

    Parameters
    ----------
    samples : int
        N.
    partitions : int
        k.
    fraction : float
        Share of the rows of each partition (rounded up); 1.0 takes all of them in their order.
    seed : int
        Shared by the master and the workers.

    Raises
    ------
    InputError
        If there are fewer samples than partitions, or the fraction is not above 0 and at most 1.

    Examples
    --------
    >>> import numpy as np
    >>> windows, owner, scale = Batches(100, 4, fraction=0.2, seed=1).rows(0, np.array([1, 3]))
    >>> int((windows[:, 1] - windows[:, 0]).sum()), scale.tolist()
    (10, [5.0, 5.0])
    """

    samples: int
    partitions: int
    fraction: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_number("fraction", self.fraction, 0.0, 1.0, open_low=True)
        partition_windows(self.samples, self.partitions)

    def rows(self, batch: int, partitions: Ints) -> tuple[Ints, Ints, Floats]:
        """Return the rows of some partitions in one batch.

        Parameters
        ----------
        batch : int
            Number of the batch, usually the iteration.
        partitions : int64, shape (p,)

        Returns
        -------
        windows : int64, shape (q, 2)
            Row ranges, partition after partition; one or two each.
        owner : int64, shape (q,)
            Which entry of ``partitions`` a window belongs to.
        scale : float64, shape (p,)
            Rows of the partition / rows in the batch: multiplies its coefficient.

        Raises
        ------
        InputError
            If a partition does not exist.
        """
        held = np.asarray(partitions, dtype=np.int64)
        if held.size and not 0 <= held.min() <= held.max() < self.partitions:
            raise InputError(f"partitions holds {held.min()} to {held.max()}; 0 to {self.partitions - 1} exist")
        first = held * self.samples // self.partitions
        last = (held + 1) * self.samples // self.partitions
        size = last - first
        if self.fraction == 1.0:
            return np.stack([first, last], axis=1), np.arange(held.size), np.ones(held.size)
        taken = np.minimum(np.ceil(self.fraction * size).astype(np.int64), size)
        draws = generator(self.seed, _STREAM, batch).random(self.partitions)[held]
        start = first + np.where(taken < size, (draws * size).astype(np.int64), 0)
        stop = start + taken
        around = np.stack([first, np.maximum(stop - size, first)], axis=1)
        both = np.stack([np.stack([start, np.minimum(stop, last)], axis=1), around], axis=1)
        used = both[:, :, 0] < both[:, :, 1]
        return both[used], np.nonzero(used)[0], size / taken
