"""The search for assignments: starts are ranked, chains walk from the best, and the best code of all is returned."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..chains import Chain
from ..errors import InfeasibleError
from ..result import Result, Status
from ..searching import Keep, Search, Tell
from ..seeding import RngLike, seed_of
from .question import Question
from .starts import Start, starts
from .walking import Walk

Floats = NDArray[np.float64]

_CHEAP = 50_000  # sets of stragglers up to which every start is evaluated
_CLOSELY = 2  # starts of one name that are evaluated otherwise
_LEAST, _OPERATIONS = 4, 8e7  # and how many of all: so many, or as the operations for a set of each worker allow
_OTHERS = 8  # starts that are returned beside what was found
_MET = 5e-7  # so near to the bound a regularised value ends the search


@dataclass(frozen=True, kw_only=True)
class AssignmentResult(Result):
    """The best code found.

    ``value`` is that of the regularised problem, a little above the true one; where not every set of stragglers is
    looked at, a sample's or an attack's.

    Attributes
    ----------
    encoding : array, shape (n, k)
    sizes : array, shape (V,)
        Partitions in each cluster; ones where partitions are placed one by one.
    bad : array of int, shape (any, s)
        Sets of stragglers that were bad for codes on the way to this one.
    others : tuple of Start
        The best of the other chains, and the best starts: where the objective was sampled, one of them may be better.
    start : str
        Where the chain that found it began.
    chain : int
        Its number.
    moves : tuple of int
        Of every chain: what makes the same search again.
    chains : tuple of Chain
        To go on from.
    stopped : str
        See `Found.stopped`.
    """

    encoding: Floats
    sizes: NDArray[np.int64]
    bad: NDArray[np.int64]
    others: tuple[Start, ...]
    start: str
    chain: int
    moves: tuple[int, ...]
    chains: tuple[Chain, ...]
    stopped: str


@dataclass(frozen=True)
class Assignment:
    """Search for who holds what, and with which coefficients.

    Switches that preserve loads (and replication), single copies that move, and coefficients, are accepted by simulated
    annealing; chains start from given codes, from random placements of more or fewer clusters of partitions and from
    circulant ones, whichever are best.

    Attributes
    ----------
    search : Search
        How long, how many chains and processes.

    Examples
    --------
    >>> import numpy as np
    >>> from gcopt.solvers.assignment import Question, Weights
    >>> question = Question(np.full(7, 3), 7, 3, Weights(worst=1.0))
    >>> found = Assignment(Search(moves=1024, chains=1)).solve(question, rng=0)
    >>> round(found.value, 4), found.bound  # the Fano plane
    (1.0, 1.0)
    """

    search: Search = field(default_factory=lambda: Search(moves=20_000))

    def solve(
        self,
        question: Question,
        *,
        given: Iterable[tuple[str, Floats]] = (),
        rng: RngLike = None,
        chains: Sequence[Chain] = (),
        tell: Tell | None = None,
        keep: Keep | None = None,
    ) -> AssignmentResult:
        """Search.

        Parameters
        ----------
        question : Question
        given : iterable of (str, array of shape (n, k))
            Names and encoding matrices of known codes to start from; the first is always looked at.
        rng : None, int, Generator or SeedSequence
        chains : sequence of Chain
            Of an earlier search with the same question and seed, to go on from.
        tell, keep : callable, optional
            See `Search.run`.

        Raises
        ------
        InfeasibleError
            If no placement is found to start from.
        """
        begin, seed = time.perf_counter(), seed_of(rng)
        bound = question.bound()
        enough = -np.inf if question.drawn else bound + _MET * max(1.0, bound)
        problem = Walk(question, ())
        problem.compile()
        compiled = time.perf_counter() - begin
        ranked = self._ranked(question, given, seed)
        search = self.search
        ranking = time.perf_counter() - begin - compiled
        if search.seconds is not None:
            search = replace(search, seconds=max(0.0, search.seconds - ranking))
        problem = replace(problem, starts=ranked)
        found = search.run(problem, rng=seed, chains=chains, enough=enough, tell=tell, keep=keep)
        ends = {
            chain.number: Start(ranked[chain.number % len(ranked)].name, chain.arrays["best"], chain.arrays["sizes"])
            for chain in found.chains
        }
        best = ends.pop(found.best.number)
        return AssignmentResult(
            value=found.best.value,
            bound=bound,
            status=Status.OPTIMAL if found.stopped == "enough" and not question.sampled else Status.FEASIBLE,
            seconds=ranking + found.seconds,
            seed=seed,
            encoding=best.encoding,
            sizes=best.sizes,
            bad=found.best.arrays["bad"],
            others=(*ends.values(), *ranked[:_OTHERS]),
            start=best.name,
            chain=found.best.number,
            moves=found.moves,
            chains=found.chains,
            stopped=found.stopped,
        )

    def _ranked(self, question: Question, given: Iterable[tuple[str, Floats]], seed: int) -> tuple[Start, ...]:
        """Return the best start of each name, best first."""
        from ._setup import Setup

        none = np.empty((0, question.stragglers), dtype=np.int64)
        every = [Start.of_code(name, matrix) for name, matrix in given] + list(starts(question, seed))
        fitting = [start for start in every if start.fits(question)]
        if not fitting:
            raise InfeasibleError(
                f"no placement of {question.partitions} partitions was found for these loads"
                + (f" and replication {question.replication}" if question.replication else "")
                + (f" in {question.clusters} clusters" if question.clusters else "")
                + "; larger loads would work"
            )
        best: dict[str, tuple[float, Start]] = {}
        for start in _promising(question, fitting):
            value, _ = Setup(question, start.sizes, seed).judge(start.matrix, none)
            if start.name not in best or value < best[start.name][0]:
                best[start.name] = value, start
        return tuple(start for _, start in sorted(best.values(), key=lambda pair: pair[0]))


def _promising(question: Question, every: Sequence[Start]) -> list[Start]:
    """Return the starts to look at closely; where that takes long, those with small second singular values.

    The first; a few of each name, and of these so many as a number of operations allows: a limit on time would not be
    the same on every machine.
    """
    if question.exact and question.sets <= _CHEAP:
        return list(every)
    spread: dict[str, list[tuple[float, int]]] = {}
    for i, start in enumerate(every):
        squares = np.append(np.zeros(2), np.linalg.eigvalsh(start.matrix @ start.matrix.T))
        spread.setdefault(start.name, []).append((float(squares[-2] / squares[-1]), i))
    best = sorted(one for group in spread.values() for one in sorted(group)[:_CLOSELY])
    effort = question.workers**2 * max(1, question.stragglers)
    return [every[i] for i in dict.fromkeys([0, *(i for _, i in best[: max(_LEAST, int(_OPERATIONS / effort))])])]
