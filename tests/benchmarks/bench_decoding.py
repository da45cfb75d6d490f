"""How fast fresh straggler sets are decoded, against numpy's least squares on the same sets in the same run.

Run with ``pytest tests/benchmarks/bench_decoding.py -o addopts= --import-mode=importlib -s``.
"""

from __future__ import annotations

from itertools import count
from time import perf_counter
from typing import Any

import numpy as np
import pytest

import gcopt
from gcopt.decoding import EXACT, Decoder

WORKERS, STRAGGLERS, SAMPLE = 1000, 20, 9


def responders(seed: int) -> np.ndarray:
    heard = np.ones(WORKERS, dtype=bool)
    heard[np.random.default_rng(seed).choice(WORKERS, STRAGGLERS, replace=False)] = False
    return heard


def least_squares_seconds(matrix: np.ndarray) -> float:
    """Median seconds per set of the obvious way, after one call that does not count."""
    ones = np.ones(matrix.shape[1])
    seconds = []
    for seed in range(SAMPLE + 1):
        rows = matrix[responders(seed)].T
        started = perf_counter()
        np.linalg.lstsq(rows, ones, rcond=None)
        seconds.append(perf_counter() - started)
    return float(np.median(seconds[1:]))


@pytest.mark.parametrize("family", ["placement", "fractional-repetition"])
def test_fresh_straggler_sets(benchmark: Any, family: str) -> None:
    """n = 1000; s = 20 (repetition: 19). No set comes twice, so that the cache is of no help."""
    if family == "placement":
        code = gcopt.families.placement(WORKERS, STRAGGLERS, draws=1, rng=0)
    else:
        code = gcopt.families.fractional_repetition(WORKERS, STRAGGLERS - 1)
    decoder, fresh = Decoder(code.segments[0]), count(10)
    decoder(responders(0))
    errors = []

    def decode(heard: np.ndarray) -> None:
        errors.append(decoder(heard).error)

    benchmark.pedantic(decode, setup=lambda: ((responders(next(fresh)),), {}), rounds=200)
    plain = least_squares_seconds(code.segments[0].encoding.toarray())
    ratio = plain / benchmark.stats["median"]
    benchmark.extra_info.update(least_squares_seconds=plain, ratio=ratio, worst_error=max(errors))
    print(f"\n{family}: {benchmark.stats['median']:.3g} s a set; lstsq {plain:.3g} s; ratio {ratio:.0f}")
    assert max(errors) <= EXACT * WORKERS


def test_known_straggler_sets(benchmark: Any) -> None:
    """The same set again: a look-up."""
    code = gcopt.families.placement(WORKERS, STRAGGLERS, draws=1, rng=0)
    decoder, heard = Decoder(code.segments[0]), responders(0)
    first = decoder(heard)
    assert benchmark(decoder, heard) is first
    plain = least_squares_seconds(code.segments[0].encoding.toarray())
    benchmark.extra_info.update(least_squares_seconds=plain, ratio=plain / benchmark.stats["median"])
