"""Partial work on any assignment: workers report how far they are, the master answers with coefficients.

The gradient is cut into l blocks. Each worker processes its chunks (partitions) in an order and reports every one it is
done with. With R of shape (n, l), fixed and known to all, and W_i the workers that are done with chunk i, c_i of them,
the master answers with coefficients X_i of shape (c_i, l), R_W^T X_i = I; worker j sends the one vector
``sum_i sum_u X_i[j, u] g_i[block u]``, and R^T times what was received are the blocks of the gradient. Exact as soon as
every c_i >= l; before that the best fit misses ``sum_i max(0, l - c_i)``, and no coefficients miss less
(after Ramamoorthy, Meng, Girimaji 2024, arXiv 2405.19509).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from gcopt.arrivals import one_after_the_other
from gcopt.checks import check_count
from gcopt.code import Segment
from gcopt.errors import InputError
from gcopt.solvers.ordering import Ordering, checked_assignment, checked_order
from gcopt.solvers.seeding import RngLike, generator, seed_of
from gcopt.waiting import Floats, kth

if TYPE_CHECKING:
    from gcopt.cluster import Cluster, Times

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

# rows of R that are drawn again, and sets of l workers of one chunk that are looked at
_REDRAWS, _SETS = 1000, 2000
_STEPS = 200_000
# numbers that are drawn at a time
_CHUNK = 4_000_000
# far below the singular values of a chosen R, far above rounding
_SINGULAR = 1e-9


@dataclass(frozen=True, eq=False)
class PartialWork:
    """An assignment with an order, and what the master makes of any progress.

    Attributes
    ----------
    held : bool array, shape (n, k)
        Which worker holds which chunk.
    order : tuple of int arrays
        For each worker its chunks, the first to be processed first.
    blocks : int
        l: messages are l times shorter than the gradient, and every chunk is needed l times.
    mixing : array, shape (n, l)
        R. For one block all ones; otherwise random rows of length 1, drawn again until the worst l workers of
        a chunk are far from dependent.

    Examples
    --------
    >>> import numpy as np
    >>> ring = [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [1, 0, 0, 1, 1], [1, 1, 0, 0, 1]]
    >>> work = PartialWork.of(ring, [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 0], [4, 0, 1]], blocks=2, rng=0)
    >>> work.counts([2, 2, 3, 3, 0]).tolist(), work.ready([2, 2, 3, 3, 0])
    ([2, 2, 2, 2, 2], True)
    >>> work.residual([1, 1, 2, 2, 2])
    2
    >>> gradients, progress = np.arange(20.0).reshape(5, 4), [2, 2, 3, 3, 0]
    >>> messages = [
    ...     encode_partial(gradients[mine], c)
    ...     for mine, c in zip(work.order, work.coefficients(progress), strict=True)
    ... ]
    >>> work.decode(messages, parameters=4).round(9).tolist()
    [40.0, 45.0, 50.0, 55.0]
    """

    held: Bools
    order: tuple[Ints, ...]
    blocks: int
    mixing: Floats

    @classmethod
    def of(
        cls,
        assignment: ArrayLike | sparse.sparray,
        order: Sequence[Sequence[int]] | None = None,
        *,
        blocks: int = 1,
        rng: RngLike = None,
    ) -> PartialWork:
        """Prepare an assignment.

        Parameters
        ----------
        assignment : array or sparse array, shape (n, k)
            Worker j holds chunk i where the entry is not zero, as in the support of a code.
        order : sequence of sequences of int, optional
            By default what `gcopt.solvers.ordering` finds.
        blocks : int
            l.
        rng : None, int, Generator or SeedSequence
            For R and for the search for an order.

        Raises
        ------
        InputError
            If the assignment is no matrix, a chunk has fewer than ``blocks`` copies, or the order is not one of the
            chunks that a worker holds.
        """
        check_count("blocks", blocks, 1)
        held = checked_assignment(assignment, blocks)
        seed = seed_of(rng)
        if order is None:
            # no limit in seconds: equal seeds are to give equal orders
            search = Ordering(blocks=blocks, seconds=None, restarts=1, steps=_STEPS)
            order = search.solve(held, rng=seed).order
        return cls(held, tuple(checked_order(held, order)), blocks, _mixing(held, blocks, seed))

    @property
    def workers(self) -> int:
        """Number of workers n."""
        return len(self.held)

    @property
    def chunks(self) -> int:
        """Number of chunks k."""
        return int(self.held.shape[1])

    @cached_property
    def load(self) -> Ints:
        """Chunks on each worker, shape (n,)."""
        return np.asarray(self.held.sum(axis=1), dtype=np.int64)

    @cached_property
    def position(self) -> Ints:
        """When a worker processes a chunk, 1 for the first, shape (n, k); 0 where it does not hold it."""
        out = np.zeros(self.held.shape, dtype=np.int64)
        for j, mine in enumerate(self.order):
            out[j, mine] = np.arange(1, len(mine) + 1)
        return out

    def processed(self, progress: ArrayLike) -> Bools:
        """Return who is done with what, shape (n, k), given how many chunks each worker is done with, shape (n,)."""
        done = np.asarray(progress)
        if done.shape != self.load.shape or done.dtype.kind not in "iu" or (done < 0).any() or (done > self.load).any():
            raise InputError(
                f"progress is {done.tolist()}; integers from 0 to the loads {self.load.tolist()} are needed"
            )
        return np.asarray(self.held & (self.position <= done[:, None]))

    def counts(self, progress: ArrayLike) -> Ints:
        """Return c_i, how many workers are done with each chunk, shape (k,)."""
        return np.asarray(self.processed(progress).sum(axis=0), dtype=np.int64)

    def ready(self, progress: ArrayLike) -> bool:
        """Whether every chunk has been processed l times, so that the gradient is exact."""
        return bool((self.counts(progress) >= self.blocks).all())

    def residual(self, progress: ArrayLike) -> int:
        """Return ``sum_i ||R_W^T X_i - I||_F^2 = sum_i max(0, l - c_i)``, 0 when ready; nothing can be less."""
        return int(np.maximum(0, self.blocks - self.counts(progress)).sum())

    def coefficients(self, progress: ArrayLike) -> list[Floats]:
        """Return what the master answers to each worker: shape (its progress, l), rows in its order."""
        answers = self._answers(self.processed(progress))
        done = np.asarray(progress)
        return [answers[j, mine[: done[j]]] for j, mine in enumerate(self.order)]

    def segment(self, progress: ArrayLike) -> Segment:
        """Return the code that workers with this progress send, to be decoded with R^T; row j is the message of j."""
        answers = self._answers(self.processed(progress))
        return Segment(sparse.csr_array(answers.swapaxes(1, 2).reshape(self.workers, -1)), blocks=self.blocks)

    def decode(self, messages: ArrayLike, parameters: int) -> Floats:
        """Return the gradient, shape (parameters,), from one message per worker, shape (n, ceil(parameters / l))."""
        return np.asarray((self.mixing.T @ np.asarray(messages)).ravel()[:parameters])

    def _answers(self, processed: Bools) -> Floats:
        """X as one array, shape (n, k, l), zero where a chunk is not processed."""
        out = np.zeros((*self.held.shape, self.blocks))
        if self.blocks == 1:
            out[:, :, 0] = processed / np.maximum(1, processed.sum(axis=0))
            return out
        for i, (who, done) in enumerate(zip(self.held.T, processed.T, strict=True)):
            used = np.flatnonzero(who & done)
            if used.size:
                out[used, i] = np.linalg.pinv(self.mixing[used].T, rcond=_SINGULAR)
        return out


def encode_partial(gradients: Sequence[Floats] | Floats, coefficients: Floats) -> Floats:
    """Return what a worker sends.

    Parameters
    ----------
    gradients : sequence of arrays, shape (d,)
        Of the first p chunks in its order, or more.
    coefficients : array, shape (p, l)
        The master's answer.

    Returns
    -------
    array, shape (ceil(d / l),)
        ``sum_i sum_u coefficients[i, u] gradients[i][block u]``, the last block filled up with zeros.

    Examples
    --------
    >>> import numpy as np
    >>> encode_partial([np.array([1.0, 2.0, 3.0])], np.array([[10.0, 1.0]])).tolist()
    [13.0, 20.0]
    """
    blocks, d = coefficients.shape[1], len(gradients[0]) if len(gradients) else 0
    width = -(-d // blocks)
    out = np.zeros(width)
    for gradient, row in zip(gradients, coefficients, strict=False):
        for u, factor in enumerate(row.tolist()):
            block = gradient[u * width : (u + 1) * width]
            out[: block.size] += factor * block
    return out


def partial_times(work: PartialWork, cluster: Cluster, *, iterations: int, rng: RngLike = None) -> Floats:
    """Draw the time of an iteration on a cluster.

    Worker j reports its p-th chunk, and the master knows, after ``overhead + stall + T_j unit (samples / k)
    parameters p + latency`` seconds. When every chunk has been processed l times the master answers (one latency more),
    and those who have done anything send their messages, ``parameters / l`` numbers of 8 bytes, over their own links
    (one latency and an l-th of ``transfer`` more) and, one after the other, over the master's.

    Parameters
    ----------
    work : PartialWork
    cluster : Cluster
        With as many workers.
    iterations : int
    rng : None, int, Generator or SeedSequence
        A Generator is used as it is and advanced.

    Returns
    -------
    array, shape (iterations,)
        Seconds; inf where too many workers stall for good.

    Raises
    ------
    InputError
        If the numbers of workers differ.

    Examples
    --------
    >>> import gcopt
    >>> from gcopt.delays import Delay
    >>> cluster = gcopt.Cluster(2, Delay("deterministic", {"value": 1.0}), slowness=[1.0, 3.0])
    >>> partial_times(PartialWork.of([[1, 1], [1, 1]], rng=0), cluster, iterations=1).tolist()
    [1.0]
    """
    check_count("iterations", iterations, 1)
    draws = rng if isinstance(rng, np.random.Generator) else generator(seed_of(rng))
    rows = max(1, _CHUNK // int(work.workers * work.load.max()))
    parts = []
    for start in range(0, iterations, rows):
        times = cluster.sample(min(rows, iterations - start), draws, start=start)
        reported = reports(work, cluster, times)
        ready = ready_times(work, reported)
        senders = reported[:, :, 0] <= ready[:, None]
        sent = message_seconds(work, cluster, times.transfer, senders)
        parts.append(ready + cluster.network.latency + np.where(senders, sent, 0.0).max(axis=1))
    return np.concatenate(parts)


def reports(work: PartialWork, cluster: Cluster, times: Times) -> Floats:
    """Return when the master knows of each worker's p-th chunk, shape (iterations, n, largest load); inf for never."""
    if work.workers != cluster.workers:
        raise InputError(f"the work is for {work.workers} workers and the cluster has {cluster.workers}; must agree")
    p = np.arange(1, work.load.max() + 1)
    begun = (times.overhead + times.stall)[:, :, None]
    done = begun + times.compute[:, :, None] * (cluster.job.work / work.chunks * p) + cluster.network.latency
    return np.asarray(np.where(p <= work.load[:, None], done, np.inf))


