"""How errors fall as answers come, against decoding every prefix."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcopt import prefixes
from gcopt.code import Segment
from gcopt.decoding import Decoder
from gcopt.prefixes import Prefixes
from tests.approximates import CODES

BLOCKS = Segment(np.random.default_rng(1).standard_normal((6, 8)), blocks=2)
SEGMENTS = {**{name: code.segments[-1] for name, code in CODES.items()}, "blocks": BLOCKS}


def one_by_one(segment, arrived):
    """Error of every prefix, by plain least squares or by the rule's own formula."""
    matrix, n = segment.encoding.toarray(), segment.workers
    out = np.empty(arrived.shape)
    for row, times in zip(out, arrived, strict=True):
        order = np.argsort(times, kind="stable")
        for t in range(1, n + 1):
            rows = matrix[order[:t]]
            if segment.is_linear:
                found = np.full((1, t), n / t if segment.decoder == "scaled" else 1.0)
            else:
                found = np.linalg.lstsq(rows.T, segment.target.T.astype(rows.dtype), rcond=1e-12)[0].T
            row[t - 1] = np.sum(np.abs(found @ rows - segment.target) ** 2)
    return out


@pytest.mark.parametrize("name", SEGMENTS)
def test_prefix_errors_are_those_of_every_prefix(name):
    segment = SEGMENTS[name]
    arrived = np.random.default_rng(0).random((40, segment.workers))
    arrived[::3, 1] = arrived[::3, 0]
    size = segment.blocks * segment.partitions
    assert np.abs(Prefixes(Decoder(segment)).errors(arrived) - one_by_one(segment, arrived)).max() < 1e-8 * size


@pytest.mark.parametrize("name", SEGMENTS)
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 99), st.sampled_from([1e-9, 0.01, 0.1, 0.25, 1 / 3, 0.5, 0.9]))
def test_the_first_prefix_within_a_tolerance_is_found(name, seed, share):
    segment, found = SEGMENTS[name], Prefixes(Decoder(SEGMENTS[name]))
    tolerance = share * (1 + 1e-6) * segment.blocks * segment.partitions
    arrived = np.random.default_rng(seed).random((5, segment.workers))
    errors = one_by_one(segment, arrived)
    expected = [next((t for t, e in enumerate(row, 1) if e <= tolerance), segment.workers + 1) for row in errors]
    assert found.first_within(arrived, tolerance).tolist() == expected


def test_the_decoder_decides_what_is_too_near_to_call():
    """Workers 0 and 1 leave 2e-12, which the sum of what answers add cannot tell from nothing."""
    found = Prefixes(Decoder(Segment(np.array([[1.0, 1.0 + 2e-6, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]))))
    arrived = np.array([[1.0, 2.0, 3.0]])
    assert found.first_within(arrived, 3e-12).tolist() == [2]
    assert found.first_within(arrived, 1e-12).tolist() == [3]
    assert found.first_within(arrived, -1.0).tolist() == [4]


def test_a_worker_without_work_lowers_nothing():
    found = Prefixes(Decoder(Segment(np.array([[1.0, 1.0], [0.0, 0.0], [2.0, 2.0]]))))
    assert np.abs(found.errors(np.array([[2.0, 1.0, 3.0]])) - [2.0, 0.0, 0.0]).max() < 1e-9
    assert found.first_within(np.array([[2.0, 1.0, 3.0]]), 0.1).tolist() == [2]


@pytest.mark.parametrize("entries", [1, 500, 10**9])
def test_slices_do_not_change_the_result(monkeypatch, entries):
    found = Prefixes(Decoder(CODES["least-squares"].segments[0]))
    arrived = np.random.default_rng(2).random((30, 10))
    whole = found.first_within(arrived, 0.7)
    monkeypatch.setattr(prefixes, "_ENTRIES", entries)
    assert (found.first_within(arrived, 0.7) == whole).all()
