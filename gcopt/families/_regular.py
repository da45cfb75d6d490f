"""What regular assignments promise: worst and mean error with any decoder, from the eigenvalues of A A^T.

With load delta and replication gamma the largest is gamma delta; the second bounds the error of every set of
stragglers, and the mean of all the others the mean error.
"""

from __future__ import annotations

from dataclasses import replace

from scipy import sparse

from gcopt.code import Claim, GradientCode
from gcopt.combinatorics.spectrum import second_singular_bound
from gcopt.families._approximate import approximate, check_decoder
from gcopt.families._family import check_sizes

RAVIV = "Raviv, Tandon, Dimakis, Tamo 2018, Gradient Coding from Cyclic MDS Codes and Expander Graphs"

SPECTRAL = (
    "derived: the best constant weight, with the second singular value of the assignment (sharpens Raviv et al. 2018 "
    "and Glasgow & Wootters 2020)"
)

_FIXED = f"{RAVIV}; Glasgow & Wootters 2020, Approximate Gradient Coding with Optimal Decoding: one weight for all"

_COUNTED = (
    "derived: the best constant weight, when each partition is heard hypergeometrically often (Kadhe, Koyluoglu, "
    "Ramchandran 2019, Gradient Coding Based on Block Designs, as a mean)"
)

_ZERO = 1e-13


def regular_code(
    assignment: sparse.csr_array,
    stragglers: int,
    second: float | None = None,
    *,
    decoder: str = "least-squares",
    probability: float | None = None,
) -> GradientCode:
    """Return the code of an assignment with equal row sums and equal column sums, and its worst and mean error.

    Parameters
    ----------
    assignment : csr_array, shape (n, k)
        Whole numbers: how often worker j holds partition i.
    stragglers : int
    second : float, optional
        The second largest eigenvalue of A A^T; computed if not given.
    decoder, probability
        As for `approximate`.

    Examples
    --------
    >>> import numpy as np
    >>> [round(c.value, 6) for c in regular_code(sparse.csr_array(np.ones((4, 4)) - np.eye(4)), 1).claims]
    [3.0, 3.0, 0.142857, 0.142857]
    """
    claims = regular_claims(assignment, stragglers, second, decoder, probability)
    return approximate(assignment, stragglers, claims, decoder=decoder, probability=probability)


def regular_claims(
    assignment: sparse.csr_array,
    stragglers: int,
    second: float | None = None,
    decoder: str = "least-squares",
    probability: float | None = None,
) -> list[Claim]:
    """Return what `regular_code` promises of its errors: the worst, and with least squares the mean.

    With one weight for every responder a partition counts ``share`` on average over the partitions, 1 with ``scaled``,
    1 - E err / k with ``one-step``, and the worst error is at most k (share - 1)^2 + share^2 k sigma_2^2 s / (gamma
    delta (n - s)).
    """
    n, s = check_sizes(assignment.shape[0], stragglers)
    k, q = assignment.shape[1], check_decoder(decoder, probability)
    second = second_singular_bound(assignment) if second is None else second
    load = float(assignment.sum()) / n
    top = load * n * load / k
    second = second if second > _ZERO * top else 0.0
    if decoder == "least-squares":
        return [spectral_claim(n, k, load, s, second), mean_claim(assignment, s)]
    share = 1.0 if decoder == "scaled" else (n - s) / (n * (1.0 - q))
    if decoder == "one-step":
        share = 1.0 - mean_claim(assignment, s).value / k
    value = k * ((share - 1.0) ** 2 + share**2 * second * s / (top * (n - s)))
    return [Claim("error", value, _FIXED, stragglers=s)]


def spectral_claim(n: int, k: int, load: float, stragglers: int, second: float) -> Claim:
    """Return the worst error that a bi-regular assignment can have with the least-squares decoder.

    err <= k x / (gamma delta (n - s) + x), x = sigma_2^2 s, with the second largest eigenvalue sigma_2^2 of A A^T.

    Examples
    --------
    >>> round(spectral_claim(10, 10, 3, 1, 4.0).value * 17, 9)  # Petersen
    8.0
    """
    top, lost = load * n * load / k, second * stragglers
    value = k * lost / (top * (n - stragglers) + lost) if lost > 0 else 0.0
    return Claim("error", value, SPECTRAL, stragglers=stragglers)


def mean_claim(assignment: sparse.csr_array, stragglers: int) -> Claim:
    """Return a bound on the mean least-squares error; it needs equal column sums only.

    A constant weight leaves k (1 - (E X)^2 / E X^2), X how often a partition is heard. That is the bound on the worst
    error with the mean of the other n - 1 eigenvalues in place of the second, so never more; and for block designs,
    whose eigenvalues are equal, the error of every set.

    Examples
    --------
    >>> fano = sparse.csr_array([[int((i - j) % 7 in (0, 1, 3)) for i in range(7)] for j in range(7)])
    >>> round(mean_claim(fano, 2).value, 6)
    0.571429
    """
    n, k = assignment.shape
    load, squares = float(assignment.sum()) / n, float(assignment.data @ assignment.data)
    others = (squares - load * n * load / k) / max(1, n - 1)
    bound = spectral_claim(n, k, load, stragglers, others)
    return replace(bound, kind="mean", source=_COUNTED)
