"""Codes drawn at random, on average over the draw: the only bounds that believe a code about where it comes from."""

from __future__ import annotations

from gcopt.bounds.bound import Hypothesis, bound
from gcopt.bounds.case import Case
from gcopt.bounds.hypotheses import one_block
from gcopt.bounds.quantities import MEAN_OF_DRAWS
from gcopt.bounds.repetition import CHARLES


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


def _alike(case: Case) -> str | None:
    """All entries are 1 / mean replication."""
    return _entries(case, _mean_copies(case))


def _square(case: Case) -> str | None:
    """As many partitions as workers, in communities of equal size."""
    n, k, t = case.code.workers, case.code.partitions, int(case.code.parameters["communities"])
    if n != k:
        return f"there are {n} workers and {k} partitions; equally many are needed"
    return None if k % t == 0 else f"{k} partitions do not fall into {t} equal communities"


def _community_entries(case: Case) -> str | None:
    """All entries are 1 / mean load."""
    return _entries(case, _blocks(case)[2])


@bound(
    "bernoulli",
    MEAN_OF_DRAWS,
    "equality",
    source=f"{CHARLES}, Bernoulli codes, one-step decoding",
    decoders=("scaled",),
    needs=[one_block, _drawn("bernoulli", "load"), _plain, _alike],
)
def bernoulli(case: Case) -> float:
    """k (1 - p) / (r p) with r = n - s responders and p = load / k."""
    k, p = case.code.partitions, float(case.code.parameters["load"]) / case.code.partitions
    return k * (1.0 - p) / (case.responders * p)


@bound(
    "stochastic-block",
    MEAN_OF_DRAWS,
    "equality",
    source="derived: hypergeometric moments, for the stochastic block codes of Charles & Papailiopoulos 2018",
    decoders=("scaled",),
    needs=[
        one_block,
        _drawn("stochastic-block", "communities", "inside", "across"),
        _square,
        _community_entries,
    ],
)
def stochastic_block(case: Case) -> float:
    """k rho^2 (E p (1-p) + (r-E) q (1-q) + (p-q)^2 V) with rho = k / (r load).

    E and V are mean and variance of the responders in a partition's community.
    """
    p, q, load = _blocks(case)
    k, r = case.code.partitions, case.responders
    share = 1.0 / int(case.code.parameters["communities"])
    mine = r * share
    variance = r * share * (1.0 - share) * (k - r) / max(1, k - 1)
    rho = k / (r * load)
    return k * rho**2 * (mine * p * (1.0 - p) + (r - mine) * q * (1.0 - q) + (p - q) ** 2 * variance)


def _mean_copies(case: Case) -> float:
    """The mean replication of a Bernoulli code, n load / k."""
    return case.code.workers * float(case.code.parameters["load"]) / case.code.partitions


def _blocks(case: Case) -> tuple[float, float, float]:
    """Return p inside and q across communities, and the mean load."""
    given, k = case.code.parameters, case.code.partitions
    p, q, size = float(given["inside"]), float(given["across"]), k / int(given["communities"])
    return p, q, size * p + (k - size) * q


def _entries(case: Case, mean: float) -> str | None:
    found = case.structure.entry
    if found is not None and abs(found * mean - 1.0) <= 1e-9:
        return None
    return f"the entries are not all 1 / {mean:g}; this decoder is not the one-step decoder of the paper"
