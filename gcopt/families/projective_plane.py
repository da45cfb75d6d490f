"""Projective planes: as many partitions as workers, load about the root of their number."""

from __future__ import annotations

from typing import Any

from gcopt.code import GradientCode
from gcopt.combinatorics.existence import block_design
from gcopt.existence import Existence
from gcopt.families._designs import KADHE, design_code, plane_existence
from gcopt.families._family import family


def _existence(order: Any, stragglers: Any, **_: Any) -> Existence:
    return plane_existence(order, "projective", stragglers)


@family("projective-plane", source=KADHE, existence=_existence)
def projective_plane(
    order: int, stragglers: int, decoder: str = "least-squares", probability: float | None = None
) -> GradientCode:
    """Workers are the points, partitions the lines of a projective plane; any two workers share one partition.

    Parameters
    ----------
    order : int
        q, a prime power: n = k = q^2 + q + 1 with load and replication q + 1.
    stragglers : int
        s, how many workers the master leaves behind.
    decoder, probability
        As for ``block-design``.

    Returns
    -------
    GradientCode
        Squared error s q / ((q + 1)^2 - s) for every set of s stragglers.

    Raises
    ------
    InputError
        If a number is out of range.
    ImpossibleError
        If the theorem of Bruck and Ryser, or the search of Lam and others for order 10, forbids the plane.
    UnknownError
        If the order is no prime power and nothing forbids it, as for 12.
    LimitError
        If the order is above 211.

    Examples
    --------
    >>> projective_plane(2, stragglers=1)
    <GradientCode projective-plane: n=7, k=7, load=3, stragglers=1>
    """
    _existence(order, stragglers).require(f"a projective plane of order {order}")
    return design_code(block_design(order * order + order + 1, order + 1), stragglers, decoder, probability)
