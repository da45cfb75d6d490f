"""Structure that spares a search, found in the entries: equal workers, cyclic codes, codes whose sets are all alike."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ._worst_setup import PROPORTIONAL, RANK_TOLERANCE, Array, Component, Floats, Ints

ALIKE = 1e-10  # entries of the Gram matrix of rows of length 1 that are as near as that count as equal
CHUNK = 512  # rows of the Gram matrix that are looked at together


def merge_twins(rows: Array) -> tuple[list[Ints], Ints]:
    """Group workers whose rows agree up to a scalar; return the groups and the first worker of each.

    Losing some of a group changes no error, so for the error a group is one worker whose loss costs as many
    stragglers as it has members.
    """
    gram = rows @ rows.conj().T
    first = (np.abs(gram) >= 1.0 - 1e-9).argmax(axis=1)
    apart = np.abs(rows - gram[np.arange(len(rows)), first][:, None] * rows[first]).max(axis=1)
    first = np.where(apart <= PROPORTIONAL, first, np.arange(len(rows)))
    groups = [np.flatnonzero(first == leader) for leader in np.unique(first)]
    return groups, np.array([group[0] for group in groups], dtype=np.int64)


def cyclic_zeros(component: Component) -> int:
    """How many stragglers a cyclic code survives by the BCH bound; 0 when the rows are not such a code.

    The rows must be the n shifts of one word, up to scalars, and the discrete Fourier transform of the word must
    vanish at z consecutive frequencies, nowhere else and not at 0. A combination of rows that is zero has coefficients
    that are a polynomial of degree < z on the roots of unity, so more than n - z of them are nonzero: any n - z rows
    are independent, span the whole row space, and that contains the all-ones word (frequency 0). Returns z.
    """
    n = component.size
    if component.blocks != 1 or component.rows.shape[1] != n:
        return 0
    rows = component.dense
    shifted = np.take_along_axis(rows, (np.arange(n) + np.arange(n)[:, None]) % n, axis=1)
    word = shifted[0]
    factor = shifted @ word.conj()
    if np.abs(shifted - factor[:, None] * word).max() > PROPORTIONAL:
        return 0
    spectrum = np.abs(np.fft.fft(word))
    zero = spectrum <= RANK_TOLERANCE * spectrum.max()
    runs = np.count_nonzero(zero & ~np.roll(zero, 1))
    return 0 if zero[0] or runs != 1 else int(np.count_nonzero(zero))


def all_sets_are_alike(rows: sparse.csr_array, target: Floats) -> bool:
    """Whether the error depends on the number of stragglers only, as with balanced block designs.

    The error without S is |T|^2 - tr(Q_FF^+ V_FF), Q = C^H C and V = C^H T^H T C. When both have one number on the
    diagonal and one elsewhere, so have their parts, and renaming workers turns any F into any other of its size.
    """
    c = rows.shape[0]
    if c < 2 or (np.diff(rows.indptr) == 0).any():
        return False
    turned = _turned(rows, target)
    seen = turned @ target.T
    first_gram, first_seen = (turned[[0]] @ turned.conj().T).toarray()[0], (seen[:1] @ seen.conj().T)[0]
    scale = max(1.0, float(abs(first_seen[0])))
    for start in range(0, c, CHUNK):
        part = slice(start, min(start + CHUNK, c))
        gram, shares = (turned[part] @ turned.conj().T).toarray(), seen[part] @ seen.conj().T
        diagonal = np.arange(part.stop - start), np.arange(start, part.stop)
        for block, one, near in ((gram, first_gram, ALIKE), (shares, first_seen, ALIKE * scale)):
            if np.abs(block[diagonal] - one[0]).max() > near:
                return False
            block[diagonal] = one[1]
            if np.abs(block - one[1]).max() > near:
                return False
    return True


def _turned(rows: sparse.csr_array, target: Floats) -> sparse.csr_array:
    """The rows times numbers of modulus 1 that make their sums positive: no set's error changes."""
    if len(target) > 1:
        return rows
    sums = np.asarray(rows.sum(axis=1)).ravel()
    small = np.abs(sums) < ALIKE
    turn = np.where(small, 1.0, np.conj(sums) / np.where(small, 1.0, np.abs(sums)))
    return sparse.csr_array(sparse.diags_array(turn) @ rows)
