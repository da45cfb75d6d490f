"""What codes with m > 1 blocks share whose worker j multiplies block u by one number h_j[u] for all its partitions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.checks import check_count
from gcopt.code import Claim
from gcopt.combinatorics.hadamard import hadamard, hadamard_known
from gcopt.combinatorics.integers import divisors
from gcopt.combinatorics.spectrum import second_eigenvalue
from gcopt.errors import ImpossibleError, InputError, LimitError
from gcopt.families._regular import spectral_claim

Floats = NDArray[np.float64]

_EQUAL = 1e-9
_ZERO = 1e-12
_DENSE = 600  # workers up to which all eigenvalues are computed

_SPECTRAL = "derived: the best constant weight, with the second eigenvalue of (h_i . h_j)^2 (a_i . a_j)"
_COUNTED = "derived: the best constant weight, with the mean of the eigenvalues but the largest in place of the second"
_ROTATED = "derived: the best weight for each direction, with the second eigenvalue of (h_i . h_j) (a_i . a_j)"
_FIXED = "derived: one weight for all, with the second eigenvalue of (h_i . h_j)^2 (a_i . a_j)"


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

    Workers 0, .., n / M - 1 are the first of M >= m rounds, and so on; each round has to hold every partition equally
    often, as the copies of a coset graph, the orbits of a cyclic design and parallel classes do. Vectors of +-1 (of a
    Hadamard matrix of order M) come first.

    Examples
    --------
    >>> orbit_vectors(sparse.csr_array(np.ones((4, 1))), 2).tolist()
    [[1.0, 1.0], [1.0, 1.0], [1.0, -1.0], [1.0, -1.0]]
    """
    n = held.shape[0]
    copies = np.asarray(held.sum(axis=0))
    if np.ptp(copies):
        return None
    able = [M for M in divisors(n) if blocks <= M and copies[0] % M == 0]
    for rounds in sorted(able, key=lambda M: (not hadamard_known(M), M)):
        label = np.arange(n) // (n // rounds)
        ones = sparse.csr_array((np.ones(n), (label, np.arange(n))), shape=(rounds, n))
        if np.ptp((ones @ held).toarray()) == 0:
            return tight_vectors(rounds, blocks)[label]
    return None


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


def frame_claims(held: sparse.csr_array, vectors: Floats, stragglers: int, share: float | None) -> list[Claim]:
    """Return what equal loads, equal replication and tight frames of equal lengths promise of errors.

    As `gcopt.families._regular.regular_claims` for m = 1: with one weight for all responders R = c H_F the error is
    k m - 2 c delta m N / gamma + c^2 / gamma^2 1_F^T P 1_F, P = (h_i . h_j)^2 (a_i . a_j), whose largest eigenvalue is
    gamma delta m with the vector of ones. With least squares `_rotated` may promise less.

    Parameters
    ----------
    held : csr_array, shape (n, k)
        Who holds what; nothing is promised where loads or replications are unequal.
    vectors : array, shape (n, m)
        Of length sqrt(m), with sum h_j h_j^T = gamma I over the workers of every partition.
    stragglers : int
    share : float or None
        With fixed decoders how much a partition counts on average over the partitions; None for least squares.
    """
    (n, k), (_, m), s = held.shape, vectors.shape, stragglers
    loads, copies = np.asarray(held.sum(axis=1)), np.asarray(held.sum(axis=0))
    if np.ptp(loads) or np.ptp(copies) or np.ptp(np.sum(vectors**2, axis=1)) > _EQUAL * m:
        return []
    delta, top = float(loads[0]), float(loads[0] * copies[0] * m)
    pairs = [vectors[:, u] * vectors[:, v] for u in range(m) for v in range(m)]
    found = second_eigenvalue(lambda x: _product(held, pairs, x), n, top)
    second = top if found is None else found if found > _ZERO * top else 0.0
    if share is not None:
        value = k * m * ((share - 1.0) ** 2 + share**2 * second * s / (top * (n - s)))
        return [Claim("error", value, _FIXED, stragglers=s)]
    worst = replace(spectral_claim(n, k * m, delta * m, s, second), source=_SPECTRAL)
    others = max(0.0, (n * m**2 * delta - top) / max(1, n - 1))
    mean = spectral_claim(n, k * m, delta * m, s, others)
    return [min(worst, *_rotated(held, vectors, s), key=lambda c: c.value), replace(mean, kind="mean", source=_COUNTED)]


def _rotated(held: sparse.csr_array, vectors: Floats, stragglers: int) -> list[Claim]:
    """Bound the worst least-squares error with a weight for each direction of R^m in place of one; nothing if large.

    H has the eigenvalue gamma delta of Q = (h_i . h_j) (a_i . a_j), nu is the largest of the others. R = H_F W with
    the best W leaves the sum over the eigenvalues x of H_S^T H_S, with the sum m s and each at most n, of
    k nu x / (gamma delta (n - x) + nu x); that is convex in x for nu <= gamma delta, else concave.
    """
    (n, k), (_, m), s = held.shape, vectors.shape, stragglers
    if n > _DENSE:
        return []
    gram = (vectors @ vectors.T) * (held @ held.T).toarray()
    top = float(held.sum(axis=1)[0] * held.sum(axis=0)[0])
    nu = max(0.0, float(np.linalg.eigvalsh(gram - top / n * (vectors @ vectors.T))[-1]))
    whole, rest = divmod(m * s, n)
    sizes = [n] * whole + [rest] if nu <= top else [s] * m
    value = sum(k * nu * x / (top * (n - x) + nu * x) for x in sizes if nu * x > _ZERO * top)
    return [Claim("error", value, _ROTATED, stragglers=s)]


def _product(held: sparse.csr_array, diagonals: list[Floats], x: Floats) -> Floats:
    """Return the sum of D A A^T D x over some diagonals, x of shape (n,) or (n, any)."""
    total = np.zeros_like(x)
    for diagonal in diagonals:
        scale = diagonal[:, None] if x.ndim > 1 else diagonal
        total += scale * (held @ (held.T @ (scale * x)))
    return total


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
