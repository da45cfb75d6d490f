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

from gcopt.solvers.jit import fast_kernel, kernel

Array = NDArray[Any]

SQUARE = 0
LOGISTIC = 1

BLOCK = 1024  # rows of a CSR matrix whose slopes are taken together


@kernel
def exponentials(x: Array, scratch: Array) -> None:
    """Replace every entry of ``x``, at most 0, by its exponential, to about one unit in the last place.

    exp(x) = 2^k exp(r) with |r| <= log(2) / 2, and a Taylor polynomial of degree 12. Unlike calls of the library's exp
    these loops are vectorised. The compiler must not reorder the sums (log(2) comes in two parts), so this is no
    `fast_kernel`. ``scratch`` is int64 of the same length; it takes the bits of 2^k. NaN stays NaN.
    """
    for i in range(len(x)):
        v = -700.0 if x[i] < -700.0 else x[i]
        k = np.floor(v * 1.4426950408889634 + 0.5)
        r = (v - k * 6.93145751953125e-1) - k * 1.42860682030941723212e-6
        scratch[i] = (np.int64(k) + 1023) << 52
        p = 1.0 / 479001600.0
        p = p * r + 1.0 / 39916800.0
        p = p * r + 1.0 / 3628800.0
        p = p * r + 1.0 / 362880.0
        p = p * r + 1.0 / 40320.0
        p = p * r + 1.0 / 5040.0
        p = p * r + 1.0 / 720.0
        p = p * r + 1.0 / 120.0
        p = p * r + 1.0 / 24.0
        p = p * r + 1.0 / 6.0
        p = p * r + 0.5
        p = p * r + 1.0
        x[i] = p * r + 1.0
    powers = scratch.view(np.float64)
    for i in range(len(x)):
        x[i] *= powers[i]


@kernel
def to_slopes(scores: Array, labels: Array, work: Array, scratch: Array, link: int) -> None:
    """Turn scores x.w into the derivatives of the rows' losses by them, in place."""
    if link == SQUARE:
        for i in range(len(scores)):
            scores[i] -= labels[i]
        return
    # exp of a negative number only, so that it cannot overflow
    for i in range(len(scores)):
        work[i] = -abs(scores[i])
    exponentials(work, scratch)
    for i in range(len(scores)):
        scores[i] = (1.0 if scores[i] >= 0.0 else work[i]) / (1.0 + work[i]) - labels[i]


@kernel
def slope(score: float, label: float, link: int) -> float:
    """Return the derivative of one row's loss by its score, where there are too few rows at once to vectorise."""
    if link == SQUARE:
        return score - label
    e = math.exp(-abs(score))
    return (1.0 if score >= 0.0 else e) / (1.0 + e) - label


@kernel
def slopes(scores: Array, y: Array, windows: Array, link: int) -> Array:
    """Return the slope of every row of the windows, given their scores in the same order."""
    out = scores.copy()
    work, scratch = np.empty(len(out)), np.empty(len(out), dtype=np.int64)
    i = 0
    for q in range(len(windows)):
        j = i + windows[q, 1] - windows[q, 0]
        to_slopes(out[i:j], y[windows[q, 0] : windows[q, 1]], work[i:j], scratch[i:j], link)
        i = j
    return out


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
    out = np.empty(np.sum(windows[:, 1] - windows[:, 0]))
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


@kernel
def csr_gradient(
    data: Array, indices: Array, indptr: Array, y: Array, w: Array, windows: Array, coefficients: Array, link: int
) -> Array:
    """Sum over the windows of coefficient * slope * row, shape (d,); one pass, in blocks of rows that stay in cache.

    Indices and pointers are unsigned: for signed ones every access would first test for counting from the end. The sums
    are not reordered: rows are short, and vectorised gathers lose.
    """
    out = np.zeros(len(w))
    s, work, scratch = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK, dtype=np.int64)
    for q in range(len(windows)):
        c = coefficients[q]
        for first in range(windows[q, 0], windows[q, 1], BLOCK):
            rows = min(BLOCK, windows[q, 1] - first)
            start = indptr[first]
            for i in range(rows):
                stop = indptr[first + i + 1]
                total = 0.0
                for p in range(start, stop):
                    total += data[p] * w[indices[p]]
                s[i] = total
                start = stop
            to_slopes(s[:rows], y[first : first + rows], work[:rows], scratch[:rows], link)
            start = indptr[first]
            for i in range(rows):
                stop = indptr[first + i + 1]
                v = c * s[i]
                for p in range(start, stop):
                    out[indices[p]] += v * data[p]
                start = stop
    return out


@kernel
def csr_scores(data: Array, indices: Array, indptr: Array, w: Array, windows: Array) -> Array:
    """Return x.w for every row of the windows, in their order."""
    out = np.empty(np.sum(windows[:, 1] - windows[:, 0]))
    i = 0
    for q in range(len(windows)):
        for row in range(windows[q, 0], windows[q, 1]):
            total = 0.0
            for p in range(indptr[row], indptr[row + 1]):
                total += data[p] * w[indices[p]]
            out[i] = total
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
    """Sum over the windows of coefficient * residual * row[start:stop], shape (stop - start,)."""
    out = np.zeros(stop - start)
    low, high = np.uint32(start), np.uint64(stop)
    i = 0
    for q in range(len(windows)):
        for row in range(windows[q, 0], windows[q, 1]):
            v = coefficients[q] * residual[i]
            i += 1
            for p in range(indptr[row], indptr[row + 1]):
                if low <= indices[p] < high:
                    out[indices[p] - low] += v * data[p]
    return out
