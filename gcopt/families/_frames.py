"""What codes with m > 1 blocks share whose worker j multiplies block u by one number h_j[u] for all its partitions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from gcopt.checks import check_count
from gcopt.combinatorics.hadamard import hadamard, hadamard_known
from gcopt.combinatorics.integers import divisors
from gcopt.errors import ImpossibleError, InputError, LimitError

Floats = NDArray[np.float64]

_DENSE = 600  # workers up to which all pairs are looked at


def check_blocks(blocks: Any, held: sparse.csr_array) -> int:
    """Return m, not above the replication: a partition on fewer workers cannot be decoded even when all respond.

    Examples
    --------
    >>> check_blocks(3, sparse.csr_array(np.ones((2, 5))))
    Traceback (most recent call last):
        ...
    gcopt.solvers.errors.InputError: blocks is 3; an exact code needs as many workers on every partition, and \
partition 0 is on 2: blocks = 2 would be the most
    """
    m = check_count("blocks", blocks, 1)
    copies = np.asarray(held.sum(axis=0)).astype(np.int64)
    least = int(copies.argmin())
    if m > copies[least]:
        raise InputError(
            f"blocks is {m}; an exact code needs as many workers on every partition, and partition {least} is on "
            f"{copies[least]}: blocks = {copies[least]} would be the most"
        )
    return m


def blockwise(held: sparse.csr_array, vectors: Floats) -> sparse.csr_array:
    """Return [D_1 A | ... | D_m A], shape (n, m k), with the columns of vectors, shape (n, m), as diagonals.

    Examples
    --------
    >>> blockwise(sparse.csr_array([[1.0, 0.0], [1.0, 1.0]]), np.array([[1.0, 2.0], [1.0, -2.0]])).toarray().tolist()
    [[1.0, 0.0, 2.0, 0.0], [1.0, 1.0, -2.0, -2.0]]
    """
    stretches = [sparse.diags_array(column) @ held for column in vectors.T]
    return sparse.csr_array(sparse.hstack(stretches, format="csr"))


def orbit_vectors(held: sparse.csr_array, blocks: int) -> Floats | None:
    """Return vectors, shape (n, m), that are constant on rounds of workers, or None where there are no such rounds.

    Each of M >= m rounds has to hold every partition equally often. They are workers 0, .., n / M - 1 and so on, as the
    copies of a coset graph and the orbits of a cyclic design are; or parallel classes of workers that share nothing.
    Vectors of +-1 (of a Hadamard matrix of order M) come first.

    Examples
    --------
    >>> orbit_vectors(sparse.csr_array(np.ones((4, 1))), 2).tolist()
    [[1.0, 1.0], [1.0, 1.0], [1.0, -1.0], [1.0, -1.0]]
    """
    n = held.shape[0]
    copies = np.asarray(held.sum(axis=0))
    if np.ptp(copies):
        return None
    able = [rounds for rounds in divisors(n) if rounds >= blocks and copies[0] % rounds == 0]
    labels = {rounds: np.arange(n) // (n // rounds) for rounds in able}
    found = [(rounds, label) for rounds, label in labels.items() if _each_holds_all(held, label)]
    if not found and n <= _DENSE:
        count, parallel = connected_components((held @ held.T).toarray() == 0, directed=False)
        label = parallel.astype(np.intp)
        found = [(count, label)] if count >= blocks and _each_holds_all(held, label) else []
    if not found:
        return None
    rounds, label = min(found, key=lambda one: (not hadamard_known(one[0]), one[0]))
    return tight_vectors(rounds, blocks)[label]


def _each_holds_all(held: sparse.csr_array, label: NDArray[np.intp]) -> bool:
    """Whether every round of workers holds every partition equally often."""
    ones = sparse.csr_array((np.ones(label.size), (label, np.arange(label.size))))
    return bool(np.ptp((ones @ held).toarray()) == 0)


def tight_vectors(count: int, blocks: int) -> Floats:
    """Return M >= m vectors of length sqrt(m) that form a tight frame of R^m, shape (M, m).

    Columns of a Hadamard matrix where one is known, else of the Hartley matrix cos + sin of 2 pi u j / M: with each
    frequency also its negative, so that lengths are equal.

    Examples
    --------
    >>> vectors = tight_vectors(5, 3)
    >>> np.allclose(vectors.T @ vectors, 5 * np.eye(3)), (vectors**2).sum(axis=1).round(9).tolist()
    (True, [3.0, 3.0, 3.0, 3.0, 3.0])
    """
    if hadamard_known(count):
        found = hadamard(count)
        return np.asarray((found * found[:, [0]])[:, :blocks], dtype=np.float64)
    half = np.arange(1, blocks // 2 + 1)
    both = np.stack([half, -half], axis=1).ravel()
    frequencies = np.arange(count) if blocks == count else np.concatenate([np.zeros(blocks % 2), both])
    angle = 2.0 * np.pi * np.outer(np.arange(count), frequencies) / count
    return np.asarray(np.cos(angle) + np.sin(angle))


def are_signs(vectors: Floats) -> bool:
    """Whether all entries are +-1, so that fixed decoders, which multiply by signs, undo them."""
    return bool((np.abs(vectors) == 1.0).all())


def sign_vectors(held: sparse.csr_array, blocks: int, seconds: float, seed: int, *, required: bool) -> Floats | None:
    """Return orthogonal vectors of +-1 by a 0/1 program, shape (n, m); None where none are found and none required.

    Raises
    ------
    ImpossibleError
        If they are required and it is proved that there are none.
    LimitError
        If they are required and none were found.

    Examples
    --------
    >>> sign_vectors(sparse.csr_array(np.ones((2, 1))), 2, 1.0, 0, required=True).tolist()
    [[1.0, 1.0], [1.0, -1.0]]
    """
    from gcopt.solvers.sign_vectors import SignVectors

    found = SignVectors(seconds=seconds).solve(held, blocks, rng=seed)
    if found.status == "optimal":
        return found.vectors
    if not required:
        return None
    if found.status == "infeasible":
        raise ImpossibleError(f"there are no {blocks} vectors of +-1: {found.reason}; other vectors might work")
    raise LimitError(f"no {blocks} vectors of +-1: {found.reason}; more seconds or other vectors might work")
