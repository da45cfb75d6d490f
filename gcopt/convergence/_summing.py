"""What all results here are about: one segment, real, whose messages are added up."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.checks import check_finite, check_number
from gcopt.code import GradientCode
from gcopt.compression import Compressor, parse
from gcopt.errors import InputError

Floats = NDArray[np.float64]


def summing_rows(code: GradientCode) -> Floats:
    """Return the encoding matrix, shape (n, k), of a code whose messages are added up.

    Raises
    ------
    InputError
        If the code has another decoder, several segments or blocks, or complex entries.
    """
    segment = code.segments[0]
    if len(code.segments) > 1 or segment.blocks > 1 or segment.decoder != "sum" or code.dtype.kind == "c":
        raise InputError(
            f"code is {code.family} with {len(code.segments)} segments, {code.blocks} blocks and the {segment.decoder} "
            "decoder; a real one with one segment, one block and the decoder sum is needed"
        )
    return np.asarray(segment.encoding.toarray())


def chances_of(probability: Any, workers: int) -> Floats:
    """Return p of every worker, shape (n,), from one number or n of them.

    Raises
    ------
    InputError
        If a number is not from 0 to below 1, or there are neither 1 nor n.
    """
    listed = probability if isinstance(probability, (list, tuple, np.ndarray)) else [probability] * workers
    if len(listed) != workers:
        raise InputError(f"probability is {len(listed)} numbers; one, or {workers} of them, would work")
    chances = np.array([check_number("probability", p, 0.0, 1.0) for p in listed])
    if (chances == 1.0).any():
        raise InputError("probability is 1; below 1 is needed, or that worker never answers")
    return chances


def compressor_of(code: GradientCode, compressor: Compressor | str | None) -> Compressor | None:
    """Return the compressor that is meant: the one given, else the code's; None for nothing."""
    chosen = code.compressor if compressor is None else parse(compressor)
    return None if chosen is None or str(chosen) == "none" else chosen


def check_positive(**values: Any) -> None:
    """Refuse what is not a finite number above 0, by name."""
    for name, value in values.items():
        check_finite(name, value, 0.0, open_low=True)


def check_not_negative(**values: Any) -> None:
    """Refuse what is not a finite number of at least 0, by name."""
    for name, value in values.items():
        check_finite(name, value, 0.0)
