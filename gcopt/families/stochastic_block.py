"""Stochastic block codes: workers hold much of their own community and little of the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.checks import check_count, check_number
from gcopt.code import Claim, GradientCode
from gcopt.errors import InputError
from gcopt.families._approximate import check_decoder
from gcopt.families._family import check_sizes, family
from gcopt.families._scattered import one_step, refilled, scattered_code, subsets
from gcopt.solvers.seeding import RngLike, generator, seed_of

SOURCE = "Charles & Papailiopoulos 2018, Gradient Coding via the Stochastic Block Model"


@family("stochastic-block", source=f"{SOURCE}, stochastic block codes")
def stochastic_block(
    workers: int,
    stragglers: int,
    communities: int,
    inside: float,
    across: float,
    partitions: int | None = None,
    decoder: str = "least-squares",
    probability: float | None = None,
    rng: RngLike = None,
) -> GradientCode:
    """Between fractional repetition and Bernoulli: an adversary would have to find the communities to do harm.

    Workers and partitions fall into equal communities, contiguous; a worker holds a partition of its own with
    probability p (``inside``), of another with q (``across``). A partition that nobody holds is drawn again, given that
    somebody does. With t communities, load = k p / t + (k - k / t) q, r = n - s responders and rho = k / (r load) the
    one-step decoder has the expected error
    k rho^2 [x p (1 - p) + (r - x) q (1 - q) + (p - q)^2 v], x = r / t, v = x (1 - 1 / t) s / (n - 1).

    Parameters
    ----------
    workers : int
        n.
    stragglers : int
        s.
    communities : int
        t, dividing n and k.
    inside, across : float
        Probabilities from 0 to 1, not both 0.
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
        Entries k / (n load), over 1 - probability for ``sum``; claims the expected error on average over the draws
        and, for fixed coefficients, the exact mean error of this draw.

    Raises
    ------
    InputError
        If a number is impossible, the communities are unequal, or decoder and probability do not fit.

    Examples
    --------
    >>> print(stochastic_block(20, 10, 4, 0.6, 0.2, rng=0).claims[2])
    on average over the draws of the code: mean squared error at most 4.35088 over random sets of 10 stragglers
    """
    n, s = check_sizes(workers, stragglers)
    k = n if partitions is None else check_count("partitions", partitions, 1)
    t = check_count("communities", communities, 1, min(n, k))
    if n % t or k % t:
        raise InputError(f"communities is {t}; a number that divides {n} workers and {k} partitions is needed")
    p, q = check_number("inside", inside, 0.0, 1.0), check_number("across", across, 0.0, 1.0)
    load = k // t * p + (k - k // t) * q
    if load == 0.0:
        raise InputError(f"inside is {p:g} and across is {q:g}; somebody must hold something, make one positive")
    lost = check_decoder(decoder, probability)
    draws = generator(seed_of(rng))
    own = np.arange(n) * t // n
    held = refilled(
        _drawn(own, k, t, p, q, draws), lambda i: np.where(own == i * t // k, p, q).astype(np.float64), draws
    )
    empty = (1.0 - p) ** (n // t) * (1.0 - q) ** (n - n // t)
    if decoder == "sum":
        a, b = p * (1.0 - lost), q * (1.0 - lost)
        variance = n / t * a * (1.0 - a) + (n - n / t) * b * (1.0 - b)
        value = one_step(k / (n * load * (1.0 - lost)), n / k * load * (1.0 - lost), variance, empty)
        average = Claim("mean", k * value, SOURCE, probability=probability, on_average=True)
    else:
        r = n - s
        x = r / t
        spread = x * (1.0 - 1.0 / t) * s / max(1, n - 1)
        variance = x * p * (1.0 - p) + (r - x) * q * (1.0 - q) + (p - q) ** 2 * spread
        average = Claim("mean", k * one_step(k / (r * load), r / k * load, variance, empty), SOURCE, s, on_average=True)
    return scattered_code(held, load, s, average, decoder, probability)


def _drawn(own: NDArray[np.int64], k: int, t: int, p: float, q: float, draws: np.random.Generator) -> sparse.csr_array:
    """Return who holds what, shape (n, k): inside and outside of one's own community are drawn apart."""
    size = k // t
    near = subsets(draws, draws.binomial(size, p, size=own.size), size).tocoo()
    far = subsets(draws, draws.binomial(k - size, q, size=own.size), k - size).tocoo()
    outside = far.col + size * (far.col >= size * own[far.row])
    rows = np.concatenate([near.row, far.row])
    columns = np.concatenate([near.col + size * own[near.row], outside])
    return sparse.csr_array((np.ones(rows.size), (rows, columns)), shape=(own.size, k))
