"""What codes promise whose vectors h_j form a tight frame of R^m on the workers of every partition."""

from __future__ import annotations

from dataclasses import replace
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.averages import moments
from gcopt.code import Claim, Segment
from gcopt.combinatorics.spectrum import largest_eigenvalue, second_eigenvalue
from gcopt.decoding import Decoder
from gcopt.families._regular import spectral_claim

Floats = NDArray[np.float64]

_EQUAL = 1e-9
_ZERO = 1e-12
_CROOKED = 1e-20  # per entry, of squared bias that no factor removes
_COMPUTED = 1000  # sets of stragglers up to which all are looked at
_DENSE = 600  # workers up to which all eigenvalues are computed

_SPECTRAL = "derived: the best constant weight, with the second eigenvalue of (h_i . h_j)^2 (a_i . a_j)"
_COUNTED = "derived: the best constant weight, with the mean of the eigenvalues but the largest in place of the second"
_ROTATED = "derived: the best weight for each direction, with the second eigenvalue of (h_i . h_j) (a_i . a_j)"
_FIXED = "derived: one weight for all, with the second eigenvalue of (h_i . h_j)^2 (a_i . a_j)"


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

    Examples
    --------
    >>> teams = sparse.csr_array(np.kron(np.eye(2), np.ones((2, 1))))
    >>> vectors = np.array([[1.0, 1.0], [1.0, -1.0], [1.0, 1.0], [1.0, -1.0]])
    >>> [claim.value for claim in frame_claims(teams, vectors, 1, None)]
    [1.0, 1.0]
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
    best = min([worst, *_rotated(held, vectors, s)], key=lambda claim: claim.value)
    return [best, replace(mean, kind="mean", source=_COUNTED)]


def _rotated(held: sparse.csr_array, vectors: Floats, stragglers: int) -> list[Claim]:
    """Bound the worst error with a weight for each direction of R^m in place of one; nothing if nu is hard to find.

    H has the eigenvalue gamma delta of Q = (h_i . h_j) (a_i . a_j), nu is the largest of the others. R = H_F W with
    the best W leaves the sum over the eigenvalues x of H_S^T H_S, with the sum m s and each at most n, of
    k nu x / (gamma delta (n - x) + nu x); that is convex in x for nu <= gamma delta, else concave.
    """
    (n, k), (_, m), s = held.shape, vectors.shape, stragglers
    top = float(held.sum(axis=1)[0] * held.sum(axis=0)[0])
    if n <= _DENSE:
        gram = (vectors @ vectors.T) * (held @ held.T).toarray()
        found: float | None = float(np.linalg.eigvalsh(gram - top / n * (vectors @ vectors.T))[-1])
    else:
        diagonals = list(vectors.T)
        found = largest_eigenvalue(lambda x: _product(held, diagonals, x) - top / n * (vectors @ (vectors.T @ x)), n)
    if found is None:
        return []
    nu = max(0.0, found)
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


def direction_claim(segment: Segment) -> list[Claim]:
    """Return that the mean least-squares estimate is a multiple of the gradient, where all sets are few and show it.

    Source: derived; it is so on coset graphs and cyclic designs, whose shifts move every partition to every other while
    vectors that are constant on rounds stay.
    """
    n, s = segment.workers, segment.stragglers
    if segment.is_linear or comb(n, s) > _COMPUTED:
        return []
    decoder, rng = Decoder(segment), np.random.default_rng(0)
    found = moments(decoder, stragglers=s, probability=None, samples=0, rng=rng)
    if found.crooked > _CROOKED * segment.blocks * segment.partitions:
        return []
    return [Claim("proportional", found.factor, "computed: all sets of stragglers", stragglers=s)]
