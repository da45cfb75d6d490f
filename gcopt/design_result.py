"""What a design found: the code to run, what it gains, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gcopt.code import GradientCode
from gcopt.console import seconds_text
from gcopt.goal import Goal
from gcopt.learning import Plan
from gcopt.solvers.result import Status

_MANY = 3


@dataclass(frozen=True, eq=False)
class Choice:
    """One code on the cluster.

    Attributes
    ----------
    code : GradientCode
    value : float
        Expected seconds per iteration; for ``completion`` the probability that an iteration is done by the deadline;
        for ``accuracy`` and ``bytes`` the seconds or bytes until the target is reached.
    stderr : float
        Of the value; 0 where it is exact.
    gain : float
        How many times faster than uncoded with equal loads; for ``completion`` how many times fewer deadlines are
        missed (infinity where none was).
    expected_runtime : float
        Expected seconds per iteration, whatever the objective.
    plan : Plan or None
        Step and iterations, where a target is to be reached.
    """

    code: GradientCode
    value: float
    stderr: float
    gain: float
    expected_runtime: float
    plan: Plan | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return a row of ``gcopt design --json``."""
        planned = {} if self.plan is None else {"plan": self.plan.to_dict(), "compressor": _word(self.code)}
        return {
            "family": self.code.family,
            "parameters": dict(self.code.parameters),
            "load": self.code.load,
            "stragglers": self.code.stragglers,
            "segments": len(self.code.segments),
            "value": self.value,
            "stderr": self.stderr,
            "gain": self.gain,
            "expected_runtime": self.expected_runtime,
            **planned,
        }


@dataclass(frozen=True, eq=False)
class Design:
    """What `gcopt.design` found.

    Attributes
    ----------
    best : Choice
    alternatives : tuple of Choice
        Everything that was tried, best first; the finalists with many draws, the others with few.
    best_single : Choice or None
        The best code with one redundancy for all coordinates, where the winner has several.
    uncoded : float
        The value without coding and with equal loads.
    bound : float or None
        What no exact code can beat; None for ``accuracy`` and ``bytes``. A master that knew every time in advance would
        need this long on average to have each partition computed once (lower end of a three-sigma interval); or it
        would meet the deadline with this probability (upper end).
    status : Status
    goal : Goal
        Objective, deadline, rule of waiting, seed.
    seconds : float
    """

    best: Choice
    alternatives: tuple[Choice, ...]
    best_single: Choice | None
    uncoded: float
    bound: float | None
    status: Status
    goal: Goal
    seconds: float

    @property
    def advice(self) -> str:
        """One paragraph for people."""
        code = self.best.code
        if self.goal.learning is not None:
            return self._planned
        if code.family == "uncoded" and "speeds" in code.parameters:
            return (
                f"Do not code. Give slower workers less data instead: {self._gained}, and no code that was tried is "
                f"{'faster still' if self.goal.deadline is None else 'in time more often'}."
            )
        if code.family == "uncoded" and self.goal.deadline is None:
            return "Do not code: no code that was tried makes an iteration faster than equal shares without redundancy."
        if code.family == "uncoded":
            return (
                f"Do not code: no code that was tried {self._meets} more often than equal shares without redundancy "
                f"({self.goal.spell(self.best.value)} of the iterations)."
            )
        return f"Run {code.family} with load {code.load}: {_shared(code)} and {_spared(code)}; {self._gained}."

    @property
    def _planned(self) -> str:
        """Advice where a target is to be reached."""
        code, plan, spell = self.best.code, self.best.plan, self.goal.spell
        assert plan is not None
        how = f"the target takes {plan.iterations:.0f} steps of {plan.step:.3g} / L by plain gradient descent, in all "
        word = _word(code)
        packed = "" if word is None else f", messages are compressed by {word}"
        if code.family == "uncoded" and word is None:
            loads = "; give slower workers less data instead" if "speeds" in code.parameters else ""
            return f"Do not code{loads}: {how}{spell(self.best.value)}, and no code that was tried needs less."
        against = f"{spell(self.best.value)} against {spell(self.uncoded)} uncoded with equal shares"
        what = f"Run {code.family} with load {code.load}: {_shared(code)}{packed} and {_spared(code)}"
        gain = self.best.gain
        compared = f"{gain:.3g} times less" if gain >= 1 else f"{1 / gain:.3g} times more"
        return f"{what}; {how}{against} ({compared})."

    @property
    def _meets(self) -> str:
        return f"meets the deadline of {seconds_text(self.goal.deadline)}"

    @property
    def _gained(self) -> str:
        gain, spell = self.best.gain, self.goal.spell
        if self.goal.deadline is not None:
            fewer = f" ({gain:.3g} times fewer misses)" if 1 < gain < np.inf else ""
            return (
                f"an iteration {self._meets} with probability {spell(self.best.value)}, against {spell(self.uncoded)} "
                f"uncoded with equal shares{fewer}"
            )
        if gain == np.inf:
            return "with equal shares and no coding, no iteration was ever completed or some last too long for any mean"
        compared = f"{gain:.2f} times faster" if gain >= 1 else f"{1 / gain:.2f} times slower"
        return f"an iteration is {compared} than uncoded with equal shares"

    @property
    def over_single(self) -> str:
        """What several redundancies gain over one, as a sentence; empty where the winner has one."""
        single, value = self.best_single, self.best.value
        if single is None:
            return ""
        s = single.code.stragglers
        name = f"{single.code.family}, {s} straggler{'' if s == 1 else 's'}"
        if self.goal.deadline is None:
            gain = self.goal.gain(single.value, value)
            compared = "fewer bytes" if self.goal.objective == "bytes" else "faster"
            return f"{gain:.2f} times {compared} than the best code with one redundancy ({name})."
        spell = self.goal.spell
        return f"In time: {spell(value)}; the best code with one redundancy ({name}): {spell(single.value)}."

    def to_dict(self) -> dict[str, Any]:
        """Return what ``gcopt design --json`` prints (without the file name)."""
        code, value, single = self.best.code, self.best.value, self.best_single
        return {
            "schema": "gcopt.design/1",
            "family": code.family,
            "parameters": dict(code.parameters),
            "objective": self.goal.objective,
            "deadline": self.goal.deadline,
            "wait": self.goal.wait,
            "value": value,
            "stderr": self.best.stderr,
            "bound": self.bound,
            "gap": None if self.bound is None else 0.0 if value == self.bound else abs(value - self.bound) / value,
            "status": str(self.status),
            "expected_runtime": self.best.expected_runtime,
            "plan": None if self.best.plan is None else self.best.plan.to_dict(),
            "uncoded": self.uncoded,
            "gain": self.best.gain,
            "best_single": None
            if single is None
            else {"family": single.code.family, "parameters": dict(single.code.parameters), "value": single.value},
            "advice": self.advice,
            "alternatives": [choice.to_dict() for choice in self.alternatives],
            "seconds": self.seconds,
            "seed": self.goal.seed,
        }


