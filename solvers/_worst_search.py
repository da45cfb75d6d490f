"""The search inside one component: a good set first, then every set that might be worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from time import perf_counter

import numpy as np

from ._symmetry import automorphisms, is_symmetry
from ._worst_enumeration import enumerate_definite, enumerate_general, enumerate_shrinking
from ._worst_guess import first_guess
from ._worst_question import FINE_TOLERANCE, MEMORY, Question
from ._worst_roots import spectral_bound
from ._worst_setup import Found, Ints, LeastSquares
from ._worst_tree import Tree, parts_among

SEARCHED = 100_000  # fewer sets are looked at without a search for symmetries
KNOWN = 400  # workers up to which symmetries are searched


def search(
    question: Question,
    rng: np.random.Generator,
    restarts: int,
    symmetries: list[Ints] | None = None,
    hints: Sequence[Ints] = (),
) -> Found:
    """Answer a question as well as the time allows.

    Parameters
    ----------
    question : Question
    rng : Generator
        For random first guesses.
    restarts : int
        How many.
    symmetries : list of permutations, optional
        Used where they change nothing; None looks for them.
    hints : sequence of int arrays
        Sets within the budget that may be bad.
    """
    compile_kernels(question.data.inverse.dtype.str)
    reachable = np.flatnonzero(question.weight <= question.budget)
    if len(reachable) < len(question.weight) and not question.noise:
        part = replace(question, data=question.data.on(reachable), weight=question.weight[reachable])
        if len(reachable) == 0:
            return Found(question.start, question.start, method="no worker's work can be lost")
        found = search(part, rng, restarts, hints=[np.searchsorted(reachable, members) for members in hints])
        return replace(found, lost=reachable[found.lost], strained=reachable[found.strained])
    if (question.weight == question.weight[0]).all() and question.weight[0] > 1:
        ones = np.ones_like(question.weight)
        question = replace(question, weight=ones, budget=question.budget // int(question.weight[0]))
    guess = first_guess(question, rng, restarts, hints)
    if question.most is not None and question.sets > question.most:
        kind = "an attack" if question.noise else "the standard attack"
        return replace(guess, bound=spectral_bound(question, guess.value), method=kind + " and a spectral bound")
    answer = None
    if 2 <= question.budget < len(question.weight) and question.unit:
        if question.data.freedom and _is_definite(question, guess.lost):
            answer = enumerate_definite(question, guess)
        if answer is None and not question.noise:
            answer = _by_parts(question, guess, symmetries)
    return answer or enumerate_general(question, guess)


def _by_parts(question: Question, guess: Found, symmetries: list[Ints] | None) -> Found:
    """The worst error: at once where a bound is met, else best first where the memory allows."""
    root = spectral_bound(question, guess.value)
    assert root is not None
    if root <= guess.value * (1.0 + 1e-12) + question.margin:
        return replace(guess, bound=guess.value, method="spectral bound")
    if (question.budget - 1) * len(question.weight) ** 2 > MEMORY:
        return replace(guess, bound=root, method="spectral bound, too many sets to search")
    parts, note = parts_among(_symmetries(question, symmetries), len(question.weight), question.budget)
    found = Tree(question, guess, root).search(parts)
    return replace(found, method=found.method + note)


def _symmetries(question: Question, given: list[Ints] | None) -> list[Ints]:
    """The permutations that may be used: those given that change nothing here, or those that are found."""
    data, n = question.data, len(question.weight)
    if question.budget < 3 or question.sets <= SEARCHED or (given is None and n > KNOWN):
        return []
    matrices = [data.gram, np.conj(data.seen).T @ data.seen]
    if given is None:
        return automorphisms(matrices, question.weight)
    return [p for p in given if is_symmetry(matrices, p)]


def _is_definite(question: Question, lost: Ints) -> bool:
    """Whether `enumerate_definite` may do, as far as one set tells."""
    if question.data.freedom < question.budget:
        return False
    values = np.linalg.svd(question.data.basis[lost], compute_uv=False)
    return bool(len(values) == 0 or (len(lost) <= len(values) and values[-1] ** 2 > FINE_TOLERANCE))


@lru_cache(maxsize=4)
def compile_kernels(dtype: str) -> None:
    """Compile for this kind of numbers on a problem of a few workers, before any clock starts."""
    n, forever = 4, perf_counter() + 1e9
    for columns in (4, 2):
        rows = np.eye(n, columns, dtype=dtype) + np.arange(n)[:, None] / 8
        data = LeastSquares.of(rows, np.ones((1, columns)))
        question = Question(data, np.ones(n, dtype=np.int64), 3 if columns == 4 else 2, False, float(n), forever)
        guess = first_guess(question, np.random.default_rng(0), 0)
        enumerate_general(question, guess)
        if columns == 2:
            enumerate_definite(question, guess)
        else:
            enumerate_shrinking(question, guess)
            Tree(question, guess, np.inf).search(parts_among([], n, 3)[0])
