"""The worst case of fixed coefficients: which stragglers hurt most, and the proof that none hurt more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import comb
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ._fixed_problem import Ints, Problem, Searched, search
from ._symmetry import automorphisms
from ._worst_tree import parts_among
from .adversary import WorstCaseResult, checked_encoding
from .errors import InputError
from .result import Status
from .seeding import RngLike, generator, seed_of

DECODERS = ("scaled", "sum")
SEARCHED = 1500  # workers up to which sets are looked at one by one
KNOWN = 400  # workers up to which symmetries are searched
FEW = 100_000  # sets that are looked at without a search for symmetries


@dataclass(frozen=True)
class FixedWorstCase:
    r"""Search for the worst set of s stragglers when every responder counts the same, whoever else answers.

    The error \|\|c sum_{j not in S} b_j - 1\|\|^2 is a quadratic function of the indicator of S. All sets are visited
    depth first, a constant number of operations each, subtrees pruned by an eigenvalue and by row sums; where they are
    too many, the bound is spectral: for bi-regular codes that of Raviv, Tamo, Tandon and Dimakis.

    Attributes
    ----------
    decoder : str
        ``scaled``: c = n / (n - s). ``sum``: c = 1.
    seconds : float or None
        Time after which the best interval so far is returned; None waits for the proof.
    restarts : int
        Random first guesses.

    Raises
    ------
    InputError
        If an option is impossible.

    References
    ----------
    Raviv, Tamo, Tandon, Dimakis 2018, arXiv 1707.03858: the spectral bound, for graphs and n / (n - s).

    Examples
    --------
    >>> import networkx as nx
    >>> petersen = nx.to_numpy_array(nx.petersen_graph()) / 3
    >>> worst = FixedWorstCase("scaled").solve(petersen, stragglers=4, rng=0)
    >>> print(worst.status, round(worst.value, 6))
    optimal 2.962963
    """

    decoder: str = "scaled"
    seconds: float | None = 60.0
    restarts: int = 8

    def __post_init__(self) -> None:
        if self.decoder not in DECODERS:
            raise InputError(f"decoder is {self.decoder!r}; one of {', '.join(DECODERS)} would work")
        if self.seconds is not None and not self.seconds > 0:
            raise InputError(f"seconds is {self.seconds}; a positive number or None would work")
        if self.restarts < 0:
            raise InputError(f"restarts is {self.restarts}; 0 or more would work")

    def solve(
        self,
        encoding: NDArray[Any] | sparse.sparray,
        *,
        stragglers: int,
        target: NDArray[np.float64] | float = 1.0,
        weight: float | None = None,
        rng: RngLike = None,
    ) -> WorstCaseResult:
        """Find the worst set of exactly ``stragglers`` workers.

        Parameters
        ----------
        encoding : array or sparse array, shape (n, k), real or complex
            B; rows are workers.
        stragglers : int
            s, at most n.
        target : array, shape (k,), or float
            What the responders' rows are to add up to.
        weight : float, optional
            c, where it is another than the decoder's.
        rng : None, int, Generator or SeedSequence
            For the random first guesses.

        Returns
        -------
        WorstCaseResult
            Status optimal (bound equals value) or feasible (the worst case lies between value and bound).

        Raises
        ------
        InputError
            If the matrix or a number is impossible.
        """
        matrix = checked_encoding(encoding, 1, stragglers)
        n, k = matrix.shape
        seed, started = seed_of(rng), perf_counter()
        factor = n / max(1, n - stragglers) if self.decoder == "scaled" else 1.0
        factor = factor if weight is None else weight
        problem = Problem.of(matrix, stragglers, factor, target)
        if 0 < stragglers < n:
            if stragglers >= 2 and n <= SEARCHED:
                _compile()
                started = perf_counter()
            deadline = np.inf if self.seconds is None else started + self.seconds
            found, method = self._search(problem, generator(seed), deadline)
        else:
            lost = np.arange(stragglers)
            value = _error(matrix, factor, target, lost)
            found, method = Searched(value, lost, value, 1), "the only set"
        lost = np.sort(found.set if found.set is not None else np.zeros(0, dtype=np.int64))
        value = _error(matrix, factor, target, lost)
        proved = found.bound <= found.value + 1e-12 * max(1.0, abs(found.value))
        return WorstCaseResult(
            value=value,
            bound=value if proved else max(value, found.bound),
            status=Status.OPTIMAL if proved else Status.FEASIBLE,
            seconds=perf_counter() - started,
            seed=seed,
            objective="error",
            stragglers=stragglers,
            set=tuple(int(worker) for worker in lost),
            evaluated=found.evaluated,
            sets=comb(n, stragglers),
            scale=k,
            smallest_pivot=None,
            method=method,
        )

    def _search(self, problem: Problem, rng: np.random.Generator, deadline: float) -> tuple[Searched, str]:
        guess = problem.guess(rng, self.restarts)
        bound = problem.bound()
        best = Searched(problem.value(guess), guess, bound, 0)
        if bound <= best.value + 1e-12 * max(1.0, abs(best.value)):
            return replace(best, bound=best.value), "spectral bound"
        if len(problem.gain) > SEARCHED:
            return best, "spectral bound, too many sets to search"
        parts, note = parts_among(_symmetries(problem), len(problem.gain), problem.count)
        best, finished = _through(problem, best, parts, deadline)
        if finished:
            return replace(best, bound=best.value), "all sets" + note
        return replace(best, bound=min(bound, best.bound)), "search not finished"


def _through(
    problem: Problem, best: Searched, parts: Sequence[tuple[Ints, Ints]], deadline: float
) -> tuple[Searched, bool]:
    """Look through all parts, those with the largest bound first; and whether the time was enough."""
    left = [(chosen, allowed) for chosen, allowed in parts if len(chosen) + len(allowed) >= problem.count]
    problems = [problem.without(chosen, allowed) for chosen, allowed in left]
    bounds = np.array([part.bound() for part in problems])
    order = np.argsort(-bounds, kind="stable")
    for place, i in enumerate(order):
        if bounds[i] <= best.value:
            break
        found = search(problems[i], best.value, problem.spread, deadline)
        best = replace(best, evaluated=best.evaluated + found.evaluated)
        if found.set is not None:
            best = replace(best, value=found.value, set=np.append(left[i][0], left[i][1][found.set]))
        reach = max(found.bound, *bounds[order[place + 1 :]], best.value)
        if perf_counter() > deadline and reach > best.value:
            return replace(best, bound=reach), False
    return replace(best, bound=best.value), True


def _symmetries(problem: Problem) -> list[Ints]:
    n = len(problem.gain)
    if problem.count < 3 or comb(n, problem.count) <= FEW or n > KNOWN:
        return []
    return automorphisms([problem.pairs.toarray(), np.diag(problem.gain)], np.ones(n, dtype=np.int64))


def _error(matrix: sparse.csr_array, factor: float, target: NDArray[np.float64] | float, lost: Ints) -> float:
    heard = np.ones(matrix.shape[0])
    heard[lost] = 0.0
    return float(np.sum(np.abs(factor * (heard @ matrix) - target) ** 2))


def _compile() -> None:
    """Compile the kernel before any clock starts."""
    search(Problem.of(sparse.csr_array(np.eye(4)), 3, 1.0), 0.0, 1.0, np.inf)
