"""No coding and no waiting: the slowest answers are left out and the rest is scaled up."""

from __future__ import annotations

from scipy import sparse

from gcopt.code import Claim, GradientCode, single
from gcopt.families._family import check_sizes, family


@family("ignore-stragglers", source="the usual baseline, as in Tandon, Lei, Dimakis, Karampatziakis 2017, Section 5")
def ignore_stragglers(workers: int, stragglers: int) -> GradientCode:
    """No coding; the first n - s answers count n / (n - s) each and the others are lost.

    The estimate is wrong in every iteration, and right on average only if stragglers are uniformly random: data that
    always lie on a slow worker are never learned. For that reason the search of ``gcopt.design`` leaves it out.

    Parameters
    ----------
    workers : int
        n; there are k = n partitions.
    stragglers : int
        s, how many answers are not waited for.

    Returns
    -------
    GradientCode
        The identity matrix, decoded with a constant factor.

    Raises
    ------
    InputError
        If s is not below n.

    Examples
    --------
    >>> print(ignore_stragglers(5, 1).claims[0])
    unbiased over random sets of 1 stragglers
    """
    n, s = check_sizes(workers, stragglers)
    claims = [
        Claim("unbiased", 0.0, "derived: every partition is heard with probability (n - s) / n", stragglers=s),
        Claim("load", 1.0, "one partition per worker"),
        Claim("replication", 1.0, "one worker per partition"),
    ]
    return single(sparse.eye_array(n, format="csr"), s, claims, decoder="scaled")
