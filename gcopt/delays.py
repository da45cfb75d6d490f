"""Random times: the delay models a cluster file may name, each with the parameters scipy.stats gives it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import integrate, stats

from gcopt.checks import check_finite
from gcopt.errors import InputError

Parameters = Mapping[str, float]

NEGLIGIBLE = 1e-3  # a model may put this much probability below zero; those draws become 0


class Constant:
    """What scipy has no distribution for: always the same value.

    Examples
    --------
    >>> Constant(2.0).cdf([1.0, 2.0]).tolist()
    [0.0, 1.0]
    """

    def __init__(self, value: float) -> None:
        self.value = value

    def mean(self) -> float:
        """Return the value."""
        return self.value

    def cdf(self, times: ArrayLike) -> NDArray[np.float64]:
        """Return P(T <= times)."""
        return np.where(np.asarray(times) >= self.value, 1.0, 0.0)

    def sf(self, times: ArrayLike) -> NDArray[np.float64]:
        """Return P(T > times)."""
        return np.where(np.asarray(times) < self.value, 1.0, 0.0)

    def ppf(self, levels: ArrayLike) -> NDArray[np.float64]:
        """Return the quantiles: the value at every level."""
        return np.full(np.shape(levels), self.value)

    isf = ppf

    def logpdf(self, times: ArrayLike) -> NDArray[np.float64]:
        """Return infinity at the value and minus infinity elsewhere."""
        return np.where(np.asarray(times) == self.value, np.inf, -np.inf)


@dataclass(frozen=True)
class Model:
    """A delay model: its parameters, how scipy spells it, how it is drawn fast.

    Attributes
    ----------
    takes : mapping
        Parameter names with their defaults; None where a value is required.
    positive : tuple of str
        Parameters that must be above zero; ``shift`` and ``value`` must be at least 0, others may have any sign.
    scipy : callable
        Parameters in, frozen scipy distribution out.
    draw : callable
        (generator, shape, parameters) to draws; works in place where it can.
    meaning : str
        One line for the user.
    """

    takes: Mapping[str, float | None]
    positive: tuple[str, ...]
    scipy: Callable[[Parameters], Any]
    draw: Callable[[np.random.Generator, tuple[int, ...], Parameters], NDArray[np.float64]]
    meaning: str


def _affine(draws: NDArray[np.float64], scale: float, shift: float) -> NDArray[np.float64]:
    if scale != 1.0:
        draws *= scale
    if shift != 0.0:
        draws += shift
    return draws


def _exponential(g: np.random.Generator, shape: tuple[int, ...], p: Parameters) -> NDArray[np.float64]:
    return _affine(g.standard_exponential(shape), 1.0 / p["rate"], p.get("shift", 0.0))


def _weibull(g: np.random.Generator, shape: tuple[int, ...], p: Parameters) -> NDArray[np.float64]:
    draws = g.standard_exponential(shape)
    np.power(draws, 1.0 / p["shape"], out=draws)
    return _affine(draws, p["scale"], p["shift"])


def _pareto(g: np.random.Generator, shape: tuple[int, ...], p: Parameters) -> NDArray[np.float64]:
    draws = g.standard_exponential(shape)
    draws /= p["shape"]
    np.exp(draws, out=draws)
    return _affine(draws, p["scale"], p["shift"])


def _lognormal(g: np.random.Generator, shape: tuple[int, ...], p: Parameters) -> NDArray[np.float64]:
    draws = g.standard_normal(shape)
    draws *= p["sigma"]
    np.exp(draws, out=draws)
    return _affine(draws, p["scale"], p["shift"])


def _gamma(g: np.random.Generator, shape: tuple[int, ...], p: Parameters) -> NDArray[np.float64]:
    return _affine(g.standard_gamma(p["shape"], shape), p["scale"], p["shift"])


def _extreme(g: np.random.Generator, shape: tuple[int, ...], p: Parameters) -> NDArray[np.float64]:
    draws = g.standard_exponential(shape)
    np.log(draws, out=draws)
    xi = p["shape"]
    if xi == 0.0:
        return _affine(draws, -p["scale"], p["location"])
    draws *= -xi
    np.expm1(draws, out=draws)
    return _affine(draws, p["scale"] / xi, p["location"])


def _constant(g: np.random.Generator, shape: tuple[int, ...], p: Parameters) -> NDArray[np.float64]:
    return np.broadcast_to(np.float64(p["value"]), shape)


MODELS: Mapping[str, Model] = MappingProxyType(
    {
        "shifted-exponential": Model(
            {"rate": None, "shift": None},
            ("rate",),
            lambda p: stats.expon(loc=p["shift"], scale=1.0 / p["rate"]),
            _exponential,
            "at least shift, then a memoryless wait of mean 1/rate",
        ),
        "exponential": Model(
            {"rate": None},
            ("rate",),
            lambda p: stats.expon(scale=1.0 / p["rate"]),
            _exponential,
            "a memoryless wait of mean 1/rate",
        ),
        "weibull": Model(
            {"shape": None, "scale": None, "shift": 0.0},
            ("shape", "scale"),
            lambda p: stats.weibull_min(p["shape"], loc=p["shift"], scale=p["scale"]),
            _weibull,
            "scipy's weibull_min; a heavier tail than exponential for shape < 1",
        ),
        "pareto": Model(
            {"shape": None, "scale": None, "shift": 0.0},
            ("shape", "scale"),
            lambda p: stats.pareto(p["shape"], loc=p["shift"], scale=p["scale"]),
            _pareto,
            "at least shift + scale, P(T - shift > t) = (scale/t)^shape; no mean for shape <= 1",
        ),
        "lognormal": Model(
            {"sigma": None, "scale": None, "shift": 0.0},
            ("sigma", "scale"),
            lambda p: stats.lognorm(p["sigma"], loc=p["shift"], scale=p["scale"]),
            _lognormal,
            "shift + scale * exp(sigma * normal); median shift + scale",
        ),
        "gamma": Model(
            {"shape": None, "scale": None, "shift": 0.0},
            ("shape", "scale"),
            lambda p: stats.gamma(p["shape"], loc=p["shift"], scale=p["scale"]),
            _gamma,
            "a sum of `shape` exponential waits of mean `scale`",
        ),
        "generalized-extreme-value": Model(
            {"shape": None, "location": None, "scale": None},
            ("scale",),
            lambda p: stats.genextreme(-p["shape"], loc=p["location"], scale=p["scale"]),
            _extreme,
            "scipy's genextreme with shape = -c: a power-law tail for shape > 0, Gumbel at 0",
        ),
        "deterministic": Model({"value": None}, (), lambda p: Constant(p["value"]), _constant, "always the same value"),
    }
)


@dataclass(frozen=True)
class Delay:
    """A random time in seconds, never negative.

    A model whose support reaches below zero (an extreme value distribution always may) is refused if it puts more
    than 0.001 of its probability there; below that, negative draws become 0.

    Attributes
    ----------
    model : str
        One of `MODELS`.
    parameters : mapping
        Its parameters as scipy.stats defines that distribution (``rate`` is 1/scale, ``shift`` and ``location`` are
        loc, ``sigma`` is s, the ``shape`` of the generalized extreme value distribution is minus scipy's c).

    Raises
    ------
    InputError
        If the model is unknown, or a parameter is unknown, missing or impossible.

    Examples
    --------
    >>> delay = Delay("shifted-exponential", {"rate": 2.0, "shift": 1.0})
    >>> delay.mean
    1.5
    >>> Delay("weibull", {"rate": 2.0})
    Traceback (most recent call last):
        ...
    gcopt.solvers.errors.InputError: weibull has no parameter 'rate'; it takes shape, scale and optionally shift
    """

    model: str
    parameters: Parameters = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise InputError(f"model is {self.model!r}; one of {', '.join(MODELS)} would work")
        model = MODELS[self.model]
        unknown = [name for name in self.parameters if name not in model.takes]
        if unknown:
            raise InputError(f"{self.model} has no parameter {unknown[0]!r}; it takes {takes(self.model)}")
        full = {}
        for name, default in model.takes.items():
            value = self.parameters.get(name, default)
            if value is None:
                raise InputError(f"{self.model} needs {name}; it takes {takes(self.model)}")
            low = 0.0 if name in (*model.positive, "shift", "value") else -math.inf
            full[name] = check_finite(f"{self.model}: {name}", value, low, open_low=name in model.positive)
        object.__setattr__(self, "parameters", MappingProxyType(full))
        if self._below_zero > NEGLIGIBLE:
            raise InputError(
                f"{self.model} with {self._written} is negative with probability {self._below_zero:.3g}; "
                f"at most {NEGLIGIBLE:g} is allowed for a time"
            )

    def __hash__(self) -> int:
        return hash((self.model, tuple(self.parameters.items())))

    def __reduce__(self) -> tuple[type[Delay], tuple[str, dict[str, float]]]:
        return Delay, (self.model, dict(self.parameters))

    def __str__(self) -> str:
        return f"{self.model}({self._written})"

    @property
    def _written(self) -> str:
        return ", ".join(f"{name} = {value:.6g}" for name, value in self.parameters.items())

    @cached_property
    def _below_zero(self) -> float:
        return 0.0 if self.model == "deterministic" else float(self.distribution.cdf(0.0))

    @cached_property
    def distribution(self) -> Any:
        """The frozen scipy distribution (not truncated), or a `Constant` with the methods used here."""
        return MODELS[self.model].scipy(self.parameters)

    @cached_property
    def mean(self) -> float:
        """Expected time in seconds; infinite where there is none."""
        mean = float(self.distribution.mean())
        if self._below_zero == 0.0 or not math.isfinite(mean):
            return mean if not math.isnan(mean) else math.inf
        low = float(self.distribution.ppf(0.0))
        return mean + float(integrate.quad(self.distribution.cdf, low, 0.0)[0])

    def cdf(self, times: ArrayLike) -> NDArray[np.float64]:
        """Return P(T <= times)."""
        times = np.asarray(times, dtype=float)
        return np.where(times < 0.0, 0.0, self.distribution.cdf(times))

    def ppf(self, levels: ArrayLike) -> NDArray[np.float64]:
        """Return the quantiles at these levels from 0 to 1."""
        return np.asarray(np.maximum(self.distribution.ppf(levels), 0.0))

    def isf(self, levels: ArrayLike) -> NDArray[np.float64]:
        """Return the times exceeded with these probabilities; exact far out in the tail, where 1 - level is not."""
        return np.asarray(np.maximum(self.distribution.isf(levels), 0.0))

    def sample(self, shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[np.float64]:
        """Draw an array of independent times; `generator` is advanced. A constant comes as a read-only view."""
        draws = MODELS[self.model].draw(generator, shape, self.parameters)
        if self._below_zero > 0.0:
            np.maximum(draws, 0.0, out=draws)
        return draws

    def scaled(self, factor: float) -> Delay:
        """Return the distribution of ``factor`` times this time, factor > 0.

        Examples
        --------
        >>> print(Delay("exponential", {"rate": 2.0}).scaled(4.0))
        exponential(rate = 0.5)
        """
        check_finite("factor", factor, 0.0, open_low=True)
        power = {"rate": -1, "shape": 0, "sigma": 0}
        return Delay(
            self.model, {name: value * factor ** power.get(name, 1) for name, value in self.parameters.items()}
        )


def takes(model: str) -> str:
    """Return in words which parameters a model takes.

    Examples
    --------
    >>> takes("gamma")
    'shape, scale and optionally shift'
    """
    defaults = MODELS[model].takes
    required = ", ".join(name for name, default in defaults.items() if default is None)
    optional = ", ".join(name for name, default in defaults.items() if default is not None)
    return required + (f" and optionally {optional}" if optional else "")


def models_table() -> list[tuple[str, str, str]]:
    """Return (model, parameters, meaning) of every model, for the help of ``gcopt fit``.

    Examples
    --------
    >>> models_table()[1]
    ('exponential', 'rate', 'a memoryless wait of mean 1/rate')
    """
    return [(name, takes(name), model.meaning) for name, model in MODELS.items()]
