"""A cluster: how long its workers take, what they do to each other, when they fail, and the job they are to do."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gcopt.checks import check_count, check_finite
from gcopt.cluster_parts import Failures, Job, Network, Racks, Trace, listed, set_fields
from gcopt.delays import Delay
from gcopt.errors import InputError
from gcopt.solvers.seeding import RngLike, generator, seed_of

if TYPE_CHECKING:
    from gcopt.solvers.order_statistics import OrderStatisticsResult

__all__ = ["NOTHING", "Cluster", "Failures", "Job", "Network", "Racks", "Times", "Trace"]

NOTHING = Delay("deterministic", {"value": 0.0})


@dataclass(frozen=True, eq=False)
class Times:
    """Random times of some iterations; each array has shape (iterations, n) and may be a read-only view.

    Attributes
    ----------
    compute : array
        Seconds per unit of work, with slowness and the rack's factor; always finite.
    overhead : array
        Seconds of an iteration that do not depend on the work.
    stall : array
        Seconds added by a failure: 0, the recovery time, or infinity.
    transfer : array
        Seconds to send a message as long as the whole gradient, beside those of the network; none by default.
    """

    compute: NDArray[np.float64]
    overhead: NDArray[np.float64]
    stall: NDArray[np.float64]
    transfer: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        if self.transfer.size == 0:
            set_fields(self, transfer=np.broadcast_to(0.0, self.compute.shape))

    def rows(self, which: slice) -> Times:
        """Return the times of some of the iterations."""
        return Times(self.compute[which], self.overhead[which], self.stall[which], self.transfer[which])

    def finish(self, work: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return when each worker has done ``work`` units (a number or shape (n,)), shape (iterations, n).

        Nothing is sent; `gcopt.arrivals` adds that.
        """
        total = self.compute * work
        total += self.overhead
        total += self.stall
        return np.asarray(total)


