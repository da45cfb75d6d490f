"""How few stragglers inflict an error."""

from __future__ import annotations

from math import ceil

import networkx as nx
import numpy as np
import pytest
from scipy import sparse

from gcopt.solvers import threshold
from gcopt.solvers.adversary import WorstCase
from gcopt.solvers.errors import InputError
from gcopt.solvers.result import Status
from gcopt.solvers.threshold import Threshold
from tests.helpers import least_squares, worst_error
from tests.matrices import PETERSEN, plane


@pytest.mark.parametrize("error", [0.1, 2 / 11, 0.2, 8 / 17, 0.5, 1.0, 1.1, 16 / 7, 2.5, 4.0, 5.0, 10.0])
def test_petersen_graph_against_brute_force(error: float) -> None:
    expected = next(s for s in range(11) if worst_error(PETERSEN, s) >= error - 1e-9)
    found = Threshold(error).solve(PETERSEN, rng=0)
    assert (found.value, found.bound, found.status) == (expected, expected, Status.OPTIMAL)
    assert len(found.set) == expected
    assert least_squares(PETERSEN, found.set)[0] == pytest.approx(found.inflicted, abs=1e-12)
    assert found.inflicted >= error - 1e-9
    assert [s for s, _, _ in found.worst] == sorted(s for s, _, _ in found.worst)


@pytest.mark.parametrize("q", [2, 3, 5])
@pytest.mark.parametrize("error", [0.2, 0.5, 1.0, 1.7])
def test_symmetric_designs_follow_the_formula(q: int, error: float) -> None:
    load = q + 1
    expected = ceil(error * load**2 / (load - 1 + error) - 1e-9)
    found = Threshold(error).solve(plane(q), rng=0)
    assert (found.value, found.bound) == (expected, expected)


def test_repetition_loses_whole_groups() -> None:
    B = sparse.csr_array(np.kron(np.eye(5), np.ones((3, 3))))
    assert [Threshold(e).solve(B).value for e in (0.5, 3.0, 3.1, 15.0)] == [3, 3, 6, 15]


def test_partitions_that_nobody_holds_are_an_error_without_stragglers() -> None:
    B = np.hstack([np.eye(3), np.zeros((3, 1))])
    found = Threshold(0.5).solve(B)
    assert (found.value, found.bound, found.set) == (0, 0, ())


def test_running_out_of_time_gives_an_interval() -> None:
    B = nx.to_numpy_array(nx.random_regular_graph(6, 60, seed=0))
    found = Threshold(6.0, seconds=4.0).solve(B, rng=0)
    assert found.status is Status.FEASIBLE
    assert found.bound is not None
    assert 3 <= found.bound < found.value <= 40
    assert least_squares(B, found.set)[0] == pytest.approx(found.inflicted, rel=1e-9)
    assert found.inflicted >= 6.0
    harmless = WorstCase(seconds=1.0).solve(B, stragglers=int(found.bound) - 1, rng=0)
    assert harmless.value < 6.0


def test_without_a_limit_the_answer_is_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threshold, "QUICK", 0.0)
    B = nx.to_numpy_array(nx.random_regular_graph(3, 14, seed=0))
    found = Threshold(1.5, seconds=None).solve(B, rng=0)
    assert found.value == found.bound == next(s for s in range(15) if worst_error(B, s) >= 1.5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"error": 0.0}, "error is 0.0; a positive number would work"),
        ({"error": float("nan")}, "error is nan"),
        ({"error": 1.0, "seconds": 0.0}, "seconds is 0.0"),
        ({"error": 11.0}, "error is 11.0; losing everybody costs 10, at most that would work"),
    ],
)
def test_impossible_input_is_named(options: dict[str, float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Threshold(**options).solve(PETERSEN)
