"""The published search for the smallest expected runtime, to compare with: stochastic subgradient steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..seeding import RngLike, generator, seed_of
from .published import check_positive

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Subgradient:
    """Stochastic projected subgradient descent with fresh draws and step 1/k; the last iterate counts.

    The step does not grow with ``total``, although the problem scales: the more coordinates, the further from the
    optimum it ends.

    Attributes
    ----------
    iterations : int
        150 in most of the published figures, 500 where the number of workers varies.
    draws : int
        Rows of times per iteration.

    References
    ----------
    Wang, Cui, Li, Zou, Xiong 2022, arXiv 2206.02450, x_opt.

    Examples
    --------
    >>> x = Subgradient(iterations=20, draws=100).solve(lambda rows, g: g.exponential(size=(rows, 3)), [2, 2, 2], 6, 0)
    >>> round(float(x.sum()), 9)
    6.0
    """

    iterations: int = 150
    draws: int = 10_000

    def __post_init__(self) -> None:
        if self.iterations < 1 or self.draws < 1:
            raise InputError(f"iterations is {self.iterations} and draws {self.draws}; at least 1 of each is needed")

    def solve(
        self,
        sample: Callable[[int, np.random.Generator], Floats],
        start: ArrayLike,
        total: float,
        rng: RngLike = None,
    ) -> Floats:
        """Descend.

        Parameters
        ----------
        sample : callable
            (rows, generator) to times per unit of work, shape (rows, n), in any order within a row.
        start : array, shape (n,)
            x; theirs is x_t.
        total : float
            sum x.
        rng : None, int, Generator or SeedSequence

        Returns
        -------
        array, shape (n,)
            x, not rounded.

        Raises
        ------
        InputError
            If the start, ``total`` or a sample is not finite or has another shape.
        """
        g = generator(seed_of(rng))
        x = np.asarray(start, dtype=float)
        if x.ndim != 1 or x.size == 0 or not np.isfinite(x).all():
            raise InputError(f"start has shape {x.shape} or holds NaN or infinity; one number per worker is expected")
        x = project(x, check_positive("total", total))
        loads = np.arange(1.0, x.size + 1.0)
        for k in range(1, self.iterations + 1):
            times = np.asarray(sample(self.draws, g), dtype=float)
            if times.shape != (self.draws, x.size) or not np.isfinite(times).all():
                raise InputError(
                    f"sample gave shape {times.shape} or times that are not finite; {(self.draws, x.size)} is expected"
                )
            x = project(x - _slope(np.sort(times, axis=1)[:, ::-1], x, loads) / k, total)
        return x


def project(x: Floats, total: float) -> Floats:
    """Return the point with x >= 0 and sum ``total`` that is nearest to ``x``, shape (n,).

    Examples
    --------
    >>> project(np.array([3.0, 1.0, -5.0]), 2.0).tolist()
    [2.0, 0.0, 0.0]
    """
    falling = np.sort(x)[::-1]
    excess = (np.cumsum(falling) - total) / np.arange(1, x.size + 1)
    return np.asarray(np.maximum(x - excess[np.flatnonzero(falling > excess)[-1]], 0.0))


def _slope(delays: Floats, x: Floats, loads: Floats) -> Floats:
    """Mean over rows of T_(N-j) (1, 2, .., j + 1, 0, ..) with j the level that is known last."""
    last = np.argmax(delays * np.cumsum(loads * x), axis=1)
    per_level = np.bincount(last, weights=delays[np.arange(len(delays)), last], minlength=x.size) / len(delays)
    return np.asarray(loads * np.cumsum(per_level[::-1])[::-1])
