"""The two sums of a code: messages from gradients, and blocks of the gradient from messages.

Both go through what they are given once and write every result once, blocks where they are: nothing is padded or put
together first. Sums are float64 (complex128 for complex codes) whatever the type of the numbers, and their order is
that of the columns or the workers, so that equal sets give equal bits. Results are rounded once, to single precision
(float32, complex64) if what is added is in single precision: that moves a message by at most 2^-24 of its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from gcopt.errors import InputError

Ints = NDArray[np.intp]

# multiplications that numpy does in less time than it takes to load compiled code
_FEW = 2**20
# coordinates of a block that are summed at a time, and numbers that stay in cache
_STRETCH, _CACHED = 1024, 2**18


def numbers(name: str, array: ArrayLike) -> NDArray[Any]:
    """Return an array in single precision if it is, else in double: read-only, C-ordered, a copy only where needed.

    Raises
    ------
    InputError
        If it holds something else than numbers.

    Examples
    --------
    >>> import numpy as np
    >>> numbers("gradients", np.ones(2, np.float32)).dtype, numbers("gradients", [1, 2]).dtype
    (dtype('float32'), dtype('float64'))
    """
    given = np.asarray(array)
    if given.dtype.kind not in "biufc":
        raise InputError(f"{name} holds no numbers; finite numbers are expected")
    kind: Any = np.complex128 if given.dtype.kind == "c" else np.float64
    if _is_single(given.dtype):
        kind = np.complex64 if given.dtype.kind == "c" else np.float32
    view = np.require(given, kind, ["C_CONTIGUOUS", "ALIGNED"]).view()
    view.flags.writeable = False
    return view


def encode(encoding: sparse.csr_array, blocks: int, gradients: ArrayLike, start: int, stop: int) -> NDArray[Any]:
    """Return the messages about coordinates ``start`` to ``stop``, cut into m blocks.

    Parameters
    ----------
    encoding : csr_array, shape (n, m * k)
        Columns of a row in order; column ``u * k + i`` is block u of partition i.
    blocks : int
        m.
    gradients : array, shape (k, d)
    start, stop : int

    Returns
    -------
    array, shape (n, ceil((stop - start) / m))
        As if zeros followed the last block.

    Raises
    ------
    InputError
        If a gradient holds NaN, infinity or no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> encode(sparse.csr_array([[1.0, 10.0]]), 2, [[1.0, 2.0, 3.0]], 0, 3).tolist()
    [[31.0, 2.0]]
    """
    given = numbers("gradients", gradients)
    k, length = len(given), stop - start
    width = -(-length // blocks)
    wide = np.result_type(encoding.dtype, given.dtype)
    out = np.empty((encoding.shape[0], width), dtype=_rounded(wide, given.dtype))
    if encoding.nnz * width <= _FEW:
        padded = np.zeros((k, blocks * width), dtype=given.dtype)
        padded[:, :length] = given[:, start:stop]
        out[:] = encoding @ padded.reshape(k, blocks, width).swapaxes(0, 1).reshape(blocks * k, width)
        fine = False
    else:
        from gcopt import _coding_kernels as kernels  # compiled code, not wanted at import time

        data, places = numbers("encoding", encoding.data), encoding.indices.astype(np.int64)
        sums = np.empty((1, _stretch(encoding.shape[1])), dtype=wide)
        fine = kernels.encode(data, places, encoding.indptr.astype(np.int64), given, start, length, out, sums)
        fine = fine and bool(np.bincount(places, minlength=encoding.shape[1]).all())
    if not fine and not np.isfinite(given[:, start:stop]).all():
        raise InputError("gradients holds NaN or infinity; finite numbers are expected")
    return out


def for_worker(encoding: sparse.csr_array, blocks: int, worker: int, held: Ints) -> sparse.csr_array:
    """Return row ``worker`` of an encoding matrix as one, shape (1, m * len(held)), of the partitions it holds.

    Examples
    --------
    >>> import numpy as np
    >>> for_worker(sparse.csr_array([[0.0, 1.0, 0.0, 2.0]]), 2, 0, np.array([1])).toarray().tolist()
    [[1.0, 2.0]]
    """
    row = encoding[[worker]]
    block, partition = np.divmod(row.indices, encoding.shape[1] // blocks)
    columns = block * held.size + np.searchsorted(held, partition)
    return sparse.csr_array((row.data, columns, row.indptr), shape=(1, blocks * held.size))


def decode(coefficients: NDArray[Any], messages: NDArray[Any], rows: Ints, out: NDArray[Any]) -> bool:
    """Write block u = real part of ``sum_j coefficients[u, j] messages[rows[j]]`` one after the other into ``out``.

    Parameters
    ----------
    coefficients : array, shape (m, r)
    messages : array, shape (n, ceil(d / m))
        As `numbers` returns it.
    rows : int array, shape (r,)
    out : array, shape (d,), float64 or float32
        What the last block has beyond it is left out.

    Returns
    -------
    bool
        Whether every number of these rows is finite.

    Examples
    --------
    >>> import numpy as np
    >>> out = np.empty(3)
    >>> decode(np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([[1.0, 1.0], [2.0, 3.0]]), np.array([0, 1]), out)
    True
    >>> out.tolist()
    [5.0, 7.0, 2.0]
    """
    width, wide = messages.shape[1], np.result_type(coefficients.dtype, messages.dtype, np.float64)
    if coefficients.size * width <= _FEW:
        out[:] = np.real(coefficients.astype(wide) @ messages[rows]).ravel()[: out.size]
        return bool(np.isfinite(messages[rows]).all())
    from gcopt import _coding_kernels as kernels  # compiled code, not wanted at import time

    plain = np.array(coefficients, dtype=wide, order="C")
    sums = np.empty((4, _stretch(rows.size)), dtype=wide)
    fine = kernels.decode(plain, messages, rows.astype(np.int64), out, sums)
    doubtful = rows[~coefficients.any(axis=0)] if fine else rows
    return all(bool(np.isfinite(messages[j]).all()) for j in doubtful.tolist())


def combine(coefficients: NDArray[Any], payloads: Sequence[NDArray[Any]], out: NDArray[np.float64]) -> None:
    """Decode messages that are given one by one, in the order of the workers.

    Rows of one array are taken where they are.

    Examples
    --------
    >>> import numpy as np
    >>> out = np.empty(3)
    >>> combine(np.array([[1.0, 2.0], [0.0, 1.0]]), [np.array([1.0, 1.0]), np.array([2.0, 3.0])], out)
    >>> out.tolist()
    [5.0, 7.0, 2.0]
    """
    if not payloads:
        out[:] = 0.0
        return
    whole = payloads[0].base
    if isinstance(whole, np.ndarray) and all(_is_row(payload, whole) for payload in payloads):
        rows = np.array([_address(payload) - _address(whole) for payload in payloads]) // whole.strides[0]
    else:
        whole, rows = np.array(payloads), np.arange(len(payloads))
    decode(coefficients, numbers("messages", whole), rows, out)


def prepare(dtype: np.dtype[Any], multiplications: int) -> None:
    """Load what `combine` uses for messages of this type, before any clock starts, if there is so much to do."""
    if multiplications > _FEW:
        from gcopt import _coding_kernels as kernels  # compiled code, not wanted at import time

        kind = np.result_type(dtype, np.float64)
        one, sums = np.zeros((1, 1), kind), np.zeros((4, 1), kind)
        kernels.decode(one, numbers("messages", one.astype(dtype)), np.zeros(1, np.int64), np.zeros(1), sums)


def _is_row(payload: NDArray[Any], whole: NDArray[Any]) -> bool:
    """Whether one array is a row of another, which is not empty."""
    alike = payload.base is whole and payload.dtype == whole.dtype and payload.shape == whole.shape[1:]
    return alike and payload.size > 0 and (_address(payload) - _address(whole)) % whole.strides[0] == 0


def _address(array: NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])


def _stretch(vectors: int) -> int:
    """Coordinates of so many vectors that stay in cache together."""
    return max(64, min(_STRETCH, _CACHED // vectors))


def _rounded(wide: np.dtype[Any], given: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type in which sums of this type leave, given the type of what is added."""
    if not _is_single(given):
        return wide
    return np.dtype(np.complex64 if wide.kind == "c" else np.float32)


def _is_single(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "fc" and np.finfo(dtype).bits == 32
