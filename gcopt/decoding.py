"""From responders to decoding coefficients: least squares, made fast by the structure found in the encoding matrix.

A segment falls into components (workers and partitions that are connected by its support); they decode independently.

- A component whose rows are all proportional (repetition) is a look-up.
- Any other component is factored once. Every set of missing workers S then costs one |S| x |S| system: with N an
  orthonormal basis of the left null space (codes with redundancy) a = a0 - N N_S^+ a0_S, with P = (B B^H)^-1 (full row
  rank) a = a0 - P_:S P_SS^-1 a0_S.
- What neither formula covers (a singular code that is not exact) falls back on plain least squares, and so does every
  result whose residual is not what it should be.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import lsmr

from gcopt.checks import check_count
from gcopt.code import GradientCode, Segment
from gcopt.errors import DecodingError, InputError

EXACT = 1e-12
"""A set of responders decodes exactly when its squared error is at most this times m k."""

_RANK = 1e-10
_STEEP = 1e-4
_SAME = 1e-14
_DENSE_LIMIT = 2500
_SMALL = 250_000
_CACHE_BYTES = 64 * 2**20

Bools = NDArray[np.bool_]


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
        What is decoded; its ``decoder`` names the rule.

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
        heard = _as_bools(responders)
        if heard.shape != (self.segment.workers,):
            raise InputError(f"responders has shape {heard.shape}; ({self.segment.workers},) is expected")
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

    def _decode(self, heard: Bools) -> Decoding:
        segment = self.segment
        n, m = segment.workers, segment.blocks
        if segment.is_linear:
            weight = n / max(1, int(heard.sum())) if segment.decoder == "scaled" else 1.0
            matrix = np.tile(np.where(heard, weight, 0.0), (m, 1)).astype(segment.encoding.dtype)
        else:
            matrix = np.zeros((n, m), dtype=segment.encoding.dtype)
            for component in self.components:
                matrix[component.workers] = component.decode(heard[component.workers])
            matrix = matrix.T
        matrix.flags.writeable = False
        return Decoding(matrix, residual(segment, matrix))

    @cached_property
    def components(self) -> list[Component]:
        """The parts of the code that decode independently, each with its fastest decoder."""
        return components(self.segment)


@dataclass(frozen=True, eq=False)
class Component:
    """Workers and partitions that are connected by the support of a segment.

    Attributes
    ----------
    workers : array of int
        Members, ascending.
    partitions : array of int
        The partitions they hold.
    matrix : csr_array
        Their encoding matrix, shape (members, m * partitions).
    blocks : int
        m.
    """

    workers: NDArray[np.intp]
    partitions: NDArray[np.intp]
    matrix: sparse.csr_array
    blocks: int

    def decode(self, heard: Bools) -> NDArray[Any]:
        """Return coefficients, shape (members, m), zero where nobody was heard."""
        if heard.all():
            return self._all_heard
        if not heard.any():
            return np.zeros_like(self._all_heard)
        return self._rule(heard)

    def decodes(self, heard: Bools) -> bool:
        """Whether these members, bool, shape (members,), determine the component exactly."""
        return not self._hopeless(heard) and self.error(heard) <= EXACT * self._target.size

    def _hopeless(self, heard: Bools) -> bool:
        """Whether the null space cannot cancel what the missing members would have to send; cheap, and never wrong.

        Coefficients of squared error e differ from the solution by a null vector and a rest of norm at most
        sqrt(e) / (smallest singular value), which is at least 1 / condition as rows have length 1.
        """
        if self._one_row or self._null is None or not self._null.shape[1] or not self._exact or heard.all():
            return False
        missing = ~heard
        null, wanted = self._null[missing], self._solution[missing]
        left = wanted - null @ np.linalg.lstsq(null, wanted, rcond=None)[0]
        return bool(np.linalg.norm(left) * self._factors[2] > 2.0 * np.sqrt(EXACT * self._target.size))

    def error(self, heard: Bools) -> float:
        """Return the squared decoding error of these members on the component's partitions."""
        return self._miss(self.decode(heard))

    def _miss(self, coefficients: NDArray[Any]) -> float:
        return float(np.sum(np.abs(self._transposed @ coefficients - self._target) ** 2))

    @cached_property
    def _transposed(self) -> NDArray[Any] | sparse.csr_array:
        """B^T, dense where that is small."""
        transposed = sparse.csr_array(self.matrix.T)
        return transposed.toarray() if np.prod(transposed.shape) <= _SMALL else transposed

    @cached_property
    def teams(self) -> list[NDArray[np.intp]]:
        """Members (numbered within the component) that send multiples of the same message; most are alone.

        Whatever can be decoded is decided by which teams were heard at all.
        """
        found: dict[bytes, list[tuple[NDArray[Any], list[int]]]] = {}
        rows = self.matrix
        for j, (a, b) in enumerate(pairwise(rows.indptr.tolist())):
            row = rows.data[a:b] / rows.data[a]
            known = found.setdefault(rows.indices[a:b].tobytes(), [])
            for like, members in known:
                if np.abs(row - like).max() <= _SAME * np.abs(like).max():
                    members.append(j)
                    break
            else:
                known.append((row, [j]))
        return sorted((np.array(members) for known in found.values() for _, members in known), key=lambda team: team[0])

    @cached_property
    def needed(self) -> int | None:
        """How many teams decode the component, whichever they are, while fewer never do; None if no number does.

        Read off the null space of one row per team: with r = teams - rank, r teams can be spared if every r x r minor
        of the null basis is nonzero, and never r + 1 if every minor of order r + 1 of that basis with the solution
        beside it is. All minors are looked at when they are few, else a thousand random ones (so that a simulation, in
        which the missing workers are random too, is wrong on a fraction below about 0.3 % of the sets, with 95 %
        confidence).
        """
        if len(self.teams) < self.workers.size:
            first = [team[0] for team in self.teams]
            rows = sparse.csr_array(self.matrix[first])
            return Component(np.arange(len(first)), self.partitions, rows, self.blocks).needed
        if self._null is None or not self._exact or self.blocks > 1:
            return None
        n, r = self._null.shape
        beside = np.hstack([self._null, self._solution])
        if r and not _all_independent(self._null, r):
            return None
        return None if r < n and not _all_independent(beside, r + 1) else n - r

    @cached_property
    def _one_row(self) -> bool:
        """Whether all rows are multiples of the first (every worker alone says all there is to say)."""
        return self.blocks == 1 and len(self.teams) == 1

    @cached_property
    def _rule(self) -> Callable[[Bools], NDArray[Any]]:
        if self._one_row:
            return self._share
        if self._null is not None and (self._exact if self._null.shape[1] else self._factors[2] > _STEEP):
            return self._spare
        return self._least_squares

    @cached_property
    def _norms(self) -> NDArray[np.float64]:
        """Row norms: coefficients are sought for rows of length 1, which makes the noise amplification smallest."""
        squares = self.matrix.multiply(self.matrix.conj()).sum(axis=1)
        return np.asarray(np.sqrt(np.real(squares)), dtype=np.float64)

    @cached_property
    def _target(self) -> NDArray[np.float64]:
        return np.asarray(np.kron(np.eye(self.blocks), np.ones((self.partitions.size, 1))), dtype=np.float64)

    @cached_property
    def _factors(self) -> tuple[NDArray[Any], NDArray[Any] | None, float]:
        """Solution for all members, left null basis (None when too large) and 1 / condition; of unit rows."""
        unit = sparse.csr_array(self.matrix.multiply(1 / self._norms[:, None]))
        if min(unit.shape) > _DENSE_LIMIT:
            return _iterative(unit, self._target), None, 0.0
        # more workers than columns: the null space needs all of `right`; else a full `left` would only be large
        left, values, right = np.linalg.svd(unit.toarray().T, full_matrices=unit.shape[0] > unit.shape[1])
        rank = int((values > _RANK * values[0]).sum())
        inside = (left[:, :rank].conj().T @ self._target) / values[:rank, None]
        return right[:rank].conj().T @ inside, right[rank:].conj().T, float(values[rank - 1] / values[0])

    @property
    def _solution(self) -> NDArray[Any]:
        return self._factors[0]

    @property
    def _null(self) -> NDArray[Any] | None:
        return self._factors[1]

    @cached_property
    def _all_heard(self) -> NDArray[Any]:
        if self._one_row:
            return self._share(np.ones(self.workers.size, dtype=bool))
        return self._solution / self._norms[:, None]

    @cached_property
    def _exact(self) -> bool:
        return self.error(np.ones(self.workers.size, dtype=bool)) <= EXACT * self._target.size

    @cached_property
    def _shares(self) -> NDArray[Any]:
        first = self.matrix[[0]].toarray()[0]
        ratio = self.matrix[:, [0]].toarray()[:, 0] / first[0]
        return np.asarray(np.conj(first.sum()) / np.vdot(first, first) / ratio)

    def _share(self, heard: Bools) -> NDArray[Any]:
        return np.where(heard, self._shares / max(1, int(heard.sum())), 0.0)[:, None]

    def _spare(self, heard: Bools) -> NDArray[Any]:
        """Correct the solution for all members so that the missing ones get 0."""
        missing = np.flatnonzero(~heard)
        solution = self._solution
        if self._null is not None and self._null.shape[1]:
            step, _, _, values = np.linalg.lstsq(self._null[missing], solution[missing], rcond=None)
            if values[-1] < _RANK:
                return self._least_squares(heard)
            found = solution - self._null @ step
        else:
            within = self._inverse[np.ix_(missing, missing)]
            found = solution - self._inverse[:, missing] @ np.linalg.solve(within, solution[missing])
        lost = np.abs(found[missing]).max()
        if not lost <= 1e-9 * max(1.0, np.abs(solution).max()):
            return self._least_squares(heard)
        found[missing] = 0.0
        found /= self._norms[:, None]
        if self._null is not None and self._null.shape[1] and self._miss(found) > EXACT * self._target.size:
            return self._least_squares(heard)
        return np.asarray(found)

    @cached_property
    def _inverse(self) -> NDArray[Any]:
        unit = self.matrix.toarray() / self._norms[:, None]
        return np.asarray(np.linalg.inv(np.conj(unit) @ unit.T))

    def _least_squares(self, heard: Bools) -> NDArray[Any]:
        unit = sparse.csr_array(self.matrix.multiply(1 / self._norms[:, None]))[heard]
        found = np.zeros((heard.size, self.blocks), dtype=self.matrix.dtype)
        if min(unit.shape) > _DENSE_LIMIT:
            found[heard] = _iterative(unit, self._target)
        else:
            found[heard] = np.linalg.lstsq(unit.toarray().T, self._target.astype(found.dtype), rcond=_RANK)[0]
        return found / self._norms[:, None]


