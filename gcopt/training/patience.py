"""Deadlines that nobody has to set: learned from the answers of the last iterations."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf
from statistics import median


@dataclass
class Patience:
    """A deadline for the silence of a worker, learned from recent answers; nothing has to be set.

    With the times from a broadcast to the last ``window`` answers, the deadline is their median plus ``spread`` times
    their median absolute deviation (or half the median, if that is more), at least ``floor``. There is none before
    every worker could have answered twice. A worker that is silent for longer is suspected: it is not waited for where
    the others decode, and is used again as soon as it answers. Where the others do not decode, the run waits for
    ``factor`` deadlines, at least ``least`` seconds, and then gives up.

    Attributes
    ----------
    spread, factor : float
    window : int
    floor, least : float
        Seconds; they keep hiccups of the operating system from looking like failures when iterations take
        microseconds.

    Examples
    --------
    >>> patience = Patience()
    >>> patience.deadline(workers=2)
    inf
    >>> for seconds in (1.0, 1.0, 1.2, 1.2):
    ...     patience.learn(seconds)
    >>> round(patience.deadline(workers=2), 6)
    6.6
    """

    spread: float = 10.0
    factor: float = 20.0
    window: int = 256
    floor: float = 0.25
    least: float = 10.0
    _recent: deque[float] = field(init=False, repr=False)
    _fresh: int = field(default=0, init=False, repr=False)
    _known: bool = field(default=False, init=False, repr=False)
    _deadline: float = field(default=inf, init=False, repr=False)

    def __post_init__(self) -> None:
        self._recent = deque(maxlen=self.window)

    def learn(self, seconds: float) -> None:
        """Take note of the time from a broadcast to an answer."""
        self._recent.append(seconds)
        self._fresh += 1

    def deadline(self, workers: int) -> float:
        """Return the silence, in seconds, after which one of so many workers is suspected."""
        wanted = self.window // 4 if self._known else min(2 * workers, self.window)
        if self._fresh >= wanted:
            middle = median(self._recent)
            deviation = median(abs(t - middle) for t in self._recent)
            self._deadline = max(self.floor, middle + self.spread * max(deviation, middle / 2))
            self._fresh, self._known = 0, True
        return self._deadline

    def limit(self, workers: int) -> float:
        """Return the silence, in seconds, after which waiting for a worker that is needed ends."""
        return max(self.least, self.factor * self.deadline(workers))
