"""Does a smaller error pay? Loss against time of searched, algebraic, repetition and uncoded codes on clusters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

import gcopt
from gcopt.cluster import Cluster
from gcopt.code import GradientCode
from gcopt.effort import Effort
from gcopt.errors import InputError
from gcopt.families import FAMILIES
from gcopt.solving import SOLVERS
from gcopt.tabulating.table import Row, Table, significant
from gcopt.tabulating.training_views import draw, sections
from gcopt.training import TrainingResult
from gcopt.training.problems import Problem

FOLDER = Path(gcopt.__file__).parent.parent / "examples"

_EVERY = 10  # of the flights: that leaves 32,735
_SEEDS = 3
_PILOT = 100  # seed of the runs that choose among candidates
_MARGIN, _CLOSE = 1.01, 1.001  # of the loss that exact gradients lead to
_CHAINS = 2
_NEVER = float("inf")


@dataclass(frozen=True, eq=False)
class Runner:
    """A code and when the master stops waiting for it.

    Attributes
    ----------
    label : str
    code : GradientCode
    tolerate : float, optional
        Relative squared error at which it does; None: the rule of the code.
    """

    label: str
    code: GradientCode
    tolerate: float | None = None


@dataclass(frozen=True)
class Field:
    """A cluster and what is tried on it.

    Attributes
    ----------
    name : str
        Of its file among the examples, without ending.
    shapes : sequence of (int, int or list)
        Of searched codes: partitions, and the most of them on every worker, or on each.
    moves : int
        Of every chain of a search.
    copies : sequence of int
        Replication of algebraic and repetition codes.
    tolerances : sequence of float
    ignored : sequence of int
        How many stragglers are ignored.
    """

    name: str
    shapes: Sequence[tuple[int, Any]]
    moves: int
    copies: Sequence[int]
    tolerances: Sequence[float]
    ignored: Sequence[int]


FIELDS = (
    Field("two-speed-20", ((60, [4] * 15 + [2] * 5),), 512, (2, 4), (0.05, 0.1, 0.25), (1, 5)),
    Field("shifted-exponential-20", ((20, 2), (20, 4)), 512, (2, 4, 5), (0.05, 0.1, 0.2), (4, 8, 12)),
    Field("stalling-57", ((57, 3),), 256, (3,), (0.01, 0.03, 0.06, 0.1), (10, 20)),
)


def training(
    seed: int = 0,
    fields: Sequence[Field] = FIELDS,
    iterations: int = 60,
    *,
    folder: Path = FOLDER,
    problem: Problem | None = None,
) -> Iterator[Row]:
    """Yield a row for every kind of code on every cluster: how soon it is where exact gradients lead.

    Parameters
    ----------
    seed : int
    fields : sequence of Field
    iterations : int
        Of accelerated gradient descent.
    folder : Path
        Where the cluster files are.
    problem : Problem, optional
        What is trained; `flights` by default.
    """
    problem = flights() if problem is None else problem
    for one in fields:
        path = folder / f"{one.name}.toml"
        if not path.exists():
            raise InputError(f"{path}: not found; this table needs a checkout of the project, with its examples")
        yield from Race(one, path, Cluster.load(path), problem, seed, iterations).rows()


def flights() -> Problem:
    """Return logistic regression on every tenth of the flights that come along, so that many runs take minutes."""
    from gcopt.training.data import load_flights
    from gcopt.training.problems import make_problem

    data = load_flights()
    problem = make_problem("logistic", data.X[::_EVERY], data.y[::_EVERY], rng=0)
    problem.compile()
    return problem


@dataclass(frozen=True, eq=False)
class Race:
    """All runs on one cluster.

    Attributes
    ----------
    field : Field
    path : Path
        The cluster's file.
    cluster : Cluster
    problem : Problem
    seed : int
    iterations : int
    """

    field: Field
    path: Path
    cluster: Cluster
    problem: Problem
    seed: int
    iterations: int

    def rows(self) -> Iterator[Row]:
        """Yield a row per kind of code: the best of its candidates in a pilot run, in several runs."""
        uncoded = Runner("uncoded", gcopt.families.uncoded(self.cluster.workers))
        first = self._run(uncoded, self.seed)
        goal = first.loss[-1]
        for kind, candidates in self._kinds(uncoded).items():
            pilots = [_until(self._run(one, _PILOT + self.seed), _MARGIN * goal) for one in candidates]
            chosen = candidates[int(np.argmin(pilots))]
            yield self._row(kind, chosen, len(candidates), goal)

    def _kinds(self, uncoded: Runner) -> dict[str, list[Runner]]:
        n, one = self.cluster.workers, self.field
        families = gcopt.families
        repeated = [(d, families.fractional_repetition(n, d - 1)) for d in range(2, n) if n % d == 0]
        few = [(d, code) for d, code in repeated if d in one.copies]
        return {
            "uncoded": [uncoded],
            "ignored stragglers": [
                Runner(f"ignore-stragglers, first {n - s}", families.ignore_stragglers(n, s)) for s in one.ignored
            ],
            "repetition, exact": [Runner(f"fractional-repetition, load {d}", code) for d, code in repeated],
            "best exact design": [self._designed()],
            "repetition, nearly exact": self._tolerant([(f"fractional-repetition, load {d}", c) for d, c in few]),
            "algebraic, nearly exact": self._tolerant(list(self._algebraic())),
            "searched": list(self._searched()),
        }

    def _designed(self) -> Runner:
        best = gcopt.design(self.cluster, iterations=2_000, rng=self.seed).best
        weighted = ", by speed" if "speeds" in best.code.parameters else ""
        return Runner(f"{best.code.family}{weighted}", best.code)

    def _tolerant(self, codes: Sequence[tuple[str, GradientCode]]) -> list[Runner]:
        return [Runner(label, code, share) for (label, code), share in product(codes, self.field.tolerances)]

    def _algebraic(self) -> Iterator[tuple[str, GradientCode]]:
        n = self.cluster.workers
        for copies in self.field.copies:
            for name, settings in (
                ("graph-assignment", {"graph": "random-regular", "workers": n, "replication": copies}),
                ("random-regular-graph", {"workers": n, "load": copies}),
                ("block-design", {"workers": n, "replication": copies, "index": 1}),
            ):
                try:
                    code = FAMILIES[name](**settings, stragglers=n // 4)
                except InputError:
                    continue
                yield f"{name}, replication {copies}", code

    def _searched(self) -> Iterator[Runner]:
        """Yield codes of least expected time until the error is within the tolerance."""
        one = self.field
        for (k, load), share in product(one.shapes, one.tolerances):
            asked = {"cluster": str(self.path), "partitions": k, "load": load, "objective": "time", "tolerate": share}
            found = SOLVERS["assignment"](asked, seed=self.seed, effort=Effort(moves=(one.moves,) * _CHAINS))
            assert found.code is not None
            held = load if isinstance(load, int) else f"{min(load)} to {max(load)}"
            yield Runner(f"time, load {held} of {k}", found.code, share)

    def _run(self, one: Runner, seed: int) -> TrainingResult:
        return gcopt.train(
            one.code,
            self.problem,
            engine="virtual",
            cluster=self.cluster,
            iterations=self.iterations,
            optimizer="nesterov",
            rng=seed,
            tolerate=one.tolerate,
        )

    def _row(self, kind: str, one: Runner, tried: int, goal: float) -> Row:
        runs = [self._run(one, self.seed + i) for i in range(_SEEDS)]
        times = [_until(run, _MARGIN * goal) for run in runs]
        close = [_until(run, _CLOSE * goal) for run in runs]
        errors = np.concatenate([np.asarray(run.errors).max(axis=1) for run in runs])
        first = runs[0]
        return {
            "cluster": self.field.name,
            "kind": kind,
            "code": one.label,
            "tried": str(tried),
            "load / k": significant(one.code.load / one.code.partitions, 3),
            "tolerate": "" if one.tolerate is None else str(one.tolerate),
            "s / iteration": significant(float(np.mean([run.seconds / self.iterations for run in runs])), 3),
            "mean error %": significant(100 * float(errors.mean()), 3),
            "worst error %": significant(100 * float(errors.max()), 3),
            "goal": significant(_MARGIN * goal, 5),
            "s to 1 %": _time(float(np.mean(times))),
            "least": _time(min(times)),
            "most": _time(max(times)),
            "s to 0.1 %": _time(float(np.mean(close))),
            "last loss": significant(first.loss[-1], 5),
            "seconds": " ".join(significant(value, 4) for value in first.time),
            "loss": " ".join(significant(value, 5) for value in first.loss),
        }


def _until(run: TrainingResult, goal: float) -> float:
    """Return the seconds until the loss is at the goal and stays there; infinity if never."""
    above = np.flatnonzero(np.asarray(run.loss) > goal)
    first = int(above[-1]) + 1 if above.size else 0
    return run.time[first] if first < len(run.time) else _NEVER


def _time(value: float) -> str:
    return "never" if value == _NEVER else significant(value, 3)


TABLE = Table(
    "training",
    "Does a smaller error pay?",
    "Logistic regression on every tenth of the flights that come along (32,735, shuffled; with all of them this would "
    "take ten times as long), 60 steps of accelerated gradient descent on the virtual engine, three seeds. The goals "
    "are losses within 1 % and 0.1 % of that after 60 exact steps; times are in seconds of the cluster, least and "
    "most are those of the three seeds to 1 %. Tolerate: the master goes on as soon as the relative squared error of "
    "the gradient is at most that. Of every kind the best of so many codes and tolerances (tried) in a run of its own "
    "is shown. Searched codes are those of `gcopt solve assignment --set objective=time`, on 300 drawn rounds; "
    "expected times are then simulated. The 256 serverless workers are left out: there repetition with load 8 is "
    "exact and waits for almost nobody, see `gcopt quickstart`.",
    training,
    sections,
    draw,
    keys=3,
)
