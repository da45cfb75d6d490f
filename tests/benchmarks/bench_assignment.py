"""How many moves a second the annealing makes with the exact worst case, against evaluating every code from scratch.

Run with ``pytest tests/benchmarks/bench_assignment.py -o addopts= --import-mode=importlib -s``.
"""

from __future__ import annotations

from time import perf_counter

import numpy as np
import pytest

from gcopt.combinatorics.bi_regular import bi_regular
from gcopt.solvers.adversary import WorstCase
from gcopt.solvers.assignment import Assignment, Question, Weights
from gcopt.solvers.searching import Search

SCRATCH = 20


def moves_per_second(question: Question, processes: int, seconds: float = 6.0) -> float:
    matrix = bi_regular(question.workers, question.partitions, int(question.caps[0]), rng=0).toarray()
    search = Search(seconds=seconds, chains=2, processes=processes)
    found = Assignment(search).solve(question, given=[("given", matrix)], rng=0)
    return sum(found.moves) / seconds


def scratch_per_second(question: Question) -> float:
    """The same worst case by the solver that knows nothing of the code before."""
    codes = [bi_regular(question.workers, question.partitions, int(question.caps[0]), rng=i) for i in range(SCRATCH)]
    solver = WorstCase(seconds=None)
    solver.solve(codes[0], stragglers=question.stragglers, symmetries=(), rng=0)
    started = perf_counter()
    for code in codes:
        solver.solve(code, stragglers=question.stragglers, symmetries=(), rng=0)
    return SCRATCH / (perf_counter() - started)


@pytest.mark.parametrize(("n", "k", "load", "s"), [(24, 24, 4, 4), (30, 30, 5, 5)])
def test_moves_per_second(n: int, k: int, load: int, s: int) -> None:
    question = Question(np.full(n, load), k, s, Weights(worst=1.0), replication=n * load // k, clusters=k, tuned=False)
    one, scratch, two = moves_per_second(question, 1), scratch_per_second(question), moves_per_second(question, 2)
    print(
        f"\nn = {n}, s = {s}: {one:,.0f} moves a second, {one / scratch:.0f} x evaluating from scratch "
        f"({scratch:,.0f}); two processes {two / one:.2f} x one"
    )
    assert one > scratch
