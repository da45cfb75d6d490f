"""Settings, JSON and numbers as people and scripts see them."""

import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcopt.console import bytes_text, jsonable, print_json, print_table, progress, say, seconds_text, settings
from gcopt.errors import InputError
from gcopt.solvers.result import Status


def test_settings_are_json_or_words():
    found = settings(["a=1", "b-c=2.5", "d=[1, 2]", "e=true", "f=cyclic-mds", "g= word ", "h=x=y", 'i="1"', "j="])
    assert found == {
        "a": 1,
        "b_c": 2.5,
        "d": [1, 2],
        "e": True,
        "f": "cyclic-mds",
        "g": "word",
        "h": "x=y",
        "i": "1",
        "j": "",
    }
    assert isinstance(found["a"], int)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["workers"], "--set workers: key=value is expected"),
        (["=3"], "key=value"),
        (["a=1", "a=2"], "a is given twice"),
    ],
)
def test_bad_settings(pairs, message):
    with pytest.raises(InputError, match=message):
        settings(pairs)


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(values)
def test_jsonable_is_strict_json_and_keeps_the_rest(value):
    text = json.dumps(jsonable(value), allow_nan=False)
    assert json.loads(text) == jsonable(value)
    assert jsonable(jsonable(value)) == jsonable(value)


def test_jsonable_takes_numpy_and_tuples():
    given_values = {"a": np.float64(1.5), "b": np.array([1.0, np.nan, np.inf]), "c": (np.int64(3),), 4: np.bool_(True)}
    assert jsonable(given_values) == {"a": 1.5, "b": [1.0, None, None], "c": [3], "4": True}
    assert json.dumps(jsonable(Status.OPTIMAL)) == '"optimal"'


def test_print_json_is_one_line(capsys):
    print_json({"schema": "x/1", "value": float("inf")})
    out, err = capsys.readouterr()
    assert (json.loads(out), out.count("\n"), err) == ({"schema": "x/1", "value": None}, 1, "")


def test_remarks_go_to_stderr(capsys):
    say("hello")
    assert capsys.readouterr() == ("", "hello\n")


def test_tables_keep_brackets_and_short_cells():
    out = io.StringIO()
    print_table("a [bold] title", ["name", "value"], [["[red]x", "1.0"], ["y" * 20, "[2, 3]"]], file=out)
    text = out.getvalue()
    for part in ("a [bold] title", "[red]x", "y" * 20, "[2, 3]"):
        assert part in text


def test_progress_is_silent_without_a_terminal(capsys):
    with progress("working", 3) as bar:
        bar.update(1, note="best so far")
        bar.update(3, total=3)
    assert capsys.readouterr() == ("", "")


def test_progress_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    with progress("working", 3) as bar:
        bar.update(2, note="best so far: uncoded")
    assert "working" in screen.getvalue()


@given(st.floats(1e-9, 1e12))
def test_seconds_are_within_half_of_the_third_digit(value):
    text = seconds_text(value)
    number, unit = text.split()
    assert float(number) * {"us": 1e-6, "ms": 1e-3, "s": 1.0}[unit] == pytest.approx(value, rel=0.0051)
    assert "e" not in number or value < 1e-6 or value >= 1e5


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (float("nan"), "-"),
        (float("inf"), "never"),
        (0.0, "0 s"),
        (0.9996, "1 s"),
        (0.0009996, "1 ms"),
        (999.6, "1000 s"),
        (12345.0, "12345 s"),
        (2.5e-5, "25 us"),
    ],
)
def test_seconds_in_words(value, text):
    assert seconds_text(value) == text


@given(st.floats(1.0, 1e12))
def test_bytes_are_within_half_of_the_third_digit(value):
    number, unit = bytes_text(value).split()
    assert float(number) * {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[unit] == pytest.approx(value, rel=0.0051)
    assert "e" not in number or value >= 999.5e9


HEADER = ("bound", "of what", "measured")
ROWS = [("spectral", "the worst error over sets of s, for every bi-regular assignment", "2.28571")]


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 160])
def test_no_width_cuts_anything_off(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    out = io.StringIO()
    print_table("Bounds", HEADER, ROWS, file=out)
    text = out.getvalue()
    assert " ".join(text.split()).count("2.28571") == 1
    for word in " ".join((*HEADER, *ROWS[0])).split():
        assert word in text
    assert max(map(len, text.splitlines())) <= max(columns, 52)


def test_what_fits_is_a_table_and_what_does_not_is_told_row_by_row(monkeypatch):
    shown = {}
    for columns in (44, 45):
        monkeypatch.setenv("COLUMNS", str(columns))
        out = io.StringIO()
        print_table("Bounds", HEADER, ROWS, file=out)
        shown[columns] = out.getvalue()
    assert "bound: spectral\n  of what: the worst error" in shown[44]
    assert "measured: 2.28571" in " ".join(shown[44].split())
    assert "measured:" not in shown[45]
