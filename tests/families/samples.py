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
    "block-design": {"workers": 8, "replication": 4, "index": 3, "stragglers": 2},
    "projective-plane": {"order": 2, "stragglers": 2},
    "affine-plane": {"order": 3, "stragglers": 2},
    "steiner-triple": {"workers": 9, "stragglers": 2},
}
