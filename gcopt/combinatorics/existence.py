"""Is there a (v, k, lambda) design? Yes, with its construction; no, with the theorem; or neither is known here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gcopt.checks import check_count
from gcopt.combinatorics.catalogue import MOST, Parameters, construction
from gcopt.combinatorics.designs import Incidence
from gcopt.combinatorics.nonexistence import forbidden
from gcopt.existence import Existence

_FAR = 100  # at most so far from the parameters asked for are the nearest ones, and points twice as far off as they are


def design_existence(points: int, size: int, index: int = 1) -> Existence:
    """Say whether there is a design, and if not, which others there are.

    Parameters
    ----------
    points, size, index : int
        v points, blocks of size k from 2 to v, lambda >= 1.

    Raises
    ------
    InputError
        If a number is out of range.

    Examples
    --------
    >>> print(design_existence(13, 4))
    yes: points and lines of PG(2, 3) (Singer 1938)
    >>> design_existence(43, 7).answer, design_existence(157, 13).answer
    ('no', 'unknown')
    """
    v = check_count("points", points, 2, MOST)
    k = check_count("size", size, 2, v, f" (no more than the {v} points)")
    check_count("index", index, 1, MOST)
    reason = forbidden(v, k, index)
    if reason is not None:
        return Existence("no", reason, _nearest(v, k, index))
    known = construction(v, k, index)
    if known is not None:
        return Existence("yes", known.name)
    reason = "no theorem here forbids it, and no construction here makes it"
    if index == 1 and k in (4, 5):
        reason = "it exists (Hanani 1975), but no construction here makes it"
    return Existence("unknown", reason, _nearest(v, k, index))


def block_design(points: int, size: int, index: int = 1) -> Incidence:
    """Return the incidence matrix of a design, whichever construction makes it.

    Parameters
    ----------
    points, size, index : int
        As for `design_existence`.

    Returns
    -------
    csr_array of int, shape (v, b)

    Raises
    ------
    InputError
        If a number is out of range.
    ImpossibleError, UnknownError
        If there is no such design, or none is known here.
    LimitError
        If it has more than 10^7 points in its blocks.

    Examples
    --------
    >>> block_design(16, 6, 2).shape
    (16, 16)
    """
    design_existence(points, size, index).require(f"a ({points}, {size}, {index}) design")
    found = construction(points, size, index)
    assert found is not None
    return found.build(points, size, index)


def _nearest(v: int, k: int, index: int) -> tuple[dict[str, int], ...]:
    """Return designs that are made here and differ in one parameter: fewer and more points, another size, index."""
    steps, further = range(1, _FAR + 1), range(1, _FAR + min(v, 100 * _FAR))
    directions: list[Iterable[Parameters]] = [
        ((v - step, k, index) for step in further),
        ((v + step, k, index) for step in further),
        ((v, size, index) for step in steps for size in (k - step, k + step)),
        ((v, k, other) for step in steps for other in (index - step, index + step)),
    ]
    found = [next(_made(direction), None) for direction in directions]
    listed = [one for one in found if one is not None]
    listed.sort(key=lambda one: sum(abs(a - b) / b for a, b in zip(one, (v, k, index), strict=True)))
    return tuple({"points": a, "size": b, "index": c} for a, b, c in listed)


def _made(parameters: Iterable[Parameters]) -> Iterator[Parameters]:
    """Yield those of a list that a series makes."""
    for v, k, index in parameters:
        possible = 2 <= k < v and index > 0 and v * index * (v - 1) <= MOST * (k - 1)
        possible = possible and forbidden(v, k, index) is None
        if possible and construction(v, k, index, search=False) is not None:
            yield v, k, index
