"""Decoders whose coefficients do not depend on the code: what arrives is added up, perhaps scaled."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gcopt.decoding.rule import Bools, Rule


class Sum(Rule):
    """Every responder counts 1; the error costs one pass over the entries."""

    name: ClassVar[str] = "sum"
    why: ClassVar[str] = "the code names it: what arrives is added up, whoever responds"

    def factor(self, heard: Bools) -> float:
        """Return what every responder counts."""
        return 1.0

    def decode(self, heard: Bools) -> NDArray[Any]:
        """Return coefficients, shape (n, 1)."""
        return np.where(heard, self.factor(heard), 0.0)[:, None]


class Scaled(Sum):
    """Every responder counts n / responders."""

    name: ClassVar[str] = "scaled"
    why: ClassVar[str] = "the code names it: every responder counts n / responders, whoever they are"

    def factor(self, heard: Bools) -> float:
        """Return what every responder counts."""
        return heard.size / max(1, int(heard.sum()))


FIXED: dict[str, type[Sum]] = {"sum": Sum, "scaled": Scaled}
