"""Small parameters with which each family exists."""

from typing import Any

SAMPLES: dict[str, dict[str, Any]] = {
    "uncoded": {"workers": 6},
    "ignore-stragglers": {"workers": 6, "stragglers": 2},
    "fractional-repetition": {"workers": 6, "stragglers": 2},
    "cyclic-repetition": {"workers": 6, "stragglers": 2, "rng": 3},
    "cyclic-mds": {"workers": 6, "stragglers": 2},
    "grouped": {"workers": 6, "stragglers": 2},
    "placement": {"workers": 6, "stragglers": 2, "rng": 3},
    "two-stage": {"workers": 6, "stragglers": 2, "alpha": 2.0},
    "block-coordinate": {"workers": 6, "allocation": [3, 0, 2, 0, 0, 1]},
    "strongly-regular": {"workers": 10, "stragglers": 2, "load": 3},
    "paley": {"workers": 9, "stragglers": 2},
    "random-regular-graph": {"workers": 10, "stragglers": 2, "load": 4, "rng": 3},
    "margulis": {"workers": 9, "stragglers": 2},
    "ramanujan": {"workers": 1092, "stragglers": 20, "load": 6},
    "graph-assignment": {"graph": "petersen", "stragglers": 3},
}
