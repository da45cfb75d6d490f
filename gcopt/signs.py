"""Factors that are drawn anew in every iteration, by the workers and the master alike, without a word between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gcopt.checks import check_count, check_number
from gcopt.errors import InputError

_BITS = 53  # of a double's fraction


@dataclass(frozen=True)
class Signs:
    """Block u of what worker j sends is multiplied by h_j[u], independent and uniform on +-[1 - epsilon, 1 + epsilon].

    The factors of a draw follow from the seed and the number of the draw alone. They are made from the raw output of
    the Philox generator, which no version of numpy and no machine changes.

    Attributes
    ----------
    seed : int
        Not negative; that of the code.
    epsilon : float
        From 0 (signs only) to below 1.
    draw : int
        The draw whose factors are in the encoding matrix that goes with this.

    Raises
    ------
    InputError
        If a number is impossible.

    References
    ----------
    Munim & Ramamoorthy 2026, Communication-Efficient Approximate Gradient Coding, Section IV, equation (7): the
    diagonal matrices D_u = diag(h_1[u], ..., h_n[u]).

    Examples
    --------
    >>> Signs(seed=7).factors(draw=0, workers=3, blocks=2).tolist()
    [[1.0, 1.0], [1.0, 1.0], [1.0, -1.0]]
    """

    seed: int
    epsilon: float = 0.0
    draw: int = 0

    def __post_init__(self) -> None:
        check_count("seed", self.seed, 0)
        check_count("draw", self.draw, 0)
        object.__setattr__(self, "epsilon", check_number("epsilon", self.epsilon, 0.0, 1.0))
        if self.epsilon == 1.0:
            raise InputError("epsilon is 1; below 1 is needed, or a factor may be 0")

    def factors(self, draw: int, workers: int, blocks: int) -> NDArray[np.float64]:
        """Return h, shape (n, m), of one draw."""
        key = np.random.SeedSequence([self.seed, draw]).generate_state(2, np.uint64)
        raw = np.random.Philox(key=key).random_raw(workers * blocks).reshape(workers, blocks)
        signs = np.where(raw >> np.uint64(63), -1.0, 1.0)
        if self.epsilon == 0.0:
            return signs
        uniform = (raw & np.uint64(2**_BITS - 1)).astype(np.float64) * 2.0**-_BITS
        return np.asarray(signs * (1.0 + self.epsilon * (2.0 * uniform - 1.0)))

    @property
    def square(self) -> float:
        """E h^2 = 1 + epsilon^2 / 3.

        Examples
        --------
        >>> Signs(seed=0, epsilon=0.3).square
        1.03
        """
        return 1.0 + self.epsilon**2 / 3.0

    @property
    def spread(self) -> float:
        """C = E h^2 E h^-2 = (1 + epsilon^2 / 3) / (1 - epsilon^2), 1 for signs only.

        Examples
        --------
        >>> round(Signs(seed=0, epsilon=0.1).spread, 7)
        1.013468
        """
        return self.square / (1.0 - self.epsilon**2)
