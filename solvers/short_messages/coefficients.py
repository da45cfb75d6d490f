"""The error of a code over sets of stragglers, and coefficients that lower it. Imports numba."""

from __future__ import annotations

from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from .._descent import minimise
from ..attack import bad_sets
from ..block_bounds import expected_loss, expected_missing
from ..seeding import generator
from ._kernels import decode
from .question import Question

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RIDGE, FAINT = 1e-8, 1e-10
"""Eps, for rows of length 1, where coefficients are tuned, lest decoding take large ones, and where they are not:
errors come out larger by this times the squared length of the decoding."""

_POWER = 24  # of the errors, whose norm stands for the largest one where a slope is needed
_NEW, _KNOWN = 32, 96  # bad sets that an attack brings, and how many are remembered
_ROUNDING = 1e-12  # of m k
_FIRM = 1e-9  # of the mean eigenvalue, added where coefficients are solved for


class Judge:
    """A question about codes with clusters of given sizes.

    A code is a matrix X of shape (n, m * V), column ``u * V + c`` for block u of cluster c: coefficients times the root
    of the size of the cluster. The lengths of rows do not matter.

    Parameters
    ----------
    question : Question
    sizes : int64, shape (V,)
    seed : int
        Of the drawn sets, the same for all codes.
    """

    def __init__(self, question: Question, sizes: Ints, seed: int) -> None:
        self.question, self.sizes, self.seed = question, sizes, seed
        self.target = np.kron(np.eye(question.blocks), np.sqrt(sizes))
        self.whole = float(question.blocks * question.partitions)
        self.ridge = RIDGE if question.tuned else FAINT

    @cached_property
    def _mean_sets(self) -> tuple[Ints, Floats]:
        """The sets of the mean and how likely each is."""
        question, n = self.question, self.question.workers
        if question.probability is None and question.exact:
            return self._all_sets, np.full(question.sets, 1.0 / question.sets)
        q, rng = question.probability, generator(self.seed, 5)
        if q is None:
            drawn = [rng.choice(n, question.stragglers, replace=False) for _ in range(question.samples)]
            return np.array(drawn, dtype=np.int64), np.full(question.samples, 1.0 / question.samples)
        if not question.all_means:
            lost = rng.random((question.samples, n)) < q
            chances = np.full(question.samples, 1.0 / question.samples)
        else:
            lost = (np.arange(2**n)[:, None] >> np.arange(n)) % 2 > 0
            chances = q ** lost.sum(axis=1) * (1.0 - q) ** (n - lost.sum(axis=1))
        return np.where(lost, np.arange(n), -1), chances

    @cached_property
    def _all_sets(self) -> Ints:
        question = self.question
        every = list(combinations(range(question.workers), question.stragglers))
        return np.array(every, dtype=np.int64).reshape(len(every), question.stragglers)

    @property
    def attacked(self) -> bool:
        """Whether the worst case is that of an attack."""
        return self.question.worst > 0.0 and not self.question.exact

    def value(self, X: Floats, bad: Ints) -> float:
        """Return the value of a code; ``bad`` sets stand for all where these are too many."""
        total = self._missed(X)
        for weight, errors, _, chances in self._parts(_unit(X), bad):
            total += weight * (float(errors.max()) if chances is None else float(errors @ chances))
        return total

    def _missed(self, X: Floats) -> float:
        """Return what drawn sets miss: clusters short of responders are rare, but what they cost on average is known.

        It depends on nothing but how many workers a cluster has (the pointwise bound, each missing dimension costs 1).
        """
        question, m = self.question, self.question.blocks
        if question.all_means or not question.mean:
            return 0.0
        sets, chances = self._mean_sets
        held = (X.reshape(len(X), m, -1) != 0.0).any(axis=1)
        heard = np.ones((len(sets), question.workers + 1), dtype=bool)
        np.put_along_axis(heard, sets, False, axis=1)  # -1 is the last, which is nobody
        drawn = chances @ np.maximum(0, m - heard[:, :-1].astype(np.int64) @ held)
        known = [self._loss(int(copies)) for copies in held.sum(axis=0)]
        return question.mean * float((np.array(known) - drawn) @ self.sizes)

    def _loss(self, copies: int) -> float:
        """Return what a partition with so many workers costs on average at least."""
        n, m, s, q = (getattr(self.question, name) for name in ("workers", "blocks", "stragglers", "probability"))
        return expected_loss(n, copies, m, s) if q is None else expected_missing(copies, m, q)

    def _parts(self, U: Floats, bad: Ints) -> list[tuple[float, Floats, Floats, Floats | None]]:
        """Return weight, errors and decodings of the mean, with chances, and of the worst case, with None."""
        gram, seen = U @ U.T + self.ridge * np.eye(len(U)), U @ self.target.T
        parts: list[tuple[float, Floats, Floats, Floats | None]] = []
        if self.question.mean:
            sets, chances = self._mean_sets
            parts.append((self.question.mean, *decode(gram, seen, self.whole, sets), chances))
        if self.question.worst:
            sets = bad if self.attacked else self._all_sets
            parts.append((self.question.worst, *decode(gram, seen, self.whole, sets), None))
        return parts

    def slope(self, X: Floats, bad: Ints) -> tuple[float, Floats]:
        """Return the value and its gradient; a high norm of the errors stands for the largest one.

        The derivative of min_R ||R X - T||^2 + eps ||R||^2 is 2 R^T (R X - T) at the best R, for each set.
        """
        lengths = np.linalg.norm(X, axis=1, keepdims=True)
        U = X / lengths
        value, square, first = self._moments(U, bad)
        steep = 2.0 * (square @ U - first @ self.target)
        along = (steep * U).sum(axis=1, keepdims=True)
        return value, (steep - along * U) / lengths

    def _moments(self, U: Floats, bad: Ints) -> tuple[float, Floats, Floats]:
        """Return the value, and sum_F w_F R_F^T R_F and sum_F w_F R_F^T, w_F what a set counts at this point."""
        n, m = len(U), self.question.blocks
        value, square, first = self._missed(U), np.zeros((n, n)), np.zeros((n, m))
        for weight, errors, R, chances in self._parts(U, bad):
            if chances is None:
                errors = np.maximum(errors, _ROUNDING * self.whole)
                top = float(errors.max())
                size = top * float(((errors / top) ** _POWER).sum()) ** (1.0 / _POWER)
                value, counts = value + weight * size, weight * (errors / size) ** (_POWER - 1)
            else:
                value, counts = value + weight * float(errors @ chances), weight * chances
            flat = (R * np.sqrt(counts)[:, None, None]).transpose(1, 0, 2).reshape(n, -1)
            square += flat @ flat.T
            first += np.tensordot(counts, R, axes=1)
        return value, square, first

    def alternate(self, X: Floats, bad: Ints) -> Floats:
        """Return coefficients that are best for the decodings of these: one step of alternating minimisation.

        Each column (a block of a cluster) is a least-squares problem of its own in the coefficients of its holders.
        """
        _, square, first = self._moments(_unit(X), bad)
        square = square + _FIRM * np.trace(square) / len(square) * np.eye(len(square))
        wanted, found = first @ self.target, np.zeros_like(X)
        for p in range(X.shape[1]):
            holders = np.flatnonzero(X[:, p])
            found[holders, p] = np.linalg.solve(square[np.ix_(holders, holders)], wanted[holders, p])
        return np.where(found.any(axis=1, keepdims=True), found, X)

    def descend(self, X: Floats, bad: Ints, steps: int) -> Floats:
        """Return coefficients of smaller value, by so many steps at most along the gradient."""
        some = np.flatnonzero(X.ravel())

        def function(x: Floats) -> tuple[float, Floats]:
            value, steep = self.slope(_filled(X, some, x), bad)
            return value, steep.ravel()[some]

        return _unit(_filled(X, some, minimise(function, _unit(X).ravel()[some], steps)))

    def attack(self, X: Floats, known: Ints) -> Ints:
        """Return sets that are bad for a code, without looking at every one; ``known`` ones were for another."""
        found, _ = bad_sets(X, self.target, self.question.stragglers, _NEW, rng=self.seed, known=known)
        return np.concatenate([found, known])[:_KNOWN]

    def judge(self, X: Floats, bad: Ints) -> tuple[float, Ints]:
        """Return the value of a code, attacked where not every set is looked at, and sets that are bad for it."""
        if self.attacked:
            bad = self.attack(X, bad)
        return self.value(X, bad), bad


def _unit(X: Floats) -> Floats:
    """Return rows of length 1."""
    return np.asarray(X / np.linalg.norm(X, axis=1, keepdims=True))


def _filled(X: Floats, some: Ints, values: Floats) -> Floats:
    found = np.zeros_like(X)
    found.ravel()[some] = values
    return found
