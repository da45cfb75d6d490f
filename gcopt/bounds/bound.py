"""A published bound as an object: what it says, when it applies, its number, and its check on a code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gcopt.averages import Probability
from gcopt.bounds.case import Case
from gcopt.bounds.quantities import Quantity, Reading
from gcopt.code import DECODERS, GradientCode
from gcopt.errors import InputError
from gcopt.measuring import SLACK, Measured
from gcopt.solvers.seeding import RngLike, seed_of

Hypothesis = Callable[[Case], str | None]
Formula = Callable[[Case], float]


@dataclass(frozen=True)
class Finding:
    """A bound, held against what a code does.

    Attributes
    ----------
    bound : Bound
    claimed : float
        What the formula gives for this code.
    measured : float
        What the verifier measured.
    status : str
        ``proved`` (it holds), ``sampled`` (nothing speaks against it, and it is not proved) or ``violated``.
    method : str
        How the quantity was measured.
    """

    bound: Bound
    claimed: float
    measured: float
    status: str
    method: str

    @property
    def ratio(self) -> float | None:
        """Measured over claimed; None where the claim is 0."""
        return self.measured / self.claimed if self.claimed else None

    def to_dict(self) -> dict[str, Any]:
        """Return what ``gcopt verify --bounds --json`` lists."""
        return {
            **self.bound.to_dict(),
            "applies": True,
            "claimed": self.claimed,
            "measured": self.measured,
            "ratio": self.ratio,
            "status": self.status,
            "method": self.method,
        }


@dataclass(frozen=True, eq=False)
class Bound:
    """One published bound.

    Attributes
    ----------
    name : str
    source : str
        The publication, down to the theorem or equation.
    quantity : Quantity
        What is bounded; it knows how to measure itself.
    direction : str
        ``upper`` (the quantity is at most the formula), ``lower`` or ``equality``.
    decoders : tuple of str
        Decoders of which it speaks.
    hypotheses : tuple of callable
        Each returns None, or the sentence that says why a case does not satisfy it.
    value : callable
        The formula, for a case that satisfies the hypotheses; its docstring is the statement.

    Examples
    --------
    >>> import gcopt, numpy as np
    >>> bound, code = gcopt.bounds.BOUNDS["spectral"], GradientCode.from_matrix(np.ones((3, 3)) - np.eye(3))
    >>> bound.check(code, stragglers=1).status
    'proved'
    >>> bound.applies(GradientCode.from_matrix([[1.0, 1.0], [1.0, 0.0]]), stragglers=1)
    'workers hold 1 to 2 partitions; equal loads are needed'
    """

    name: str
    source: str
    quantity: Quantity
    direction: str
    decoders: tuple[str, ...]
    hypotheses: tuple[Hypothesis, ...]
    value: Formula

    @property
    def statement(self) -> str:
        """The bound in a sentence, with its formula."""
        return " ".join((self.value.__doc__ or "").split())

    def fails(self, case: Case) -> str | None:
        """Return None, or the sentence that says which hypothesis a case does not satisfy."""
        tests = (_one_segment, self._decoded, self.quantity.asked, *self.hypotheses)
        return next((failed for test in tests if (failed := test(case)) is not None), None)

    def judge(self, case: Case) -> Finding:
        """Hold the bound against a case; see `check`."""
        claimed, reading = self._claimed(case), self.quantity.measure(case)
        slack = SLACK * abs(claimed) + case.measured.decoders[0].tolerance
        return Finding(self, claimed, reading.value, _status(self.direction, claimed, reading, slack), reading.method)

    def applies(
        self,
        code: GradientCode,
        *,
        stragglers: int | None = None,
        probability: Probability = None,
        error: float = 1.0,
    ) -> str | None:
        """Return None where the bound applies, or the sentence that says which hypothesis fails.

        Parameters
        ----------
        code : GradientCode
        stragglers : int, optional
            s, for bounds on sets of s.
        probability : float or sequence of float (n,), optional
            q, for bounds on workers that straggle independently.
        error : float
            The squared error an adversary wants to inflict, for thresholds; 1 is one partition.

        Raises
        ------
        InputError
            If a number is impossible.
        """
        return self.fails(Case(_measured(code), stragglers, probability, error))

    def formula(
        self,
        code: GradientCode,
        *,
        stragglers: int | None = None,
        probability: Probability = None,
        error: float = 1.0,
    ) -> float:
        """Return the number the bound gives for a code; parameters are those of `applies`.

        Raises
        ------
        InputError
            If the bound does not apply, with the hypothesis that fails.
        """
        return self._claimed(Case(_measured(code), stragglers, probability, error))

    def check(
        self,
        code: GradientCode,
        *,
        stragglers: int | None = None,
        probability: Probability = None,
        error: float = 1.0,
        samples: int = 1000,
        seconds: float = 60.0,
        rng: RngLike = 0,
    ) -> Finding:
        """Measure the quantity, exactly or by sampling, and compare; the first parameters are those of `applies`.

        Parameters
        ----------
        code, stragglers, probability, error
        samples : int
            Sets drawn where they cannot be enumerated.
        seconds : float
            Time limit of the searches together.
        rng : None, int, Generator or SeedSequence

        Raises
        ------
        InputError
            If the bound does not apply, with the hypothesis that fails.
        """
        return self.judge(Case(_measured(code, samples, seconds, rng), stragglers, probability, error))

    def to_dict(self) -> dict[str, Any]:
        """Return what the bound is, without a code."""
        return {
            "name": self.name,
            "statement": self.statement,
            "source": self.source,
            "direction": self.direction,
            "quantity": self.quantity.words,
            "decoders": list(self.decoders),
        }

    def _claimed(self, case: Case) -> float:
        if (failed := self.fails(case)) is not None:
            raise InputError(f"{self.name} does not apply: {failed}")
        return float(self.value(case))

    def _decoded(self, case: Case) -> str | None:
        if case.segment.decoder in self.decoders:
            return None
        return f"the code uses the {case.segment.decoder} decoder; this speaks of {' and '.join(self.decoders)}"


def bound(
    name: str,
    quantity: Quantity,
    direction: str,
    *,
    source: str,
    needs: Sequence[Hypothesis] = (),
    decoders: tuple[str, ...] = DECODERS,
) -> Callable[[Formula], Bound]:
    """Make a bound of the decorated formula, whose docstring is the statement."""
    return lambda formula: Bound(name, source, quantity, direction, decoders, tuple(needs), formula)


def _one_segment(case: Case) -> str | None:
    parts = len(case.code.segments)
    return None if parts == 1 else f"the code has {parts} segments; bounds speak of codes with one"


def _measured(code: GradientCode, samples: int = 1000, seconds: float = 60.0, rng: RngLike = 0) -> Measured:
    return Measured(code, seed_of(rng), samples, seconds)


def _status(direction: str, claimed: float, reading: Reading, slack: float) -> str:
    """Judge a reading; both sides must hold for an equality."""
    above, below = direction in ("upper", "equality"), direction in ("lower", "equality")
    least = reading.least or reading
    if (above and reading.low > claimed + slack) or (below and least.high < claimed - slack):
        return "violated"
    held = (not above or reading.high <= claimed + slack) and (not below or least.low >= claimed - slack)
    return "proved" if held and reading.certain else "sampled"
