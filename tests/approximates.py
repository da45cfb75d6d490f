"""Small approximate codes for tests of waiting, simulating and training."""

from __future__ import annotations

import numpy as np

from gcopt.code import GradientCode, Segment
from gcopt.families import FAMILIES
from gcopt.families._approximate import approximate
from tests.matrices import PETERSEN


def petersen(**options) -> GradientCode:
    """10 workers, 10 partitions, load and replication 3, s = 3."""
    return approximate(PETERSEN, 3, **options)


def two_segments() -> GradientCode:
    """The Petersen graph, and twice as long a segment in which workers j and j + 5 do the same."""
    pairs = Segment(np.tile(np.eye(5), (2, 1)).repeat(2, axis=1), length=2, stragglers=1)
    return GradientCode((petersen().segments[0], pairs))


CODES = {
    "least-squares": petersen(),
    "scaled": petersen(decoder="scaled"),
    "sum": petersen(decoder="sum", probability=0.3),
    "ignore-stragglers": FAMILIES["ignore-stragglers"](6, 2),
    "exact": FAMILIES["fractional-repetition"](6, 2),
    "complex": FAMILIES["cyclic-mds"](6, 2),
    "lost": GradientCode.from_matrix([[1.0, 0.0, 0.0], [2.0, 1.0, 0.0], [0.0, 1.0, 0.0]], stragglers=1),
    "two-segments": two_segments(),
}
