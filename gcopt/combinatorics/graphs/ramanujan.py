"""The Ramanujan graphs X^{p,q} of Lubotzky, Phillips and Sarnak."""

from __future__ import annotations

from itertools import product
from math import isqrt

import numpy as np
from scipy import sparse

from gcopt.combinatorics.graphs.building import Ints, from_neighbours
from gcopt.combinatorics.integers import prime_factors
from gcopt.errors import ImpossibleError

SOURCE = "Lubotzky, Phillips & Sarnak 1988, Ramanujan graphs"


def is_prime(number: int) -> bool:
    """Say whether a number is prime.

    Examples
    --------
    >>> is_prime(2), is_prime(9), is_prime(1)
    (True, False, False)
    """
    return number > 1 and prime_factors(number) == {number: 1}


def is_bipartite(p: int, q: int) -> bool:
    """Say whether X^{p,q} is bipartite: p is no square mod q.

    Examples
    --------
    >>> is_bipartite(5, 13), is_bipartite(5, 29)
    (True, False)
    """
    return pow(p, (q - 1) // 2, q) != 1


def ramanujan(p: int, q: int) -> sparse.csr_array:
    """Return X^{p,q}, (p + 1)-regular on PGL(2, q) if it is bipartite, else on PSL(2, q).

    Every eigenvalue but +-(p + 1) is at most 2 sqrt(p) in size (Theorem 4.1 of the source).

    Parameters
    ----------
    p, q : int
        Different primes that are 1 mod 4, q > 2 sqrt(p).

    Returns
    -------
    csr_array
        Symmetric; q (q^2 - 1) vertices if bipartite (the two sides one after the other), else half as many.

    Raises
    ------
    ImpossibleError
        For any other p and q.

    Examples
    --------
    >>> ramanujan(5, 13).shape
    (2184, 2184)
    """
    half = ramanujan_half(p, q)
    if not is_bipartite(p, q):
        return half
    return sparse.csr_array(sparse.block_array([[None, half], [half.T, None]], format="csr"))


def ramanujan_half(p: int, q: int) -> sparse.csr_array:
    """Return the matrix of the two sides of a bipartite X^{p,q}, else its adjacency; q (q^2 - 1) / 2 rows and columns.

    Its second singular value is at most 2 sqrt(p) in both cases.

    Examples
    --------
    >>> ramanujan_half(5, 13).shape
    (1092, 1092)
    """
    if not is_pair(p, q):
        raise ImpossibleError(f"p = {p} and q = {q}; two primes that are 1 mod 4 with q > 2 sqrt(p) are needed")
    group, is_even = _group(q)
    codes = group @ _weights(q)
    target = codes[is_even] if not is_bipartite(p, q) else codes[~is_even]
    moved = [_normal(_times(group[is_even], g, q), q) @ _weights(q) for g in _generators(p, q)]
    return from_neighbours(np.searchsorted(target, np.stack(moved, axis=1)))


def is_pair(p: int, q: int) -> bool:
    """Say whether there is an X^{p,q}.

    Examples
    --------
    >>> is_pair(5, 13), is_pair(13, 5), is_pair(5, 9)
    (True, False, False)
    """
    return p != q and p % 4 == q % 4 == 1 and q * q > 4 * p and is_prime(p) and is_prime(q)


def _weights(q: int) -> Ints:
    return q ** np.arange(3, -1, -1)


def _generators(p: int, q: int) -> Ints:
    """The p + 1 integral quaternions of norm p that are 1 mod 2 (up to sign), as matrices mod q."""
    most = isqrt(p)
    even = [x for x in range(-most, most + 1) if x % 2 == 0]
    found = [
        (a, b, c, d)
        for b, c, d in product(even, repeat=3)
        if (rest := p - b * b - c * c - d * d) > 0 and (a := isqrt(rest)) ** 2 == rest
    ]
    root = next(x for x in range(2, q) if x * x % q == q - 1)
    matrices = [(a + root * b, c + root * d, -c + root * d, a - root * b) for a, b, c, d in found]
    return np.array(matrices) % q


def _group(q: int) -> tuple[Ints, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Invertible 2 x 2 matrices mod q up to a factor, sorted, and whether their determinant is a square."""
    b, c, d = (x.ravel() for x in np.meshgrid(*[np.arange(q)] * 3, indexing="ij"))
    later = np.stack([np.ones_like(b), b, c, d], axis=1)
    c, d = (x.ravel() for x in np.meshgrid(*[np.arange(q)] * 2, indexing="ij"))
    first = np.stack([np.zeros_like(c), np.ones_like(c), c, d], axis=1)
    found = np.concatenate([first, later])
    determinant = (found[:, 0] * found[:, 3] - found[:, 1] * found[:, 2]) % q
    is_square = np.isin(determinant, np.arange(1, q) ** 2 % q)
    return found[determinant != 0], is_square[determinant != 0]


def _times(matrices: Ints, g: Ints, q: int) -> Ints:
    a, b, c, d = matrices.T
    return np.stack([a * g[0] + b * g[2], a * g[1] + b * g[3], c * g[0] + d * g[2], c * g[1] + d * g[3]], axis=1) % q


def _normal(matrices: Ints, q: int) -> Ints:
    """Divide by the first nonzero entry, which is in the first row."""
    inverse = np.array([0, *(pow(x, -1, q) for x in range(1, q))])
    lead = np.where(matrices[:, 0] != 0, matrices[:, 0], matrices[:, 1])
    return np.asarray(matrices * inverse[lead][:, None] % q)
