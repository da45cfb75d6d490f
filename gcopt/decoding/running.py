"""Errors of one set of responders after the other, where few workers change in between.

What is carried along is changed by rank one for each worker that comes or goes, checked against the equations it
solves, and made anew after many changes or when a check fails. None of it enters coefficients: see `gcopt.decoding`.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gcopt.decoding.correction import STEEP, Correction
from gcopt.decoding.fixed import Sum
from gcopt.decoding.rule import EXACT, Bools, Rule

_CHANGES = 100  # before everything is made anew
_ROUGH = 1e-6  # of the right-hand side: residuals above this are not repaired by one step of refinement
_FINE = 1e-10
_PIVOT = 1e-8


class Running(Protocol):
    """What tells the error of sets of responders."""

    def error(self, heard: Bools) -> float:
        """Return the squared error of the best coefficients."""

    def decodes(self, heard: Bools) -> bool:
        """Whether these workers determine everything; the same answer as that of the rule."""


def follow(rule: Rule) -> Running:
    """Return the fastest way to look at sets that differ little; the rule itself where nothing is faster."""
    if isinstance(rule, Sum):
        return RunningSums(rule)
    if isinstance(rule, Correction):
        if not rule.factors.null.shape[1]:
            return RunningInverse(rule) if rule.factors.steepness > STEEP else rule
        return RunningSpan(rule) if rule.exact else rule
    return rule


class _Changing:
    """The part that is alike: which workers are missing, and what a new set changes."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._missing: NDArray[np.intp] = np.empty(0, dtype=np.intp)
        self._changes = 0

    def _move(self, heard: Bools) -> bool:
        """Go to these responders, by changes of rank one if they are few; whether it was done without a fresh start."""
        known = np.zeros(heard.size, dtype=bool)
        known[self._missing] = True
        back, gone = np.flatnonzero(known & heard), np.flatnonzero(~(known | heard))
        changes = back.size + gone.size
        self._changes += changes
        if self._changes > _CHANGES or 3 * changes > self._missing.size:
            self._restart(heard)
            return False
        if not (all(map(self._add, gone.tolist())) and all(map(self._remove, back.tolist()))):
            self._restart(heard)
            return False
        return True

    def _restart(self, heard: Bools) -> None:
        self._missing = np.flatnonzero(~heard)
        self._changes = 0
        self._fresh()

    def _fresh(self) -> None:
        """Compute what is carried along from the missing workers."""
        raise NotImplementedError

    def _add(self, worker: int) -> bool:
        """Take a worker among the missing; False if that would be inaccurate."""
        raise NotImplementedError

    def _remove(self, worker: int) -> bool:
        """Take a worker back; False if that would be inaccurate."""
        raise NotImplementedError


class RunningInverse(_Changing):
    """Codes of full row rank: error = error of all + a0_S^H (P_SS)^-1 a0_S, with the inverse bordered and cut."""

    def __init__(self, rule: Correction) -> None:
        super().__init__(rule)
        self._wanted = rule.factors.solution
        self._whole = rule.factors.inverse
        self._least = rule.error(np.ones(rule.matrix.shape[0], dtype=bool))
        self._restart(np.ones(rule.matrix.shape[0], dtype=bool))

    def error(self, heard: Bools) -> float:
        """Return the squared error of the best coefficients."""
        moved = self._move(heard)
        found = self._solve()
        if found is None and moved:
            self._restart(heard)
            found = self._solve()
        return self._rule.error(heard) if found is None else self._least + found

    def decodes(self, heard: Bools) -> bool:
        """Whether these workers determine everything; only what is far from exact is decided here."""
        return self.error(heard) <= 1e3 * EXACT * self._rule.size and self._rule.decodes(heard)

    def _solve(self) -> float | None:
        """Return a0_S^H (P_SS)^-1 a0_S, or None where the inverse is not accurate enough."""
        missing = self._missing
        wanted, within = self._wanted[missing], self._whole[np.ix_(missing, missing)]
        scale = float(np.linalg.norm(wanted))
        found = self._inverse @ wanted
        left = wanted - within @ found
        if not np.linalg.norm(left) <= _ROUGH * scale:
            return None
        found = found + self._inverse @ left
        left = wanted - within @ found
        if not np.linalg.norm(left) <= _FINE * scale:
            return None
        return float(np.real(np.vdot(wanted, found)))

    def _fresh(self) -> None:
        self._inverse: NDArray[Any] = np.linalg.inv(self._whole[np.ix_(self._missing, self._missing)])

    def _add(self, worker: int) -> bool:
        column = self._whole[self._missing, worker]
        image = self._inverse @ column
        diagonal = float(self._whole[worker, worker].real)
        pivot = diagonal - float(np.real(np.vdot(column, image)))
        if not pivot > _PIVOT * diagonal:
            return False
        size = self._missing.size
        grown = np.empty((size + 1, size + 1), dtype=self._inverse.dtype)
        grown[:size, :size] = self._inverse + np.outer(image, np.conj(image) / pivot)
        grown[:size, size] = -image / pivot
        grown[size, :size] = np.conj(grown[:size, size])
        grown[size, size] = 1.0 / pivot
        self._inverse, self._missing = grown, np.append(self._missing, worker)
        return True

    def _remove(self, worker: int) -> bool:
        i = int(np.flatnonzero(self._missing == worker)[0])
        rest = np.arange(self._missing.size) != i
        column = self._inverse[rest, i]
        self._inverse = self._inverse[np.ix_(rest, rest)] - np.outer(column, np.conj(column) / self._inverse[i, i])
        self._missing = self._missing[rest]
        return True


