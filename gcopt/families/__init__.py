"""Constructors: parameters in, GradientCode out, with the claims it makes. One scheme per file."""

from __future__ import annotations

from gcopt.families._family import Family
from gcopt.families.bernoulli import bernoulli
from gcopt.families.block_coordinate import block_coordinate
from gcopt.families.circulant import circulant
from gcopt.families.cyclic_mds import cyclic_mds
from gcopt.families.cyclic_repetition import cyclic_repetition
from gcopt.families.fractional_repetition import fractional_repetition
from gcopt.families.grouped import grouped
from gcopt.families.ignore_stragglers import ignore_stragglers
from gcopt.families.pairwise_balanced import pairwise_balanced
from gcopt.families.placement import placement
from gcopt.families.product import product
from gcopt.families.random_regular import random_regular
from gcopt.families.soft_design import soft_design
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
)

FAMILIES: Registry[Family] = Registry("family", "gcopt.families", {f.name: f for f in _OURS})

__all__ = [
    "FAMILIES",
    "Family",
    "bernoulli",
    "block_coordinate",
    "circulant",
    "cyclic_mds",
    "cyclic_repetition",
    "fractional_repetition",
    "grouped",
    "ignore_stragglers",
    "pairwise_balanced",
    "placement",
    "product",
    "random_regular",
    "soft_design",
    "stochastic_block",
    "two_stage",
    "uncoded",
    "weighted_unbiased",
]
