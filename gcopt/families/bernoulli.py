"""Bernoulli codes: every worker holds every partition with the same probability, independently."""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

from gcopt.checks import check_count, check_flag, check_number
from gcopt.code import Claim, GradientCode
from gcopt.families._approximate import check_decoder
from gcopt.families._family import check_sizes, family
from gcopt.families._scattered import one_step, refilled, scattered_code, subsets
from gcopt.solvers.seeding import RngLike, generator, seed_of

SOURCE = "Charles, Papailiopoulos, Ellenberg 2017, Approximate Gradient Coding via Sparse Random Graphs"


@family("bernoulli", source=f"{SOURCE}, Bernoulli gradient codes (BGC, rBGC)")
def bernoulli(
    workers: int,
    stragglers: int,
    load: float,
    partitions: int | None = None,
    regularised: bool = False,
    decoder: str = "least-squares",
    probability: float | None = None,
    rng: RngLike = None,
) -> GradientCode:
    """Each worker holds each partition with probability load / k; simple, and good for random stragglers only.

    A partition that nobody holds is drawn again, given that somebody does. With p = load / k, r = n - s responders and
    the weight rho = k / (r load), the one-step decoder has the expected error k (1 - p) / (r p) =
    (k - load) k / (r load) over codes and stragglers; least squares can only have less. With a load of the order
    of log k every draw keeps to a constant times that with high probability.

    Parameters
    ----------
    workers : int
        n.
    stragglers : int
        s.
    load : float
        Expected number of partitions on a worker, up to k.
    partitions : int, optional
        k; n by default.
    regularised : bool
        Whether a worker that drew more than twice the expected load keeps twice the load of them, chosen at random
        (rBGC). The weight stays, so that the estimate is slightly short on average; partitions drawn again may put a
        worker above the limit.
    decoder : str
        ``least-squares``, ``scaled`` (one-step) or ``sum``.
    probability : float, optional
        Of a worker to straggle; for ``sum`` only.
    rng : None, int, Generator or SeedSequence

    Returns
    -------
    GradientCode
        Entries k / (n load), over 1 - q for ``sum``; claims the expected error on average over the draws and, for
        fixed coefficients, the exact mean error of this draw.

    Raises
    ------
    InputError
        If a number is impossible, or decoder and probability do not fit.

    Examples
    --------
    >>> code = bernoulli(20, 6, 4, decoder="scaled", rng=0)
    >>> print(code.claims[2])
    on average over the draws of the code: mean squared error at most 5.71429 over random sets of 6 stragglers
    """
    n, s = check_sizes(workers, stragglers)
    k = n if partitions is None else check_count("partitions", partitions, 1)
    d = check_number("load", load, 0.0, float(k), open_low=True)
    q = check_decoder(decoder, probability)
    draws = generator(seed_of(rng))
    capped = check_flag("regularised", regularised)
    chance, most = d / k, max(1, int(2 * d)) if capped else k
    sizes = np.minimum(draws.binomial(k, chance, size=n), most)
    counts = np.arange(k + 1)
    kept = float(binom.pmf(counts, k, chance) @ np.minimum(counts, most)) / k if capped else chance
    held = refilled(subsets(draws, sizes, k), lambda _: np.full(n, kept), draws)
    if decoder == "sum":
        heard, weight = kept * (1.0 - q), 1.0 / (n * chance * (1.0 - q))
        value = one_step(weight, n * heard, n * heard * (1.0 - heard), (1.0 - kept) ** n)
        average = Claim("mean", k * value, SOURCE, probability=probability, on_average=True)
    else:
        r = n - s
        value = one_step(1.0 / (r * chance), r * kept, r * kept * (1.0 - kept), (1.0 - kept) ** n)
        average = Claim("mean", k * value, SOURCE, stragglers=s, on_average=True)
    return scattered_code(held, d, s, average, decoder, probability)
