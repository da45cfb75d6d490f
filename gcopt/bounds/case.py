"""What a bound is asked about: a code, how its workers straggle, and the measurements that several bounds share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import comb

import numpy as np
from numpy.typing import NDArray

from gcopt.averages import Probability, check_probability, draw
from gcopt.bounds.structure import Structure, structure
from gcopt.checks import check_count, check_finite
from gcopt.code import GradientCode, Segment
from gcopt.decoding import Decoder
from gcopt.enumeration import Pace, weighted_sets
from gcopt.measuring import Interval, Measured
from gcopt.moments import Mean, Moments
from gcopt.redrawn import DRAWS
from gcopt.solvers.seeding import generator

_SETS = 10_000
_DRAWN = 500
_WATCHED = 8


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

    @property
    def epsilon(self) -> float:
        """How far the factors that are drawn are from signs; 0 where none are drawn."""
        return 0.0 if self.segment.signs is None else self.segment.signs.epsilon

    @property
    def few_sets(self) -> bool:
        """Whether there are so few sets of responders that `sets` are all of them."""
        return comb(self.code.workers, self.s) <= _SETS

    @cached_property
    def sets(self) -> NDArray[np.bool_]:
        """All sets of n - s responders where they are few, else random ones and one that strands partitions, (., n)."""
        n = self.code.workers
        if self.few_sets:
            return np.array([heard for _, heard in weighted_sets(n, self.s, None)])
        rng = generator(self.measured.seed, 0)
        drawn = [draw(rng, n, self.s, None) for _ in range(min(_DRAWN, self.measured.samples))]
        return np.array([self.structure.stranding(self.s), *drawn])

    @cached_property
    def means_of_draws(self) -> list[Mean]:
        """The mean error over draws of the code for each of a few of the `sets`."""
        chosen = np.unique(np.linspace(0, len(self.sets) - 1, _WATCHED).astype(int))
        rng, pace, drawn = generator(self.measured.seed, 1), Pace(self.measured.seconds_for_means(0)), []
        for _ in pace.allowed(max(2, self.measured.samples // len(chosen))):
            decoder = Decoder(self.segment.at(int(rng.integers(DRAWS))))
            drawn.append([decoder.error(self.sets[i]) for i in chosen])
        return [Mean.of(errors) for errors in np.array(drawn).T.tolist()]

    def worst(self, stragglers: int | None = None) -> Interval:
        """Return the worst error over sets of s, or of so many."""
        return self.measured.worst("error", 0, self.s if stragglers is None else stragglers)

    def mean(self, *, independent: bool, over_draws: bool = True) -> Mean:
        """Return the mean error, over independent stragglers or sets of s, and over the draws of a code that has any.

        Those of this draw alone with ``over_draws`` false.
        """
        return self.measured.mean(0, self.s, self._how(independent), over_draws=over_draws)

    def moments(self, *, independent: bool) -> Moments:
        """Return mean and spread of the decoded coefficients, likewise."""
        return self.measured.moments(0, self.s, self._how(independent), over_draws=True)

    def _how(self, independent: bool) -> Probability:
        if not independent or self.probability is None:
            return None
        return self.q if np.ptp(self.chances) == 0.0 else tuple(self.chances.tolist())
