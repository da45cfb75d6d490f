"""What no code of a given load can do when messages are m times shorter: lower bounds for every assignment.

Whatever is sent and however it is decoded, a partition with fewer than m responders loses a dimension for each that is
missing, and each costs 1. For m = 1 these bounds are those of `load_bounds`, or weaker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, comb, inf

from . import load_bounds
from .errors import InputError


def worst_bound(loads: Sequence[int], partitions: int, blocks: int, stragglers: int) -> float:
    """Return what the worst set of s stragglers costs at least.

    Parameters
    ----------
    loads : sequence of int, shape (n,)
        How many partitions each worker holds at most.
    partitions, blocks, stragglers : int
        k, m and s.

    Returns
    -------
    float
        A squared error; an integer.

    Raises
    ------
    InputError
        If a number is impossible.

    Notes
    -----
    The a workers of largest load straggle, the best a is taken. Of the others, whose copies are C, the t partitions
    with fewest have at most t C / k in all: s - a of these and u missing for each of t = floor(k (s - a + m - u) / C)
    (Munim & Ramamoorthy 2026, equation (21), for unequal loads); or the others straggle at random, where some set costs
    no less than the mean, rounded up; or, m times what is lost with m = 1.

    Examples
    --------
    >>> [worst_bound([3] * 7, 7, 2, s) for s in range(6)]  # (21) is 2 for s = 5, the mean is 8
    [0.0, 0.0, 1.0, 3.0, 6.0, 8.0]
    """
    found = blocks * load_bounds.worst_bound(loads, partitions, stragglers)
    descending = sorted((min(int(d), partitions) for d in loads), reverse=True)
    for first in range(stragglers + 1):
        rest, left = descending[first:], stragglers - first
        copies = sum(rest)
        for u in range(1, blocks + 1):
            poor = partitions if not copies else min(partitions, partitions * (left + blocks - u) // copies)
            found = max(found, float(u * poor))
        found = max(found, float(ceil(mean_bound(rest, partitions, blocks, left) - 1e-9) if rest else 0.0))
    return found


def mean_bound(loads: Sequence[int], partitions: int, blocks: int, stragglers: int) -> float:
    """Return what s stragglers cost on average, all sets of so many being equally likely, at least.

    Parameters and errors are those of `worst_bound`.

    Notes
    -----
    A partition of g workers costs E max(0, m - X) at least, X the responders among them: hypergeometric. One more
    worker saves the probability that it responds while fewer than m others do, which falls with g: the cost is convex,
    so that copies are best spread evenly. Groups with an MDS code in each attain it where the load divides n.

    Examples
    --------
    >>> [round(mean_bound([3] * 7, 7, 2, s), 9) for s in range(7)]
    [0.0, 0.0, 1.0, 2.8, 5.2, 8.0, 11.0]
    """
    n, s, m = len(loads), _stragglers(loads, stragglers), _blocks(blocks)
    return _evenly(loads, partitions, lambda copies: expected_loss(n, copies, m, s))


def mean_bound_independent(loads: Sequence[int], partitions: int, blocks: int, probability: float) -> float:
    """Return the same where every worker straggles independently with probability q.

    Notes
    -----
    As `mean_bound`, with X binomial: k (m - mu), mu = E min(m, X), for copies that spread evenly.

    Examples
    --------
    >>> round(mean_bound_independent([3] * 7, 7, 1, 0.25), 9)  # 7 / 4^3
    0.109375
    """
    m, q = _blocks(blocks), _probability(probability)
    return _evenly(loads, partitions, lambda copies: expected_missing(copies, m, q))


def unbiased_bound(loads: Sequence[int], partitions: int, blocks: int, probability: float) -> float:
    """Return the least mean error of an estimate without bias, stragglers independent with probability q.

    Returns
    -------
    float
        Infinity where nothing is unbiased.

    Notes
    -----
    What is decoded of a partition is an m x m matrix of rank at most X with mean I, so that (Cauchy & Schwarz) its mean
    square is at least m^2 / mu: it costs m (m - mu) / mu, convex in the number of copies, since mu is concave.

    Examples
    --------
    >>> round(unbiased_bound([3] * 7, 7, 1, 0.5), 9)
    1.0
    """
    m, q = _blocks(blocks), _probability(probability)

    def cost(copies: int) -> float:
        missing = expected_missing(copies, m, q)
        return m * missing / (m - missing) if missing < m else inf

    return _evenly(loads, partitions, cost)


def fixed_bound(loads: Sequence[int], partitions: int, blocks: int, probability: float) -> float:
    """Return the least mean error of an unbiased estimate in which every responder has a fixed vector.

    Notes
    -----
    Derived here. sum_j (1 - q) r_j b_ij^T = I for every partition i, and the error is q (1 - q) sum |r_j|^2 |b_ij|^2.
    With |r_j|^2 = m and S_i = sum of r_j r_j^T over the holders of i, the least is m tr(S_i^-1) q / (1 - q), and
    tr(S_i) = m g, so that it is at least m^2 q / ((1 - q) g), attained by tight frames (g the replication): convex
    in g.

    Examples
    --------
    >>> round(fixed_bound([4] * 7, 7, 2, 0.25), 9)  # 7 m^2 q / ((1 - q) 4)
    2.333333333
    """
    m, q = _blocks(blocks), _probability(probability)
    if q == 1.0:
        return inf
    return _evenly(loads, partitions, lambda g: m * m * q / ((1.0 - q) * g) if g >= m else inf)


def expected_loss(workers: int, copies: int, blocks: int, stragglers: int) -> float:
    """Return E max(0, m - X) of X responders among so many workers when s of all n straggle at random.

    Examples
    --------
    >>> expected_loss(7, 3, 2, 2) * 7
    1.0
    """
    n, m, s = workers, blocks, stragglers
    return sum((m - x) * _responders(n, copies, s, x) for x in range(min(m, copies + 1))) / comb(n, s)


def expected_missing(copies: int, blocks: int, probability: float) -> float:
    """Return E max(0, m - X) = m - mu of X responders among so many workers, each straggling with probability q.

    Examples
    --------
    >>> expected_missing(2, 2, 0.5), expected_missing(3, 1, 0.0)
    (1.0, 0.0)
    """
    q = probability
    return sum(
        (blocks - x) * comb(copies, x) * (1.0 - q) ** x * q ** (copies - x) for x in range(min(blocks, copies + 1))
    )


def _evenly(loads: Sequence[int], partitions: int, cost: Callable[[int], float]) -> float:
    """Return the sum of a convex and falling cost over partitions whose numbers of copies differ by one at most."""
    if not loads or partitions < 1 or min(loads) < 0:
        raise InputError(
            f"loads are {list(loads)} for {partitions} partitions; integers from 0, one for each worker, would work"
        )
    copies, more = divmod(sum(min(int(d), partitions) for d in loads), partitions)
    return (partitions - more) * cost(copies) + (more * cost(copies + 1) if more else 0.0)


def _responders(n: int, copies: int, stragglers: int, heard: int) -> int:
    """Return how many sets of stragglers leave exactly so many of the workers of a partition."""
    lost = copies - heard
    return comb(copies, heard) * comb(n - copies, stragglers - lost) if 0 <= lost <= stragglers else 0


def _stragglers(loads: Sequence[int], stragglers: int) -> int:
    if not 0 <= stragglers <= len(loads):
        raise InputError(
            f"stragglers is {stragglers}; with {len(loads)} workers an integer from 0 to {len(loads)} would work"
        )
    return stragglers


def _blocks(blocks: int) -> int:
    if blocks < 1:
        raise InputError(f"blocks is {blocks}; an integer from 1 would work")
    return blocks


def _probability(probability: float) -> float:
    if not 0.0 <= probability <= 1.0:
        raise InputError(f"probability is {probability}; a number from 0 to 1 would work")
    return probability
