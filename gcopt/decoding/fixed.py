"""Decoders whose coefficients do not depend on who responds, but for a factor that depends on how many do.

Every responder counts alike; with several blocks, each times the sign that its message gives the block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from gcopt.code import Segment
from gcopt.decoding.rule import Bools, Rule

Floats = NDArray[np.float64]


class Sum(Rule):
    """Every responder counts 1; the error costs one pass over the entries."""

    name: ClassVar[str] = "sum"
    why: ClassVar[str] = "the code names it: what arrives is added up, whoever responds"

    def __init__(self, segment: Segment) -> None:
        super().__init__(segment.encoding, segment.blocks)
        self.segment = segment
        self.signs = block_signs(segment)
        self.contributions = Contributions.of(segment)

    def factors(self, counts: ArrayLike) -> Floats:
        """Return what every responder counts when there are so many, shape of ``counts``."""
        return np.ones(np.shape(counts))

    def factor(self, heard: Bools) -> float:
        """Return what every responder counts."""
        return float(self.factors(int(heard.sum())))

    def decode(self, heard: Bools) -> NDArray[Any]:
        """Return coefficients, shape (n, m)."""
        return np.where(heard[:, None], self.factor(heard) * self.signs, 0.0)


class Scaled(Sum):
    """Every responder counts n / responders."""

    name: ClassVar[str] = "scaled"
    why: ClassVar[str] = "the code names it: every responder counts n / responders, whoever they are"

    def factors(self, counts: ArrayLike) -> Floats:
        """Return what every responder counts when there are so many, shape of ``counts``."""
        return np.asarray(self.segment.workers / np.maximum(1, counts))


class OneStep(Sum):
    """Every responder counts what leaves the least mean error over all sets of so many, and over the draws of signs.

    With the contributions C_j of `Contributions`, N responders and p = N / n, p' = p (N - 1) / (n - 1) that is
    p sum_j <E C_j, T> / (p sum_j E |C_j|^2 + p' sum_{i != j} <E C_i, E C_j>); for block designs with signs and unit
    entries delta / (m delta + (N - 1) lambda), with which the mean error is (10) of Munim & Ramamoorthy 2026.
    """

    name: ClassVar[str] = "one-step"
    why: ClassVar[str] = "the code names it: the weight that is best for random sets of so many responders"

    def __init__(self, segment: Segment) -> None:
        super().__init__(segment)
        over = Contributions.over_draws(segment)
        column = np.asarray(over.mean.sum(axis=0))
        self._gained = float(np.real(column) @ over.target)
        self._alone = float(over.squares.sum())
        self._pairs = float(np.sum(np.abs(column) ** 2)) - float(abs(over.mean).power(2).sum())

    def factors(self, counts: ArrayLike) -> Floats:
        """Return what every responder counts when there are so many, shape of ``counts``."""
        others = np.maximum(0, np.asarray(counts) - 1) / max(1, self.segment.workers - 1)
        return np.asarray(self._gained / (self._alone + others * self._pairs))


FIXED: dict[str, type[Sum]] = {"sum": Sum, "scaled": Scaled, "one-step": OneStep}


@dataclass(frozen=True, eq=False)
class Contributions:
    """What each responder that counts 1 adds to R B, flattened, for decoders that let every responder count alike.

    Attributes
    ----------
    mean : csr_array, shape (n, m * m * k)
        C_j, or its mean over the draws of the signs; the segment's own encoding where m is 1.
    squares : array, shape (n,)
        |C_j|^2, or its mean over the draws.
    target : array, shape (m * m * k,)
        T, flattened.

    Examples
    --------
    >>> segment = Segment(np.array([[1.0, -2.0]]), blocks=2)
    >>> Contributions.of(segment).mean.toarray().tolist()
    [[1.0, -2.0, -1.0, 2.0]]
    """

    mean: sparse.csr_array
    squares: Floats
    target: Floats

    @classmethod
    def of(cls, segment: Segment) -> Contributions:
        """Those of the draw that the encoding matrix is of."""
        if segment.blocks == 1 and segment.signs is None:
            return cls._constant(segment.encoding, segment)
        signed = [sparse.diags_array(sign) @ segment.encoding for sign in block_signs(segment).T]
        return cls._constant(sparse.csr_array(sparse.hstack(signed, format="csr")), segment)

    @classmethod
    def over_draws(cls, segment: Segment) -> Contributions:
        """Their means over the draws of the signs; those of the code where it draws none.

        Signs are independent, so that what a block leaves in others is 0 on average.
        """
        signs, m = segment.signs, segment.blocks
        if signs is None:
            return cls.of(segment)
        sizes = np.abs(signs.factors(signs.draw, segment.workers, m))
        weights = block_signs(segment) / sizes
        rows = segment.encoding.tocoo()
        place, own = (
            rows.col // segment.partitions,
            np.asarray(rows.data) * weights[rows.row, rows.col // segment.partitions],
        )
        width = m * segment.partitions
        mean = sparse.csr_array((own, (rows.row, place * width + rows.col)), shape=(segment.workers, m * width))
        squares = m * signs.square * np.asarray(abs(mean).power(2).sum(axis=1))
        return cls(mean, squares, segment.target.ravel())

    @classmethod
    def _constant(cls, rows: sparse.csr_array, segment: Segment) -> Contributions:
        return cls(rows, np.asarray(abs(rows).power(2).sum(axis=1)), segment.target.ravel())


def block_signs(segment: Segment) -> Floats:
    """Return the signs of the sums of each row over the columns of each block, shape (n, m).

    Ones where m is 1 and no signs are drawn.

    Examples
    --------
    >>> block_signs(Segment(np.array([[1.0, 1.0, -2.0, 0.0]]), blocks=2)).tolist()
    [[1.0, -1.0]]
    """
    if segment.blocks == 1 and segment.signs is None:
        return np.ones((segment.workers, 1))
    k = segment.partitions
    stretches = [segment.encoding[:, u * k : (u + 1) * k] for u in range(segment.blocks)]
    return np.stack([np.sign(np.real(np.asarray(rows.sum(axis=1)))) for rows in stretches], axis=1)
