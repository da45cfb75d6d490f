"""What an adversary would do: greedy choices and random sets, improved by swaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from ._worst_question import PIVOT_TOLERANCE, Question
from ._worst_setup import Found, Ints

WIDE = 10_000_000  # with more sets than that the first guess is that of the standard attack, or from random sets too


def first_guess(question: Question, rng: np.random.Generator, restarts: int, hints: Sequence[Ints] = ()) -> Found:
    """Hints, a greedy choice and, for the noise, random sets, each improved by swaps: what an adversary would do."""
    now = perf_counter()
    question = replace(question, deadline=now + (question.deadline - now) / 3)
    starts = [*hints, np.zeros(0, dtype=np.int64)]
    if question.noise and question.sets > WIDE:
        n = len(question.weight)
        starts += [_affordable(question, rng.permutation(n)) for _ in range(restarts)]
    best = Found(question.start, None)
    for members in starts:
        value, lost = _improve(question, _greedy(question, members))
        if value > best.value:
            best = Found(value, None, lost)
        if question.late:
            break
    return best


def _affordable(question: Question, order: Ints) -> Ints:
    """The first workers of ``order`` that the budget covers."""
    return order[np.cumsum(question.weight[order]) <= question.budget].astype(np.int64)


def _drop(question: Question, members: Ints) -> tuple[Any, Any, Any, float, float]:
    from ._adversary_kernels import drop_all

    data = question.data
    return drop_all(data.null, data.inverse, data.solution, question.start, members, PIVOT_TOLERANCE, question.noise)


def _add(question: Question, members: Ints) -> tuple[int, float]:
    """The best worker to add to a set, and the value then."""
    from ._adversary_kernels import best_addition

    free = question.budget - int(question.weight[members].sum())
    allowed = np.setdiff1d(np.flatnonzero(question.weight <= free), members).astype(np.int64)
    chosen, value = best_addition(*_drop(question, members), allowed, question.noise)
    return int(chosen), float(value)


def _greedy(question: Question, members: Ints) -> Ints:
    """Add the worker whose loss hurts most until the budget is used up."""
    while not question.late:
        chosen, _ = _add(question, members)
        if chosen < 0:
            break
        members = np.append(members, chosen)
    return members


def _improve(question: Question, members: Ints) -> tuple[float, Ints]:
    """Swap one straggler for another as long as that makes things worse."""
    value = _drop(question, members)[3]
    improved = True
    while improved and not question.late:
        improved = False
        for out in members:
            others = members[members != out]
            chosen, reached = _add(question, others)
            if chosen >= 0 and reached > value * (1.0 + 1e-9) + question.margin:
                value, members, improved = reached, np.append(others, chosen), True
                break
            if question.late:
                break
    return value, members
