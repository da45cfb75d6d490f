"""Product codes: workers and partitions of a product are pairs, one of each factor."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from gcopt.checks import check_count
from gcopt.code import Claim, GradientCode, single
from gcopt.combinatorics.spectrum import second_singular_bound
from gcopt.errors import InputError
from gcopt.families._approximate import approximate, check_decoder
from gcopt.families._base import base_code, recipe
from gcopt.families._family import family
from gcopt.families._regular import mean_claim, regular_claims

SOURCE = "Sakorikar & Wang 2021, Soft BIBD and Product Gradient Codes"

_EQUAL = 1e-12


@family("product", source=f"{SOURCE}, Kronecker products")
def product(
    first: Any,
    second: Any,
    stragglers: int,
    decoder: str = "least-squares",
    probability: float | None = None,
) -> GradientCode:
    """The Kronecker product of two codes: large codes from small good ones, for sizes that have no design.

    Worker (a, b), number a n_2 + b, holds partition (i, j), number i k_2 + j, if a holds i and b holds j. Of bi-regular
    factors with loads delta, replications gamma and second singular values sigma the product has
    sigma^2 = max(gamma_1 delta_1 sigma_2^2, gamma_2 delta_2 sigma_1^2), which bounds its worst error. Factors that are
    exact for s_1 and s_2 stragglers make a product that is exact for (s_1 + 1) (s_2 + 1) - 1.

    Parameters
    ----------
    first, second : GradientCode, path or mapping
        A code with one segment and m = 1, the file of one, or ``{"family": name, **parameters}``; a bare matrix is
        ``{"family": "matrix", "matrix": rows}``.
    stragglers : int
        s.
    decoder : str
        ``least-squares``; for factors whose partitions have equal entries on all their workers also ``scaled``
        (one-step) or ``sum``.
    probability : float, optional
        Of a worker to straggle; for ``sum`` only.

    Returns
    -------
    GradientCode
        Of factors with equal entries for each partition only the assignment matters; others multiply entry by entry.

    Raises
    ------
    InputError
        If a factor is no such code, a number is impossible, or the decoder does not fit.

    Examples
    --------
    >>> fano = {"family": "circulant", "workers": 7, "stragglers": 1, "shifts": [0, 1, 3]}
    >>> pairs = {"family": "circulant", "workers": 3, "stragglers": 1, "load": 2}
    >>> print(product(fano, pairs, 2).claims[2])
    squared error at most 0.538462 for every set of 2 stragglers
    """
    codes = [base_code("first", first), base_code("second", second)]
    n = codes[0].workers * codes[1].workers
    s = check_count("stragglers", stragglers, 0, n - 1, f" (fewer than the {n} workers)")
    exact = _exact(codes, n) if decoder == "least-squares" else []
    if all(map(_equal_entries, codes)):
        held = sparse.kron(codes[0].support.astype(np.float64), codes[1].support.astype(np.float64), format="csr")
        claims = [*_bounds(codes, held, s, decoder, probability), *exact]
        code = approximate(held, s, claims, decoder=decoder, probability=probability)
    elif check_decoder(decoder, probability) or decoder != "least-squares":
        raise InputError(f"decoder is {decoder!r}; factors with unequal entries for a partition need least-squares")
    else:
        matrix = sparse.kron(codes[0].segments[0].encoding, codes[1].segments[0].encoding, format="csr")
        code = single(matrix, s, [*_counts(codes), *exact], approximate=True)
    given = {"decoder": decoder, **({} if probability is None else {"probability": probability})}
    recipes = {"first": recipe("first", first, codes[0]), "second": recipe("second", second, codes[1])}
    return replace(code, family="product", parameters={**recipes, "stragglers": s, **given})


def _equal_entries(code: GradientCode) -> bool:
    """Whether each partition counts the same on all its workers."""
    matrix = code.segments[0].encoding
    one = np.zeros(code.partitions, dtype=matrix.dtype)
    one[matrix.indices] = matrix.data
    return bool((np.abs(matrix.data - one[matrix.indices]) <= _EQUAL * np.abs(matrix.data)).all())


def _bounds(
    codes: list[GradientCode], held: sparse.csr_array, s: int, decoder: str, probability: float | None
) -> list[Claim]:
    """Bound the error of a product of regular factors: the mean needs equal replication, the worst equal loads too."""
    if any(np.ptp(code.segments[0].replication) for code in codes):
        return []
    if any(np.ptp(code.segments[0].load) for code in codes):
        return [mean_claim(held, s)] if decoder == "least-squares" else []
    tops = [float(code.load * code.replication) for code in codes]
    own = [second_singular_bound(code.support) for code in codes]
    claims = regular_claims(held, s, max(tops[0] * own[1], tops[1] * own[0]), decoder, probability)
    return [replace(c, source=f"{SOURCE}, singular values multiply; {c.source}") for c in claims]


def _counts(codes: list[GradientCode]) -> list[Claim]:
    a, b = codes
    return [
        Claim("load", float(a.load * b.load), "loads multiply"),
        Claim("replication", float(a.replication * b.replication), "replications multiply"),
    ]


def _exact(codes: list[GradientCode], n: int) -> list[Claim]:
    """Tell what the claims of exact factors make of the product: a code word fails only if rows and columns do."""
    spared = [max((c.stragglers or 0 for c in code.claims if c.kind == "exact"), default=None) for code in codes]
    if spared[0] is None or spared[1] is None:
        return []
    most = (spared[0] + 1) * (spared[1] + 1) - 1
    source = "derived: losses that stop the product stop s_1 + 1 rows, each by s_2 + 1 losses"
    return [Claim("exact", 0.0, source, stragglers=min(most, n - 1))]
