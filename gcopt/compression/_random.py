"""Random numbers that workers and master agree upon without a word: Philox4x32-10, made inside other kernels.

The generator counts (Salmon, Moraes, Dror & Shaw 2011, Parallel Random Numbers: As Easy as 1, 2, 3): the numbers at a
place follow from the key and the place alone, so that nothing is stored, and the streams of all messages are disjoint.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_USES = 16


class Stream(NamedTuple):
    """Which random numbers a message is made with; no two messages of a run have the same.

    Attributes
    ----------
    seed : int
        Of the run.
    version : int
        Of the parameters: the number of steps taken before.
    worker, segment : int
    use : int
        What they are for, below 16: a message may be made of several independent things.

    Examples
    --------
    >>> Stream(seed=0, version=3, worker=1).words[:3].tolist()
    [3, 1, 0]
    """

    seed: int
    version: int = 0
    worker: int = 0
    segment: int = 0
    use: int = 0

    @property
    def words(self) -> NDArray[np.uint64]:
        """Three words of the counter and two of the key, shape (5,)."""
        return np.array([self.version, self.worker, self.segment * _USES + self.use, *_key(self.seed)], dtype=np.uint64)


@lru_cache(maxsize=64)
def _key(seed: int) -> tuple[Any, ...]:
    return tuple(np.random.SeedSequence(seed).generate_state(2, np.uint32).tolist())
