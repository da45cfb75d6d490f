"""Compiled kernels of softmax regression: C scores per row, weights features x C. Sums are float64 always."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.solvers.jit import fast_kernel, kernel
from gcopt.training._kernels import exponentials

Array = NDArray[Any]


@kernel
def to_slopes(scores: Array, label: int, scratch: Array) -> None:
    """Turn the scores of one row into the derivatives of its loss: softmax minus the indicator of the label."""
    top = scores[0]
    for c in range(1, len(scores)):
        top = max(top, scores[c])
    for c in range(len(scores)):
        scores[c] -= top
    exponentials(scores, scratch)
    total = 0.0
    for c in range(len(scores)):
        total += scores[c]
    for c in range(len(scores)):
        scores[c] /= total
    scores[label] -= 1.0


@kernel
def slopes(scores: Array, y: Array, windows: Array) -> Array:
    """Return the slopes of every row of the windows, shape (rows, C), given their scores in the same order."""
    out, scratch = scores.copy(), np.empty(scores.shape[1], dtype=np.int64)
    i = 0
    for q in range(len(windows)):
        for row in range(windows[q, 0], windows[q, 1]):
            to_slopes(out[i], y[row], scratch)
            i += 1
    return out


@fast_kernel
def dense_gradient(x: Array, y: Array, w: Array, windows: Array, coefficients: Array) -> Array:
    """Sum over the windows of coefficient * row' slopes, shape (features, C); one pass over the rows."""
    features, classes = w.shape
    out = np.zeros((features, classes))
    s, scratch = np.empty(classes), np.empty(classes, dtype=np.int64)
    for q in range(len(windows)):
        for row in range(windows[q, 0], windows[q, 1]):
            s[:] = 0.0
            for f in range(features):
                v = x[row, f]
                for c in range(classes):
                    s[c] += v * w[f, c]
            to_slopes(s, y[row], scratch)
            s *= coefficients[q]
            for f in range(features):
                v = x[row, f]
                for c in range(classes):
                    out[f, c] += v * s[c]
    return out


@fast_kernel
def dense_scores(x: Array, w: Array, windows: Array) -> Array:
    """Return x w for every row of the windows, shape (rows, C)."""
    features, classes = w.shape
    out = np.zeros((np.sum(windows[:, 1] - windows[:, 0]), classes))
    i = 0
    for q in range(len(windows)):
        for row in range(windows[q, 0], windows[q, 1]):
            for f in range(features):
                v = x[row, f]
                for c in range(classes):
                    out[i, c] += v * w[f, c]
            i += 1
    return out


@fast_kernel
def dense_backward(x: Array, residual: Array, windows: Array, coefficients: Array, start: int, stop: int) -> Array:
    """Sum over the windows of coefficient * row[start:stop]' residual, shape (stop - start, C)."""
    classes = residual.shape[1]
    out = np.zeros((stop - start, classes))
    i = 0
    for q in range(len(windows)):
        for row in range(windows[q, 0], windows[q, 1]):
            for f in range(start, stop):
                v = coefficients[q] * x[row, f]
                for c in range(classes):
                    out[f - start, c] += v * residual[i, c]
            i += 1
    return out


@kernel
def csr_gradient(
    data: Array, indices: Array, indptr: Array, y: Array, w: Array, windows: Array, coefficients: Array
) -> Array:
    """Sum over the windows of coefficient * row' slopes, shape (features, C); one pass over the stored entries."""
    features, classes = w.shape
    out = np.zeros((features, classes))
    s, scratch = np.empty(classes), np.empty(classes, dtype=np.int64)
    for q in range(len(windows)):
        for row in range(windows[q, 0], windows[q, 1]):
            s[:] = 0.0
            for p in range(indptr[row], indptr[row + 1]):
                for c in range(classes):
                    s[c] += data[p] * w[indices[p], c]
            to_slopes(s, y[row], scratch)
            s *= coefficients[q]
            for p in range(indptr[row], indptr[row + 1]):
                for c in range(classes):
                    out[indices[p], c] += data[p] * s[c]
    return out


@kernel
def csr_scores(data: Array, indices: Array, indptr: Array, w: Array, windows: Array) -> Array:
    """Return x w for every row of the windows, shape (rows, C)."""
    classes = w.shape[1]
    out = np.zeros((np.sum(windows[:, 1] - windows[:, 0]), classes))
    i = 0
    for q in range(len(windows)):
        for row in range(windows[q, 0], windows[q, 1]):
            for p in range(indptr[row], indptr[row + 1]):
                for c in range(classes):
                    out[i, c] += data[p] * w[indices[p], c]
            i += 1
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
