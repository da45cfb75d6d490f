"""Two independent random times, one after the other: the probability that their weighted sum is not over yet.

Computing takes ``work * T1`` and sending ``share * T2`` seconds: d T1 + T2 / m of Ye and Abbe 2018 (arXiv 1802.03475).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gcopt.delays import Delay

Floats = NDArray[np.float64]

_EXPONENTIAL = ("exponential", "shifted-exponential")


def covered(first: Delay, second: Delay) -> bool:
    """Whether `tail_of_sum` knows the sum: one of the two is constant, or both are (shifted) exponential.

    Examples
    --------
    >>> wait, constant = Delay("exponential", {"rate": 1.0}), Delay("deterministic", {"value": 1.0})
    >>> gamma = Delay("gamma", {"shape": 2.0, "scale": 1.0})
    >>> covered(wait, wait), covered(gamma, constant), covered(gamma, wait)
    (True, True, False)
    """
    models = {first.model, second.model}
    return "deterministic" in models or models.issubset(_EXPONENTIAL)


def tail_of_sum(t: Floats, first: Delay, work: float, second: Delay, share: float) -> Floats:
    """Return P(work * T1 + share * T2 > t), shape of ``t``, for what is `covered`.

    Parameters
    ----------
    t : array
        Seconds.
    first, second : Delay
        T1 and T2.
    work, share : float
        Their weights, at least 0.

    Examples
    --------
    >>> wait = Delay("exponential", {"rate": 1.0})
    >>> tail_of_sum(np.array([-1.0, 0.0, 1.0]), wait, 1.0, wait, 1.0).round(12).tolist()  # (1 + t) exp(-t)
    [1.0, 1.0, 0.735758882343]
    """
    if work == 0.0 or first.model == "deterministic":
        return _tail(t - (work * first.mean if work else 0.0), second, share)
    if share == 0.0 or second.model == "deterministic":
        return _tail(t - (share * second.mean if share else 0.0), first, work)
    left = t - work * first.parameters.get("shift", 0.0) - share * second.parameters.get("shift", 0.0)
    return tail_of_exponentials(left, first.parameters["rate"] / work, second.parameters["rate"] / share)


def tail_of_exponentials(t: Floats, one: float, other: float) -> Floats:
    """Return P(A + B > t) of independent exponential times with these rates, shape of ``t``; 1 for negative t.

    With rates a < b it is (b exp(-a t) - a exp(-b t)) / (b - a), computed as
    exp(-a t) (1 + a (1 - exp(-(b - a) t)) / (b - a)) so that nearly equal rates cost no digits; (1 + a t) exp(-a t)
    where they are equal.

    Examples
    --------
    >>> tail_of_exponentials(np.array([1.0]), 2.0, 1.0).round(12).tolist()  # 2 exp(-1) - exp(-2)
    [0.600423599106]
    """
    a, gap = min(one, other), abs(one - other)
    left = np.maximum(t, 0.0)
    grown = -np.expm1(-gap * left) / gap if gap > 0.0 else left
    return np.asarray(np.exp(-a * left) * (1.0 + a * grown))


def _tail(t: Floats, delay: Delay, weight: float) -> Floats:
    """Return P(weight * T > t), never below 0 or above 1 and 1 for negative t."""
    if weight == 0.0:
        return np.where(t < 0.0, 1.0, 0.0)
    return np.where(t < 0.0, 1.0, np.clip(delay.distribution.sf(t / weight), 0.0, 1.0))
