import csv
from collections import defaultdict
from dataclasses import replace

import pytest

from gcopt.tabulating.block_coordinate import (
    COMPLETION,
    FIGURES,
    PUBLISHED,
    RUNTIME,
    Case,
    Figure,
    block_coordinate,
)
from gcopt.tabulating.block_coordinate_views import draw, sections
from gcopt.tabulating.table import Table

TINY = (
    Figure("runtime-workers", "workers", (3, 4), Case(3, 0.5, 1.0, 200, iterations=20)),
    Figure("completion-deadline", "deadline", (3000.0, 6000.0), Case(3, 0.5, 1.0, 50, deadline=1.0)),
)


@pytest.fixture(scope="module")
def tiny():
    return list(block_coordinate(0, TINY))


@pytest.fixture(scope="module")
def committed():
    from pathlib import Path

    with (Path(__file__).parent.parent / "tables" / "block-coordinate.csv").open() as file:
        return list(csv.DictReader(file))


def point(row):
    return tuple(row[key] for key in ("figure", "workers", "rate", "shift", "parameters", "deadline"))


def by_point(rows):
    points = defaultdict(dict)
    for row in rows:
        points[point(row)][row["method"]] = row
    return points


def test_committed_table_has_every_method_at_every_point(committed):
    points = by_point(committed)
    assert len(points) == sum(len(figure.values) for figure in FIGURES)
    for key, methods in points.items():
        assert tuple(methods) == (COMPLETION if key[-1] else RUNTIME)


def test_the_optimum_is_never_worse_than_any_method(committed):
    for key, methods in by_point(committed).items():
        best = float(methods["optimum"]["value"])
        for method, row in methods.items():
            value = float(row["value"])
            assert value <= best if key[-1] else value >= best, (key, method)
            assert float(row["worse %"]) >= 0.0
            worse = 1.0 - value / best if key[-1] else value / best - 1.0
            assert 100.0 * worse == pytest.approx(float(row["worse %"]), abs=0.02)


def test_bounds_are_on_the_side_that_stays_true_and_close_for_runtimes(committed):
    bounded = [row for row in committed if row["bound"]]
    assert {row["method"] for row in bounded if row["deadline"]} == {"optimum"}
    assert {row["method"] for row in bounded if not row["deadline"]} == {"optimum", "3 segments"}
    for row in bounded:
        value, bound = float(row["value"]), float(row["bound"])
        if row["deadline"]:
            assert value <= bound <= 1.0
        else:
            assert bound <= value <= bound * (1.0 + 1.5e-4)


def test_more_segments_are_better(committed):
    for key, methods in by_point(committed).items():
        found = [float(methods[name]["value"]) for name in ("optimum", "6 segments", "3 segments", "single")]
        assert found == sorted(found, reverse=bool(key[-1]))


def test_published_values_stand_beside_what_is_computed(committed):
    known = {}
    for figure in FIGURES:
        for value in figure.values:
            for method, published in PUBLISHED.get((figure.name, value), {}).items():
                known[figure.name, str(round(value, 8)), method] = published
    assert len(known) == sum(map(len, PUBLISHED.values())) == 21  # every number belongs to a point
    shown = [row for row in committed if row["published"]]
    assert len(shown) == 21
    assert sorted(float(row["published"]) for row in shown) == sorted(known.values())
    for row in shown:
        relative = float(row["value"]) / float(row["published"]) - 1.0
        assert 100.0 * relative == pytest.approx(float(row["difference %"]), abs=0.01)
    closed = [row for row in shown if row["method"] in ("x-t", "x-f")]
    assert len(closed) == 10
    assert all(abs(float(row["difference %"])) < 0.8 for row in closed)  # as well as a figure can be read


