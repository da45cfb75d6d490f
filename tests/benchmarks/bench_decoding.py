"""How fast fresh straggler sets are decoded, against numpy's least squares on the same sets in the same run.

Run with ``pytest tests/benchmarks/bench_decoding.py -o addopts= --import-mode=importlib -s``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from time import perf_counter
from typing import Any

import networkx as nx
import numpy as np
import pytest
from scipy import sparse

import gcopt
from gcopt.code import Segment
from gcopt.decoding import EXACT, Decoder

WORKERS, STRAGGLERS, SAMPLE = 1000, 20, 9


def responders(seed: int, workers: int = WORKERS, missing: int = STRAGGLERS) -> np.ndarray:
    heard = np.ones(workers, dtype=bool)
    heard[np.random.default_rng(seed).choice(workers, missing, replace=False)] = False
    return heard


def least_squares_seconds(matrix: np.ndarray) -> float:
    """Median seconds per set of the obvious way, after one call that does not count."""
    ones = np.ones(matrix.shape[1])
    seconds = []
    for seed in range(SAMPLE + 1):
        rows = matrix[responders(seed, len(matrix))].T
        started = perf_counter()
        np.linalg.lstsq(rows, ones, rcond=None)
        seconds.append(perf_counter() - started)
    return float(np.median(seconds[1:]))


def graph(workers: int, degree: int = 4) -> Segment:
    """Random regular graph; edges are workers."""
    vertices = 2 * workers // degree
    ends = np.array(nx.random_regular_graph(degree, vertices, seed=1).edges())
    places = (np.repeat(np.arange(workers), 2), ends.ravel())
    return Segment(sparse.csr_array((np.full(2 * workers, 1 / degree), places), shape=(workers, vertices)))


def plane(order: int) -> Segment:
    """Points and lines over the field of a prime order."""
    points = [(1, a, b) for a in range(order) for b in range(order)] + [(0, 1, b) for b in range(order)] + [(0, 0, 1)]
    grid = np.array(points)
    return Segment((grid @ grid.T % order == 0) / (order + 1))


def random_rows(seed: int = 0) -> Segment:
    """Ten partitions a worker: no structure, and singular."""
    rng = np.random.default_rng(seed)
    return Segment((rng.random((WORKERS, WORKERS)) < 10 / WORKERS) / 10)


CODES: dict[str, Callable[[], Segment]] = {
    "placement": lambda: gcopt.families.placement(WORKERS, STRAGGLERS, draws=1, rng=0).segments[0],
    "fractional-repetition": lambda: gcopt.families.fractional_repetition(WORKERS, STRAGGLERS - 1).segments[0],
    "graph": lambda: graph(WORKERS),
    "plane": lambda: plane(31),
    "random": random_rows,
}


@pytest.mark.parametrize("name", CODES)
def test_fresh_straggler_sets(benchmark: Any, name: str) -> None:
    """About n = 1000; s = 20 (repetition: 19). No set comes twice, so that the cache is of no help."""
    segment = CODES[name]()
    decoder, fresh = Decoder(segment), count(10)
    decoder(responders(0, segment.workers))
    errors = []

    def decode(heard: np.ndarray) -> None:
        errors.append(decoder(heard).error)

    benchmark.pedantic(decode, setup=lambda: ((responders(next(fresh), segment.workers),), {}), rounds=200)
    plain = least_squares_seconds(segment.encoding.toarray())
    ratio = plain / benchmark.stats["median"]
    benchmark.extra_info.update(least_squares_seconds=plain, ratio=ratio, worst_error=max(errors))
    print(f"\n{name}: {benchmark.stats['median']:.3g} s a set; lstsq {plain:.3g} s; ratio {ratio:.0f}")
    assert name in ("graph", "plane", "random") or max(errors) <= EXACT * WORKERS


def test_ten_thousand_edges(benchmark: Any) -> None:
    """Fresh sets of a random graph with 10,000 workers, a tenth of whom are missing; and how long the set-up takes."""
    started = perf_counter()
    segment = graph(10_000)
    built = perf_counter()
    decoder, fresh = Decoder(segment), count(1)
    for component in decoder.components:
        assert component.kind.name == "graph assignment"
        assert len(component.teams) == 10_000
    found = perf_counter()
    decoder(responders(0, 10_000, 1000))
    ready = perf_counter()
    benchmark.pedantic(decoder, setup=lambda: ((responders(next(fresh), 10_000, 1000),), {}), rounds=100)
    stats = benchmark.stats
    print(f"\ngraph built in {built - started:.3g} s; structure found in {found - built:.3g} s")
    print(
        f"first set, compiled too, {ready - found:.3g} s; then {stats['median']:.3g} s, at best {stats['min']:.3g} s"
    )


@pytest.mark.parametrize("name", ["random", "sum"])
def test_neighbouring_sets(benchmark: Any, name: str) -> None:
    """Errors of sets that differ by two workers, 300 missing: carried along, against decoded anew in the same run."""
    rng = np.random.default_rng(0)
    segment = (
        Segment(rng.standard_normal((WORKERS, WORKERS)))
        if name == "random"
        else replace(CODES["placement"](), decoder="sum")
    )
    decoder = Decoder(segment)
    running, fresh = decoder.running(), Decoder(segment)
    heard = responders(0, WORKERS, 300)
    running.error(heard)

    def step() -> tuple[tuple[np.ndarray], dict[str, Any]]:
        heard[rng.choice(np.flatnonzero(heard))] = False
        heard[rng.choice(np.flatnonzero(~heard))] = True
        return (heard.copy(),), {}

    benchmark.pedantic(running.error, setup=step, rounds=100)
    seconds = []
    for seed in range(SAMPLE + 1):
        others = responders(seed, WORKERS, 300)
        started = perf_counter()
        fresh(others)
        seconds.append(perf_counter() - started)
    anew, median = float(np.median(seconds[1:])), benchmark.stats["median"]
    print(f"\n{name}: {median:.3g} s a set; anew {anew:.3g} s; ratio {anew / median:.1f}")
    assert running.error(heard) == pytest.approx(fresh(heard).error, rel=1e-9)


def test_known_straggler_sets(benchmark: Any) -> None:
    """The same set again: a look-up."""
    code = gcopt.families.placement(WORKERS, STRAGGLERS, draws=1, rng=0)
    decoder, heard = Decoder(code.segments[0]), responders(0)
    first = decoder(heard)
    assert benchmark(decoder, heard) is first
    plain = least_squares_seconds(code.segments[0].encoding.toarray())
    benchmark.extra_info.update(least_squares_seconds=plain, ratio=plain / benchmark.stats["median"])
