"""The words of a design, for one, few and many segments."""

import numpy as np
import pytest

from gcopt.design_result import Choice, Design, work
from gcopt.families import FAMILIES, block_coordinate, grouped, two_stage, uncoded
from gcopt.goal import Goal
from gcopt.solvers.result import Status

BY = Goal("completion", deadline=3.0)


def result(code, goal=None, value=2.0, plain=6.0, single=None):
    goal = goal or Goal()
    best = Choice(code, value, 0.0, goal.gain(plain, value), 2.0)
    return Design(best, (best,), single, plain, value, Status.OPTIMAL, goal, 0.1)


def test_one_segment():
    assert result(grouped(6, 2)).advice == (
        "Run grouped with load 3: no worker computes more than 3 of 6 partitions and the master can do without any 2 "
        "of 6 workers; an iteration is 3.00 times faster than uncoded with equal shares."
    )


def test_an_approximate_code_is_called_so_and_a_slower_one_is_no_faster():
    assert result(FAMILIES["paley"](13, 4), value=12.0).advice == (
        "Run paley with load 6: no worker computes more than 6 of 13 partitions and the master goes on without any 4 "
        "of 13 workers, with an approximate gradient; an iteration is 2.00 times slower than uncoded with equal shares."
    )


def test_two_segments():
    assert result(two_stage(4, 1, alpha=3.0)).advice == (
        "Run two-stage with load 2: no worker stores more than 2 of 4 partitions or computes more than 1.5 partitions' "
        "worth and the coordinates are cut into 2 segments: 50% need every worker and 50% can do without any 1 of 4 "
        "workers; an iteration is 3.00 times faster than uncoded with equal shares."
    )


@pytest.mark.parametrize(
    ("allocation", "words"),
    [
        (
            [1, 0, 1, 0, 0, 2],
            "3 segments: 25% need every worker, 25% can do without any 2 and 50% can do without any 5",
        ),
        (
            [2, 1, 1, 1, 0, 5],
            "5 segments: 20% need every worker, 30% can do without any 1 to 3 and 50% can do without any 5 of 6",
        ),
        ([0, 1, 1, 2, 1, 5], "segments: 10% can do without any 1, 40% can do without any 2 to 4 and 50% can"),
    ],
)
def test_many_segments_are_summarised(allocation, words):
    text = result(block_coordinate(6, allocation)).advice
    assert words in text
    assert len(text) < 350


def test_a_deadline_in_words():
    text = result(grouped(6, 2), BY, value=0.99, plain=0.9).advice
    assert text.endswith(
        "an iteration meets the deadline of 3 s with probability 99.00%, against 90.00% uncoded with equal shares "
        "(10 times fewer misses)."
    )
    never = result(grouped(6, 2), BY, value=1.0, plain=0.9).advice
    assert never.endswith("with probability 100%, against 90.00% uncoded with equal shares.")
    weighted = result(uncoded(2, partitions=8, speeds=[1.0, 3.0]), BY, value=0.9, plain=0.5).advice
    assert weighted.startswith("Do not code. Give slower workers less data instead: an iteration meets the deadline of")
    assert weighted.endswith("and no code that was tried is in time more often.")


def test_gain_over_one_redundancy():
    single = Choice(grouped(4, 1), 3.0, 0.0, 2.0, 3.0)
    code = two_stage(4, 1, alpha=3.0)
    words = "1.50 times faster than the best code with one redundancy (grouped, 1 straggler)."
    assert result(code, single=single).over_single == words
    late = Choice(grouped(4, 3), 0.5, 0.0, 2.0, 3.0)
    words = "In time: 80.00%; the best code with one redundancy (grouped, 3 stragglers): 50.00%."
    assert result(code, BY, value=0.8, plain=0.1, single=late).over_single == words


def test_work_counts_what_is_computed():
    code = block_coordinate(4, [2, 1, 0, 1])
    assert work(code) == pytest.approx(np.full(4, (2 * 1 + 1 * 2 + 1 * 4) / 4 / 4))
    assert work(FAMILIES["uncoded"](5)).sum() == pytest.approx(1.0)
