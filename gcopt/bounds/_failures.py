"""How likely a random set of stragglers leaves an error."""

from __future__ import annotations

from itertools import combinations
from math import comb, inf, sqrt

import numpy as np

from gcopt.averages import draw
from gcopt.decoding import EXACT, Component, Decoder
from gcopt.enumeration import Pace
from gcopt.moments import Mean
from gcopt.solvers.seeding import generator

_SETS = 20_000


def failure_probability(decoder: Decoder, stragglers: int, samples: int, seed: int, seconds: float = inf) -> Mean:
    """Return the share of the sets of s whose loss cannot be made up for.

    Counted component by component where those have few sets, and multiplied as polynomials in the number of stragglers;
    otherwise sampled.

    Examples
    --------
    >>> import gcopt
    >>> decoder = Decoder(gcopt.families.fractional_repetition(4, 1).segments[0])
    >>> failure_probability(decoder, 2, 0, 0).value  # 2 of 6 sets are a pair of twins
    0.3333333333333333
    """
    segment = decoder.segment
    n, s = segment.workers, stragglers
    if int(segment.replication.min()) == 0:
        return Mean(1.0, 0.0, True)
    parts = [] if segment.is_linear else decoder.components
    sizes = [part.workers.size for part in parts]
    if parts and sum(comb(size, t) for size in sizes for t in range(min(size, s) + 1)) <= _SETS:
        idle = n - sum(sizes)
        ways = [comb(idle, t) for t in range(min(idle, s) + 1)]
        for part in parts:
            ways = _product(ways, _decodable(part, s), s)
        good = ways[s] if s < len(ways) else 0
        return Mean((comb(n, s) - good) / comb(n, s), 0.0, True)
    rng = generator(seed, 0)
    failed = [not decoder.decodes(draw(rng, n, s, None)) for _ in Pace(seconds).allowed(samples)]
    share = sum(failed) / len(failed)
    return Mean(share, sqrt(share * (1.0 - share) / len(failed)), False, len(failed))


def _decodable(part: Component, most: int) -> list[int]:
    """Return how many sets of 0, 1, .. ``most`` lost members leave the component decodable."""
    size, found = part.workers.size, []
    for t in range(min(size, most) + 1):
        sets = 0
        for lost in combinations(range(size), t):
            heard = np.ones(size, dtype=bool)
            heard[list(lost)] = False
            sets += part.error(heard) <= EXACT * part.blocks * part.partitions.size
        found.append(sets)
    return found


def _product(a: list[int], b: list[int], most: int) -> list[int]:
    """Multiply polynomials with integer coefficients of any size, up to degree ``most``."""
    total = [0] * min(most + 1, len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b[: len(total) - i]):
            total[i + j] += x * y
    return total