def ready_times(work: PartialWork, reported: Floats) -> Floats:
    """Return when every chunk has been processed l times, shape (iterations,), given `reports`."""
    ready = np.zeros(len(reported))
    for i in range(work.chunks):
        who = np.flatnonzero(work.held[:, i])
        np.maximum(ready, kth(reported[:, who, work.position[who, i] - 1], work.blocks), out=ready)
    return ready


def message_seconds(work: PartialWork, cluster: Cluster, transfer: Floats, senders: Bools) -> Floats:
    """Return how long after the answer came the master has each message, shape (iterations, n); inf for none.

    ``transfer`` and ``senders`` have that shape, too.
    """
    size = 8.0 * cluster.job.parameters / work.blocks
    network = cluster.network
    own = network.latency + size / network.bandwidth + transfer / work.blocks
    ready = np.where(senders, own, np.inf)[:, :, None]
    return one_after_the_other(ready, np.array([size / network.master_bandwidth]))[:, :, 0]


def _mixing(held: Bools, blocks: int, seed: int) -> Floats:
    """Draw R, and draw rows of the worst set of l workers that may have a chunk again as long as that helps."""
    rng = generator(seed)
    mixing = np.ones((len(held), 1)) if blocks == 1 else _rows(len(held), blocks, rng)
    sets = _sets(held, blocks, rng)
    smallest = _smallest(mixing, sets)
    for _ in range(_REDRAWS if blocks > 1 else 0):
        j = rng.choice(sets[smallest.argmin()])
        trial = mixing.copy()
        trial[j] = _rows(1, blocks, rng)[0]
        affected = (sets == j).any(axis=1)
        found = _smallest(trial, sets[affected])
        if found.min() > smallest.min():
            mixing, smallest[affected] = trial, found
    return mixing


def _rows(count: int, length: int, rng: np.random.Generator) -> Floats:
    drawn = rng.standard_normal((count, length))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def _smallest(mixing: Floats, sets: NDArray[Any]) -> Floats:
    """Smallest singular values: their inverses are what rounding and noise are multiplied by."""
    return np.asarray(np.linalg.svd(mixing[sets], compute_uv=False)[:, -1])


def _sets(held: Bools, blocks: int, rng: np.random.Generator) -> NDArray[Any]:
    """Return sets of l holders of one chunk, shape (sets, l): the same number of each chunk, all if they are few."""
    most = max(1, _SETS // held.shape[1])
    found: set[tuple[int, ...]] = set()
    for who in held.T:
        holders = np.flatnonzero(who).tolist()
        every = list(islice(combinations(holders, blocks), most + 1))
        if len(every) > most:
            every = [tuple(sorted(rng.choice(holders, blocks, replace=False).tolist())) for _ in range(most)]
        found.update(every)
    return np.array(sorted(found))
