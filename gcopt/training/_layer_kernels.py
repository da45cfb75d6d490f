"""Compiled kernels of a perceptron with one hidden layer, on top of those with many scores per row.

With a = x W1 + b1, h = max(a, 0) and s = h W2 + b2, ``slopes`` are the derivatives of a row's loss by s, and ``delta``
those by a: slopes W2', 0 where h is 0. Rows are taken in blocks, so that their hidden layer stays in cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.solvers.jit import fast_kernel, kernel
from gcopt.training._class_kernels import ROWS, add, csr_add, csr_take, scale, take, to_slopes

Array = NDArray[Any]


@kernel
def layers(w: Array, sizes: tuple[int, int, int]) -> tuple[Array, Array, Array, Array]:
    """Return views of W1, b1, W2 and b2 in the flat vector; sizes are features, hidden units, C."""
    features, hidden, classes = sizes
    a = features * hidden
    b = a + hidden
    c = b + hidden * classes
    return w[:a].reshape((features, hidden)), w[a:b], w[b:c].reshape((hidden, classes)), w[c:]


@fast_kernel
def activate(hidden: Array, b1: Array) -> None:
    """Turn x W1 into h, in place. NaN stays NaN."""
    for i in range(hidden.shape[0]):
        for j in range(hidden.shape[1]):
            v = hidden[i, j] + b1[j]
            hidden[i, j] = 0.0 if v < 0.0 else v


@fast_kernel
def upper(
    hidden: Array, labels: Array, b1: Array, w2: Array, b2: Array, link: int, slopes: Array, delta: Array
) -> None:
    """Turn x W1 of some rows into h, in place, and write their ``slopes`` and ``delta``."""
    activate(hidden, b1)
    np.dot(hidden, w2, slopes)
    for i in range(slopes.shape[0]):
        for c in range(slopes.shape[1]):
            slopes[i, c] += b2[c]
    to_slopes(slopes, labels, link)
    np.dot(slopes, w2.T, delta)
    for i in range(hidden.shape[0]):
        for j in range(hidden.shape[1]):
            delta[i, j] = 0.0 if hidden[i, j] == 0.0 else delta[i, j]


@fast_kernel
def add_upper(hidden: Array, slopes: Array, delta: Array, coefficient: float, b1: Array, w2: Array, b2: Array) -> None:
    """Multiply slopes and deltas of some rows by the coefficient, in place, and add their gradients but that of W1."""
    scale(coefficient, slopes)
    scale(coefficient, delta)
    add(np.dot(hidden.T, slopes), w2)
    for i in range(slopes.shape[0]):
        for j in range(len(b1)):
            b1[j] += delta[i, j]
        for c in range(len(b2)):
            b2[c] += slopes[i, c]


@fast_kernel
def dense_gradient(
    x: Array, y: Array, w: Array, sizes: tuple[int, int, int], windows: Array, coefficients: Array, link: int
) -> Array:
    """Sum over the windows of coefficient * gradient, in the order of the parameters; one pass over the rows."""
    w1, b1, w2, b2 = layers(w, sizes)
    out, product = np.zeros(len(w)), np.empty(w1.shape)
    g1, c1, g2, c2 = layers(out, sizes)
    block, room = np.empty((ROWS, sizes[0])), np.empty((2, ROWS, sizes[1]))
    last = np.empty((ROWS, sizes[2]))
    for q in range(len(windows)):
        for first in range(windows[q, 0], windows[q, 1], ROWS):
            rows = min(ROWS, windows[q, 1] - first)
            xb, h, delta, s = block[:rows], room[0, :rows], room[1, :rows], last[:rows]
            take(x, first, 0, 1.0, xb)
            np.dot(xb, w1, h)
            upper(h, y[first : first + rows], b1, w2, b2, link, s, delta)
            add_upper(h, s, delta, coefficients[q], c1, g2, c2)
            np.dot(xb.T, delta, product)
            add(product, g1)
    return out


@kernel
def csr_gradient(
    data: Array,
    indices: Array,
    indptr: Array,
    y: Array,
    w: Array,
    sizes: tuple[int, int, int],
    windows: Array,
    coefficients: Array,
    link: int,
) -> Array:
    """Sum over the windows of coefficient * gradient, in the order of the parameters; one pass over the entries."""
    w1, b1, w2, b2 = layers(w, sizes)
    out = np.zeros(len(w))
    g1, c1, g2, c2 = layers(out, sizes)
    room, last = np.empty((2, ROWS, sizes[1])), np.empty((ROWS, sizes[2]))
    for q in range(len(windows)):
        for first in range(windows[q, 0], windows[q, 1], ROWS):
            rows = min(ROWS, windows[q, 1] - first)
            h, delta, s = room[0, :rows], room[1, :rows], last[:rows]
            csr_take(data, indices, indptr, first, w1, h)
            upper(h, y[first : first + rows], b1, w2, b2, link, s, delta)
            add_upper(h, s, delta, coefficients[q], c1, g2, c2)
            csr_add(data, indices, indptr, first, delta, g1)
    return out


@fast_kernel
def forward(hidden: Array, y: Array, windows: Array, b1: Array, w2: Array, b2: Array, link: int) -> Array:
    """Return h, delta and slopes of every row of the windows side by side, given x W1 in the same order.

    It works in the memory of x W1.
    """
    H, classes = w2.shape
    out = np.empty((len(hidden), 2 * H + classes))
    room, last = np.empty((ROWS, H)), np.empty((ROWS, classes))
    i = 0
    for q in range(len(windows)):
        for first in range(windows[q, 0], windows[q, 1], ROWS):
            rows = min(ROWS, windows[q, 1] - first)
            h, delta, s = hidden[i : i + rows], room[:rows], last[:rows]
            upper(h, y[first : first + rows], b1, w2, b2, link, s, delta)
            for r in range(rows):
                for j in range(H):
                    out[i, j], out[i, H + j] = h[r, j], delta[r, j]
                for c in range(classes):
                    out[i, 2 * H + c] = s[r, c]
                i += 1
    return out
