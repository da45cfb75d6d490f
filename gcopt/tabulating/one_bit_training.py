"""Classifiers with compressed messages: bytes until the loss is where uncompressed messages lead in 200 steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from gcopt.errors import TrainingError
from gcopt.tabulating.communication_training import digits
from gcopt.tabulating.one_bit_runs import UNCODED, Curve, empty_row, make_code, run
from gcopt.tabulating.table import Row, significant
from gcopt.tabulating.training import flights
from gcopt.training.problems import Problem

PROBABILITY, REPLICATION = 0.2, 3

_EVERY = 10  # iterations between two points of a curve
_PILOT = 100  # seed of the runs that choose steps
_SHORT = 4  # bytes of a float32

COMPRESSORS = (
    "none",
    "float16",
    "bfloat16",
    "dither1:norm",
    "dither1:max",
    "dither1:max,subtractive",
    "dither1:max,subtractive,block=64",
    "two-level",
    "rotate+dither1:max,subtractive",
    "sign",
    "feedback+sign",
    "feedback+top:0.01",
)
BASELINES = ("none", "dither1:max", "feedback+sign")
FEW = (
    "none",
    "float16",
    "dither1:max",
    "dither1:max,subtractive",
    "rotate+dither1:max,subtractive",
    "sign",
    "feedback+sign",
    "feedback+top:0.01",
)


@dataclass(frozen=True)
class Setting:
    """What is trained.

    Attributes
    ----------
    experiment : str
    make : callable
        Takes the number of a start and returns the problem.
    steps : sequence of float
        Step sizes to choose from.
    compressors : mapping
        By code.
    """

    experiment: str
    make: Callable[[int], Problem]
    steps: Sequence[float]
    compressors: Mapping[str, Sequence[str]]


@cache
def _flights() -> Problem:
    return flights()


SETTINGS = (
    Setting(
        "flights", lambda start: _flights(), (2.5, 5.0, 10.0, 20.0, 40.0), {"random": COMPRESSORS, UNCODED: BASELINES}
    ),
    Setting("digits", digits, (0.25, 0.5, 1.0, 2.0), {"random": FEW}),
)


def rows(
    seed: int, settings: Sequence[Setting] = SETTINGS, starts: int = 3, iterations: int = 400, goal: int = 200
) -> Iterator[Row]:
    """Yield a row per problem, code and compressor: how many bytes it takes to the loss of uncompressed messages."""
    for one in settings:
        problems = [one.make(start) for start in range(starts)]
        pilot = one.make(_PILOT)
        race = _Race(one, problems, pilot, seed, iterations, goal)
        yield from race.rows()


@dataclass(frozen=True, eq=False)
class _Race:
    setting: Setting
    problems: Sequence[Problem]
    pilot: Problem
    seed: int
    iterations: int
    goal: int

    def rows(self) -> Iterator[Row]:
        """Yield first the row of uncompressed messages, whose losses are the goals of all."""
        step, exact = self._best("random", "none")
        goals = [curve.at(self.goal) for curve in exact]
        whole = float(np.mean([curve.reach(end)[1] for curve, end in zip(exact, goals, strict=True)]))
        for code, words in self.setting.compressors.items():
            for word in words:
                first = (code, word) == ("random", "none")
                size, curves = (step, exact) if first else self._best(code, word)
                yield self._row(code, word, size, curves, goals, whole)

    def _best(self, code: str, word: str) -> tuple[float, list[Curve]]:
        """Return the step with which the pilot has the smallest loss at the goal, of those that never diverge."""
        pilots = {size: self._tried(code, word, size).at(self.goal) for size in self.setting.steps}
        for size in sorted(pilots, key=lambda size: pilots[size]):
            curves = [self._curve(code, word, size, i) for i in range(len(self.problems))]
            if all(np.isfinite(curve.values).all() for curve in curves):
                break
        return size, curves

    def _tried(self, code: str, word: str, step: float) -> Curve:
        return self._run(code, word, step, self.pilot, _PILOT + self.seed)

    def _curve(self, code: str, word: str, step: float, start: int) -> Curve:
        return self._run(code, word, step, self.problems[start], self.seed + start)

    def _run(self, code: str, word: str, step: float, problem: Problem, seed: int) -> Curve:
        made = make_code(code, REPLICATION, PROBABILITY, seed)
        try:
            return Curve.of(run(made, problem, PROBABILITY, word, step, self.iterations, _EVERY, seed))
        except TrainingError:  # diverged
            points = np.arange(0, self.iterations + 1, _EVERY)
            return Curve(points, np.full(points.size, np.inf), np.zeros(points.size))

    def _row(
        self, code: str, word: str, step: float, curves: Sequence[Curve], goals: Sequence[float], whole: float
    ) -> Row:
        mean = Curve.mean(curves)
        reached = np.array([curve.reach(end) for curve, end in zip(curves, goals, strict=True)])
        steps, sizes = reached.mean(axis=0)
        row = empty_row() | {"experiment": self.setting.experiment, "code": code, "p": str(PROBABILITY)}
        row |= {"d": str(1 if code == UNCODED else REPLICATION), "compressor": word, "step": str(step)}
        row |= {"starts": str(len(curves)), "loss after 200": significant(mean.at(self.goal), 4)}
        row["bytes / message"] = str(self._size(word))
        row["kB / step"] = significant(mean.kilobytes[-1] / mean.steps[-1], 4)
        row["kB in all"] = significant(mean.kilobytes[-1], 4)
        if np.isfinite(steps):
            row |= {"steps to goal": f"{steps:.0f}", "+- steps": significant(float(np.std(reached[:, 0], ddof=1)), 2)}
            row["kB to goal"] = significant(sizes, 3)
            row["times fewer"] = significant(whole / sizes, 3)
            row["than float32"] = significant(whole * _SHORT / 8 / sizes, 3)
        else:
            row |= dict.fromkeys(("steps to goal", "kB to goal"), "never")
        row["steps"] = " ".join(str(x) for x in mean.steps)
        row["curve"] = " ".join(f"{value:.4g}" for value in mean.values)
        return row

    def _size(self, word: str) -> int:
        code = make_code("random", REPLICATION, PROBABILITY, 0).compressed(word)
        return int(code.message_bytes(self.pilot.parameters)[0])
