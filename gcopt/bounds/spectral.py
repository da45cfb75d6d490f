"""Upper bounds on the worst error from the eigenvalues of the assignment."""

from __future__ import annotations

from math import sqrt

from gcopt.bounds.bound import bound
from gcopt.bounds.case import Case
from gcopt.bounds.counting import MUNIM
from gcopt.bounds.hypotheses import bi_regular, known_second, product, regular_graph, strongly_regular, symmetric
from gcopt.bounds.quantities import SECOND, WORST
from gcopt.families._regular import RAVIV, SPECTRAL, spectral_claim

_GLASGOW = "Glasgow & Wootters 2020, Approximate Gradient Coding with Optimal Decoding"
_FIXED = ("scaled", "least-squares")  # what the fixed decoder attains, the optimal one does not exceed
_OPTIMAL = ("least-squares",)


def fixed_weight(case: Case, second: float) -> float:
    """Return k sigma_2^2 s / (gamma delta (n - s)), what a constant weight on the responders attains."""
    return case.code.partitions * second * case.s / (_top(case) * case.responders)


@bound(
    "raviv",
    WORST,
    "upper",
    source=f"{RAVIV} (norm bound)",
    decoders=_FIXED,
    needs=[bi_regular, symmetric],
)
def raviv(case: Case) -> float:
    """At most (lambda / d)^2 n s / (n - s) for a d-regular graph, lambda = max(|lambda_2|, |lambda_n|)."""
    return fixed_weight(case, _second(case))


@bound(
    "glasgow-wootters",
    WORST,
    "upper",
    source=f"{_GLASGOW}, adversarial stragglers",
    decoders=_FIXED,
    needs=[bi_regular],
)
def glasgow_wootters(case: Case) -> float:
    """At most sigma_2^2 k s / (gamma delta (n - s)) for load delta and replication gamma."""
    return fixed_weight(case, _second(case))


@bound(
    "glasgow-wootters-graph",
    WORST,
    "upper",
    source=f"{_GLASGOW}, adversarial stragglers, graphs",
    decoders=_FIXED,
    needs=[bi_regular, regular_graph],
)
def glasgow_wootters_graph(case: Case) -> float:
    """At most k (2d - lambda) / (2d) s / (n - s): workers are the edges of a d-regular graph, lambda = d - lambda_2."""
    degree = case.structure.replication or 0
    return fixed_weight(case, 2.0 * degree - (case.structure.expansion or 0.0))


@bound("spectral", WORST, "upper", source=SPECTRAL, decoders=_OPTIMAL, needs=[bi_regular])
def spectral(case: Case) -> float:
    """At most k x / (gamma delta (n - s) + x) with x = sigma_2^2 s, for any bi-regular assignment."""
    load = case.structure.load or 0
    return spectral_claim(case.code.workers, case.code.partitions, load, case.s, _second(case)).value


@bound(
    "strongly-regular",
    WORST,
    "upper",
    source=f"{MUNIM}, Corollary 2, equation (12) at m = 1",
    decoders=_OPTIMAL,
    needs=[bi_regular, strongly_regular],
)
def strongly_regular_graph(case: Case) -> float:
    """At most k - delta^2 (n-s) / (delta - mu + mu (n-s) + (lambda-mu) theta).

    theta is delta where lambda >= mu, else the least eigenvalue.
    """
    degree, near, far = case.structure.strongly_regular or (0, 0, 0)
    least = ((near - far) - sqrt((near - far) ** 2 + 4 * (degree - far))) / 2
    theta = degree if near >= far else least
    r = case.responders
    return case.code.partitions - degree**2 * r / (degree - far + far * r + (near - far) * theta)


@bound(
    "kronecker",
    SECOND,
    "equality",
    source="derived: singular values of a Kronecker product (codes of Sakorikar & Wang 2021)",
    needs=[known_second, product],
)
def kronecker(case: Case) -> float:
    """sigma_2^2 of A1 (x) A2 is max(gamma1 delta1 sigma_2(A2)^2, gamma2 delta2 sigma_2(A1)^2)."""
    first, second = case.structure.factors or (case.structure, case.structure)
    tops = [(f.load or 0) * (f.replication or 0) for f in (first, second)]
    return max(tops[0] * (second.second or 0.0), tops[1] * (first.second or 0.0))


def _top(case: Case) -> int:
    """gamma delta, the largest eigenvalue of A^T A."""
    return (case.structure.load or 0) * (case.structure.replication or 0)


def _second(case: Case) -> float:
    return case.structure.second or 0.0
