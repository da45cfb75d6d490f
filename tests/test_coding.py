"""Sums of blocks against the dense formula: padding of every remainder, types, what is refused, and in what way."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gcopt
from gcopt import _coding_kernels as kernels
from gcopt import coding
from gcopt.code import GradientCode, Segment
from gcopt.errors import InputError

# the types of the coefficients and of what is added; compiled for few, because each pair takes a second
ALL = [(float, np.float32), (float, float), (complex, np.float32), (float, np.complex64), (complex, complex)]
PAIRS = {"numpy": ALL, "python": ALL, "compiled": [(float, np.float32), (complex, float)]}
ROUNDING = 1.0001 * 2.0**-24  # sums are float64: all that is left is one rounding to single precision


def take(way, monkeypatch):
    """Few numbers go by numpy; make them go by the kernels in stretches of 5, as plain Python or compiled."""
    if way != "numpy":
        monkeypatch.setattr(coding, "_FEW", -1)
        monkeypatch.setattr(coding, "_stretch", lambda vectors: 5)
    if way == "python":
        for name, function in list(vars(kernels).items()):
            if hasattr(function, "py_func"):
                monkeypatch.setattr(kernels, name, function.py_func)


@pytest.fixture(params=["numpy", "python"])
def way(request, monkeypatch):
    take(request.param, monkeypatch)
    return request.param


@pytest.fixture(params=list(PAIRS))
def any_way(request, monkeypatch):
    take(request.param, monkeypatch)
    return request.param


def numbers(rng, shape, dtype):
    values = rng.standard_normal(shape)
    return (values + 1j * rng.standard_normal(shape) if np.dtype(dtype).kind == "c" else values).astype(dtype)


def is_single(array):
    return np.finfo(array.dtype).bits == 32


def blocks_of(gradients, m):
    """Shape (m * k, width), block by block, filled up with zeros."""
    k, d = gradients.shape
    width = -(-d // m)
    padded = np.pad(gradients, ((0, 0), (0, m * width - d)))
    return padded.reshape(k, m, width).swapaxes(0, 1).reshape(m * k, width)


def a_code(rng, n, k, m, dtype=float):
    return GradientCode.from_matrix(numbers(rng, (n, m * k), dtype) * (rng.random((n, m * k)) < 0.7), blocks=m)


SIZES = {"n": st.integers(1, 11), "k": st.integers(1, 6), "m": st.integers(1, 7), "d": st.integers(0, 40)}
EXAMPLES = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@EXAMPLES
@given(data=st.data(), seed=st.integers(0, 99), **SIZES)
def test_messages_are_the_matrix_product(any_way, n, k, m, d, seed, data):
    kind, dtype = data.draw(st.sampled_from(PAIRS[any_way]))
    rng = np.random.default_rng(seed)
    code, gradients = a_code(rng, n, k, m, kind), numbers(rng, (k, d), dtype)
    (sent,) = code.encode(gradients)
    expected = code.segments[0].encoding.toarray() @ blocks_of(gradients, m)
    assert sent.shape == (n, -(-d // m))
    assert is_single(sent) == is_single(gradients)
    assert sent.dtype.kind == expected.dtype.kind
    np.testing.assert_allclose(sent, expected, rtol=ROUNDING if is_single(sent) else 0, atol=1e-13)


@EXAMPLES
@given(data=st.data(), seed=st.integers(0, 99), **SIZES)
def test_blocks_are_the_matrix_product_and_have_their_lengths_again(any_way, n, k, m, d, seed, data):
    kind, dtype = data.draw(st.sampled_from(PAIRS[any_way]))
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(n, rng.integers(0, n + 1), replace=False))
    coefficients, messages = numbers(rng, (m, rows.size), kind), numbers(rng, (n, -(-d // m)), dtype)
    messages[np.setdiff1d(np.arange(n), rows)] = np.nan  # nobody else is looked at
    out = np.full(d, np.nan, dtype=messages.real.dtype)
    assert coding.decode(coefficients, coding.numbers("messages", messages), rows, out)
    expected = np.real(coefficients @ messages[rows]).ravel()[:d]
    np.testing.assert_allclose(out, expected, rtol=ROUNDING if is_single(out) else 0, atol=1e-13)


@pytest.mark.parametrize("m", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("d", [*range(9), 23])
def test_every_remainder_comes_back(any_way, m, d):
    """Any k m + 1 random rows determine everything, so any of them may be missing; two segments share the gradient."""
    rng = np.random.default_rng(100 * m + d)
    segments = [
        Segment(rng.standard_normal((2 * m + 1, 2 * m)), blocks=m, length=share, stragglers=1) for share in (2, 1)
    ]
    code, gradients = GradientCode(tuple(segments)), rng.standard_normal((2, d)).astype(np.float32)
    heard = np.arange(code.workers) != d % code.workers
    found = gcopt.decode(code, code.encode(gradients), heard, parameters=d)
    assert found.dtype == np.float32
    largest = max(
        np.linalg.norm(gcopt.Decoder(s)(heard).matrix) * np.linalg.norm(s.encoding.toarray()) for s in segments
    )
    np.testing.assert_allclose(found, gradients.sum(axis=0, dtype=float), rtol=0, atol=1e-6 * largest)


def test_one_worker_needs_only_its_own_partitions(way):
    rng = np.random.default_rng(0)
    segments = tuple(a_code(rng, 5, 6, m).segments[0] for m in (3, 1))
    code, gradients = GradientCode(segments), rng.standard_normal((6, 23)).astype(np.float32)
    sent = code.encode(gradients)
    for j in range(5):
        own = code.encode(gradients[code.support[[j]].indices], worker=j)
        for mine, everybodys in zip(own, sent, strict=True):
            np.testing.assert_allclose(mine, everybodys[[j]], rtol=2 * ROUNDING)


def test_any_layout_will_do(way):
    rng = np.random.default_rng(1)
    code, gradients = a_code(rng, 3, 4, 2), rng.standard_normal((4, 15)).astype(np.float32)
    usual = code.encode(gradients)[0]
    wide = np.full((8, 30), np.nan, np.float32)
    wide[::2, ::2] = gradients
    others = [np.asfortranarray(gradients), wide[::2, ::2], gradients.astype(">f4").astype("f4"), gradients[::-1][::-1]]
    for other in others:
        assert np.array_equal(code.encode(other)[0], usual)
    everything = np.hstack([np.zeros((4, 2), np.float32), gradients, np.full((4, 1), np.nan, np.float32)])
    assert np.array_equal(code.segments[0].encode(everything, 2, 17), usual)
    whole = coding.numbers("messages", np.asfortranarray(usual))
    out, again = np.empty(15, np.float32), np.empty(15, np.float32)
    coefficients = np.asfortranarray(rng.standard_normal((2, 3)))
    coding.decode(coefficients, whole, np.arange(3), out)
    coding.decode(coefficients, usual, np.arange(3), again)
    assert np.array_equal(out, again)


def test_messages_given_one_by_one_are_taken_where_they_are(way, monkeypatch):
    rng = np.random.default_rng(2)
    board, coefficients = rng.standard_normal((5, 8)), rng.standard_normal((2, 3))
    board[[1, 3]] = np.nan
    read = []
    monkeypatch.setattr(
        coding, "decode", lambda c, whole, rows, out, by=coding.decode: read.append(whole) or by(c, whole, rows, out)
    )
    results = []
    for payloads in (
        [board[j] for j in (0, 2, 4)],
        [board[j].copy() for j in (0, 2, 4)],
        [board[0], board[2].copy(), board[4]],
    ):
        results.append(np.empty(15))
        coding.combine(coefficients, payloads, results[-1])
    assert [np.shares_memory(whole, board) for whole in read] == [True, False, False]
    np.testing.assert_allclose(results[0], (coefficients @ board[[0, 2, 4]]).ravel()[:15], atol=1e-13)
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])


@pytest.mark.filterwarnings("ignore:invalid value encountered")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(0, 0), (1, 7), (2, 12)])
def test_nothing_but_finite_numbers_passes(any_way, value, place):
    """Partition 2 is nobody's and worker 2 has no coefficient, yet both are looked at."""
    code = GradientCode.from_matrix([[1.0, 1, 0, 1, 1, 0], [0, 2, 0, 2, 0, 0]], blocks=2)
    gradients = np.ones((3, 13), np.float32)
    code.encode(gradients)
    gradients[place] = value
    with pytest.raises(InputError, match="gradients holds NaN or infinity; finite numbers are expected"):
        code.encode(gradients)
    messages, out = np.ones((3, 13), np.float32), np.empty(26, np.float32)
    coefficients = np.array([[1.0, 2.0, 0.0], [1.0, -1.0, 0.0]])
    seen = coding.numbers("messages", messages)
    assert coding.decode(coefficients, seen, np.arange(3), out)
    messages[place] = value
    assert not coding.decode(coefficients, seen, np.arange(3), out)


