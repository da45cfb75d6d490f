"""Soft block designs: any two workers share as many partitions as in a block design, on average."""

from __future__ import annotations

from dataclasses import replace

from scipy import sparse

from gcopt.checks import check_count
from gcopt.code import GradientCode
from gcopt.families._approximate import approximate
from gcopt.families._family import check_sizes, family
from gcopt.families._regular import mean_claim
from gcopt.families._scattered import subsets
from gcopt.solvers.seeding import RngLike, generator, seed_of

SOURCE = "Sakorikar & Wang 2021, Soft BIBD and Product Gradient Codes"


@family("soft-design", source=f"{SOURCE}, the probabilistic relaxation of block designs")
def soft_design(
    workers: int,
    stragglers: int,
    replication: int,
    partitions: int | None = None,
    decoder: str = "least-squares",
    probability: float | None = None,
    rng: RngLike = None,
) -> GradientCode:
    """Every partition on a random set of workers; keeps of a block design on average what exists for few sizes only.

    A block design puts each partition on gamma workers, delta = k gamma / n on each worker and
    lambda = delta (gamma - 1) / (n - 1) on any two. Here every partition is on gamma workers chosen uniformly and
    independently of the other partitions; delta and lambda are the means over the draws, and need not be whole numbers.
    For every set of stragglers the error is then on average at most that of a block design,
    k - delta^2 (n - s) / (delta + (n - s - 1) lambda).

    Parameters
    ----------
    workers : int
        n.
    stragglers : int
        s.
    replication : int
        gamma, workers on each partition, at most n.
    partitions : int, optional
        k; n by default.
    decoder : str
        ``least-squares``, ``scaled`` (one-step) or ``sum``.
    probability : float, optional
        Of a worker to straggle; for ``sum`` only.
    rng : None, int, Generator or SeedSequence

    Returns
    -------
    GradientCode
        Claims for least squares the error of a block design: on average over the draws for each set of stragglers,
        and of each draw as the mean over the sets.

    Raises
    ------
    InputError
        If a number is impossible, or decoder and probability do not fit.

    Examples
    --------
    >>> print(soft_design(7, 2, 3, rng=0).claims[2])
    on average over the draws of the code: squared error at most 0.571429 for every set of 2 stragglers
    """
    n, s = check_sizes(workers, stragglers)
    k = n if partitions is None else check_count("partitions", partitions, 1)
    copies = check_count("replication", replication, 1, n, f" (the {n} workers)")
    held = sparse.csr_array(subsets(generator(seed_of(rng)), [copies] * k, n).T)
    claims = []
    if decoder == "least-squares":
        mean = mean_claim(held, s)
        claims = [replace(mean, kind="error", on_average=True), mean]
    return approximate(held, s, claims, decoder=decoder, probability=probability)
