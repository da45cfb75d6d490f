"""What every compressor promises: sizes, means, variances, bounds, and what it refuses."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcopt.compression import Dither, Feedback, Rotated, ScaledSign, Stream, TopK, TwoLevel, parse
from gcopt.errors import InputError

UNBIASED = [
    "none",
    "dither1:max",
    "dither1:norm",
    "dither1:max,subtractive",
    "dither1:norm,subtractive",
    "dither1:6.0",
    "dither1:max,block=8",
    "two-level",
    "two-level:block=16",
    "random:3",
    "random:0.5",
]
ROTATED = ["rotate+dither1:max", "rotate+dither1:max,subtractive", "rotate+two-level"]
BIASED = ["float32", "float16", "bfloat16", "sign", "sign:block=8", "top:2", "top:0.5", "rotate+sign"]
FEEDBACK = ["feedback+sign", "feedback+top:3", "feedback+dither1:norm", "feedback+rotate+dither1:max"]
ALL = [*UNBIASED, *ROTATED, *BIASED, *FEEDBACK]
LENGTHS = (1, 5, 13, 64)


def vector(length, seed=0, kind=np.float64):
    return np.random.default_rng(seed).standard_normal(length).astype(kind)


def trials(word, x, count, seed=3):
    """What the master makes of the same vector, many times, shape (count, D)."""
    chosen, streams = parse(word), [Stream(seed, version=t, worker=t % 7) for t in range(count)]
    return np.array([chosen.decompress(chosen.compress(x, s), x.size, s) for s in streams])


def test_worked_example_by_all_patterns_of_bits():
    """x = (3, -4, 0, 1): mean and variance over every pattern, weighted by its probability."""
    x = np.array([3.0, -4.0, 0.0, 1.0])
    cases = [
        (Dither("norm"), -5.0990195136, 5.0990195136, 78.0),
        (Dither("max"), -4.0, 4.0, 38.0),
        (TwoLevel(), -4.0, 3.0, 22.0),
    ]
    for compressor, low, high, expected in cases:
        chance = (x - low) / (high - low)
        patterns = np.array(list(product([0, 1], repeat=4)))
        likely = np.prod(np.where(patterns, chance, 1 - chance), axis=1)
        values = np.where(patterns, high, low)
        assert likely @ values == pytest.approx(x)
        variance = likely @ np.sum((values - x) ** 2, axis=1)
        assert variance == pytest.approx(expected, rel=1e-7)
        assert compressor.variance(x) == pytest.approx(expected, rel=1e-6)
    assert ScaledSign().variance(x) == 10.0
    assert ScaledSign().decompress(ScaledSign().compress(x), 4).tolist() == [2.0, -2.0, 2.0, 2.0]
    assert pytest.approx((1 - 64 / 104) * 26.0) == 10.0
    assert TopK(1).variance(x) == 10.0 <= 0.75 * 26.0


def test_a_rotation_levels_what_sticks_out():
    """D = 1024: the bound, one-hot vectors, a power law."""
    one_hot, power = np.eye(1024)[17], 1.0 / np.arange(1.0, 1025.0)
    plain, rotated = Dither("max"), Rotated(Dither("max"))
    assert rotated.relative(1024) == pytest.approx(2 * (np.log(2048) + 1) - 1, abs=1e-5)
    assert rotated.relative(1024) == pytest.approx(16.249, abs=1e-3)
    assert plain.variance(one_hot) == pytest.approx(1023.0)
    assert rotated.variance(one_hot) == pytest.approx(0.0, abs=1e-3)
    assert plain.variance(power) / (power @ power) == pytest.approx(621.887, abs=1e-3)
    assert rotated.variance(power) / (power @ power) == pytest.approx(3.96, abs=0.4)


@pytest.mark.parametrize("length", [1, 2, 3, 8, 13, 100])
def test_rotations_are_orthogonal_and_of_any_length(length):
    rotated, x = Rotated(Dither()), vector(length)
    turned = rotated._turned(x, Stream(5))
    assert np.sum(turned**2) == pytest.approx(np.sum(x**2))
    assert length < 8 or not np.allclose(np.sort(np.abs(turned)), np.sort(np.abs(x)))
    lossless = Rotated(parse("none"))
    assert trials(str(lossless), x, 3) == pytest.approx(np.tile(x, (3, 1)), abs=1e-12)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("word", ALL)
def test_a_message_has_the_bytes_it_says_and_no_more(word, length):
    chosen = parse(word)
    for kind in (np.float64, np.float32):
        assert chosen.compress(vector(length, kind=kind)).nbytes == chosen.size(length)
    assert str(parse(str(chosen))) == word
    for one_bit, scales in (("dither1:max", 4), ("rotate+dither1:max,subtractive", 4), ("two-level", 8), ("sign", 4)):
        assert parse(one_bit).size(10_007) <= 10_007 / 8 * 1.01 + scales
    assert parse("dither1:3.0").size(10_007) == 1251


@pytest.mark.parametrize("word", [*UNBIASED, *ROTATED])
def test_the_mean_is_right(word):
    x = vector(13)
    found = trials(word, x, 1200)
    # scales are rounded to single precision, so that the largest coordinate is hardly ever turned
    error = 5 * found.std(axis=0) / np.sqrt(len(found)) + 1e-6
    assert (np.abs(found.mean(axis=0) - x) < error).all()


@pytest.mark.parametrize("word", [w for w in ALL if not w.startswith("rotate") and "+rotate" not in w])
def test_the_variance_is_right(word):
    x = vector(13, seed=1)
    squares = np.sum((trials(word, x, 1200) - x) ** 2, axis=1)
    slack = 5 * squares.std() / np.sqrt(len(squares)) + 1e-9
    assert squares.mean() == pytest.approx(parse(word).variance(x), abs=slack)


@pytest.mark.parametrize("word", ["rotate+dither1:max", "rotate+two-level", "rotate+sign"])
def test_the_variance_of_a_rotated_one_is_the_mean_over_rotations(word):
    """Given the rotation that a stream says, what is inside has its exact variance."""
    x, chosen = vector(13, seed=1), parse(word)
    streams = [Stream(3, version=t, worker=t % 7) for t in range(1200)]
    expected = np.array([chosen.inner.variance(chosen._turned(x, stream)) for stream in streams])
    off = np.sum((trials(word, x, 1200) - x) ** 2, axis=1) - expected
    assert off.mean() == pytest.approx(0.0, abs=5 * off.std() / np.sqrt(1200) + 1e-9)
    assert chosen.variance(x) == pytest.approx(expected.mean(), abs=5 * expected.std() / np.sqrt(64) + 1e-9)


def test_what_is_subtracted_leaves_an_error_that_knows_nothing_of_the_vector():
    x = np.array([2.0, 0.1, -1.0, 0.0])
    off = (trials("dither1:max,subtractive", x, 3000) - x) / 2.0
    assert np.abs(off).max() <= 1.0 + 1e-6
    for column in off.T:
        share = np.histogram(column, bins=8, range=(-1, 1))[0] / len(column)
        assert np.abs(share - 1 / 8).max() < 5 * np.sqrt(1 / 8 * 7 / 8 / len(column))
    assert np.abs(np.corrcoef(off.T) - np.eye(4)).max() < 5 / np.sqrt(3000)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([*UNBIASED, *BIASED]), st.integers(1, 40), st.integers(0, 999), st.booleans())
def test_no_vector_loses_more_than_is_proved(word, length, seed, spiky):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(length) * (10.0 ** rng.uniform(-6, 6, length) if spiky else 1.0)
    if spiky and seed % 3 == 0:
        x = np.where(np.arange(length) == seed % length, x, 0.0)
    chosen = parse(word)
    bound = chosen.relative(length)
    assert chosen.contraction(length) == 1.0 - bound
    if word == "float16":  # what is beyond its range is counted, not proved
        x = np.clip(x, -6e4, 6e4)
    if np.isfinite(bound):
        assert chosen.variance(x) <= (bound * (1 + 1e-6) + 1e-12) * np.sum(x**2)


@pytest.mark.parametrize(
    "word", ["sign", "top:3", "dither1:max", "dither1:norm", "dither1:max,subtractive", "two-level", "random:20"]
)
def test_what_is_typical_is_that_of_gaussian_vectors(word):
    rng, chosen = np.random.default_rng(4), parse(word)
    for length in (40, 1000):
        x = rng.standard_normal((300, length))
        ratio = np.sum([chosen.variance(one) for one in x]) / np.sum(x**2)
        assert ratio == pytest.approx(chosen.typical(length), rel=0.08)


@pytest.mark.parametrize("word", FEEDBACK)
def test_feedback_contracts(word):
    x = vector(13, seed=2)
    squares = np.sum((trials(word, x, 600) - x) ** 2, axis=1)
    assert 0.0 < parse(word).contraction(13) <= 1.0
    assert squares.mean() <= (1 - parse(word).contraction(13)) * np.sum(x**2) + 5 * squares.std() / np.sqrt(600)
    with pytest.raises(InputError, match="once is enough"):
        Feedback(parse(word))


@pytest.mark.parametrize("word", ALL)
def test_nothing_comes_of_nothing(word):
    if word == "dither1:6.0":  # a scale that is known is there for small vectors, too
        return
    assert not trials(word, np.zeros(11), 3).any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("word", ALL)
def test_what_is_not_finite_is_refused(word, bad):
    for place in (0, 7, 12):
        x = vector(13)
        x[place] = bad
        with pytest.raises(InputError):
            trials(word, x, 12)


@pytest.mark.parametrize("word", [w for w in ALL if w not in ("none", "dither1:6.0", "float16")])
def test_what_is_too_large_for_single_precision_is_refused(word):
    with pytest.raises(InputError), np.errstate(over="ignore"):
        parse(word).compress(np.full(13, 1e200))


def test_what_is_beyond_a_fixed_scale_is_counted_and_its_variance_is_right():
    x, chosen = np.array([0.5, 3.0, -0.2, -2.0, 1.0]), Dither(1.0)
    out = np.empty(chosen.size(5), dtype=np.uint8)
    assert chosen.pack(x, Stream(0), out) == 2
    for word in ("dither1:1.0", "dither1:1.0,subtractive"):
        squares = np.sum((trials(word, x, 4000) - x) ** 2, axis=1)
        assert squares.mean() == pytest.approx(parse(word).variance(x), rel=0.02)
    assert parse("float16").pack(np.array([1e6, -7e4, 1.0]), Stream(0), np.empty(6, dtype=np.uint8)) == 2


@pytest.mark.parametrize("word", ["dither1:max", "random:4", "rotate+dither1:max", "two-level"])
def test_the_stream_decides(word):
    chosen, x = parse(word), vector(200)
    same, again = (chosen.compress(x, Stream(1, 2, 3, 4)) for _ in range(2))
    assert np.array_equal(same, again)
    for other in (Stream(2, 2, 3, 4), Stream(1, 3, 3, 4), Stream(1, 2, 4, 4), Stream(1, 2, 3, 5)):
        assert not np.array_equal(same, chosen.compress(x, other))


@pytest.mark.parametrize("word", ALL)
def test_multiples_are_added_to_every_row(word):
    chosen, x, stream = parse(word), vector(37), Stream(9)
    message = chosen.compress(x, stream)
    for kind in (np.float64, np.float32):
        out = np.ones((3, 37), dtype=kind)
        chosen.add(message, stream, np.array([0.0, 1.0, -2.0]), out)
        expected = 1.0 + np.outer([0.0, 1.0, -2.0], chosen.decompress(message, 37, stream))
        assert out == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("dither1:maxx", "scale is 'maxx'"),
        ("dither1:-1", "scale is -1"),
        ("dither1:max,block=7", "block is 7"),
        ("dither1:max,fast", "no option 'fast'"),
        ("top:0", "kept is 0"),
        ("top:1.5", "kept is 1.5"),
        ("top", "top"),
        ("rotate+", "compress is 'rotate\\+'"),
        ("a+b", "compress is 'a\\+b'"),
        ("zip", "there are: "),
        ("rotate+rotate+sign", "once is enough"),
        ("rotate+feedback+sign", "feedback\\+rotate would work"),
    ],
)
def test_nonsense_is_refused_in_words(word, said):
    with pytest.raises(InputError, match=said):
        parse(word)


def test_messages_and_vectors_of_other_shapes_are_refused():
    chosen = Dither()
    with pytest.raises(InputError, match="real numbers in one row"):
        chosen.compress(np.ones((2, 2)))
    with pytest.raises(InputError, match="real numbers in one row"):
        chosen.compress(np.ones(2) * 1j)
    with pytest.raises(InputError, match="needs 5 bytes"):
        chosen.decompress(np.zeros(4, dtype=np.uint8), 3)


def test_damaged_places_are_refused():
    x = vector(1000)
    for chosen in (TopK(3), TopK(0.5)):
        message = chosen.compress(x)
        message[-1] = message[-2] = 255
        with pytest.raises(InputError, match="is damaged"):
            chosen.decompress(message, 1000)


def test_bfloat16_rounds_to_even():
    ties = np.array([1.0 + 2.0**-8, 1.0 + 3 * 2.0**-8, -(1.0 + 2.0**-8), 1.0 + 2.0**-8 + 2.0**-30])
    chosen = parse("bfloat16")
    assert chosen.decompress(chosen.compress(ties), 4).tolist() == [1.0, 1.0 + 2.0**-6, -1.0, 1.0 + 2.0**-7]
