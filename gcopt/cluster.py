"""A cluster: how long its workers take, what they do to each other, when they fail, and the job they are to do."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gcopt.checks import check_count, check_finite, check_number
from gcopt.delays import Delay
from gcopt.errors import InputError
from gcopt.logs import check_log
from gcopt.solvers.seeding import RngLike, generator, seed_of

if TYPE_CHECKING:
    from gcopt.solvers.order_statistics import OrderStatisticsResult

NOTHING = Delay("deterministic", {"value": 0.0})


def _set(target: Any, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(target, name, value)


def _listed(name: str, value: Any) -> Sequence[Any]:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, (list, tuple)):
        raise InputError(f"{name} is {value!r}; a list with one entry per worker is expected")
    return value


@dataclass(frozen=True, eq=False)
class Trace:
    """Measured times that stand in for a model.

    Attributes
    ----------
    times : array, shape (rounds, workers)
        Seconds per unit of work (for an overhead: seconds); infinite where there was no answer. Read-only.
    replay : bool
        True replays the rounds in order, beginning again after the last; False draws whole rounds at random.
    """

    times: NDArray[np.float64]
    replay: bool = False

    def __post_init__(self) -> None:
        times = check_log(self.times, "trace")
        times.flags.writeable = False
        object.__setattr__(self, "times", times)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Trace):
            return NotImplemented
        return self.replay == other.replay and np.array_equal(self.times, other.times)

    def __hash__(self) -> int:
        return hash((self.times.shape, self.times.tobytes(), self.replay))

    def __str__(self) -> str:
        return f"trace of {len(self.times)} rounds, {'replayed in order' if self.replay else 'drawn by whole rounds'}"

    @cached_property
    def medians(self) -> NDArray[np.float64]:
        """Median time of each worker's answers, shape (n,)."""
        return np.asarray(np.nanmedian(np.where(np.isfinite(self.times), self.times, np.nan), axis=0))

    def rows(self, iterations: int, start: int, draws: np.random.Generator) -> NDArray[np.float64]:
        """Return the times of some iterations, shape (iterations, n)."""
        count = len(self.times)
        order = (start + np.arange(iterations)) % count if self.replay else draws.integers(count, size=iterations)
        return np.asarray(self.times[order])


@dataclass(frozen=True)
class Network:
    """The way from the workers to the master.

    Attributes
    ----------
    latency : float
        Seconds per message.
    bandwidth, master_bandwidth : float
        Bytes per second of a worker's link and of the master's.
    """

    latency: float = 0.0
    bandwidth: float = np.inf
    master_bandwidth: float = np.inf

    def __post_init__(self) -> None:
        _set(self, latency=check_finite("latency", self.latency, 0.0))
        _set(self, bandwidth=check_number("bandwidth", self.bandwidth, 0.0, open_low=True))
        _set(self, master_bandwidth=check_number("master_bandwidth", self.master_bandwidth, 0.0, open_low=True))


@dataclass(frozen=True)
class Failures:
    """Stalls: with some probability a worker's answer of an iteration comes much later or not at all.

    Attributes
    ----------
    probability : float
        Of a stall, per worker and iteration, independently.
    recovery : float
        Seconds by which the answer is late; infinite: there is none.
    restart : float
        Seconds that an iteration costs which cannot be decoded for want of answers: the time until somebody notices
        and starts it again.
    """

    probability: float = 0.0
    recovery: float = np.inf
    restart: float = 60.0

    def __post_init__(self) -> None:
        _set(self, probability=check_number("probability", self.probability, 0.0, 1.0))
        _set(self, recovery=check_number("recovery", self.recovery, 0.0))
        _set(self, restart=check_number("restart", self.restart, 0.0))


@dataclass(frozen=True)
class Racks:
    """Workers that share their bad luck.

    Attributes
    ----------
    of : tuple of int
        Rack of each worker, numbered from 0.
    sigma : float
        In each iteration the computing times of a rack are multiplied by exp(sigma * standard normal), median 1.
    """

    of: tuple[int, ...]
    sigma: float

    def __post_init__(self) -> None:
        _set(self, of=tuple(check_count(f"of[{j}]", rack, 0) for j, rack in enumerate(_listed("of", self.of))))
        _set(self, sigma=check_finite("sigma", self.sigma, 0.0))


