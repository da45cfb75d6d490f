"""From coded messages to the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gcopt import coding
from gcopt.checks import check_count, check_number
from gcopt.code import GradientCode
from gcopt.decoding.decoder import Decoder, as_bools
from gcopt.decoding.rule import EXACT
from gcopt.errors import DecodingError, InputError


def decode(
    code: GradientCode, messages: Sequence[ArrayLike], responders: ArrayLike, *, parameters: int, tolerate: float = 0.0
) -> NDArray[np.floating[Any]]:
    """Estimate the gradient from coded messages.

    Parameters
    ----------
    code : GradientCode
    messages : list of array, one per segment, shape (n, ceil(segment length / m))
        Rows of workers that did not respond are ignored.
    responders : bool array, shape (n,) or (segments, n)
    parameters : int
        d, the length of the gradient.
    tolerate : float
        Largest squared decoding error that is accepted, as a fraction of m k.

    Returns
    -------
    array, shape (d,)
        Float64; float32 if all messages are in single precision (float32, complex64). Sums are float64 all the same.

    Raises
    ------
    InputError
        If ``tolerate`` is no number from 0 to 1, a shape is wrong, or a responder's message holds NaN or infinity.
    DecodingError
        If the responders do not determine a segment within ``tolerate``.

    Examples
    --------
    >>> import gcopt, numpy as np
    >>> code = gcopt.families.fractional_repetition(4, 1)
    >>> g = np.arange(8.0).reshape(4, 2)
    >>> decode(code, code.encode(g), [False, True, True, True], parameters=2).tolist()
    [12.0, 16.0]
    """
    given = as_bools(responders)
    shape = (len(code.segments), code.workers)
    if given.shape not in (shape, shape[1:]):
        raise InputError(f"responders has shape {given.shape}; {shape[1:]} or {shape} is expected")
    if len(messages) != len(code.segments):
        raise InputError(f"messages has {len(messages)} entries; one for each of the {len(code.segments)} segments")
    heard = np.broadcast_to(given, shape)
    cuts = code.cuts(check_count("parameters", parameters, 0))
    accepted = check_number("tolerate", tolerate, 0.0, 1.0)
    arrays = [coding.numbers(f"messages[{c}]", array) for c, array in enumerate(messages)]
    gradient = np.empty(parameters, dtype=np.result_type(*(array.real.dtype for array in arrays)))
    for c, segment in enumerate(code.segments):
        decoder = Decoder(segment)
        found = decoder(heard[c])
        relative = found.error / (segment.blocks * segment.partitions)
        if relative > max(EXACT, accepted):
            raise DecodingError(
                f"segment {c}: {int(heard[c].sum())} of {code.workers} responders leave {relative:.3g} of the largest "
                f"squared error; wait for more, or accept that with tolerate={_above(relative):g}"
            )
        width = -(-int(cuts[c + 1] - cuts[c]) // segment.blocks)
        if arrays[c].shape != (code.workers, width):
            raise InputError(f"messages[{c}] has shape {arrays[c].shape}; {(code.workers, width)} is expected")
        rows = np.flatnonzero(heard[c])
        if not coding.decode(found.matrix[:, rows], arrays[c], rows, gradient[cuts[c] : cuts[c + 1]]):
            raise InputError(
                f"messages[{c}] holds NaN or infinity from a worker that responded; finite numbers are expected"
            )
    return gradient


def _above(value: float) -> float:
    """Return a number of three digits that is no smaller.

    Examples
    --------
    >>> _above(0.25), _above(0.02564102)
    (0.25, 0.0257)
    """
    rounded = float(f"{value:.3g}")
    return rounded if rounded >= value else float(f"{value + 10.0 ** (np.floor(np.log10(value)) - 2):.3g}")
