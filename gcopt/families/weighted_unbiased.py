"""Unbiased codes for unequal workers: reliable ones count more, and nobody holds more than it must."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.checks import check_count, check_finite
from gcopt.code import GradientCode
from gcopt.compression import parse
from gcopt.errors import InputError
from gcopt.families._approximate import unbiased
from gcopt.families._family import family

SOURCE = "Song & Choi 2025, Approximate Gradient Coding for Distributed Learning with Heterogeneous Stragglers"

SCHEMES = ("chain", "shared")

_SNAP = 1e-9

Floats = NDArray[np.float64]


@family("weighted-unbiased", source=f"{SOURCE}, Schemes I and II")
def weighted_unbiased(
    workers: int,
    probability: Any,
    partitions: int | None = None,
    scheme: str = "chain",
    stragglers: int | None = None,
    compressor: Any = None,
    variance: float | None = None,
    length: int | None = None,
) -> GradientCode:
    """Workers that straggle with known, unequal probabilities; the sum of what arrives is unbiased, its variance least.

    With d_i = (p_i + w) / (1 - p_i), w the relative variance of compressed messages, 0 without, worker i is to carry
    Y_i = k (1 / d_i) / sum_l 1 / d_l of the k partitions: among unbiased codes that makes sum_i d_i Y_i^2 smallest,
    k^2 / sum_l 1 / d_l, the variance when all partial gradients are the same unit number. (The mean error that is
    claimed is another quantity: that of the coefficients, which does not forgive what equal gradients would cancel.)

    Parameters
    ----------
    workers : int
        n.
    probability : list of float, shape (n,)
        p_i below 1 of each worker to straggle; above 0 unless w is.
    partitions : int, optional
        k; n by default.
    scheme : str
        ``chain`` (Scheme II): worker i holds what its stretch of length Y_i covers of the line of partitions, so that
        neighbours share at most one, n + k - 1 copies in all. ``shared`` (Scheme I): whole partitions for one worker
        each, and one for all, on which a coefficient may be negative.
    stragglers : int, optional
        How many workers the ``count`` rule leaves behind; sum p_i rounded down by default.
    compressor : str, optional
        What is done to messages, see `gcopt.compression.parse`; claims are about the coefficients before that.
    variance : float, optional
        w; by default what the compressor typically has for messages of so many coordinates as ``length`` says, else 0.
    length : int, optional
        Coordinates of a message, at least 1; needs a compressor.

    Returns
    -------
    GradientCode
        Entries alpha / (1 - p_i), where alpha sums to 1 over the workers of a partition, with the ``sum`` decoder.

    Raises
    ------
    InputError
        If a probability is 0 and so is w (such a worker would be given everything), 1 or impossible, the scheme is
        another word, there is no such compressor, or variance and length do not fit.

    Examples
    --------
    >>> code = weighted_unbiased(4, [0.1, 0.2, 0.4, 0.5], partitions=6)
    >>> code.segments[0].load.tolist()
    [4, 3, 1, 1]
    """
    n = check_count("workers", workers, 1)
    k = n if partitions is None else check_count("partitions", partitions, 1)
    w = _variance(compressor, variance, length)
    chances = _check_chances(probability, n, certain=w > 0.0)
    if scheme not in SCHEMES:
        raise InputError(f"scheme is {scheme!r}; one of {', '.join(SCHEMES)} would work")
    shares = optimal_shares(chances, k, w)
    alpha = _chain(shares, k) if scheme == "chain" else _shared(shares, k)
    return unbiased(alpha, chances, stragglers, source="the shares", compressor=compressor)


def _variance(compressor: Any, variance: Any, length: Any) -> float:
    """Return w, as given or as the compressor has it for messages of a length."""
    if variance is not None:
        if length is not None:
            raise InputError("variance and length are given; one of them is enough")
        return check_finite("variance", variance, 0.0)
    if length is None:
        return 0.0
    if compressor is None:
        raise InputError("length is given without a compressor; name one, or leave length out")
    return parse(compressor).typical(check_count("length", length, 1))


def optimal_shares(probability: Floats, partitions: int, variance: float = 0.0) -> Floats:
    """Return how many partitions each worker is to carry, shape (n,), in proportion to (1 - p_i) / (p_i + w).

    Examples
    --------
    >>> optimal_shares(np.array([0.1, 0.2, 0.4, 0.5]), 6).round(6).tolist()
    [3.483871, 1.548387, 0.580645, 0.387097]
    """
    odds = (1.0 - probability) / (probability + variance)
    return np.asarray(partitions * odds / odds.sum())


def _chain(shares: Floats, k: int) -> sparse.csr_array:
    """Return how much of each partition's unit stretch lies in each worker's, shape (n, k)."""
    ends = np.cumsum(shares)
    ends[-1] = k
    whole = np.rint(ends)
    ends = np.where(np.abs(ends - whole) < _SNAP, whole, ends)
    cuts = np.unique(np.concatenate([[0.0], ends, np.arange(1.0, k + 1)]))
    middle = (cuts[1:] + cuts[:-1]) / 2
    rows, columns = np.searchsorted(ends, middle), np.floor(middle).astype(np.int64)
    return sparse.csr_array((np.diff(cuts), (rows, columns)), shape=(shares.size, k))


def _shared(shares: Floats, k: int) -> sparse.csr_array:
    """Give out partitions 0 to k - 2 whole, by largest remainder; on the last every worker makes up the difference."""
    alone = np.floor(shares + _SNAP).astype(np.int64)
    left = k - 1 - int(alone.sum())
    if left >= 0:
        alone[np.argsort(alone - shares, kind="stable")[:left]] += 1
    else:
        alone[np.argmax(alone)] -= 1
    rest = shares - alone
    rest[np.abs(rest) < _SNAP] = 0.0
    rows = np.concatenate([np.repeat(np.arange(shares.size), alone), np.arange(shares.size)])
    columns = np.concatenate([np.arange(k - 1), np.full(shares.size, k - 1)])
    return sparse.csr_array((np.concatenate([np.ones(k - 1), rest]), (rows, columns)), shape=(shares.size, k))


def _check_chances(probability: Any, n: int, *, certain: bool) -> Floats:
    """Return p_i of every worker, shape (n,)."""
    if not isinstance(probability, (list, tuple, np.ndarray)) or len(probability) != n:
        found = f"{len(probability)} numbers" if isinstance(probability, (list, tuple)) else repr(probability)
        raise InputError(f"probability is {found}; {n} numbers between 0 and 1 are needed, one for each worker")
    for j, p in enumerate(probability):
        number = isinstance(p, (int, float, np.integer, np.floating)) and not isinstance(p, bool)
        if not number or not (0.0 < p < 1.0 or (certain and p == 0)):
            why = "; a worker that never straggles would be given everything" if number and p == 0 else ""
            raise InputError(
                f"probability[{j}] is {p!r}{why}; a number {'from' if certain else 'above'} 0 and below 1 is needed"
            )
    return np.array(probability, dtype=np.float64)