def work(code: GradientCode) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return what each worker computes, in whole gradients, shape (n,).

    Examples
    --------
    >>> import gcopt
    >>> work(gcopt.families.two_stage(4, 1, alpha=3.0)).tolist()  # half of the coordinates once, half of them twice
    [0.375, 0.375, 0.375, 0.375]
    """
    parts = zip(code.segments, code.shares, strict=True)
    return np.asarray(sum(share * s.pairs / s.blocks for s, share in parts) / code.partitions)


def _word(code: GradientCode) -> str | None:
    word = "none" if code.compressor is None else str(code.compressor)
    return None if word == "none" else word


def _shared(code: GradientCode) -> str:
    """Say what a worker stores, computes and sends."""
    if len(code.segments) == 1:
        short = f", messages are {code.blocks} times shorter than the gradient" if code.blocks > 1 else ""
        return f"no worker computes more than {code.load} of {code.partitions} partitions{short}"
    most = work(code).max() * code.partitions
    return (
        f"no worker stores more than {code.load} of {code.partitions} partitions or computes more than {most:.3g} "
        "partitions' worth"
    )


def _spared(code: GradientCode) -> str:
    """Say whom the master can do without; the ends and the middle where there are many segments."""
    if len(code.segments) == 1 and code.stragglers == 0:
        return "the master waits for all"
    if len(code.segments) == 1:
        whom = f"any {code.stragglers} of {code.workers} workers"
        if code.segments[0].approximate:
            return f"the master goes on without {whom}, with an approximate gradient"
        return f"the master can do without {whom}"
    parts = sorted(zip((s.stragglers for s in code.segments), code.shares, strict=True))
    listed = [_tolerance(parts[i : i + 1]) for i in range(len(parts))]
    if len(parts) > _MANY:
        listed = [listed[0], _tolerance(parts[1:-1]), listed[-1]]
    cut = f"the coordinates are cut into {len(parts)} segments"
    return f"{cut}: {', '.join(listed[:-1])} and {listed[-1]} of {code.workers} workers"


def _tolerance(parts: list[tuple[int, Any]]) -> str:
    """Say how many stragglers a share of the coordinates tolerates."""
    share = f"{sum(share for _, share in parts):.0%}"
    low, high = parts[0][0], parts[-1][0]
    if high == 0:
        return f"{share} need every worker"
    return f"{share} can do without any {low}" + ("" if low == high else f" to {high}")
