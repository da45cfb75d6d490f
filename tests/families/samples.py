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
    "random-regular": {"workers": 8, "stragglers": 2, "load": 3, "rng": 3},
    "circulant": {"workers": 7, "stragglers": 2, "shifts": [0, 1, 3]},
    "bernoulli": {"workers": 8, "stragglers": 2, "load": 3, "rng": 3},
    "stochastic-block": {"workers": 8, "stragglers": 2, "communities": 2, "inside": 0.6, "across": 0.1, "rng": 3},
    "soft-design": {"workers": 7, "stragglers": 2, "replication": 3, "rng": 3},
    "product": {
        "first": {"family": "circulant", "workers": 4, "stragglers": 1, "load": 3},
        "second": {"family": "soft-design", "workers": 3, "stragglers": 1, "replication": 2, "rng": 3},
        "stragglers": 2,
    },
    "pairwise-balanced": {"workers": 7, "replication": 3, "probability": 0.25, "rng": 3},
    "weighted-unbiased": {"workers": 4, "probability": [0.1, 0.2, 0.4, 0.5], "partitions": 6},
    "block-design": {"workers": 8, "replication": 4, "index": 3, "stragglers": 2},
    "projective-plane": {"order": 2, "stragglers": 2},
    "affine-plane": {"order": 3, "stragglers": 2},
    "steiner-triple": {"workers": 9, "stragglers": 2},
    "strongly-regular": {"workers": 10, "stragglers": 2, "load": 3},
    "paley": {"workers": 9, "stragglers": 2},
    "random-regular-graph": {"workers": 10, "stragglers": 2, "load": 4, "rng": 3},
    "margulis": {"workers": 9, "stragglers": 2},
    "ramanujan": {"workers": 1092, "stragglers": 20, "load": 6},
    "graph-assignment": {"graph": "petersen", "stragglers": 3},
    "random-signs": {
        "assignment": {"family": "circulant", "workers": 7, "stragglers": 1, "shifts": [0, 1, 3]},
        "blocks": 2,
        "stragglers": 2,
        "rng": 3,
    },
}
