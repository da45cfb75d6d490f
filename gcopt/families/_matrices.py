"""What the families share about finished matrices: making one from its holders, and its worst-case noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.code import GradientCode
from gcopt.decoding import components
from gcopt.errors import InputError
from gcopt.evaluate import evaluate_component

ENUMERATED = 1_000_000
"""Straggler sets up to which a constructor computes the worst noise and promises it."""

LOUDEST = 1e8
"""Noise amplification above which a code is refused: half of the digits of a message would be lost."""

_INSTEAD = "fractional-repetition with stragglers + 1 dividing workers"
_NOTHING = 1e-10
_EVALUATED = 2000
_ALWAYS_QUIET = 3


def as_assignment(assignment: Any, workers: int) -> NDArray[np.float64]:
    """Return who holds what as 0 and 1, shape (n, k); refuse what is none.

    Examples
    --------
    >>> as_assignment([[True], [False]], 2).tolist()
    [[1.0], [0.0]]
    """
    raw = assignment.toarray() if hasattr(assignment, "toarray") else assignment
    try:
        array = np.asarray(raw, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.ndim != 2 or array.shape[0] != workers or array.shape[1] == 0:
        raise InputError(f"assignment has shape {array.shape}; ({workers} workers, partitions) of 0 and 1 is needed")
    if not np.isin(array, (0.0, 1.0)).all():
        raise InputError("assignment holds something else than 0 and 1")
    return array


def from_holders(coefficients: NDArray[np.float64], holders: NDArray[np.int64], workers: int) -> sparse.csr_array:
    """Return B, shape (n, m * k), from the coefficients of every holder, rows scaled to largest entry 1 in size.

    Parameters
    ----------
    coefficients : array, shape (k, copies, m)
        Entry (p, i, u) multiplies block u of partition p.
    holders : array, shape (k, copies)
        Who holds partition p; n for nobody.
    workers : int
        n.

    Examples
    --------
    >>> import numpy as np
    >>> from_holders(np.array([[[2.0], [1.0]]]), np.array([[0, 1]]), 2).toarray().tolist()
    [[1.0], [1.0]]
    """
    k, _, m = coefficients.shape
    rows = np.broadcast_to(holders[..., None], coefficients.shape)
    columns = np.broadcast_to(np.arange(k)[:, None, None] + k * np.arange(m), coefficients.shape)
    there = rows < workers
    matrix = sparse.csr_array((coefficients[there], (rows[there], columns[there])), shape=(workers, m * k))
    largest = abs(matrix).max(axis=1).toarray().ravel()
    scaled = sparse.csr_array(sparse.diags_array(1.0 / np.where(largest > 0, largest, 1.0)) @ matrix)
    scaled.data[np.abs(scaled.data) < _NOTHING] = 0.0  # sines that vanish but for rounding are no work
    scaled.eliminate_zeros()
    return scaled


def refuse_loud(name: str, code: GradientCode, instead: str = _INSTEAD, random: int = 0) -> GradientCode:
    """Return the code, or refuse it when rounding would destroy what is exact on paper.

    Looks at the loss of s neighbours, the worst or nearly the worst for cyclic MDS codes, whose noise grows like n to
    the power s; and at that of ``random`` other sets.
    """
    s, rng = code.stragglers, np.random.default_rng(0)
    kinds = {(part.workers.size, part.matrix.nnz): part for part in components(code.segments[0])}
    for part in kinds.values():
        if len(part.teams) == 1:
            continue
        heard = np.arange(part.workers.size) >= min(s, part.workers.size - 1)
        if part.workers.size <= _EVALUATED:
            sets = [heard, *(rng.permutation(heard) for _ in range(random))]
            noise = max(evaluate_component(part, one).noise for one in sets)
            noise /= np.sqrt(part.blocks * part.partitions.size)
        else:
            noise = 0.0 if s <= _ALWAYS_QUIET else np.inf
        if noise > LOUDEST:
            raise InputError(
                f"{name} with workers = {code.workers} and stragglers = {s} amplifies rounding errors more than "
                f"{LOUDEST:g} times, too much for double precision; fewer stragglers, or {instead}, would work"
            )
    return code


def worst_noise(matrix: sparse.csr_array, stragglers: int, blocks: int = 1) -> float:
    """Return the largest noise amplification of any set of stragglers.

    Examples
    --------
    >>> import numpy as np
    >>> round(worst_noise(sparse.csr_array(np.ones((2, 2))), 1), 12)
    1.0
    """
    from gcopt.solvers.adversary import WorstCase  # its kernels are compiled code, not wanted at import time

    return WorstCase(objective="noise", seconds=None).solve(matrix, blocks=blocks, stragglers=stragglers, rng=0).value
