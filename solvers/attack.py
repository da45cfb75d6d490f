"""The standard attack: one fixed procedure that looks for bad straggler sets of any code."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from ._attack_search import ACCEPTED, POLISHED, Candidate, Search, candidates, compile_search
from ._worst_guess import first_guess
from ._worst_question import Question
from ._worst_setup import EXACT, LARGE, Component, Floats, Ints, LeastSquares, unit_rows
from .adversary import checked_encoding
from .errors import InputError
from .result import Result, Status
from .seeding import RngLike, generator, seed_of

POLISH = 100_000_000  # n^2 s^2 up to which they are
QUICK_EPSILONS = (1.0, 0.1, 1e-4, 1e-8)  # ridges of `bad_sets`
QUICK_SLACKS, QUICK_ERASURES = (0, 2, 4), (500, 12, 2)  # the same as in `_attack_search`
QUICK_CHAINS, QUICK_PIECE = (0, 3), 1000  # its chains of annealing (at 0.1 and 1e-4), and proposals of a piece of one


@dataclass(frozen=True, kw_only=True)
class AttackResult(Result):
    """The worst set of stragglers that the standard attack found; nothing is proved about others.

    ``value`` is the plain least-squares error of ``set``; ``bound`` is None unless there is only one kind of set.

    Attributes
    ----------
    stragglers : int
        s.
    set : tuple of int
        s workers whose loss gives ``value``.
    evaluated : int
        Sets judged on the way.
    start : str
        What led to the set: ``erasure``, ``greedy``, ``annealing``, ``exact swaps`` or ``the only set``.
    scale : int
        m k, the largest possible error.
    """

    stragglers: int
    set: tuple[int, ...]
    evaluated: int
    start: str
    scale: int


@dataclass(frozen=True)
class StandardAttack:
    r"""Look for stragglers that hurt a code decoded by least squares, always in the same way, whatever the code.

    What is known of a code that cannot be searched through is only as good as the attack on it, so errors compare when
    they come from the same attack. This one is fixed by the constants of `_attack_search`. It maximises the error of
    ridge decoding, min_r \|\|r B - T\|\|^2 + eps \|\|r\|\|^2 (rows of length 1), which is at least the error and never
    flat, at one eps after the other from large to small, by

    1. erasures: greedily whole clusters of partitions, from every cluster and pair of clusters;
    2. the greedy choice at every eps;
    3. annealing from random sets, a fixed number of proposals per possible swap;

    each followed by best swaps. The worst of these, by plain least squares, are improved by swaps on the error itself.

    Attributes
    ----------
    effort : int
        Multiplies the number of annealing chains. Figures to compare have effort 1.

    Raises
    ------
    InputError
        If the effort is less than 1.

    References
    ----------
    Derived here. Swaps by a swept matrix: Dempster, Elements of Continuous Multivariate Analysis, 1969.

    Examples
    --------
    >>> import networkx as nx
    >>> petersen = nx.to_numpy_array(nx.petersen_graph())
    >>> found = StandardAttack().solve(petersen, stragglers=4)
    >>> round(found.value * 7, 9)
    16.0
    """

    effort: int = 1

    def __post_init__(self) -> None:
        if self.effort < 1:
            raise InputError(f"effort is {self.effort}; 1 or more would work")

    def solve(
        self, encoding: NDArray[Any] | sparse.sparray, *, stragglers: int, blocks: int = 1, rng: RngLike = 0
    ) -> AttackResult:
        """Attack one encoding matrix.

        Parameters
        ----------
        encoding : array or sparse array, shape (n, m * k), real or complex
            B; column ``u * k + i`` is block u of partition i, rows are workers.
        stragglers : int
            s, at most n.
        blocks : int
            m.
        rng : None, int, Generator or SeedSequence
            For the annealing.

        Returns
        -------
        AttackResult
            Status feasible (optimal where there is only one set). More than 1500 workers are attacked by erasure alone.

        Raises
        ------
        InputError
            If the matrix or a number is impossible.
        """
        matrix = checked_encoding(encoding, blocks, stragglers)
        seed, n = seed_of(rng), matrix.shape[0]
        component = Component(np.arange(n), unit_rows(matrix), blocks)
        trivial = stragglers in (0, n) or matrix.nnz == 0
        if not trivial and n <= LARGE:
            _compile(matrix.dtype.str)
        started, looked = perf_counter(), 1
        if trivial or n > LARGE:
            lost = np.arange(stragglers) if trivial else component.starved(stragglers)
            worst = Candidate(component.least_squares(lost)[0], lost, "the only set" if trivial else "erasure")
        else:
            found, looked = candidates(component, stragglers, generator(seed, 0, stragglers), effort=self.effort)
            worst = _polished(component, stragglers, found)
        return AttackResult(
            value=worst.error,
            bound=worst.error if trivial else None,
            status=Status.OPTIMAL if trivial else Status.FEASIBLE,
            seconds=perf_counter() - started,
            seed=seed,
            stragglers=stragglers,
            set=tuple(sorted(int(worker) for worker in worst.lost)),
            evaluated=looked,
            start=worst.origin,
            scale=matrix.shape[1],
        )


def _polished(component: Component, stragglers: int, found: list[Candidate]) -> Candidate:
    """The worst of some sets once the first are improved by swaps on the error itself."""
    n = component.size
    if (n * stragglers) ** 2 > POLISH:
        return found[0]
    data = LeastSquares.of(component.dense, component.target)
    question = Question(data, np.ones(n, dtype=np.int64), stragglers, False, component.whole, np.inf)
    guess = first_guess(question, generator(0), 0, [candidate.lost for candidate in found[:POLISHED]])
    error = component.least_squares(guess.lost)[0]
    better = error > found[0].error * (1.0 + 1e-9) + EXACT * component.whole
    return Candidate(error, guess.lost, "exact swaps") if better else found[0]


def bad_sets(
    scaled: ArrayLike,
    target: ArrayLike,
    stragglers: int,
    count: int,
    rng: RngLike = 0,
    known: ArrayLike | None = None,
) -> tuple[Ints, Floats]:
    """Some distinct bad straggler sets of a real code, fast: for searches that ask again and again.

    The start of the standard attack with fewer ridges and little annealing. Kernels are compiled on first use.

    Parameters
    ----------
    scaled : array, shape (n, V)
        Encoding matrix; column v times the square root of the number of partitions it stands for.
    target : array, shape (V,) or (m, V)
        These square roots (ones for an encoding matrix as it is); with m blocks, a row for each, V columns in all.
    stragglers : int
        s, 1 to n - 1.
    count : int
        How many sets are wanted, 1 or more.
    rng : None, int, Generator or SeedSequence
        For ties and annealing.
    known : int array, shape (p, s), optional
        Sets that were bad for a similar code, to start from as well.

    Returns
    -------
    sets : int64, shape (c, s), c <= count
        Sorted workers, the worst set first.
    errors : float, shape (c,)
        Errors of ridge decoding (rows of length 1) at the smallest eps, 1e-8: never below the true error, and above it
        where decoding takes large coefficients.

    Raises
    ------
    InputError
        If shapes do not fit or a number is impossible.

    Examples
    --------
    >>> sets, errors = bad_sets(np.kron(np.eye(3), np.ones((2, 1))), np.ones(3), 2, 3)  # 3 partitions, twice each
    >>> sorted(sets.tolist()), errors.round(6).tolist()
    ([[0, 1], [2, 3], [4, 5]], [1.0, 1.0, 1.0])
    """
    matrix, wanted = np.asarray(scaled, dtype=np.float64), np.asarray(target, dtype=np.float64)
    starts = np.zeros((0, stragglers), dtype=np.int64) if known is None else np.asarray(known)
    if matrix.ndim != 2 or wanted.ndim not in (1, 2) or wanted.shape[-1:] != matrix.shape[1:]:
        raise InputError(f"scaled has shape {matrix.shape}, target {wanted.shape}; (n, V) and (V,) would work")
    n = len(matrix)
    if not (np.isfinite(matrix).all() and np.isfinite(wanted).all()):
        raise InputError("scaled or target holds NaN or infinity; finite numbers would work")
    if not 1 <= stragglers < n:
        raise InputError(f"stragglers is {stragglers}; with {n} workers 1 to {n - 1} would work")
    if count < 1:
        raise InputError(f"count is {count}; 1 or more would work")
    if not _are_sets(starts, n, stragglers):
        raise InputError(f"known is no list of sets of {stragglers} of {n} workers")
    lengths = np.linalg.norm(matrix, axis=1)
    rows = matrix / np.where(lengths > 0.0, lengths, 1.0)[:, None]
    search = Search.of(rows, np.atleast_2d(wanted), stragglers, generator(seed_of(rng)), QUICK_EPSILONS)
    for members in starts.astype(np.int64):
        search.descend(len(QUICK_EPSILONS) - 1, members, "known")
    search.begin(QUICK_SLACKS, QUICK_ERASURES)
    for number in QUICK_CHAINS:
        search.chain(number, QUICK_PIECE, QUICK_PIECE // ACCEPTED)
    found = sorted(search.best(count), key=lambda item: -item[1])
    return np.array([lost for lost, _, _ in found]), np.array([error for _, error, _ in found])


def _are_sets(sets: NDArray[Any], n: int, stragglers: int) -> bool:
    """Whether the rows are sets of so many of n workers."""
    if sets.ndim != 2 or sets.shape[1] != stragglers or sets.dtype.kind not in "iu":
        return False
    ordered = np.sort(sets, axis=1)
    return bool((ordered[:, :-1] < ordered[:, 1:]).all() and (ordered >= 0).all() and (ordered < n).all())


@lru_cache(maxsize=2)
def _compile(dtype: str) -> None:
    component = compile_search(dtype)
    _polished(component, 2, candidates(component, 2, generator(0))[0])
