"""What a bound is asked about: a code, how its workers straggle, and the measurements that several bounds share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gcopt.averages import Probability, check_probability
from gcopt.bounds.structure import Structure, structure
from gcopt.checks import check_count, check_finite
from gcopt.code import GradientCode, Segment
from gcopt.measuring import Interval, Measured
from gcopt.moments import Mean, Moments


@dataclass(frozen=True, eq=False)
class Case:
    """A code and its stragglers.

    Attributes
    ----------
    measured : Measured
        The verifier's measurements of the code.
    stragglers : int or None
        s, for what is said about sets of s.
    probability : float, sequence of float (n,) or None
        q, for what is said about workers that straggle independently.
    error : float
        The squared error that an adversary wants to inflict, for thresholds.

    Raises
    ------
    InputError
        If a number is impossible.

    Examples
    --------
    >>> code = GradientCode.from_matrix(np.eye(3))
    >>> Case(Measured(code, seed=0, samples=10, seconds=1.0), stragglers=1).worst().lower
    1.0
    """

    measured: Measured
    stragglers: int | None = None
    probability: Probability = None
    error: float = 1.0

    def __post_init__(self) -> None:
        n = self.code.workers
        if self.stragglers is not None:
            check_count("stragglers", self.stragglers, 0, n - 1, f" (fewer than the {n} workers)")
        check_probability(self.probability, n)
        check_finite("error", self.error, 0.0, open_low=True)

    @property
    def code(self) -> GradientCode:
        """The code."""
        return self.measured.code

    @property
    def structure(self) -> Structure:
        """What the entries of the matrix say."""
        return structure(self.code)

    @property
    def segment(self) -> Segment:
        """The only segment."""
        return self.code.segments[0]

    @property
    def setting(self) -> str:
        """Stragglers and probability in words."""
        alike = np.ptp(self.chances) == 0.0
        chance = f"q = {self.q:g}" if alike else "q by worker"
        return f"s = {self.s}" + ("" if self.probability is None else f", {chance}")

    @property
    def s(self) -> int:
        """Number of stragglers; 0 where none is given."""
        return self.stragglers or 0

    @property
    def responders(self) -> int:
        """n - s."""
        return self.code.workers - self.s

    @cached_property
    def chances(self) -> NDArray[np.float64]:
        """Probability of every worker to straggle, shape (n,); zeros where none is given."""
        found = check_probability(self.probability, self.code.workers)
        return np.zeros(self.code.workers) if found is None else found

    @property
    def q(self) -> float:
        """The probability of all workers to straggle, where they are alike."""
        return float(self.chances[0])

    def worst(self, stragglers: int | None = None) -> Interval:
        """Return the worst error over sets of s, or of so many."""
        return self.measured.worst("error", 0, self.s if stragglers is None else stragglers)

    def mean(self, *, independent: bool) -> Mean:
        """Return the mean error, over independent stragglers or sets of s."""
        return self.measured.mean(0, self.s, self._how(independent))

    def moments(self, *, independent: bool) -> Moments:
        """Return mean and spread of the decoded coefficients, likewise."""
        return self.measured.moments(0, self.s, self._how(independent))

    def _how(self, independent: bool) -> Probability:
        if not independent or self.probability is None:
            return None
        return self.q if np.ptp(self.chances) == 0.0 else tuple(self.chances.tolist())
