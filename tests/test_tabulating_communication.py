import csv
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest

from gcopt.tabulating.communication import FIGURES, TABLE, communication
from gcopt.tabulating.communication_views import draw, sections

PUBLISHED = {  # Figure 3, recomputed: bound (10), exact mean, baseline, (21)
    0: (16.5455, 15.2865, 91.0000, 0),
    1: (16.8624, 15.5967, 91.0909, 0),
    4: (17.8491, 16.5629, 91.3750, 0),
    9: (19.6238, 18.3027, 91.8901, 1),
    13: (21.1753, 19.8257, 92.3448, 2),
    18: (23.3043, 21.9187, 92.9756, 2),
    22: (25.1818, 23.7672, 93.5385, 4),
}
COSETS = {0: 4.9691, 3: 7.6931, 7: 11.3250, 13: 16.7729}  # Figure 4, (17)

SMALL = (
    replace(FIGURES[0], assignment={"family": "projective-plane", "order": 2, "stragglers": 0}, sets=50),
    replace(FIGURES[1], assignment={**FIGURES[1].assignment, "partitions": 5, "load": 3}, sets=50),
    replace(FIGURES[2], assignment={**FIGURES[2].assignment, "workers": 12, "partitions": 6}, sets=50),
)


@pytest.fixture(scope="module")
def committed():
    with (Path(__file__).parent.parent / "tables" / "communication.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def some():
    return list(communication(0, SMALL))


def by_point(rows):
    for (name, s), group in groupby(rows, key=lambda row: (row["figure"], int(row["stragglers"]))):
        mine = list(group)
        spread = {row["curve"]: 0.0 if row["+-"] == "exact" else 6 * float(row["+-"]) + 1e-5 for row in mine}
        yield name, s, {row["curve"]: float(row["value"]) for row in mine}, spread


def check(rows):
    """Lower bound, mean and upper bounds are in this order."""
    for name, s, value, spread in by_point(rows):
        means = {label for label in value if "mean" in label and "bound" not in label and label != "no mean below"}
        for label in means:
            assert value["no mean below"] <= value[label] + spread[label] + 0.01 * value["no mean below"], (name, s)
        if name == "products":
            for vectors in ("signs", "gaussian"):
                upper = value[f"{vectors}: bound (20), worst of sets"]
                assert value[f"{vectors}: mean"] <= upper + 1e-6
        elif name == "cosets":
            assert value["mean, sampled"] <= value["bound (8), mean of sets"] + spread["mean, sampled"]
            assert value["bound (8), worst of sets"] <= value["bound (17)"] * (1 + 1e-6)
        else:
            assert abs(value["mean, sampled"] - value["mean, exact"]) <= spread["mean, sampled"]
            assert value["mean, exact"] <= value["bound (10)"] * (1 + 1e-6)


def test_bounds_and_means_are_in_order(some, committed):
    check(some)
    check(committed)


def test_the_committed_table_has_the_published_numbers(committed):
    found = {(name, s): value for name, s, value, _ in by_point(committed)}
    columns = ("bound (10)", "mean, exact", "stacked", "no worst case below (21)")
    for s, numbers in PUBLISHED.items():
        assert [found["design", s][column] for column in columns] == pytest.approx(numbers, abs=6e-5)
    for s, number in COSETS.items():
        assert found["cosets", s]["bound (17)"] == pytest.approx(number, abs=6e-5)


def test_the_committed_table_is_what_is_computed(committed):
    for one in FIGURES:
        last = one.counts()[-1]
        formulas = {label: found.value for label, found in one.curves(replace(one, sets=2), last, 0) if found.exact}
        here = {
            r["curve"]: float(r["value"]) for r in committed if (r["figure"], r["stragglers"]) == (one.name, str(last))
        }
        for label, value in formulas.items():
            if "of sets" not in label:
                assert here[label] == pytest.approx(value, rel=1e-5, abs=1e-9), (one.name, label)
        counts = {int(r["stragglers"]) for r in committed if r["figure"] == one.name}
        assert counts == set(one.counts())


def test_a_tight_frame_needs_no_drawing_and_loses_less(committed):
    for name, s, value, spread in by_point(committed):
        if name == "cosets" and s > 0:
            assert value["tight frame"] <= value["mean, sampled"] + spread["mean, sampled"] + spread["tight frame"]


def test_markdown_and_pictures_show_every_curve(some, tmp_path):
    shown = list(sections(some))
    assert [len(one.rows[0]) for one in shown] == [7, 9, 8]
    assert TABLE.source in TABLE._markdown(some, 0)
    assert [path.name for path in draw(some, tmp_path)] == [f"communication-{one.name}.png" for one in FIGURES]
