import csv

import numpy as np
import pytest

from gcopt.tabulating.diversity import SHIFTS, SIZES, diversity, sections


@pytest.fixture(scope="module")
def committed():
    from pathlib import Path

    with (Path(__file__).parent.parent / "tables" / "diversity.csv").open() as file:
        return list(csv.DictReader(file))


def shares(row):
    return np.array([float(share) for share in row["x"].split()])


def test_committed_table_has_the_whole_grid(committed):
    grid = [(row["workers"], float(row["mu t0"])) for row in committed]
    assert grid == [(str(n), shift) for n in SIZES for shift in SHIFTS]


def test_shares_sum_to_one_and_bounds_are_close_below(committed):
    for row in committed:
        x = shares(row)
        assert x.size == int(row["workers"])
        assert (x >= 0).all()
        assert round(float(x.sum()), 9) == 1.0
        assert float(row["bound"]) <= float(row["value"]) <= float(row["bound"]) * (1 + 1e-5)


def test_gains_are_against_single_redundancy_and_none(committed):
    for row in committed:
        n, shift = int(row["workers"]), float(row["mu t0"])
        means = shift + np.cumsum(1.0 / np.arange(n, 0, -1))  # E T_(k), k = 1..n
        single = np.arange(1, n + 1) * means[::-1]
        assert int(row["best single diversity"]) == single.argmin()
        assert float(row["gain over it"]) == pytest.approx(single.min() / float(row["value"]), abs=1e-4)
        assert float(row["gain over no coding"]) == pytest.approx(means[-1] / float(row["value"]), abs=1e-4)
        assert float(row["gain over no coding"]) >= float(row["gain over it"]) >= 1.0


def test_values_of_the_shares_listed_agree_with_simulation(committed):
    g = np.random.default_rng(5)
    for row in committed:
        n = int(row["workers"])
        if n > 10:
            continue
        times = np.sort(float(row["mu t0"]) + g.exponential(size=(40_000, n)), axis=1)[:, ::-1]
        taus = (times * np.cumsum(np.arange(1, n + 1) * shares(row))).max(axis=1)
        assert abs(taus.mean() - float(row["value"])) < 4.5 * taus.std() / 200


def test_the_published_setting_is_a_point_of_the_grid(committed):
    """N = 20, mu = 1e-3, t0 = 50, L = 2e4, M = 50: optimum 7.04944e7, derived before this package was written."""
    (row,) = [row for row in committed if row["workers"] == "20" and row["mu t0"] == "0.05"]
    assert float(row["value"]) * 50 * 2e4 / (20 * 1e-3) == pytest.approx(7.04944e7, rel=1e-5)
    known = [4783.8, 756.3, 423.2, 303.9, 246.2, 214.6, 196.8, 187.5, 184.3, 186.3]
    known += [193.0, 205.1, 223.6, 250.8, 290.7, 351.3, 449.0, 625.0, 1023.4, 8905.4]
    np.testing.assert_allclose(shares(row), np.array(known) / 2e4, atol=1e-4)


def test_committed_table_is_what_the_command_computes(committed):
    known = {(row["workers"], row["mu t0"]): row for row in committed}
    for row in diversity(0, sizes=(5, 10), shifts=(0.0, 0.5)):
        same = known[row["workers"], row["mu t0"]]
        assert float(row["value"]) == pytest.approx(float(same["value"]), rel=2e-6)
        np.testing.assert_allclose(shares(row), shares(same), atol=1e-4)


def test_sections_list_shares_by_diversity():
    gains, allocation = sections(list(diversity(0, sizes=(3,), shifts=(0.0, 5.0))))
    assert gains.title == "3 workers"
    assert [row["n"] for row in allocation.rows] == ["0", "1", "2"]
    assert sum(float(row["mu t0 = 5"]) for row in allocation.rows) == pytest.approx(1.0, abs=2e-4)
