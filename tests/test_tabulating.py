import csv
from pathlib import Path

import pytest

from gcopt.errors import InputError
from gcopt.tabulating import TABLES, Section, Table
from gcopt.tabulating.exact_noise import exact_noise


def number(cell):
    return float(cell.removeprefix(">= ").removesuffix(" c"))


def short():
    return Table("short", "Short", "nobody", lambda seed: exact_noise(seed, sizes=((4, 1),)))


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


def test_bounds_are_rounded_up():
    (row,) = exact_noise(0, sizes=((13, 2),))
    assert row["cyclic-mds first"] == "12.973 c"  # 12.97236054
    assert row["cyclic-mds centred"] == "3.6267"  # 3.62663768
    assert row["fractional-repetition"] == ""


def test_table_command_writes_csv_and_markdown(gcopt, monkeypatch):
    monkeypatch.setitem(TABLES._entries, "short", short())
    done = gcopt("table", "short", "--json")
    assert done.code == 0, done.err
    assert done.json["files"] == ["short.csv", "short.md"]
    assert Path("short.md").read_text().startswith("# Short\n")
    assert Path("short.csv").read_text().startswith("workers,stragglers,load,")


def test_sections_of_the_markdown(tmp_path):
    parts = [Section("One", "About it.", [{"a": "1"}]), Section("", "", [{"b": "2"}])]
    table = Table("parts", "Parts", "nobody", lambda seed: iter([{"a": "1", "b": "2"}]), lambda rows: parts)
    table.write(tmp_path, seed=7)
    assert (tmp_path / "parts.md").read_text() == (
        "# Parts\n\nnobody\n\nMade by `gcopt table parts --seed 7`.\n\n"
        "## One\n\nAbout it.\n\n| a |\n|---|\n| 1 |\n\n| b |\n|---|\n| 2 |\n"
    )
    assert (tmp_path / "parts.csv").read_text() == "a,b\n1,2\n"


def test_what_a_row_is_about_is_told(tmp_path):
    told = []
    short().write(tmp_path, tell=lambda done, total, note: told.append((done, note)))
    assert told == [(1, "4 1")]


def test_pictures_are_refused_before_anything_is_computed(gcopt):
    for name in ("exact-noise", "diversity"):
        done = gcopt("table", name, "--plot")
        assert done.code == 2
        assert done.err == f"error: --plot: the table {name} has no pictures; without --plot it is written\n"
        assert not list(Path().iterdir())


def test_folders_are_made_or_refused_before_anything_is_computed(tmp_path):
    assert len(short().write(tmp_path / "new" / "folder")) == 2
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file: not a folder"):
        Table("never", "", "", lambda seed: pytest.fail("computed")).write(tmp_path / "file")


def test_help_names_every_table(gcopt):
    text = gcopt("table", "--help").out
    assert all(f"{name}:" in text for name in TABLES)


def test_every_table_is_committed_and_in_the_readme(root):
    for name, table in TABLES.items():
        assert table.name == name
        assert (root / "tables" / f"{name}.csv").is_file()
        text = (root / "tables" / f"{name}.md").read_text()
        assert text.startswith(f"# {table.title}\n\n{table.source}\n")
        assert f"`gcopt table {name} -o tables" in (root / "tables" / "README.md").read_text()


def test_unknown_table():
    with pytest.raises(InputError, match="exact-noise"):
        TABLES["nosuch"]
