"""What may be done to a message before it is sent: one bit per coordinate, half floats, the largest coordinates only.

Everything is loaded on first use; kernels are compiled when a vector is first packed.
"""

from __future__ import annotations

from gcopt.compression._random import Stream
from gcopt.compression.cast import Cast
from gcopt.compression.compressor import Compressor
from gcopt.compression.dither import Dither
from gcopt.compression.feedback import Feedback
from gcopt.compression.identity import Identity
from gcopt.compression.levels import TwoLevel
from gcopt.compression.parsing import parse
from gcopt.compression.random import RandomK
from gcopt.compression.rotated import Rotated
from gcopt.compression.sign import ScaledSign
from gcopt.compression.top import TopK

__all__ = [
    "Cast",
    "Compressor",
    "Dither",
    "Feedback",
    "Identity",
    "RandomK",
    "Rotated",
    "ScaledSign",
    "Stream",
    "TopK",
    "TwoLevel",
    "parse",
]