def components(segment: Segment) -> list[Component]:
    """Split a segment into its connected components; workers without work and partitions without workers are left out.

    Examples
    --------
    >>> import numpy as np
    >>> [c.workers.tolist() for c in components(Segment(np.eye(2)))]
    [[0], [1]]
    """
    n, k, m = segment.workers, segment.partitions, segment.blocks
    held = segment.support.astype(np.float64)
    graph: Any = sparse.block_array([[None, held], [held.T, None]], format="csr")
    _, label = connected_components(graph, directed=False)
    members, parts = _by_label(label[:n]), _by_label(label[n:])
    found = []
    for name, workers in members.items():
        partitions = parts.get(name)
        if partitions is None:
            continue
        columns = (np.arange(m)[:, None] * k + partitions).ravel()
        found.append(Component(workers, partitions, sparse.csr_array(segment.encoding[workers][:, columns]), m))
    return found


def residual(segment: Segment, matrix: NDArray[Any]) -> float:
    """Return ||R B - T||_F^2 for a decoding matrix R, shape (m, n)."""
    miss = segment.encoding.T @ matrix.T
    blocks = miss.reshape(segment.blocks, segment.partitions, segment.blocks)
    for u in range(segment.blocks):
        blocks[u, :, u] -= 1.0
    return float(np.sum(np.abs(blocks) ** 2))


