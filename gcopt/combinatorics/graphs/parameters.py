"""Strongly regular graphs by their four numbers: eigenvalues, what rules them out, and the check of a matrix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt, sqrt
from typing import Any

import numpy as np
from scipy import sparse

from gcopt.combinatorics.integers import is_square, prime_factors


@dataclass(frozen=True, order=True)
class Parameters:
    """The numbers (n, d, lambda, mu) of a strongly regular graph; 0 < d < n - 1.

    Attributes
    ----------
    vertices : int
        n.
    degree : int
        d, the neighbours of a vertex.
    adjacent : int
        lambda, the common neighbours of two adjacent vertices.
    apart : int
        mu, those of two vertices that are not adjacent.

    Examples
    --------
    >>> petersen = Parameters(10, 3, 0, 1)
    >>> print(petersen, petersen.complement)
    (10, 3, 0, 1) (10, 6, 3, 4)
    >>> petersen.eigenvalues
    (1.0, -2.0)
    """

    vertices: int
    degree: int
    adjacent: int
    apart: int

    def __str__(self) -> str:
        return f"({self.vertices}, {self.degree}, {self.adjacent}, {self.apart})"

    @property
    def complement(self) -> Parameters:
        """Those of the complement."""
        n, d, a, b = self.vertices, self.degree, self.adjacent, self.apart
        return Parameters(n, n - d - 1, n - 2 - 2 * d + b, n - 2 * d + a)

    @property
    def discriminant(self) -> int:
        """(lambda - mu)^2 + 4 (d - mu), the square of the distance of the eigenvalues."""
        return (self.adjacent - self.apart) ** 2 + 4 * (self.degree - self.apart)

    @property
    def eigenvalues(self) -> tuple[float, float]:
        """Those besides d, the larger one first."""
        root = sqrt(self.discriminant)
        return (self.adjacent - self.apart + root) / 2, (self.adjacent - self.apart - root) / 2

    @property
    def second(self) -> float:
        """Square of the second singular value of the adjacency matrix."""
        return max(value**2 for value in self.eigenvalues)


def candidates(vertices: int, degree: int) -> Iterator[Parameters]:
    """Yield the parameters that the count of paths of length two allows.

    Examples
    --------
    >>> [str(p) for p in candidates(10, 3)]
    ['(10, 3, 0, 1)', '(10, 3, 2, 0)']
    """
    for adjacent in range(degree if degree < vertices - 1 else 0):
        apart, rest = divmod(degree * (degree - adjacent - 1), vertices - degree - 1)
        if not rest and apart <= degree:
            yield Parameters(vertices, degree, adjacent, apart)


def ruled_out(parameters: Parameters) -> str | None:
    """Return the theorem that forbids a strongly regular graph with these parameters, or None if none here does.

    In this order: the counts of paths of length two and of triangles, the multiplicities of the eigenvalues, for
    conference graphs the two squares, the Krein conditions and the absolute bound (Brouwer & Van Maldeghem 2022,
    Strongly Regular Graphs, Chapter 1).

    Examples
    --------
    >>> print(ruled_out(Parameters(10, 3, 0, 1)))
    None
    >>> print(ruled_out(Parameters(21, 10, 4, 5)))
    a conference graph needs a sum of two squares, and 21 is none (Belevitch 1950, van Lint & Seidel 1966)
    """
    n, d, a, b = parameters.vertices, parameters.degree, parameters.adjacent, parameters.apart
    if not (0 < d < n - 1 and 0 <= a < d and 0 <= b <= d):
        return "0 < d < n - 1, 0 <= lambda < d and 0 <= mu <= d are needed"
    if d * (d - a - 1) != (n - d - 1) * b:
        return f"paths of length two: d (d - lambda - 1) = {d * (d - a - 1)} must be (n - d - 1) mu = {(n - d - 1) * b}"
    if n * d % 2 or n * d * a % 6:
        return "the edges n d / 2 and the triangles n d lambda / 6 must be whole numbers"
    if b == 0:
        return None if n % (d + 1) == 0 else f"mu = 0 is a union of cliques of {d + 1} vertices, which must divide {n}"
    if (n - 1) * (a - b) + 2 * d == 0 and not is_square(parameters.discriminant):
        return None if _sum_of_two_squares(n) else _CONFERENCE.format(n)
    return _multiplicities(parameters) or (_krein(parameters) if b < d else None)


_CONFERENCE = "a conference graph needs a sum of two squares, and {} is none (Belevitch 1950, van Lint & Seidel 1966)"


def _multiplicities(parameters: Parameters) -> str | None:
    n, d, a, b = parameters.vertices, parameters.degree, parameters.adjacent, parameters.apart
    root, excess = isqrt(parameters.discriminant), (n - 1) * (a - b) + 2 * d
    if root**2 != parameters.discriminant or excess % root or (n - 1 - excess // root) % 2:
        return "the multiplicities of the eigenvalues are not whole (integrality condition)"
    first, second = (n - 1 - excess // root) // 2, (n - 1 + excess // root) // 2
    least = min(first, second)
    if 0 < b < d and n > least * (least + 3) // 2:
        return (
            f"an eigenvalue of multiplicity {least} allows at most {least * (least + 3) // 2} vertices (absolute bound)"
        )
    return None


def _krein(parameters: Parameters) -> str | None:
    d, r, s = parameters.degree, *(round(value) for value in parameters.eigenvalues)
    for x, y in ((r, s), (s, r)):
        if (x + 1) * (d + x + 2 * x * y) > (d + x) * (y + 1) ** 2:
            return "a Krein condition is broken (Scott 1973)"
    return None


def _sum_of_two_squares(number: int) -> bool:
    return all(prime % 4 != 3 or times % 2 == 0 for prime, times in prime_factors(number).items())


def is_strongly_regular(adjacency: sparse.csr_array, parameters: Parameters) -> bool:
    """Say whether a matrix is the adjacency of a strongly regular graph with these parameters.

    Entries and diagonal are looked at; A = A^T and A^2 = d I + lambda A + mu (J - I - A) are tried on three random
    vectors mod 2^32, without rounding: a wrong one passes with probability below 2^-40.

    Examples
    --------
    >>> from gcopt.combinatorics.graphs.building import from_edges
    >>> is_strongly_regular(from_edges(5, [[0, 1], [1, 2], [2, 3], [3, 4], [4, 0]]), Parameters(5, 2, 0, 1))
    True
    """
    n, d, a, b = parameters.vertices, parameters.degree, parameters.adjacent, parameters.apart
    simple = adjacency.shape == (n, n) and bool((adjacency.data == 1).all()) and not adjacency.diagonal().any()
    if not simple or (np.diff(adjacency.indptr) != d).any():
        return False
    ones = adjacency.data.astype(np.int32, copy=False).view(
        np.uint32
    )  # products mod 2^32 need no wider copy of a large matrix
    matrix: Any = sparse.csr_array((ones, adjacency.indices, adjacency.indptr), shape=(n, n))
    x = np.random.default_rng(0).integers(0, 2**32, size=(n, 3), dtype=np.uint32)
    once = matrix @ x
    if (matrix.T @ x != once).any():
        return False
    wanted = [np.uint32(value % 2**32) for value in (d - b, a - b, b)]
    total = x.sum(axis=0, dtype=np.uint32)
    return bool((matrix @ once == wanted[0] * x + wanted[1] * once + wanted[2] * total).all())
