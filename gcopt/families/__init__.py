"""Constructors: parameters in, GradientCode out, with the claims it makes. One scheme per file."""

from __future__ import annotations

from gcopt.families._family import Family
from gcopt.families.affine_plane import affine_plane
from gcopt.families.bernoulli import bernoulli
from gcopt.families.block_coordinate import block_coordinate
from gcopt.families.block_design import block_design
from gcopt.families.circulant import circulant
from gcopt.families.coarsened import coarsened
from gcopt.families.communication_efficient import communication_efficient
from gcopt.families.communication_polynomial import communication_polynomial
from gcopt.families.coset_graph import coset_graph
from gcopt.families.cyclic_mds import cyclic_mds
from gcopt.families.cyclic_repetition import cyclic_repetition
from gcopt.families.fractional_repetition import fractional_repetition
from gcopt.families.graph_assignment import graph_assignment
from gcopt.families.grouped import grouped
from gcopt.families.grouped_mds import grouped_mds
from gcopt.families.hadamard_products import hadamard_products
from gcopt.families.ignore_stragglers import ignore_stragglers
from gcopt.families.margulis import margulis
from gcopt.families.one_bit import one_bit
from gcopt.families.pairwise_balanced import pairwise_balanced
from gcopt.families.paley import paley
from gcopt.families.placement import placement
from gcopt.families.product import product
from gcopt.families.projective_plane import projective_plane
from gcopt.families.ramanujan import ramanujan
from gcopt.families.random_regular import random_regular
from gcopt.families.random_regular_graph import random_regular_graph
from gcopt.families.random_signs import random_signs
from gcopt.families.soft_design import soft_design
from gcopt.families.stacked import stacked
from gcopt.families.steiner_triple import steiner_triple
from gcopt.families.stochastic_block import stochastic_block
from gcopt.families.strongly_regular import strongly_regular
from gcopt.families.tight_frame import tight_frame
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
    one_bit,
    block_design,
    projective_plane,
    affine_plane,
    steiner_triple,
    strongly_regular,
    paley,
    random_regular_graph,
    margulis,
    ramanujan,
    graph_assignment,
    communication_efficient,
    communication_polynomial,
    grouped_mds,
    coset_graph,
    stacked,
    tight_frame,
    hadamard_products,
    coarsened,
    random_signs,
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
    "coarsened",
    "communication_efficient",
    "communication_polynomial",
    "coset_graph",
    "cyclic_mds",
    "cyclic_repetition",
    "fractional_repetition",
    "graph_assignment",
    "grouped",
    "grouped_mds",
    "hadamard_products",
    "ignore_stragglers",
    "margulis",
    "one_bit",
    "pairwise_balanced",
    "paley",
    "placement",
    "product",
    "projective_plane",
    "ramanujan",
    "random_regular",
    "random_regular_graph",
    "random_signs",
    "soft_design",
    "stacked",
    "steiner_triple",
    "stochastic_block",
    "strongly_regular",
    "tight_frame",
    "two_stage",
    "uncoded",
    "weighted_unbiased",
]
