"""How large the smallest slack of a chunk can be at most, whatever the orders (see `ordering`)."""

from __future__ import annotations

from itertools import combinations_with_replacement
from math import comb, floor

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_PEELINGS = 8
_PATTERNS = 20_000
# more than any rounding here, and on the safe side: it only makes the bound larger
_ROUNDING = 1e-6


def slack_bound(held: NDArray[np.bool_], blocks: int) -> int:
    """Return an upper bound on the smallest slack, from the workers' ``held`` chunks, shape (n, k)."""
    bound = floor(averages(held, blocks) + _ROUNDING)
    load, copies = held.sum(axis=1), held.sum(axis=0)
    if len(set(load.tolist())) == 1 and len(set(copies.tolist())) == 1:
        d, c = int(load[0]), int(copies[0])
        if comb(d + c - 1, c) <= _PATTERNS:
            while not patterns_fit(d, c, blocks, bound):
                bound -= 1
    return bound


def averages(held: NDArray[np.bool_], blocks: int) -> float:
    """Return the least average slack over a set of chunks, among sets found by peeling off chunk after chunk.

    The r of c smallest numbers left are at most r / c of their sum. Over a set I the sum of all numbers left is
    largest when every worker processes the chunks of I first, those with the largest r / c before the others: then each
    pair of chunks of I on one worker costs one. The least average is a densest subgraph; peeling repeatedly, with the
    scores of earlier rounds kept, converges to it (Boob et al. 2020, "Flowless", Algorithm 1).
    """
    share = 1.0 - (blocks - 1) / held.sum(axis=0)
    alone = share * (held.T @ held.sum(axis=1))
    pairs = (held.T.astype(float) @ held) * np.minimum(share[:, None], share)
    np.fill_diagonal(pairs, 0.0)
    kept, best = np.zeros(len(share)), np.inf
    for _ in range(_PEELINGS):
        inside, degree = np.ones(len(share), dtype=bool), pairs.sum(axis=1)
        total = alone.sum() - degree.sum() / 2
        for size in range(len(share), 0, -1):
            best = min(best, total / size)
            score = np.where(inside, kept + degree - alone, np.inf)
            i = int(score.argmin())
            kept[i] += degree[i] - alone[i]
            total += degree[i] - alone[i]
            inside[i] = False
            degree -= pairs[i]
    return float(best)


def patterns_fit(load: int, copies: int, blocks: int, slack: int) -> bool:
    """Whether chunks can share out the numbers 1..load evenly so that each gets ``copies`` of them and this slack.

    Only where every worker has this load and every chunk so many copies: each number is then used equally often, so
    the mean over the chunks of what they use is copies / load of each; it must be a mixture of patterns with the slack.
    """
    from scipy.optimize import linprog

    kept = copies - blocks + 1
    rows = [p for p in combinations_with_replacement(range(load), copies) if sum(p[:kept]) + kept >= slack]
    if not rows:
        return False
    uses = np.array([np.bincount(p, minlength=load) for p in rows], dtype=float).T
    slacks = np.hstack([np.eye(load), -np.eye(load)])
    matrix = np.vstack([np.hstack([uses, slacks]), np.hstack([np.ones(len(rows)), np.zeros(2 * load)])])
    cost = np.concatenate([np.zeros(len(rows)), np.ones(2 * load)])
    wanted = np.append(np.full(load, copies / load), 1.0)
    found = linprog(cost, A_eq=matrix, b_eq=wanted, method="highs")
    return found.fun is None or found.fun <= _ROUNDING
