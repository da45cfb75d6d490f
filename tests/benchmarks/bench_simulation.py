"""How fast iterations are simulated, against drawing and sorting the same samples with numpy in the same run.

Run with ``pytest tests/benchmarks/bench_simulation.py -o addopts= --import-mode=importlib -s``.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np
import pytest

import gcopt
from gcopt.cluster import Cluster
from gcopt.delays import Delay
from gcopt.families import FAMILIES

WORKERS, ITERATIONS, ROWS = 100, 1_000_000, 40_000
CODES = {
    "uncoded": {},
    "fractional-repetition": {"stragglers": 4},
    "cyclic-repetition": {"stragglers": 4, "rng": 0},
    "grouped": {"stragglers": 5},
    "two-stage": {"stragglers": 4, "alpha": 3.0},
}


def drawn_and_sorted(seed: int) -> tuple[float, float]:
    """Seconds to draw all samples alone, and to draw and sort each row, in chunks that fit the memory."""
    rng = np.random.default_rng(seed)
    draw, sort = 0.0, 0.0
    for _ in range(ITERATIONS // ROWS):
        started = perf_counter()
        times = rng.standard_exponential((ROWS, WORKERS))
        drawn = perf_counter()
        times.sort(axis=1)
        draw, sort = draw + drawn - started, sort + perf_counter() - drawn
    return draw, draw + sort


@pytest.mark.parametrize("family", CODES)
def test_a_million_iterations(benchmark: Any, family: str) -> None:
    code = FAMILIES[family](WORKERS, **CODES[family])
    cluster = Cluster(WORKERS, Delay("exponential", {"rate": 1.0}))
    options = {"iterations": ITERATIONS, "rng": 0}
    result = benchmark.pedantic(gcopt.simulate, (code, cluster), options, rounds=2)
    draw, sort = drawn_and_sorted(0)
    seconds = benchmark.stats["min"]
    benchmark.extra_info.update(draw=draw, draw_and_sort=sort, to_draw=seconds / draw, to_sort=seconds / sort)
    print(
        f"\n{family}: {seconds:.3g} s; numpy draws in {draw:.3g} s, sorts in {sort:.3g} s; {seconds / sort:.2f} x sort"
    )
    assert result.expected is None or abs(result.mean - result.expected) < 5 * result.stderr
