"""The annealing as a problem for the outer loop: cycles of cooling, each twice as long as the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..chains import Chain
from ..seeding import generator
from .question import Question
from .starts import Start

_BLOCK = 256
_CYCLE = 16  # blocks of the first cycle
_HOT, _COLD, _REHEAT = 0.03, 3e-4, 0.85  # temperatures, of the value at the start


@dataclass(frozen=True, eq=False)
class Walk:
    """Degree-preserving switches and other small moves, accepted or not by simulated annealing.

    Attributes
    ----------
    question : Question
    starts : tuple of Start
        Chain i starts from the i-th of them, and again from the first when all have been; then no longer bound to go
        around circles.
    """

    question: Question
    starts: tuple[Start, ...]

    def compile(self) -> None:
        """Make one block of moves of a tiny problem of the same kind."""
        from ._blocks import rehearsal

        rehearsal(self.question)

    def start(self, seed: int, number: int) -> Chain:
        """Return the chain at its start, evaluated."""
        from ._setup import Setup

        start = self.starts[number % len(self.starts)]
        none = np.empty((0, self.question.stragglers), dtype=np.int64)
        value, bad = Setup(self.question, start.sizes, seed).judge(start.matrix, none)
        arrays = {"sizes": start.sizes, "best": start.matrix, "bad": bad, "scale": np.array(value)}
        walked: dict[str, Any] = {"current": start.matrix}
        if (circles := start.circles) is not None and not number // len(self.starts):
            walked = {"copies": circles.copies, "coefficients": circles.coefficients}
            walked |= {f"best {name}": array for name, array in walked.items()}
        return Chain(number, 0, value, {**arrays, **walked})

    def advance(self, chain: Chain, seed: int) -> Chain:
        """Make one block of moves; a new cycle starts from the best so far."""
        from ._blocks import around, free
        from ._setup import Setup
        from ._walk_kernels import UNIFORMS

        setup = Setup(self.question, chain.arrays["sizes"], seed)
        number = chain.moves // _BLOCK
        cycle = (number // _CYCLE + 1).bit_length() - 1
        first, length = _CYCLE * (2**cycle - 1), _CYCLE * 2**cycle
        part = (number - first + np.arange(_BLOCK) / _BLOCK) / length
        temperatures = float(chain.arrays["scale"]) * _HOT * _REHEAT**cycle * (_COLD / _HOT) ** part
        uniforms = generator(seed, 1, chain.number, number).random((_BLOCK, UNIFORMS))
        block = around if "copies" in chain.arrays else free
        record, changed = block(setup, chain, number == first, uniforms, temperatures)
        return Chain(chain.number, chain.moves + _BLOCK, record, {**chain.arrays, **changed})
