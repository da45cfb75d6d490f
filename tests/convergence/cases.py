"""Small problems with known answers."""

from __future__ import annotations

from itertools import product

import numpy as np

from gcopt import families
from gcopt.compression import parse

GRADIENTS = np.array([[1.0, 2.0], [-3.0, 1.0], [2.0, -1.0], [0.5, 4.0]])
HESSIANS = np.array(
    [[[1.0, 0.0], [0.0, 2.0]], [[2.0, 0.0], [0.0, 1.0]], [[1.5, 0.5], [0.5, 1.5]], [[1.0, -0.5], [-0.5, 1.0]]]
)
LINEAR = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [-1.0, 2.0]])


def cyclic(d, p=0.25, n=4, compressor="none"):
    return families.one_bit(n, p, d, allocation="cyclic", compressor=compressor)


def subsets(n, chances):
    """All sets of responders and how likely each is."""
    sets = np.array(list(product([False, True], repeat=n)))
    return sets, np.prod(np.where(sets, 1.0 - np.asarray(chances), chances), axis=1)


def random_quadratic(rng, k, d):
    """Convex parts of a strongly convex sum."""
    roots = rng.standard_normal((k, d, d)) / np.sqrt(d)
    return roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(d), rng.standard_normal((k, d))


def simulate(code, hessians, linear, p, step, iterations, runs, rng, quantise=None, start=None):
    """Parameters of many runs at once, shape (runs, D), by numpy alone; ``start`` has that shape, too."""
    rows = code.segments[0].encoding.toarray()
    theta = np.zeros((runs, linear.shape[1])) if start is None else np.array(start)
    for _ in range(iterations):
        partial = np.einsum("kde,re->rkd", hessians, theta) - linear
        messages = np.einsum("nk,rkd->rnd", rows, partial)
        sent = messages if quantise is None else quantise(messages, rng)
        heard = rng.random((runs, len(rows), 1)) >= p
        theta = theta - step * np.sum(sent * heard, axis=1)
    return theta


def with_feedback(word, p, step, steps, seed, d=6, n=4, at_minimum=False):
    """A run with error feedback of a quadratic, by numpy and the compressor alone."""
    rng = np.random.default_rng(seed)
    hessians, linear = random_quadratic(rng, n, d)
    chosen, rows = parse(word), cyclic(2, p, n).segments[0].encoding.toarray()
    minimum = np.linalg.solve(hessians.sum(axis=0), linear.sum(axis=0))
    theta, kept = [minimum if at_minimum else np.zeros(d)], [np.zeros((n, d))]
    sent, heard = [], rng.random((steps, n)) >= p
    for who in heard:
        g = rows @ (hessians @ theta[-1] - linear)
        v = step * g + kept[-1]
        c = np.array([chosen.decompress(chosen.compress(one), d) for one in v])
        sent.append(g)
        kept.append(np.where(who[:, None], v - c, kept[-1]))
        theta.append(theta[-1] - np.sum(c[who], axis=0))
    return hessians, linear, np.array(theta), np.array(kept), np.array(sent), heard


def by_norm(messages, rng):
    """1-bit dither by the 2-norm."""
    scale = np.linalg.norm(messages, axis=-1, keepdims=True)
    return scale * np.sign(messages + scale * rng.uniform(-1, 1, messages.shape))


def drawn(kept):
    """So many coordinates drawn at random."""

    def quantise(messages, rng):
        width = messages.shape[-1]
        ranks = rng.random(messages.shape).argsort(axis=-1).argsort(axis=-1)
        return np.where(ranks < kept, messages * width / kept, 0.0)

    return quantise


def by_norm_subtracted(messages, rng):
    scale = np.linalg.norm(messages, axis=-1, keepdims=True)
    u = rng.uniform(-1, 1, messages.shape)
    return scale * np.sign(messages + scale * u) - scale * u
