"""Constructors: parameters in, GradientCode out, with the claims it makes. One scheme per file."""

from __future__ import annotations

from gcopt.families._family import Family
from gcopt.families.block_coordinate import block_coordinate
from gcopt.families.cyclic_mds import cyclic_mds
from gcopt.families.cyclic_repetition import cyclic_repetition
from gcopt.families.fractional_repetition import fractional_repetition
from gcopt.families.graph_assignment import graph_assignment
from gcopt.families.grouped import grouped
from gcopt.families.ignore_stragglers import ignore_stragglers
from gcopt.families.margulis import margulis
from gcopt.families.paley import paley
from gcopt.families.placement import placement
from gcopt.families.ramanujan import ramanujan
from gcopt.families.random_regular_graph import random_regular_graph
from gcopt.families.strongly_regular import strongly_regular
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
    strongly_regular,
    paley,
    random_regular_graph,
    margulis,
    ramanujan,
    graph_assignment,
)

FAMILIES: Registry[Family] = Registry("family", "gcopt.families", {f.name: f for f in _OURS})

__all__ = [
    "FAMILIES",
    "Family",
    "block_coordinate",
    "cyclic_mds",
    "cyclic_repetition",
    "fractional_repetition",
    "graph_assignment",
    "grouped",
    "ignore_stragglers",
    "margulis",
    "paley",
    "placement",
    "ramanujan",
    "random_regular_graph",
    "strongly_regular",
    "two_stage",
    "uncoded",
]
