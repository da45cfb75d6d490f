"""The adversarial threshold: how few stragglers can inflict a given error on a code."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .adversary import WorstCase, WorstCaseResult, checked_encoding
from .errors import InputError
from .result import Result, Status
from .seeding import RngLike, seed_of

NEAR = 1e-9  # share of the error asked for by which an error may fall short of it
QUICK = 0.05  # share of the time left that one first look at a number of stragglers may take
LEAST = 0.05  # seconds that are always taken


@dataclass(frozen=True, kw_only=True)
class ThresholdResult(Result):
    """The least number of stragglers known to inflict the error, and the least that is not ruled out.

    ``value`` is the size of ``set``; ``bound`` is the smallest number of stragglers that is not proved to be harmless.

    Attributes
    ----------
    error : float
        What was asked for.
    set : tuple of int
        Workers whose loss causes at least that.
    inflicted : float
        The error that ``set`` causes, by plain least squares.
    worst : tuple of (int, float, float or None)
        What was searched: stragglers, worst error found, proved bound.
    method : str
        How the last proof was made, in a phrase.
    """

    error: float
    set: tuple[int, ...]
    inflicted: float
    worst: tuple[tuple[int, float, float | None], ...]
    method: str


@dataclass(frozen=True)
class Threshold:
    r"""Search for the smallest number of stragglers that inflicts an error on a code decoded by least squares.

    The worst error never falls when more workers straggle, so sets that are found bound the number from above, and
    proved worst cases from below.

    Attributes
    ----------
    error : float
        Squared error \|\|R B - T\|\|_F^2 to be reached, above 0.
    seconds : float or None
        Time limit; None waits for the proof.

    Raises
    ------
    InputError
        If an option is impossible.

    References
    ----------
    Kadhe, Koyluoglu, Ramchandran 2019, arXiv 1904.13373 (the notion; block designs). For a symmetric design with load d
    whose points are together in l blocks it is the least s >= e d^2 / (d - l + e l), e the error.

    Examples
    --------
    >>> fano = np.array([[float((j - i) % 7 in (0, 1, 3)) for j in range(7)] for i in range(7)])
    >>> found = Threshold(error=1.0).solve(fano, rng=0)
    >>> print(found.value, found.bound, found.status)  # 9 / (3 - 1 + 1) = 3
    3.0 3.0 optimal
    """

    error: float
    seconds: float | None = 60.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.error) and self.error > 0):
            raise InputError(f"error is {self.error}; a positive number would work")
        if self.seconds is not None and not self.seconds > 0:
            raise InputError(f"seconds is {self.seconds}; a positive number or None would work")

    def solve(
        self, encoding: NDArray[Any] | sparse.sparray, *, blocks: int = 1, rng: RngLike = None
    ) -> ThresholdResult:
        """Find the threshold of one encoding matrix.

        Parameters
        ----------
        encoding : array or sparse array, shape (n, m * k), real or complex
            B; column ``u * k + i`` is block u of partition i, rows are workers.
        blocks : int
            m.
        rng : None, int, Generator or SeedSequence
            For the random first guesses of the searches.

        Returns
        -------
        ThresholdResult
            Status optimal (bound equals value) or feasible (the threshold lies between bound and value).

        Raises
        ------
        InputError
            If the matrix or a number is impossible, or the error is more than m k, which is that of losing everybody.
        LimitError
            If more than 10,000 workers hang together and are not plain repetition.
        """
        matrix = checked_encoding(encoding, blocks, 0)
        n, whole = matrix.shape
        if self.error > whole * (1.0 + NEAR):
            raise InputError(f"error is {self.error}; losing everybody costs {whole}, at most that would work")
        state = _State(self, matrix, blocks, seed_of(rng), perf_counter(), n)
        state.look(n, self.seconds)
        state.look(0, self.seconds)
        state.find()
        state.prove(QUICK)
        if state.low < state.high:
            state.look(state.high - 1, state.share(0.5))
            state.prove(0.5)
        found = state.found
        return ThresholdResult(
            value=float(state.high),
            bound=float(state.low),
            status=Status.OPTIMAL if state.low == state.high else Status.FEASIBLE,
            seconds=perf_counter() - state.started,
            seed=state.seed,
            error=self.error,
            set=found.set,
            inflicted=found.value,
            worst=tuple(sorted(state.worst)),
            method=state.method,
        )


@dataclass(eq=False)
class _State:
    """What is known: fewer than ``low`` stragglers are harmless, ``high`` are not."""

    asked: Threshold
    matrix: sparse.csr_array
    blocks: int
    seed: int
    started: float
    high: int
    low: int = 0
    worst: list[tuple[int, float, float | None]] = field(default_factory=list)
    method: str = ""
    results: dict[int, WorstCaseResult] = field(default_factory=dict)

    @property
    def found(self) -> WorstCaseResult:
        """The result with the fewest stragglers that inflict the error."""
        return self.results[self.high]

    @property
    def left(self) -> float | None:
        """Seconds that are left, at least `LEAST`; None for no limit."""
        if self.asked.seconds is None:
            return None
        return max(LEAST, self.asked.seconds - (perf_counter() - self.started))

    def look(self, stragglers: int, seconds: float | None) -> None:
        """Search the worst case of one number of stragglers, and learn from it."""
        result = WorstCase(seconds=seconds).solve(self.matrix, blocks=self.blocks, stragglers=stragglers, rng=self.seed)
        self.worst.append((stragglers, result.value, result.bound))
        enough = self.asked.error * (1.0 - NEAR)
        if result.value >= enough and stragglers <= self.high:
            self.high, self.results[stragglers] = stragglers, result
            self.low = min(self.low, self.high)
        elif result.bound is not None and result.bound < enough and stragglers >= self.low:
            self.low, self.method = stragglers + 1, result.method

    def find(self) -> None:
        """Halve the numbers for which no set was found, in a hurry, taking them for harmless."""
        low = self.low
        while low < self.high:
            middle = (low + self.high) // 2
            self.look(middle, self.share(QUICK))
            low = max(low, self.low) if middle == self.high else middle + 1

    def prove(self, share: float) -> None:
        """Halve the numbers not ruled out, taking those that a ``share`` of the time does not rule out for harmful."""
        high = self.high
        while self.low < high and (self.left is None or self.left > LEAST):
            middle, known = (self.low + high) // 2, self.low
            self.look(middle, self.share(share))
            high = min(high, self.high) if self.low > known else min(middle, self.high)

    def share(self, share: float) -> float | None:
        """A share of the seconds that are left."""
        return None if self.left is None else max(LEAST, share * self.left)
