import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from gcopt.code import Segment
from gcopt.compression import Dither, Stream
from gcopt.decoding import Decoder, noise_aware, noisy
from gcopt.errors import InputError
from gcopt.families import fractional_repetition, one_bit, random_regular


def expected(segment, matrix, w):
    """||R B - T||^2 + w sum_j |R_j|^2 ||b_j||^2, from the definition."""
    rows = segment.encoding.toarray()
    noise = np.sum(np.abs(matrix) ** 2, axis=0) @ np.sum(np.abs(rows) ** 2, axis=1)
    return np.sum(np.abs(matrix @ rows - segment.target) ** 2) + w * noise


def product(segment, matrix):
    return np.real(np.sum((matrix @ segment.encoding.toarray()) * segment.target))


@st.composite
def cases(draw):
    n, k, m = draw(st.integers(2, 7)), draw(st.integers(1, 5)), draw(st.integers(1, 3))
    numbers = np.random.default_rng(draw(st.integers(0, 2**31)))
    rows = numbers.standard_normal((n, m * k)) * (numbers.random((n, m * k)) < draw(st.sampled_from([0.4, 1.0])))
    if draw(st.booleans()):
        rows = rows + 1j * numbers.standard_normal((n, m * k)) * (rows != 0)
    rows[0] = rows[1] * draw(st.sampled_from([0.0, 1.0, -2.0]))  # without work, or the same message twice
    heard = numbers.random(n) < 0.7
    w = 10.0 ** draw(st.floats(-3, 3))
    return Segment(rows, blocks=m), heard, w, numbers


@given(case=cases())
@settings(deadline=None, max_examples=80)
def test_no_other_coefficients_with_the_same_product_do_better(case):
    segment, heard, w, numbers = case
    found = noise_aware(segment, w)(heard)
    assert found.matrix.shape == (segment.blocks, segment.workers)
    assert not found.matrix[:, ~heard].any()
    assert not found.matrix[:, segment.load == 0].any()
    plain = found.matrix @ segment.encoding.toarray() - segment.target
    assert found.error == pytest.approx(np.sum(np.abs(plain) ** 2), rel=1e-9, abs=1e-9)
    told = segment.target @ segment.encoding.toarray().conj().T  # the direction in which <R B, T> grows
    told[:, ~heard] = 0.0
    if np.linalg.norm(told) < 1e-6:
        assert not found.matrix.any()
        return
    assert product(segment, found.matrix) == pytest.approx(segment.target.sum())
    best = expected(segment, found.matrix, w)
    for size in (1e-3, 1.0):
        other = numbers.standard_normal((2, *told.shape)) @ np.diag(heard) * size * np.abs(found.matrix).max()
        step = other[0] + (1j * other[1] if np.iscomplexobj(told) else 0.0)
        step = step - told * (np.real(np.vdot(told, step)) / np.linalg.norm(told) ** 2)
        assert product(segment, step) == pytest.approx(0.0, abs=1e-6 * np.abs(found.matrix).max())
        assert expected(segment, found.matrix + step, w) >= best * (1 - 1e-9)


@pytest.mark.parametrize("complex_entries", [False, True])
def test_little_noise_leaves_least_squares_but_for_the_size(complex_entries):
    numbers = np.random.default_rng(1)
    rows = numbers.standard_normal((6, 8)) + (1j * numbers.standard_normal((6, 8)) if complex_entries else 0.0)
    segment = Segment(rows, blocks=2)
    heard = np.array([True, True, False, True, True, True])
    plain, found = Decoder(segment)(heard), noise_aware(segment, 1e-7)(heard)
    assert plain.error > 0.1
    np.testing.assert_allclose(found.matrix, plain.matrix * 8 / (8 - plain.error), rtol=1e-4, atol=1e-5)


def test_little_noise_where_the_responders_decode_exactly_is_least_squares():
    segment = fractional_repetition(6, 2).segments[0]
    heard = np.array([True, False, True, True, False, True])
    found = noise_aware(segment, 1e-12)(heard)
    np.testing.assert_allclose(found.matrix, Decoder(segment)(heard).matrix, atol=1e-6)
    assert found.error < 1e-12


def test_much_noise_leaves_a_matched_filter():
    rows = np.array([[1.0, 0.0, 1.0], [0.0, 2.0, 2.0], [3.0, -1.0, 0.0], [0.0, 0.0, 0.0]])
    segment = Segment(rows)
    heard = np.array([True, True, True, True])
    filtered = np.append(rows[:3].sum(axis=1) / np.sum(rows[:3] ** 2, axis=1), 0.0)
    for w in (1e8, 1e300):
        found = noise_aware(segment, w)(heard).matrix[0]
        np.testing.assert_allclose(found, filtered * 3 / (filtered @ rows.sum(axis=1)), rtol=1e-6)


