"""Codes drawn at random, on average over the draw: the only bounds that believe a code about where it comes from."""

from __future__ import annotations

from gcopt.bounds.bound import Hypothesis, bound
from gcopt.bounds.case import Case
from gcopt.bounds.hypotheses import one_block
from gcopt.bounds.quantities import MEAN_OF_DRAWS
from gcopt.bounds.repetition import CHARLES
from gcopt.families._scattered import one_step

_DECODERS = ("scaled", "least-squares")  # one-step, with equality but for partitions drawn again; optimal has less


def _drawn(family: str, *names: str) -> Hypothesis:
    """Return the hypothesis that a code says it is of this family and with which numbers it was drawn."""

    def test(case: Case) -> str | None:
        code = case.code
        if code.family != family:
            return f"the code is of the family {code.family}; this speaks of draws of {family}"
        missing = [name for name in names if not isinstance(code.parameters.get(name), (int, float))]
        return f"the code does not say its {' and '.join(missing)}" if missing else None

    return test


def _plain(case: Case) -> str | None:
    """The draw was not made regular."""
    return "the draw was regularised; this speaks of plain ones" if case.code.parameters.get("regularised") else None


def _communities(case: Case) -> str | None:
    """Communities are of equal size."""
    n, k, t = case.code.workers, case.code.partitions, int(case.code.parameters["communities"])
    return None if n % t == k % t == 0 else f"{n} workers and {k} partitions do not fall into {t} equal communities"


def _bernoulli_entries(case: Case) -> str | None:
    """All entries are k / (n load)."""
    return _entries(case, float(case.code.parameters["load"]))


def _community_entries(case: Case) -> str | None:
    """All entries are k / (n load), with the mean load."""
    return _entries(case, _blocks(case)[2])


@bound(
    "bernoulli",
    MEAN_OF_DRAWS,
    "upper",
    source=f"{CHARLES}, Bernoulli codes, one-step decoding",
    decoders=_DECODERS,
    needs=[one_block, _drawn("bernoulli", "load"), _plain, _bernoulli_entries],
)
def bernoulli(case: Case) -> float:
    """At most k (1 - p) / (r p) with r = n - s responders and p = load / k (where that is at most k)."""
    n, k, r = case.code.workers, case.code.partitions, case.responders
    p = float(case.code.parameters["load"]) / k
    return k * one_step(1.0 / (r * p), r * p, r * p * (1.0 - p), (1.0 - p) ** n)


@bound(
    "stochastic-block",
    MEAN_OF_DRAWS,
    "upper",
    source="derived: hypergeometric moments, for the stochastic block codes of Charles & Papailiopoulos 2018",
    decoders=_DECODERS,
    needs=[
        one_block,
        _drawn("stochastic-block", "communities", "inside", "across"),
        _communities,
        _community_entries,
    ],
)
def stochastic_block(case: Case) -> float:
    """At most k rho^2 (E p (1-p) + (r-E) q (1-q) + (p-q)^2 V) with rho = k / (r load) (where that is at most k).

    E and V are mean and variance of the responders in a partition's community.
    """
    p, q, load = _blocks(case)
    n, k, r = case.code.workers, case.code.partitions, case.responders
    share = 1.0 / int(case.code.parameters["communities"])
    mine = r * share
    among = mine * (1.0 - share) * case.s / max(1, n - 1)
    variance = mine * p * (1.0 - p) + (r - mine) * q * (1.0 - q) + (p - q) ** 2 * among
    empty = (1.0 - p) ** (n * share) * (1.0 - q) ** (n - n * share)
    return k * one_step(k / (r * load), r * load / k, variance, empty)


def _blocks(case: Case) -> tuple[float, float, float]:
    """Return p inside and q across communities, and the mean load."""
    given, k = case.code.parameters, case.code.partitions
    p, q, size = float(given["inside"]), float(given["across"]), k / int(given["communities"])
    return p, q, size * p + (k - size) * q


def _entries(case: Case, load: float) -> str | None:
    wanted, found = case.code.partitions / (case.code.workers * load), case.structure.entry
    if found is not None and abs(found - wanted) <= 1e-9 * wanted:
        return None
    return f"the entries are not all k / (n load) = {wanted:g}; the weights are not those of the paper"
