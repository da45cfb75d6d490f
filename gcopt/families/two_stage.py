"""Two stages for stragglers that are slow but not dead: first uncoded work from everybody, then coded work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gcopt.checks import check_finite
from gcopt.code import GradientCode
from gcopt.errors import InputError
from gcopt.families._family import check_sizes, family
from gcopt.families.grouped import grouped
from gcopt.families.uncoded import uncoded
from gcopt.solvers.seeding import RngLike

if TYPE_CHECKING:
    from gcopt.cluster import Cluster
    from gcopt.goal import Goal

SOURCE = "Tandon, Lei, Dimakis, Karampatziakis 2017, Gradient Coding, partial stragglers"
ALPHAS = (1.5, 3.0, 6.0, 12.0, 24.0)


def _candidates(cluster: Cluster, goal: Goal | None = None) -> Iterator[dict[str, Any]]:
    n, k = cluster.workers, cluster.job.partitions
    if k is None or k == n:
        few = {1, 2, 4} if n > 40 else {1, 2, 4, n // 4}
        whole_groups = {s for s in range(1, n) if n % (s + 1) == 0}
        for s in sorted(s for s in few | whole_groups if 1 <= s < n):
            yield from ({"workers": n, "stragglers": s, "alpha": alpha} for alpha in ALPHAS)


@family("two-stage", source=SOURCE, candidates=_candidates)
def two_stage(workers: int, stragglers: int, alpha: float, rng: RngLike = 0) -> GradientCode:
    """Everybody does some uncoded work first, then coded work that tolerates s stragglers; for slow, not dead, workers.

    If the s slowest workers are at most alpha times slower than the others, they end the uncoded stage when the
    others end the coded one, and nobody waits. In the paper the stages are two parts of the data; here they are two
    stretches of the coordinates of the gradient, which gives the same times (with T_(i) the i-th fastest of the
    times per unit of work, L parameters, M samples of b units):

        tau = M b / n * (s + 1) L / (s + alpha) * max(alpha T_(n-s), T_(n)).

    A worker that never answers stops it: the uncoded stage needs everybody.

    Parameters
    ----------
    workers : int
        n; there are k = n partitions.
    stragglers : int
        s, tolerated in the coded stage.
    alpha : float
        How many times slower the stragglers are; above 1.
    rng : None, int, Generator or SeedSequence
        Of the coded stage, a `grouped` code.

    Returns
    -------
    GradientCode
        Segment 0 uncoded with a share (s + 1) / (s + alpha) of the coordinates, segment 1 coded with the rest,
        (alpha - 1) / (s + alpha).

    Raises
    ------
    InputError
        If alpha is not above 1.

    Examples
    --------
    >>> two_stage(4, 1, alpha=3.0).shares.tolist()
    [0.5, 0.5]
    """
    n, s = check_sizes(workers, stragglers)
    slowness = check_finite("alpha", alpha)
    if slowness <= 1:
        raise InputError(f"alpha is {slowness:g}; a number above 1 is needed (how many times slower stragglers are)")
    codes = (uncoded(n), grouped(n, s, rng=rng))
    lengths = ((s + 1) / (s + slowness), (slowness - 1) / (s + slowness))
    parts = list(zip(codes, lengths, strict=True))
    segments = [replace(code.segments[0], length=length) for code, length in parts]
    claims = [replace(claim, segment=c) for c, code in enumerate(codes) for claim in code.claims]
    return GradientCode(tuple(segments), claims=tuple(claims))
