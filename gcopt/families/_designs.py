"""What codes of block designs share: the one error that every set of s stragglers causes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gcopt.checks import check_count
from gcopt.code import Claim, GradientCode
from gcopt.combinatorics.designs import Incidence, parameters
from gcopt.combinatorics.fields import nearest_orders, prime_power
from gcopt.combinatorics.nonexistence import forbidden
from gcopt.existence import Existence
from gcopt.families._approximate import approximate
from gcopt.families._family import check_sizes
from gcopt.families._regular import regular_claims

KADHE = "Kadhe, Koyluoglu, Ramchandran 2019, Gradient Coding Based on Block Designs"
_SOURCE = f"{KADHE} (equal for every set, as A A^T = (r - lambda) I + lambda J)"
_WEIGHTS = "derived: every responder gets the same weight"


def design_code(matrix: Incidence, stragglers: int, decoder: str, probability: float | None) -> GradientCode:
    """Return the code whose workers are the points of a design and whose partitions are its blocks.

    Parameters
    ----------
    matrix : csr_array, shape (n, k)
        Incidence matrix of a design.
    stragglers, decoder, probability
        As for `gcopt.families._approximate.approximate`.

    Examples
    --------
    >>> from gcopt.combinatorics.geometries import projective_plane
    >>> [round(c.value, 6) for c in design_code(projective_plane(2), 2, "least-squares", None).claims]
    [3.0, 3.0, 0.571429, 0.571429, 0.918367]
    """
    design = parameters(matrix)
    assert design is not None, "the matrix is no design"
    v, size, index = design
    load = index * (v - 1) // (size - 1)
    found = regular_claims(matrix, stragglers, float(load - index), decoder, probability)
    claims = [replace(claim, source=_SOURCE) for claim in found]
    if decoder == "least-squares":
        factor = 1.0 - claims[0].value / matrix.shape[1]
        claims.append(Claim("proportional", factor, _WEIGHTS, stragglers=claims[0].stragglers))
    return approximate(matrix, stragglers, claims, decoder=decoder, probability=probability)


def plane_existence(order: Any, kind: str, stragglers: Any) -> Existence:
    """Say whether there is a ``projective`` or ``affine`` plane of an order, with more points than stragglers.

    Examples
    --------
    >>> print(plane_existence(14, "affine", 1).nearest)
    ({'order': 13}, {'order': 16})
    """
    q = check_count("order", order, 2)
    points, size = (q * q, q) if kind == "affine" else (q * q + q + 1, q + 1)
    check_sizes(points, stragglers)
    if prime_power(q):
        return Existence("yes", f"lines over the field of {q} elements")
    nearest = tuple({"order": other} for other in nearest_orders(q))
    theorem = forbidden(points, size, 1)
    if theorem is not None:
        return Existence("no", theorem, nearest)
    return Existence("unknown", "the order is no prime power, and no theorem here forbids it", nearest)
