"""How fast messages are packed and unpacked, beside copying the same vector in the same run.

    pytest tests/benchmarks/bench_compression.py -o addopts= --import-mode=importlib -s

A float32 vector of 1e7 coordinates on one core. Goal: packing and unpacking by dither1:max go through at least 0.5
GB of it in a second. Times are those of this thread; rounds alternate, and the best of each counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from gcopt.compression import Stream, parse

LENGTH, ROUNDS = 10_000_000, 4
WORDS = (
    "dither1:max",
    "dither1:max,subtractive",
    "dither1:max,block=1024",
    "dither1:1.0",
    "two-level",
    "sign",
    "rotate+dither1:max",
    "top:0.01",
    "random:0.01",
    "float16",
    "bfloat16",
)


def best(function: Callable[[], Any]) -> float:
    function()
    seconds = []
    for _ in range(ROUNDS):
        start = time.thread_time()
        function()
        seconds.append(time.thread_time() - start)
    return min(seconds)


def test_one_vector() -> None:
    x = np.random.default_rng(0).standard_normal(LENGTH, dtype=np.float32)
    copy, out, stream = np.empty_like(x), np.zeros((1, LENGTH), dtype=np.float32), Stream(0)
    copying = best(lambda: np.copyto(copy, x))
    print(f"\ncopying {x.nbytes / 1e6:.0f} MB: {copying * 1e3:.1f} ms")
    times = {}
    for word in WORDS:
        chosen = parse(word)
        message = np.empty(chosen.size(LENGTH), dtype=np.uint8)

        def pack(chosen: Any = chosen, message: Any = message) -> None:
            chosen.pack(x, stream, message)

        def unpack(chosen: Any = chosen, message: Any = message) -> None:
            chosen.add(message, stream, np.ones(1), out)

        packing, unpacking = best(pack), best(unpack)
        both = packing + unpacking
        times[word] = both / copying
        print(
            f"{word:26s} {packing * 1e3:7.1f} + {unpacking * 1e3:6.1f} ms: {x.nbytes / both / 1e9:5.2f} GB/s, "
            f"{times[word]:5.1f} x copying, message {message.nbytes / 1e6:6.3f} MB"
        )
        assert message.nbytes == chosen.size(LENGTH)
    # a noisy machine may be slower than 0.5 GB/s, but not by much against copying
    assert times["dither1:max"] < 40.0