# Numbers that were derived independently of this package, before it was written; M = 50, T = t0 + Exp(mu).
@pytest.mark.parametrize(
    ("figure", "axis", "value", "numbers"),
    [
        ("runtime-workers", "workers", "10", (1.16916e8, 1.3057e8, 1.2756e8, 1.5000e8, 1.9757e8)),
        ("runtime-workers", "workers", "20", (7.04944e7, 7.8853e7, 7.8438e7, 1.0000e8, 1.4074e8)),
        ("runtime-workers", "workers", "50", (3.99708e7, 4.4015e7, 4.4289e7, 7.0000e7, 7.9719e7)),
        ("runtime-rate", "rate", "0.00039811", (1.44819e8, 1.6909e8, 1.6181e8, 1.7559e8, 3.4892e8)),
        ("runtime-rate", "rate", "0.0025119", (3.69645e7, 3.9429e7, 3.9671e7, 6.9905e7, 5.7852e7)),
    ],
)
def test_expected_runtimes_agree_with_independent_numbers(committed, figure, axis, value, numbers):
    methods = ("optimum", "x-t", "x-f", "single", "tandon-partial")
    rows = {row["method"]: row for row in committed if row["figure"] == figure and row[axis] == value}
    for method, expected in zip(methods, numbers, strict=True):
        assert float(rows[method]["value"]) == pytest.approx(expected, rel=2e-4), method


@pytest.mark.parametrize(
    ("figure", "axis", "value", "numbers"),
    [
        ("completion-deadline", "deadline", "3162300", (0.99070, 0.7115, 0.6872, 0.6917)),
        ("completion-deadline", "deadline", "5011900", (0.99997, 0.9957, 0.9508, 0.9740)),
        ("completion-workers", "workers", "10", (0.74560, 0.2894, 0.4407, 0.3250)),
    ],
)
def test_completion_probabilities_agree_with_independent_numbers(committed, figure, axis, value, numbers):
    methods = ("optimum", "x-lg", "single", "tandon-partial")
    rows = {row["method"]: row for row in committed if row["figure"] == figure and row[axis] == value}
    for method, expected in zip(methods, numbers, strict=True):
        assert float(rows[method]["value"]) == pytest.approx(expected, abs=7e-5), method


def test_committed_table_is_what_the_command_computes(committed):
    known = by_point(committed)
    few = [replace(FIGURES[0], values=(10,)), replace(FIGURES[4], values=(10,))]
    for row in block_coordinate(0, few):
        same = known[point(row)][row["method"]]
        assert same.keys() == row.keys()
        # where stationary ends depends on the last digits of the convex solver
        tolerance = 0.2 if row["method"] == "stationary" else 1e-4
        assert float(row["value"]) == pytest.approx(float(same["value"]), rel=tolerance), row["method"]
        assert row["published"] == same["published"]


def test_the_same_seed_gives_the_same_rows(tiny):
    again = list(block_coordinate(0, [replace(figure, values=figure.values[:1]) for figure in TINY]))
    points = {point(row) for row in again}
    assert len(points) == len(TINY)
    assert again == [row for row in tiny if point(row) in points]


def test_sections_show_methods_against_settings(tiny):
    parts = list(sections(tiny))
    assert [part.title for part in parts] == [
        "runtime-workers: expected runtime in millions, against N",
        "completion-deadline: probability to complete, against t",
    ]
    assert parts[0].text == "mu = 0.5, t0 = 1, L = 200."
    assert list(parts[0].rows[0]) == ["method", "N = 3", "N = 4"]
    assert [row["method"] for row in parts[0].rows[:2]] == ["optimum", "optimum: bound"]
    assert parts[1].rows[4]["t = 10^3.5"].endswith(" %)")


def test_the_comparison_with_published_values_is_shown(committed):
    last = list(sections(committed))[-1]
    assert last.title == "Published and computed"
    assert len(last.rows) == 21
    assert last.rows[0]["published"] == "120.5"


def test_pictures_are_written_beside_the_table(tiny, tmp_path):
    table = Table("block-coordinate", "Tiny", "nobody", lambda seed: iter(tiny), sections, draw)
    paths = table.write(tmp_path, plot=True)
    assert [path.name for path in paths] == [
        "block-coordinate.csv",
        "block-coordinate.md",
        "block-coordinate-runtime-workers.png",
        "block-coordinate-completion-deadline.png",
    ]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths[2:])
    assert len(table.write(tmp_path)) == 2
