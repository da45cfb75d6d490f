"""Every command and every line of Python in the README, run in order in a folder with nothing but the examples."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="module")
def blocks():
    text = (Path(__file__).parent.parent / "README.md").read_text()
    return re.findall(r"```(\w+)\n(.*?)```", text, flags=re.S)


def test_every_command_works(blocks, gcopt, root):
    shutil.copytree(root / "examples", "examples")
    commands = [line for kind, block in blocks if kind == "sh" for line in block.splitlines()]
    ours = [shlex.split(c, comments=True)[1:] for c in commands if c.startswith("gcopt ")]
    assert len(ours) >= 10
    log = 1.0 + np.random.default_rng(5).exponential(0.5, (60, 6))
    np.savetxt("rounds.csv", log, delimiter=",", fmt="%.4f")
    for command in ours:
        done = gcopt(*command)
        assert done.code == 0, f"{command}: {done.err}"
        assert done.out.strip(), command


def test_the_installed_command_works():
    done = subprocess.run([Path(sys.executable).parent / "gcopt", "solvers"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "worst-case" in done.stdout


def test_the_python_works_and_prints_what_it_says(blocks, tmp_path):
    (block,) = [block for kind, block in blocks if kind == "python"]
    done = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.strip().splitlines()
    assert lines[0] == "True"
    assert lines[-1] == "[13. 26.]"
