"""What a design is to achieve: the least expected time of an iteration, or the most iterations done by a deadline."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gcopt.checks import check_count, check_finite
from gcopt.console import bytes_text, seconds_text
from gcopt.errors import InputError
from gcopt.learning import Learning
from gcopt.waiting import WAITS

LEARNED = ("accuracy", "bytes")
OBJECTIVES = ("runtime", "completion", *LEARNED)


@dataclass(frozen=True)
class Goal:
    """What makes a code good on a cluster, and how the master waits.

    Attributes
    ----------
    objective : str
        ``runtime``: the expected seconds per iteration are to be small; ``completion``: the probability that an
        iteration is done by the deadline is to be large (one that cannot be decoded is missed, without a restart);
        ``accuracy``, ``bytes``: the expected seconds until a target is reached, or the bytes that the master uses until
        then, are to be few.
    deadline : float or None
        Seconds; for ``completion`` only, which needs it.
    wait : str
        When the master stops waiting: ``decodable`` or ``count``.
    seed : int
        Of all draws.
    learning : Learning or None
        What is to be learned, for ``accuracy`` and ``bytes``; its defaults where it is not given.

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
    learning: Learning | None = None

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES:
            raise InputError(f"objective is {self.objective!r}; {' or '.join(OBJECTIVES)} would work")
        if self.wait not in WAITS:
            raise InputError(f"wait is {self.wait!r}; {' or '.join(WAITS)} would work")
        check_count("seed", self.seed, 0)
        if self.objective in LEARNED:
            object.__setattr__(self, "learning", self.learning or Learning())
        elif self.learning is not None:
            raise InputError(
                f"learning is given and the objective is {self.objective!r}, which has no use for it; "
                f"{' or '.join(LEARNED)} would work"
            )
        if self.objective == "completion":
            if self.deadline is None:
                raise InputError("deadline is missing; the objective 'completion' needs a positive number of seconds")
            object.__setattr__(self, "deadline", check_finite("deadline", self.deadline, 0.0, open_low=True))
        elif self.deadline is not None:
            raise InputError(
                f"deadline is {self.deadline!r} and the objective {self.objective!r} has none; leave it out, or ask "
                "for the objective 'completion'"
            )

    def loss(self, value: float) -> float:
        """Return what is to be small: the seconds or bytes themselves, or the probability of missing the deadline.

        Examples
        --------
        >>> Goal().loss(3.0), Goal("completion", deadline=2.0).loss(0.75)
        (3.0, 0.25)
        """
        return 1.0 - value if self.objective == "completion" else value

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
        """Return a value as people read it: a time, bytes, or a percentage whose digits tell it from 0 and from 100.

        Examples
        --------
        >>> goal = Goal("completion", deadline=2.0)
        >>> [goal.spell(p) for p in (1.0, 0.999975, 0.68724, 0.0)]
        ['100%', '99.9975%', '68.72%', '0%']
        """
        if self.objective == "bytes":
            return bytes_text(value)
        if self.objective != "completion":
            return seconds_text(value)
        nearest = min(value, 1.0 - value)
        if nearest < 1e-9:
            return f"{value:.0%}"
        return f"{value:.{max(2, math.ceil(-math.log10(nearest)) - 1)}%}"
