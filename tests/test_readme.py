"""Every command and every line of Python in the README, run in order in an empty folder."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="module")
def blocks():
    text = (Path(__file__).parent.parent / "README.md").read_text()
    return re.findall(r"```(\w+)\n(.*?)```", text, flags=re.S)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("readme")
    rng = np.random.default_rng(5)
    log = 1.0 + rng.exponential(0.5, (60, 6))
    np.savetxt(place / "rounds.csv", log, delimiter=",", fmt="%.4f")
    return place


def test_every_command_works(blocks, folder):
    commands = [line for kind, block in blocks if kind == "sh" for line in block.splitlines()]
    ours = [c.split("#")[0].strip() for c in commands if c.startswith("gcopt ")]
    assert len(ours) >= 10
    for command in ours:
        script = f"{Path(sys.executable).parent}/{command}"
        done = subprocess.run(script, shell=True, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert done.stdout.strip(), command


def test_the_python_works_and_prints_what_it_says(blocks, folder):
    (block,) = [block for kind, block in blocks if kind == "python"]
    done = subprocess.run([sys.executable, "-c", block], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.strip().splitlines()
    assert lines[0] == "True"
    assert lines[-1] == "[13. 26.]"
