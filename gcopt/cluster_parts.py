"""The parts of a cluster: measured traces, network, failures, racks, the job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.checks import check_count, check_finite, check_number
from gcopt.errors import InputError
from gcopt.logs import check_log


def set_fields(target: Any, **values: Any) -> None:
    """Set fields of a frozen object under construction."""
    for name, value in values.items():
        object.__setattr__(target, name, value)


def listed(name: str, value: Any) -> Sequence[Any]:
    """Return a list, tuple or array as a sequence of plain values."""
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
        set_fields(self, latency=check_finite("latency", self.latency, 0.0))
        set_fields(self, bandwidth=check_number("bandwidth", self.bandwidth, 0.0, open_low=True))
        set_fields(self, master_bandwidth=check_number("master_bandwidth", self.master_bandwidth, 0.0, open_low=True))


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
        set_fields(self, probability=check_number("probability", self.probability, 0.0, 1.0))
        set_fields(self, recovery=check_number("recovery", self.recovery, 0.0))
        set_fields(self, restart=check_number("restart", self.restart, 0.0))


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
        set_fields(self, of=tuple(check_count(f"of[{j}]", rack, 0) for j, rack in enumerate(listed("of", self.of))))
        set_fields(self, sigma=check_finite("sigma", self.sigma, 0.0))


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
    forward : float
        What a partition costs once for every worker that takes its gradient in stretches, however short, in whole
        gradients of the partition: the forward pass, which one pass over all coordinates does on the way.
    """

    parameters: int = 1
    samples: int = 1
    partitions: int | None = None
    unit: float = 1.0
    forward: float = 0.0

    def __post_init__(self) -> None:
        set_fields(self, parameters=check_count("parameters", self.parameters, 1))
        set_fields(self, samples=check_count("samples", self.samples, 1))
        if self.partitions is not None:
            set_fields(self, partitions=check_count("partitions", self.partitions, 1))
        set_fields(self, unit=check_finite("unit", self.unit, 0.0, open_low=True))
        set_fields(self, forward=check_finite("forward", self.forward, 0.0))

    @property
    def work(self) -> float:
        """Units of work in the whole gradient."""
        return self.unit * self.samples * self.parameters