@dataclass(frozen=True)
class Job:
    """What one iteration computes.

    Attributes
    ----------
    parameters : int
        Length of the gradient.
    samples : int
        Data points in all.
    partitions : int or None
        k, the parts the data is cut into; None leaves the choice to the design.
    unit : float
        Units of work per sample and coordinate; the whole gradient is unit * samples * parameters units.
    """

    parameters: int = 1
    samples: int = 1
    partitions: int | None = None
    unit: float = 1.0

    def __post_init__(self) -> None:
        _set(self, parameters=check_count("parameters", self.parameters, 1))
        _set(self, samples=check_count("samples", self.samples, 1))
        if self.partitions is not None:
            _set(self, partitions=check_count("partitions", self.partitions, 1))
        _set(self, unit=check_finite("unit", self.unit, 0.0, open_low=True))

    @property
    def work(self) -> float:
        """Units of work in the whole gradient."""
        return self.unit * self.samples * self.parameters


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
    """

    compute: NDArray[np.float64]
    overhead: NDArray[np.float64]
    stall: NDArray[np.float64]

    def finish(self, work: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return when each worker has done ``work`` units (a number or shape (n,)), shape (iterations, n)."""
        total = self.compute * work
        total += self.overhead
        total += self.stall
        return np.asarray(total)


@dataclass(frozen=True, eq=False)
class Cluster:
    """How long the workers of a cluster take.

    In an iteration worker j finishes W units of work after ``overhead + stall + compute * W`` seconds.

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
    network: Network = Network()
    failures: Failures = Failures()
    racks: Racks | None = None
    job: Job = Job()

    def __post_init__(self) -> None:
        n = check_count("workers", self.workers, 1)
        given = _listed("slowness", [] if self.slowness is None else self.slowness) or [1.0] * n
        slowness = np.array([check_finite(f"slowness[{j}]", x, 0.0, open_low=True) for j, x in enumerate(given)])
        slowness.flags.writeable = False
        _set(self, workers=n, slowness=slowness)
        if len(slowness) != n:
            raise InputError(f"slowness has {len(slowness)} entries; one for each of the {n} workers is expected")
        if self.racks is not None and len(self.racks.of) != n:
            raise InputError(f"racks: of has {len(self.racks.of)} entries; one for each of the {n} workers is expected")
        for name in ("compute", "overhead"):
            part = getattr(self, name)
            if isinstance(part, Trace) and part.times.shape[1] != n:
                raise InputError(
                    f"{name}: the trace has {part.times.shape[1]} columns; one for each of the {n} workers is expected"
                )

    @property
    def _key(self) -> tuple[Any, ...]:
        rest = (self.network, self.failures, self.racks, self.job)
        return (self.workers, self.compute, self.overhead, tuple(self.slowness.tolist()), *rest)

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, Cluster) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key)

    @cached_property
    def speeds(self) -> NDArray[np.float64]:
        """Relative speed of each worker, shape (n,), mean 1: 1/slowness, for a trace times 1/its median."""
        times = self.slowness * (self.compute.medians if isinstance(self.compute, Trace) else 1.0)
        speeds = 1.0 / np.maximum(times, np.finfo(float).tiny)
        return np.asarray(speeds / speeds.mean())

    @property
    def alike(self) -> bool:
        """Whether all workers are independent and follow the same distributions."""
        return bool((self.slowness == self.slowness[0]).all()) and self.racks is None and self._modelled

    @property
    def _modelled(self) -> bool:
        return isinstance(self.compute, Delay) and isinstance(self.overhead, Delay)

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
            Three arrays of shape (iterations, n).
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
        if lost is not None or late is not None:
            no_answer = np.logical_or(False if lost is None else lost, False if late is None else late)
            stall = np.where(no_answer, np.inf, stall)
        return Times(compute, overhead, stall)

    def order_statistics(
        self, work: float | None = None, *, rows: int = 20_000, rng: RngLike = None
    ) -> OrderStatisticsResult:
        """Expected time until the k-th worker is done, k = 1..n, when each does ``work`` units.

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
