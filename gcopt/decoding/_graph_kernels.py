"""Compiled kernels of graph assignments: search of the surviving edges, and weights with given sums at the vertices.

Edges are workers, vertices are partitions; ``ends`` has shape (edges, 2), the edges at vertex v are
``at[start[v]:start[v + 1]]``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.solvers.jit import kernel

Array = NDArray[Any]


@kernel
def search(ends: Array, start: Array, at: Array, heard: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Search the heard edges breadth first.

    Returns vertices in the order of the search, the edge to the parent (-1 at roots), the side +1 or -1 by the parity
    of the depth, the component of each vertex, and for each component an edge between equal sides (-1 if there is none:
    it is bipartite).
    """
    vertices = start.size - 1
    order = np.empty(vertices, dtype=np.int64)
    parent = np.full(vertices, -1, dtype=np.int64)
    side = np.zeros(vertices, dtype=np.int64)
    label = np.empty(vertices, dtype=np.int64)
    odd = np.full(vertices, -1, dtype=np.int64)
    components, done, found = 0, 0, 0
    for root in range(vertices):
        if side[root] != 0:
            continue
        side[root] = 1
        label[root] = components
        order[found] = root
        found += 1
        while done < found:
            v = order[done]
            done += 1
            for i in range(start[v], start[v + 1]):
                e = at[i]
                if not heard[e]:
                    continue
                other = ends[e, 0] + ends[e, 1] - v
                if side[other] == 0:
                    side[other] = -side[v]
                    label[other] = components
                    parent[other] = e
                    order[found] = other
                    found += 1
                elif side[other] == side[v]:
                    odd[components] = e
        components += 1
    return order, parent, side, label, odd[:components]


@kernel
def smooth(ends: Array, heard: Array, cost: Array, sums: Array, steps: int, tolerance: float) -> Array:
    """Return edge weights with nearly these sums at the vertices and nearly the least sum of cost times square.

    Conjugate gradients on A C^-1 A^T z = sums with the diagonal as preconditioner (A: incidence), weights C^-1 A^T z.
    """
    edges = np.flatnonzero(heard)
    vertices = sums.size
    diagonal = np.zeros(vertices)
    for e in edges:
        diagonal[ends[e, 0]] += 1.0 / cost[e]
        diagonal[ends[e, 1]] += 1.0 / cost[e]
    for v in range(vertices):
        diagonal[v] = 1.0 / diagonal[v] if diagonal[v] > 0.0 else 0.0
    z, left, image = np.zeros(vertices), sums.copy(), np.empty(vertices)
    step = left * diagonal
    along = np.dot(left, step)
    stop = tolerance * tolerance * along
    for _ in range(steps):
        if along <= stop:
            break
        image[:] = 0.0
        for e in edges:
            u, v = ends[e, 0], ends[e, 1]
            flow = (step[u] + step[v]) / cost[e]
            image[u] += flow
            image[v] += flow
        curved = np.dot(step, image)
        if curved <= 0.0:
            break
        size = along / curved
        fresh = 0.0
        for v in range(vertices):
            z[v] += size * step[v]
            left[v] -= size * image[v]
            fresh += left[v] * left[v] * diagonal[v]
        turn = fresh / along
        along = fresh
        for v in range(vertices):
            step[v] = left[v] * diagonal[v] + turn * step[v]
    weights = np.zeros(heard.size)
    for e in edges:
        weights[e] = (z[ends[e, 0]] + z[ends[e, 1]]) / cost[e]
    return weights


@kernel
def settle(
    ends: Array, heard: Array, order: Array, parent: Array, side: Array, label: Array, odd: Array, sums: Array, w: Array
) -> None:
    """Change the weights on a spanning forest, and on one odd edge per component, until the sums are met.

    Leaves first: the edge to the parent takes what its vertex still lacks. What is then lacking at the root is
    sum_v side_v lack_v, which the odd edge, whose ends are on one side, makes zero beforehand; without one it is zero.
    """
    lack = sums.copy()
    for e in range(heard.size):
        if heard[e]:
            lack[ends[e, 0]] -= w[e]
            lack[ends[e, 1]] -= w[e]
    off = np.zeros(odd.size)
    for v in range(lack.size):
        off[label[v]] += side[v] * lack[v]
    for c in range(odd.size):
        e = odd[c]
        if e >= 0:
            change = 0.5 * off[c] * side[ends[e, 0]]
            w[e] += change
            lack[ends[e, 0]] -= change
            lack[ends[e, 1]] -= change
    for i in range(order.size - 1, -1, -1):
        v = order[i]
        e = parent[v]
        if e >= 0:
            w[e] += lack[v]
            lack[ends[e, 0] + ends[e, 1] - v] -= lack[v]
