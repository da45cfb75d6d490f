"""What codes of block designs share: the one error that every set of s stragglers causes."""

from __future__ import annotations

from typing import Any

from gcopt.checks import check_count
from gcopt.code import Claim, GradientCode
from gcopt.combinatorics.designs import Incidence, parameters
from gcopt.combinatorics.fields import nearest_orders, prime_power
from gcopt.combinatorics.nonexistence import forbidden
from gcopt.existence import Existence
from gcopt.families._approximate import approximate, check_decoder
from gcopt.families._family import check_sizes

KADHE = "Kadhe, Koyluoglu, Ramchandran 2019, Gradient Coding Based on Block Designs"
_SOURCE = f"{KADHE} (equal for every set, as A A^T = (r - lambda) I + lambda J)"


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
    s = check_sizes(design[0], stragglers)[1]
    error = design_error(*design, s, decoder, check_decoder(decoder, probability))
    claims = [Claim("error", error, _SOURCE, stragglers=s)]
    if decoder == "least-squares":
        factor = 1.0 - error / matrix.shape[1]
        claims.append(Claim("mean", error, _SOURCE, stragglers=s))
        claims.append(Claim("proportional", factor, "derived: every responder gets the same weight", stragglers=s))
    return approximate(matrix, s, claims, decoder=decoder, probability=probability)


def design_error(points: int, size: int, index: int, stragglers: int, decoder: str, probability: float) -> float:
    """Return the squared error of a (v, k, lambda) design without any s of its points.

    With load r = lambda (v - 1) / (k - 1): for least squares s r (r - lambda) / (k (k r - lambda s)); for constant
    weights w it is |w A_F 1 - 1|^2.

    Examples
    --------
    >>> [round(design_error(7, 3, 1, s, "least-squares", 0.0), 3) for s in range(7)]
    [0.0, 0.25, 0.571, 1.0, 1.6, 2.5, 4.0]
    >>> design_error(7, 3, 1, 1, "scaled", 0.0)  # 7/27
    0.25925925925925924
    """
    v, k, s, r = points, size, stragglers, index * (points - 1) // (size - 1)
    heard = v - s
    if decoder == "least-squares":
        return s * r * (r - index) / (k * (k * r - index * s))
    if decoder == "scaled":
        return v * s * (r - index) / (k * k * heard)
    weight = 1.0 / (k * (1.0 - probability))
    return v * r / k - 2.0 * weight * heard * r + weight**2 * heard * (r + (heard - 1) * index)


def plane_existence(order: Any, kind: str) -> Existence:
    """Say whether there is a ``projective`` or ``affine`` plane of an order.

    Examples
    --------
    >>> print(plane_existence(14, "affine").nearest)
    ({'order': 13}, {'order': 16})
    """
    q = check_count("order", order, 2)
    if prime_power(q):
        return Existence("yes", f"lines over the field of {q} elements")
    nearest = tuple({"order": other} for other in nearest_orders(q))
    theorem = forbidden(q * q, q, 1) if kind == "affine" else forbidden(q * q + q + 1, q + 1, 1)
    if theorem is not None:
        return Existence("no", theorem, nearest)
    return Existence("unknown", "the order is no prime power, and no theorem here forbids it", nearest)
