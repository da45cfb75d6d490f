"""What every solver returns: a value, a proven bound, the gap between them and a word for how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a search ended.

    Examples
    --------
    >>> print(Status.FEASIBLE, "-", Status.FEASIBLE.advice)
    feasible - The result is valid and not proved best; a search with a time limit may get further with more.
    """

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    LIMIT = "limit"
    ERROR = "error"

    @property
    def advice(self) -> str:
        """One sentence that says what to do next."""
        return _ADVICE[self]


_ADVICE = {
    Status.OPTIMAL: "The value is proved; there is nothing left to search.",
    Status.FEASIBLE: "The result is valid and not proved best; a search with a time limit may get further with more.",
    Status.INFEASIBLE: "Nothing satisfies these parameters; relax the one the message names.",
    Status.LIMIT: "A limit was reached before there was a valid result; raise it or make the problem smaller.",
    Status.ERROR: "The search failed numerically; rescale the input or report it with the seed.",
}


@dataclass(frozen=True, kw_only=True)
class Result:
    """Outcome of one solve.

    Attributes
    ----------
    value : float
        Objective of the best solution found.
    bound : float or None
        Proven bound on the optimum (below when minimising, above when maximising); None where nothing is proved.
    status : Status
        How the search ended.
    seconds : float
        Wall time without imports and compilation.
    seed : int or None
        Seed that makes the result again; None where nothing was drawn.
    """

    value: float
    bound: float | None
    status: Status
    seconds: float
    seed: int | None = None

    @property
    def gap(self) -> float | None:
        """``|value - bound| / |value|``; 0 when both are 0, None where nothing is proved.

        Examples
        --------
        >>> Result(value=2.0, bound=1.5, status=Status.FEASIBLE, seconds=0.1).gap
        0.25
        """
        if self.bound is None:
            return None
        distance = abs(self.value - self.bound)
        if distance == 0.0:
            return 0.0
        return distance / abs(self.value) if self.value != 0.0 else float("inf")
