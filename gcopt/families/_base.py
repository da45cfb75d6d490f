"""Codes made of other codes: the code a parameter stands for, and the recipe that makes it again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import sparse

from gcopt.checks import check_flag
from gcopt.code import GradientCode
from gcopt.errors import InputError


def base_code(name: str, given: Any) -> GradientCode:
    """Return the code with one segment and m = 1 that a parameter stands for.

    Parameters
    ----------
    name : str
        Of the parameter, for messages.
    given : GradientCode, path or mapping
        A code, the file of one, or ``{"family": name, **parameters}``; a bare matrix is
        ``{"family": "matrix", "matrix": rows}``.

    Raises
    ------
    InputError
        If it is nothing of that, has several segments or blocks, or a partition without a worker.

    Examples
    --------
    >>> base_code("assignment", {"family": "circulant", "workers": 7, "stragglers": 1, "shifts": [0, 1, 3]}).load
    3
    """
    from gcopt.families import FAMILIES
    from gcopt.files import load

    if isinstance(given, GradientCode):
        code = given
    elif isinstance(given, (str, os.PathLike)):
        if given in list(FAMILIES):
            raise InputError(f'{name} is {given!r}, a family; {{"family": "{given}", "workers": ...}} would work')
        code = load(given)
    elif isinstance(given, Mapping) and "family" in given:
        parameters = {key: value for key, value in given.items() if key != "family"}
        if given["family"] != "matrix":
            code = FAMILIES[given["family"]](**parameters)
        elif set(parameters) == {"matrix"}:
            code = GradientCode.from_matrix(parameters["matrix"])
        else:
            raise InputError(
                f'{name} is a matrix without rows; {{"family": "matrix", "matrix": [[...], ...]}} would work'
            )
    else:
        raise InputError(f'{name} is {given!r}; a code, its file or {{"family": name, ...}} is needed')
    if len(code.segments) > 1 or code.blocks > 1:
        raise InputError(
            f"{name} has {len(code.segments)} segments and {code.blocks} blocks; a code with one of each is needed"
        )
    if not code.segments[0].replication.all():
        raise InputError(f"{name} has a partition without a worker; every one needs a worker")
    return code


def assignment_of(code: GradientCode, dual: bool = False) -> sparse.csr_array:
    """Return who holds what as 0 and 1, shape (n, k); with ``dual`` workers and partitions change places.

    Raises
    ------
    InputError
        If a worker without partitions would become a partition without workers.

    Examples
    --------
    >>> assignment_of(GradientCode.from_matrix([[2.0, 0.0, 1.0]]), dual=False).toarray().tolist()
    [[1.0, 0.0, 1.0]]
    """
    if not check_flag("dual", dual):
        return sparse.csr_array(code.support.astype(np.float64))
    idle = np.flatnonzero(code.segments[0].load == 0)
    if idle.size:
        raise InputError(f"assignment has worker {idle[0]} without work; as a partition it needs a worker")
    return sparse.csr_array(code.support.T.astype(np.float64))


def recipe(name: str, given: Any, code: GradientCode) -> dict[str, Any]:
    """Return the mapping that makes a base code again: its family where that is known to do so, else its matrix.

    Parameters
    ----------
    name, given
        As for `base_code`.
    code : GradientCode
        What that returned.

    Raises
    ------
    InputError
        If the code is complex and no family is known to make it.

    Examples
    --------
    >>> recipe("first", None, GradientCode.from_matrix([[1.0, 2.0]]))
    {'family': 'matrix', 'matrix': [[1.0, 2.0]]}
    """
    seed = {} if code.seed is None else {"rng": code.seed}
    found = {"family": code.family, **code.parameters, **seed}
    if code.family != "matrix" and (isinstance(given, Mapping) or _makes(name, found, code)):
        return found
    if code.dtype.kind == "c":
        raise InputError(f"{name} is a complex matrix without a recipe; real entries or a code of a family would work")
    return {"family": "matrix", "matrix": code.segments[0].encoding.toarray().tolist()}


def _makes(name: str, found: dict[str, Any], code: GradientCode) -> bool:
    """Whether a recipe gives these very entries; files and codes may have been changed since they were made."""
    try:
        again = base_code(name, found)
    except InputError:
        return False
    a, b = code.segments[0].encoding, again.segments[0].encoding
    parts = ((a.shape, b.shape), (a.indptr, b.indptr), (a.indices, b.indices), (a.data, b.data))
    return all(np.array_equal(mine, other) for mine, other in parts)
