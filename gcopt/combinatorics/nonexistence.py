"""Theorems that forbid a (v, k, lambda) design."""

from __future__ import annotations

from fractions import Fraction

from gcopt.combinatorics.integers import is_square, prime_factors

_SEARCHED = {
    (111, 11, 1): "Lam, Thiel, Swiercz 1989 (exhaustive search for a plane of order 10)",
    (100, 10, 1): "Lam, Thiel, Swiercz 1989 (exhaustive search for a plane of order 10)",
    (46, 6, 1): "Houghten, Thiel, Janssen, Lam 2001 (exhaustive search)",
    (22, 8, 4): "Bilous, Lam, Thiel and others 2007 (exhaustive search)",
}


def forbidden(points: int, size: int, index: int) -> str | None:
    """Return the theorem by which no (v, k, lambda) design exists, 2 <= k <= v, or None if none here forbids it.

    Divisibility, Fisher's inequality, Bruck-Ryser-Chowla, for residual parameters Hall and Connor's theorem, and what
    exhaustive searches have excluded; also for the complement.

    Examples
    --------
    >>> forbidden(43, 7, 1)
    'Bruck, Ryser 1949: x^2 = 6 y^2 - z^2 has no solution in integers but 0'
    >>> forbidden(7, 3, 1) is None
    True
    """
    if reason := _divisibility(points, size, index):
        return reason
    if size == points:
        return None
    r = index * (points - 1) // (size - 1)
    b = points * r // size
    if b < points:
        return f"Fisher 1940: at least as many blocks as points are needed, {points}, and there would be {b}"
    reason = _other(points, size, index, r)
    if reason or points - size < 2:
        return reason
    reason = _other(points, points - size, b - 2 * r + index, b - r)
    return f"{reason}; so there is no complement of one" if reason else None


def _divisibility(points: int, size: int, index: int) -> str | None:
    r = Fraction(index * (points - 1), size - 1)
    b = points * r / size
    if r.denominator > 1:
        return f"divisibility: a point would be in {r} blocks, lambda (v - 1) / (k - 1)"
    if b.denominator > 1:
        return f"divisibility: there would be {b} blocks, v r / k with r = {r}"
    return None


def _other(v: int, k: int, index: int, r: int) -> str | None:
    """Return what forbids a design that divides and has blocks enough, of block size below v."""
    if (v, k, index) in _SEARCHED:
        return _SEARCHED[v, k, index]
    if r == k:
        return bruck_ryser_chowla(v, k, index)
    if r == k + index and index <= 2:  # then it is what a symmetric design leaves without one block
        larger = _SEARCHED.get((v + r, r, index)) or bruck_ryser_chowla(v + r, r, index)
        if larger:
            source = "an affine plane completes to a projective one" if index == 1 else "Hall, Connor 1954"
            return f"{source}: there is no symmetric ({v + r}, {r}, {index}) design, by {larger}"
    return None


def bruck_ryser_chowla(points: int, size: int, index: int) -> str | None:
    """Return why no symmetric (v, k, lambda) design exists, k < v, by that theorem; None if it allows one.

    For even v, k - lambda must be a square; for odd v, x^2 = (k - lambda) y^2 + (-1)^((v-1)/2) lambda z^2 must have a
    solution in integers but 0. Source: Bruck and Ryser 1949, Chowla and Ryser 1950.

    Examples
    --------
    >>> bruck_ryser_chowla(22, 7, 2)
    'Schützenberger 1949: v is even, and 5, k - lambda, is no square'
    """
    order = size - index
    if points % 2 == 0:
        fine = is_square(order)
        return None if fine else f"Schützenberger 1949: v is even, and {order}, k - lambda, is no square"
    other = index if points % 4 == 1 else -index
    if solvable(order, other):
        return None
    who = "Bruck, Ryser 1949" if index == 1 else "Bruck, Ryser, Chowla 1950"
    factor = f"{index} " if index > 1 else ""
    return f"{who}: x^2 = {order} y^2 {'+' if other > 0 else '-'} {factor}z^2 has no solution in integers but 0"


def solvable(first: int, second: int) -> bool:
    """Say whether x^2 = a y^2 + b z^2, a > 0 and b != 0, has a solution in integers but 0.

    By Hasse and Minkowski it has one unless Hilbert's symbol (a, b) is -1 for an odd prime that divides a b: it is 1
    over the reals as a > 0, and then for 2 by the product formula.

    Examples
    --------
    >>> solvable(6, -1), solvable(10, -1), solvable(2, 7)
    (False, True, True)
    """
    primes = set(prime_factors(first)) | set(prime_factors(abs(second)))
    return all(_hilbert(first, second, p) == 1 for p in primes if p > 2)


def _hilbert(first: int, second: int, p: int) -> int:
    """Return Hilbert's symbol for an odd prime."""
    a = b = 0
    while first % p == 0:
        first, a = first // p, a + 1
    while second % p == 0:
        second, b = second // p, b + 1
    unit = (-1) ** (a * b) * first ** (b % 2) * second ** (a % 2)
    return 1 if pow(unit, (p - 1) // 2, p) == 1 else -1
