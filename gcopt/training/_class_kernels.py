"""Compiled kernels of problems with C scores per row, weights features x C. Sums are float64 whatever the data's type.

Rows are taken in blocks that stay in cache, where numba hands products of matrices to BLAS: the data is read once.
Nothing is summed across windows before a block ends, so what a row gives does not depend on the other windows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.solvers.jit import fast_kernel, kernel
from gcopt.training._kernels import LOGISTIC, exponentials
from gcopt.training._kernels import to_slopes as to_single_slopes

Array = NDArray[Any]

SOFTMAX = 0
SIGMOID = 1

ROWS = 128  # rows in a block


@kernel
def to_slopes(scores: Array, labels: Array, link: int) -> None:
    """Turn scores, shape (rows, C), into the derivatives of the rows' losses by them, in place.

    The loss is softmax cross-entropy, or the sum over the classes of the logistic losses of "this one" and "not this
    one": the derivatives are softmax or sigmoid minus the indicator of the label.
    """
    rows, classes = scores.shape
    flat = scores.reshape(rows * classes)
    scratch = np.empty(len(flat), dtype=np.int64)
    if link == SIGMOID:
        to_single_slopes(flat, np.zeros(len(flat)), np.empty(len(flat)), scratch, LOGISTIC)
    else:
        for i in range(rows):
            top = scores[i, 0]
            for c in range(1, classes):
                top = max(top, scores[i, c])
            for c in range(classes):
                scores[i, c] -= top
        exponentials(flat, scratch)
        for i in range(rows):
            total = 0.0
            for c in range(classes):
                total += scores[i, c]
            for c in range(classes):
                scores[i, c] /= total
    for i in range(rows):
        scores[i, labels[i]] -= 1.0


@fast_kernel
def add(values: Array, out: Array) -> None:
    """Add an array to another one of the same shape, in place."""
    for i in range(out.shape[0]):
        for c in range(out.shape[1]):
            out[i, c] += values[i, c]


@fast_kernel
def scale(factor: float, out: Array) -> None:
    """Multiply a matrix by a number, in place."""
    for i in range(out.shape[0]):
        for c in range(out.shape[1]):
            out[i, c] *= factor


@kernel
def slopes(scores: Array, y: Array, windows: Array) -> Array:
    """Return the softmax slopes of every row of the windows, shape (rows, C), given their scores in the same order."""
    out = scores.copy()
    i = 0
    for q in range(len(windows)):
        j = i + windows[q, 1] - windows[q, 0]
        to_slopes(out[i:j], y[windows[q, 0] : windows[q, 1]], SOFTMAX)
        i = j
    return out


@fast_kernel
def take(x: Array, first: int, start: int, factor: float, out: Array) -> None:
    """Copy the columns from ``start`` of the rows from ``first``, times a factor; ``out`` says how many, as float64."""
    for i in range(out.shape[0]):
        for f in range(out.shape[1]):
            out[i, f] = factor * x[first + i, start + f]


@kernel
def csr_take(data: Array, indices: Array, indptr: Array, first: int, w: Array, out: Array) -> None:
    """Write x w of the rows from ``first``; ``out``, shape (rows, C), says how many."""
    for i in range(out.shape[0]):
        for c in range(out.shape[1]):
            out[i, c] = 0.0
        for p in range(indptr[first + i], indptr[first + i + 1]):
            for c in range(out.shape[1]):
                out[i, c] += data[p] * w[indices[p], c]


@kernel
def csr_add(data: Array, indices: Array, indptr: Array, first: int, slopes: Array, out: Array) -> None:
    """Add row' slopes of the rows from ``first``; ``slopes``, shape (rows, C), says how many."""
    for i in range(len(slopes)):
        for p in range(indptr[first + i], indptr[first + i + 1]):
            for c in range(slopes.shape[1]):
                out[indices[p], c] += data[p] * slopes[i, c]


