"""The rows of a model, dense or CSR: checked once, then handed to the kernels."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.errors import GcoptWarning, InputError
from gcopt.training.problems._problem import Vector, frozen

Windows = NDArray[np.int64]
Sizes = tuple[int, int, int]  # features, hidden units, classes

_LINE = 64  # bytes of a cache line


class DenseRows:
    """Rows in one C-ordered float32 or float64 array, padded as `padded` does it."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], features: int) -> None:
        self.x = frozen(arrays["x"], arrays["x"].dtype)
        self.shape = (len(self.x), features)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what the constructor takes."""
        return {"x": self.x}

    def gradient(self, y: Vector, w: Vector, windows: Windows, coefficients: Vector, link: int) -> Vector:
        """Sum over the windows of coefficient * slope * row, shape (features,)."""
        from gcopt.training import _kernels

        return _kernels.dense_gradient(self.x, y, w, windows, coefficients, link)

    def scores(self, w: Vector, windows: Windows) -> Vector:
        """Return x.w of the windows' rows."""
        from gcopt.training import _kernels

        return _kernels.dense_scores(self.x, w, windows)

    def backward(self, residual: Vector, windows: Windows, coefficients: Vector, start: int, stop: int) -> Vector:
        """Sum over the windows of coefficient * residual * row[start:stop]."""
        from gcopt.training import _kernels

        return _kernels.dense_backward(self.x, residual, windows, coefficients, start, stop)

    def class_gradient(self, y: NDArray[Any], w: Vector, windows: Windows, coefficients: Vector) -> Vector:
        """Sum over the windows of coefficient * row' slopes, shape (features, C)."""
        from gcopt.training import _class_kernels

        return _class_kernels.dense_gradient(self.x, y, w, windows, coefficients)

    def class_scores(self, w: Vector, windows: Windows) -> Vector:
        """Return x w of the windows' rows, shape (rows, C)."""
        from gcopt.training import _class_kernels

        return _class_kernels.dense_scores(self.x, w, windows)

    def class_backward(self, residual: Vector, windows: Windows, coefficients: Vector, start: int, stop: int) -> Vector:
        """Sum over the windows of coefficient * row[start:stop]' residual, shape (stop - start, C)."""
        from gcopt.training import _class_kernels

        return _class_kernels.dense_backward(self.x, residual, windows, coefficients, start, stop)

    def layer_gradient(
        self, y: NDArray[Any], w: Vector, sizes: Sizes, windows: Windows, coefficients: Vector, link: int
    ) -> Vector:
        """Sum over the windows of coefficient * gradient of a perceptron with these sizes, shape (d,)."""
        from gcopt.training import _layer_kernels

        return _layer_kernels.dense_gradient(self.x, y, w, sizes, windows, coefficients, link)


class SparseRows:
    """Rows in CSR: float32 or float64 data, uint32 indices (sorted), uint64 indptr."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], features: int) -> None:
        self.data = frozen(arrays["data"], arrays["data"].dtype)
        # unsigned: for signed ones every access would first test for counting from the end, which costs a third
        self.indices = frozen(arrays["indices"], np.uint32)
        self.indptr = frozen(arrays["indptr"], np.uint64)
        self.shape = (len(self.indptr) - 1, features)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what the constructor takes."""
        return {"data": self.data, "indices": self.indices, "indptr": self.indptr}

    def gradient(self, y: Vector, w: Vector, windows: Windows, coefficients: Vector, link: int) -> Vector:
        """Sum over the windows of coefficient * slope * row, shape (features,)."""
        from gcopt.training import _kernels

        return _kernels.csr_gradient(self.data, self.indices, self.indptr, y, w, windows, coefficients, link)

    def scores(self, w: Vector, windows: Windows) -> Vector:
        """Return x.w of the windows' rows."""
        from gcopt.training import _kernels

        return _kernels.csr_scores(self.data, self.indices, self.indptr, w, windows)

    def backward(self, residual: Vector, windows: Windows, coefficients: Vector, start: int, stop: int) -> Vector:
        """Sum over the windows of coefficient * residual * row[start:stop]."""
        from gcopt.training import _kernels

        return _kernels.csr_backward(self.data, self.indices, self.indptr, residual, windows, coefficients, start, stop)

    def class_gradient(self, y: NDArray[Any], w: Vector, windows: Windows, coefficients: Vector) -> Vector:
        """Sum over the windows of coefficient * row' slopes, shape (features, C)."""
        from gcopt.training import _class_kernels

        return _class_kernels.csr_gradient(self.data, self.indices, self.indptr, y, w, windows, coefficients)

    def class_scores(self, w: Vector, windows: Windows) -> Vector:
        """Return x w of the windows' rows, shape (rows, C)."""
        from gcopt.training import _class_kernels

        return _class_kernels.csr_scores(self.data, self.indices, self.indptr, w, windows)

    def class_backward(self, residual: Vector, windows: Windows, coefficients: Vector, start: int, stop: int) -> Vector:
        """Sum over the windows of coefficient * row[start:stop]' residual, shape (stop - start, C)."""
        from gcopt.training import _class_kernels

        return _class_kernels.csr_backward(
            self.data, self.indices, self.indptr, residual, windows, coefficients, start, stop
        )

    def layer_gradient(
        self, y: NDArray[Any], w: Vector, sizes: Sizes, windows: Windows, coefficients: Vector, link: int
    ) -> Vector:
        """Sum over the windows of coefficient * gradient of a perceptron with these sizes, shape (d,)."""
        from gcopt.training import _layer_kernels

        return _layer_kernels.csr_gradient(
            self.data, self.indices, self.indptr, y, w, sizes, windows, coefficients, link
        )


