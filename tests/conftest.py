from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

# read when numpy is first imported; on matrices as small as ours, threads mostly wait for each other
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# as wide as the reports that tests read, wherever they run
os.environ.setdefault("COLUMNS", "160")


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def gcopt(capsys, monkeypatch, tmp_path):
    """Run the command line in this process, in an empty folder."""
    from gcopt.cli import app

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")

    def run(*args: object) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            app([str(a) for a in args])
        out, err = capsys.readouterr()
        code = stopped.value.code
        return Ran(code if isinstance(code, int) else int(bool(code)), out, err)

    return run


@pytest.fixture
def root() -> Path:
    return Path(__file__).parent.parent
