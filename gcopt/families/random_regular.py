"""Random regular assignment: every worker the same load, every partition the same replication, else at random."""

from __future__ import annotations

from math import gcd
from typing import Any

from gcopt.checks import check_count
from gcopt.code import GradientCode
from gcopt.combinatorics.bi_regular import bi_regular
from gcopt.existence import Existence
from gcopt.families._family import check_sizes, family
from gcopt.families._regular import RAVIV, regular_code
from gcopt.solvers.seeding import RngLike


def _sizes(workers: Any, load: Any, partitions: Any) -> tuple[Existence, int, int]:
    """Return whether all copies can be dealt out evenly, k and the load."""
    n = check_count("workers", workers, 1)
    k = n if partitions is None else check_count("partitions", partitions, 1)
    d = check_count("load", load, 1, k, f" (the {k} partitions)")
    if n * d % k == 0:
        return Existence("yes", "any row and column sums that agree, Gale 1957 and Ryser 1957"), k, d
    step = k // gcd(n, k)
    loads = sorted((x for x in (d // step * step, d // step * step + step) if x), key=lambda x: abs(x - d))
    away = next(t for t in range(1, k) if n * d % (k - t) == 0)
    fewer = [k - away] if k - away >= d else []
    nearest = [{"load": x} for x in loads] + [{"partitions": x} for x in fewer]
    reason = f"counting the copies twice, workers * load = {n * d} must be a multiple of partitions"
    return Existence("no", reason, tuple(nearest)), k, d


def _existence(workers: int, stragglers: int, load: int, partitions: int | None, **_: Any) -> Existence:
    check_sizes(workers, stragglers)
    return _sizes(workers, load, partitions)[0]


@family("random-regular", source=f"{RAVIV}; random regular graphs expand nearly as well as any", existence=_existence)
def random_regular(
    workers: int,
    stragglers: int,
    load: int,
    partitions: int | None = None,
    decoder: str = "least-squares",
    probability: float | None = None,
    rng: RngLike = None,
) -> GradientCode:
    """A random bi-regular bipartite graph of workers and partitions; exists for nearly all sizes, and expands well.

    Copies of partitions are dealt to the workers at random (pairing model); where a worker gets a partition twice, one
    of the two copies changes place with that of a random other worker until nobody has two. Parts that are not
    connected are joined in the same way where load and replication are at least 2. Loads above k / 2 take the
    complement. All graphs are nearly equally likely.

    Parameters
    ----------
    workers : int
        n.
    stragglers : int
        s.
    load : int
        Partitions on each worker, at most k.
    partitions : int, optional
        k, dividing n * load; n by default.
    decoder : str
        ``least-squares``, ``scaled`` (one-step) or ``sum``.
    probability : float, optional
        Of a worker to straggle; for ``sum`` only.
    rng : None, int, Generator or SeedSequence

    Returns
    -------
    GradientCode
        Claims the bound on the worst error that follows from the second singular value, which is computed.

    Raises
    ------
    ImpossibleError
        If k does not divide n * load.
    InputError
        If a number is impossible, or decoder and probability do not fit.
    LimitError
        If more than 10^7 copies, and more than 10^7 gaps, would be dealt out.

    Examples
    --------
    >>> code = random_regular(9, 2, 4, partitions=6, rng=0)
    >>> code.segments[0].load.tolist(), code.segments[0].replication.tolist()
    ([4, 4, 4, 4, 4, 4, 4, 4, 4], [6, 6, 6, 6, 6, 6])
    """
    n, s = check_sizes(workers, stragglers)
    answer, k, d = _sizes(n, load, partitions)
    answer.require(f"random-regular with workers = {n}, partitions = {k} and load = {d}")
    return regular_code(bi_regular(n, k, d, rng), s, decoder=decoder, probability=probability)
