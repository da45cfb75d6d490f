"""Weights on a fixed assignment as the command line finds them: a code in, one with better entries out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

import gcopt
from gcopt.checks import check_count, check_flag, check_number
from gcopt.code import Claim, GradientCode, Segment
from gcopt.errors import InputError
from gcopt.families._approximate import fixed_claims
from gcopt.files import load
from gcopt.solvers.weights import SpectralWeights, UnbiasedWeights
from gcopt.solving import Solution, Solver


def spectral_weights(
    code: str,
    stragglers: int | None = None,
    nonnegative: bool = False,
    blocks: int = 1,
    *,
    seconds: float | None,
    seed: int,
) -> Solution:
    """Which weights on a fixed assignment have the smallest second singular value, so that no stragglers hurt much.

    Parameters
    ----------
    code : str
        A file; who holds what is all that is taken from it.
    stragglers : int
        For how many the worst error of the new code is guaranteed; by default the code says.
    nonnegative : bool
        Whether all weights must be at least 0.
    blocks : int
        Of a bare matrix.
    """
    old = load(code, blocks=check_count("blocks", blocks, 1))
    s = _stragglers(stragglers, old, old.stragglers)
    found = SpectralWeights(check_flag("nonnegative", nonnegative), seconds=seconds).solve(old.support)
    error = found.error(s)
    source = "derived: second singular value of the weights, see gcopt.solvers.weights.SpectralWeights"
    segment = Segment(sparse.csr_array(found.weights), stragglers=s, approximate=True)
    new = _code("spectral-weights", segment, [Claim("error", error, source, stragglers=s)], nonnegative=nonnegative)
    more = {"stragglers": s, "error": error, "equal_split": found.start, "iterations": found.iterations}
    return Solution("spectral-weights", found, more, new)


def unbiased_weights(
    code: str,
    probability: float | Sequence[float],
    correlation: float = 0.0,
    nonnegative: bool = False,
    stragglers: int | None = None,
    blocks: int = 1,
    *,
    seconds: float | None,
    seed: int,
) -> Solution:
    """Which weights on a fixed assignment make the sum of what arrives unbiased, with the least variance.

    Parameters
    ----------
    code : str
        A file; who holds what is all that is taken from it.
    probability : float or list of float
        With which workers straggle, one number or one for each; below 1.
    correlation : float
        Of the partial gradients of any two partitions, from 0 (the error of the coefficients) to 1 (all are equal).
    nonnegative : bool
        Whether all weights must be at least 0.
    stragglers : int
        How many workers the ``count`` rule leaves behind; the sum of the probabilities rounded down by default.
    blocks : int
        Of a bare matrix.
    """
    old = load(code, blocks=check_count("blocks", blocks, 1))
    chances = _chances(probability, old.workers)
    s = _stragglers(stragglers, old, min(old.workers - 1, int(sum(chances) + 1e-9)))
    solver = UnbiasedWeights(
        check_number("correlation", correlation, 0.0, 1.0), check_flag("nonnegative", nonnegative), seconds
    )
    found = solver.solve(old.support, probability=chances)
    segment = Segment(sparse.csr_array(found.encoding), stragglers=s, decoder="sum", approximate=True)
    claims = fixed_claims(segment, chances[0] if np.ndim(probability) == 0 else chances)
    settings = {"probability": probability, "correlation": correlation, "nonnegative": nonnegative}
    return Solution(
        "unbiased-weights", found, {"stragglers": s}, _code("unbiased-weights", segment, claims, **settings)
    )


def _code(name: str, segment: Segment, claims: Sequence[Claim], **settings: Any) -> GradientCode:
    """Return the new code, which says what found it."""
    held: list[Claim] = [
        Claim("load", float(segment.load.max()), "the assignment"),
        Claim("replication", float(segment.replication.min()), "the assignment"),
    ]
    given = {"stragglers": segment.stragglers, **settings}
    return GradientCode((segment,), (*held, *claims), family=name, parameters=given, version=gcopt.__version__)


def _stragglers(given: Any, code: GradientCode, default: int) -> int:
    n = code.workers
    return default if given is None else check_count("stragglers", given, 0, n - 1, f" (fewer than the {n} workers)")


def _chances(probability: Any, n: int) -> tuple[float, ...]:
    """Return q_j of every worker."""
    if not isinstance(probability, (list, tuple)):
        given = [probability] * n
    elif len(probability) == n:
        given = list(probability)
    else:
        raise InputError(f"probability has {len(probability)} numbers; one for all, or {n} of them, would work")
    return tuple(check_number("probability", q, 0.0, 1.0) for q in given)


SPECTRAL = Solver(
    "spectral-weights", "Raviv, Tamo, Tandon, Dimakis 2018, arXiv 1707.03858, their convex program", spectral_weights
)
UNBIASED = Solver("unbiased-weights", "Song & Choi 2025, arXiv 2510.22539 (equal partial gradients)", unbiased_weights)
