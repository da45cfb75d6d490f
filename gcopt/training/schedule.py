"""When the messages of each iteration arrive on a cluster; the same for every engine with the same seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gcopt.errors import TrainingError
from gcopt.solvers.seeding import generator

if TYPE_CHECKING:
    from gcopt.cluster import Cluster
    from gcopt.training.policy import Policy

Floats = NDArray[np.float64]

CHUNK = 256
ATTEMPTS = 1000

# streams below the seed of a run
_FIRST, _AGAIN = 101, 102


class Schedule:
    """Arrival times drawn from a cluster, by iteration, in any order.

    An iteration in which nothing decodes, because too many workers stall for good, is drawn again; every failed attempt
    costs ``failures.restart`` seconds.

    Parameters
    ----------
    policy : Policy
    cluster : Cluster
    seed : int

    Attributes
    ----------
    transfer : array, shape (n,)
        Transfer times of the iteration asked for last.

    Examples
    --------
    >>> import gcopt
    >>> from gcopt.training.policy import Policy
    >>> from gcopt.delays import Delay
    >>> cluster = gcopt.Cluster(2, Delay("exponential", {"rate": 1.0}))
    >>> schedule = Schedule(Policy(gcopt.families.uncoded(2)), cluster, seed=0)
    >>> times, failed = schedule.arrivals(1000)
    >>> times.shape, failed
    ((2, 1), 0)
    """

    def __init__(self, policy: Policy, cluster: Cluster, seed: int) -> None:
        self.policy = policy
        self.cluster = cluster
        self.seed = seed
        self._chunk = -1
        self._drawn: tuple[Floats, Floats] = (np.empty(0), np.empty(0))
        self.transfer: Floats = np.empty(0)

    def arrivals(self, iteration: int) -> tuple[Floats, int]:
        """Return when messages arrive, shape (n, segments), inf for never, and how many attempts failed before.

        What arrives is the policy's to say; with partial work it is reports.

        Raises
        ------
        TrainingError
            If no attempt can be decoded, or the first one cannot and a restart takes forever.
        """
        chunk, row = divmod(iteration, CHUNK)
        if chunk != self._chunk:
            self._drawn, self._chunk = self._draw(CHUNK, chunk * CHUNK, _FIRST, chunk), chunk
        found, self.transfer = self._drawn[0][row], self._drawn[1][row]
        restart = self.cluster.failures.restart
        for failed in range(ATTEMPTS):
            if self.policy.possible(found):
                return found + (failed * restart if failed else 0.0), failed
            if np.isinf(restart):
                break
            again = self._draw(1, iteration + failed + 1, _AGAIN, iteration, failed)
            found, self.transfer = again[0][0], again[1][0]
        raise TrainingError(
            f"too many workers of the cluster stalled in each of {failed + 1} attempts; "
            "a code for more stragglers or a finite restart would work"
        )

    def _draw(self, rows: int, start: int, *stream: int) -> tuple[Floats, Floats]:
        times = self.cluster.sample(rows, generator(self.seed, *stream), start=start)
        return self.policy.arrivals(self.cluster, times), times.transfer
