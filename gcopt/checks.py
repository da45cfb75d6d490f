"""Checks of single values: what was found, what would work."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.errors import InputError


def check_number(
    name: str, value: Any, low: float = -math.inf, high: float = math.inf, *, open_low: bool = False
) -> float:
    """Return a number from ``low`` (excluded if ``open_low``) to ``high``; infinity only where ``high`` is infinite.

    Raises
    ------
    InputError
        If it is not a number (NaN and booleans included) or out of range.

    Examples
    --------
    >>> check_number("probability", 2, 0, 1)
    Traceback (most recent call last):
        ...
    gcopt.solvers.errors.InputError: probability is 2; a number from 0 to 1 is needed
    """
    real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if real and not math.isnan(value) and low <= value <= high and not (open_low and value == low):
        return float(value)
    if high < math.inf and open_low:
        wanted = f"a number above {low:g} and at most {high:g}"
    elif high < math.inf:
        wanted = f"a number from {low:g} to {high:g}"
    elif low == 0:
        wanted = "a positive number" if open_low else "a number of at least 0"
    else:
        wanted = "a number" if low == -math.inf else f"a number of at least {low:g}"
    raise InputError(f"{name} is {value!r}; {wanted} is needed")


def check_finite(name: str, value: Any, low: float = -math.inf, *, open_low: bool = False) -> float:
    """Return a number as `check_number` does, and refuse infinity."""
    number = check_number(name, value, low, open_low=open_low)
    if math.isinf(number):
        raise InputError(f"{name} is {value!r}; a finite number is needed")
    return number


def check_flag(name: str, value: Any) -> bool:
    """Return what is true or false, and refuse what only might be taken for it.

    Examples
    --------
    >>> check_flag("regularised", "maybe")
    Traceback (most recent call last):
        ...
    gcopt.solvers.errors.InputError: regularised is 'maybe'; true or false is needed
    """
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise InputError(f"{name} is {value!r}; true or false is needed")


def check_count(name: str, value: Any, low: int, high: int | None = None, why: str = "") -> int:
    """Return an integer parameter, or say what was found and what would work.

    Examples
    --------
    >>> check_count("workers", 0, 1)
    Traceback (most recent call last):
        ...
    gcopt.solvers.errors.InputError: workers is 0; an integer of at least 1 is needed
    """
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if whole and value >= low and (high is None or value <= high):
        return int(value)
    wanted = f"of at least {low}" if high is None else f"from {low} to {high}"
    raise InputError(f"{name} is {value!r}; an integer {wanted} is needed{why}")


def check_residues(name: str, values: Any, order: int) -> NDArray[np.int64]:
    """Return a list of integers that differ modulo ``order``, reduced and ascending.

    Raises
    ------
    InputError
        If it is no list, empty, or two of them are alike.

    Examples
    --------
    >>> check_residues("shifts", [3, -1], 7).tolist()
    [3, 6]
    """
    if not isinstance(values, (list, tuple, np.ndarray)) or not len(values):
        raise InputError(f"{name} is {values!r}; a list of different integers is needed")
    whole = [check_count(f"{name}[{i}]", value, 1 - order, order - 1) % order for i, value in enumerate(values)]
    if len(set(whole)) < len(whole):
        raise InputError(f"{name} is {list(values)}; they must differ modulo {order}")
    return np.array(sorted(whole))
