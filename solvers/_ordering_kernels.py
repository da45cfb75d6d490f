"""Kernel of the search for an order: one chain of simulated annealing, swapping two chunks of one worker at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._adversary_kernels import largest_sum
from .jit import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@kernel
def shortfall(left: Floats, first: int, last: int, extra: int, target: float, top: Floats) -> float:
    """Square of what a chunk's slack lacks to ``target``; its slack is the sum of all but the ``extra`` largest."""
    slack = 0.0
    for s in range(first, last):
        slack += left[s]
    slack -= largest_sum(left, first, last, extra, top)
    return (target - slack) ** 2 if slack < target else 0.0


@kernel
def anneal(
    left: Floats,
    places: tuple[Ints, Ints, Ints, Ints, Ints],
    extra: int,
    target: float,
    hot: float,
    cold: float,
    draws: Floats,
) -> bool:
    """Change ``left`` in place until every chunk has the slack ``target`` (True) or the draws are used up (False).

    Slots are chunk-major; ``places`` are the slots of the workers and where each begins, the worker and the chunk of
    each slot, and where the slots of each chunk begin. The temperature falls from ``hot`` to ``cold``; each row of
    ``draws`` holds three numbers in [0, 1).
    """
    worker_slots, worker_first, owner, chunk, chunk_first = places
    top = np.empty(extra + 1)
    energy = 0.0
    for i in range(len(chunk_first) - 1):
        energy += shortfall(left, chunk_first[i], chunk_first[i + 1], extra, target, top)
    for t in range(len(draws)):
        if energy == 0.0:
            return True
        one = int(draws[t, 0] * len(left))
        begin, end = worker_first[owner[one]], worker_first[owner[one] + 1]
        other = worker_slots[begin + int(draws[t, 1] * (end - begin))]
        a, b = chunk[one], chunk[other]
        if a == b:
            continue
        before = shortfall(left, chunk_first[a], chunk_first[a + 1], extra, target, top)
        before += shortfall(left, chunk_first[b], chunk_first[b + 1], extra, target, top)
        left[one], left[other] = left[other], left[one]
        after = shortfall(left, chunk_first[a], chunk_first[a + 1], extra, target, top)
        after += shortfall(left, chunk_first[b], chunk_first[b + 1], extra, target, top)
        temperature = hot * (cold / hot) ** (t / len(draws))
        if after <= before or draws[t, 2] < np.exp((before - after) / temperature):
            energy += after - before
        else:
            left[one], left[other] = left[other], left[one]
    return bool(energy == 0.0)
