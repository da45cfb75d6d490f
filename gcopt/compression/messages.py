"""What the messages of a code are to its compressor."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gcopt.code import GradientCode


def real_widths(code: GradientCode, parameters: int) -> list[int]:
    """Return how many real numbers a message of each segment has; complex ones count double.

    Examples
    --------
    >>> import gcopt
    >>> real_widths(gcopt.families.uncoded(2), 7)
    [7]
    """
    double = [segment.encoding.dtype.itemsize // 8 for segment in code.segments]
    return [width * two for width, two in zip(code.widths(parameters).tolist(), double, strict=True)]


def noise_of(code: GradientCode, parameters: int) -> list[float]:
    """Return w with E |C(y) - y|^2 about w |y|^2 for the messages of each segment, as a decoder is to know of it.

    0 where nothing is random, and where what is lost is kept by the worker.

    Examples
    --------
    >>> import gcopt
    >>> noise_of(gcopt.families.uncoded(2).compressed("dither1:norm"), 7)
    [6.0]
    """
    compressor, widths = code.compressor, real_widths(code, parameters)
    if compressor is None or compressor.feedback or not compressor.unbiased:
        return [0.0] * len(widths)
    return [compressor.typical(width) if width else 0.0 for width in widths]
