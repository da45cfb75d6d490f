"""Compiled kernels of softmax regression: C scores per row, weights features x C. Sums are float64 always."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.solvers.jit import fast_kernel

Array = NDArray[Any]


@fast_kernel
def to_slopes(scores: Array, label: int) -> None:
    """Turn the scores of one row into the derivatives of its loss: softmax minus the indicator of the label."""
    top = scores[0]
    for c in range(1, len(scores)):
        top = max(top, scores[c])
    total = 0.0
    for c in range(len(scores)):
        scores[c] = math.exp(scores[c] - top)
        total += scores[c]
    for c in range(len(scores)):
        scores[c] /= total
    scores[label] -= 1.0


@fast_kernel
def slopes(scores: Array, y: Array, windows: Array) -> Array:
    """Return the slopes of every row of the windows, shape (rows, C), given their scores in the same order."""
    out = scores.copy()
    i = 0
    for q in range(len(windows)):
        for row in range(windows[q, 0], windows[q, 1]):
            to_slopes(out[i], y[row])
            i += 1
    return out


@fast_kernel
def total_loss(scores: Array, y: Array) -> float:
    """Return the sum over rows of log(sum exp(scores)) - score of the label, without overflow."""
    total = 0.0
    for i in range(len(scores)):
        top = scores[i, 0]
        for c in range(1, scores.shape[1]):
            top = max(top, scores[i, c])
        mass = 0.0
        for c in range(scores.shape[1]):
            mass += math.exp(scores[i, c] - top)
        total += top + math.log(mass) - scores[i, y[i]]
    return total


@fast_kernel
def dense_gradient(x: Array, y: Array, w: Array, windows: Array, coefficients: Array) -> Array:
    """Sum over the windows of coefficient * row' slopes, shape (features, C); one pass over the rows."""
    features, classes = w.shape
    out = np.zeros((features, classes))
    s = np.empty(classes)
    for q in range(len(windows)):
        for row in range(windows[q, 0], windows[q, 1]):
            s[:] = 0.0
            for f in range(features):
                v = x[row, f]
                for c in range(classes):
                    s[c] += v * w[f, c]
            to_slopes(s, y[row])
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


@fast_kernel
def csr_gradient(
    data: Array, indices: Array, indptr: Array, y: Array, w: Array, windows: Array, coefficients: Array
) -> Array:
    """Sum over the windows of coefficient * row' slopes, shape (features, C); one pass over the stored entries."""
    features, classes = w.shape
    out = np.zeros((features, classes))
    s = np.empty(classes)
    for q in range(len(windows)):
        for row in range(windows[q, 0], windows[q, 1]):
            s[:] = 0.0
            for p in range(indptr[row], indptr[row + 1]):
                for c in range(classes):
                    s[c] += data[p] * w[indices[p], c]
            to_slopes(s, y[row])
            s *= coefficients[q]
            for p in range(indptr[row], indptr[row + 1]):
                for c in range(classes):
                    out[indices[p], c] += data[p] * s[c]
    return out


@fast_kernel
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


@fast_kernel
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
    i = 0
    for q in range(len(windows)):
        for row in range(windows[q, 0], windows[q, 1]):
            p, end = indptr[row], indptr[row + 1]
            if start > 0:
                p += np.searchsorted(indices[p:end], np.uint32(start))
            while p < end and indices[p] < stop:
                v = coefficients[q] * data[p]
                for c in range(classes):
                    out[indices[p] - start, c] += v * residual[i, c]
                p += 1
            i += 1
    return out
