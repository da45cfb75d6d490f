"""How long a user waits for help, as a ratio to starting Python with typer and rich.

    python -m pytest tests/benchmarks/bench_help.py -s

Goal: at most 1.5.
"""

import subprocess
import sys
import time
from pathlib import Path

RUNS = 15


def seconds(command):
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begin


def test_help(benchmark):
    ours = [str(Path(sys.executable).parent / "gcopt"), "--help"]
    bare = [sys.executable, "-c", "import typer, rich.console"]
    pairs = [(seconds(ours), seconds(bare)) for _ in range(RUNS)]
    ratio = min(a for a, _ in pairs) / min(b for _, b in pairs)
    benchmark.extra_info["ratio to importing typer and rich"] = round(ratio, 2)
    benchmark.pedantic(seconds, args=(ours,), rounds=5)
    print(f"help takes {ratio:.2f} x python with typer and rich")
