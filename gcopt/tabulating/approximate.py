"""Worst and mean error of every family at the same replication: who wins where, and what nothing can beat."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR
from functools import partial
from math import comb

import gcopt
from gcopt.averages import mean_error
from gcopt.code import GradientCode
from gcopt.decoding import Decoder
from gcopt.errors import InputError
from gcopt.evaluate import evaluate
from gcopt.solvers.seeding import generator
from gcopt.tabulating.table import Row, Section, Table, significant

SIZES = (20, 21, 25, 31, 40, 50, 57, 64, 91, 100)
REPLICATIONS = (3, 4, 5, 6, 8, 10)
SHARES = (0.1, 0.2, 0.3)

_SAMPLES = 400
_SETS = 200_000_000  # more are not searched through: the table then says what an attack reaches and what is proved

Builder = Callable[[int, int, int, int], GradientCode]


def approximate(
    seed: int = 0, sizes: Sequence[int] = SIZES, replications: Sequence[int] = REPLICATIONS
) -> Iterator[Row]:
    """Yield a row for every family at every (workers, replication, stragglers) at which it exists.

    Parameters
    ----------
    seed : int
        Of the random constructions and the sampled means.
    sizes, replications : sequence of int
        Some of the rows only.
    """
    for n, gamma in itertools.product(sizes, replications):
        for share in SHARES:
            s = round(share * n)
            bounds = {
                "worst >=": significant(max(s // gamma / n, _lost(n, gamma, s)), 3, ROUND_FLOOR),
                "mean >=": significant(_lost(n, gamma, s), 3, ROUND_FLOOR),
            }
            for name, build in _BUILDERS.items():
                try:
                    code = build(n, gamma, s, seed)
                except InputError:
                    continue
                about = {"workers": str(n), "replication": str(gamma), "stragglers": str(s), "family": name}
                yield {**about, **_measured(code, s, seed), **bounds}


def _lost(n: int, gamma: int, s: int) -> float:
    """The chance that all workers of a partition straggle: no code of this replication has a smaller mean error."""
    return comb(n - gamma, s - gamma) / comb(n, s) if s >= gamma else 0.0


def _measured(code: GradientCode, s: int, seed: int) -> dict[str, str]:
    """Relative errors of a code: worst found, proved bound on the worst, mean and its standard error."""
    from gcopt.solvers.adversary import WorstCase

    segment, k = code.segments[0], code.partitions
    solver = WorstCase(seconds=None, sets=_SETS)
    found = solver.solve(segment.encoding, stragglers=s, rng=seed)
    lower = evaluate(segment, found.set).error / k
    upper = max(lower, 1.0 if found.bound is None else found.bound / k)
    rng = generator(seed, s)
    mean = mean_error(Decoder(segment), stragglers=s, probability=None, samples=_SAMPLES, rng=rng)
    return {
        "partitions": str(k),
        "load / k": significant(code.load / k, 3),
        "worst found": significant(lower, 3, ROUND_FLOOR),
        "worst proved": significant(upper, 3, ROUND_CEILING),
        "mean": significant(mean.value / k, 3),
        "+-": "exact" if mean.exact else significant(mean.stderr / k, 1),
    }