def test_without_noise_or_choice_it_is_the_plain_decoder():
    free, fixed = fractional_repetition(4, 1).segments[0], one_bit(4, 0.2, 2, rng=0).segments[0]
    assert type(noise_aware(free, 0.0)) is Decoder
    assert type(noise_aware(fixed, 3.0)) is Decoder
    heard = [True, True, False, True]
    assert noise_aware(fixed, 3.0)(heard).matrix.tolist() == [[1.0, 1.0, 0.0, 1.0]]


def test_the_expected_error_is_that_of_dithered_messages():
    """Gaussian partial gradients in 16 coordinates, norm-scaled dither, whose relative variance is exactly 15."""
    segment = random_regular(8, 2, 3, rng=2).segments[0]
    heard = np.array([True, True, False, True, True, True, False, True])
    length, runs = 16, 600
    dither, w = Dither("norm"), 15.0
    numbers = np.random.default_rng(0)
    found = noise_aware(segment, w)(heard).matrix[0]
    losses = []
    for run in range(runs):
        gradients = numbers.standard_normal((8, length))
        messages = segment.encode(gradients)
        packed = [
            dither.decompress(dither.compress(y, Stream(run, 0, j)), length, Stream(run, 0, j))
            for j, y in enumerate(messages)
        ]
        losses.append(np.sum((found @ np.array(packed) - gradients.sum(axis=0)) ** 2) / length)
    error, spread = np.mean(losses), np.std(losses) / np.sqrt(runs)
    assert abs(error - expected(segment, found[None], w)) < 4 * spread


def test_it_beats_least_squares_that_is_made_unbiased_where_exactness_is_dear():
    """A second difference decodes exactly with coefficients up to 9; noise then outweighs everything."""
    rows = np.eye(9) + np.diag(np.full(8, -0.9), 1)
    segment, heard, w = Segment(rows), np.ones(9, dtype=bool), 10.0
    exact = Decoder(segment)(heard)
    assert exact.error < 1e-20
    loss = expected(segment, noise_aware(segment, w)(heard).matrix, w)
    assert loss < 0.7 * expected(segment, exact.matrix, w)


def test_the_same_set_is_decoded_once_and_others_know_what_could_be_decoded():
    code = fractional_repetition(6, 1).segments[0]
    decoder = noise_aware(code, 5.0)
    heard = np.array([True, True, True, False, False, False])
    assert decoder(heard) is decoder(heard.tolist())
    assert decoder.decodes(heard)
    assert not decoder.decodes([True, False, False, True, False, False])
    assert decoder.error(heard) == decoder(heard).error
    assert decoder.running().decodes(heard)
    assert decoder.explain()[0].rule == "noise-aware"
    with pytest.raises(ValueError, match="read-only"):
        decoder(heard).matrix[0, 0] = 1.0


def test_nobody_and_nothing_heard():
    segment = Segment(np.array([[1.0, -1.0], [0.0, 0.0], [1.0, 0.0]]))
    for heard in ([False, False, False], [True, True, False], [False, True, False]):
        found = noise_aware(segment, 2.0)(heard)
        assert found.matrix.tolist() == [[0.0, 0.0, 0.0]]
        assert found.error == 2.0
    assert noise_aware(segment, 2.0)([False, False, True]).matrix.tolist() == [[0.0, 0.0, 2.0]]


@pytest.mark.parametrize("complex_entries", [False, True])
def test_systems_too_large_to_be_factored_give_the_same(complex_entries, monkeypatch):
    numbers = np.random.default_rng(4)
    rows = sparse.random_array((12, 20), density=0.3, rng=numbers).toarray() + np.eye(12, 20)
    segment = Segment(rows * (1.0 + 2.0j) if complex_entries else rows, blocks=2)
    heard = numbers.random(12) < 0.8
    dense = noise_aware(segment, 0.5)(heard)
    monkeypatch.setattr(noisy, "DENSE_LIMIT", 0)
    np.testing.assert_allclose(noise_aware(segment, 0.5)(heard).matrix, dense.matrix, atol=1e-9)


@pytest.mark.parametrize("variance", [-1.0, float("nan"), float("inf"), "much"])
def test_an_impossible_variance_is_refused(variance):
    with pytest.raises(InputError, match="variance is"):
        noise_aware(fractional_repetition(4, 1).segments[0], variance)
