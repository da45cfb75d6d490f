import csv
import json
import shlex
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest

import gcopt
from gcopt.tabulating.search import POINTS, Point, erasures, objectives, search, sections

FEW = (
    Point(9, 9, 3, 3, objectives(2048, 256, 256, chains=1), random=30),
    Point(7, 7, 4, 3, quiet=(0,), families=("grouped (exact)", "circulant")),
)


@pytest.fixture(scope="module")
def committed():
    with (Path(__file__).parent.parent / "tables" / "search.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def some():
    return list(search(0, FEW))


def check(rows):
    for row in rows:
        found, proved, mean = (float(row[key]) for key in ("worst found", "worst proved", "mean"))
        spread = 0.0 if row["+-"] == "exact" else 5 * float(row["+-"])
        assert found <= proved
        assert mean <= proved * 1.0001 + spread
        whole = int(row["partitions"]) % int(row["code partitions"]) == 0
        if whole and float(row["largest load"]) <= float(row["load"]):  # the bounds are about such codes
            assert float(row["worst >="]) <= proved, row
            assert row["+-"] != "exact" or float(row["mean >="]) <= mean * 1.0001, row
        if row["nu >="]:
            assert float(row["nu >="]) <= float(row["nu"]), row


def test_bounds_and_what_is_found_are_in_order(some, committed):
    check(some)
    check(committed)


def test_worst_and_mean_are_those_of_all_sets(some):
    """By lstsq, over all sets, for the code that the command of the row makes again."""
    row = next(row for row in some if row["method"] == "search: worst")
    code = made_again(row)
    matrix = code.segments[0].encoding.toarray()
    losses = []
    for lost in combinations(range(9), 3):
        rows = np.delete(matrix, lost, axis=0)
        weights = np.linalg.lstsq(rows.T, np.ones(9), rcond=1e-12)[0]
        losses.append(np.sum((rows.T @ weights - 1.0) ** 2))
    assert float(row["worst proved"]) == pytest.approx(max(losses), rel=1e-4)
    assert float(row["mean"]) == pytest.approx(np.mean(losses), rel=1e-3)


def made_again(row):
    """The code that the command in a row writes."""
    words = shlex.split(row["command"])
    assert words[:2] == ["gcopt", "solve"]
    settings = {}
    for flag, pair in pairwise(words):
        if flag == "--set":
            key, value = pair.split("=", 1)
            settings[key] = json.loads(value) if value[0] in "{0123456789" else value
    moves = tuple(int(count) for count in words[words.index("--moves") + 1].split(","))
    effort = gcopt.effort.Effort(moves=moves)
    found = gcopt.solving.SOLVERS[words[2]](settings, seed=int(words[-1]), effort=effort)
    return found.code


def test_erasures_are_below_the_worst_case():
    matrix = gcopt.families.random_regular(8, 2, 3, rng=1).segments[0].encoding.toarray()
    worst = max(
        np.sum((1.0 - np.linalg.pinv(rows).sum(axis=0) @ rows) ** 2)
        for rows in (np.delete(matrix, lost, axis=0) for lost in combinations(range(8), 2))
    )
    assert 0.0 < erasures(matrix, 2) <= worst + 1e-9


def test_the_markdown_says_whether_the_search_is_best(some):
    worst, mean, quiet, *points, made = sections(some)
    (row,) = worst.rows
    assert 1.0 == float(row["no code below"]) <= float(row["searched"]) < 1.01
    assert (row["better"] == "yes") == (float(row["searched"]) * 1.0002 < float(row["best random"]))
    (row,) = mean.rows
    assert row["as good"] == "yes"
    assert quiet.rows[0]["searched"] == next(row["nu"] for row in some if row["method"] == "search: nu")
    assert [section.title[:9] for section in points] == ["9 workers", "7 workers"]
    assert len(made.rows) == 4


def test_the_front_marks_what_nothing_beats():
    def row(method, worst, mean):
        sizes = {"workers": "90", "partitions": "90", "load": "10", "stragglers": "22"}
        errors = {"worst found": worst, "worst proved": worst, "mean": mean, "+-": "0.1", "nu": "", "nu >=": ""}
        more = {"clusters": "45", "start": "", "command": "", "largest load": "10", "code partitions": "90"}
        return {**sizes, "method": method, **errors, "worst >=": "2", "mean >=": "0.1", **more}

    rows = [row("search: a", "4", "0.1"), row("b", "3", "2"), row("c", "5", "3"), row("d", "4", "0.2")]
    front = next(section for section in sections(rows) if section.title.startswith("Mean against"))
    assert {one["code"] for one in front.rows if one["front"]} == {"search: a", "b"}


def test_the_committed_table_has_the_whole_grid_and_meets_the_goals(committed):
    about = ("workers", "partitions", "load", "stragglers")
    assert {tuple(row[key] for key in about) for row in committed} == {
        tuple(str(size) for size in point.about.values()) for point in POINTS
    }
    searched = [row for row in committed if row["method"].startswith("search: ")]
    assert len(searched) == sum(len(point.searches) + bool(point.quiet) for point in POINTS)
    for row in searched:
        assert row["moves"] in row["command"]
    first, *_ = sections(committed)
    best = {tuple(row[key] for key in about): row for row in first.rows}
    for sizes in (("24", "24", "4", "4"), ("30", "30", "5", "5")):
        assert (best[sizes]["better"], best[sizes]["as good"]) == ("yes", "yes")
