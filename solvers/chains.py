"""What a search walks: a chain, and the problem that knows how to start one and move it on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Chain:
    """Where a walk stands: enough to go on with.

    Attributes
    ----------
    number : int
        Which of the chains of its search it is.
    moves : int
        How many it has made.
    value : float
        Of the best it has seen; smaller is better.
    arrays : mapping of str to array
        The best itself, where the walk is now, and whatever else it needs.
    """

    number: int
    moves: int
    value: float
    arrays: Mapping[str, NDArray[Any]]


class Problem(Protocol):
    """What is searched: picklable, and without a state of its own."""

    def compile(self) -> None:
        """Compile the kernels, so that no clock counts that."""

    def start(self, seed: int, number: int) -> Chain:
        """Return chain ``number`` before its first move."""

    def advance(self, chain: Chain, seed: int) -> Chain:
        """Return the chain some moves later; how many is for the problem to say, and depends on the chain alone."""