@dataclass(frozen=True, eq=False)
class Cluster:
    """How long the workers of a cluster take.

    In an iteration worker j finishes W units of work after ``overhead + stall + compute * W`` seconds; messages take
    their time on top, see `gcopt.arrivals`.

    Attributes
    ----------
    workers : int
        n.
    compute : Delay or Trace
        Seconds per unit of work of a worker of slowness 1.
    overhead : Delay or Trace
        Seconds per iteration that do not depend on the work; none by default.
    slowness : array, shape (n,)
        Multiplies the computing time of each worker, not its overhead; all 1 by default. Read-only.
    network : Network
        Latency and bandwidths.
    failures : Failures
        Answers that come late or never.
    racks : Racks or None
        Workers that are slow together.
    job : Job
        What is computed; by default the whole gradient is one unit of work.
    transfer : Delay or Trace
        Seconds to send one message as long as the whole gradient in float64, beside what the network's bandwidth takes;
        a message of a fraction of that length takes that fraction. None by default.

    Raises
    ------
    InputError
        If a number is impossible or the parts disagree on the number of workers.

    Examples
    --------
    >>> cluster = Cluster(3, Delay("exponential", {"rate": 1.0}), slowness=[1.0, 1.0, 2.0])
    >>> cluster.sample(1000, rng=0).compute.shape
    (1000, 3)
    >>> Cluster.loads(cluster.dumps()) == cluster
    True
    """

    workers: int
    compute: Delay | Trace
    overhead: Delay | Trace = NOTHING
    slowness: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    network: Network = field(default_factory=Network)
    failures: Failures = field(default_factory=Failures)
    racks: Racks | None = None
    job: Job = field(default_factory=Job)
    transfer: Delay | Trace = NOTHING

    def __post_init__(self) -> None:
        n = check_count("workers", self.workers, 1)
        given = listed("slowness", [] if self.slowness is None else self.slowness) or [1.0] * n
        slowness = np.array([check_finite(f"slowness[{j}]", x, 0.0, open_low=True) for j, x in enumerate(given)])
        slowness.flags.writeable = False
        set_fields(self, workers=n, slowness=slowness)
        if len(slowness) != n:
            raise InputError(f"slowness has {len(slowness)} entries; one for each of the {n} workers is expected")
        if self.racks is not None and len(self.racks.of) != n:
            raise InputError(f"racks: of has {len(self.racks.of)} entries; one for each of the {n} workers is expected")
        for name in ("compute", "overhead", "transfer"):
            part = getattr(self, name)
            if isinstance(part, Trace) and part.times.shape[1] != n:
                raise InputError(
                    f"{name}: the trace has {part.times.shape[1]} columns; one for each of the {n} workers is expected"
                )

    @property
    def _key(self) -> tuple[Any, ...]:
        rest = (self.network, self.failures, self.racks, self.job, self.transfer)
        return (self.workers, self.compute, self.overhead, tuple(self.slowness.tolist()), *rest)

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, Cluster) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key)

    @cached_property
    def speeds(self) -> NDArray[np.float64]:
        """Relative speed of each worker, shape (n,), mean 1: 1/slowness, for a trace times 1/its median."""
        times = self.slowness * (self.compute.medians if isinstance(self.compute, Trace) else 1.0)
        speeds = 1.0 / np.maximum(times, 1e-9 * times.max() or 1.0)
        return np.asarray(speeds / speeds.mean())

    @property
    def alike(self) -> bool:
        """Whether all workers are independent and follow the same distributions."""
        return bool((self.slowness == self.slowness[0]).all()) and self.racks is None and self._modelled

    @property
    def length_matters(self) -> bool:
        """Whether a longer message takes longer."""
        return min(self.network.bandwidth, self.network.master_bandwidth) < np.inf or self.transfer != NOTHING

    @property
    def _modelled(self) -> bool:
        return all(isinstance(part, Delay) for part in (self.compute, self.overhead, self.transfer))

    def sample(self, iterations: int, rng: RngLike = None, start: int = 0) -> Times:
        """Draw the times of some iterations.

        Parameters
        ----------
        iterations : int
            How many rows.
        rng : None, int, Generator or SeedSequence
            A Generator is used as it is and advanced, so that a long run can be drawn in chunks.
        start : int
            Number of the first iteration; a trace that is replayed begins at this round.

        Returns
        -------
        Times
            Arrays of shape (iterations, n).
        """
        check_count("iterations", iterations, 1)
        check_count("start", start, 0)
        draws = rng if isinstance(rng, np.random.Generator) else generator(seed_of(rng))
        shape = (iterations, self.workers)
        compute, lost = _drawn(self.compute, shape, start, draws)
        overhead, late = _drawn(self.overhead, shape, start, draws)
        if (self.slowness != 1.0).any():
            compute = compute * self.slowness
        if self.racks is not None and self.racks.sigma > 0.0:
            factors = np.exp(self.racks.sigma * draws.standard_normal((iterations, max(self.racks.of) + 1)))
            compute = compute * factors[:, self.racks.of]
        stall = np.broadcast_to(0.0, shape)
        if self.failures.probability > 0.0:
            stall = np.where(draws.random(shape) < self.failures.probability, self.failures.recovery, 0.0)
        transfer, unsent = _drawn(self.transfer, shape, start, draws)
        for no_answer in (lost, late, unsent):
            if no_answer is not None:
                stall = np.where(no_answer, np.inf, stall)
        return Times(compute, overhead, stall, transfer)

    def order_statistics(
        self, work: float | None = None, *, rows: int = 20_000, rng: RngLike = None
    ) -> OrderStatisticsResult:
        """Expected time until the k-th worker is done, k = 1..n, when each does ``work`` units and sends nothing.

        Parameters
        ----------
        work : float, optional
            Units of work of each worker; by default an n-th of the job.
        rows : int
            Iterations to draw where there is no exact way (workers that differ, failures, a random overhead).
        rng : None, int, Generator or SeedSequence
            For those draws.

        Returns
        -------
        OrderStatisticsResult
            ``values`` and ``stderr`` (zero where exact), shape (n,).

        Examples
        --------
        >>> Cluster(2, Delay("exponential", {"rate": 1.0})).order_statistics(work=1.0).values.round(12).tolist()
        [0.5, 1.5]
        """
        from gcopt.solvers.order_statistics import ExpectedOrderStatistics, SampledOrderStatistics

        amount = self.job.work / self.workers if work is None else check_finite("work", work, 0.0, open_low=True)
        if self.alike and self.failures.probability == 0.0:
            assert isinstance(self.compute, Delay)
            assert isinstance(self.overhead, Delay)
            if self.overhead.model == "deterministic":
                moved = self.compute.scaled(amount * float(self.slowness[0]))
                return ExpectedOrderStatistics().solve(moved, self.workers).shifted(self.overhead.mean)
        return SampledOrderStatistics().solve(self.sample(check_count("rows", rows, 2), rng).finish(amount))

    def replace(self, **changes: Any) -> Cluster:
        """Return a copy with some parts changed; with another number of workers the slowness must be given too."""
        return dataclasses.replace(self, **changes)

    @classmethod
    def load(cls, path: str | Path) -> Cluster:
        """Read a cluster file; every fault is an InputError that names the file, the key and what was expected."""
        from gcopt.cluster_file import read

        return read(Path(path))

    @classmethod
    def loads(cls, text: str, base: str | Path | None = None) -> Cluster:
        """Read a cluster from TOML text; traces are looked for in the folder ``base``, the present one by default."""
        from gcopt.cluster_file import parse

        return parse(text, Path(base or "."), "cluster")

    def dumps(self) -> str:
        """Return the cluster as TOML text; a trace is named and not included, see `save`."""
        from gcopt.cluster_file import write

        return write(self, "cluster")[0]

    def save(self, path: str | Path) -> None:
        """Write a cluster file, whole or not at all; traces go beside it as ``NAME.compute.csv``.

        Raises
        ------
        InputError
            If the folder does not exist or may not be written to.
        """
        from gcopt.cluster_file import save

        save(self, Path(path))

    def __repr__(self) -> str:
        parts = [f"n={self.workers}", f"compute={self.compute}"]
        if self.overhead != NOTHING:
            parts.append(f"overhead={self.overhead}")
        if self.transfer != NOTHING:
            parts.append(f"transfer={self.transfer}")
        if (self.slowness != 1.0).any():
            parts.append(f"slowness {self.slowness.min():g} to {self.slowness.max():g}")
        return f"<Cluster {', '.join(parts)}>"


def _drawn(
    source: Delay | Trace, shape: tuple[int, int], start: int, draws: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
    """Return times and where there was no answer (its time is then the worker's median)."""
    if isinstance(source, Delay):
        return source.sample(shape, draws), None
    times = source.rows(shape[0], start, draws)
    lost = np.isinf(times)
    return (np.where(lost, source.medians, times), lost) if lost.any() else (times, None)
