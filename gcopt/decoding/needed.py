"""How many workers decode a component, whichever they are."""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.decoding.correction import Correction
from gcopt.decoding.rule import Rule

_ALL = 5000  # minors that are all looked at
_SOME = 1000


def needed(rule: Rule) -> int | None:
    """Return how many workers, no two of one team, decode a component while fewer never do; None if no number does.

    Read off the null space: with r = n - rank, r workers can be spared if every r x r minor of the null basis is
    nonzero, and never r + 1 if any r + 1 rows of that basis with the m columns of the solution beside it are
    independent. All sets are looked at when they are few, else a thousand random ones (so that a simulation, in which
    the missing workers are random too, is wrong on a fraction below about 0.3 % of the sets, with 95 % confidence).

    Examples
    --------
    >>> from scipy import sparse
    >>> needed(Correction(sparse.csr_array(np.array([[0.5, 1.0, 0.0], [0.0, 1.0, -1.0], [0.5, 0.0, 1.0]])), 1))
    2
    """
    n = rule.matrix.shape[0]
    if rule.by_count:
        return _least(rule, n)
    spare = n - min(rule.matrix.shape)
    copies = int(np.bincount(rule.matrix.indices, minlength=rule.size).min())
    # whoever can spare so many can spare all workers of a partition, which nobody can
    if (spare and spare >= copies) or not Correction.fits(rule.matrix, rule.blocks):
        return None
    correction = rule if isinstance(rule, Correction) else Correction(rule.matrix, rule.blocks)
    if not correction.exact:
        return None
    null = correction.factors.null
    r = null.shape[1]
    beside = np.hstack([null, correction.factors.solution])
    if r and not _all_independent(null, r):
        return None
    return None if r < n and not _all_independent(beside, r + 1) else n - r


def _least(rule: Rule, n: int) -> int | None:
    """Return the least number of workers that decode where nothing but their number matters."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if rule.decodes(np.arange(n) < middle) else (middle + 1, high)
    return low if rule.decodes(np.arange(n) < low) else None


def _all_independent(basis: NDArray[Any], size: int) -> bool:
    """Whether the rows of ``basis`` are independent in every set of ``size`` rows (or in a thousand random ones)."""
    n = basis.shape[0]
    if comb(n, size) <= _ALL:
        sets = np.array(list(combinations(range(n), size)))
    else:
        rng = np.random.default_rng(0)
        sets = np.argsort(rng.random((_SOME, n)), axis=1)[:, :size]
    smallest = np.linalg.svd(basis[sets], compute_uv=False)[..., -1]
    return bool(np.all(smallest > 1e-9))
