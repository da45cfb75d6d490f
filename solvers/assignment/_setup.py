"""A question as the kernels need it: arrays of the right kind, and places to walk in. Imports numba."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..attack import bad_sets
from ..seeding import generator
from ._inverse_kernels import inverse_of
from ._walk_kernels import Place, Sizes, Wanted, objective
from .question import Question, Rounds

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RIDGE = 1e-8
"""Of the mean squared length of a row: errors come out larger by this times the squared length of the decoding."""

_KNOWN, _KNOWN_SAMPLED, _NEW = 32, 96, 32  # bad sets to remember, and of these, how many an attack brings


class Setup:
    """A question about codes with clusters of given sizes.

    Parameters
    ----------
    question : Question
    sizes : int64, shape (V,)
    seed : int
        Of the drawn sets, the same for all codes.
    """

    def __init__(self, question: Question, sizes: Ints, seed: int) -> None:
        self.question, self.sizes, self.seed = question, sizes, seed
        self.fit = Sizes(sizes, np.sqrt(sizes), question.caps, self._kinds())

    def _kinds(self) -> Floats:
        """Chances of the kinds of moves, added up: those that cannot be, or cannot help, are left out."""
        question, free = self.question, self.question.replication is None
        room = int(question.caps.sum()) - question.partitions * (question.replication or 0)
        timed = question.weights.time > 0.0 and free  # without a clock a copy does no harm
        loose = (not free and room > 0) or timed or np.ptp(self.sizes) > 0
        chances = np.array([0.7, 0.15 * loose, 0.15 * free, 0.15 * timed, 0.15 * timed, 0.25 * question.tuned])
        return np.asarray(np.cumsum(chances / chances.sum()))

    @property
    def attacked(self) -> bool:
        """Whether the worst case is that of an attack."""
        return self.question.weights.worst > 0.0 and not self.question.exact

    @cached_property
    def wanted(self) -> Wanted:
        """What is minimised."""
        question = self.question
        samples, chances = self._samples()
        rounds = question.rounds or Rounds(np.empty((0, 0)), np.empty((0, 0)), 0.0, 0.0)
        return Wanted(
            question.weights.array,
            question.stragglers,
            question.exact,
            question.workers,
            samples,
            chances,
            rounds.overhead,
            rounds.pace,
            rounds.tolerance * question.partitions,
            rounds.never,
        )

    def _samples(self) -> tuple[Ints, Floats]:
        """Return drawn sets, each filled up with -1, and their weights; no sets where all are looked at."""
        question, n = self.question, self.question.workers
        none = np.empty((0, max(1, question.stragglers)), dtype=np.int64)
        if not question.weights.mean:
            return none, np.ones(1)
        if question.probability is None and question.exact:
            return none, np.array([1.0 / question.sets])
        rng, size = generator(self.seed, 5), question.samples
        if question.probability is None:
            sets = np.array([rng.choice(n, question.stragglers, replace=False) for _ in range(size)], dtype=np.int64)
        else:
            lost = rng.random((size, n)) < question.probability
            sets = np.sort(np.where(lost, np.arange(n), n), axis=1)[:, : max(1, int(lost.sum(axis=1).max()))]
            sets[sets == n] = -1
        return sets, np.full(size, 1.0 / size)

    def ridge(self, matrix: Floats) -> float:
        """Return eps for a matrix."""
        return RIDGE * float((matrix**2).sum()) / len(matrix)

    def place(self, matrix: Floats, bad: Ints) -> Place:
        """Return a place at a matrix, with an inverse from scratch."""
        n, s, ridge = len(matrix), self.question.stragglers, self.ridge(matrix)
        matrix = np.array(matrix, dtype=np.float64, order="C")
        gram = matrix @ matrix.T + ridge * np.eye(n)
        deepest = max(s, self.wanted.samples.shape[1])
        levels = max(s, 1) if self.question.exact else 1
        return Place(
            matrix,
            gram,
            inverse_of(matrix, ridge),
            matrix @ self.fit.target,
            np.empty(n),
            np.asarray((matrix != 0.0) @ self.sizes),
            np.array(bad, dtype=np.int64, order="C"),
            np.empty((levels, n + 1, n)),
            np.empty((deepest + 1, deepest)),
            np.zeros(2, dtype=np.int64),
        )

    def known(self, matrix: Floats, bad: Ints) -> Ints:
        """Return bad sets to begin with: those given, and so many drawn ones as are missing."""
        n, s = self.question.workers, self.question.stragglers
        most = _KNOWN_SAMPLED if self.attacked else _KNOWN
        if not self.question.weights.worst or not s:
            return np.empty((0, s), dtype=np.int64)
        if self.attacked:
            return np.concatenate([self.attack(matrix, bad), bad])[:most]
        rng = generator(self.seed, 6)
        drawn = [rng.choice(n, s, replace=False) for _ in range(most - len(bad))]
        return np.concatenate([bad, np.array(drawn, dtype=np.int64).reshape(-1, s)])

    def attack(self, matrix: Floats, known: Ints) -> Ints:
        """Return sets that are bad for a code, without looking at every one; ``known`` ones were for another."""
        return bad_sets(matrix, self.fit.target, self.question.stragglers, _NEW, rng=self.seed, known=known)[0]

    def judge(self, matrix: Floats, bad: Ints) -> tuple[float, Ints]:
        """Return the value of a code, attacked where not every set is looked at, and sets that are bad for it."""
        place = self.place(matrix, self.known(matrix, bad))
        return self.value(place), place.bad

    def value(self, place: Place) -> float:
        """Return the value of the code in a place, its known bad sets standing for all where they are too many."""
        return float(objective(place, self.fit, self.wanted, np.inf))
