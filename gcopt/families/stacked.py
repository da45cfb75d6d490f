"""Stacked: the baseline with messages m times shorter, which sends the sum of all blocks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gcopt.checks import check_count
from gcopt.code import Claim, GradientCode, Segment
from gcopt.families._base import assignment_of, base_code, recipe
from gcopt.families._family import family
from gcopt.families._frames import blockwise
from gcopt.families._regular import mean_claim, regular_claims

SOURCE = "Munim & Ramamoorthy 2026, Communication-Efficient Approximate Gradient Coding, Remark 3"


@family("stacked", source=f"{SOURCE} (the baseline)")
def stacked(assignment: Any, blocks: int, stragglers: int) -> GradientCode:
    """The baseline: B = [A | A | ... | A], every worker sends the sum of its m blocks, which nothing can tell apart.

    Its squared error is (m - 1) k more than that of the assignment with m = 1, for every set of stragglers; any good
    code is better.

    Parameters
    ----------
    assignment : GradientCode, path or mapping
        Who holds what: a code with one segment and m = 1, the file of one, or ``{"family": name, **parameters}``.
    blocks : int
        m.
    stragglers : int
        s.

    Returns
    -------
    GradientCode
        With equal replication claims a bound on the mean error, with equal loads too on the worst, which is the error
        of every set of stragglers for block designs.

    Raises
    ------
    InputError
        If the assignment is no such code, or a number is impossible.

    Examples
    --------
    >>> fano = {"family": "circulant", "workers": 7, "stragglers": 1, "shifts": [0, 1, 3]}
    >>> print(stacked(fano, blocks=2, stragglers=2).claims[2])
    squared error at most 7.57143 for every set of 2 stragglers
    """
    base = base_code("assignment", assignment)
    held = assignment_of(base)
    (n, k), m = held.shape, check_count("blocks", blocks, 1)
    s = check_count("stragglers", stragglers, 0, n - 1, f" (fewer than the {n} workers)")
    segment = Segment(blockwise(held, np.ones((n, m))), m, stragglers=s, approximate=True)
    loads, copies = segment.load, segment.replication
    one: list[Claim] = []
    if not np.ptp(copies):
        one = [mean_claim(held, s)] if np.ptp(loads) else regular_claims(held, s)
    claims = [
        Claim("load", float(loads.max()), "the assignment"),
        Claim("replication", float(copies.min()), "the assignment"),
        *(replace(c, value=(m - 1) * k + c.value, source=f"{SOURCE}; m = 1: {c.source}") for c in one),
    ]
    parameters = {"assignment": recipe("assignment", assignment, base), "blocks": m, "stragglers": s}
    return GradientCode((segment,), tuple(claims), family="stacked", parameters=parameters)
