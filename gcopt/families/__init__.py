"""Constructors: parameters in, GradientCode out, with the claims it makes. One scheme per file."""

from __future__ import annotations

from gcopt.families._family import Family
from gcopt.families.affine_plane import affine_plane
from gcopt.families.block_coordinate import block_coordinate
from gcopt.families.block_design import block_design
from gcopt.families.cyclic_mds import cyclic_mds
from gcopt.families.cyclic_repetition import cyclic_repetition
from gcopt.families.fractional_repetition import fractional_repetition
from gcopt.families.grouped import grouped
from gcopt.families.ignore_stragglers import ignore_stragglers
from gcopt.families.placement import placement
from gcopt.families.projective_plane import projective_plane
from gcopt.families.steiner_triple import steiner_triple
from gcopt.families.two_stage import two_stage
from gcopt.families.uncoded import uncoded
from gcopt.registry import Registry

_OURS = (
    uncoded,
    ignore_stragglers,
    fractional_repetition,
    cyclic_repetition,
    cyclic_mds,
    grouped,
    placement,
    two_stage,
    block_coordinate,
    block_design,
    projective_plane,
    affine_plane,
    steiner_triple,
)

FAMILIES: Registry[Family] = Registry("family", "gcopt.families", {f.name: f for f in _OURS})

__all__ = [
    "FAMILIES",
    "Family",
    "affine_plane",
    "block_coordinate",
    "block_design",
    "cyclic_mds",
    "cyclic_repetition",
    "fractional_repetition",
    "grouped",
    "ignore_stragglers",
    "placement",
    "projective_plane",
    "steiner_triple",
    "two_stage",
    "uncoded",
]
