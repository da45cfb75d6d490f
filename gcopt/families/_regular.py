"""What regular assignments share: when they exist, and the claims that follow from their second singular value."""

from __future__ import annotations

from math import gcd

from gcopt.code import Claim
from gcopt.existence import Existence
from gcopt.families._approximate import spectral_claim

RAVIV = "Raviv, Tamo, Tandon, Dimakis 2017, Gradient Coding from Cyclic MDS Codes and Expander Graphs"

FIXED = f"{RAVIV}; Glasgow & Wootters 2020, Approximate Gradient Coding with Optimal Decoding: one weight for all"

COUNTED = (
    "derived: the best constant weight, when each partition is heard hypergeometrically often (Kadhe, Koyluoglu, "
    "Ramchandran 2019, Gradient Coding Based on Block Designs, as a mean)"
)

_ZERO = 1e-13


def regular_replication(name: str, workers: int, partitions: int, load: int) -> int:
    """Return on how many workers each partition is when every worker has ``load``; refuse what does not divide.

    Raises
    ------
    ImpossibleError
        If n * load is not a multiple of k.

    Examples
    --------
    >>> regular_replication("random-regular", 6, 4, 2)
    3
    """
    n, k = workers, partitions
    if n * load % k == 0:
        return n * load // k
    step = k // gcd(n, k)
    loads = sorted((d for d in (load // step * step, load // step * step + step) if d), key=lambda d: abs(d - load))
    away = next(t for t in range(1, k) if n * load % (k - t) == 0)
    fewer = [k - away] if k - away >= load else []
    nearest = [{"load": d} for d in loads] + [{"partitions": p} for p in fewer]
    reason = f"counting the copies twice, workers * load = {n * load} must be a multiple of partitions"
    asked = f"{name} with workers = {n}, partitions = {k} and load = {load}"
    Existence("no", reason, tuple(nearest)).require(asked)
    raise AssertionError  # require has raised


def regular_claims(
    workers: int, partitions: int, load: float, stragglers: int, sigma_squared: float, decoder: str
) -> list[Claim]:
    """Return what every bi-regular assignment promises under this decoder, from its second singular value.

    Worst and mean error for ``least-squares``; worst error k sigma_2^2 s / (gamma delta (n - s)) for ``scaled``;
    nothing for ``sum``, where the claims of the decoder say it all.

    Examples
    --------
    >>> [round(c.value, 6) for c in regular_claims(7, 7, 3, 2, 2.0, "least-squares")]  # Fano: both are the truth
    [0.571429, 0.571429]
    """
    n, k, s = workers, partitions, stragglers
    top = load * n * load / k
    if sigma_squared <= _ZERO * top:
        sigma_squared = 0.0
    if decoder == "least-squares":
        return [spectral_claim(n, k, load, s, sigma_squared), mean_claim(n, k, load * n / k, s)]
    if decoder == "scaled":
        value = k * sigma_squared * s / (top * (n - s))
        return [Claim("error", value, FIXED, stragglers=s)]
    return []


def mean_claim(workers: int, partitions: int, replication: float, stragglers: int) -> Claim:
    """Return the mean error of least squares when every partition is on ``replication`` workers, whichever they are.

    A constant weight leaves k (1 - (E X)^2 / E X^2), X the responders that hold a partition; for block designs this is
    the error of every set.
    """
    value = partitions * (1.0 - explained(workers, replication, stragglers))
    return Claim("mean", max(0.0, value), COUNTED, stragglers=stragglers)


def explained(workers: int, replication: float, stragglers: int) -> float:
    """Return (E X)^2 / E X^2 of a hypergeometric count X: ``replication`` marked of n, s of the n lost.

    Examples
    --------
    >>> round(7 * (1 - explained(7, 3, 2)), 6)  # Fano
    0.571429
    """
    n, r = workers, workers - stragglers
    alike = (replication - 1.0) * (r - 1.0) / (n - 1.0) if n > 1 else 0.0
    return float(replication * r / n / (1.0 + alike))
