import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gcopt.tabulating.communication_training import SETTINGS, TABLE, UPDATES, communication_training
from gcopt.tabulating.communication_training_views import draw, sections
from gcopt.training.problems import Multilayer

WHOLE, ALONE = "everybody answers, m = 1", "ignored stragglers, m = 1"


@pytest.fixture(scope="module")
def some():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((140, 4))
    y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)

    def make(start):
        return Multilayer(X, y, hidden=6, rng=start)

    return list(communication_training(0, (replace(SETTINGS[0], make=make, starts=2),), 60))


@pytest.fixture(scope="module")
def committed():
    with (Path(__file__).parent.parent / "tables" / "communication-training.csv").open() as file:
        return list(csv.DictReader(file))


def check(rows):
    """What is decoded has the factor that it is said to have, and messages are half as long."""
    found = {row["update"]: row for row in rows}
    assert set(found) >= {WHOLE, ALONE, *(update.label for update in UPDATES)}
    number = {name: {key: float(row[key]) for key in ("loss", "factor", "kB / step")} for name, row in found.items()}
    assert number[WHOLE]["factor"] == 1.0
    for update in UPDATES:
        mine = number[update.label]
        assert mine["kB / step"] == pytest.approx(number[ALONE]["kB / step"] / 2, rel=0.02)
        unbiased = update.debias or "decoder" in update.settings
        assert abs(mine["factor"] - 1.0) < 0.15 if unbiased else mine["factor"] < 0.99
    assert number["stacked, as decoded"]["loss"] > number["random signs, as decoded"]["loss"]
    assert number["random signs, as decoded"]["factor"] > number["stacked, as decoded"]["factor"]


def test_every_update_does_what_it_says(some, committed):
    check(some)
    groups = {(row["problem"], row["assignment"]) for row in committed}
    assert groups == {(one.problem, one.assignment["family"]) for one in SETTINGS}
    for group in groups:
        check([row for row in committed if (row["problem"], row["assignment"]) == group])


def test_the_committed_curves_are_of_300_steps_and_fall(committed):
    for row in committed:
        steps, losses = [int(x) for x in row["steps"].split()], [float(x) for x in row["losses"].split()]
        assert (steps[0], steps[-1]) == (0, 300)
        assert losses[-1] < losses[0]


def test_markdown_and_picture_show_all(some, tmp_path):
    (shown,) = sections(some)
    assert len(shown.rows) == len(UPDATES) + 2
    assert TABLE.source in TABLE._markdown(some, 0)
    assert [path.name for path in draw(some, tmp_path)] == ["communication-training.png"]
