"""Graphs as symmetric sparse adjacency matrices of 0 and 1, checked on construction; one idea per file."""
