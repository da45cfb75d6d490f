"""What a design is to achieve: the least expected time of an iteration, or the most iterations done by a deadline."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gcopt.checks import check_count, check_finite
from gcopt.console import seconds_text
from gcopt.errors import InputError
from gcopt.waiting import WAITS

OBJECTIVES = ("runtime", "completion")


@dataclass(frozen=True)
class Goal:
    """What makes a code good on a cluster, and how the master waits.

    Attributes
    ----------
    objective : str
        ``runtime``: the expected seconds per iteration are to be small; ``completion``: the probability that an
        iteration is done by the deadline is to be large (one that cannot be decoded is missed, without a restart).
    deadline : float or None
        Seconds; for ``completion`` only, which needs it.
    wait : str
        When the master stops waiting: ``decodable`` or ``count``.
    seed : int
        Of all draws.

    Raises
    ------
    InputError
        If a word is unknown, or the deadline is missing, not positive, or of no use.

    Examples
    --------
    >>> Goal("completion", deadline=2.0).spell(0.99123)
    '99.12%'
    """

    objective: str = "runtime"
    deadline: float | None = None
    wait: str = "decodable"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES:
            raise InputError(f"objective is {self.objective!r}; {' or '.join(OBJECTIVES)} would work")
        if self.wait not in WAITS:
            raise InputError(f"wait is {self.wait!r}; {' or '.join(WAITS)} would work")
        check_count("seed", self.seed, 0)
        if self.objective == "completion":
            if self.deadline is None:
                raise InputError("deadline is missing; the objective 'completion' needs a positive number of seconds")
            object.__setattr__(self, "deadline", check_finite("deadline", self.deadline, 0.0, open_low=True))
        elif self.deadline is not None:
            raise InputError(
                f"deadline is {self.deadline!r} and the objective 'runtime' has none; leave it out, or ask for the "
                "objective 'completion'"
            )

    def loss(self, value: float) -> float:
        """Return what is to be small: the expected seconds themselves, or the probability of missing the deadline.

        Examples
        --------
        >>> Goal().loss(3.0), Goal("completion", deadline=2.0).loss(0.75)
        (3.0, 0.25)
        """
        return value if self.objective == "runtime" else 1.0 - value

    def gain(self, baseline: float, value: float) -> float:
        """Return how many times smaller the loss is than that of a baseline; infinity where nothing is lost any more.

        Examples
        --------
        >>> Goal().gain(6.0, 3.0), Goal("completion", deadline=2.0).gain(0.5, 0.75)
        (2.0, 2.0)
        """
        before, after = self.loss(baseline), self.loss(value)
        if before == after:
            return 1.0
        return before / after if after > 0 else math.inf

    def spell(self, value: float) -> str:
        """Return a value as people read it: a time, or a percentage whose digits tell it from 0 and from 100.

        Examples
        --------
        >>> goal = Goal("completion", deadline=2.0)
        >>> [goal.spell(p) for p in (1.0, 0.999975, 0.68724, 0.0)]
        ['100%', '99.9975%', '68.72%', '0%']
        """
        if self.objective == "runtime":
            return seconds_text(value)
        nearest = min(value, 1.0 - value)
        if nearest < 1e-9:
            return f"{value:.0%}"
        return f"{value:.{max(2, math.ceil(-math.log10(nearest)) - 1)}%}"
