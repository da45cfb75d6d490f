"""How often the standard attack reaches the exact worst case, and how fast, beside greedy choices and exact swaps.

Run with ``pytest tests/benchmarks/bench_attack.py -o addopts= --import-mode=importlib -s``.
"""

from __future__ import annotations

from time import perf_counter

import networkx as nx
import numpy as np
import pytest

from gcopt.solvers import _worst_guess
from gcopt.solvers._worst_question import Question
from gcopt.solvers._worst_setup import LeastSquares, split
from gcopt.solvers.adversary import WorstCase, checked_encoding
from gcopt.solvers.attack import StandardAttack, bad_sets
from tests.coarse import coarse, hypergraph
from tests.helpers import least_squares

INSTANCES = 20
RESTARTS = 8  # random sets and random first partitions of the plain guess


def regular(n: int, load: int, seed: int) -> np.ndarray:
    return np.asarray(nx.to_numpy_array(nx.random_regular_graph(load, n, seed=seed)))


def bernoulli(n: int, k: int, share: float, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random((n, k)) < share).astype(float)


def unequal(n: int, clusters: int, replication: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    table = hypergraph(n, clusters, replication, rng) * rng.normal(size=(n, clusters))
    return np.repeat(table, rng.integers(1, 6, clusters), axis=1)


CASES = {
    "4-regular graph, n = 24, s = 6": (lambda seed: regular(24, 4, seed), 6),
    "6-regular graph, n = 40, s = 6": (lambda seed: regular(40, 6, seed), 6),
    "3-regular graph, n = 50, s = 6": (lambda seed: regular(50, 3, seed), 6),
    "Bernoulli, n = 30, k = 40, s = 6": (lambda seed: bernoulli(30, 40, 0.15, seed), 6),
    "12 clusters, n = 24, s = 8": (lambda seed: coarse(24, 24, 12, 4, seed), 8),
    "16 clusters, n = 26, s = 8": (lambda seed: coarse(26, 32, 16, 5, seed), 8),
    "12 unequal clusters, n = 24, s = 8": (lambda seed: unequal(24, 12, 4, seed), 8),
}


def plain_guess(B: np.ndarray, s: int) -> tuple[float, int]:
    """Greedy choice, starved partitions and random sets, each improved by swaps on the error; sets looked at."""
    component = split(checked_encoding(B, 1, s), 1)[0][0]
    rng, n = np.random.default_rng(0), component.size
    data = LeastSquares.of(component.dense, component.target)
    question = Question(data, np.ones(n, dtype=np.int64), s, False, component.whole, np.inf)
    columns = rng.integers(component.rows.shape[1], size=RESTARTS)
    hints = [component.starved(s), *(component.starved(s, int(column)) for column in columns)]
    hints += [rng.permutation(n)[:s].astype(np.int64) for _ in range(RESTARTS)]
    looked, add = 0, _worst_guess._add

    def counted(asked: Question, members: np.ndarray) -> tuple[int, float]:
        nonlocal looked
        looked += n - len(members)
        return add(asked, members)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_worst_guess, "_add", counted)
        found = _worst_guess.first_guess(question, rng, 0, hints)
    return component.least_squares(found.lost)[0], looked


@pytest.mark.parametrize("name", CASES)
def test_hit_rate(name: str) -> None:
    make, s = CASES[name]
    B = make(0)
    StandardAttack().solve(B, stragglers=s), plain_guess(B, s)  # compiled before the clock starts
    hits, seconds, looked, proved = np.zeros(3, dtype=int), np.zeros(3), np.zeros(3), 0
    for seed in range(INSTANCES):
        B = make(seed)
        worst = WorstCase(seconds=20.0).solve(B, stragglers=s, rng=0)
        if worst.bound != worst.value:
            continue
        proved += 1
        started = perf_counter()
        found = StandardAttack().solve(B, stragglers=s, rng=0)
        between = perf_counter()
        sets, _ = bad_sets(B, np.ones(B.shape[1]), s, 20)
        quick = perf_counter()
        plain, count = plain_guess(B, s)
        times = [between - started, quick - between, perf_counter() - quick]
        values = [found.value, max(least_squares(B, lost, rcond=1e-9)[0] for lost in sets), plain]
        hits += np.array(values) >= worst.value * (1 - 1e-7)
        seconds += times
        looked += [found.evaluated, 0, count]
    rate = looked / seconds
    print(
        f"\n{name}: of {proved} worst cases the attack finds {hits[0]}, bad_sets {hits[1]}, plain swaps {hits[2]}; "
        f"{seconds[0] / proved:.3g}, {seconds[1] / proved:.3g}, {seconds[2] / proved:.3g} s each; "
        f"{rate[0] / rate[2]:.3g} x the sets per second of plain swaps ({rate[2]:.3g})"
    )


@pytest.mark.parametrize("s", [22, 26, 30])
@pytest.mark.parametrize("clusters", [27, 45, 63, 90])
def test_ninety_workers(clusters: int, s: int) -> None:
    """Load 10, normal coefficients: sets that no search proves worst."""
    attack, plain, seconds = [], [], np.zeros(2)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        table = hypergraph(90, clusters, 10, rng) * rng.normal(size=(90, clusters))
        sizes = np.full(clusters, 90 // clusters)
        sizes[: 90 - sizes.sum()] += 1
        B = np.repeat(table, sizes, axis=1)
        started = perf_counter()
        attack.append(StandardAttack().solve(B, stragglers=s, rng=0).value)
        between = perf_counter()
        plain.append(plain_guess(B, s)[0])
        seconds += [between - started, perf_counter() - between]
    print(
        f"\n{clusters} clusters, s = {s}: attack {np.round(attack, 3)}, plain swaps {np.round(plain, 3)}; "
        f"{seconds[0] / 3:.3g} and {seconds[1] / 3:.3g} s each"
    )
