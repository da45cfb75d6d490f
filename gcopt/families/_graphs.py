"""What codes of graphs share: a regular assignment, and what follows from its second singular value."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from gcopt.code import Claim, GradientCode
from gcopt.combinatorics.spectrum import second_singular_bound
from gcopt.families._approximate import approximate, check_decoder, spectral_claim
from gcopt.families._family import check_sizes

RAVIV = "Raviv, Tamo, Tandon, Dimakis 2018, Gradient Coding from Cyclic MDS Codes and Expander Graphs"
_MEAN = "derived: the best constant weight for all sets, and Jensen's inequality"


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
        The second largest eigenvalue of A^T A; computed if not given.
    decoder, probability
        As for `approximate`.
    """
    n, k = assignment.shape
    s, q = check_sizes(n, stragglers)[1], check_decoder(decoder, probability)
    second = second_singular_bound(assignment) if second is None else second
    load = float(assignment.sum()) / n
    if decoder == "least-squares":
        claims = [spectral_claim(n, k, load, s, second), _mean_claim(assignment, s)]
    else:
        claims = [_fixed_claim(n, k, load, s, second, n / (n - s) if decoder == "scaled" else 1.0 / (1.0 - q))]
    return approximate(assignment, s, claims, decoder=decoder, probability=probability)


def _fixed_claim(n: int, k: int, load: float, stragglers: int, second: float, weight: float) -> Claim:
    """Return the worst error with one weight for every responder, whoever they are.

    err <= k (w (n - s) / n - 1)^2 + w^2 sigma_2^2 (n - s) s / (n gamma^2).

    Examples
    --------
    >>> round(_fixed_claim(10, 10, 3, 4, 4.0, 10 / 6).value, 6)  # Petersen
    2.962963
    """
    s, copies = stragglers, n * load / k
    value = k * (weight * (n - s) / n - 1.0) ** 2 + weight**2 * second * (n - s) * s / (n * copies**2)
    return Claim("error", value, f"{RAVIV}: the bound of expander graphs", stragglers=s)


def _mean_claim(assignment: sparse.csr_array, stragglers: int) -> Claim:
    """Return a bound on the mean least-squares error over random sets of stragglers.

    err <= k - (1^T A_F 1)^2 / ||A_F 1||^2 for every set; the mean of 1 / x is at least 1 / (the mean of x).

    Examples
    --------
    >>> round(_mean_claim(sparse.csr_array(np.ones((4, 2))), 1).value, 9)
    0.0
    """
    n, k = assignment.shape
    heard, held = n - stragglers, float(assignment.sum())
    single = float(np.square(assignment.data).sum())
    pairs = (held**2 / k - single) * (heard - 1) / max(1, n - 1)  # columns sum to held / k
    value = max(0.0, k - (held * heard / n) ** 2 / ((single + pairs) * heard / n))
    return Claim("mean", value, _MEAN, stragglers=stragglers)
