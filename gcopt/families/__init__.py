"""Constructors: parameters in, GradientCode out, with the claims it makes. One scheme per file."""

from __future__ import annotations

from gcopt.families._family import Family
from gcopt.families.affine_plane import affine_plane
from gcopt.families.bernoulli import bernoulli
from gcopt.families.block_coordinate import block_coordinate
from gcopt.families.block_design import block_design
from gcopt.families.circulant import circulant
from gcopt.families.cyclic_mds import cyclic_mds
from gcopt.families.cyclic_repetition import cyclic_repetition
from gcopt.families.fractional_repetition import fractional_repetition
from gcopt.families.grouped import grouped
from gcopt.families.ignore_stragglers import ignore_stragglers
from gcopt.families.pairwise_balanced import pairwise_balanced
from gcopt.families.placement import placement
from gcopt.families.product import product
from gcopt.families.projective_plane import projective_plane
from gcopt.families.random_regular import random_regular
from gcopt.families.soft_design import soft_design
from gcopt.families.steiner_triple import steiner_triple
from gcopt.families.stochastic_block import stochastic_block
from gcopt.families.two_stage import two_stage
from gcopt.families.uncoded import uncoded
from gcopt.families.weighted_unbiased import weighted_unbiased
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
    random_regular,
    circulant,
    bernoulli,
    stochastic_block,
    soft_design,
    product,
    pairwise_balanced,
    weighted_unbiased,
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
    "bernoulli",
    "block_coordinate",
    "block_design",
    "circulant",
    "cyclic_mds",
    "cyclic_repetition",
    "fractional_repetition",
    "grouped",
    "ignore_stragglers",
    "pairwise_balanced",
    "placement",
    "product",
    "projective_plane",
    "random_regular",
    "soft_design",
    "steiner_triple",
    "stochastic_block",
    "two_stage",
    "uncoded",
    "weighted_unbiased",
]
