"""Affine planes: a square number of workers, load about its root."""

from __future__ import annotations

from typing import Any

from gcopt.code import GradientCode
from gcopt.combinatorics.existence import block_design
from gcopt.existence import Existence
from gcopt.families._designs import KADHE, design_code, plane_existence
from gcopt.families._family import family


def _existence(order: Any, stragglers: Any, **_: Any) -> Existence:
    return plane_existence(order, "affine", stragglers)


@family("affine-plane", source=KADHE, existence=_existence)
def affine_plane(
    order: int, stragglers: int, decoder: str = "least-squares", probability: float | None = None
) -> GradientCode:
    """Workers are the points, partitions the lines of an affine plane; any two workers share one partition.

    Parameters
    ----------
    order : int
        q, a prime power: n = q^2 workers with load q + 1, k = q^2 + q partitions with replication q.
    stragglers : int
        s, how many workers the master leaves behind.
    decoder, probability
        As for ``block-design``.

    Returns
    -------
    GradientCode
        Squared error s (q + 1) / (q^2 + q - s) for every set of s stragglers.

    Raises
    ------
    InputError
        If a number is out of range.
    ImpossibleError
        If there is no such plane, because none of that order is projective either.
    UnknownError
        If the order is no prime power and nothing forbids it, as for 12.
    LimitError
        If the order is above 211.

    Examples
    --------
    >>> affine_plane(3, stragglers=1)
    <GradientCode affine-plane: n=9, k=12, load=4, stragglers=1>
    """
    _existence(order, stragglers).require(f"an affine plane of order {order}")
    return design_code(block_design(order * order, order), stragglers, decoder, probability)
