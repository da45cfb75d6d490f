"""Solvers as the command line runs them: settings in, a value with its proven bound and gap out."""

from __future__ import annotations

import inspect
import io
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gcopt.checks import check_number
from gcopt.code import GradientCode
from gcopt.console import jsonable
from gcopt.effort import Effort
from gcopt.errors import InputError
from gcopt.files import load, save, write_atomically
from gcopt.registry import Registry
from gcopt.solvers.result import Result, Status

_GENERAL = ("seconds", "seed", "effort")
_NO_EFFORT = Effort()
_EXIT = {Status.INFEASIBLE: 1, Status.ERROR: 1, Status.LIMIT: 3}


@dataclass(frozen=True)
class Solution:
    """What one solve gave.

    Attributes
    ----------
    solver : str
    result : Result
    more : mapping
        Further values for people and scripts (sets, methods, sequences of numbers).
    code : GradientCode or None
        What was found, where that is a code.
    """

    solver: str
    result: Result
    more: Mapping[str, Any] = field(default_factory=dict)
    code: GradientCode | None = None

    @property
    def exit_code(self) -> int:
        """0 with a valid result, 1 when there is none to be had, 3 when a limit came first, 130 when interrupted."""
        if self.more.get("stopped") == "interrupted":
            return 130
        return _EXIT.get(self.result.status, 0)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``gcopt solve --json`` prints."""
        result = self.result
        return {
            "schema": "gcopt.solve/1",
            "solver": self.solver,
            "value": result.value,
            "bound": result.bound,
            "gap": result.gap,
            "status": str(result.status),
            "advice": result.status.advice,
            "seconds": result.seconds,
            "seed": result.seed,
            **self.more,
        }

    def save(self, path: Path) -> Path:
        """Write the code that was found, as `gcopt.files.save` does; where none was, the result.

        That is an npz too: its JSON as ``result``, and sequences, unless ragged, as arrays of their own.
        """
        if self.code is not None:
            return save(self.code, path)
        text = json.dumps(jsonable(self.to_dict()))
        arrays: dict[str, Any] = {}
        for key, value in self.more.items():
            if isinstance(value, (list, tuple)):
                with suppress(ValueError):
                    arrays[key] = np.asarray(value)
        buffer = io.BytesIO()
        np.savez(buffer, result=np.array(text), **arrays)
        content = buffer.getvalue()

        def same(back: bytes) -> bool:
            with np.load(io.BytesIO(back), allow_pickle=False) as archive:
                return str(archive["result"]) == text

        return write_atomically(path, content, same)


@dataclass(frozen=True, eq=False)
class Solver:
    """A solver that can be run by name.

    Attributes
    ----------
    name : str
    source : str
        The publication behind it.
    function : callable
        Takes the settings, ``seconds`` and ``seed``; its first docstring line is the description.
    """

    name: str
    source: str
    function: Callable[..., Solution]

    @property
    def summary(self) -> str:
        """The one-line description."""
        return (self.function.__doc__ or "").strip().splitlines()[0]

    @cached_property
    def signature(self) -> inspect.Signature:
        """Parameters with their defaults, without those every solver has."""
        full = inspect.signature(self.function)
        return full.replace(parameters=[p for p in full.parameters.values() if p.name not in _GENERAL])

    @cached_property
    def searches(self) -> bool:
        """Whether it walks in chains, on processes, and can be replayed and resumed."""
        return "effort" in inspect.signature(self.function).parameters

    def __call__(
        self, settings: Mapping[str, Any], *, seconds: float | None = None, seed: int = 0, effort: Effort | None = None
    ) -> Solution:
        """Run it; ``effort`` instead of ``seconds`` says more about a search."""
        for key in (*_GENERAL, *vars(_NO_EFFORT)):
            if key in settings:
                raise InputError(f"{self.name}: {key} is not a setting; there is an option --{key}")
        effort = Effort(seconds=seconds) if effort is None else effort
        named = [p.name for p in self.signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        open_ended = len(named) < len(self.signature.parameters)
        valid = ", ".join(named) + (" and those of the model" if open_ended else "")
        try:
            self.signature.bind(**settings)
        except TypeError as error:
            raise InputError(f"{self.name}: {error}; it takes: {valid}") from None
        if effort.seconds is not None:
            check_number("seconds", effort.seconds, 0.0)
        if self.searches:
            return self.function(**settings, effort=effort, seed=seed)
        if replace(effort, seconds=None) != _NO_EFFORT:
            raise InputError(f"{self.name} makes no moves; --moves, --processes and --checkpoint are for those that do")
        return self.function(**settings, seconds=effort.seconds, seed=seed)


def _worst_case(
    code: str, stragglers: int, objective: str = "error", blocks: int = 1, segment: int = 0, *, seconds: Any, seed: int
) -> Solution:
    """Which stragglers hurt a code most: largest decoding error, or largest noise amplification."""
    from gcopt.checks import check_count
    from gcopt.solvers.adversary import WorstCase

    loaded = load(code, blocks=check_count("blocks", blocks, 1))
    check_count("segment", segment, 0, len(loaded.segments) - 1)
    part = loaded.segments[segment]
    check_count("stragglers", stragglers, 0, part.workers - 1)
    if part.is_linear and objective == "error":
        from gcopt.decoding.fixed import FIXED
        from gcopt.solvers.fixed_adversary import FixedWorstCase

        rule = FIXED[part.decoder](part)
        weight, added = float(rule.factors(part.workers - stragglers)), rule.contributions
        fixed = FixedWorstCase(seconds=seconds)
        found = fixed.solve(added.mean, stragglers=stragglers, target=added.target, weight=weight, rng=seed)
    else:
        solver = WorstCase(objective=objective, seconds=seconds)
        found = solver.solve(part.encoding, blocks=part.blocks, stragglers=stragglers, rng=seed)
    more = {"set": list(found.set), "method": found.method, "evaluated": found.evaluated}
    return Solution("worst-case", found, more)


def _threshold(code: str, error: float, blocks: int = 1, segment: int = 0, *, seconds: Any, seed: int) -> Solution:
    """How few stragglers can inflict this squared error on a code that is decoded by least squares."""
    from gcopt.checks import check_count
    from gcopt.solvers.threshold import Threshold

    loaded = load(code, blocks=check_count("blocks", blocks, 1))
    check_count("segment", segment, 0, len(loaded.segments) - 1)
    part = loaded.segments[segment]
    if part.is_linear:
        raise InputError(
            f"segment {segment} has the {part.decoder} decoder; one that is decoded by least squares would work"
        )
    asked = check_number("error", error, 0.0, open_low=True)
    found = Threshold(asked, seconds).solve(part.encoding, blocks=part.blocks, rng=seed)
    more = {"set": list(found.set), "error": found.error, "inflicted": found.inflicted, "method": found.method}
    return Solution("threshold", found, more)


def _order_statistics(workers: int, model: str, *, seconds: Any, seed: int, **parameters: Any) -> Solution:
    """Expected time until the k-th fastest of n independent workers is done, for every k; value is the last."""
    from gcopt.checks import check_count
    from gcopt.delays import Delay
    from gcopt.solvers.order_statistics import ExpectedOrderStatistics

    n = check_count("workers", workers, 1)
    found = ExpectedOrderStatistics().solve(Delay(model, parameters).distribution, n)
    return Solution("order-statistics", found, {"expected": np.asarray(found.values).tolist()})


def _ordering(code: str, blocks: int = 1, *, seconds: Any, seed: int) -> Solution:
    """In which order each worker should process its partitions, so that least work gives every one its copies."""
    from gcopt.checks import check_count
    from gcopt.solvers.ordering import Ordering

    solver = Ordering(blocks=check_count("blocks", blocks, 1), seconds=seconds)
    found = solver.solve(load(code).support, rng=seed)
    return Solution("ordering", found, {"order": [list(mine) for mine in found.order], "method": found.method})


SOLVERS: Registry[Solver] = Registry(
    "solver",
    "gcopt.solvers",
    {
        "worst-case": Solver("worst-case", "Schur complement search, see gcopt.solvers.adversary", _worst_case),
        "threshold": Solver("threshold", "Kadhe, Koyluoglu, Ramchandran 2019, arXiv 1904.13373", _threshold),
        "ordering": Solver("ordering", "Ramamoorthy, Meng, Girimaji 2024, arXiv 2405.19509", _ordering),
        "diversity-runtime": "gcopt.solving_diversity:RUNTIME",
        "diversity-completion": "gcopt.solving_diversity:COMPLETION",
        "spectral-weights": "gcopt.solving_weights:SPECTRAL",
        "unbiased-weights": "gcopt.solving_weights:UNBIASED",
        "assignment": "gcopt.solving_assignment:ASSIGNMENT",
        "exact-code": "gcopt.solving_exact:EXACT",
        "short-messages": "gcopt.solving_short_messages:SHORT_MESSAGES",
        "order-statistics": Solver("order-statistics", "David & Nagaraja 2003, Chapter 3", _order_statistics),
    },
)
