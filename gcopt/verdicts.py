"""The verdict on one claim: proved, sampled or refuted, from what was measured on the matrices alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from gcopt.code import Claim
from gcopt.decoding import EXACT
from gcopt.measuring import SLACK, Measured

_DOUBT = 2.9e-7  # the chance of a true claim to be refuted by a sample: five standard errors of many
_UNSEEN = 15.0  # what never happened in N draws has a probability below 15 / N, but for a chance of exp(-15)

_OVER_DRAWS = ("mean", "unbiased", "proportional")
_OF_EVERY_DRAW = ("load", "replication")


@dataclass(frozen=True)
class Check:
    """One claim, measured.

    Attributes
    ----------
    claim : Claim
    measured : float
    status : str
        ``proved``, ``sampled`` (nothing speaks against it, and it is not proved) or ``refuted``.
    method : str
        How it was checked.
    """

    claim: Claim
    measured: float
    status: str
    method: str


def sure(sets: int) -> float:
    """Return how many standard errors the mean of so many sets may be off: Student's quantile, about 5 for many.

    Examples
    --------
    >>> round(sure(1000), 2), round(sure(20), 1), sure(2) > 1e5
    (5.03, 7.3, True)
    """
    return float(t.isf(_DOUBT, sets - 1))


def unseen(sets: int) -> float:
    """Return how likely something may be that happened in none of so many sets.

    Examples
    --------
    >>> unseen(1000), unseen(2)
    (0.015, 1.0)
    """
    return min(1.0, _UNSEEN / sets)


def verdict(measured: Measured, claim: Claim) -> Check:
    """Judge one claim.

    Of a code that draws signs one draw is looked at for what is promised of each, and many for averages over them.
    """
    found = _CHECKS.get(claim.kind, _check_unknown)(measured, claim)
    signs = measured.code.segments[claim.segment].signs
    if claim.on_average:
        if signs is not None and claim.kind in _OVER_DRAWS:
            return found
        method = f"promised on average over draws of the code; this one: {found.method}"
        return Check(claim, found.measured, "sampled", method)
    if signs is None or claim.kind in _OF_EVERY_DRAW:
        return found
    status = "refuted" if found.status == "refuted" else "sampled"
    return Check(claim, found.measured, status, f"draw {signs.draw} of the signs: {found.method}")


def _check_exact(measured: Measured, claim: Claim) -> Check:
    worst = measured.worst("error", claim.segment, claim.stragglers or 0)
    tolerance = measured.decoders[claim.segment].tolerance
    if worst.lower > tolerance:
        return Check(claim, worst.lower, "refuted", f"without workers {list(worst.set)} the error is {worst.lower:.3g}")
    proved = worst.upper is not None and worst.upper <= tolerance
    return Check(claim, worst.lower, "proved" if proved else "sampled", worst.method)


def _check_noise(measured: Measured, claim: Claim) -> Check:
    worst = measured.worst("noise", claim.segment, claim.stragglers or 0)
    allowed = claim.value * (1 + SLACK)
    if worst.lower > allowed:
        return Check(claim, worst.lower, "refuted", f"without workers {list(worst.set)} it is {worst.lower:.6g}")
    proved = worst.upper is not None and worst.upper <= allowed
    return Check(claim, worst.lower, "proved" if proved else "sampled", worst.method)


def _check_load(measured: Measured, claim: Claim) -> Check:
    found = float(measured.code.segments[claim.segment].load.max())
    return Check(claim, found, "proved" if found <= claim.value else "refuted", "counted")


def _check_replication(measured: Measured, claim: Claim) -> Check:
    found = float(measured.code.segments[claim.segment].replication.min())
    return Check(claim, found, "proved" if found >= claim.value else "refuted", "counted")


def _check_error(measured: Measured, claim: Claim) -> Check:
    worst = measured.worst("error", claim.segment, claim.stragglers or 0)
    allowed = claim.value * (1 + SLACK) + measured.decoders[claim.segment].tolerance
    if worst.lower > allowed:
        return Check(claim, worst.lower, "refuted", f"without workers {list(worst.set)} it is {worst.lower:.6g}")
    proved = worst.upper is not None and worst.upper <= allowed
    return Check(claim, worst.lower, "proved" if proved else "sampled", worst.method)


def _check_mean(measured: Measured, claim: Claim) -> Check:
    asked = claim.segment, claim.stragglers or 0, claim.probability
    found = measured.mean(*asked, over_draws=claim.on_average)
    allowed = claim.value * (1 + SLACK) + measured.decoders[claim.segment].tolerance
    if found.exact:
        status = "proved" if found.value <= allowed else "refuted"
        return Check(claim, found.value, status, "the exact mean")
    status = "sampled" if found.value - sure(found.sets) * found.stderr <= allowed else "refuted"
    return Check(claim, found.value, status, f"{found.sets:,} random sets, standard error {found.stderr:.2g}")


def _check_unbiased(measured: Measured, claim: Claim) -> Check:
    return _check_direction(measured, claim, 1.0)


def _check_proportional(measured: Measured, claim: Claim) -> Check:
    return _check_direction(measured, claim, claim.value)


def _check_direction(measured: Measured, claim: Claim, factor: float) -> Check:
    """Whether E[R B] is this multiple of the target, entry by entry."""
    asked = claim.segment, claim.stragglers or 0, claim.probability
    found = measured.moments(*asked, over_draws=claim.on_average)
    away = np.abs(found.mean - factor * found.target)
    bias = float(away.max())
    if found.exact:
        proved = bias <= np.sqrt(EXACT) * max(1.0, factor)
        return Check(claim, bias, "proved" if proved else "refuted", "largest deviation of the exact mean")
    drawn, most = found.error.sets, float(np.sqrt(found.mean.size))  # the norm of a projection of all ones
    off = bool((away > sure(drawn) * found.stderr + unseen(drawn) * most + np.sqrt(EXACT)).any())
    method = f"largest deviation of the mean of {drawn:,} random sets"
    return Check(claim, bias, "refuted" if off else "sampled", method)


def _check_unknown(measured: Measured, claim: Claim) -> Check:
    return Check(claim, np.nan, "sampled", f"nothing here can check a claim called {claim.kind}")


_CHECKS: dict[str, Callable[[Measured, Claim], Check]] = {
    "exact": _check_exact,
    "error": _check_error,
    "mean": _check_mean,
    "noise": _check_noise,
    "load": _check_load,
    "replication": _check_replication,
    "proportional": _check_proportional,
    "unbiased": _check_unbiased,
}
