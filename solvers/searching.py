"""The one outer loop of every search: seeded chains, a time limit, the best so far, processes, a stop at any moment.

A chain is a walk that depends on the problem, the seed, its number and the moves it has made, and on nothing else:
neither on the clock nor on other chains. So a search is made again by making the same number of moves in every chain,
on however many processes, and goes on later from the chains it had.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ._hands import Hands, Turn
from .chains import Chain, Problem
from .errors import InputError
from .seeding import RngLike, seed_of

_SLICE = 1.0  # seconds after which a chain lets others go on
_SLICES = 20  # and no more than this part of the time limit
_KEPT_EVERY = 5.0  # seconds between two calls of ``keep``


Tell = Callable[[float, float, float], None]
"""Called with how far the search is, of how much (seconds, or moves where they are given), and the best value."""

Keep = Callable[[Sequence[Chain]], None]


@dataclass(frozen=True, eq=False)
class Found:
    """How a search ended.

    Attributes
    ----------
    best : Chain
        The one with the smallest value; of equals the first.
    chains : tuple of Chain
        All that were started, by number.
    seconds : float
        Without compilation.
    seed : int
    stopped : str
        ``moves``, ``time``, ``enough`` or ``interrupted``.
    """

    best: Chain
    chains: tuple[Chain, ...]
    seconds: float
    seed: int
    stopped: str

    @property
    def moves(self) -> tuple[int, ...]:
        """How many every chain has made: what `Search.moves` takes to make this search again."""
        return tuple(chain.moves for chain in self.chains)


@dataclass(frozen=True)
class Search:
    """How long and how widely to search.

    Attributes
    ----------
    seconds : float or None
        Time limit. At 0 chain 0 is started and nothing else. None: no limit but the moves.
    moves : int, sequence of int or None
        Moves of each chain, or of every one, in whole blocks; they are made in full, whatever the time.
        None: until the time is over.
    chains : int
        How many there are; not used where ``moves`` is a sequence.
    processes : int
        How many work on them at once, at most one for each chain. With more than one, a script must guard its start
        with ``if __name__ == "__main__":``, as always with processes.

    Raises
    ------
    InputError
        If an option is impossible, or there would be no end.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from gcopt.solvers.chains import Chain
    >>> @dataclass(frozen=True)
    ... class Halving:
    ...     def compile(self): pass
    ...     def start(self, seed, number): return Chain(number, 0, 1.0 + number, {})
    ...     def advance(self, chain, seed): return Chain(chain.number, chain.moves + 1, chain.value / 2, {})
    >>> found = Search(moves=[2, 5]).run(Halving(), rng=0)
    >>> found.best.value, found.moves, found.stopped
    (0.0625, (2, 5), 'moves')
    """

    seconds: float | None = None
    moves: int | Sequence[int] | None = None
    chains: int = 4
    processes: int = 1

    def __post_init__(self) -> None:
        if self.seconds is None and self.moves is None:
            raise InputError("seconds and moves are both None; one of them is needed, or the search never ends")
        if self.seconds is not None and not 0.0 <= self.seconds < np.inf:
            raise InputError(f"seconds is {self.seconds}; a number from 0 would work")
        for name, value in (("chains", self.chains), ("processes", self.processes)):
            if not isinstance(value, int) or value < 1:
                raise InputError(f"{name} is {value!r}; an integer from 1 would work")
        wrong = [m for m in self._targets() or (0,) if not isinstance(m, (int, np.integer)) or m < 0]
        if wrong or (self.moves is not None and not self._targets()):
            raise InputError(f"moves is {self.moves!r}; integers from 0, one for each chain or one for all, would work")

    def _targets(self) -> tuple[int, ...] | None:
        """Moves of every chain, where they are given."""
        if self.moves is None:
            return None
        return tuple(self.moves) if isinstance(self.moves, Sequence) else (self.moves,) * self.chains

    def _wants(self, chain: Chain) -> bool:
        """Whether a chain is on the way to the given moves; a longer one is of no use for them."""
        targets = self._targets()
        return targets is None or (chain.number < len(targets) and chain.moves <= targets[chain.number])

    def run(
        self,
        problem: Problem,
        *,
        rng: RngLike = None,
        chains: Iterable[Chain] = (),
        enough: float = -np.inf,
        tell: Tell | None = None,
        keep: Keep | None = None,
    ) -> Found:
        """Search.

        Parameters
        ----------
        problem : Problem
        rng : None, int, Generator or SeedSequence
        chains : iterable of Chain
            Those of an earlier search of the same problem with the same seed, to go on from.
        enough : float
            A proven bound: a chain stops when its value is no larger (by more than 1e-9 of it), and so do the others
            unless their moves are given.
        tell, keep : callable, optional
            Called in this process now and then: to show how far it is, and with the chains so far.

        Raises
        ------
        LimitError
            If processes die again and again.
        KeyboardInterrupt
            If interrupted before there is anything; later, what was found is returned.
        """
        seed = seed_of(rng)
        problem.compile()
        wanted = {chain.number: chain for chain in chains if self._wants(chain)}
        run = _Run(self, problem, seed, wanted, enough, tell, keep)
        return run.finish(run.loop())


class _Run:
    """One run of a search: which chains wait for their turn, and what is known of all."""

    def __init__(
        self,
        search: Search,
        problem: Problem,
        seed: int,
        chains: dict[int, Chain],
        enough: float,
        tell: Tell | None,
        keep: Keep | None,
    ) -> None:
        self.search, self.problem, self.seed = search, problem, seed
        self.chains, self.tell, self.keep = chains, tell, keep
        self.enough = enough + 1e-9 * abs(enough) if np.isfinite(enough) else -np.inf
        self.targets = search._targets()
        count = search.chains if self.targets is None else len(self.targets)
        self.waiting = deque(range(max(count, 1 + max(chains, default=0)) if self.targets is None else count))
        self.begin = self.kept = time.perf_counter()

    @property
    def left(self) -> float:
        """Seconds left; given moves are made in full."""
        if self.targets is not None or self.search.seconds is None:
            return np.inf
        return self.search.seconds - (time.perf_counter() - self.begin)

    @property
    def value(self) -> float:
        return min((chain.value for chain in self.chains.values()), default=np.inf)

    def loop(self) -> str:
        """Give every chain its turns until something ends that; return what."""
        try:
            with Hands(min(self.search.processes, len(self.waiting)), self.problem) as hands:
                self.begin = self.kept = time.perf_counter()  # starting processes and compiling there is over
                while (turns := self._next(hands.free)) or hands.busy:
                    for turn in turns:
                        hands.take(turn)
                    for chain in hands.finished():
                        self._returned(chain)
        except KeyboardInterrupt:
            if not self.chains:
                raise
            return "interrupted"
        if self.value <= self.enough:
            return "enough"
        return "time" if self.targets is None else "moves"

    def _next(self, free: int) -> list[Turn]:
        """Return the turns that ``free`` processes may take now; chain 0 is started however late it is."""
        turns: list[Turn] = []
        while self.waiting and len(turns) < free:
            if self.targets is None and self.value <= self.enough:  # given moves do not hang on other chains
                break
            if self.left <= 0.0 and (self.chains or self.waiting[0] != 0):
                break
            number = self.waiting.popleft()
            length = min(_SLICE, max(0.0, self.left), (self.search.seconds or np.inf) / _SLICES)
            target = None if self.targets is None else self.targets[number]
            turns.append(Turn(self.seed, number, self.chains.get(number), length, target, self.enough))
        return turns

    def _returned(self, chain: Chain) -> None:
        self.chains[chain.number] = chain
        more = self.targets is None or chain.moves < self.targets[chain.number]
        if more and chain.value > self.enough:
            self.waiting.append(chain.number)
        self._report()

    def _report(self) -> None:
        now = time.perf_counter()
        if self.tell is not None:
            if self.targets is None:
                self.tell(now - self.begin, self.search.seconds or 0.0, self.value)
            else:
                made = sum(chain.moves for chain in self.chains.values())
                self.tell(float(made), float(sum(self.targets)), self.value)
        if self.keep is not None and now - self.kept > _KEPT_EVERY:
            self.kept = now
            self.keep(self._ordered())

    def _ordered(self) -> tuple[Chain, ...]:
        return tuple(self.chains[number] for number in sorted(self.chains))

    def finish(self, stopped: str) -> Found:
        chains = self._ordered()
        if self.keep is not None:
            self.keep(chains)
        best = min(chains, key=lambda chain: (chain.value, chain.number))
        return Found(best, chains, time.perf_counter() - self.begin, self.seed, stopped)
