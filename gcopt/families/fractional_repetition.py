"""Fractional repetition: groups of workers that all do the same, as many as stragglers and one, or fewer."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from gcopt.checks import check_count
from gcopt.code import Claim, GradientCode, single
from gcopt.errors import ImpossibleError
from gcopt.existence import Existence
from gcopt.families._approximate import approximate, check_decoder
from gcopt.families._family import check_sizes, family

if TYPE_CHECKING:
    from gcopt.cluster import Cluster
    from gcopt.goal import Goal

SOURCE = "Tandon, Lei, Dimakis, Karampatziakis 2017, Gradient Coding"

RANDOM = "Charles, Papailiopoulos, Ellenberg 2017, Approximate Gradient Coding via Sparse Random Graphs"


def _candidates(cluster: Cluster, goal: Goal | None = None) -> Iterator[dict[str, Any]]:
    n = cluster.workers
    return ({"workers": n, "stragglers": s} for s in range(1, n) if n % (s + 1) == 0)


@family("fractional-repetition", source=f"{SOURCE}, Section 3.1, Theorem 2", candidates=_candidates)
def fractional_repetition(
    workers: int,
    stragglers: int,
    load: int | None = None,
    decoder: str = "least-squares",
    probability: float | None = None,
) -> GradientCode:
    """Groups of s + 1 workers do the same; one answer of every group suffices. Smaller groups: an approximate code.

    Groups of d <= s workers (``load``) are exact for d - 1 stragglers only. Least squares then loses d per group of
    which nobody answers: at most d floor(s / d), on average n C(n - d, s - d) / C(n, s), which no other assignment
    with this replication undercuts. One-step decoding (``scaled``) has the mean error
    (n / d) (s / r) (n - d) / (n - 1), r = n - s. Some group is lost with probability at most
    (n / d) C(n - d, s - d) / C(n, s) <= (n / d) (s / n)^d: nearly optimal in d (Wang, Liu, Shroff 2019, Fundamental
    Limits of Approximate Gradient Coding).

    Parameters
    ----------
    workers : int
        n, a multiple of d. There are k = n partitions.
    stragglers : int
        s; tolerated in every pattern when d > s.
    load : int, optional
        d, the size of the groups; s + 1 by default.
    decoder : str
        ``least-squares``, ``scaled`` (one-step) or ``sum``.
    probability : float, optional
        Of a worker to straggle; for ``sum`` only.

    Returns
    -------
    GradientCode
        Load and replication d; worker j is in group j mod (n / d). Entries 1 when exact, else 1 / d, over 1 - q for
        ``sum``.

    Raises
    ------
    ImpossibleError
        If d does not divide n.
    InputError
        If a number is impossible, or decoder and probability do not fit.

    Examples
    --------
    >>> fractional_repetition(4, 1).segments[0].encoding.toarray().astype(int).tolist()
    [[1, 1, 0, 0], [0, 0, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1]]
    >>> print(fractional_repetition(6, 2, load=2).claims[3])
    squared error at most 2 for every set of 2 stragglers
    """
    n, s = check_sizes(workers, stragglers)
    d = s + 1 if load is None else check_count("load", load, 1, n, f" (the {n} partitions)")
    _check_groups(n, s, d, given=load is not None)
    groups = n // d
    columns = (np.arange(n) % groups * d)[:, None] + np.arange(d)
    matrix = sparse.csr_array((np.ones(n * d), columns.ravel(), np.arange(n + 1) * d), shape=(n, n))
    if decoder != "least-squares" or d <= s:
        claims = _approximate_claims(n, s, d) if decoder == "least-squares" else []
        return approximate(matrix, s, claims, decoder=decoder, probability=probability)
    check_decoder(decoder, probability)
    noise = float(np.sqrt((groups - 1 + d / (d - s)) / n))
    claims = [
        Claim("exact", 0.0, f"{SOURCE}, Theorem 2", stragglers=s),
        Claim("load", float(d), f"{SOURCE}, Theorem 1 (optimal)" if d == s + 1 else "the groups"),
        Claim("replication", float(d), f"{SOURCE}, Theorem 1" if d == s + 1 else "the groups"),
        Claim("noise", noise, "derived: one group loses s of its workers", stragglers=s),
    ]
    return single(matrix, s, claims)


def _check_groups(n: int, s: int, d: int, *, given: bool) -> None:
    if n % d == 0:
        return
    if not given:
        raise ImpossibleError(
            f"fractional-repetition needs stragglers + 1 to divide workers; with workers = {n} and stragglers = {s} "
            "use grouped, cyclic-mds or placement"
        )
    loads = sorted((x for x in range(1, n + 1) if n % x == 0), key=lambda x: abs(x - d))[:2]
    sizes = [x for x in (n // d * d, n // d * d + d) if x > s]
    nearest = [{"load": x} for x in loads] + [{"workers": x} for x in sizes]
    reason = "groups of load workers must fill all workers"
    Existence("no", reason, tuple(nearest)).require(f"fractional-repetition with workers = {n} and load = {d}")


def _approximate_claims(n: int, s: int, d: int) -> list[Claim]:
    """What groups of d <= s workers promise under least squares."""
    lost = prod((s - i) / (n - i) for i in range(d))
    return [
        Claim("exact", 0.0, f"{SOURCE}, Theorem 2", stragglers=d - 1),
        Claim("error", float(d * (s // d)), "derived: whole groups are lost", stragglers=s),
        Claim("mean", n * lost, f"{RANDOM}, fractional repetition: a group is lost", stragglers=s),
    ]