class RunningSpan(_Changing):
    """Redundant codes: says no where N_S is far from a0_S, with the inverse of N_S^H N_S; all else is the rule's."""

    def __init__(self, rule: Correction) -> None:
        super().__init__(rule)
        self._correction = rule
        self._null, self._wanted = rule.factors.null, rule.factors.solution
        self._restart(np.zeros(self._wanted.shape[0], dtype=bool))

    def error(self, heard: Bools) -> float:
        """Return the squared error of the best coefficients."""
        return self._rule.error(heard)

    def decodes(self, heard: Bools) -> bool:
        """Whether these workers determine everything."""
        return not self._hopeless(heard) and self._rule.decodes(heard)

    def _hopeless(self, heard: Bools) -> bool:
        if heard.size - int(heard.sum()) <= self._null.shape[1]:
            return False  # so few can nearly always be spared
        moved = self._move(heard)
        left = self._left()
        if left is None and moved:
            self._restart(heard)
            left = self._left()
        return left is not None and self._correction.hopeless(left)

    def _left(self) -> float | None:
        """Return the distance of a0_S from the span of N_S, or None where it is not accurate enough."""
        wanted, null = self._wanted[self._missing], self._null[self._missing]
        step = self._inverse @ (null.conj().T @ wanted)
        step = step + self._inverse @ (null.conj().T @ (wanted - null @ step))
        left = wanted - null @ step
        distance = float(np.linalg.norm(left))
        settled = np.linalg.norm(null.conj().T @ left) <= _FINE * distance
        return distance if settled else None

    def _fresh(self) -> None:
        null = self._null[self._missing]
        self._inverse: NDArray[Any] = np.linalg.pinv(null.conj().T @ null, hermitian=True)

    def _add(self, worker: int) -> bool:
        return self._update(worker, 1.0)

    def _remove(self, worker: int) -> bool:
        return self._update(worker, -1.0)

    def _update(self, worker: int, sign: float) -> bool:
        row = self._null[worker]
        image = self._inverse @ np.conj(row)
        pivot = 1.0 + sign * float(np.real(row @ image))
        if not pivot > _PIVOT:
            return False
        self._inverse = self._inverse - np.outer(image, np.conj(image) * (sign / pivot))
        if sign > 0:
            self._missing = np.append(self._missing, worker)
        else:
            self._missing = self._missing[self._missing != worker]
        return True


class RunningSums(_Changing):
    """Fixed coefficients: the sums of the responders' columns, changed by the rows that come and go."""

    def __init__(self, rule: Sum) -> None:
        super().__init__(rule)
        self._fixed, self._matrix, self._target = rule, rule.contributions.mean, rule.contributions.target
        self._restart(np.ones(rule.matrix.shape[0], dtype=bool))

    def error(self, heard: Bools) -> float:
        """Return the squared error of the fixed coefficients."""
        self._move(heard)
        return float(np.sum(np.abs(self._fixed.factor(heard) * self._sums - self._target) ** 2))

    def decodes(self, heard: Bools) -> bool:
        """Whether these workers determine everything; only what is far from exact is decided here."""
        return self.error(heard) <= 1e3 * EXACT * self._rule.size and self._rule.decodes(heard)

    def _fresh(self) -> None:
        heard = np.ones(self._matrix.shape[0])
        heard[self._missing] = 0.0
        self._sums: NDArray[Any] = np.asarray(heard @ self._matrix)

    def _add(self, worker: int) -> bool:
        self._change(worker, -1.0)
        self._missing = np.append(self._missing, worker)
        return True

    def _remove(self, worker: int) -> bool:
        self._change(worker, 1.0)
        self._missing = self._missing[self._missing != worker]
        return True

    def _change(self, worker: int, sign: float) -> None:
        row = slice(self._matrix.indptr[worker], self._matrix.indptr[worker + 1])
        self._sums[self._matrix.indices[row]] += sign * self._matrix.data[row]
