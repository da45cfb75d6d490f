"""What published codes of the same size reach, by the measure of a search."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ..seeding import generator
from .coefficients import Judge
from .products import null_space_products
from .question import Question
from .starts import Start, groups

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Compared = dict[str, dict[str, float]]

_PATTERNS = 8  # free signs up to which all are looked at
_PRODUCTS = 3  # draws of construction II
_DRAWS, _OPERATIONS = 200, 2e9  # drawn otherwise: at most so many, or as many operations allow


def compared(question: Question, given: Iterable[tuple[str, Floats]], seed: int) -> Compared:
    """Return the value of the question for other codes that hold no more.

    Parameters
    ----------
    question : Question
    given : iterable of (str, array of shape (n, k))
        Placements, as codes with m = 1.
    seed : int

    Returns
    -------
    dict
        ``groups + MDS``; and for every placement ``construction I`` (over the draws of its signs ``expected``, with
        ``stderr``, and ``best``), ``stacked`` (all signs alike) and, where it exists, ``construction II`` with normal
        vectors, the best of some draws.
    """
    found: Compared = {"groups + MDS": {"value": _value(question, groups(question, seed), seed)}}
    for number, (name, matrix) in enumerate(given):
        start = Start.of_code(name, (matrix != 0.0).astype(np.float64), 1)
        held, rng = start.held(), generator(seed, 8, number)

        def of(vectors: Floats, start: Start = start, held: Ints = held) -> float:
            X = (held * np.sqrt(start.sizes))[:, None, :] * vectors
            return _value(question, replace(start, matrix=X.reshape(len(X), -1)), seed)

        drawn = np.array([of(h) for h in _signs(question, rng)])
        spread = 0.0 if _all(question) else float(drawn.std() / np.sqrt(len(drawn)))
        about = {"expected": float(drawn.mean()), "stderr": spread, "best": float(drawn.min())}
        found[f"construction I on {name}"] = about
        found[f"stacked {name}"] = {"value": of(np.ones((1, question.blocks, 1)))}
        products = [null_space_products(held, question.blocks, rng) for _ in range(_PRODUCTS)]
        if values := [of(h) for h in products if h is not None]:
            found[f"construction II on {name}"] = {"value": min(values)}
    return found


def _value(question: Question, start: Start, seed: int) -> float:
    none = np.empty((0, question.stragglers), dtype=np.int64)
    return Judge(question, start.sizes, seed).judge(start.matrix, none)[0]


def _all(question: Question) -> bool:
    """Whether all signs are looked at; those of the first block may be 1."""
    return question.workers * (question.blocks - 1) <= _PATTERNS


def _signs(question: Question, rng: np.random.Generator) -> Iterable[Floats]:
    """Yield signs h, shape (n, m, 1): all that differ, or drawn ones."""
    n, m = question.workers, question.blocks
    if _all(question):
        for pattern in product((1.0, -1.0), repeat=n * (m - 1)):
            yield np.concatenate([np.ones((n, 1, 1)), np.reshape(pattern, (n, m - 1, 1))], axis=1)
        return
    sets = (question.sets if question.exact else question.samples) * n**3
    for _ in range(max(2, min(_DRAWS, int(_OPERATIONS / sets)))):
        yield rng.choice([-1.0, 1.0], (n, m, 1))
