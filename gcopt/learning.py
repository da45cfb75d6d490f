"""How many iterations a code needs: a stated model of learning, from what the decoded gradient is on average."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import ceil, inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.checks import check_finite, check_number
from gcopt.code import GradientCode, Segment
from gcopt.decoding import Decoding
from gcopt.errors import InputError

Floats = NDArray[np.float64]

_STEPS = 400
_SURE = 3.0  # standard errors
_SLOWEST = 1e-6  # smallest step looked at, of 1 / L


@dataclass(frozen=True)
class Learning:
    """What is to be learned, and how hard that is.

    The loss is quadratic, all partitions have the same Hessian, whose eigenvalues lie between L / ``condition`` and L,
    and their gradients at the minimum add up to zero and point anywhere. The run starts at distance 1 from the minimum.

    Attributes
    ----------
    target : float
        Squared distance to the minimum that is to be reached, above 0 and below 1.
    condition : float
        L / mu, at least 1.
    diversity : float
        Root mean square of the partitions' gradients at the minimum, times k / L; 0 where all data agree there.

    Raises
    ------
    InputError
        If a number is impossible.

    Examples
    --------
    >>> plan = Learning(condition=10.0).exact
    >>> round(plan.step, 6), plan.iterations
    (1.818182, 12)
    """

    target: float = 0.01
    condition: float = 100.0
    diversity: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "target", check_number("target", self.target, 0.0, 1.0, open_low=True))
        if self.target == 1.0:
            raise InputError("target is 1, which is where the run starts; a number above 0 and below 1 is needed")
        object.__setattr__(self, "condition", check_finite("condition", self.condition, 1.0))
        object.__setattr__(self, "diversity", check_finite("diversity", self.diversity, 0.0))

    @property
    def exact(self) -> Plan:
        """What the exact gradient needs."""
        return self.plan(Spread())

    def plan(self, spread: Spread) -> Plan:
        """Return the step that reaches the target in the fewest iterations, and how many these are.

        With the step gamma, in units of 1 / L, the mean squared distance e obeys ``e' <= rho e + gamma^2 V`` with
        ``rho = max (1 - gamma f x)^2 + gamma^2 a x^2`` over x = 1 / condition and x = 1, f the factor, a the relative
        and V the absolute variance of the estimate; equality holds where all eigenvalues are the worse of the two. A
        bias b that no factor mends moves the limit by |b| condition / f.

        Examples
        --------
        >>> plan = Learning(condition=10.0, target=0.1, diversity=1.0).plan(Spread(relative=1.0, absolute=0.05))
        >>> plan.iterations, plan.floor < 0.1
        (62, True)
        """
        gammas = np.geomspace(_SLOWEST, 2.0 / spread.factor, _STEPS)
        needed, floors = self._needed(gammas, spread)
        for _ in range(3):
            best = int(np.argmin(needed))
            gammas = np.geomspace(gammas[max(best - 1, 0)], gammas[min(best + 1, gammas.size - 1)], _STEPS)
            needed, floors = self._needed(gammas, spread)
        if not np.isfinite(needed).any():
            return Plan(0.0, inf, float(floors.min()))
        best = int(np.argmin(needed))
        return Plan(float(gammas[best]), max(1, ceil(needed[best] - 1e-9)), float(floors[best]))

    def _needed(self, gammas: Floats, spread: Spread) -> tuple[Floats, Floats]:
        """Return iterations, and the distances that are reached in the end, for several steps."""
        f, size = spread.factor, self.diversity**2
        curves = [(1.0 - gammas * f * x) ** 2 + gammas**2 * spread.relative * x**2 for x in (1.0 / self.condition, 1.0)]
        rho = np.maximum(*curves)
        with np.errstate(divide="ignore", invalid="ignore"):
            floors = np.where(rho < 1.0, gammas**2 * spread.absolute * size / (1.0 - rho), inf)
            floors = floors + spread.bias * size * (self.condition / f) ** 2
            left = (self.target - floors) / (1.0 - floors)
            reached = (rho < 1.0) & (floors < self.target)
            needed = np.where(reached, spread.slowdown * np.log(np.maximum(left, 1e-300)) / np.log(rho), inf)
        return np.where(rho == 0.0, 1.0, needed), floors


@dataclass(frozen=True)
class Plan:
    """How to reach a target.

    Attributes
    ----------
    step : float
        Of plain gradient descent, in units of 1 / L; 0 where the target is out of reach.
    iterations : float
        How many are needed, a whole number; infinity where the target is out of reach.
    floor : float
        Squared distance that this step, or any where the target is out of reach, comes to in the end.
    """

    step: float
    iterations: float
    floor: float

    def to_dict(self) -> dict[str, float]:
        """Return the numbers by name."""
        return asdict(self)


@dataclass(frozen=True)
class Spread:
    """What a decoded gradient is of the true one, on average over stragglers and compression.

    Attributes
    ----------
    factor : float
        The multiple of the gradient that the mean estimate is.
    relative : float
        a: variance over |gradient|^2 where all partitions agree.
    absolute : float
        V: variance when the gradients add up to zero, each of squared length 1 / k^2 and pointing anywhere.
    bias : float
        Squared length of the mean estimate then.
    slowdown : float
        How many times more steps error feedback needs.
    """

    factor: float = 1.0
    relative: float = 0.0
    absolute: float = 0.0
    bias: float = 0.0
    slowdown: float = 1.0

    @classmethod
    def of(
        cls,
        code: GradientCode,
        decodings: Iterable[list[tuple[Decoding, float]]],
        variances: list[float],
        draws: float = inf,
    ) -> Spread:
        """Return it from decodings and how often each occurs, one list per segment.

        Parameters
        ----------
        code : GradientCode
        decodings : iterable of list of (Decoding, float)
            Frequencies of a segment add up to 1.
        variances : list of float
            Of each segment: w with E |C(y) - y|^2 = w |y|^2 for the messages of an unbiased compressor.
        draws : float
            How many independent sets the frequencies were found from; a bias that this explains is none.
        """
        parts = [_of_segment(*about, draws) for about in zip(code.segments, decodings, variances, strict=True)]
        factor, *rest = code.shares @ np.array(parts)
        return cls(float(factor), *(float(value) for value in rest))

    def to_dict(self) -> dict[str, float]:
        """Return the numbers by name."""
        return asdict(self)


def _of_segment(segment: Segment, decodings: list[tuple[Decoding, float]], w: float, draws: float) -> list[float]:
    """Return factor, relative, absolute and bias of one segment."""
    m, k, matrix = segment.blocks, segment.partitions, segment.encoding
    exact = 1e-9 * m * k
    chances = np.array([chance for _, chance in decodings])
    combined = np.array(
        [segment.target if d.error <= exact else np.real(d.matrix @ matrix) for d, _ in decodings]
    ).reshape(-1, m * m, k)
    mean = np.tensordot(chances, combined, axes=1)
    factor = float(np.sum(mean * segment.target.reshape(m * m, k)) / (m * k))
    around = (combined - mean).reshape(len(chances), -1, k)
    agree, apart = _sizes(around, np.repeat(chances[:, None], around.shape[1], axis=1) / m)
    chance = _SURE**2 * apart / draws
    # what compression adds: independent between workers, in proportion to what each sends
    squares = np.einsum("s,suj->j", chances, np.array([np.abs(d.matrix) ** 2 for d, _ in decodings])) / m
    rows = matrix.toarray().reshape(segment.workers, m, k)
    noise = [_sizes(part(rows), np.repeat(w * squares[:, None], m, axis=1)) for part in (np.real, np.imag)]
    agree, apart = agree + sum(one[0] for one in noise), apart + sum(one[1] for one in noise)
    off = mean - factor * segment.target.reshape(m * m, k)
    _, bias = _sizes(off[None], np.full((1, m * m), 1.0 / m))
    return [factor, agree, apart, bias if bias > chance else 0.0]


def _sizes(vectors: Any, weights: Any) -> tuple[float, float]:
    """Return sums of |sum_i v_i g_i|^2 over vectors v, shape (..., k): for equal g_i, and for such that add up to 0."""
    k = vectors.shape[-1]
    whole, square = vectors.sum(axis=-1) ** 2, (vectors**2).sum(axis=-1)
    agree = float(np.sum(weights * whole)) / k**2
    if k == 1:
        return agree, 0.0
    return agree, float(np.sum(weights * np.maximum(k * square - whole, 0.0))) / (k - 1) / k**2
