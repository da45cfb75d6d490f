"""Prime factors and squares."""

from __future__ import annotations

from math import isqrt


def prime_factors(number: int) -> dict[int, int]:
    """Return the primes that divide a positive integer and how often, smallest first, by trial division.

    Examples
    --------
    >>> prime_factors(360)
    {2: 3, 3: 2, 5: 1}
    """
    found: dict[int, int] = {}
    prime = 2
    while prime * prime <= number:
        while number % prime == 0:
            found[prime] = found.get(prime, 0) + 1
            number //= prime
        prime += 1 if prime == 2 else 2
    if number > 1:
        found[number] = found.get(number, 0) + 1
    return found


def divisors(number: int) -> list[int]:
    """Return what divides a positive integer, in increasing order.

    Examples
    --------
    >>> divisors(12)
    [1, 2, 3, 4, 6, 12]
    """
    found = [1]
    for prime, times in prime_factors(number).items():
        found = [d * prime**i for d in found for i in range(times + 1)]
    return sorted(found)


def prime_power(order: int) -> tuple[int, int] | None:
    """Return (p, a) with p prime and p^a = order, or None if the order is not a prime power.

    Examples
    --------
    >>> prime_power(49), prime_power(12), prime_power(1)
    ((7, 2), None, None)
    """
    if order < 2:
        return None
    factors = prime_factors(order)
    return next(iter(factors.items())) if len(factors) == 1 else None


def is_square(number: int) -> bool:
    """Say whether a number is the square of an integer.

    Examples
    --------
    >>> is_square(49), is_square(50), is_square(-1)
    (True, False, False)
    """
    return number >= 0 and isqrt(number) ** 2 == number
