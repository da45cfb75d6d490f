"""What a search for a quiet exact code walks: placements and, on each, the numbers of its parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..chains import Chain
from ..seeding import generator
from ._kernels import compile_kernels
from .designs import design
from .moves import imitate, shift, switch
from .noise import descend, is_small, worst
from .parts import Free, Null, parts_of
from .starts import numbers_for

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_QUICK = ((16.0, 64.0, 256.0), 12)  # sharpness and steps of a move
_LONG = ((4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0), 40)
_ODDS = (0.05, 0.5, 0.1, 0.15, 0.2)  # of: descend further, redesign, move, shake, draw
_HOPELESS = 10.0  # times as noisy before it descends, and a try is given up
_SETS = 20_000  # straggler sets of a part that a move may lead to
_PATIENCE = 40  # moves without a better code after which the walk goes back to the best
_WARMTH = 0.03  # how much noisier, relatively, a code may be to go on from it; sometimes many times that


@dataclass(frozen=True, eq=False)
class State:
    """A placement, its parts and their numbers, and the squared noise (times k) of the worst stragglers."""

    holders: Bools
    parts: list[Free | Null]
    numbers: list[Floats]
    noise: float

    def matrix(self) -> Floats:
        """Return B, shape (n, k)."""
        full = np.zeros(self.holders.shape)
        for part, mine in zip(self.parts, self.numbers, strict=True):
            part.fill(full, part.matrix(mine))
        return full

    def decoders(self, stragglers: int) -> Floats:
        """Return what the null parts decode with, shape (s + 1, n); NaN where there is nothing."""
        full = np.full((stragglers + 1, len(self.holders)), np.nan)
        for part, mine in zip(self.parts, self.numbers, strict=True):
            if isinstance(part, Null):
                full[: part.stragglers + 1, part.workers] = np.repeat(part.shaped(mine), part.team, axis=1)
        return full


@dataclass(frozen=True, eq=False)
class Quiet:
    """The problem.

    Attributes
    ----------
    placements : tuple of bool arrays, shape (n, k)
        To start from, chain 0 from the first.
    loads : array, shape (n,), or None
        The most that each worker may hold; None where a placement is to stay.
    stragglers : int
        s.
    """

    placements: tuple[Bools, ...]
    loads: Ints | None
    stragglers: int

    def compile(self) -> None:
        """Compile the kernels."""
        compile_kernels()

    def start(self, seed: int, number: int) -> Chain:
        """Return the chain at its placement, with coefficients that have descended."""
        again, which = divmod(number, len(self.placements))
        holders = self.placements[which]
        parts = parts_of(holders, self.stragglers)
        numbers = [numbers_for(part, self.stragglers, seed, again) for part in parts]
        state = self._descended(holders, parts, numbers, *_LONG)
        return _chain(number, 0, state, state, 0)

    def advance(self, chain: Chain, seed: int) -> Chain:
        """Make one move: change the placement, descend, and keep that or not."""
        rng = generator(seed, chain.number, 1 + chain.moves)
        best, since = self.best(chain), int(chain.arrays["since"])
        here = self.state(chain.arrays["holders"], chain.arrays["numbers"])
        if since and since % _PATIENCE == 0:
            here = best
        there = self._neighbour(here, rng)
        if there is not None and there.noise <= here.noise * np.exp(_WARMTH * rng.exponential() ** 2):
            here = there
        since += 1
        if here.noise < best.noise * (1.0 - 1e-9):
            best, since = here, 0
        return _chain(chain.number, chain.moves + 1, here, best, since)

    def best(self, chain: Chain) -> State:
        """Return the best that a chain has seen."""
        return self.state(chain.arrays["best_holders"], chain.arrays["best_numbers"])

    def state(self, holders: Bools, flat: Floats) -> State:
        """Return a state as a chain keeps it."""
        parts = parts_of(holders, self.stragglers)
        numbers = np.split(flat, np.cumsum([part.count for part in parts])[:-1])
        return State(holders, parts, numbers, worst(parts, numbers, self.stragglers))

    def _neighbour(self, here: State, rng: np.random.Generator) -> State | None:
        """Return a state next to this one, None if there was nothing to try."""
        what = rng.choice(5, p=_ODDS)
        if what == 0:
            return self._descended(here.holders, here.parts, here.numbers, *_LONG)
        if self.loads is not None and what in (1, 2):
            return self._redesigned(here, rng) if what == 1 else self._moved(here, rng)
        numbers = list(here.numbers)
        several = [i for i, part in enumerate(here.parts) if part.held.shape[1] > 1]
        i = int(rng.choice(several or [0]))
        if what == 3:
            numbers[i] = numbers[i] * (1.0 + 0.2 * rng.standard_normal(numbers[i].size))
            numbers[i][rng.integers(numbers[i].size, size=rng.integers(3))] *= -1.0
        else:
            numbers[i] = numbers_for(here.parts[i], self.stragglers, int(rng.integers(2**31)))
        return self._tried(here.holders, here.parts, numbers, here)

    def _redesigned(self, here: State, rng: np.random.Generator) -> State | None:
        """Return what a new placement on one part, or on two together, leads to."""
        assert self.loads is not None
        order = rng.permutation(len(here.parts))
        chosen = {int(i) for i in order[: 1 + int(rng.random() < 0.5)]}
        workers = np.sort(np.concatenate([here.parts[i].workers for i in chosen]))
        partitions = np.sort(np.concatenate([here.parts[i].partitions for i in chosen]))
        inside = design(self.loads[workers], len(partitions), self.stragglers, rng)
        if inside is None:
            return None
        holders = here.holders.copy()
        holders[np.ix_(workers, partitions)] = inside
        parts = parts_of(holders, self.stragglers)
        if not all(is_small(part, _SETS) for part in parts):
            return None
        kept = {part.partitions.tobytes(): mine for part, mine in zip(here.parts, here.numbers, strict=True)}
        seed, touched = int(rng.integers(2**31)), set(partitions.tolist())
        numbers = [
            numbers_for(part, self.stragglers, seed)
            if touched & set(part.partitions.tolist())
            else kept[part.partitions.tobytes()]
            for part in parts
        ]
        return self._tried(holders, parts, numbers, here)

    def _moved(self, here: State, rng: np.random.Generator) -> State | None:
        """Return what a change of the placement leads to."""
        assert self.loads is not None
        holders = here.holders.copy()
        room = self.loads - holders.sum(axis=1)
        kind = rng.random()
        if kind < 0.3 and room.any():
            moved = shift(holders, room, rng)
        elif kind < 0.6:
            moved = imitate(holders, rng)
        else:
            moved = all(switch(holders, rng) for _ in range(rng.integers(1, 4)))
        parts = parts_of(holders, self.stragglers) if moved else []
        if not parts or not all(is_small(part, _SETS) for part in parts):
            return None
        matrix, decoders = here.matrix(), here.decoders(self.stragglers)
        return self._tried(holders, parts, [part.recall(matrix, decoders, rng) for part in parts], here)

    def _tried(self, holders: Bools, parts: list[Free | Null], numbers: list[Floats], here: State) -> State | None:
        """Return what a short descent leads to, unless it is hopeless from the start."""
        if worst(parts, numbers, self.stragglers) > _HOPELESS * here.noise:
            return None
        return self._descended(holders, parts, numbers, *_QUICK)

    def _descended(
        self,
        holders: Bools,
        parts: list[Free | Null],
        numbers: list[Floats],
        sharpness: tuple[float, ...],
        steps: int,
    ) -> State:
        found = descend(parts, numbers, self.stragglers, steps, sharpness)
        return State(holders, parts, found, worst(parts, found, self.stragglers))


def _chain(number: int, moves: int, here: State, best: State, since: int) -> Chain:
    arrays = {
        "holders": here.holders,
        "numbers": np.concatenate(here.numbers),
        "best_holders": best.holders,
        "best_numbers": np.concatenate(best.numbers),
        "since": np.array(since),
    }
    return Chain(number, moves, float(np.sqrt(best.noise / best.holders.shape[1])), arrays)
