"""How far one bit per coordinate goes: error and loss against iterations and bytes, for every compressor."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from gcopt.tabulating import one_bit_regression, one_bit_training
from gcopt.tabulating.one_bit_views import draw, sections
from gcopt.tabulating.table import Row, Table


def one_bit(seed: int = 0) -> Iterator[Row]:
    """Yield the rows of linear regression, then those of classifiers."""
    return chain(one_bit_regression.rows(seed), one_bit_training.rows(seed))


TABLE = Table(
    "one-bit",
    "One bit per coordinate",
    "SOURCE",
    one_bit,
    sections,
    draw,
    keys=5,
)
