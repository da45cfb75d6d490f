"""gcopt: find, prove, export and run the gradient code a cluster of unequal machines should use.

Everything here is loaded on first use, so that ``import gcopt`` costs nothing.

Examples
--------
>>> import gcopt
>>> code = gcopt.families.fractional_repetition(workers=12, stragglers=3)
>>> gcopt.verify(code).ok
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Claim": "gcopt.code",
    "GradientCode": "gcopt.code",
    "Segment": "gcopt.code",
    "Cluster": "gcopt.cluster",
    "Decoder": "gcopt.decoding",
    "decode": "gcopt.decoding",
    "design": "gcopt.designer",
    "exists": "gcopt.existence",
    "fit": "gcopt.fitting",
    "load": "gcopt.files",
    "save": "gcopt.files",
    "export": "gcopt.files",
    "simulate": "gcopt.simulation",
    "train": "gcopt.training",
    "verify": "gcopt.verification",
}

_PACKAGES = ("bounds", "compression", "convergence", "families")

if TYPE_CHECKING:
    from gcopt import bounds as bounds
    from gcopt import compression as compression
    from gcopt import convergence as convergence
    from gcopt import families as families
    from gcopt.cluster import Cluster as Cluster
    from gcopt.code import Claim as Claim
    from gcopt.code import GradientCode as GradientCode
    from gcopt.code import Segment as Segment
    from gcopt.decoding import Decoder as Decoder
    from gcopt.decoding import decode as decode
    from gcopt.designer import design as design
    from gcopt.existence import exists as exists
    from gcopt.files import export as export
    from gcopt.files import load as load
    from gcopt.files import save as save
    from gcopt.fitting import fit as fit
    from gcopt.simulation import simulate as simulate
    from gcopt.training import train as train
    from gcopt.verification import verify as verify

__all__ = ["__version__", *_PACKAGES, *sorted(_HOME)]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(f"gcopt.{name}")
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'gcopt' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
