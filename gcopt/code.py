"""The one object: a gradient code is a list of segments, each with one sparse encoding tensor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from gcopt import coding
from gcopt.checks import check_count, check_finite
from gcopt.errors import InputError
from gcopt.signs import Signs

if TYPE_CHECKING:
    from gcopt.compression import Compressor

_AT_ONCE = 2**20  # numpy turns indices into wider ones before it counts: of a large code not all at once

DECODERS = ("least-squares", "one-step", "scaled", "sum")


@dataclass(frozen=True)
class Claim:
    """Something a code promises, in a form that `gcopt.verify` can check from the matrices alone.

    Attributes
    ----------
    kind : str
        What is promised: ``exact`` (no error for any set of ``stragglers``), ``error`` (at most this squared error for
        any set of ``stragglers``), ``mean`` (at most this mean squared error over random stragglers), ``unbiased``
        (the mean estimate is the gradient), ``proportional`` (the mean estimate is this multiple of the gradient),
        ``load`` (largest number of partitions on a worker), ``replication`` (smallest number of workers on a
        partition), ``noise`` (at most this noise amplification for any set of ``stragglers``).
    value : float
        The promised number; 0.0 for ``exact`` and ``unbiased``.
    source : str
        Where the promise comes from, down to the theorem.
    stragglers : int or None
        Number of stragglers the promise speaks of; for a mean, all sets of so many are equally likely.
    segment : int
        Which segment of the code it speaks of.
    probability : float or tuple of float or None
        For a mean: workers straggle independently with this probability, or each with its own.
    on_average : bool
        Whether the promise holds on average over the random construction only, and not for each code drawn. Where a
        code draws its signs anew in every iteration that is the average over its draws, and what is not on average
        holds for each of them.

    Examples
    --------
    >>> print(Claim("exact", 0.0, "Tandon et al. 2017, Theorem 2", stragglers=3))
    exact for every set of 3 stragglers
    >>> print(Claim("mean", 1.2, "Charles et al. 2017", stragglers=2, on_average=True))
    on average over the draws of the code: mean squared error at most 1.2 over random sets of 2 stragglers
    """

    kind: str
    value: float
    source: str
    stragglers: int | None = None
    segment: int = 0
    probability: float | tuple[float, ...] | None = None
    on_average: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.probability, list):  # as JSON holds it
            object.__setattr__(self, "probability", tuple(self.probability))

    def __str__(self) -> str:
        every, several = f"for every set of {self.stragglers} stragglers", self._random
        words = {
            "exact": f"exact {every}",
            "error": f"squared error at most {self.value:.6g} {every}",
            "mean": f"mean squared error at most {self.value:.6g} {several}",
            "unbiased": f"unbiased {several}",
            "proportional": f"the mean estimate is {self.value:.6g} times the gradient {several}",
            "load": f"no worker holds more than {self.value:g} partitions",
            "replication": f"every partition is on at least {self.value:g} workers",
            "noise": f"noise amplification at most {self.value:.6g} {every}",
        }
        text = words.get(self.kind, f"{self.kind} {self.value:g}")
        if self.on_average:
            text = f"on average over the draws of the code: {text}"
        return text if self.segment == 0 else f"segment {self.segment}: {text}"

    @property
    def _random(self) -> str:
        if isinstance(self.probability, tuple):
            return "when workers straggle independently, each with its own probability"
        if self.probability is not None:
            return f"when workers straggle independently with probability {self.probability:g}"
        return f"over random sets of {self.stragglers} stragglers"


@dataclass(frozen=True, eq=False)
class Segment:
    """A stretch of coordinates that is coded in one way.

    Attributes
    ----------
    encoding : csr_array, shape (n, m * k), float64 or complex128
        Encoding matrix B; column ``u * k + i`` is block u of partition i, row j is worker j. Read-only.
    blocks : int
        m, the number of equal blocks the segment is cut into; a message is m times shorter than the segment.
    length : float
        Share of the coordinates; relative to the sum over the segments of a code.
    stragglers : int
        How many workers the scheme means to leave behind (the master's ``count`` rule waits for n minus this many).
    decoder : str
        ``least-squares``; or a fixed one, where all responders count alike, with several blocks each times the signs it
        sends them with: ``one-step`` (the weight that is best for random sets of so many responders), ``scaled``
        (n / responders: what "ignore the stragglers" does) or ``sum`` (1: what arrives is added up).
    approximate : bool
        Whether the scheme means n - ``stragglers`` answers to be enough although they may not decode exactly.
    signs : Signs, mapping or None
        Factors of the messages' blocks that are drawn anew in every iteration; ``encoding`` is that of one draw.

    Raises
    ------
    InputError
        If the shape, an entry or a number is impossible (NaN and infinity included).

    Examples
    --------
    >>> import numpy as np
    >>> Segment(np.eye(3)).load.tolist()
    [1, 1, 1]
    """

    encoding: sparse.csr_array
    blocks: int = 1
    length: float = 1.0
    stragglers: int = 0
    decoder: str = "least-squares"
    approximate: bool = False
    signs: Signs | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoding", frozen_matrix(self.encoding))
        if isinstance(self.signs, Mapping):  # as JSON holds it
            object.__setattr__(self, "signs", Signs(**self.signs))
        n, columns = self.encoding.shape
        if columns % check_count("blocks", self.blocks, 1):
            raise InputError(f"blocks is {self.blocks}; it must divide the {columns} columns of the encoding matrix")
        check_count("stragglers", self.stragglers, 0, n - 1, f" (fewer than the {n} workers)")
        check_finite("length", self.length, 0.0, open_low=True)
        if self.decoder not in DECODERS:
            raise InputError(f"decoder is {self.decoder!r}; one of {', '.join(DECODERS)} would work")

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(Segment, **self.settings), (self.encoding,)

    @property
    def settings(self) -> dict[str, Any]:
        """Everything but the matrix, by name, as files hold it."""
        names = ("blocks", "length", "stragglers", "decoder", "approximate")
        found = {name: getattr(self, name) for name in names}
        return found if self.signs is None else {**found, "signs": asdict(self.signs)}

    def at(self, draw: int) -> Segment:
        """Return the segment as it is in one draw of its signs; itself where it draws none.

        Examples
        --------
        >>> import numpy as np
        >>> segment = Segment(np.array([[1.0, 1.0], [1.0, -1.0]]), blocks=2, signs=Signs(seed=7))
        >>> [segment.at(draw).encoding.toarray().tolist() for draw in (0, 5)]
        [[[1.0, 1.0], [1.0, -1.0]], [[-1.0, 1.0], [-1.0, -1.0]]]
        """
        if self.signs is None or draw == self.signs.draw:
            return self
        ratios = self.redrawn(draw)
        row = np.repeat(np.arange(self.workers), self.pairs)
        entries = self.encoding.data * ratios[row, self.encoding.indices // self.partitions]
        matrix = sparse.csr_array((entries, self.encoding.indices, self.encoding.indptr), shape=self.encoding.shape)
        return replace(self, encoding=frozen(matrix), signs=replace(self.signs, draw=draw))

    def redrawn(self, draw: int) -> NDArray[np.float64]:
        """Return what the entries of every worker's blocks are multiplied with for another draw, shape (n, m)."""
        shape = (self.workers, self.blocks)
        if self.signs is None:
            return np.ones(shape)
        return np.asarray(self.signs.factors(draw, *shape) / self.signs.factors(self.signs.draw, *shape))

    @property
    def is_linear(self) -> bool:
        """Whether the coefficients do not depend on who else responded, but for a common factor."""
        return self.decoder != "least-squares"

    @property
    def workers(self) -> int:
        """Number of workers n."""
        return int(self.encoding.shape[0])

    @property
    def partitions(self) -> int:
        """Number of partitions k."""
        return int(self.encoding.shape[1]) // self.blocks

    @cached_property
    def support(self) -> sparse.csr_array:
        """Which worker holds which partition: bool, shape (n, k)."""
        shape = (self.workers, self.partitions)
        if self.blocks == 1:
            rows = self.encoding
            return sparse.csr_array((np.ones(rows.nnz, dtype=bool), rows.indices, rows.indptr), shape=shape)
        coo = self.encoding.tocoo()
        ones = np.ones(coo.nnz, dtype=np.int32)
        held = sparse.csr_array((ones, (coo.row, coo.col % self.partitions)), shape=shape)
        return sparse.csr_array(held.astype(bool))

    @cached_property
    def pairs(self) -> NDArray[np.int64]:
        """Nonzero (partition, block) pairs of each worker, shape (n,): the work per coordinate of a block."""
        return np.diff(self.encoding.indptr).astype(np.int64)

    @cached_property
    def load(self) -> NDArray[np.int64]:
        """Partitions on each worker, shape (n,)."""
        return np.diff(self.support.indptr).astype(np.int64)

    @cached_property
    def replication(self) -> NDArray[np.int64]:
        """Workers on each partition, shape (k,)."""
        return holders(self.support)

    @property
    def target(self) -> NDArray[np.float64]:
        """T = I_m (x) 1_k^T, shape (m, m * k): what a decoding matrix R must make of R B."""
        return np.asarray(np.kron(np.eye(self.blocks), np.ones(self.partitions)), dtype=np.float64)

    def encode(self, gradients: ArrayLike, start: int = 0, stop: int | None = None) -> NDArray[Any]:
        """Code the partial gradients of this segment.

        Parameters
        ----------
        gradients : array, shape (k, d)
        start, stop : int
            The coordinates that are this segment; by default all.

        Returns
        -------
        array, shape (n, ceil((stop - start) / m))
            Row j is the message of worker j, as if zeros followed the last block.

        Raises
        ------
        InputError
            If a number is not finite.
        """
        array = np.asarray(gradients)
        return coding.encode(self.encoding, self.blocks, array, start, array.shape[1] if stop is None else stop)


@dataclass(frozen=True, eq=False)
class GradientCode:
    """A gradient code: what each worker computes and sends, and what that promises. Immutable.

    Attributes
    ----------
    segments : tuple of Segment
        In the order in which workers compute and send them; all with the same workers and partitions.
    claims : tuple of Claim
        What the constructor promises; `gcopt.verify` checks it.
    family : str
        Name of the constructor, ``matrix`` for anybody's matrix.
    parameters : mapping
        What the constructor was given.
    seed : int or None
        Seed of the random choices; None where there were none.
    version : str
        Version of gcopt that built it.
    compressor : Compressor, str or None
        What is done to a message before it is sent, see `gcopt.compression`; None for nothing.

    Raises
    ------
    InputError
        If there is no segment, the segments disagree, or there is no such compressor.

    Examples
    --------
    >>> import numpy as np
    >>> code = GradientCode.from_matrix(np.array([[1.0, 0.5], [0.5, 1.0]]))
    >>> code.workers, code.partitions, code.load
    (2, 2, 2)
    """

    segments: tuple[Segment, ...]
    claims: tuple[Claim, ...] = ()
    family: str = "matrix"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    version: str = ""
    compressor: Compressor | None = None

    def __post_init__(self) -> None:
        if self.compressor is not None:
            from gcopt.compression import parse  # not wanted at import time

            object.__setattr__(self, "compressor", parse(self.compressor))
        object.__setattr__(self, "segments", tuple(self.segments))
        object.__setattr__(self, "claims", tuple(self.claims))
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))
        if not self.segments:
            raise InputError("segments is empty; a code has at least one")
        shapes = {(s.workers, s.partitions) for s in self.segments}
        if len(shapes) > 1:
            raise InputError(f"segments disagree on (workers, partitions): {sorted(shapes)}")
        for claim in self.claims:
            if not 0 <= claim.segment < len(self.segments):
                raise InputError(f"a claim speaks of segment {claim.segment}; there are {len(self.segments)}")
            if claim.stragglers is not None and not 0 <= claim.stragglers < self.workers:
                raise InputError(f"a claim speaks of {claim.stragglers} stragglers; there are {self.workers} workers")
            chances = claim.probability if isinstance(claim.probability, tuple) else ()
            if len(chances) not in (0, self.workers):
                raise InputError(f"a claim has {len(chances)} probabilities; there are {self.workers} workers")
            if not np.isfinite(claim.value):
                raise InputError(f"a claim promises {claim.value}; a finite number is expected")

    @classmethod
    def from_matrix(cls, matrix: ArrayLike | sparse.sparray, *, blocks: int = 1, **options: Any) -> GradientCode:
        """Make a code of anybody's encoding matrix, shape (n, m * k); ``options`` are those of `Segment`."""
        return cls((Segment(matrix, blocks=blocks, **options),))  # type: ignore[arg-type]

    @property
    def workers(self) -> int:
        """Number of workers n."""
        return self.segments[0].workers

    @property
    def partitions(self) -> int:
        """Number of partitions k."""
        return self.segments[0].partitions

    @property
    def blocks(self) -> int:
        """Largest communication reduction m of a segment."""
        return max(s.blocks for s in self.segments)

    @property
    def stragglers(self) -> int:
        """Workers that every segment can leave behind."""
        return min(s.stragglers for s in self.segments)

    @property
    def load(self) -> int:
        """Largest number of partitions on a worker."""
        return int(np.diff(self.support.indptr).max())

    @property
    def replication(self) -> int:
        """Smallest number of workers on a partition, over all segments."""
        return int(min(s.replication.min() for s in self.segments))

    @cached_property
    def support(self) -> sparse.csr_array:
        """Which worker stores which partition for any segment: bool, shape (n, k)."""
        held = self.segments[0].support
        for segment in self.segments[1:]:
            held = sparse.csr_array(held + segment.support)
        return held

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """Share of the coordinates in each segment; sums to 1."""
        lengths = np.array([s.length for s in self.segments])
        return np.asarray(lengths / lengths.sum())

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the messages: float64, or complex128 (which count double)."""
        return np.result_type(*(s.encoding.dtype for s in self.segments))

    def cuts(self, parameters: int) -> NDArray[np.int64]:
        """Return where the segments of a gradient of this length begin and end, shape (segments + 1,).

        Examples
        --------
        >>> import numpy as np
        >>> two = GradientCode((Segment(np.eye(2), length=3), Segment(np.ones((2, 2)), length=1)))
        >>> two.cuts(10).tolist()
        [0, 8, 10]
        """
        edges = np.concatenate([[0.0], np.cumsum(self.shares)]) * parameters
        return np.asarray(np.rint(edges), dtype=np.int64)

    @property
    def redraws(self) -> bool:
        """Whether some segment draws its signs anew in every iteration."""
        return any(s.signs is not None for s in self.segments)

    def at(self, draw: int) -> GradientCode:
        """Return the code as it is in one draw of its signs; itself where it draws none."""
        check_count("draw", draw, 0)
        return replace(self, segments=tuple(s.at(draw) for s in self.segments)) if self.redraws else self

    def encode(self, gradients: ArrayLike, worker: int | None = None) -> list[NDArray[Any]]:
        """Code given partial gradients; for another draw of the signs ``code.at(draw).encode`` does.

        Parameters
        ----------
        gradients : array, shape (k, d)
            Row i is the gradient of partition i.
        worker : int, optional
            Only the message of this worker, who needs only the gradients of its own partitions: shape (its load, d), in
            the order of ``code.support[[worker]].indices``.

        Returns
        -------
        list of array, one per segment, shape (n, ceil(segment length / m))
            One row for ``worker``. Float64, or complex128 for complex codes; of gradients in single precision (float32)
            messages are float32 or complex64, half as many bytes, but sums are float64 all the same: only the result is
            rounded, by at most 2^-24 of its size.

        Raises
        ------
        InputError
            If the shape is wrong, an entry is not finite or there is no such worker.

        Examples
        --------
        >>> code = GradientCode.from_matrix([[1.0, 2.0], [0.0, 3.0]])
        >>> code.encode([[1.0, 0.0], [0.0, 1.0]])[0].tolist()
        [[1.0, 2.0], [0.0, 3.0]]
        >>> code.encode([[0.0, 1.0]], worker=1)[0].tolist()
        [[0.0, 3.0]]
        """
        array = coding.numbers("gradients", gradients)
        held = np.arange(self.partitions)
        matrices = [s.encoding for s in self.segments]
        if worker is not None:
            j = check_count("worker", worker, 0, self.workers - 1)
            held = np.sort(self.support[[j]].indices)
            matrices = [coding.for_worker(s.encoding, s.blocks, j, held) for s in self.segments]
        if array.ndim != 2 or array.shape[0] != held.size:
            raise InputError(f"gradients has shape {array.shape}; ({held.size}, d) is expected")
        cuts = self.cuts(array.shape[1])
        parts = zip(matrices, self.segments, cuts[:-1], cuts[1:], strict=True)
        return [coding.encode(matrix, s.blocks, array, a, b) for matrix, s, a, b in parts]

    def __reduce__(self) -> tuple[type[GradientCode], tuple[Any, ...]]:
        provenance = (self.claims, self.family, dict(self.parameters), self.seed, self.version)
        return GradientCode, (self.segments, *provenance, self.compressor)

    def with_claims(self, claims: Iterable[Claim]) -> GradientCode:
        """Return the same code with these claims instead."""
        return replace(self, claims=tuple(claims))

    def compressed(self, compressor: Compressor | str | None) -> GradientCode:
        """Return the same code with this compressor instead; None leaves messages as they are.

        Examples
        --------
        >>> code = GradientCode.from_matrix([[1.0]]).compressed("dither1:max")
        >>> code.message_bytes(1000).tolist(), code.compressed(None).message_bytes(1000).tolist()
        ([129], [8000])
        """
        return replace(self, compressor=compressor)  # type: ignore[arg-type]

    def widths(self, parameters: int) -> NDArray[np.int64]:
        """Return how many numbers a message of each segment has, shape (segments,)."""
        lengths = np.diff(self.cuts(parameters))
        return np.asarray(-(-lengths // [s.blocks for s in self.segments]), dtype=np.int64)

    def message_bytes(self, parameters: int) -> NDArray[np.int64]:
        """Return the bytes of a message of each segment, shape (segments,); complex numbers count double."""
        numbers = self.widths(parameters) * np.array([s.encoding.dtype.itemsize // 8 for s in self.segments])
        if self.compressor is None:
            return np.asarray(8 * numbers)
        return np.array([self.compressor.size(int(width)) if width else 0 for width in numbers], dtype=np.int64)

    def __repr__(self) -> str:
        shape = f"n={self.workers}, k={self.partitions}, load={self.load}, stragglers={self.stragglers}"
        more = f", segments={len(self.segments)}" if len(self.segments) > 1 else ""
        less = "" if self.compressor is None else f", {self.compressor}"
        return f"<GradientCode {self.family}: {shape}{more}{less}>"


def holders(matrix: sparse.csr_array) -> NDArray[np.int64]:
    """Return the number of entries in each column, shape (columns,).

    Examples
    --------
    >>> import numpy as np
    >>> holders(sparse.csr_array(np.array([[1, 0], [1, 2]]))).tolist()
    [2, 1]
    """
    total = np.zeros(matrix.shape[1], dtype=np.int64)
    for start in range(0, matrix.nnz, _AT_ONCE):
        total += np.bincount(matrix.indices[start : start + _AT_ONCE], minlength=total.size)
    return total


def frozen_matrix(matrix: ArrayLike | sparse.sparray | sparse.spmatrix) -> sparse.csr_array:
    """Return a read-only CSR copy in float64 or complex128 without stored zeros; refuse what is not a finite matrix."""
    try:
        array: Any = matrix if sparse.issparse(matrix) else np.asarray(matrix)
    except ValueError:
        raise InputError(
            "an encoding matrix has rows of unequal lengths; (workers, blocks * partitions) is expected"
        ) from None
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"an encoding matrix has shape {array.shape}; (workers, blocks * partitions) is expected")
    if array.dtype.kind not in "biufc":
        raise InputError(f"an encoding matrix has entries of type {array.dtype}; numbers are expected")
    csr = sparse.csr_array(array, dtype=complex if array.dtype.kind == "c" else float, copy=not _is_frozen(array))
    if csr.data.flags.writeable:
        csr.sum_duplicates()
        csr.eliminate_zeros()
    if not np.isfinite(csr.data).all():
        raise InputError("an encoding matrix holds NaN or infinity; finite numbers are expected")
    return frozen(csr)


def _is_frozen(matrix: Any) -> bool:
    """Whether a matrix is CSR without duplicates or zeros that nobody can write to."""
    if not isinstance(matrix, sparse.csr_array) or matrix.dtype.kind not in "fc":
        return False
    fixed = not any(part.flags.writeable for part in (matrix.data, matrix.indices, matrix.indptr))
    return fixed and bool(matrix.has_canonical_format) and bool(np.all(matrix.data))


def frozen(matrix: sparse.csr_array) -> sparse.csr_array:
    """Return a matrix nobody can write to any more, which a `Segment` then shares instead of copying it.

    Examples
    --------
    >>> import numpy as np
    >>> matrix = frozen(sparse.csr_array(np.eye(2)))
    >>> np.shares_memory(Segment(matrix).encoding.data, matrix.data)
    True
    """
    for part in (matrix.data, matrix.indices, matrix.indptr):
        part.flags.writeable = False
    return matrix


def single(
    matrix: ArrayLike | sparse.sparray, stragglers: int, claims: Sequence[Claim], **options: Any
) -> GradientCode:
    """Return the common case, one segment with m = 1, as the constructors build it."""
    segment = Segment(matrix, stragglers=stragglers, **options)  # type: ignore[arg-type]
    return GradientCode((segment,), claims=tuple(claims))
