"""The annealing as a problem for the outer loop: cycles of cooling, each twice as long as the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..chains import Chain
from ..seeding import generator
from .frames import Frames
from .moves import moved
from .question import Question
from .starts import Start

if TYPE_CHECKING:
    from .coefficients import Judge

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BLOCK = 16
_CYCLE = 8  # blocks of the first cycle
_HOT, _COLD, _REHEAT = 0.03, 3e-4, 0.85  # temperatures, of the value at the start
_STEPS = 4  # of descent after a move
_FIRST, _ALTERNATING = 60, 3  # steps of descent, and of alternating minimisation before, at the start


@dataclass(frozen=True, eq=False)
class Walk:
    """Switches of copies and changes of coefficients, accepted or not by simulated annealing.

    Attributes
    ----------
    question : Question
    starts : tuple of Start
        Chain i starts from the i-th of them, and again from the first when all have been.
    """

    question: Question
    starts: tuple[Start, ...]

    def compile(self) -> None:
        """Compile the kernels on a tiny code."""
        from ..attack import bad_sets
        from .coefficients import Judge

        sizes, X = np.ones(3, dtype=np.int64), np.random.default_rng(0).standard_normal((3, 6))
        Judge(Question(3, 3, 3, 2, 1), sizes, 0).value(X, np.empty((0, 1), dtype=np.int64))
        if self.question.worst and not self.question.exact:
            bad_sets(X, np.kron(np.eye(2), np.ones(3)), 1, 1)

    def start(self, seed: int, number: int) -> Chain:
        """Return the chain at its start, its coefficients tuned where they may be, evaluated."""
        start = self.starts[number % len(self.starts)]
        judge = judge_of(self.question, start.sizes, seed)
        X, value, bad = prepared(judge, start)
        arrays = {"sizes": start.sizes, "labels": start.labels, "best": X, "current": X, "bad": bad}
        return Chain(number, 0, value, {**arrays, "scale": np.array(value)})

    def advance(self, chain: Chain, seed: int) -> Chain:
        """Make one block of moves; a new cycle starts from the best so far."""
        arrays, number = chain.arrays, chain.moves // _BLOCK
        judge = judge_of(self.question, arrays["sizes"], seed)
        cycle = (number // _CYCLE + 1).bit_length() - 1
        first, length = _CYCLE * (2**cycle - 1), _CYCLE * 2**cycle
        part = (number - first + np.arange(_BLOCK) / _BLOCK) / length
        heats = float(arrays["scale"]) * _HOT * _REHEAT**cycle * (_COLD / _HOT) ** part
        X = arrays["best" if number == first else "current"]
        rng = generator(seed, 1, chain.number, number)
        X, best, value = _walked(judge, X, arrays["labels"], arrays["bad"], heats, rng)
        bad = arrays["bad"]
        if not isinstance(judge, Frames) and judge.attacked:
            best, (value, bad) = X, judge.judge(X, bad)
        better = value < chain.value
        changed = {"current": X, "bad": bad, "best": best if better else arrays["best"]}
        return Chain(chain.number, chain.moves + _BLOCK, min(value, chain.value), {**arrays, **changed})


def judge_of(question: Question, sizes: Ints, seed: int) -> Judge | Frames:
    """Return what evaluates codes with clusters of these sizes."""
    from .coefficients import Judge

    return Frames(question, sizes) if question.unbiased else Judge(question, sizes, seed)


def prepared(judge: Judge | Frames, start: Start) -> tuple[Floats, float, Ints]:
    """Return the code of a start with better coefficients where these are tuned, its value, and its bad sets."""
    bad = np.empty((0, judge.question.stragglers), dtype=np.int64)
    value, bad = judge.judge(start.matrix, bad)
    if isinstance(judge, Frames) or not judge.question.tuned:
        return start.matrix, value, bad
    X = start.matrix
    for _ in range(_ALTERNATING):
        X = judge.alternate(X, bad)
    X = judge.descend(X, bad, _FIRST)
    there, worse = judge.judge(X, bad)
    return (X, there, worse) if there < value else (start.matrix, value, bad)


def _walked(
    judge: Judge | Frames, X: Floats, labels: Ints, bad: Ints, heats: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats, float]:
    """Make moves; return where they end, and the best code on the way with its value."""
    value = judge.value(X, bad)
    best, record = X, value
    for heat in heats:
        Y = moved(X, judge.question, judge.sizes, labels, rng)
        if not isinstance(judge, Frames) and judge.question.tuned:
            Y = judge.descend(Y, bad, _STEPS)
        there = judge.value(Y, bad)
        if there < value + heat * rng.exponential():
            X, value = Y, there
            if value < record:
                best, record = X, value
    return X, best, record
