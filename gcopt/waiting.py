"""When the master may stop waiting for more messages."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gcopt.arrivals import arrivals
from gcopt.checks import check_finite, check_number
from gcopt.cluster import Cluster, Times
from gcopt.code import GradientCode
from gcopt.decoding import EXACT, Component, Decoder
from gcopt.errors import InputError
from gcopt.prefixes import Prefixes

WAITS = ("decodable", "count")
"""The rules that need no number; ``deadline`` is one more."""

DEADLINE = "deadline"

_ENTRIES = 500_000  # arrival times held at once: they stay in cache, and memory is small whatever the code

TIES = 1e-6
"""Of a tolerance: an error that equals it but for rounding is within it."""

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


class Waiting:
    """When the master has heard enough of a code, under one rule.

    Parameters
    ----------
    code : GradientCode
    wait : str
        ``decodable``: as soon as the responders decode every segment (exactly, or within ``tolerate``; without it,
        segments that are approximate go by count); ``count``: the first n - s messages of every segment;
        ``deadline``: whoever has answered by then, earlier when everybody has, or when the responders decode as under
        ``decodable``, for fixed coefficients only within a given ``tolerate``.
    tolerate : float, optional
        Largest squared decoding error of a segment, relative to m k, from 0 to below 1. Where all answers that ever
        come do not reach it, they are all waited for and taken as they are.
    deadline : float, optional
        Seconds since the start of an iteration. Whoever is the first to answer is waited for all the same: nobody's
        gradient is no step.

    Raises
    ------
    InputError
        If a number is impossible, or does not belong to the rule.

    Examples
    --------
    >>> import gcopt, numpy as np
    >>> code = gcopt.families.fractional_repetition(4, 1)
    >>> times = np.array([[1.0, 9.0, 2.0, 3.0]])[:, :, None]
    >>> Waiting(code).until(times).tolist(), Waiting(code, "count").until(times).tolist()
    ([[3.0]], [[3.0]])
    >>> Waiting(code, tolerate=0.5).until(times).tolist()
    [[1.0]]
    >>> Waiting(code, "deadline", deadline=2.5).until(times).tolist()
    [[2.5]]
    """

    def __init__(
        self,
        code: GradientCode,
        wait: str = "decodable",
        *,
        tolerate: float | None = None,
        deadline: float | None = None,
    ) -> None:
        self.code = code
        self.wait = wait
        self.tolerate, self.deadline = _checked(wait, tolerate, deadline)
        self.decoders = [Decoder(segment) for segment in code.segments]
        self.prefixes = [Prefixes(decoder) for decoder in self.decoders]
        self._kinds: dict[int, str] = {}
        self._rules: dict[int, tuple[int | None, list[tuple[NDArray[np.intp], int]]]] = {}

    @property
    def gives_in(self) -> bool:
        """Whether what has come is taken, whatever its error, when nothing better can come."""
        return self.tolerate is not None or self.deadline is not None

    def kind(self, c: int) -> str:
        """Return which answer is the last that segment c needs.

        ``count``: the (n - s)-th; ``exact``: that with which the responders decode exactly; ``within``: that with which
        their error is within `tolerance`; ``never``: none is, and all are waited for.
        """
        if c not in self._kinds:
            self._kinds[c] = self._kind(c)
        return self._kinds[c]

    def _kind(self, c: int) -> str:
        segment = self.code.segments[c]
        if self.wait == "count" or (not self.gives_in and (segment.is_linear or segment.approximate)):
            return "count"
        if self.tolerate is not None and (self.tolerate > 0.0 or segment.is_linear):
            return "within"
        exact = not segment.is_linear and self.decoders[c].decodes(np.ones(segment.workers, dtype=bool))
        return "exact" if exact else "never" if self.gives_in else "count"

    def tolerance(self, c: int) -> float:
        """Return the squared error, absolute, with which segment c is good enough."""
        segment = self.code.segments[c]
        relative = 0.0 if self.tolerate is None else self.tolerate * (1.0 + TIES)
        return max(EXACT, relative) * segment.blocks * segment.partitions

    def by_count(self, c: int) -> bool:
        """Whether segment c goes by count."""
        return self.kind(c) == "count"

    def count(self, c: int) -> int | None:
        """Return how many workers segment c needs, whichever they are; None where it matters who they are."""
        segment = self.code.segments[c]
        if self.by_count(c):
            return segment.workers - segment.stragglers
        parts = self.decoders[c].components
        sizes = [team.size for part in parts for team in part.teams]
        if sizes == [segment.workers]:
            return 1
        if sizes != [1] * segment.workers:
            return None
        if all(part.needed == part.workers.size for part in parts):
            return segment.workers
        return parts[0].needed if len(parts) == 1 else None

    def finish(self, cluster: Cluster, times: Times) -> Floats:
        """Return when every segment can be decoded, seconds, shape (iterations,); inf for never.

        Parameters
        ----------
        cluster : Cluster
            With as many workers as the code.
        times : Times
            Draws, each array of shape (iterations, n).

        Raises
        ------
        InputError
            If code and cluster have different numbers of workers.

        Examples
        --------
        >>> import gcopt
        >>> cluster = gcopt.Cluster(4, gcopt.delays.Delay("exponential", {"rate": 1.0}))
        >>> Waiting(gcopt.families.uncoded(4)).finish(cluster, cluster.sample(1000, rng=0)).shape
        (1000,)
        """
        step = max(1, _ENTRIES // (self.code.workers * len(self.code.segments)))
        done = np.empty(len(times.compute))
        for start in range(0, done.size, step):
            rows = slice(start, start + step)
            done[rows] = self.until(arrivals(self.code, cluster, times.rows(rows))).max(axis=1)
        return done

    def until(self, arrived: Floats) -> Floats:
        """Return when each segment is decoded, shape (iterations, segments); ``arrived`` as from `arrivals`."""
        segments = range(arrived.shape[2])
        if self.gives_in:
            return np.stack([self._outcome(c, arrived)[1] for c in segments], axis=1)
        return np.stack([self._decodable(c, arrived[:, :, c]) for c in segments], axis=1)

    def heard(self, arrived: Floats) -> Bools:
        """Return whose messages are used, shape (iterations, segments, n); of no meaning where that is never.

        Examples
        --------
        >>> import gcopt
        >>> times = np.array([[1.0, 9.0, 2.0, 3.0]])[:, :, None]
        >>> Waiting(gcopt.families.ignore_stragglers(4, 2)).heard(times)[0, 0].tolist()
        [True, False, True, False]
        """
        columns = []
        for c in range(arrived.shape[2]):
            times = arrived[:, :, c]
            if self.gives_in:
                used = self._outcome(c, arrived)[0]
            elif self.by_count(c):
                used = np.full(len(times), self.count(c))
            else:
                columns.append(times <= self._decodable(c, times)[:, None])
                continue
            place = np.argsort(np.argsort(times, axis=1, kind="stable"), axis=1, kind="stable")
            columns.append(place < used[:, None])
        return np.stack(columns, axis=1)

    def _outcome(self, c: int, arrived: Floats) -> tuple[Ints, Floats]:
        """Return, where what has come is taken in the end, how many answers of segment c are used and when."""
        times, n = arrived[:, :, c], arrived.shape[1]
        first, came = self._enough(c, times), np.isfinite(times).sum(axis=1)
        used = np.minimum(first, came)
        if self.deadline is not None:
            used = np.minimum(used, np.maximum(1, (times <= self.deadline).sum(axis=1)))
            end = np.full(len(times), self.deadline)
        else:  # that no more comes shows when nothing of any segment does
            end = np.where(np.isfinite(arrived), arrived, 0.0).max(axis=(1, 2))
        last = np.take_along_axis(np.sort(times, axis=1), np.maximum(used - 1, 0)[:, None], axis=1)[:, 0]
        return used, np.where((used == first) | (used == n), last, np.maximum(last, end))

    def _enough(self, c: int, arrived: Floats) -> Ints:
        """Return how many answers are good enough, shape (iterations,); n + 1 for never."""
        n = arrived.shape[1]
        if self.kind(c) == "within":
            return self.prefixes[c].first_within(arrived, self.tolerance(c))
        if self.kind(c) == "never":
            return np.full(len(arrived), n + 1)
        times = self._decodable(c, arrived)
        return np.asarray(np.where(np.isfinite(times), (arrived <= times[:, None]).sum(axis=1), n + 1))

    def _decodable(self, c: int, arrived: Floats) -> Floats:
        count, regular = self._rule(c)
        if count is not None:
            return kth(arrived, count)
        done = np.zeros(len(arrived))
        for teams, needed in regular:
            np.maximum(done, kth(arrived[:, teams].min(axis=-1), needed).max(axis=1), out=done)
        for component in self.decoders[c].components:
            if component.needed is None:
                np.maximum(done, _search(component, arrived[:, component.workers]), out=done)
        return done

    def _rule(self, c: int) -> tuple[int | None, list[tuple[NDArray[np.intp], int]]]:
        """Return `count` and, where there is none, what goes by counts of teams; found once, used slice by slice."""
        if c not in self._rules:
            count = self.count(c)
            self._rules[c] = count, [] if count is not None else list(self._regular(c))
        return self._rules[c]

    def _regular(self, c: int) -> Iterator[tuple[NDArray[np.intp], int]]:
        """Yield what goes by count: workers (components, teams, size) and how many teams are needed.

        Components of one shape come together; a team that is smaller than others is filled up with its own members.
        """
        shapes: dict[tuple[int, int, int], list[NDArray[np.intp]]] = {}
        for component in self.decoders[c].components:
            if component.needed is not None:
                size = max(team.size for team in component.teams)
                members = np.stack([np.resize(component.workers[team], size) for team in component.teams])
                shapes.setdefault((*members.shape, component.needed), []).append(members)
        return ((np.stack(members), needed) for (_, _, needed), members in shapes.items())


def _checked(wait: str, tolerate: float | None, deadline: float | None) -> tuple[float | None, float | None]:
    """Return the numbers of a rule, or say which does not belong to it."""
    if wait not in (*WAITS, DEADLINE):
        raise InputError(f"wait is {wait!r}; {', '.join(WAITS)} or {DEADLINE} would work")
    if deadline is None and wait == DEADLINE:
        raise InputError(f"deadline is missing and wait is {wait!r}; seconds per iteration are needed")
    if deadline is not None and wait != DEADLINE:
        raise InputError(
            f"deadline is {deadline!r} and wait is {wait!r}, which knows no deadline; wait {DEADLINE!r} would work"
        )
    if tolerate is not None:
        if wait == "count":
            raise InputError("tolerate is given and wait is 'count', which looks at no error; decodable would work")
        if check_number("tolerate", tolerate, 0.0, 1.0) == 1.0:
            raise InputError("tolerate is 1, which no answer at all would meet; a number from 0 to below 1 is needed")
    return tolerate, None if deadline is None else check_finite("deadline", deadline, 0.0, open_low=True)


def kth(arrived: Floats, k: int) -> Floats:
    """Return the k-th smallest along the last axis (k from 1)."""
    size = arrived.shape[-1]
    if k == 1:
        return np.asarray(arrived.min(axis=-1))
    if k == size:
        return np.asarray(arrived.max(axis=-1))
    return np.asarray(np.partition(arrived, k - 1, axis=-1)[..., k - 1])


def _search(component: Component, arrived: Floats) -> Floats:
    """Find, for a component without a fixed count, the shortest prefix of the arrivals that decodes it."""
    known: dict[bytes, bool] = {}

    def decodes(heard: NDArray[np.bool_]) -> bool:
        key = np.packbits(heard).tobytes()
        if key not in known:
            known[key] = component.decodes(heard)
        return known[key]

    order = np.argsort(arrived, axis=1, kind="stable")
    done = np.empty(len(arrived))
    for i, row in enumerate(order):
        low, high = 1, row.size
        while low < high:
            middle = (low + high) // 2
            heard = np.zeros(row.size, dtype=bool)
            heard[row[:middle]] = True
            low, high = (low, middle) if decodes(heard) else (middle + 1, high)
        done[i] = arrived[i, row[low - 1]]
    return done
