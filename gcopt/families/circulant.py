"""Cyclic assignment: every worker holds the partitions at the same distances from its own number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.checks import check_count, check_residues
from gcopt.code import GradientCode
from gcopt.combinatorics.cosets import spectrum
from gcopt.errors import InputError
from gcopt.families._family import check_sizes, family
from gcopt.families._regular import RAVIV, regular_code


@family("circulant", source=f"{RAVIV}, circulant matrices")
def circulant(
    workers: int,
    stragglers: int,
    load: int | None = None,
    shifts: Any = None,
    decoder: str = "least-squares",
    probability: float | None = None,
) -> GradientCode:
    """Worker j holds the partitions j + shift; neighbours, or better a set of shifts with all differences alike.

    The assignment is a circulant matrix, whose singular values are the sizes of the Fourier transform of the shifts;
    they bound the error for every set of stragglers. Shifts that form a difference set, such as 0, 1, 3 among 7, make a
    block design and the bound exact.

    Parameters
    ----------
    workers : int
        n; there are k = n partitions, or n / rounds.
    stragglers : int
        s.
    load : int, optional
        Shifts 0, ..., load - 1; instead of ``shifts``.
    shifts : list of int, or list of such lists, optional
        Different modulo k. Several lists, equally long, make as many rounds of k workers, each with its own shifts:
        those of a difference family make workers of the blocks of a design and partitions of its points.
    decoder : str
        ``least-squares``, ``one-step``, ``scaled`` or ``sum``.
    probability : float, optional
        Of a worker to straggle; for ``sum`` only.

    Returns
    -------
    GradientCode
        The load is the number of shifts, the replication as many times the rounds; claims the spectral bound on the
        worst error.

    Raises
    ------
    InputError
        If shifts repeat, a number is impossible, or decoder and probability do not fit.

    Examples
    --------
    >>> print(circulant(7, 2, shifts=[0, 1, 3]).claims[2])  # the Fano plane
    squared error at most 0.571429 for every set of 2 stragglers
    >>> circulant(26, 2, shifts=[[0, 1, 4], [0, 2, 7]])  # a Steiner triple system
    <GradientCode circulant: n=26, k=13, load=3, stragglers=2>
    """
    n, s = check_sizes(workers, stragglers)
    chosen = _check_shifts(load, shifts, n)
    rounds, d = chosen.shape
    k = n // rounds
    columns = (np.arange(k)[:, None] + chosen[:, None]) % k
    held = sparse.csr_array((np.ones(n * d), columns.ravel(), np.arange(n + 1) * d), shape=(n, k))
    second = float(spectrum(k, chosen).sum(axis=0)[1:].max(initial=0.0))
    return regular_code(held, s, second, decoder=decoder, probability=probability)


def _check_shifts(load: Any, shifts: Any, n: int) -> NDArray[np.int64]:
    """Return the shifts of every round modulo the partitions, shape (rounds, d)."""
    if (load is None) == (shifts is None):
        raise InputError("circulant needs either load or shifts; give one of them")
    if shifts is None:
        return np.arange(check_count("load", load, 1, n, f" (the {n} partitions)"))[None]
    if not (isinstance(shifts, (list, tuple)) and len(shifts) and isinstance(shifts[0], (list, tuple))):
        return check_residues("shifts", shifts, n)[None]
    rounds = len(shifts)
    if n % rounds:
        raise InputError(f"shifts has {rounds} lists, which do not divide the {n} workers; a divisor of {n} would work")
    found = [check_residues(f"shifts[{i}]", some, n // rounds) for i, some in enumerate(shifts)]
    if len({len(some) for some in found}) > 1:
        raise InputError(
            f"shifts has lists of {sorted({len(some) for some in found})} integers; equally many are needed"
        )
    return np.stack(found)
