"""Decoding of messages that carry noise: optimal, consistent, better than plain least squares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcopt import families
from gcopt.code import Segment
from gcopt.compression import Stream, parse
from gcopt.decoding import Decoder, noise_aware
from gcopt.errors import InputError


def cost(segment, matrix, w):
    """||R B - T||^2 + w sum_j |R_j|^2 ||b_j||^2."""
    rows = segment.encoding.toarray()
    noise = np.sum(np.abs(matrix) ** 2, axis=0) @ np.sum(np.abs(rows) ** 2, axis=1)
    return float(np.sum(np.abs(matrix @ rows - segment.target) ** 2) + w * noise)


def random_segment(rng, n, k, m, imaginary):
    rows = rng.standard_normal((n, m * k)) * (rng.random((n, m * k)) < 0.7)
    return Segment(rows + 1j * rng.standard_normal((n, m * k)) * (rows != 0) if imaginary else rows, blocks=m)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 7), st.integers(1, 5), st.integers(1, 3), st.floats(0.01, 1e3), st.integers(0, 9999))
def test_no_other_unbiased_coefficients_have_a_smaller_mean_error(n, k, m, w, seed):
    rng, imaginary = np.random.default_rng(seed), seed % 2 == 1
    segment = random_segment(rng, n, k, m, imaginary)
    heard = rng.random(n) < 0.8
    found = noise_aware(segment, w)(heard)
    rows, target = segment.encoding.toarray(), segment.target
    assert not found.matrix[:, ~heard].any()
    assert found.error == pytest.approx(np.sum(np.abs(found.matrix @ rows - target) ** 2))
    if not found.matrix.any() or Decoder(segment)(heard).error <= 1e-12 * m * k:
        return
    plain = Decoder(segment)(heard).matrix
    assert cost(segment, found.matrix, w) <= cost(segment, plain, w) * (1 + 1e-9)
    reached = np.real(np.sum((found.matrix @ rows) * target))
    assert reached == pytest.approx(np.real(np.sum((plain @ rows) * target)))
    least = cost(segment, found.matrix, w)
    for _ in range(5):
        off = rng.standard_normal((m, n)) + 1j * imaginary * rng.standard_normal((m, n))
        other = np.where(heard, found.matrix + 10.0 ** rng.uniform(-3, 0) * off, 0.0)
        factor = np.real(np.sum((other @ rows) * target)) / reached
        if factor > 1e-6:
            assert cost(segment, other / factor, w) >= least * (1 - 1e-9)


@pytest.mark.parametrize(
    "code", [families.cyclic_repetition(9, 3, rng=0), families.cyclic_mds(9, 3)], ids=["real", "complex"]
)
def test_what_decodes_exactly_still_does(code):
    segment, rng = code.segments[0], np.random.default_rng(0)
    for _ in range(20):
        heard = rng.random(9) < 0.8
        plain, found = Decoder(segment)(heard), noise_aware(segment, 3.0)(heard)
        assert np.array_equal(found.matrix, plain.matrix) or plain.error > 1e-9
        assert np.array_equal(noise_aware(segment, 0.0)(heard).matrix, plain.matrix)


def test_with_little_noise_it_is_least_squares():
    segment = families.circulant(13, 3, shifts=[0, 1, 3, 9]).segments[0]
    heard = np.arange(13) > 4
    plain, found = Decoder(segment)(heard).matrix, noise_aware(segment, 2e-12)(heard).matrix
    assert found == pytest.approx(plain, rel=1e-9)


def test_where_noise_is_all_there_is_each_counts_by_what_it_holds():
    """w to infinity: R_j in proportion to <b_j, 1> / ||b_j||^2."""
    rows = np.array([[1.0, 1.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0]])
    found = noise_aware(Segment(rows), 1e9)(np.ones(3, dtype=bool)).matrix[0]
    assert found / found[0] == pytest.approx([1.0, 0.5, 1.0], rel=1e-6)


def test_where_next_to_nothing_is_heard_nothing_is_blown_up():
    segment = families.cyclic_repetition(6, 2, rng=3).segments[0]
    for j in range(6):
        alone = np.arange(6) == j
        found, plain = noise_aware(segment, 5.0)(alone).matrix, Decoder(segment)(alone).matrix
        assert cost(segment, found, 5.0) <= cost(segment, plain, 5.0)


@pytest.mark.parametrize("w", [-1.0, np.nan, np.inf])
def test_impossible_variances_are_refused(w):
    with pytest.raises(InputError, match="variance is"):
        noise_aware(Segment(np.eye(2)), w)


def test_fixed_coefficients_stay():
    segment = families.pairwise_balanced(6, 2, 0.3, rng=0).segments[0]
    heard = np.array([True, False, True, True, True, False])
    assert np.array_equal(noise_aware(segment, 5.0)(heard).matrix, Decoder(segment)(heard).matrix)


def test_nobody_and_workers_without_work():
    segment = Segment(np.array([[1.0, 1.0], [0.0, 0.0], [1.0, -1.0]]))
    decoder = noise_aware(segment, 1.0)
    assert decoder([False, False, False]).error == 2.0
    assert decoder([False, True, False]).error == 2.0
    # the third worker alone says nothing about the sum
    assert decoder([False, False, True]).error == pytest.approx(2.0)
    assert decoder([True, True, True]).matrix[0] == pytest.approx([1.0, 0.0, 0.0])


def test_the_mean_error_of_compressed_messages_is_the_one_it_minimises_and_smaller_than_without_it():
    """Least squares reach for what they can only get with large coefficients, and amplify what compression adds."""
    code, width = families.cyclic_repetition(10, 4, rng=1), 40
    segment, word = code.segments[0], parse("dither1:norm")
    w, heard = word.relative(width), np.arange(10) > 4
    rng = np.random.default_rng(0)
    totals = np.zeros(2)
    matrices = [noise_aware(segment, w)(heard).matrix, Decoder(segment)(heard).matrix]
    runs = 400
    for run in range(runs):
        gradients = rng.standard_normal((10, width))
        messages = segment.encoding @ gradients
        streams = [Stream(run, worker=j) for j in range(10)]
        packed = [word.compress(y, stream) for y, stream in zip(messages, streams, strict=True)]
        sent = np.array([word.decompress(p, width, stream) for p, stream in zip(packed, streams, strict=True)])
        totals += [np.sum((matrix @ sent - gradients.sum(axis=0)) ** 2) / width for matrix in matrices]
    expected = [cost(segment, matrix, w) for matrix in matrices]
    assert totals / runs == pytest.approx(expected, rel=0.1)
    assert expected[0] < 0.95 * expected[1]
