"""The search for codes with short messages: starts are ranked, chains walk from the best, the best code is returned."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..chains import Chain
from ..errors import InfeasibleError, LimitError
from ..result import Result, Status
from ..searching import Found, Keep, Search, Tell
from ..seeding import RngLike, generator, seed_of
from .frames import Frames
from .question import Question
from .starts import Start, starts
from .walking import Walk, judge_of, prepared

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_TUNED = 12  # starts whose coefficients are tuned before they are ranked
_FRESH = 4  # times as many drawn sets say at the end which chain is best
_MET = 5e-7  # so near to the bound a regularised value ends the search


@dataclass(frozen=True, kw_only=True)
class ShortMessagesResult(Result):
    """The best code found.

    ``value`` is that of the regularised problem, a little above the true one; where not every set of stragglers is
    looked at, a sample's or an attack's.

    Attributes
    ----------
    encoding : array, shape (n, m * k)
    sizes : int64, shape (V,)
        Partitions in each cluster.
    bad : int64, shape (any, s)
        Sets of stragglers that were bad for codes on the way to this one.
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
    sizes: Ints
    bad: Ints
    start: str
    chain: int
    moves: tuple[int, ...]
    chains: tuple[Chain, ...]
    stopped: str


@dataclass(frozen=True)
class ShortMessages:
    """Search for who holds what, and with which coefficients, where messages are m times shorter.

    Chains start from given codes, from groups, from placements of more or fewer clusters of partitions and from classes
    of clusters, with signs, with one direction per worker and with normal coefficients, whichever are best. Copies are
    exchanged by simulated annealing; where the sets of stragglers are few enough, coefficients are tuned after each
    exchange, by steps along the gradient of the error of ridge decoding, after a few of alternating minimisation.

    Attributes
    ----------
    search : Search
        How long, how many chains and processes.

    Examples
    --------
    >>> found = ShortMessages(Search(moves=16, chains=1)).solve(Question(6, 6, 3, 2, 2), rng=0)
    >>> round(found.value, 4), round(found.bound, 4), str(found.status)  # two groups of three, an MDS code in each
    (1.2, 1.2, 'optimal')
    """

    search: Search = field(default_factory=lambda: Search(moves=512))

    def solve(
        self,
        question: Question,
        *,
        given: Iterable[tuple[str, Floats]] = (),
        rng: RngLike = None,
        chains: Sequence[Chain] = (),
        tell: Tell | None = None,
        keep: Keep | None = None,
    ) -> ShortMessagesResult:
        """Search.

        Parameters
        ----------
        question : Question
        given : iterable of (str, array of shape (n, k) or (n, m * k))
            Names and encoding matrices of known codes: of those with m = 1 the placement is taken.
        rng : None, int, Generator or SeedSequence
        chains : sequence of Chain
            Of an earlier search with the same question and seed, to go on from.
        tell, keep : callable, optional
            See `Search.run`.

        Raises
        ------
        InfeasibleError
            If no placement is found to start from.
        LimitError
            If none of the codes met is unbiased, where that is asked for.
        """
        begin, seed = time.perf_counter(), seed_of(rng)
        bound = question.bound()
        enough = -np.inf if question.drawn else bound + _MET * max(1.0, bound)
        problem = Walk(question, ())
        problem.compile()
        compiled = time.perf_counter() - begin
        ranked = _ranked(question, given, seed)
        ranking = time.perf_counter() - begin - compiled
        search = self.search
        if search.seconds is not None:
            search = replace(search, seconds=max(0.0, search.seconds - ranking))
        problem = replace(problem, starts=ranked)
        found = search.run(problem, rng=seed, chains=chains, enough=enough, tell=tell, keep=keep)
        return _result(question, found, ranked, ranking)


def _result(question: Question, found: Found, ranked: tuple[Start, ...], ranking: float) -> ShortMessagesResult:
    """Return the best code of all chains; ``ranking`` seconds were spent before them."""
    chain = _least(question, found) if question.drawn else found.best
    best = replace(ranked[chain.number % len(ranked)], matrix=chain.arrays["best"])
    if question.unbiased:
        if chain.value > 2.0 * question.blocks * question.partitions:
            raise LimitError(
                f"no code without bias was found for {question.blocks} blocks and loads of {question.load}; more moves "
                "or a larger load may do"
            )
        best = replace(best, matrix=Frames(question, best.sizes).coefficients(best.matrix))
    return ShortMessagesResult(
        value=chain.value,
        bound=question.bound(),
        status=Status.OPTIMAL if found.stopped == "enough" and not question.drawn else Status.FEASIBLE,
        seconds=ranking + found.seconds,
        seed=found.seed,
        encoding=best.encoding,
        sizes=best.sizes,
        bad=chain.arrays["bad"],
        start=best.name,
        chain=chain.number,
        moves=found.moves,
        chains=found.chains,
        stopped=found.stopped,
    )


def _least(question: Question, found: Found) -> Chain:
    """Return the chain whose code is best on sets of stragglers that no search has seen."""
    more = replace(question, samples=_FRESH * question.samples)
    seed = int(generator(found.seed, 9).integers(2**63))
    values = {
        chain.number: judge_of(more, chain.arrays["sizes"], seed).judge(chain.arrays["best"], chain.arrays["bad"])[0]
        for chain in found.chains
    }
    return min(found.chains, key=lambda chain: (values[chain.number], chain.number))


def _ranked(question: Question, given: Iterable[tuple[str, Floats]], seed: int) -> tuple[Start, ...]:
    """Return the starts, best first: by value, those that are best without it once their coefficients are tuned."""
    fitting = [start for start in starts(question, given, seed) if start.fits(question)]
    if not fitting:
        clusters = f" in {question.clusters} clusters" if question.clusters else ""
        raise InfeasibleError(
            f"no placement of {question.partitions} partitions{clusters} was found for loads of {question.load}; a "
            "larger load would work"
        )
    judges = [judge_of(question, start.sizes, seed) for start in fitting]
    none = np.empty((0, question.stragglers), dtype=np.int64)
    values = [judge.judge(start.matrix, none)[0] for judge, start in zip(judges, fitting, strict=True)]
    order = np.argsort(values, kind="stable")
    if question.tuned:
        tuned = {int(i): prepared(judges[i], fitting[i])[1] for i in order[:_TUNED]}
        order = np.array(sorted(order.tolist(), key=lambda i: (i not in tuned, tuned.get(i, values[i]))))
    return tuple(fitting[i] for i in order)
