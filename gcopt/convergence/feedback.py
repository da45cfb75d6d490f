"""Error feedback: what it comes to, how much is kept, and what that costs.

Worker i keeps e_i. If its message is used it sends C(v), v = gamma g_i + e_i, and keeps v - C(v); the master subtracts
what is sent. C contracts: E |C(v) - v|^2 <= (1 - delta) |v|^2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from gcopt.checks import check_count, check_finite, check_number
from gcopt.convergence._summing import check_not_negative, check_positive
from gcopt.convergence.guarantees import Guarantee
from gcopt.errors import InputError


def virtual_residual(
    parameters: ArrayLike, memories: ArrayLike, messages: ArrayLike, heard: ArrayLike, step: float
) -> float:
    """Return by how much a run departs from the identity that explains feedback; 0 up to rounding.

    theta_t - sum_i e_i moves exactly as without compression: by -gamma sum_i I_i g_i(theta_t).

    Parameters
    ----------
    parameters : array, shape (T + 1, D)
        theta_t.
    memories : array, shape (T + 1, n, D)
        e_i before step t.
    messages : array, shape (T, n, D)
        g_i(theta_t), whether it was used or not.
    heard : bool array, shape (T, n)
    step : float

    Examples
    --------
    >>> virtual_residual([[0.0], [-0.5]], [[[0.0]], [[0.5]]], [[[1.0]]], [[True]], step=1.0)
    0.0
    """
    theta, kept = np.asarray(parameters, dtype=np.float64), np.asarray(memories, dtype=np.float64)
    sent, used = np.asarray(messages, dtype=np.float64), np.asarray(heard, dtype=bool)
    if kept.shape != (len(theta), *sent.shape[1:]) or used.shape != sent.shape[:2] or len(sent) != len(theta) - 1:
        raise InputError(
            f"parameters, memories, messages, heard have shapes {theta.shape}, {kept.shape}, {sent.shape}, "
            f"{used.shape}; (T + 1, D), (T + 1, n, D), (T, n, D) and (T, n) are expected"
        )
    if not all(np.isfinite(one).all() for one in (theta, kept, sent)):
        raise InputError("parameters, memories or messages hold NaN or infinity; finite numbers are expected")
    virtual = theta - kept.sum(axis=1)
    moved = -check_finite("step", step) * np.sum(sent * used[:, :, None], axis=1)
    return float(np.abs(np.diff(virtual, axis=0) - moved).max())


def memory_bound(contraction: float, step: float, messages: float) -> float:
    """Return what sup_t E |e_i|^2 is at most, whatever p is: 4 (1 - delta) gamma^2 G^2 / delta^2.

    An active step gives E |e+|^2 <= (1 - delta / 2) E |e|^2 + 2 (1 - delta) / delta gamma^2 G^2 by Young's inequality
    with beta = delta / (2 (1 - delta)), an inactive one changes nothing; the fixed point is free of p.

    Parameters
    ----------
    contraction : float
        delta, above 0 and at most 1.
    step : float
    messages : float
        G, with |g_i| <= G throughout.

    Examples
    --------
    >>> memory_bound(0.5, 0.1, 1.0)
    0.08000000000000002
    """
    delta = check_number("contraction", contraction, 0.0, 1.0, open_low=True)
    check_positive(step=step)
    return 4.0 * (1.0 - delta) * (step * check_finite("messages", messages, 0.0) / delta) ** 2


def feedback_nonconvex(
    *,
    smoothness: float,
    step: float,
    iterations: int,
    gap: float,
    straggling: float,
    contraction: float,
    messages: Sequence[float],
) -> Guarantee:
    """Bound the mean of E |grad F(theta_t)|^2 over t < T with error feedback: compression is a higher-order effect.

    Parameters
    ----------
    smoothness : float
        L of F.
    step : float
        gamma, below 1 / L.
    iterations : int
        T.
    gap : float
        F(theta_0) - inf F.
    straggling : float
        Mean over t of the variance without compression, p (1 - p) sum_i E |g_i|^2.
    contraction : float
        delta.
    messages : sequence of float
        G_i, with |g_i| <= G_i throughout.

    Examples
    --------
    >>> about = {"smoothness": 1.0, "iterations": 100, "gap": 1.0, "straggling": 0.0, "messages": [1.0, 1.0]}
    >>> feedback_nonconvex(step=0.1, contraction=1.0, **about).value
    0.22222222222222224
    """
    check_positive(smoothness=smoothness, step=step)
    check_not_negative(gap=gap, straggling=straggling)
    kept = len(messages) * sum(memory_bound(contraction, step, g) for g in messages)
    sums = 2.0 * gap / (step * check_count("iterations", iterations, 1)) + smoothness * step * straggling
    slack = 1.0 - smoothness * step
    value = (sums + smoothness**2 * kept) / slack if slack > 0.0 else np.inf
    proof = (
        "The virtual sequence makes uncompressed steps at theta_t, which is |sum e_i| away; |sum e|^2 <= n sum |e_i|^2."
    )
    hypotheses = [(f"step < 1 / L = {1.0 / smoothness:.6g}", slack > 0.0)]
    return Guarantee.of("feedback", "mean over t < T of E |grad F(theta_t)|^2", proof, hypotheses, value)
