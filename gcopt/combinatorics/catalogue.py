"""Which construction makes a (v, k, lambda) design."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import comb

from gcopt.combinatorics import designs, difference_families, geometries
from gcopt.combinatorics.designs import Incidence
from gcopt.combinatorics.difference_search import multiplied_family, searched_family
from gcopt.combinatorics.fields import prime_power
from gcopt.combinatorics.hadamard import hadamard_design, hadamard_known
from gcopt.combinatorics.inflation import has_array, inflate
from gcopt.combinatorics.integers import divisors
from gcopt.combinatorics.nonexistence import forbidden
from gcopt.combinatorics.steiner_triples import steiner_triples
from gcopt.errors import LimitError

MOST = 10**7
"""A design with more points in its blocks than this is not built."""

Parameters = tuple[int, int, int]


@dataclass(frozen=True)
class Construction:
    """A way to make one design: a name with its source, and what builds it."""

    name: str
    function: Callable[[], Incidence]

    def build(self, points: int, size: int, index: int) -> Incidence:
        """Return the incidence matrix, shape (v, b), after a check that it is a (v, k, lambda) design."""
        entries = points * index * (points - 1) // (size - 1)
        if entries > MOST:
            raise LimitError(
                f"a ({points}, {size}, {index}) design has {entries} points in its blocks; at most {MOST} are built"
            )
        found = self.function()
        asked = (points, size, index)
        assert designs.parameters(found) == asked, f"{self.name} is no {asked} design"
        return found


def construction(points: int, size: int, index: int, *, search: bool = True) -> Construction | None:
    """Return how a (v, k, lambda) design is made here, or None: known series first, then searches.

    Parameters
    ----------
    points, size, index : int
        v, k and lambda, 2 <= k <= v and lambda >= 1, not excluded by `gcopt.combinatorics.nonexistence.forbidden`.
    search : bool
        Whether base blocks may be searched for, which takes up to some seconds.

    Examples
    --------
    >>> construction(7, 3, 1).name
    'points and lines of PG(2, 2) (Singer 1938)'
    >>> construction(157, 13, 1) is None
    True
    """
    known = next(_known(points, size, index), None) or next(_from_others(points, size, index), None)
    if known is None and index == 1:
        known = next(_inflated(points, size, search), None)
    return known or (next(_searched(points, size, index), None) if search else None)


def _known(v: int, k: int, index: int) -> Iterator[Construction]:
    """Yield members of series."""
    if min(k - 2, v - k) < index.bit_length() and index == comb(v - 2, k - 2):  # which is at least 2^min
        yield Construction("all blocks of that size", partial(designs.complete, v, k))
    yield from _geometries(v, k, index)
    if index == 1:
        yield from _linear_spaces(v, k)
    yield from _symmetric(v, k, index)
    yield from _cosets(v, k, index)


def _geometries(v: int, k: int, index: int) -> Iterator[Construction]:
    """Points with hyperplanes or lines of a space over a field."""
    for d in range(2, v.bit_length()):
        q = _root(v, d)
        space = (q ** (d + 1) - 1) // (q - 1) if q > 1 else 0
        if v not in (space, q**d) or prime_power(q) is None:
            continue
        name, lines = f"PG({d}, {q}) (Singer 1938)", geometries.projective_lines
        planes, size = geometries.projective_space, (q**d - 1) // (q - 1)
        if v == q**d:
            name, lines = f"AG({d}, {q})", geometries.affine_lines
            planes, size = geometries.affine_space, q ** (d - 1)
        if (k, index) == (size, (q ** (d - 1) - 1) // (q - 1)):
            what = "lines" if d == 2 else "hyperplanes"
            yield Construction(f"points and {what} of {name}", partial(planes, d, q))
        elif (k, index) == (q if v == q**d else q + 1, 1):
            yield Construction(f"points and lines of {name}", partial(lines, d, q))


def _linear_spaces(v: int, k: int) -> Iterator[Construction]:
    """Designs in which two points are in one block."""
    if k == 3 and v % 6 in (1, 3):
        yield Construction("a Steiner triple system (Bose 1939, Skolem 1958)", partial(steiner_triples, v))
    q = k - 1
    if v == q**3 + 1 and prime_power(q) and q**6 <= 2 * 10**6:
        yield Construction("a Hermitian unital (Bose 1959)", partial(geometries.hermitian_unital, q))
    plane = (v - k) // (k - 1)
    if (v - k) % (k - 1) == 0 and k < plane and k & (k - 1) == 0 and plane & (plane - 1) == 0:
        yield Construction("a maximal arc (Denniston 1969)", partial(geometries.denniston_arc, plane, k))


def _symmetric(v: int, k: int, index: int) -> Iterator[Construction]:
    """Designs with as many blocks as points."""
    if k * (k - 1) != index * (v - 1) or k == v:
        return
    if prime_power(v):
        yield from _residues(v, k)
    q = _root(v + 1, 2) - 1
    if v == q * (q + 2) and 2 * k == v - 1 and prime_power(q) and prime_power(q + 2):
        name = "a difference set of twin prime powers (Stanton, Sprott 1958)"
        yield Construction(name, partial(difference_families.twin_prime_powers, q))
    for d in range(1, v.bit_length()):
        q = _root(k, 2 * d)
        u = (q ** (d + 1) - 1) // (q - 1) if q > 1 else 0
        if prime_power(q) and (v, k) == (q ** (d + 1) * (u + 1), q**d * u):
            name = "a difference set (McFarland 1973)"
            yield Construction(name, partial(difference_families.mcfarland, q, d))
    if 2 * k == v - 1 and hadamard_known(v + 1):
        yield Construction("a Hadamard matrix (Sylvester 1867, Paley 1933)", partial(hadamard_design, v + 1))


def _residues(v: int, k: int) -> Iterator[Construction]:
    """Difference sets of the powers of some exponent in a field, for parameters of a symmetric design."""
    if 2 * k == v - 1:
        yield Construction("a difference set of squares (Paley 1933)", partial(difference_families.paley, v))
        return
    zero = (v - 1) % k > 0
    parts, left = divmod(v - 1, k - 1 if zero else k)
    if left == 0 and v * k <= MOST:
        found = difference_families.power_residues(v, parts, zero=zero)
        if found is not None:
            what = f"powers of exponent {parts}" + (" and 0" if zero else "")
            name = f"a difference set of {what} (Chowla 1944, Lehmer 1953)"
            yield Construction(name, lambda: found)


def _cosets(v: int, k: int, index: int) -> Iterator[Construction]:
    """Difference families of cosets in a field."""
    if prime_power(v) is None:
        return
    for zero in (False, True):
        size, full = (k - 1, k) if zero else (k, k - 1)
        halved = v % 2 and size % 2 and index * 2 == full
        if (v - 1) % size == 0 and (index == full or halved):
            parts = (v - 1) // size
            count = parts // 2 if halved else parts
            yield Construction(
                "a difference family of cosets (Wilson 1972)",
                partial(difference_families.cosets, v, parts, count, zero=zero),
            )


def _from_others(v: int, k: int, index: int) -> Iterator[Construction]:
    """Yield what comes of a known design: its complement, residual, derived design, or copies of it."""
    r = index * (v - 1) // (k - 1)
    others: list[tuple[str, Parameters, Callable[[Incidence], Incidence]]] = []
    if v - k >= 2:
        others.append(("complement", (v, v - k, v * r // k - 2 * r + index), designs.complement))
    if r == k + index:
        others.append(("residual", (v + r, r, index), designs.residual))
    if index == k - 1 and v * (v - 1) % k == 0:
        others.append(("derived design", (1 + v * (v - 1) // k, v, k), designs.derived))
    for parameters in others:
        yield from _made_of(*parameters)
    for times in divisors(index)[1:]:
        if index // times * (v - 1) % (k - 1) == 0:
            one = (v, k, index // times)
            yield from _made_of(f"{times} copies", one, partial(designs.copies, times=times))


def _made_of(word: str, other: Parameters, change: Callable[[Incidence], Incidence]) -> Iterator[Construction]:
    base = next(_known(*other), None)
    if base is not None:
        yield Construction(f"{word} of the {other} design that is {base.name}", lambda: change(base.build(*other)))


def _inflated(v: int, k: int, search: bool) -> Iterator[Construction]:
    """Yield designs of index 1 made of two smaller ones; the smaller ones may have been found by search."""
    for weight in sorted(divisors(v) + divisors(v - 1)):
        base, common = divmod(v, weight)
        sizes = (base, k, 1), (weight + common, k, 1)
        if min(base, weight + common) < k or not has_array(k, weight) or any(forbidden(*one) for one in sizes):
            continue
        outer, inner = (construction(*one, search=search) for one in sizes)
        if outer is not None and inner is not None:
            name = f"inflation (Wilson 1972) of the {sizes[0]} design that is {outer.name}"
            yield Construction(name, partial(_inflate, outer, inner, sizes, weight))


def _inflate(outer: Construction, inner: Construction, sizes: tuple[Parameters, Parameters], weight: int) -> Incidence:
    return inflate(outer.build(*sizes[0]), weight, inner.build(*sizes[1]))


def _searched(v: int, k: int, index: int) -> Iterator[Construction]:
    """Yield difference families found by backtracking."""
    if prime_power(v) and (multiplied := multiplied_family(v, k, index)) is not None:
        yield Construction("a base block in a field and its multiples (Wilson 1972)", lambda: multiplied)
    if (found := searched_family(v, k, index)) is not None:
        yield Construction("a difference family found by search", lambda: found)


def _root(number: int, degree: int) -> int:
    """Return the largest integer whose power is at most a number."""
    guess: int = round(number ** (1.0 / degree))
    return guess if guess**degree <= number else guess - 1
