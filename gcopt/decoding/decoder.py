"""The decoder of a segment: its components by their rules, and what was decoded lately."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from gcopt.code import Segment
from gcopt.decoding.component import Component, Explanation, components
from gcopt.decoding.fixed import FIXED, Sum
from gcopt.decoding.rule import EXACT, Bools, Rule
from gcopt.decoding.running import Running, follow
from gcopt.errors import InputError

_CACHE_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Decoding:
    """Coefficients for one set of responders.

    Attributes
    ----------
    matrix : array, shape (m, n)
        R; columns of workers that did not respond are 0. Block u of the segment is ``sum_j R[u, j] y_j``.
    error : float
        Squared decoding error ||R B - T||_F^2, measured on the result.
    """

    matrix: NDArray[Any]
    error: float


class Decoder:
    """Decoder of one segment, with a bounded cache over sets of responders.

    Parameters
    ----------
    segment : Segment
        What is decoded; its ``decoder`` names the rule, or least squares, for which structure finds one.

    Examples
    --------
    >>> import gcopt, numpy as np
    >>> decoder = Decoder(gcopt.families.fractional_repetition(4, 1).segments[0])
    >>> result = decoder([True, True, False, False])
    >>> result.matrix.tolist(), result.error
    ([[1.0, 1.0, 0.0, 0.0]], 0.0)
    """

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.tolerance = EXACT * segment.blocks * segment.partitions
        self._cache: OrderedDict[bytes, Decoding] = OrderedDict()
        entry = segment.workers * segment.blocks * segment.encoding.dtype.itemsize
        self._capacity = max(16, min(65536, _CACHE_BYTES // entry))

    def __call__(self, responders: ArrayLike) -> Decoding:
        """Return the coefficients for these responders, bool, shape (n,)."""
        heard = self._heard(responders)
        key = np.packbits(heard).tobytes()
        found = self._cache.get(key)
        if found is None:
            found = self._cache[key] = self._decode(heard)
            if len(self._cache) > self._capacity:
                self._cache.popitem(last=False)
        else:
            self._cache.move_to_end(key)
        return found

    def decodes(self, responders: ArrayLike) -> bool:
        """Whether these responders determine the segment exactly."""
        return self(responders).error <= self.tolerance

    def explain(self) -> list[Explanation]:
        """Say which rule decodes which components and why; equal ones are counted together, large ones come first.

        Examples
        --------
        >>> import gcopt
        >>> [tuple(found) for found in Decoder(gcopt.families.uncoded(3).segments[0]).explain()]
        [(1, 1, 'repetition', 'all workers send multiples of one message, so any answer will do; a look-up', 3)]
        """
        segment = self.segment
        if segment.is_linear:
            kind = FIXED[segment.decoder]
            return [Explanation(segment.workers, segment.partitions, kind.name, kind.why, 1)]
        counts = Counter(component.explain() for component in self.components)
        found = [one._replace(components=count) for one, count in counts.items()]
        return sorted(found, key=lambda one: (-one.workers, -one.partitions, one.rule))

    def error(self, responders: ArrayLike) -> float:
        """Return the squared error of these responders, without coefficients where the rules need none."""
        heard = self._heard(responders)
        if self.segment.is_linear:
            return self(heard).error
        return self._lost + sum(rule.error(heard[workers]) for workers, rule in self._parts)

    @cached_property
    def components(self) -> list[Component]:
        """The parts of the code that decode independently, each with its fastest rule."""
        return components(self.segment)

    def running(self) -> Running:
        """Return what tells errors fast of one set after the other, where few workers change in between.

        Errors agree with those of decodings to rounding, and ``decodes`` agrees exactly.

        Examples
        --------
        >>> import gcopt, numpy as np
        >>> running = Decoder(gcopt.families.ignore_stragglers(4, 1).segments[0]).running()
        >>> round(running.error(np.array([True, True, True, False])), 9)
        1.333333333
        """
        return follow(self._fixed) if self.segment.is_linear else Together(self)

    def _heard(self, responders: ArrayLike) -> Bools:
        heard = as_bools(responders)
        if heard.shape != (self.segment.workers,):
            raise InputError(f"responders has shape {heard.shape}; ({self.segment.workers},) is expected")
        return heard

    def _decode(self, heard: Bools) -> Decoding:
        if self.segment.is_linear:
            found = self._fixed.decode(heard).astype(self.segment.encoding.dtype)
        else:
            found = self._all_heard.copy()
            for i in np.unique(self._part[~heard]).tolist():
                if i >= 0:
                    workers, rule = self._parts[i]
                    found[workers] = rule.decode(heard[workers])
        matrix = np.ascontiguousarray(found.T)
        matrix.flags.writeable = False
        return Decoding(matrix, _error(self._transposed @ matrix.T, self.segment.blocks))

    @cached_property
    def _transposed(self) -> sparse.csr_array:
        return sparse.csr_array(self.segment.encoding.T)

    @cached_property
    def _lost(self) -> float:
        """The error of the partitions that nobody holds."""
        held = sum(component.partitions.size for component in self.components)
        return float(self.segment.blocks * (self.segment.partitions - held))

    @cached_property
    def _fixed(self) -> Sum:
        return FIXED[self.segment.decoder](self.segment)

    @cached_property
    def _parts(self) -> list[tuple[NDArray[np.intp], Rule]]:
        """Workers and the rule that decodes them; components whose rule takes several at once share one."""
        found: list[tuple[NDArray[np.intp], Rule]] = []
        shared: dict[type[Rule], list[Component]] = {}
        for component in self.components:
            if component.kind.together:
                shared.setdefault(component.kind, []).append(component)
            else:
                found.append((component.workers, component.rule))
        for kind, members in shared.items():
            workers = np.concatenate([member.workers for member in members])
            columns = np.concatenate([member.partitions for member in members])
            rows = sparse.csr_array(self.segment.encoding[workers][:, columns])
            rows.sort_indices()
            found.append((workers, kind(rows, self.segment.blocks)))
        return found

    @cached_property
    def _part(self) -> NDArray[np.intp]:
        """The part of each worker, -1 for those without work."""
        part = np.full(self.segment.workers, -1)
        for i, (workers, _) in enumerate(self._parts):
            part[workers] = i
        return part

    @cached_property
    def _all_heard(self) -> NDArray[Any]:
        """Coefficients when nobody is missing, shape (n, m)."""
        found = np.zeros((self.segment.workers, self.segment.blocks), dtype=self.segment.encoding.dtype)
        for workers, rule in self._parts:
            found[workers] = rule.decode(np.ones(workers.size, dtype=bool))
        return found


class Together:
    """Runs through sets of responders of a whole segment; looks only at the components whose members changed."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._parts = [(workers, follow(rule)) for workers, rule in decoder._parts]
        self._last = np.zeros(decoder.segment.workers, dtype=bool)
        self._errors = [part.error(self._last[workers]) for workers, part in self._parts]

    def error(self, heard: Bools) -> float:
        """Return the squared error of the best coefficients."""
        for i in np.unique(self._decoder._part[heard != self._last]).tolist():
            if i >= 0:
                workers, part = self._parts[i]
                self._errors[i] = part.error(heard[workers])
        self._last = heard.copy()
        return self._decoder._lost + sum(self._errors)

    def decodes(self, heard: Bools) -> bool:
        """Whether these workers determine the segment."""
        return self.error(heard) <= 1e3 * self._decoder.tolerance and self._decoder.decodes(heard)


def residual(segment: Segment, matrix: NDArray[Any]) -> float:
    """Return ||R B - T||_F^2 for a decoding matrix R, shape (m, n)."""
    return _error(segment.encoding.T @ matrix.T, segment.blocks)


def _error(estimate: NDArray[Any], blocks: int) -> float:
    """Return ||R B - T||_F^2 from (R B)^T, shape (m k, m), which is overwritten."""
    miss = estimate.reshape(blocks, -1, blocks)
    for u in range(blocks):
        miss[u, :, u] -= 1.0
    return float(np.sum(np.abs(miss) ** 2))


def as_bools(responders: ArrayLike) -> Bools:
    """Return responders as bools; a list of worker numbers, easily mistaken for them, is refused."""
    array = np.asarray(responders)
    if array.dtype != bool and not np.isin(array, (0, 1)).all():
        raise InputError("responders holds something else than true and false; one of them is needed for every worker")
    return array.astype(bool, copy=False)
