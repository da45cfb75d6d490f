"""Cyclic assignment: every worker holds the partitions at the same distances from its own number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.checks import check_count
from gcopt.code import GradientCode
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
        n; there are k = n partitions.
    stragglers : int
        s.
    load : int, optional
        Shifts 0, ..., load - 1; instead of ``shifts``.
    shifts : list of int, optional
        Different modulo n.
    decoder : str
        ``least-squares``, ``scaled`` (one-step) or ``sum``.
    probability : float, optional
        Of a worker to straggle; for ``sum`` only.

    Returns
    -------
    GradientCode
        Load and replication are the number of shifts; claims the spectral bound on the worst error.

    Raises
    ------
    InputError
        If shifts repeat, a number is impossible, or decoder and probability do not fit.

    Examples
    --------
    >>> print(circulant(7, 2, shifts=[0, 1, 3]).claims[2])  # the Fano plane
    squared error at most 0.571429 for every set of 2 stragglers
    """
    n, s = check_sizes(workers, stragglers)
    chosen = _check_shifts(load, shifts, n)
    d = chosen.size
    columns = (np.arange(n)[:, None] + chosen) % n
    held = sparse.csr_array((np.ones(n * d), columns.ravel(), np.arange(n + 1) * d), shape=(n, n))
    first = np.zeros(n)
    first[chosen] = 1.0
    spectrum = np.abs(np.fft.fft(first)) ** 2
    second = float(spectrum[1:].max(initial=0.0))
    return regular_code(held, s, second, decoder=decoder, probability=probability)


def _check_shifts(load: Any, shifts: Any, n: int) -> NDArray[np.int64]:
    """Return the shifts modulo n, ascending."""
    if (load is None) == (shifts is None):
        raise InputError("circulant needs either load or shifts; give one of them")
    if shifts is None:
        return np.arange(check_count("load", load, 1, n, f" (the {n} partitions)"))
    if not isinstance(shifts, (list, tuple, np.ndarray)) or not len(shifts):
        raise InputError(f"shifts is {shifts!r}; a list of different integers is needed")
    whole = np.array([check_count(f"shifts[{i}]", shift, 1 - n, n - 1) % n for i, shift in enumerate(shifts)])
    chosen = np.unique(whole)
    if chosen.size < whole.size:
        raise InputError(f"shifts is {list(shifts)}; they must differ modulo the {n} workers")
    return chosen
