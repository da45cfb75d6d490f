"""The one place where numba is configured. Modules with kernels import it; nothing imports them at start-up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

_F = TypeVar("_F", bound=Callable[..., Any])


def kernel(function: _F) -> _F:
    """Compile ``function`` to machine code, cached on disk; ``.py_func`` is the same source as plain Python."""
    # said explicitly, because otherwise it is inherited from whichever caller happens to be compiled first
    compiled: Any = numba.njit(cache=True, fastmath=False, nogil=True)(function)
    return cast(_F, compiled)


def fast_kernel(function: _F) -> _F:
    """Like `kernel`, and lets the compiler reorder sums (never where NaN or infinity carries meaning)."""
    flags = {"reassoc", "contract", "nsz", "arcp", "afn"}
    compiled: Any = numba.njit(cache=True, fastmath=flags, nogil=True)(function)
    return cast(_F, compiled)
