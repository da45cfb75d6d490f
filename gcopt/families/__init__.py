"""Constructors: parameters in, GradientCode out, with the claims it makes. One scheme per file."""

from __future__ import annotations

from gcopt.families._family import Family
from gcopt.families.fractional_repetition import fractional_repetition
from gcopt.registry import Registry

_OURS = (fractional_repetition,)

FAMILIES: Registry[Family] = Registry("family", "gcopt.families", {f.name: f for f in _OURS})

__all__ = ["FAMILIES", "Family", *(f.name.replace("-", "_") for f in _OURS)]
