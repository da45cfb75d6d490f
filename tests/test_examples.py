"""Every script among the examples, run as a user runs it."""

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "examples"


@pytest.fixture(scope="module")
def shown():
    """Output lines of each script."""
    lines = {}
    for script in sorted(FOLDER.glob("*.py")):
        done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        lines[script.stem] = done.stdout.splitlines()
    return lines


def test_a_gradient_that_is_nearly_right_pays_where_workers_stall(shown):
    _, *rows = shown["approximate"]
    seconds = {row[:40].strip(): row.split()[-1] for row in rows}
    exact = min(float(seconds[name]) for name in seconds if "exact" in name or name == "uncoded")
    nearly = float(seconds["repetition (load 3), error <= 6 %"])
    assert nearly < exact / 2


def test_a_searched_code_is_faster_than_repetition_and_uncoded(shown):
    *about, header, first, by_speed, exact, repetition, searched = shown["searched"]
    assert any(line.startswith("verified: True") for line in about)
    seconds = {row[:26].strip(): float(row.split()[-1]) for row in (first, by_speed, exact, repetition, searched)}
    assert header.split()[0] == "s/iteration"
    assert seconds["searched, error <= 5 %"] < 0.9 * seconds["repetition, exact"] < 0.7 * seconds["uncoded"]
