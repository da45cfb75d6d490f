"""Matrices C of sines and cosines: starts for `NullSpaceCode` that are far better than random ones.

The workers are points on a circle. The left null vectors of the code are the s functions of lowest frequency there (0,
1, ... for odd s, 1/2, 3/2, ... for even s), a Chebyshev system: any s columns are independent, as they have to be. The
decoding matrix for all workers holds m more functions of higher frequency. Neighbours in a placement lie far apart on
the circle, since the order along it is that of the multiples of a stride.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import gcd

import numpy as np

from ._null_space_algebra import Floats, Integers, coefficients, greedy_sets, joined

_GREEDY = 8  # first stragglers when frames are compared
_FOLLOWED = 8  # circles of which all frequencies are tried
_SPARE = 3  # points of the circle that may stay free
_LARGEST = 1e9  # coefficients, of functions of size 1, that have lost half of their digits
_SMALLEST = 1e-9  # of them over the largest; a holder with less would hold nothing
_OPERATIONS = 6e8  # about what comparing may cost; fewer are compared where one is expensive


@dataclass(frozen=True)
class Frame:
    """One such matrix.

    Attributes
    ----------
    workers, stragglers, blocks : int
        n, s and m.
    points : int
        On the circle, n or a few more.
    stride : int
        Coprime to ``points``; worker j is the point j * stride.
    offset : int
        Frequencies left out between those of the null vectors and those of the decoding matrix.
    single : int or None
        For odd m, which of these is there with its cosine only; None for the highest frequency there is, which is one
        function and not two.

    Examples
    --------
    >>> Frame(8, 1, 3, points=8, stride=3, offset=1).matrix().shape
    (4, 8)
    """

    workers: int
    stragglers: int
    blocks: int
    points: int
    stride: int
    offset: int = 0
    single: int | None = None

    def matrix(self) -> Floats | None:
        """Return C, shape (s + m, n), or None where the circle has too few frequencies."""
        s, m = self.stragglers, self.blocks
        low = self._free()
        null = [row for f in np.arange(0.0 if s % 2 else 0.5, low, 1.0) for row in self._functions(f)]
        wanted = low + self.offset + np.arange(m // 2 + (self.single is not None))
        parts = [self._functions(f)[: 1 if i == self.single else 2] for i, f in enumerate(wanted)]
        if m % 2 and self.single is None:
            parts.append(self._functions(self.points / 2))
        rows = [row for part in parts for row in part]
        highest = wanted[-1] if wanted.size else 0.0
        if len(rows) != m or len(null) != s or highest > self.points / 2 - (m % 2 == 1 and self.single is None) / 2:
            return None
        return joined(np.array(rows), np.array(null).reshape(s, self.workers))

    def variants(self) -> Iterator[Frame]:
        """Yield the same points with all other frequencies."""
        for offset in range(int(self.points / 2 - self._free()) + 1):
            yield from (replace(self, offset=offset, single=single) for single in _singles(self.blocks))

    def _free(self) -> float:
        """Return the lowest frequency that is in no null vector."""
        return (self.stragglers + 1) / 2

    def _functions(self, frequency: float) -> list[Floats]:
        """Return cosine and sine, of length sqrt(n); without one that vanishes."""
        angles = np.pi * (2 * (np.arange(self.workers) * self.stride % self.points) + 1) / self.points
        waves = (np.cos(frequency * angles), np.sin(frequency * angles))
        lengths = [float(np.linalg.norm(wave)) / self.workers**0.5 for wave in waves]
        return [wave / length for wave, length in zip(waves, lengths, strict=True) if length > 1e-6]


def best_frames(
    holders: Integers, workers: int, stragglers: int, blocks: int, *, count: int, order: Integers | None = None
) -> list[Floats]:
    """Return the matrices C against which greedy attacks reach least, best first.

    Parameters
    ----------
    holders : array, shape (k, copies)
        Who holds which partition.
    workers, stragglers, blocks : int
        n, s and m.
    count : int
        How many at most. With 1 only the stride is chosen, and not the frequencies.
    order : array, shape (n,), optional
        Which worker takes which place; as they are by default.

    Examples
    --------
    >>> holders = (np.arange(8)[:, None] - np.arange(4)) % 8
    >>> (best,) = best_frames(holders, 8, 1, 3, count=1)
    >>> round(float(greedy_sets(best, holders, 3)[1].max()) ** 0.5, 6)
    2.141445
    """
    first = [
        Frame(workers, stragglers, blocks, points, stride, single=single)
        for points in range(workers, workers + (1 if count == 1 else _SPARE + 1))
        for stride in range(1, max(2, points // 2 + 1))
        if gcd(stride, points) == 1
        for single in _singles(blocks)
    ]
    ranked = _ranked(first, holders, order)
    if count > 1:
        circles = list(dict.fromkeys(replace(frame, single=None) for frame, _, _ in ranked))[:_FOLLOWED]
        others = [other for circle in circles for other in circle.variants()]
        ranked = _ranked(others, holders, order) or ranked
    return [c for _, _, c in ranked[:count]]


def _singles(blocks: int) -> list[int | None]:
    return [None, *range(blocks // 2 + 1)] if blocks % 2 else [None]


def _ranked(frames: list[Frame], holders: Integers, order: Integers | None) -> list[tuple[Frame, float, Floats]]:
    if not frames:
        return []
    found, size = [], frames[0].stragglers + frames[0].blocks
    cost = size**2 * (len(holders) * size + 4 * _GREEDY * frames[0].workers)
    for frame in frames[:: -(-len(frames) // max(1, int(_OPERATIONS / cost)))]:
        c = frame.matrix()
        if c is not None:
            c = c if order is None else c[:, order]
            value = _value(c, holders, frame.blocks)
            if np.isfinite(value):
                found.append((frame, value, c))
    return sorted(found, key=lambda item: item[1])


def _value(c: Floats, holders: Integers, blocks: int) -> float:
    """Return the squared noise that greedy attacks reach; infinite where C is singular or a holder is left out."""
    try:
        with np.errstate(all="ignore"):
            sizes = np.abs(coefficients(c, holders, blocks)).max(axis=2)
            if not sizes.max() < _LARGEST or sizes[holders < c.shape[1]].min() < _SMALLEST * sizes.max():
                return float("inf")
            return float(greedy_sets(c, holders, blocks, _GREEDY)[1].max())
    except np.linalg.LinAlgError:
        return float("inf")
