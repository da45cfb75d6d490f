"""Graphs by name and size, and which strongly regular graphs exist."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from math import comb
from typing import Any

from scipy import sparse

from gcopt.combinatorics.graphs import simple, sporadic
from gcopt.combinatorics.graphs.affine_polar import affine_polar
from gcopt.combinatorics.graphs.building import complement
from gcopt.combinatorics.graphs.nets import latin_square, most_classes
from gcopt.combinatorics.graphs.paley import is_paley_order, paley
from gcopt.combinatorics.graphs.parameters import Parameters, candidates, is_strongly_regular, ruled_out
from gcopt.combinatorics.graphs.ramanujan import is_bipartite, is_pair, ramanujan
from gcopt.combinatorics.graphs.steiner import steiner
from gcopt.combinatorics.graphs.symplectic import symplectic
from gcopt.combinatorics.graphs.triangular import kneser, triangular
from gcopt.combinatorics.integers import prime_power
from gcopt.existence import Existence

_MOST = 100_000  # vertices up to which the nearest graphs are sought

Sizes = Iterator[tuple[tuple[int, ...], Parameters | tuple[int, int]]]


@dataclass(frozen=True)
class Known:
    """A graph that can be built here.

    Attributes
    ----------
    name : str
    arguments : tuple of int
        Of its construction.
    vertices, degree : int
    parameters : Parameters or None
        If it is strongly regular.
    inverted : bool
        Whether the complement of the construction is meant.
    """

    name: str
    arguments: tuple[int, ...]
    vertices: int
    degree: int
    parameters: Parameters | None = None
    inverted: bool = False

    def __str__(self) -> str:
        listed = ", ".join(str(value) for value in self.arguments)
        text = f"{self.name}({listed})" if listed else self.name
        return f"the complement of {text}" if self.inverted else text

    def build(self) -> sparse.csr_array:
        """Return the adjacency matrix; a strongly regular one is checked."""
        found: sparse.csr_array = GRAPHS[self.name].build(*self.arguments)
        found = complement(found) if self.inverted else found
        if self.parameters is not None and not is_strongly_regular(found, self.parameters):
            raise AssertionError(f"{self} is not strongly regular with {self.parameters}")
        return found


@dataclass(frozen=True)
class Named:
    """A name: what sizes there are from ``low`` to ``high`` vertices, and how one is built."""

    sizes: Callable[[int, int], Sizes]
    build: Callable[..., Any]

    def known(self, name: str, low: int, high: int) -> Iterator[Known]:
        """Yield what there is."""
        for arguments, numbers in self.sizes(low, high):
            if isinstance(numbers, Parameters):
                yield Known(name, arguments, numbers.vertices, numbers.degree, numbers)
            else:
                yield Known(name, arguments, *numbers)


def _between(first: int, vertices: Callable[[int], int], low: int, high: int) -> Iterator[int]:
    for m in count(first):
        if vertices(m) > high:
            return
        if vertices(m) >= low:
            yield m


def _single(*numbers: int) -> Callable[[int, int], Sizes]:
    return lambda low, high: iter([((), Parameters(*numbers))] if low <= numbers[0] <= high else [])


def _paley(low: int, high: int) -> Sizes:
    for q in range(max(low, 5), high + 1):
        if is_paley_order(q):
            yield (q,), Parameters(q, (q - 1) // 2, (q - 5) // 4, (q - 1) // 4)


def _triangular(low: int, high: int) -> Sizes:
    for m in _between(4, lambda m: comb(m, 2), low, high):
        yield (m,), Parameters(comb(m, 2), 2 * (m - 2), m - 2, 4)


def _kneser(low: int, high: int) -> Sizes:
    for m in _between(5, lambda m: comb(m, 2), low, high):
        yield (m,), Parameters(comb(m, 2), comb(m - 2, 2), comb(m - 4, 2), comb(m - 3, 2))


def _latin(m: int, r: int) -> Parameters:
    return Parameters(m * m, r * (m - 1), m - 2 + (r - 1) * (r - 2), r * (r - 1))


def _lattice(low: int, high: int) -> Sizes:
    for m in _between(2, lambda m: m * m, low, high):
        yield (m, 2), _latin(m, 2)


def _latin_square(low: int, high: int) -> Sizes:
    for m in _between(3, lambda m: m * m, low, high):
        for r in range(3, min(most_classes(m), m) + 1):
            yield (m, r), _latin(m, r)


def _symplectic(low: int, high: int) -> Sizes:
    for q in filter(prime_power, _between(2, lambda q: (q**4 - 1) // (q - 1), 0, high)):
        for e, mu in _symplectic_ranks(q, low, high):
            yield (e, q), Parameters(q * q * mu + q + 1, q * mu, mu - 2, mu)


def _symplectic_ranks(q: int, low: int, high: int) -> Iterator[tuple[int, int]]:
    """Yield e and the points of the projective space of dimension 2e - 3, of which mu is the number."""
    e, mu = 2, q + 1
    while q * q * mu + q + 1 <= high:
        if q * q * mu + q + 1 >= low:
            yield e, mu
        e, mu = e + 1, q * q * mu + q + 1


def _affine_polar(low: int, high: int) -> Sizes:
    for q in filter(prime_power, _between(2, lambda q: q**4, 0, high)):
        e, power = 2, q  # q^(e-1)
        while (n := (q * power) ** 2) <= high:
            for sign in (1, -1) if n >= low else ():
                adjacent = q * (power - sign) * (power // q + sign) + q - 2
                yield (e, q, sign), Parameters(n, (q * power - sign) * (power + sign), adjacent, power * (power + sign))
            e, power = e + 1, q * power


def _steiner(low: int, high: int) -> Sizes:
    for v in _between(9, lambda v: v * (v - 1) // 6, low, high):
        if v % 6 in (1, 3):
            yield (v,), Parameters(v * (v - 1) // 6, 3 * (v - 3) // 2, (v + 3) // 2, 9)


def _multipartite(low: int, high: int) -> Sizes:
    for m in range(2, high // 2 + 1):
        for n in range(m * max(2, -(-low // m)), high + 1, m):
            yield (n // m, m), Parameters(n, n - m, n - 2 * m, n - m)


def _complete(low: int, high: int) -> Sizes:
    return (((n, 1), (n, n - 1)) for n in range(max(low, 2), high + 1))


def _bipartite(low: int, high: int) -> Sizes:
    return (((2, m), (2 * m, m)) for m in _between(1, lambda m: 2 * m, low, high))


def _cycle(low: int, high: int) -> Sizes:
    return (((n,), (n, 2)) for n in range(max(low, 3), high + 1))


def _hypercube(low: int, high: int) -> Sizes:
    return (((dimension,), (2**dimension, dimension)) for dimension in _between(1, lambda a: 2**a, low, high))


def _ramanujan(low: int, high: int) -> Sizes:
    for q in _between(5, lambda q: q * (q * q - 1) // 2, 0, high):
        for p in range(5, q * q // 4, 4):
            if is_pair(p, q) and low <= (n := q * (q * q - 1) // (1 if is_bipartite(p, q) else 2)) <= high:
                yield (p, q), (n, p + 1)


STRONGLY_REGULAR: dict[str, Named] = {
    "petersen": Named(_single(10, 3, 0, 1), lambda: kneser(5)),
    "clebsch": Named(_single(16, 5, 0, 2), sporadic.clebsch),
    "shrikhande": Named(_single(16, 6, 2, 2), sporadic.shrikhande),
    "schlaefli": Named(_single(27, 16, 10, 8), sporadic.schlaefli),
    "hoffman-singleton": Named(_single(50, 7, 0, 1), sporadic.hoffman_singleton),
    "paley": Named(_paley, paley),
    "triangular": Named(_triangular, triangular),
    "kneser": Named(_kneser, kneser),
    "lattice": Named(_lattice, latin_square),
    "latin-square": Named(_latin_square, latin_square),
    "symplectic": Named(_symplectic, symplectic),
    "affine-polar": Named(_affine_polar, affine_polar),
    "steiner": Named(_steiner, steiner),
    "multipartite": Named(_multipartite, simple.multipartite),
}

GRAPHS: dict[str, Named] = {
    **STRONGLY_REGULAR,
    "complete": Named(_complete, simple.multipartite),
    "complete-bipartite": Named(_bipartite, simple.multipartite),
    "cycle": Named(_cycle, simple.cycle),
    "hypercube": Named(_hypercube, simple.hypercube),
    "ramanujan": Named(_ramanujan, ramanujan),
}
"""Every name that can be given."""


def strongly_regular(low: int, high: int) -> Iterator[Known]:
    """Yield the strongly regular graphs that can be built here and their complements, ``low`` to ``high`` vertices.

    Examples
    --------
    >>> sorted({str(known.parameters) for known in strongly_regular(10, 10) if known.parameters.apart})
    ['(10, 3, 0, 1)', '(10, 5, 0, 5)', '(10, 6, 3, 4)', '(10, 8, 6, 8)']
    """
    for name, named in STRONGLY_REGULAR.items():
        for known in named.known(name, low, high):
            if known.parameters is None:
                continue
            yield known
            other = known.parameters.complement
            yield Known(name, known.arguments, other.vertices, other.degree, other, inverted=True)


def find(
    vertices: int, degree: int | None = None, adjacent: int | None = None, apart: int | None = None
) -> list[Known]:
    """Return the strongly regular graphs with these numbers that can be built here, smallest second eigenvalue first.

    Examples
    --------
    >>> [str(known) for known in find(16, 6)[:3]]
    ['shrikhande', 'lattice(4, 2)', 'the complement of latin-square(4, 3)']
    """
    wanted = (vertices, degree, adjacent, apart)
    fitting: list[tuple[float, Known]] = []
    for known in strongly_regular(vertices, vertices):
        if (p := known.parameters) is None:
            continue
        mine = (p.vertices, p.degree, p.adjacent, p.apart)
        if all(x is None or x == y for x, y in zip(wanted, mine, strict=True)):
            fitting.append((p.second / p.degree**2, known))
    return [known for _, known in sorted(fitting, key=lambda pair: pair[0])]


def existence(vertices: int, degree: int, adjacent: int | None = None, apart: int | None = None) -> Existence:
    """Say whether there is a strongly regular graph with these numbers.

    Examples
    --------
    >>> existence(10, 3).answer, existence(21, 10, 4, 5).answer, existence(65, 32, 15, 16).answer
    ('yes', 'no', 'unknown')
    """
    if found := find(vertices, degree, adjacent, apart):
        return Existence("yes", f"{found[0]} is strongly regular with {found[0].parameters}")
    if adjacent is not None and apart is not None:
        tried = [Parameters(vertices, degree, adjacent, apart)]
    else:
        tried = [p for p in candidates(vertices, degree) if adjacent in (None, p.adjacent) and apart in (None, p.apart)]
    reasons = [(p, ruled_out(p)) for p in tried]
    open_ones = [str(p) for p, reason in reasons if reason is None]
    if open_ones:
        return Existence(
            "unknown",
            f"{open_ones[0]} passes every condition known here and no construction gives it",
            nearest(vertices, degree),
        )
    said = "; ".join(f"{p}: {reason}" for p, reason in reasons[:3])
    said += f"; and {len(reasons) - 3} more alike" if len(reasons) > 3 else ""
    nothing = f"no lambda and mu solve d (d - lambda - 1) = (n - d - 1) mu for n = {vertices}, d = {degree}"
    return Existence("no", said or nothing, nearest(vertices, degree))


def nearest(vertices: int, degree: int | None = None) -> tuple[dict[str, int], ...]:
    """Return the workers and loads of the three nearest connected strongly regular graphs that can be built here.

    Examples
    --------
    >>> nearest(11, 3)[0]
    {'workers': 10, 'load': 3}
    """
    step = 4
    while True:
        around = strongly_regular(vertices - step, min(vertices + step, _MOST))
        sizes = {(k.vertices, k.degree) for k in around if k.parameters and 0 < k.parameters.apart < k.degree}
        if len(sizes) >= 3 or step > _MOST:
            break
        step *= 2
    wanted = vertices / 2 if degree is None else degree
    best = sorted(sizes, key=lambda size: (abs(size[0] - vertices), abs(size[1] - wanted), size))[:3]
    return tuple({"workers": n, "load": d} for n, d in best)