def test_sums_beyond_the_largest_number_are_nobodys_fault(way):
    code = GradientCode.from_matrix([[1e200]])
    with np.errstate(over="ignore", invalid="ignore"):
        assert code.encode(np.full((1, 6), 1e200))[0].tolist() == [[np.inf] * 6]


@pytest.mark.parametrize(
    ("gradients", "worker", "message"),
    [
        (np.ones((3, 4)), None, r"gradients has shape \(3, 4\); \(2, d\) is expected"),
        (np.ones((2, 4)), 1, r"gradients has shape \(2, 4\); \(1, d\) is expected"),
        (np.ones((2, 4)), 2, "worker is 2; an integer from 0 to 1"),
        (np.ones(2), None, r"gradients has shape \(2,\)"),
        (np.array([["a"], ["b"]]), None, "gradients holds no numbers"),
        (np.array([[None], [1.0]]), None, "gradients holds no numbers"),
    ],
)
def test_impossible_gradients_are_refused(gradients, worker, message):
    with pytest.raises(InputError, match=message):
        GradientCode.from_matrix([[1.0, 2.0], [0.0, 1.0]]).encode(gradients, worker)


def test_messages_must_be_numbers_of_the_right_shape():
    code = gcopt.families.fractional_repetition(4, 1)
    for messages, words in ((np.full((4, 2), "a"), "holds no numbers"), (np.ones((4, 3)), r"\(4, 2\) is expected")):
        with pytest.raises(InputError, match=words):
            gcopt.decode(code, [messages], [True] * 4, parameters=2)
