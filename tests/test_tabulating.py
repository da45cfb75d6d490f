import csv
from pathlib import Path

import pytest

from gcopt.errors import InputError
from gcopt.tabulating import TABLES, Table, exact_noise


def number(cell):
    return float(cell.removeprefix(">= ").removesuffix(" c"))


def test_committed_table_is_what_the_command_computes(root):
    with (root / "tables" / "exact-noise.csv").open() as file:
        committed = {(int(row["workers"]), int(row["stragglers"])): row for row in csv.DictReader(file)}
    for row in exact_noise(0, sizes=((12, 3), (13, 2))):
        known = committed[int(row["workers"]), int(row["stragglers"])]
        assert known.keys() == row.keys()
        for column, cell in row.items():
            assert (cell == "") == (known[column] == "")
            if cell:
                assert number(cell) == pytest.approx(number(known[column]), rel=2e-3), column


def test_bounds_are_rounded_up(root):
    (row,) = exact_noise(0, sizes=((13, 2),))
    assert row["cyclic-mds first"] == "12.973 c"  # 12.97236054
    assert row["cyclic-mds centred"] == "3.6267"  # 3.62663768
    assert row["fractional-repetition"] == ""


def test_table_command_writes_csv_and_markdown(gcopt, monkeypatch):
    short = Table("short", "Short", "nobody", lambda seed: exact_noise(seed, sizes=((4, 1),)))
    monkeypatch.setitem(TABLES._entries, "short", short)
    done = gcopt("table", "short", "--json")
    assert done.code == 0, done.err
    assert done.json["files"] == ["short.csv", "short.md"]
    assert Path("short.md").read_text().startswith("# Short\n")
    assert Path("short.csv").read_text().startswith("workers,stragglers,load,")


def test_unknown_table():
    with pytest.raises(InputError, match="exact-noise"):
        TABLES["nosuch"]