@fast_kernel
def dense_gradient(x: Array, y: Array, w: Array, windows: Array, coefficients: Array) -> Array:
    """Sum over the windows of coefficient * row' slopes, shape (features, C); one pass over the rows."""
    out, product = np.zeros(w.shape), np.empty(w.shape)
    block, room = np.empty((ROWS, w.shape[0])), np.empty((ROWS, w.shape[1]))
    for q in range(len(windows)):
        for first in range(windows[q, 0], windows[q, 1], ROWS):
            rows = min(ROWS, windows[q, 1] - first)
            xb, s = block[:rows], room[:rows]
            take(x, first, 0, 1.0, xb)
            np.dot(xb, w, s)
            to_slopes(s, y[first : first + rows], SOFTMAX)
            scale(coefficients[q], s)
            np.dot(xb.T, s, product)
            add(product, out)
    return out


@fast_kernel
def dense_scores(x: Array, w: Array, windows: Array) -> Array:
    """Return x w for every row of the windows, shape (rows, C)."""
    out = np.empty((np.sum(windows[:, 1] - windows[:, 0]), w.shape[1]))
    block = np.empty((ROWS, w.shape[0]))
    i = 0
    for q in range(len(windows)):
        for first in range(windows[q, 0], windows[q, 1], ROWS):
            rows = min(ROWS, windows[q, 1] - first)
            take(x, first, 0, 1.0, block[:rows])
            np.dot(block[:rows], w, out[i : i + rows])
            i += rows
    return out


@fast_kernel
def dense_backward(x: Array, residual: Array, windows: Array, coefficients: Array, start: int, stop: int) -> Array:
    """Sum over the windows of coefficient * row[start:stop]' residual, shape (stop - start, C)."""
    out = np.zeros((stop - start, residual.shape[1]))
    product, block = np.empty(out.shape), np.empty((ROWS, stop - start))
    i = 0
    for q in range(len(windows)):
        for first in range(windows[q, 0], windows[q, 1], ROWS):
            rows = min(ROWS, windows[q, 1] - first)
            take(x, first, start, coefficients[q], block[:rows])
            np.dot(block[:rows].T, residual[i : i + rows], product)
            add(product, out)
            i += rows
    return out


@kernel
def csr_gradient(
    data: Array, indices: Array, indptr: Array, y: Array, w: Array, windows: Array, coefficients: Array
) -> Array:
    """Sum over the windows of coefficient * row' slopes, shape (features, C); one pass over the stored entries."""
    out, room = np.zeros(w.shape), np.empty((ROWS, w.shape[1]))
    for q in range(len(windows)):
        for first in range(windows[q, 0], windows[q, 1], ROWS):
            s = room[: min(ROWS, windows[q, 1] - first)]
            csr_take(data, indices, indptr, first, w, s)
            to_slopes(s, y[first : first + len(s)], SOFTMAX)
            scale(coefficients[q], s)
            csr_add(data, indices, indptr, first, s, out)
    return out


@kernel
def csr_scores(data: Array, indices: Array, indptr: Array, w: Array, windows: Array) -> Array:
    """Return x w for every row of the windows, shape (rows, C)."""
    out = np.empty((np.sum(windows[:, 1] - windows[:, 0]), w.shape[1]))
    i = 0
    for q in range(len(windows)):
        j = i + windows[q, 1] - windows[q, 0]
        csr_take(data, indices, indptr, windows[q, 0], w, out[i:j])
        i = j
    return out


@kernel
def csr_backward(
    data: Array,
    indices: Array,
    indptr: Array,
    residual: Array,
    windows: Array,
    coefficients: Array,
    start: int,
    stop: int,
) -> Array:
    """Sum over the windows of coefficient * row[start:stop]' residual, shape (stop - start, C)."""
    classes = residual.shape[1]
    out = np.zeros((stop - start, classes))
    low, high = np.uint32(start), np.uint64(stop)
    i = 0
    for q in range(len(windows)):
        for row in range(windows[q, 0], windows[q, 1]):
            for p in range(indptr[row], indptr[row + 1]):
                if low <= indices[p] < high:
                    v = coefficients[q] * data[p]
                    for c in range(classes):
                        out[indices[p] - low, c] += v * residual[i, c]
            i += 1
    return out
