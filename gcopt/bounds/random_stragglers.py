"""The theorem of Glasgow & Wootters on random stragglers, with every hypothesis that can be checked."""

from __future__ import annotations

from math import exp

import numpy as np

from gcopt.bounds.bound import bound
from gcopt.bounds.case import Case
from gcopt.bounds.hypotheses import bi_regular, one_probability, regular_graph, transitive
from gcopt.bounds.quantities import SPREAD

_GRID = 1000


@bound(
    "glasgow-wootters-random",
    SPREAD,
    "upper",
    source="Glasgow & Wootters 2020, Approximate Gradient Coding with Optimal Decoding, random stragglers",
    decoders=("least-squares",),
    needs=[bi_regular, regular_graph, transitive, one_probability, lambda case: _conditions(case)],
)
def random_graph(case: Case) -> float:
    """At most 6 / k + t, t = e^2 q^(L (1 - 1/(3 + eps))) / (1 - q e^(1/L))^2, for large graphs.

    L is the spectral expansion; how large is not said, so that for small graphs this is held against the facts only.
    """
    return 6.0 / case.code.partitions + _tail(case, _epsilon(case) or 0.0)


def _conditions(case: Case) -> str | None:
    """Expansion above 1.5, an eps > 0 that fits, and a number below 1, the variance that means nothing."""
    expansion = case.structure.expansion or 0.0
    if expansion <= 1.5:
        return f"the spectral expansion is {expansion:.4g}; more than 1.5 is needed"
    epsilon = _epsilon(case)
    if epsilon is None:
        return f"the graph expands by {expansion:.4g}, too little for probability {case.q:g}: no eps > 0 fits"
    value = 6.0 / case.code.partitions + _tail(case, epsilon)
    return (
        None if value < 1.0 else f"the graph is too small: 6/k + t is {value:.3g}, and below 1 it would say something"
    )


def _epsilon(case: Case) -> float | None:
    """Return the largest eps with (L/2+1)(1 - q e^(1/L)) >= 1 + eps, (1-t)(L - (2d-L) t) >= eps; None without any."""
    expansion, degree = case.structure.expansion or 0.0, case.structure.replication or 0
    most = (expansion / 2.0 + 1.0) * (1.0 - case.q * exp(1.0 / expansion)) - 1.0
    for epsilon in np.linspace(most, 0.0, _GRID, endpoint=False) if most > 0.0 else ():
        t = _tail(case, epsilon)
        if t < 1.0 and (1.0 - t) * (expansion - (2.0 * degree - expansion) * t) >= epsilon:
            return float(epsilon)
    return None


def _tail(case: Case, epsilon: float) -> float:
    """Return t."""
    expansion = case.structure.expansion or 0.0
    power: float = case.q ** (expansion * (1.0 - 1.0 / (3.0 + epsilon)))
    return exp(2.0) * power / (1.0 - case.q * exp(1.0 / expansion)) ** 2
