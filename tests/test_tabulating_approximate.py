import csv
from pathlib import Path

import pytest

from gcopt.tabulating.approximate import REPLICATIONS, SHARES, SIZES, TABLE, approximate, sections

NUMBERS = ("worst found", "worst proved", "mean", "worst >=", "mean >=")


@pytest.fixture(scope="module")
def committed():
    with (Path(__file__).parent.parent / "tables" / "approximate.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def some():
    return list(approximate(0, (21,), (5,)))


def spread(row):
    """What a mean may be away from the truth: its sampling error and three digits."""
    sampled = 0.0 if row["+-"] == "exact" else 5 * float(row["+-"]) + 3 / 400
    return sampled + 0.01 * float(row["mean"]) + 1e-12


def check(rows):
    for row in rows:
        found, proved, mean, worst_floor, mean_floor = (float(row[key]) for key in NUMBERS)
        assert found <= proved <= 1.0, row
        assert worst_floor <= proved * 1.01, row
        assert mean_floor <= mean + spread(row), row
        assert mean <= proved + spread(row), row


def test_lower_bounds_measured_and_proved_are_in_order(some, committed):
    check(some)
    check(committed)


def test_the_committed_table_is_what_is_computed(some, committed):
    same = [row for row in committed if (row["workers"], row["replication"]) == ("21", "5")]
    assert [row["family"] for row in same] == [row["family"] for row in some]
    for old, new in zip(same, some, strict=True):
        assert {key: float(old[key]) for key in NUMBERS} == pytest.approx(
            {key: float(new[key]) for key in NUMBERS}, rel=0.01, abs=1e-9
        )


def test_the_committed_table_has_the_whole_grid(committed):
    cells = {(row["workers"], row["replication"], row["stragglers"]) for row in committed}
    assert cells == {(str(n), str(g), str(round(q * n))) for n in SIZES for g in REPLICATIONS for q in SHARES}


def test_the_plane_of_order_four_is_alike_for_every_set(some):
    (row,) = [r for r in some if r["family"] == "block-design" and r["stragglers"] == "6"]
    exact = 6 * (5 - 1) / (25 - 6) / 21  # s (delta - lambda) / (delta^2 - lambda s), as a share of k
    assert float(row["worst proved"]) == pytest.approx(exact, rel=0.01)
    assert float(row["mean"]) == pytest.approx(exact, rel=0.01)
    assert row["+-"] == "exact"


def test_the_markdown_says_who_wins_and_shows_all_families(some):
    first, second = sections(some)
    assert len(first.rows) == len(SHARES)
    row = first.rows[-1]
    assert (row["worst"], row["stragglers"]) == ("block-design", "6")
    names = [row["family"] for row in second.rows]
    assert names == [*dict.fromkeys(row["family"] for row in some), "no code can be below"]
    assert TABLE.source in TABLE._markdown(some, 0)
