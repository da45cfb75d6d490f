"""Compiled kernels of models with one score per row. Each row is read once; sums are float64 whatever the data's type.

A kernel takes the rows of ``windows``, shape (q, 2), one stretch after the other. Dense rows are taken four at a time,
so that the weights and the result pass through the cache once for four rows; they may be padded beyond the weights.
The compiler may reorder the sums.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.solvers.jit import fast_kernel

Array = NDArray[Any]

SQUARE = 0
LOGISTIC = 1


@fast_kernel
def slope(score: float, label: float, link: int) -> float:
    """Return the derivative of a row's loss by its score x.w."""
    if link == SQUARE:
        return score - label
    # exp of a negative number only, so that it cannot overflow
    e = math.exp(-abs(score))
    return (1.0 if score >= 0.0 else e) / (1.0 + e) - label


@fast_kernel
def slopes(scores: Array, y: Array, windows: Array, link: int) -> Array:
    """Return the slope of every row of the windows, given their scores in the same order."""
    out = np.empty(len(scores))
    i = 0
    for q in range(len(windows)):
        for row in range(windows[q, 0], windows[q, 1]):
            out[i] = slope(scores[i], y[row], link)
            i += 1
    return out


@fast_kernel
def total_loss(scores: Array, y: Array, link: int) -> float:
    """Return the sum of the losses of all rows; log(1 + exp(s)) is taken as max(s, 0) + log(1 + exp(-|s|))."""
    total = 0.0
    for i in range(len(scores)):
        s = scores[i]
        if link == SQUARE:
            total += 0.5 * (s - y[i]) ** 2
        else:
            total += max(s, 0.0) + math.log1p(math.exp(-abs(s))) - y[i] * s
    return total


@fast_kernel
def dense_gradient(x: Array, y: Array, w: Array, windows: Array, coefficients: Array, link: int) -> Array:
    """Sum over the windows of coefficient * slope * row, shape (d,); one pass over the rows."""
    d = len(w)
    out = np.zeros(d)
    for q in range(len(windows)):
        row, end, c = windows[q, 0], windows[q, 1], coefficients[q]
        while row + 4 <= end:
            x0, x1, x2, x3 = x[row], x[row + 1], x[row + 2], x[row + 3]
            s0 = s1 = s2 = s3 = 0.0
            for f in range(d):
                s0 += x0[f] * w[f]
                s1 += x1[f] * w[f]
                s2 += x2[f] * w[f]
                s3 += x3[f] * w[f]
            s0 = c * slope(s0, y[row], link)
            s1 = c * slope(s1, y[row + 1], link)
            s2 = c * slope(s2, y[row + 2], link)
            s3 = c * slope(s3, y[row + 3], link)
            for f in range(d):
                out[f] += s0 * x0[f] + s1 * x1[f] + s2 * x2[f] + s3 * x3[f]
            row += 4
        while row < end:
            x0 = x[row]
            s0 = 0.0
            for f in range(d):
                s0 += x0[f] * w[f]
            s0 = c * slope(s0, y[row], link)
            for f in range(d):
                out[f] += s0 * x0[f]
            row += 1
    return out


@fast_kernel
def dense_scores(x: Array, w: Array, windows: Array) -> Array:
    """Return x.w for every row of the windows, in their order."""
    d = len(w)
    total = 0
    for q in range(len(windows)):
        total += windows[q, 1] - windows[q, 0]
    out = np.empty(total)
    i = 0
    for q in range(len(windows)):
        for row in range(windows[q, 0], windows[q, 1]):
            xr = x[row]
            s = 0.0
            for f in range(d):
                s += xr[f] * w[f]
            out[i] = s
            i += 1
    return out


@fast_kernel
def dense_backward(x: Array, residual: Array, windows: Array, coefficients: Array, start: int, stop: int) -> Array:
    """Sum over the windows of coefficient * residual * row[start:stop], shape (stop - start,)."""
    width = stop - start
    out = np.zeros(width)
    i = 0
    for q in range(len(windows)):
        row, end, c = windows[q, 0], windows[q, 1], coefficients[q]
        while row + 4 <= end:
            x0, x1 = x[row, start:stop], x[row + 1, start:stop]
            x2, x3 = x[row + 2, start:stop], x[row + 3, start:stop]
            s0, s1 = c * residual[i], c * residual[i + 1]
            s2, s3 = c * residual[i + 2], c * residual[i + 3]
            for f in range(width):
                out[f] += s0 * x0[f] + s1 * x1[f] + s2 * x2[f] + s3 * x3[f]
            row += 4
            i += 4
        while row < end:
            x0 = x[row, start:stop]
            s0 = c * residual[i]
            for f in range(width):
                out[f] += s0 * x0[f]
            row += 1
            i += 1
    return out


@fast_kernel
def csr_gradient(
    data: Array, indices: Array, indptr: Array, y: Array, w: Array, windows: Array, coefficients: Array, link: int
) -> Array:
    """Sum over the windows of coefficient * slope * row, shape (d,); one pass over the stored entries."""
    out = np.zeros(len(w))
    for q in range(len(windows)):
        c = coefficients[q]
        for row in range(windows[q, 0], windows[q, 1]):
            start, end = indptr[row], indptr[row + 1]
            s = 0.0
            for p in range(start, end):
                s += data[p] * w[indices[p]]
            s = c * slope(s, y[row], link)
            for p in range(start, end):
                out[indices[p]] += s * data[p]
    return out


@fast_kernel
def csr_scores(data: Array, indices: Array, indptr: Array, w: Array, windows: Array) -> Array:
    """Return x.w for every row of the windows, in their order."""
    total = 0
    for q in range(len(windows)):
        total += windows[q, 1] - windows[q, 0]
    out = np.empty(total)
    i = 0
    for q in range(len(windows)):
        for row in range(windows[q, 0], windows[q, 1]):
            s = 0.0
            for p in range(indptr[row], indptr[row + 1]):
                s += data[p] * w[indices[p]]
            out[i] = s
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
    """Sum over the windows of coefficient * residual * row[start:stop], shape (stop - start,)."""
    out = np.zeros(stop - start)
    i = 0
    for q in range(len(windows)):
        c = coefficients[q]
        for row in range(windows[q, 0], windows[q, 1]):
            s = c * residual[i]
            i += 1
            p, end = indptr[row], indptr[row + 1]
            if start > 0:
                p += np.searchsorted(indices[p:end], np.uint32(start))
            while p < end and indices[p] < stop:
                out[indices[p] - start] += s * data[p]
                p += 1
    return out