def decode(
    code: GradientCode, messages: Sequence[ArrayLike], responders: ArrayLike, *, parameters: int, tolerate: float = 0.0
) -> NDArray[np.float64]:
    """Estimate the gradient from coded messages.

    Parameters
    ----------
    code : GradientCode
    messages : list of array, one per segment, shape (n, ceil(segment length / m))
        Rows of workers that did not respond are ignored.
    responders : bool array, shape (n,) or (segments, n)
    parameters : int
        d, the length of the gradient.
    tolerate : float
        Largest squared decoding error that is accepted, as a fraction of m k.

    Returns
    -------
    array, shape (d,)

    Raises
    ------
    InputError
        If a shape is wrong or a message that is used holds NaN or infinity.
    DecodingError
        If the responders do not determine a segment within ``tolerate``.

    Examples
    --------
    >>> import gcopt, numpy as np
    >>> code = gcopt.families.fractional_repetition(4, 1)
    >>> g = np.arange(8.0).reshape(4, 2)
    >>> decode(code, code.encode(g), [False, True, True, True], parameters=2).tolist()
    [12.0, 16.0]
    """
    given = _as_bools(responders)
    shape = (len(code.segments), code.workers)
    if given.shape not in (shape, shape[1:]):
        raise InputError(f"responders has shape {given.shape}; {shape[1:]} or {shape} is expected")
    if len(messages) != len(code.segments):
        raise InputError(f"messages has {len(messages)} entries; one for each of the {len(code.segments)} segments")
    heard = np.broadcast_to(given, shape)
    cuts = code.cuts(check_count("parameters", parameters, 0))
    gradient = np.empty(parameters)
    for c, segment in enumerate(code.segments):
        decoder = Decoder(segment)
        found = decoder(heard[c])
        if found.error > max(decoder.tolerance, tolerate * segment.blocks * segment.partitions):
            raise DecodingError(
                f"segment {c}: {int(heard[c].sum())} of {code.workers} responders leave a squared error of "
                f"{found.error:.3g}; wait for more, or accept it with tolerate="
            )
        rows = _used(messages[c], heard[c], -(-int(cuts[c + 1] - cuts[c]) // segment.blocks), f"messages[{c}]")
        blocks = np.real(found.matrix @ rows).ravel()
        gradient[cuts[c] : cuts[c + 1]] = blocks[: cuts[c + 1] - cuts[c]]
    return gradient


def _used(messages: ArrayLike, heard: Bools, width: int, name: str) -> NDArray[Any]:
    """Return the messages of one segment with zeros where nobody was heard."""
    array = np.asarray(messages)
    if array.shape != (heard.size, width):
        raise InputError(f"{name} has shape {array.shape}; {(heard.size, width)} is expected")
    rows = np.where(heard[:, None], array, 0.0)
    if not np.isfinite(rows).all():
        raise InputError(f"{name} holds NaN or infinity from a worker that responded; finite numbers are expected")
    return rows


def _as_bools(responders: ArrayLike) -> Bools:
    """Return responders as bools; a list of worker numbers, easily mistaken for them, is refused."""
    array = np.asarray(responders)
    if array.dtype != bool and not np.isin(array, (0, 1)).all():
        raise InputError("responders holds something else than true and false; one of them is needed for every worker")
    return array.astype(bool, copy=False)


def _by_label(labels: NDArray[Any]) -> dict[int, NDArray[np.intp]]:
    order = np.argsort(labels, kind="stable")
    names, starts = np.unique(labels[order], return_index=True)
    return dict(zip(names.tolist(), np.split(order, starts[1:]), strict=True))


def _iterative(unit: sparse.csr_array, target: NDArray[Any]) -> NDArray[Any]:
    """Least squares without a dense factorisation, for codes beyond the dense limit."""
    wanted = target.T.astype(unit.dtype)
    columns = [lsmr(unit.T, row, atol=1e-15, btol=1e-15, maxiter=20 * unit.shape[0])[0] for row in wanted]
    return np.stack(columns, axis=1)


def _all_independent(basis: NDArray[Any], size: int) -> bool:
    """Whether the rows of ``basis`` are independent in every set of ``size`` rows (or in a thousand random ones)."""
    from itertools import combinations
    from math import comb

    n = basis.shape[0]
    if comb(n, size) <= 5000:
        sets = np.array(list(combinations(range(n), size)))
    else:
        rng = np.random.default_rng(0)
        sets = np.argsort(rng.random((1000, n)), axis=1)[:, :size]
    smallest = np.linalg.svd(basis[sets], compute_uv=False)[..., -1]
    return bool(np.all(smallest > 1e-9))
