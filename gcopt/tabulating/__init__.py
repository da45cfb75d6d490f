"""Tables that one command makes again: CSV for programs, Markdown for people, pictures where they help."""

from __future__ import annotations

from gcopt.registry import Registry
from gcopt.tabulating.table import Row, Section, Table

__all__ = ["TABLES", "Row", "Section", "Table"]

TABLES: Registry[Table] = Registry(
    "table",
    "gcopt.tables",
    {
        "approximate": "gcopt.tabulating.approximate:TABLE",
        "exact-noise": "gcopt.tabulating.exact_noise:TABLE",
        "block-coordinate": "gcopt.tabulating.block_coordinate:TABLE",
        "communication-runtime": "gcopt.tabulating.communication_runtime:TABLE",
        "communication": "gcopt.tabulating.communication:TABLE",
        "communication-training": "gcopt.tabulating.communication_training:TABLE",
        "diversity": "gcopt.tabulating.diversity:TABLE",
        "one-bit": "gcopt.tabulating.one_bit:TABLE",
        "search": "gcopt.tabulating.search:TABLE",
        "training": "gcopt.tabulating.training:TABLE",
    },
)
