"""What the local engine costs beyond the gradients: `pytest tests/benchmarks/bench_local.py -s`, figures as ratios.

Eight workers, 1000 parameters, no delays; the gradient itself is next to nothing. One iteration is compared with eight
bare round trips over pipes to eight processes, one after the other, made in the same run: with 40 bytes each way (a
header), and with 8000 (the gradient itself).
"""

from __future__ import annotations

import os
import time
from statistics import median
from typing import Any, Self

import numpy as np
import pytest

import gcopt
from gcopt.training import train
from gcopt.training.problems import Problem

WORKERS, PARAMETERS, ROUNDS = 8, 1000, 2000


class Nothing(Problem):
    """Every row has the gradient 1, so that next to nothing is computed."""

    name = "nothing"
    samples, parameters = WORKERS, PARAMETERS

    def gradient(self, w: Any, windows: Any, coefficients: Any) -> Any:
        return np.full(PARAMETERS, float(coefficients @ (windows[:, 1] - windows[:, 0])))

    def residual(self, w: Any, windows: Any) -> Any:
        raise NotImplementedError

    def backward(self, residual: Any, windows: Any, coefficients: Any, start: int, stop: int) -> Any:
        raise NotImplementedError

    def compile(self) -> None:
        pass

    def loss(self, w: Any) -> float:
        return float(w.sum())

    def arrays(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_arrays(cls, arrays: Any, **meta: Any) -> Self:
        return cls()


def round_trips(size: int) -> float:
    """Median seconds of a round trip to each of eight processes."""
    ends = []
    for _ in range(WORKERS):
        there, back = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            os.close(there[1])
            for earlier, _, _ in ends:
                os.close(earlier)
            while message := read(there[0], size):
                os.write(back[1], message)
            os._exit(0)
        os.close(there[0])
        os.close(back[1])
        ends.append((there[1], back[0], child))
    seconds, message = [], bytes(size)
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for there, back, _ in ends:
            os.write(there, message)
            read(back, size)
        seconds.append(time.perf_counter() - begin)
    for there, back, child in ends:
        os.close(there)
        os.close(back)
        os.waitpid(child, 0)
    return median(seconds)


def read(descriptor: int, size: int) -> bytes:
    parts = b""
    while len(parts) < size and (part := os.read(descriptor, size - len(parts))):
        parts += part
    return parts


CODES = {
    "uncoded": gcopt.families.uncoded(WORKERS),
    "fractional-repetition s=1": gcopt.families.fractional_repetition(WORKERS, 1),
    "cyclic-repetition s=2": gcopt.families.cyclic_repetition(WORKERS, 2, rng=0),
}


@pytest.mark.parametrize("name", CODES)
def test_overhead_of_an_iteration(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    problem = Nothing()
    options = {"iterations": ROUNDS, "evaluate_every": ROUNDS, "step": 1e-9, "rng": 0}
    header, whole = round_trips(40), round_trips(8 * PARAMETERS)
    seconds = median(train(CODES[name], problem, **options).durations[100:])
    with capsys.disabled():
        print(
            f"\n{name}: {1e6 * seconds:.0f} us an iteration, {seconds / header:.2f} x eight round trips of a header "
            f"({1e6 * header:.0f} us), {seconds / whole:.2f} x eight of a gradient ({1e6 * whole:.0f} us)"
        )