Rows = DenseRows | SparseRows


def make_rows(X: Any) -> Rows:
    """Check a matrix of features and bring it into the form of the kernels.

    Parameters
    ----------
    X : array or scipy sparse array, shape (N, features)

    Raises
    ------
    InputError
        If it is not a finite, non-empty matrix of numbers.
    """
    is_sparse = sparse.issparse(X)
    array: Any = X if is_sparse else np.asarray(X)
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"X has shape {array.shape}; (samples, features) is expected, both at least 1")
    dtype = _float_type(array.dtype)
    if not is_sparse:
        x = padded(array, dtype)
        _refuse_nan(x)
        return DenseRows({"x": x}, array.shape[1])
    if array.shape[1] > 2**32:
        raise InputError(f"X has {array.shape[1]} columns; at most 2**32 would work")
    csr: Any = sparse.csr_array(array, dtype=dtype)
    if not csr.has_canonical_format:
        csr = csr.copy()
        csr.sum_duplicates()
    _refuse_nan(csr.data)
    return SparseRows({"data": csr.data, "indices": csr.indices, "indptr": csr.indptr}, csr.shape[1])


def padded(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Copy into memory where every long row begins at a cache line: shape (N, features or up to 60 bytes more).

    A load across two cache lines costs double, and so does a gradient whose rows are not aligned nearly.
    """
    samples, features = array.shape
    line = _LINE // dtype.itemsize
    width = features if features < 16 * line else -(-features // line) * line
    memory = np.zeros(samples * width + line, dtype=dtype)
    first = -(memory.ctypes.data // dtype.itemsize) % line
    x = memory[first : first + samples * width].reshape(samples, width)
    x[:, :features] = array
    return x


def _float_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.kind not in "biuf":
        raise InputError(f"X has entries of type {dtype}; real numbers are expected")
    if dtype == np.float16:
        warnings.warn("X is float16; it is kept as float32 and summed in float64", GcoptWarning, stacklevel=4)
    return np.dtype(np.float32 if dtype in (np.float16, np.float32) else np.float64)


def _refuse_nan(values: NDArray[Any]) -> None:
    if not np.isfinite(values).all():
        raise InputError("X holds NaN or infinity; finite numbers are expected")


def check_windows(windows: Windows, coefficients: Vector | None, samples: int) -> tuple[Windows, Vector]:
    """Return row ranges and coefficients as the kernels take them; kernels do not check bounds themselves."""
    rows = frozen(windows, np.int64)
    if rows.ndim != 2 or rows.shape[1] != 2:
        raise InputError(f"windows has shape {rows.shape}; (q, 2) is expected")
    if len(rows) and (rows.min() < 0 or rows.max() > samples or (rows[:, 0] > rows[:, 1]).any()):
        raise InputError(f"windows leave the {samples} rows; ranges with 0 <= start <= stop <= {samples} are expected")
    weights = frozen(np.ones(len(rows)) if coefficients is None else coefficients, np.float64)
    if weights.shape != (len(rows),):
        raise InputError(f"coefficients has shape {weights.shape}; ({len(rows)},) is expected, one per window")
    return rows, weights
