"""Which delay model do times follow: maximum likelihood for every model, ranked by the Kolmogorov distance.

Where a model has a shift, likelihood alone may push it against the smallest time and blow up; so the shift is the one
that makes the Kolmogorov distance least, the other parameters being the most likely ones for that shift.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from gcopt.delays import Delay
from gcopt.errors import InputError

Floats = NDArray[np.float64]
Parameters = dict[str, float]

ENOUGH = 20_000  # larger samples are thinned to so many of their order statistics
NOISE = 0.5  # a distance this much over sqrt(sample size) above the best may be chance: fewer parameters then win
_LARGEST_LOG = 700.0  # beyond, exp overflows


@dataclass(frozen=True)
class Candidate:
    """A fitted model.

    Attributes
    ----------
    delay : Delay
        The model with its parameters.
    distance : float
        Kolmogorov distance from the times: largest difference between the two distribution functions.
    loglikelihood : float
        Of the times, per time; NaN where it was not computed.
    free : int
        Number of fitted parameters.
    """

    delay: Delay
    distance: float
    loglikelihood: float
    free: int

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        finite = math.isfinite(self.loglikelihood)
        return {
            "model": self.delay.model,
            "parameters": dict(self.delay.parameters),
            "kolmogorov": self.distance,
            "loglikelihood": self.loglikelihood if finite else None,
        }


def rank_models(times: Floats, effective: float | None = None) -> tuple[Candidate, ...]:
    """Fit every model to a sample.

    Parameters
    ----------
    times : array, shape (N,)
        Seconds, finite, >= 0.
    effective : float, optional
        How many independent times the sample is worth; N by default.

    Returns
    -------
    tuple of Candidate
        By Kolmogorov distance, except that the first is the one with the fewest parameters among those that are no
        worse than chance explains (0.5 / sqrt(effective)).

    Examples
    --------
    >>> import numpy as np
    >>> times = 2.0 + np.random.default_rng(0).exponential(0.5, 4000)
    >>> best = rank_models(times)[0].delay
    >>> best.model, round(best.parameters["shift"], 2)
    ('shifted-exponential', 2.0)
    """
    x = np.sort(np.asarray(times, dtype=float))
    if x.size > ENOUGH:
        x = x[np.linspace(0, x.size - 1, ENOUGH).astype(np.intp)]
    found = [Candidate(_constant(x), _constant_distance(x), -math.inf, 1)]
    if x[-1] > x[0]:
        for fitted in (_exponential(x), _shifted_exponential(x), _extreme(x)):
            found += _candidates(x, [fitted])
        for model, likeliest in _SHIFTED.items():
            plain = _candidates(x, [_unshifted(x, model, likeliest)])
            moved = _candidates(x, [_shifted(x, model, likeliest)])
            # A shift that brings nothing is not shown twice.
            found += plain + [c for c in moved if not plain or c.distance < plain[0].distance - 1e-3]
    return _simplest_first(found, np.size(times) if effective is None else effective)


def match_unit_time(samples: Mapping[float, Floats], overhead: Floats, unit: float) -> tuple[Candidate, ...]:
    """Find the unit time T that explains logs at several loads as overhead + load * T, the two independent.

    Each model of T is fitted by the least mean squared difference of the distribution functions (Cramer and von
    Mises) over the logs; its distance is the largest Kolmogorov distance of a log.

    Parameters
    ----------
    samples : mapping
        Load to times, shape (N,).
    overhead : array, shape (M,)
        Times at load 0.
    unit : float
        First guess of T, seconds.

    Returns
    -------
    tuple of Candidate
        Best first, as in `rank_models`.
    """
    grid = (np.arange(200) + 0.5) / 200
    base = np.quantile(overhead, grid)
    ordered = {load: np.sort(x) for load, x in samples.items()}

    def distances(delay: Delay) -> list[Floats]:
        steps = delay.ppf((np.arange(50) + 0.5) / 50)
        found = []
        for load, x in ordered.items():
            total = np.sort(np.add.outer(base, load * steps).ravel())
            at = np.quantile(x, grid)
            found.append(np.searchsorted(total, at, side="right") / total.size - grid)
        return found

    def cost(theta: Any, make: Callable[..., Delay]) -> float:
        return float(np.mean(np.square(distances(make(*np.exp(theta))))))

    candidates = []
    for free, make in _UNIT_TIMES:
        start = np.array([math.log(unit), math.log(0.05)][:free])
        options: Any = {"xatol": 1e-3, "fatol": 1e-9, "maxiter": 120}
        theta = optimize.minimize(cost, start, args=(make,), method="Nelder-Mead", options=options).x
        delay = make(*np.exp(theta))
        candidates.append(Candidate(delay, float(np.abs(distances(delay)).max()), math.nan, free))
    return _simplest_first(candidates, min(x.size for x in ordered.values()))


_UNIT_TIMES: tuple[tuple[int, Callable[..., Delay]], ...] = (
    (1, lambda unit: Delay("deterministic", {"value": unit})),
    (2, lambda unit, spread: Delay("lognormal", {"sigma": spread, "scale": unit})),
    (2, lambda unit, spread: Delay("gamma", {"shape": spread**-2, "scale": unit * spread**2})),
    (2, lambda unit, spread: Delay("shifted-exponential", {"rate": 1.0 / (unit * spread), "shift": unit})),
)


def _simplest_first(found: list[Candidate], effective: float) -> tuple[Candidate, ...]:
    """Sort by distance, then move the model with the fewest parameters that may be as good to the front."""
    found.sort(key=lambda c: c.distance)
    close = [c for c in found if c.distance <= found[0].distance + NOISE / math.sqrt(effective)]
    best = min(close, key=lambda c: (c.free, c.distance))
    return (best, *(c for c in found if c is not best))


def kolmogorov(ordered: Floats, cdf: Callable[[Floats], Floats]) -> float:
    """Return the Kolmogorov distance of a sorted sample from a continuous distribution."""
    p = cdf(ordered)
    steps = np.arange(ordered.size + 1) / ordered.size
    return float(max((steps[1:] - p).max(), (p - steps[:-1]).max()))


def _candidates(x: Floats, fits: Sequence[tuple[str, Parameters] | None]) -> list[Candidate]:
    """Return the fits that are possible (a time must not be negative)."""
    found = []
    for fit in fits:
        if fit is None:
            continue
        try:
            delay = Delay(*fit)
        except InputError:
            continue
        loglikelihood = float(np.mean(delay.distribution.logpdf(x)))
        found.append(Candidate(delay, kolmogorov(x, delay.cdf), loglikelihood, len(fit[1])))
    return found


def _constant(x: Floats) -> Delay:
    return Delay("deterministic", {"value": float(np.median(x))})


def _constant_distance(x: Floats) -> float:
    value = np.median(x)
    return float(max((x < value).mean(), (x > value).mean()))


def _exponential(x: Floats) -> tuple[str, Parameters]:
    return "exponential", {"rate": float(1.0 / x.mean())}


def _shifted_exponential(x: Floats) -> tuple[str, Parameters]:
    # The unbiased estimates; the likeliest shift, the minimum itself, is never below the true one.
    shift = max(0.0, float(x[0] - (x.mean() - x[0]) / (x.size - 1)))
    return "shifted-exponential", {"rate": float(1.0 / (x.mean() - shift)), "shift": shift}


def _weibull(z: Floats) -> Parameters:
    logs = np.log(z)
    scaled = logs - logs.max()

    def slope(shape: float) -> float:
        weights = np.exp(shape * scaled)
        return float(weights @ logs / weights.sum() - 1.0 / shape - logs.mean())

    guess = 1.2825 / max(float(logs.std()), 1e-6)
    shape = _root(slope, guess)
    return {"shape": shape, "scale": float(np.exp(logs.max()) * np.mean(np.exp(shape * scaled)) ** (1.0 / shape))}


def _gamma(z: Floats) -> Parameters:
    s = max(float(np.log(z.mean()) - np.log(z).mean()), 1e-12)
    guess = (3.0 - s + math.sqrt((s - 3.0) ** 2 + 24.0 * s)) / (12.0 * s)
    shape = _root(lambda a: float(special.digamma(a) - math.log(a) + s), guess)
    return {"shape": shape, "scale": float(z.mean() / shape)}


def _lognormal(z: Floats) -> Parameters:
    logs = np.log(z)
    return {"sigma": float(logs.std()), "scale": float(np.exp(logs.mean()))}


def _pareto(z: Floats) -> Parameters:
    return {"shape": float(1.0 / np.mean(np.log(z / z.min()))), "scale": float(z.min())}


_SHIFTED: Mapping[str, Callable[[Floats], Parameters]] = {
    "weibull": _weibull,
    "gamma": _gamma,
    "lognormal": _lognormal,
    "pareto": _pareto,
}


def _root(function: Callable[[float], float], guess: float) -> float:
    """Return the zero of an increasing function of a positive number."""
    low, high = guess / 2.0, guess * 2.0
    while function(low) > 0.0 and low > 1e-12:
        low /= 4.0
    while function(high) < 0.0 and high < 1e12:
        high *= 4.0
    return float(optimize.brentq(function, low, high, rtol=1e-10))


def _unshifted(x: Floats, model: str, likeliest: Callable[[Floats], Parameters]) -> tuple[str, Parameters] | None:
    return (model, likeliest(x)) if x[0] > 0.0 else None


def _shifted(x: Floats, model: str, likeliest: Callable[[Floats], Parameters]) -> tuple[str, Parameters] | None:
    """Search the gap between shift and smallest time, on a logarithmic scale."""
    spread = float(np.median(x) - x[0]) or float(x.mean() - x[0])
    narrowest, widest = 1e-4 * spread, min(10.0 * spread, float(x[0]))
    if narrowest >= widest:
        return None

    def fitted(log_gap: float) -> tuple[str, Parameters] | None:
        shift = float(x[0] - math.exp(log_gap))
        return (model, {**likeliest(x - shift), "shift": shift}) if shift >= 0.0 and x[0] > shift else None

    def distance(log_gap: float) -> float:
        made = _candidates(x, [fitted(log_gap)])
        return made[0].distance if made else 1.0

    grid = np.linspace(math.log(narrowest), math.log(widest), 25)
    distances = [distance(float(g)) for g in grid]
    best = int(np.argmin(distances))
    bounds = (float(grid[max(best - 1, 0)]), float(grid[min(best + 1, grid.size - 1)]))
    refined = optimize.minimize_scalar(distance, bounds=bounds, method="bounded", options={"xatol": 1e-3})
    return fitted(float(refined.x) if refined.fun < distances[best] else float(grid[best]))


def _extreme(x: Floats) -> tuple[str, Parameters]:
    """Maximise the likelihood from the probability-weighted moments (Hosking, Wallis, Wood 1985)."""
    j = np.arange(x.size) / max(x.size - 1.0, 1.0)
    b0, b1, b2 = float(x.mean()), float((x * j).mean()), float((x * j * j).mean())
    c = (2.0 * b1 - b0) / (3.0 * b2 - b0) - math.log(2.0) / math.log(3.0)
    k = min(max(7.8590 * c + 2.9554 * c * c, -0.9), 0.9) or 1e-6
    scale = abs((2.0 * b1 - b0) * k / (math.gamma(1.0 + k) * (1.0 - 2.0**-k)))
    start = [-k, b0 + scale * (math.gamma(1.0 + k) - 1.0) / k, math.log(max(scale, 1e-12))]

    def cost(theta: Any) -> float:
        xi, location, log_scale = theta
        if abs(log_scale) > _LARGEST_LOG:
            return math.inf
        z = (x - location) / math.exp(log_scale)
        inner = 1.0 + xi * z
        if inner.min() <= 0.0:
            return math.inf
        t = np.log(inner) / xi if abs(xi) > 1e-8 else z
        return float(log_scale + ((1.0 + xi) * t + np.exp(-t)).mean())

    starts = [start, [0.1, float(np.median(x)), math.log(x.std())], [0.4, float(np.median(x)), start[2]]]
    first = np.array(min(starts, key=cost))
    options: Any = {"xatol": 1e-5, "fatol": 1e-8, "maxiter": 1500}
    with np.errstate(over="ignore"):
        theta = optimize.minimize(cost, first, method="Nelder-Mead", options=options).x
    xi, location, log_scale = (float(value) for value in theta)
    return "generalized-extreme-value", {"shape": xi, "location": location, "scale": math.exp(log_scale)}
