"""Every set of one question that might be worse than what is known, by the kernels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _worst_question as limits
from ._worst_question import FINE_TOLERANCE, MEMORY, PIVOT_TOLERANCE, Question
from ._worst_roots import rise, row_sums, spectral_bound
from ._worst_setup import Floats, Found, Ints

UNFINISHED = "search not finished"
HOPELESS = 10**13  # sets that are not even begun where no bound prunes them


class _Stack:
    """Depth-first state that both searches share; depth t has t workers dropped."""

    def __init__(self, question: Question, guess: Found, depth: int, symmetric: bool) -> None:
        data = question.data
        n = len(data.gram)
        squares = np.sum(np.abs(data.solution) ** 2, axis=0)
        self.order = np.arange(n) if symmetric else np.argsort(-squares, kind="stable")
        self.reach = n
        if symmetric:  # turn a set so that it starts at 0 and its largest gap comes last
            self.reach = n - -(-n // question.budget) + 1
        self.roots = 1 if symmetric else n
        self.freedom = data.freedom
        self.rho = row_sums(data.gram, question.budget)
        self.top_eigenvalue = np.inf if question.noise else float(np.linalg.eigvalsh(data.gram)[-1])
        self.reached = np.full(depth + 1, question.start)
        self.position = np.zeros(depth + 1, dtype=np.int64)
        self.chosen = np.zeros(question.budget + 1, dtype=np.int64)
        self.where = np.zeros(3, dtype=np.int64)
        self.best = np.array([guess.value, np.inf])
        self.sets = np.full((2, question.budget), -1, dtype=np.int64)
        self.work = np.zeros(n + question.budget + 2)

    def lost(self, which: int, otherwise: Ints) -> Ints:
        """The set stored in row ``which``, in the numbers of the question."""
        stored = self.sets[which][self.sets[which] >= 0]
        return self.order[stored].astype(np.int64) if len(stored) else otherwise

    def found(self, guess: Found, bound: float | None, method: str) -> Found:
        """Sum up."""
        none = np.zeros(0, dtype=np.int64)
        pivot = float(self.best[1]) if self.freedom and np.isfinite(self.best[1]) else None
        value = float(self.best[0])
        return Found(
            value,
            bound,
            self.lost(0, guess.lost),
            int(self.where[1]),
            pivot,
            self.lost(1, none),
            method,
            bool(self.where[2]),
        )


def _ordered(matrix: NDArray[Any], order: Ints, reach: int) -> NDArray[Any]:
    return np.ascontiguousarray(matrix[np.ix_(order, order)][:reach, :reach])


def enumerate_definite(question: Question, guess: Found) -> Found | None:
    """Every set of exactly ``budget`` workers by `search_definite`, in codes with freedom; None when a pivot is zero.

    Every pivot shows that a loss can be made up for, and the search is for the worst ||a||^2, whether that is asked for
    or the error (which then never rises).
    """
    from ._adversary_kernels import DONE, PAUSED, search_definite

    s, data = question.budget, question.data
    least = guess.value if question.noise else question.start
    if question.sets > HOPELESS:
        return replace(guess, value=least, bound=spectral_bound(question, least), method="too many sets to search")
    aim = question if question.noise else replace(question, noise=True)
    best = guess if question.noise else Found(aim.start, None)
    stack = _Stack(aim, best, s - 2, data.is_circulant)
    m, n, dtype = len(data.solution), stack.reach, data.inverse.dtype
    matrix, rows = np.zeros((n, n), dtype=dtype), np.zeros((s - 1, data.freedom, n), dtype=dtype)
    rows[0] = data.basis[stack.order[:n]].conj().T
    vectors = np.zeros((s - 1, m, n), dtype=dtype)
    vectors[0] = data.solution[:, stack.order[:n]]
    status = PAUSED
    while status == PAUSED and not question.late:
        status = search_definite(
            matrix, rows, vectors, stack.reached, stack.position, stack.chosen, stack.where, stack.roots,
            stack.best, stack.sets, stack.work, FINE_TOLERANCE, aim.margin, limits.STEP,
        )  # fmt: skip
    if status not in (DONE, PAUSED):
        return None
    found = stack.found(best, float(stack.best[0]), "all sets, every loss is made up for")
    if status == PAUSED:
        found = replace(found, bound=spectral_bound(question, least), method=UNFINISHED)
    if not question.noise:
        found = replace(found, value=least, bound=least if status == DONE else found.bound)
    return found


def enumerate_shrinking(question: Question, guess: Found) -> Found | None:
    """Every set of exactly ``budget`` >= 2 workers by `search_shrinking`, Q of full rank; None when a pivot is zero."""
    from ._adversary_kernels import DONE, PAUSED
    from ._shrinking_kernels import search_shrinking

    s, data = question.budget, question.data
    blocks, n = data.solution.shape
    stack = _Stack(question, guess, s - 2, False)
    stack.best[1], stack.position[0] = 1e-300, -1
    inverse, solution = np.zeros((s - 1, n, n), data.inverse.dtype), np.zeros((s - 1, blocks, n), data.inverse.dtype)
    inverse[0], solution[0] = data.inverse, data.solution
    ids, f = np.zeros((s - 1, n), dtype=np.int64), np.zeros((s - 1, n))
    ids[0], count = np.arange(n), np.full(s - 1, n)
    spare, status = np.zeros((n, n), dtype=inverse.dtype), PAUSED
    while status == PAUSED and not question.late:
        status = search_shrinking(
            inverse, solution, ids, f, count, stack.reached, stack.position, stack.chosen, stack.where, stack.rho,
            stack.top_eigenvalue, stack.best, stack.sets, spare, stack.work, question.margin, limits.STEP,
        )  # fmt: skip
    if status not in (DONE, PAUSED):
        return None
    stack.order = np.arange(n)
    if status == DONE:
        return stack.found(guess, float(stack.best[0]), "all sets")
    bound = float(stack.best[0])
    for depth in range(int(stack.where[0]) + 1):
        here, more = slice(max(int(stack.position[depth]), 0), int(count[depth])), s - depth
        others = ids[depth, here]
        if len(others) >= more:
            added = rise(solution[depth][:, here], more, stack.rho[:, others], stack.top_eigenvalue)
            if stack.position[depth] >= 0 and depth < s - 2:
                added = min(added, float(f[depth, here][:more].sum()))
            bound = max(bound, float(stack.reached[depth]) + added)
    return stack.found(guess, min(bound, question.ceiling), UNFINISHED)


def enumerate_general(question: Question, guess: Found) -> Found:
    """Every set within the budget by `search_general`."""
    from ._adversary_kernels import PAUSED, search_general

    data = question.data
    depth = min(question.budget // int(question.weight.min()), len(question.weight))
    if (depth + 1) * len(data.gram) ** 2 > MEMORY:
        return replace(guess, bound=spectral_bound(question, guess.value), method="too many sets to search")
    stack = _Stack(question, guess, depth, question.unit and depth > 1 and data.is_circulant)
    n = len(data.gram)
    null = np.zeros((depth + 1, n, n), dtype=data.inverse.dtype)
    inverse = np.zeros_like(null)
    null[0], inverse[0] = _ordered(data.null, stack.order, n), _ordered(data.inverse, stack.order, n)
    vectors = np.zeros((depth + 1, *data.solution.shape), dtype=data.inverse.dtype)
    vectors[0] = data.solution[:, stack.order]
    weight, used = question.weight[stack.order], np.zeros(depth + 1, dtype=np.int64)
    rounding = np.full(depth + 1, FINE_TOLERANCE)
    rho = np.ascontiguousarray(stack.rho[:, stack.order])
    status = PAUSED
    while status == PAUSED and not question.late:
        status = search_general(
            null, inverse, vectors, stack.reached, used, stack.position, stack.chosen, stack.where, stack.roots,
            weight, question.budget, rho, stack.top_eigenvalue, stack.best, stack.sets, stack.work,
            rounding, PIVOT_TOLERANCE, question.margin, question.noise, limits.STEP,
        )  # fmt: skip
    if status != PAUSED:
        return stack.found(guess, float(stack.best[0]), "all sets")
    if question.noise:
        return stack.found(guess, spectral_bound(question, float(stack.best[0])), UNFINISHED)
    return stack.found(guess, _open_bound(question, stack, vectors, rho), UNFINISHED)


def _open_bound(question: Question, stack: _Stack, vectors: NDArray[Any], rho: Floats) -> float:
    """Bound on all sets when a search stopped: what was found, or what the subtrees not yet entered can reach."""
    bound = float(stack.best[0])
    most = question.budget // int(question.weight.min())
    for depth in range(int(stack.where[0]) + 1):
        if depth == 0 and stack.position[0] >= stack.roots:
            continue
        rest = slice(int(stack.position[depth]), None)
        added = rise(vectors[depth][:, rest], most - depth, rho[:, rest], stack.top_eigenvalue)
        bound = max(bound, float(stack.reached[depth]) + added)
    return min(bound, spectral_bound(question, float(stack.best[0])) or bound)
