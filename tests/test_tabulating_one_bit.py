import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from gcopt.compression import parse
from gcopt.tabulating import TABLES
from gcopt.tabulating import one_bit_regression as regression
from gcopt.tabulating import one_bit_training as training
from gcopt.tabulating.one_bit_regression import Regression, Setting
from gcopt.tabulating.one_bit_runs import MARKS, UNCODED, WORKERS, Curve, make_code
from gcopt.tabulating.one_bit_views import draw, sections
from tests.training.cases import logistic

ORDER = ("none", "feedback+sign", "dither1:max,subtractive", "dither1:max", "dither1:norm")


def late(row):
    """The mean error over the second two thirds of a run, where it has settled."""
    curve = [float(value) for value in row["curve"].split()]
    return float(np.mean(curve[len(curve) // 3 :]))


def by(rows, *keys):
    return {tuple(row[key] for key in keys): row for row in rows}


@pytest.fixture(scope="module")
def small():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 10))
    return Regression(X, X @ rng.standard_normal(10) + rng.standard_normal(400))


@pytest.fixture(scope="module")
def some(small):
    settings = (Setting("random", 0.1, 3, ORDER), Setting("random", 0.1, WORKERS, ("dither1:max", "sign")))
    return list(regression.rows(0, settings, 2, (20, 60, 200), problem=small, step=0.1))


@pytest.fixture(scope="module")
def trained():
    setting = training.Setting("small", lambda start: logistic(), (0.5, 1.0), {"random": ("none", "dither1:max")})
    return list(training.rows(0, (setting,), starts=2, iterations=80, goal=20))


@pytest.fixture(scope="module")
def committed():
    with (Path(__file__).parent.parent / "tables" / "one-bit.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def errors(committed):
    return [row for row in committed if row["experiment"] == "regression"]


@pytest.fixture(scope="module")
def losses(committed):
    return [row for row in committed if row["experiment"] != "regression"]


def test_compressors_are_ordered_as_theory_has_it(some, errors):
    few = by(some, "d", "compressor")
    assert all(late(few["3", a]) < late(few["3", b]) for a, b in pairwise(ORDER))
    assert late(few["20", "dither1:max"]) < 1e-2 * late(few["20", "sign"])
    found = by(errors, "code", "p", "d", "compressor")
    for p, d in (("0.1", "1"), ("0.1", "5"), ("0.5", "1"), ("0.5", "5")):
        assert all(late(found["random", p, d, a]) < late(found["random", p, d, b]) for a, b in pairwise(ORDER))


def test_error_falls_with_copies_and_rises_with_stragglers(errors):
    found = by(errors, "code", "p", "d", "compressor")
    for word in ORDER:
        for p in ("0.1", "0.5"):
            one, five, all_ = (late(found["random", p, d, word]) for d in ("1", "5", "20"))
            last = float(found["random", p, "20", word]["after 1500"])
            assert one > five > all_ > last
        for d in ("1", "5"):
            assert late(found["random", "0.5", d, word]) > late(found["random", "0.1", d, word])


def test_with_everything_everywhere_only_plain_signs_stop(errors):
    for row in errors:
        if row["d"] == "20":
            word, last = row["compressor"], float(row["after 1500"])
            if word == "sign":
                assert last > 1e-4
            elif parse(word).unbiased or parse(word).feedback:
                assert last < 1e-12


def test_errors_are_those_that_the_recursion_predicts(some, errors):
    predicted_ones = [row for row in errors if row["exact 1500"]]
    assert {row["compressor"] for row in predicted_ones} == set(regression.PREDICTED)
    for row in predicted_ones:
        for mark in MARKS:
            measured, spread, exact = (float(row[f"{name} {mark}"]) for name in ("after", "+-", "exact"))
            if exact > 1e-12:  # below, rounding decides, and few runs the mean
                assert abs(measured - exact) < 5.0 * spread + 0.1 * exact
        if row["d"] != "20":
            assert late(row) == pytest.approx(float(row["exact 1500"]), rel=0.1)
    for row in some:
        if row["exact 200"] and row["d"] == "3":
            assert late(row) == pytest.approx(float(row["exact 200"]), rel=0.4)


def test_everything_that_is_said_to_be_compared_is_there(errors, losses):
    found = {(row["code"], float(row["p"]), int(row["d"]), row["compressor"]) for row in errors}
    assert found == {
        (s.code, s.probability, s.replication, word) for s in regression.SETTINGS for word in s.compressors
    }
    for setting in training.SETTINGS:
        mine = {(row["code"], row["compressor"]) for row in losses if row["experiment"] == setting.experiment}
        assert mine == {(code, word) for code, words in setting.compressors.items() for word in words}


def test_bytes_are_those_of_the_compressors(committed):
    for row in committed:
        length = {"regression": 50, "flights": 4975, "digits": 9610}[row["experiment"]]
        size = int(row["bytes / message"])
        assert size == parse(row["compressor"]).size(length)
        assert float(row["kB / step"]) == pytest.approx(20 * (1 - float(row["p"])) * size / 1000, rel=0.02)


def test_one_bit_needs_twenty_times_fewer_bytes(losses):
    """Of uncompressed messages, counted as float64, which they are, and as float32."""
    for experiment in ("flights", "digits"):
        found = by((row for row in losses if row["experiment"] == experiment), "code", "compressor")
        for word in ("dither1:max,subtractive", "feedback+sign"):
            assert float(found["random", word]["times fewer"]) >= 40
            assert float(found["random", word]["than float32"]) >= 20
        assert float(found["random", "none"]["steps to goal"]) == 200


def test_a_scheme_is_at_the_goal_or_never(trained):
    exact, packed = trained
    assert (exact["steps to goal"], exact["times fewer"], exact["than float32"]) == ("20", "1", "0.5")
    assert float(packed["kB to goal"]) < float(exact["kB to goal"])
    assert packed["step"] in ("0.5", "1.0")


def test_a_curve_reaches_a_goal_once():
    curve = Curve(np.array([0, 10, 20]), np.array([1.0, 0.1, 0.2]), np.array([0.0, 3.0, 6.0]))
    assert curve.reach(2.0) == (0.0, 0.0)
    assert curve.reach(0.1) == (10.0, 3.0)
    assert curve.reach(0.01) == (np.inf, np.inf)


def test_markdown_and_pictures_show_all(some, trained, tmp_path):
    shown = list(sections([*some, *trained]))
    assert [len(one.rows) for one in shown] == [5, 2, 2]
    assert "kB to goal" not in shown[0].rows[0]
    assert "one-bit" in TABLES
    names = [path.name for path in draw([*some, *trained], tmp_path)]
    assert names == ["one-bit-regression-p0.1-d3.png", "one-bit-regression-p0.1-d20.png", "one-bit-small-p0.2-d3.png"]
    assert all((tmp_path / name).stat().st_size > 10_000 for name in names)


def test_the_uncoded_baseline_holds_one_partition_each():
    code = make_code(UNCODED, 1, 0.1, 0)
    assert np.array_equal(code.support.toarray(), np.eye(WORKERS, dtype=bool))
