"""How the master steps once it has the gradient: small state objects, saved and restored to the same bits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gcopt.checks import check_number
from gcopt.errors import InputError
from gcopt.registry import Registry

Vector = NDArray[np.float64]


@dataclass
class Optimizer(ABC):
    """A rule for the next parameters.

    Parameters
    ----------
    rate : float
        Step size.
    """

    name: ClassVar[str]
    rate: float
    memory: dict[str, NDArray[Any]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        check_number(f"{self.name} rate", self.rate, 0.0, open_low=True)
        if not np.isfinite(self.rate):
            raise InputError(f"{self.name} rate is {self.rate}; a finite number is needed")

    @abstractmethod
    def step(self, w: Vector, gradient: Vector) -> Vector:
        """Return the next parameters; ``w``, shape (d,), is overwritten, ``gradient`` is not."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Return a copy of everything that `restore` needs beside the parameters of the constructor."""
        return {key: value.copy() for key, value in self.memory.items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go back to what `state` returned."""
        self.memory = {key: np.array(value) for key, value in state.items()}

    def settings(self) -> dict[str, float | None]:
        """Return the parameters of the constructor."""
        return {item.name: getattr(self, item.name) for item in fields(self) if item.init}

    def _vector(self, key: str, w: Vector) -> Vector:
        """Return a remembered vector like ``w``, zero at first."""
        vector = self.memory.setdefault(key, np.zeros_like(w))
        if vector.shape != w.shape:
            raise InputError(f"{self.name} remembers {vector.size} parameters; w has {w.size}")
        return vector

    def _tick(self) -> int:
        """Count the steps, from 1."""
        count = self.memory.setdefault("count", np.zeros((), dtype=np.int64))
        count += 1
        return int(count)


@dataclass
class SGD(Optimizer):
    """Gradient descent: ``w - rate g``.

    Examples
    --------
    >>> import numpy as np
    >>> SGD(0.5).step(np.array([1.0]), np.array([1.0])).tolist()
    [0.5]
    """

    name = "sgd"

    def step(self, w: Vector, gradient: Vector) -> Vector:
        """Return ``w - rate g``."""
        w -= self.rate * gradient
        return w


@dataclass
class Momentum(Optimizer):
    """Heavy ball (Polyak 1964): ``v = momentum v + g``, then ``w - rate v``.

    Examples
    --------
    >>> import numpy as np
    >>> rule, g = Momentum(0.5, momentum=0.5), np.array([1.0])
    >>> rule.step(rule.step(np.array([1.0]), g), g).tolist()
    [-0.25]
    """

    name = "momentum"
    momentum: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        _below_one("momentum", self.momentum)

    def step(self, w: Vector, gradient: Vector) -> Vector:
        """Return ``w - rate v``."""
        v = self._vector("velocity", w)
        v *= self.momentum
        v += gradient
        w -= self.rate * v
        return w


@dataclass
class Nesterov(Optimizer):
    """Accelerated gradient (Nesterov 1983); the parameters are the extrapolated point where gradients are taken.

    ``x' = w - rate g``, then ``w = x' + b (x' - x)`` with b = t / (t + 3) in step t = 0, 1, ... (Su, Boyd, Candes 2016,
    A differential equation for modeling Nesterov's accelerated gradient method, equation 1), or a constant b.

    Parameters
    ----------
    rate : float
        Step size, at most 1 / L for the guaranteed 1 / t^2 decrease.
    momentum : float or None
        Constant b; None for t / (t + 3).

    Examples
    --------
    >>> import numpy as np
    >>> rule, g = Nesterov(1.0), np.array([1.0])
    >>> rule.step(rule.step(np.array([0.0]), g), g).tolist()
    [-2.25]
    """

    name = "nesterov"
    momentum: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.momentum is not None:
            _below_one("momentum", self.momentum)

    def step(self, w: Vector, gradient: Vector) -> Vector:
        """Return the next extrapolated point."""
        before = self.memory.get("plain")
        before = w.copy() if before is None else before
        if before.shape != w.shape:
            raise InputError(f"{self.name} remembers {before.size} parameters; w has {w.size}")
        t = self._tick() - 1
        b = t / (t + 3) if self.momentum is None else self.momentum
        after = w - self.rate * gradient
        np.multiply(after - before, b, out=w)
        w += after
        self.memory["plain"] = after
        return w


@dataclass
class Adam(Optimizer):
    """Adam (Kingma, Ba 2015, Algorithm 1).

    Parameters
    ----------
    rate : float
        Step size.
    beta1, beta2 : float
        Decay of the first and second moments.
    epsilon : float
        Added to the root of the second moment.

    Examples
    --------
    >>> import numpy as np
    >>> Adam(0.5, epsilon=1e-12).step(np.array([1.0]), np.array([7.0])).round(9).tolist()
    [0.5]
    """

    name = "adam"
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        _below_one("beta1", self.beta1)
        _below_one("beta2", self.beta2)
        check_number("epsilon", self.epsilon, 0.0, open_low=True)

    def step(self, w: Vector, gradient: Vector) -> Vector:
        """Return ``w - rate m / (sqrt(v) + epsilon)`` with the moments corrected for their start at zero."""
        m, v = self._vector("first", w), self._vector("second", w)
        t = self._tick()
        m *= self.beta1
        m += (1.0 - self.beta1) * gradient
        v *= self.beta2
        v += (1.0 - self.beta2) * gradient * gradient
        root = np.sqrt(v / (1.0 - self.beta2**t))
        w -= (self.rate / (1.0 - self.beta1**t)) * m / (root + self.epsilon)
        return w


OPTIMIZERS: Registry[type[Optimizer]] = Registry(
    "optimizer", "gcopt.optimizers", {"sgd": SGD, "momentum": Momentum, "nesterov": Nesterov, "adam": Adam}
)


def make_optimizer(name: str, rate: float, **settings: float | None) -> Optimizer:
    """Return an optimiser by its name.

    Parameters
    ----------
    name : str
        ``sgd``, ``momentum``, ``nesterov``, ``adam``, or one that another package registered.
    rate : float
        Step size.
    **settings
        Further parameters of its class.

    Raises
    ------
    InputError
        If the name or a setting does not exist or is out of range.

    Examples
    --------
    >>> make_optimizer("momentum", 0.1, momentum=0.5)
    Momentum(rate=0.1, momentum=0.5)
    """
    kind = OPTIMIZERS[name]
    valid = [item.name for item in fields(kind) if item.init]
    for key in settings:
        if key not in valid:
            raise InputError(f"{name} has no parameter {key!r}; it takes: {', '.join(valid)}")
    return kind(rate, **settings)


def _below_one(name: str, value: float) -> None:
    if check_number(name, value, 0.0, 1.0) == 1.0:
        raise InputError(f"{name} is 1; a number from 0 to below 1 is needed")
