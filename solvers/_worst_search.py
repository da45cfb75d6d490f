"""The search inside one component: a good set first, then every set that might be worse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import comb
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._worst_setup import Floats, Found, Ints, LeastSquares

PIVOT_TOLERANCE = 1e-10  # smaller pivots of the null projector count as zero
FINE_TOLERANCE = 1e-14  # the same where they come from orthogonalised rows
STEP = 20_000_000  # operations of a kernel between two looks at the clock
MEMORY = 20_000_000  # numbers a search may keep in its stack of matrices
HOPELESS = 10**13  # sets that are not even begun where no bound prunes them
WIDE = 10_000_000  # with more sets than that the first guess is made from random sets as well


@dataclass(frozen=True, eq=False)
class Question:
    """One search: the data, what a loss of each worker costs, how many stragglers, and which number.

    Attributes
    ----------
    data : LeastSquares
        Of c workers.
    weight : int64, shape (c,)
        Stragglers needed to lose each.
    budget : int
        Stragglers allowed.
    noise : bool
        Maximise ||a||^2 instead of the error.
    ceiling : float
        Never exceeded, for a reason outside the search.
    deadline : float
        In the clock of `time.perf_counter`.
    """

    data: LeastSquares
    weight: Ints
    budget: int
    noise: bool
    ceiling: float
    deadline: float

    @property
    def start(self) -> float:
        """The number with nobody lost."""
        return float(np.linalg.norm(self.data.solution) ** 2) if self.noise else self.data.error

    @property
    def margin(self) -> float:
        """Differences so small are rounding."""
        return 1e-13 * (self.start if self.noise else self.ceiling)

    @property
    def unit(self) -> bool:
        """Whether the loss of any worker costs one straggler."""
        return bool((self.weight == 1).all())

    @property
    def sets(self) -> int:
        """Number of sets, at most."""
        n, most = len(self.weight), self.budget // int(self.weight.min())
        return sum(comb(n, t) for t in range(most + 1)) if not self.unit else comb(n, min(n, most))

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return perf_counter() > self.deadline


def search(question: Question, rng: np.random.Generator, restarts: int) -> Found:
    """Answer a question as well as the time allows."""
    compile_kernels(question.data.inverse.dtype.str)
    reachable = np.flatnonzero(question.weight <= question.budget)
    if len(reachable) < len(question.weight) and not question.noise:
        part = replace(question, data=question.data.on(reachable), weight=question.weight[reachable])
        if len(reachable) == 0:
            return Found(question.start, question.start, method="no worker's work can be lost")
        found = search(part, rng, restarts)
        return replace(found, lost=reachable[found.lost], strained=reachable[found.strained])
    if (question.weight == question.weight[0]).all() and question.weight[0] > 1:
        ones = np.ones_like(question.weight)
        question = replace(question, weight=ones, budget=question.budget // int(question.weight[0]))
    guess = first_guess(question, rng, restarts)
    some = 2 <= question.budget < len(question.weight)
    answer = None
    if some and question.unit and _is_definite(question, guess.lost):
        answer = enumerate_definite(question, guess)
    return answer or enumerate_general(question, guess)


def _is_definite(question: Question, lost: Ints) -> bool:
    """Whether `enumerate_definite` may do, as far as one set tells."""
    if question.data.freedom < question.budget:
        return question.data.freedom == 0 and not question.noise
    values = np.linalg.svd(question.data.basis[lost], compute_uv=False)
    return bool(len(values) == 0 or (len(lost) <= len(values) and values[-1] ** 2 > FINE_TOLERANCE))


def first_guess(question: Question, rng: np.random.Generator, restarts: int) -> Found:
    """Greedy choice and random sets, each improved by swaps: what an adversary would do."""
    now = perf_counter()
    question = replace(question, deadline=now + (question.deadline - now) / 3)
    starts: list[Ints] = [_greedy(question, np.zeros(0, dtype=np.int64))]
    if question.sets > WIDE:
        n = len(question.weight)
        starts += [_affordable(question, rng.permutation(n)) for _ in range(restarts)]
    best = Found(question.start, None)
    for members in starts:
        value, lost = _improve(question, members)
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


def _row_sums(gram: NDArray[Any], most: int) -> Floats:
    """rho[r, i]: 1 plus the r - 1 largest |Q_ij|, j != i, for r = 0..most."""
    n = len(gram)
    size = np.abs(gram)
    np.fill_diagonal(size, 0.0)
    size = -np.sort(-size, axis=1)[:, : max(most - 1, 0)]
    rho = np.ones((most + 1, n))
    rho[2 : 2 + size.shape[1]] += np.cumsum(size, axis=1).T
    rho[2 + size.shape[1] :] = rho[1 + size.shape[1]] if size.shape[1] else 1.0
    return rho


def _rise(solution: NDArray[Any], count: int, rho: Floats, top_eigenvalue: float) -> float:
    """The bound of the kernel `rise_bound`, in numpy."""
    squares = np.sum(np.abs(solution) ** 2, axis=0)
    spectral = top_eigenvalue * np.sort(squares)[::-1][:count].sum()
    return float(min(spectral, np.sort(squares * rho[count])[::-1][:count].sum()))


def spectral_bound(question: Question, least: float) -> float | None:
    """What no set exceeds, without a search; at least ``least``, a value that was found.

    Error: keep the decoding of the others, see `rise_bound`. Noise, C of full column rank: a least-squares solution
    has ||C a||^2 <= ||T||^2 - err0, and the least eigenvalue of Q only grows when workers are lost.
    """
    data = question.data
    if question.noise:
        if data.freedom:
            return None
        return max(least, (question.ceiling - data.error) / data.smallest)
    count = min(question.budget // int(question.weight.min()), len(question.weight))
    values, vectors = np.linalg.eigh(data.gram)
    rise = _rise(data.solution, count, _row_sums(data.gram, count), float(values[-1]))
    if len(values) > 1 and values[-2] > 0.0:
        rise = min(rise, _deflated_rise(data.solution, count, values, np.abs(vectors[:, -1]) ** 2))
    return max(least, min(question.ceiling, data.error + rise))


def _deflated_rise(solution: NDArray[Any], count: int, values: Floats, share: Floats) -> float:
    """Bound on the rise of the error that sets the largest eigenvalue of Q apart.

    Q <= l2 I + (l1 - l2) v v^H gives P_SS >= I / l2 - c v_S v_S^H with c = 1 / l2 - 1 / l1, and the inverse of that is
    l2 I + l2^2 c v_S v_S^H / (1 - l2 c |v_S|^2); |v_S^H a_S| <= |v_S| |a_S|. ``share`` is |v_j|^2.
    """
    x = float(np.sort(np.sum(np.abs(solution) ** 2, axis=0))[::-1][:count].sum())
    y = float(np.sort(share)[::-1][:count].sum())
    second = float(values[-2])
    part = 1.0 - second / float(values[-1])  # l2 c
    return second * x + second * part * x * y / (1.0 - part * y)


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
        self.rho = _row_sums(data.gram, question.budget)
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
    """Every set of exactly ``budget`` workers by `search_definite`; None when a pivot is zero.

    With M = P where C has full column rank. Otherwise M = K, every pivot shows that a loss can be made up for, and the
    search is for the worst ||a||^2, whether that is asked for or the error (which then never rises).
    """
    from ._adversary_kernels import DONE, PAUSED, search_definite

    s, data = question.budget, question.data
    aim, least = question, guess.value
    if data.freedom and not question.noise:
        aim, least = replace(question, noise=True), question.start
    big = question.sets > HOPELESS if data.freedom else (s - 1) * len(data.gram) ** 2 > MEMORY
    if big:
        return replace(guess, value=least, bound=spectral_bound(question, least), method="too many sets to search")
    if aim is not question:
        guess = Found(aim.start, None)
    stack = _Stack(aim, guess, s - 2, data.is_circulant)
    m, n, dtype = len(data.solution), stack.reach, data.inverse.dtype
    matrices = np.zeros((1 if data.freedom else s - 1, n, n), dtype=dtype)
    rows = np.zeros((s - 1, data.freedom, n), dtype=dtype)
    if data.freedom:
        rows[0] = data.basis[stack.order[:n]].conj().T
    else:
        matrices[0] = data.inverse[np.ix_(stack.order, stack.order)][:n, :n]
    vectors = np.zeros((s - 1, m, n), dtype=dtype)
    vectors[0] = data.solution[:, stack.order[:n]]
    rho = np.ascontiguousarray(stack.rho[:, stack.order[:n]])
    tol = FINE_TOLERANCE if data.freedom else 0.0
    status = PAUSED
    while status == PAUSED and not question.late:
        status = search_definite(
            matrices, rows, vectors, stack.reached, stack.position, stack.chosen, stack.where, stack.roots, rho,
            stack.top_eigenvalue, stack.best, stack.sets, stack.work, tol, aim.margin, STEP,
        )  # fmt: skip
    if status not in (DONE, PAUSED):
        return None
    found = stack.found(
        guess, float(stack.best[0]), "all sets, every loss is made up for" if data.freedom else "all sets"
    )
    if status == PAUSED:
        bound = spectral_bound(question, least) if data.freedom else _open_bound(question, stack, vectors, rho)
        found = replace(found, bound=bound, method="search not finished")
    if aim is not question:
        found = replace(found, value=least, bound=least if status == DONE else found.bound)
    return found


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
            rounding, PIVOT_TOLERANCE, question.margin, question.noise, STEP,
        )  # fmt: skip
    if status != PAUSED:
        return stack.found(guess, float(stack.best[0]), "all sets")
    if question.noise:
        return stack.found(guess, spectral_bound(question, float(stack.best[0])), "search not finished")
    return stack.found(guess, _open_bound(question, stack, vectors, rho), "search not finished")


def _open_bound(question: Question, stack: _Stack, vectors: NDArray[Any], rho: Floats) -> float:
    """Bound on all sets when a search stopped: what was found, or what the subtrees not yet entered can reach."""
    bound = float(stack.best[0])
    most = question.budget // int(question.weight.min())
    for depth in range(int(stack.where[0]) + 1):
        if depth == 0 and stack.position[0] >= stack.roots:
            continue
        rest = slice(int(stack.position[depth]), None)
        rise = _rise(vectors[depth][:, rest], most - depth, rho[:, rest], stack.top_eigenvalue)
        bound = max(bound, float(stack.reached[depth]) + rise)
    return min(bound, spectral_bound(question, float(stack.best[0])) or bound)


@lru_cache(maxsize=4)
def compile_kernels(dtype: str) -> None:
    """Compile for this kind of numbers on a problem of a few workers, before any clock starts."""
    n = 4
    rows = np.eye(n, dtype=dtype)
    data = LeastSquares.of(rows, np.ones((1, n)))
    forever = perf_counter() + 1e9
    question = Question(data, np.ones(n, dtype=np.int64), 3, False, float(n), forever)
    guess = first_guess(question, np.random.default_rng(0), 0)
    enumerate_definite(question, guess)
    enumerate_general(question, guess)
