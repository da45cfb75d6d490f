"""One bit per coordinate: copies on several workers, every message reduced to signs, and the sum of what arrives."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.checks import check_count, check_number
from gcopt.code import GradientCode
from gcopt.errors import InputError
from gcopt.existence import Existence
from gcopt.families._allocations import sized
from gcopt.families._approximate import check_decoder, unbiased
from gcopt.families._family import family
from gcopt.families._straggling import straggling
from gcopt.solvers.seeding import RngLike, generator, seed_of

if TYPE_CHECKING:
    from gcopt.cluster import Cluster
    from gcopt.goal import Goal

_WORDS = ("none", "dither1:max", "dither1:max,subtractive", "dither1:max,subtractive,block=64", "feedback+sign")

SOURCE = "Li & Skoglund 2024, Distributed Learning based on 1-Bit Gradient Coding in the Presence of Stragglers"


def _existence(
    workers: Any, probability: Any, replication: Any, allocation: Any, partitions: Any, **_: Any
) -> Existence:
    n = check_count("workers", workers, 1)
    _check_chances(probability, n)
    return sized(allocation, n, replication, partitions)[2]


def _candidates(cluster: Cluster, goal: Goal) -> Iterator[dict[str, Any]]:
    """Propose what may reach a target sooner, for the stragglers that the first n - s answers leave behind."""
    n = cluster.workers
    if goal.learning is None:
        return
    even = cluster.job.partitions in (None, n)
    for d, s in product(sorted({1, min(2, n), round(n**0.5), n}), sorted({0, n // 10, n // 5, n // 3})):
        about = {"workers": n, "replication": d, "allocation": "cyclic" if even else "random", "stragglers": s}
        p = straggling(one_bit.function(**about, probability=0.0, compressor="none", rng=0), cluster, goal.seed)
        if p is not None:
            yield from ({**about, "probability": p, "compressor": word} for word in _WORDS)


@family(
    "one-bit",
    source=f"{SOURCE}; allocations but the random one, and unequal probabilities: derived",
    candidates=_candidates,
    existence=_existence,
)
def one_bit(
    workers: int,
    probability: Any,
    replication: Any = None,
    allocation: str = "random",
    partitions: int | None = None,
    compressor: str = "dither1:max",
    stragglers: int | None = None,
    rng: RngLike = None,
) -> GradientCode:
    """Partition i on d_i workers, messages of one bit per coordinate; the sum of what arrives is unbiased.

    Workers compress sum g_i / (d_i (1 - p)). The claims are about the coefficients, before that: a compressor without
    bias leaves the sum unbiased and adds (1 - p) sum_j E |C(y_j) - y_j|^2 to its variance, y_j the messages.

    Parameters
    ----------
    workers : int
        n.
    probability : float or list of float, shape (n,)
        p below 1, with which workers straggle independently, or each with its own.
    replication : int or list of int, shape (k,), optional
        d, or d_i of every partition, from 1 to n; one number where all are alike. ``hadamard`` and ``affine-plane``
        need none.
    allocation : str
        ``random``: d_i workers, all sets equally likely. ``cyclic``: d_i neighbours; for k = n worker j holds j, ...,
        j + d - 1. ``fractional-repetition``: groups of d workers, d dividing n. Exactly pair-wise balanced, any two
        partitions sharing d^2 / n workers: ``hadamard`` (n a multiple of 4, d = n / 2, k <= n - 1) and ``affine-plane``
        (n = q^2, q a prime power, d = q, k <= q + 1: one line of each parallel class). ``symmetric``: blocks of a
        symmetric design, k <= n, any two sharing d (d - 1) / (n - 1) workers.
    partitions : int, optional
        k; as many as ``replication`` lists, else the most of an allocation that bounds it, else n.
    compressor : str
        What is done to messages, see `gcopt.compression.parse`; ``none`` for nothing.
    stragglers : int, optional
        How many workers the ``count`` rule leaves behind; as many as straggle on average, rounded down, by default.
    rng : None, int, Generator or SeedSequence
        For ``random``.

    Returns
    -------
    GradientCode
        Entries 1 / (d_i (1 - p_j)) with the ``sum`` decoder and the compressor. Mean error of the coefficients:
        sum_j p_j / (1 - p_j) sum 1 / d_i^2 over what worker j holds, that is p / (1 - p) sum_i 1 / d_i for one p.

    Raises
    ------
    InputError
        If a number is impossible, p is 1 or more, d above n, or there is no such allocation or compressor.
    ImpossibleError, UnknownError
        If the allocation has no such sizes, or none are made here; the nearest that exist are named.

    Examples
    --------
    >>> code = one_bit(8, 0.25, allocation="hadamard")
    >>> code, code.message_bytes(1000).tolist()
    (<GradientCode one-bit: n=8, k=7, load=7, stragglers=2, dither1:max>, [129])
    >>> print(one_bit(20, 0.1, 5, rng=0).claims[3])
    mean squared error at most 0.444444 when workers straggle independently with probability 0.1
    """
    n = check_count("workers", workers, 1)
    chances = _check_chances(probability, n)
    chosen, copies, answer = sized(allocation, n, replication, partitions)
    given = {"allocation": allocation, "workers": n, "replication": replication, "partitions": partitions}
    listed = ", ".join(f"{key} = {value}" for key, value in given.items() if value is not None)
    answer.require(f"one-bit with {listed}")
    held = sparse.csr_array(chosen.place(n, copies, generator(seed_of(rng))), dtype=np.float64)
    alpha = held @ sparse.diags_array(1.0 / copies)
    return unbiased(alpha, chances, stragglers, source="the allocation", compressor=compressor)


def _check_chances(probability: Any, n: int) -> float | NDArray[np.float64]:
    """Return p, or p_j of every worker, shape (n,)."""
    if not isinstance(probability, (list, tuple, np.ndarray)):
        return check_decoder("sum", probability)
    if len(probability) != n:
        raise InputError(
            f"probability is {len(probability)} numbers; one, or {n} of them, one for each worker, would work"
        )
    chances = np.array([check_number(f"probability[{j}]", p, 0.0, 1.0) for j, p in enumerate(probability)])
    if (chances == 1.0).any():
        raise InputError(f"probability[{int(chances.argmax())}] is 1; below 1 is needed, or that worker never answers")
    return chances
