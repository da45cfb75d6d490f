"""The linear algebra of codes given by a matrix C: coefficients, decoding, worst noise and its gradient.

With n workers, s stragglers and m blocks C has s + m rows. E, shape (s + m, m), says what they add up to: row r of C B
is 1 on the columns of block r mod m and 0 elsewhere. The coefficients b of a partition with the holders J solve
C_J b = E, the smallest b where there are more than s + m holders. A decoding matrix is R = Lambda C, Lambda E = I;
stragglers S have (Lambda C)_S = 0, which leaves one Lambda. A partition with fewer holders than others is filled up
with the worker n, who does not exist.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_ELEMENTS = 4_000_000
_STARTS = 64
_SOLVED = 1e-6


def coefficients(c: Floats, holders: Integers, blocks: int = 1) -> Floats:
    """Return b of every partition, the smallest solution of C_J b = E.

    Parameters
    ----------
    c : array, shape (s + m, n)
    holders : array, shape (k, copies)
        The workers that hold each partition, n for nobody.
    blocks : int
        m.

    Returns
    -------
    array, shape (k, copies, m)

    Raises
    ------
    LinAlgError
        If there is none for some partition.

    Examples
    --------
    >>> coefficients(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([[0, 1]]))[0, :, 0].tolist()
    [1.0, 0.5]
    """
    k, copies = holders.shape
    chunk = max(1, _ELEMENTS // (len(c) * copies))
    wanted = targets(len(c), blocks)
    return np.asarray(
        np.concatenate([_smallest(_taken(c, holders[i : i + chunk]), wanted) for i in range(0, k, chunk)])
    )


def targets(size: int, blocks: int) -> Floats:
    """Return E, shape (s + m, m).

    Examples
    --------
    >>> targets(3, 2).tolist()
    [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    """
    return np.asarray(np.arange(size)[:, None] % blocks == np.arange(blocks), dtype=np.float64)


def joined(decoding: Floats, null: Floats) -> Floats:
    """Return the C of a decoding matrix and the left null vectors of a code.

    Parameters
    ----------
    decoding : array, shape (m, n)
        R0 with R0 B = T, for all workers.
    null : array, shape (s, n)
        H with H B = 0, any s columns independent.

    Returns
    -------
    array, shape (s + m, n)

    Examples
    --------
    >>> joined(np.ones((1, 3)), np.array([[1.0, 0.0, -1.0]])).tolist()
    [[1.0, 1.0, 1.0], [2.0, 1.0, 0.0]]
    """
    m, s = len(decoding), len(null)
    c = decoding[np.arange(s + m) % m]
    c[m:] += null
    return c


def encoding(b: Floats, holders: Integers, workers: int) -> Floats:
    """Return B, shape (n, m * k), of the coefficients.

    Examples
    --------
    >>> encoding(np.array([[[1.0], [2.0]]]), np.array([[2, 0]]), 3).tolist()
    [[2.0], [0.0], [1.0]]
    """
    k, _, m = b.shape
    matrix = np.zeros((workers + 1, k, m))
    matrix[holders, np.arange(k)[:, None]] = b
    return matrix[:workers].swapaxes(1, 2).reshape(workers, m * k)


def worst(c: Floats, holders: Integers, sets: Integers, blocks: int = 1) -> float:
    """Return the largest squared noise amplification over the sets, infinite where C is singular."""
    try:
        b = coefficients(c, holders, blocks)
        squares = _decoded(_decoders(_systems(c, sets, blocks), blocks), c, blocks)[1]
        value = float(_product("sn,n->s", squares, _weights(b, holders, c.shape[1])).max())
    except np.linalg.LinAlgError:
        return float("inf")
    return value if np.isfinite(value) else float("inf")


def smooth_worst(
    flat: Floats, shape: tuple[int, int], holders: Integers, sets: Integers, sharpness: float, blocks: int = 1
) -> tuple[float, Floats]:
    """Return log of the p-norm of the squared amplifications, p = sharpness, and its gradient by C."""
    c = flat.reshape(shape)
    try:
        b = coefficients(c, holders, blocks)
        systems = _systems(c, sets, blocks)
        lambdas = _decoders(systems, blocks)
        decoding, squares = _decoded(lambdas, c, blocks)
        weights = _weights(b, holders, shape[1])
        values = _product("sn,n->s", squares, weights)
        top = values.max()
        powers = (values / top) ** sharpness
        # d log ||values||_p: each set counts with its share of the sum of powers, over its value
        share = powers / powers.sum() / values
        slope = 2 * decoding * weights
        back = np.linalg.solve(systems.swapaxes(1, 2), _split(_product("sn,rn->sr", slope, c), blocks).swapaxes(1, 2))
        each = np.repeat(share, blocks)[:, None]
        gradient = np.zeros((shape[1] + 1, shape[0]))
        gradient[:-1] = _product("sr,sn->rn", lambdas * each, slope).T
        missing = share[:, None, None] * back[:, : sets.shape[1]]
        np.add.at(gradient, sets, -_product("siu,sur->sir", missing, _split(lambdas, blocks)))
        by_weight = np.append(_product("s,sn->n", share, squares) / b[..., 0, :].size, 0.0)
        np.add.at(gradient, holders, _by_coefficients(c, holders, b, 2 * b * by_weight[holders][..., None]))
    except np.linalg.LinAlgError:
        return float("inf"), np.zeros(flat.size)
    return float(np.log(top) + np.log(powers.sum()) / sharpness), gradient[:-1].T.ravel()


def greedy_sets(c: Floats, holders: Integers, blocks: int = 1, starts: int = _STARTS) -> tuple[Integers, Floats]:
    """Return straggler sets that are bad for C: from several first workers, always the next one that hurts most.

    Parameters
    ----------
    c : array, shape (s + m, n)
    holders : array, shape (k, copies)
    blocks : int
        m.
    starts : int
        First workers, at most.

    Returns
    -------
    sets : array, shape (min(n, starts), s)
    values : array
        Their squared noise amplification.

    Examples
    --------
    >>> import numpy as np
    >>> sets, _ = greedy_sets(np.array([[1.0, 0.1, 1.0], [0.0, 1.0, 2.0]]), np.array([[0, 1], [1, 2], [0, 2]]))
    >>> sets.tolist()
    [[0], [1], [2]]
    """
    size, n = c.shape
    scaled = c * np.sqrt(_weights(coefficients(c, holders, blocks), holders, n))
    basis = np.linalg.qr((scaled[blocks:] - scaled[np.arange(size - blocks) % blocks]).T)[0].T
    a = scaled[:blocks] - (scaled[:blocks] @ basis.T) @ basis
    first = np.sort(np.argsort(-(a**2).sum(axis=0) / (basis**2).sum(axis=0), kind="stable")[:starts])
    rows = np.arange(len(first))
    vectors, bases = np.tile(a, (len(first), 1, 1)), np.tile(basis, (len(first), 1, 1))
    picks: list[Integers] = []
    pick = first
    while len(picks) < size - blocks:
        picks.append(pick)
        # zero coordinate `pick` with the least change, and take that direction out of the null space
        direction = bases[rows, :, pick]
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        along = np.einsum("ls,lsn->ln", direction, bases)
        vectors -= (vectors[rows, :, pick] / along[rows, pick][:, None])[:, :, None] * along[:, None]
        bases -= direction[:, :, None] * along[:, None, :]
        gain = (vectors**2).sum(axis=1) / np.maximum((bases**2).sum(axis=1), 1e-300)
        gain[rows[:, None], np.stack(picks, axis=1)] = -1.0
        pick = gain.argmax(axis=1)
    sets = np.stack(picks, axis=1) if picks else np.empty((len(first), 0), dtype=np.int64)
    return sets, np.asarray((vectors**2).sum(axis=(1, 2)))


def _taken(c: Floats, holders: Integers) -> Floats:
    """Return C_J of every partition, shape (k, s + m, copies)."""
    return np.hstack([c, np.zeros((len(c), 1))])[:, holders].swapaxes(0, 1)


def _smallest(taken: Floats, wanted: Floats) -> Floats:
    count, size, copies = taken.shape
    if copies == size:
        return np.asarray(np.linalg.solve(taken, np.broadcast_to(wanted, (count, *wanted.shape))))
    found = np.asarray(np.linalg.pinv(taken) @ wanted)
    if not np.abs(taken @ found - wanted).max() < _SOLVED:
        raise np.linalg.LinAlgError("the columns of some holders have too small a rank")
    return found


def _by_coefficients(c: Floats, holders: Integers, b: Floats, slope: Floats) -> Floats:
    """Return the gradient by the columns C_J, shape (k, copies, s + m), from that by b.

    For P = C_J^+ and C_J of full row rank dP = -P dC P + (I - P C) dC^T P^T P (Golub, Pereyra 1973).
    """
    taken = _taken(c, holders)
    if taken.shape[1] == taken.shape[2]:
        return -_product("pju,pru->pjr", b, np.asarray(np.linalg.solve(taken.swapaxes(1, 2), slope)))
    inverse: Floats = np.asarray(np.linalg.pinv(taken))
    image = inverse.swapaxes(1, 2) @ slope
    rest = slope - inverse @ (taken @ slope)
    return _product("pju,pru->pjr", rest, inverse.swapaxes(1, 2) @ b) - _product("pju,pru->pjr", b, image)


def _product(indices: str, *factors: Floats) -> Floats:
    """Return a matrix product on this thread alone: on such sizes BLAS threads cost far more than they bring."""
    return np.asarray(np.einsum(indices, *factors, optimize=False))


def _weights(b: Floats, holders: Integers, workers: int) -> Floats:
    """Return the squared row lengths of B over m k, shape (n,)."""
    k, _, m = b.shape
    return np.asarray(np.bincount(holders.ravel(), (b**2).sum(axis=-1).ravel(), workers + 1)[:workers] / (m * k))


def _systems(c: Floats, sets: Integers, blocks: int) -> Floats:
    """Return the matrices [C_S^T; E^T] whose solutions for the last m unit vectors are Lambda."""
    count, s = sets.shape
    systems = np.empty((count, len(c), len(c)))
    systems[:, :s] = c.T[sets]
    systems[:, s:] = targets(len(c), blocks).T
    return systems


def _decoders(systems: Floats, blocks: int) -> Floats:
    """Return Lambda of every set, the m rows of one after those of another, shape (sets * m, s + m)."""
    units = np.zeros((*systems.shape[:2], blocks))
    units[:, -blocks:] = np.eye(blocks)
    return np.asarray(np.linalg.solve(systems, units).swapaxes(1, 2).reshape(-1, systems.shape[1]))


def _decoded(lambdas: Floats, c: Floats, blocks: int) -> tuple[Floats, Floats]:
    """Return R of every set, shape (sets * m, n), and the squared lengths of its columns, shape (sets, n)."""
    decoding = _product("sr,rn->sn", lambdas, c)
    return decoding, _split(decoding**2, blocks).sum(axis=1)


def _split(rows: Floats, blocks: int) -> Floats:
    """Return rows by set and block, shape (sets, m, columns)."""
    return rows.reshape(-1, blocks, rows.shape[1])
