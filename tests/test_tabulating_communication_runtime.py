import csv
from pathlib import Path

import numpy as np
import pytest

from gcopt.cluster import Cluster
from gcopt.tabulating.communication_runtime import (
    CLUSTERS,
    communication_runtime,
    draw,
    expected,
    one_by_one,
    sections,
    simulated,
)

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def committed():
    with (ROOT / "tables" / "communication-runtime.csv").open() as file:
        return list(csv.DictReader(file))


def by_sizes(rows, name):
    return {(int(r["load"]), int(r["blocks"])): r for r in rows if r["cluster"] == name}


def test_committed_table_has_every_load_and_number_of_blocks(committed):
    for name, cluster in CLUSTERS.items():
        rows = by_sizes(committed, name)
        n = cluster.workers
        assert list(rows) == [(d, m) for d in range(1, n + 1) for m in range(1, d + 1)]
        least = min(rows, key=lambda one: float(rows[one]["exact"]))
        assert [one for one, row in rows.items() if row["best"]] == [least]
        assert all(int(row["stragglers"]) == d - m for (d, m), row in rows.items())
    assert all(row["simulated"] for row in committed if row["cluster"] == "published")


def test_the_published_values_and_who_wins(committed):
    """Ye and Abbe 2018: 36.1138 with d = m = 1 and 24.1063 with d = 8, m = 1; the best has d = 4, m = 3."""
    rows = by_sizes(committed, "published")
    assert (rows[1, 1]["exact"], rows[8, 1]["exact"], rows[4, 3]["best"]) == ("36.1138", "24.1063", "yes")
    gains = {}
    for name in ("slow links", "fast links"):
        rows = by_sizes(committed, name)
        best = {m: min(float(row["exact"]) for (_, b), row in rows.items() if b == m) for m in range(1, 21)}
        gains[name] = best[1] / min(best.values())
    assert gains["slow links"] > 1.8
    assert gains["fast links"] == 1.0


def test_formula_and_codes_agree(committed):
    drawn = [row for row in committed if row["simulated"]]
    away = [(float(row["simulated"]) - float(row["exact"])) / float(row["+-"]) for row in drawn]
    assert len(away) == 36 + 20 + 20
    assert np.abs(away).max() < 4.0


def test_committed_table_is_what_the_command_computes(committed):
    rows = by_sizes(committed, "published")
    for sizes in ((3, 2), (7, 1), (8, 8)):
        assert expected(CLUSTERS["published"], *sizes) == pytest.approx(float(rows[sizes]["exact"]), abs=6e-5)
        mean, stderr = simulated(CLUSTERS["published"], *sizes, seed=0)
        assert mean == pytest.approx(float(rows[sizes]["simulated"]), abs=6e-5)
        assert stderr == pytest.approx(float(rows[sizes]["+-"]), abs=6e-5)


def test_the_slow_links_are_those_among_the_examples():
    assert Cluster.load(ROOT / "examples" / "slow-links-20.toml") == CLUSTERS["slow links"]


def test_sections_and_pictures(committed, tmp_path):
    exact, drawn, slow, fast = sections(committed)
    assert exact.rows[3]["m = 3"] == "**21.3697**"
    assert exact.rows[0] == {"load": "1", "m = 1": "36.1138", **{f"m = {m}": "" for m in range(2, 9)}}
    assert [row["load"] for row in drawn.rows] == [str(d) for d in range(1, 9)]
    assert [row["best load"] for row in slow.rows if "**" in row["exact"]] == ["7"]
    assert fast.rows[0]["share of m = 1"] == "1.000"
    (path,) = draw(by_sizes(committed, "published").values(), tmp_path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_rows_of_a_small_cluster(monkeypatch):
    monkeypatch.setitem(CLUSTERS, "small", one_by_one(3, (1.0, 0.5), (1.0, 0.5)))
    rows = list(communication_runtime(0, ["small"]))
    assert [row["load"] + row["blocks"] for row in rows] == ["11", "21", "22", "31", "32", "33"]
    assert sum(row["simulated"] != "" for row in rows) == 3
    assert sum(row["best"] != "" for row in rows) == 1
