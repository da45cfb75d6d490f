"""Block designs with signs: m equations, against least squares and the published numbers of Fano."""

from itertools import product

import numpy as np
import pytest

from gcopt.code import Segment
from gcopt.decoding import Decoder
from tests.decoding.cases import check, kinds
from tests.helpers import straggler_sets
from tests.matrices import FANO, PLANE


def signed(assignment, blocks, seed=0):
    rng = np.random.default_rng(seed)
    return np.hstack([rng.choice([-1.0, 1.0], (len(assignment), 1)) * assignment for _ in range(blocks)])


@pytest.mark.parametrize(("assignment", "blocks"), [(FANO, 2), (FANO, 3), (-PLANE / 4, 2), (1 - FANO, 4)])
def test_a_signed_design_decodes_as_least_squares_do(assignment, blocks):
    decoder = Decoder(Segment(signed(assignment, blocks), blocks))
    assert kinds(decoder) == {"signed block design"}
    rng = np.random.default_rng(0)
    for share in (1.0, 0.8, 0.5, 0.0):
        heard = rng.random(len(assignment)) < share
        check(decoder, heard)
        assert decoder.components[0].error(heard) == pytest.approx(decoder(heard).error, rel=1e-9, abs=1e-11)


def test_what_is_nearly_signed_is_left_to_other_rules():
    matrix = signed(FANO, 2)
    matrix[3] *= 1.001
    moved = signed(FANO, 2)
    moved[2, 7:] = np.roll(moved[2, 7:], 1)
    graph = signed(np.eye(5) + np.roll(np.eye(5), 1, axis=1), 2)
    for other, blocks in ((matrix, 2), (moved, 2), (graph, 2), (signed(FANO, 2) * 1j, 2)):
        assert "signed block design" not in kinds(Decoder(Segment(other, blocks)))


def test_fano_has_the_published_errors_over_all_signs_and_sets():
    """T1: mean, largest (the stacked code) and smallest error, m = 2, with signs of the second block alone."""
    mean = [3.003906, 3.724330, 4.598214, 5.675000, 7.025000, 8.750000, 11.0]
    most = [7.0, 7.25, 7.571429, 8.0, 8.6, 9.5, 11.0]
    least = [2.6, 3.2, 4.1, 5.0, 6.5, 8.0, 11.0]
    errors = [[] for _ in range(7)]
    for signs in product((-1.0, 1.0), repeat=7):
        rule = Decoder(Segment(np.hstack([FANO, np.array(signs)[:, None] * FANO]), 2)).components[0].rule
        for s in range(7):
            # by symmetry of all signs one set of each size is enough
            errors[s].append(rule.error(np.arange(7) >= s))
    for s in range(7):
        found = np.mean(errors[s]), max(errors[s]), min(errors[s])
        assert found == pytest.approx((mean[s], most[s], least[s]), abs=6e-7)
    alone = Decoder(Segment(signed(FANO, 2, 3), 2))
    sets = [alone.error(np.isin(np.arange(7), lost, invert=True)) for lost in straggler_sets(7, 2)]
    assert min(sets) >= 4.1 - 1e-9
    assert max(sets) <= 7.571429 + 1e-6
