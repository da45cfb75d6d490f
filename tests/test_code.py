"""The object itself: shapes, what it counts, what it refuses, encoding against the definition."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import gcopt
from gcopt.code import Claim, GradientCode, Segment, frozen, frozen_matrix
from gcopt.errors import InputError


def two_segments(**options):
    first = Segment(np.eye(3), length=3)
    second = Segment(np.array([[1.0, 2, 0], [0, 1, 1], [0, 0, 5]]), length=1, stragglers=1)
    return GradientCode((first, second), **options)


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 5), k=st.integers(1, 4), m=st.integers(1, 3), length=st.integers(0, 9), data=st.data())
def test_encode_is_the_sum_over_blocks_and_partitions(n, k, m, length, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    tensor = rng.standard_normal((n, m, k)) * rng.integers(0, 2, (n, m, k))
    if data.draw(st.booleans()):
        tensor = tensor * (1 + 2j)
    gradients = rng.standard_normal((k, length))
    width = -(-length // m)
    padded = np.zeros((k, m * width))
    padded[:, :length] = gradients
    blocks = padded.reshape(k, m, width)
    expected = np.einsum("jui,iuw->jw", tensor, blocks)
    (sent,) = GradientCode.from_matrix(tensor.reshape(n, m * k), blocks=m).encode(gradients)
    assert sent.shape == (n, width)
    np.testing.assert_allclose(sent, expected, atol=1e-13)


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=6), st.integers(0, 10**6))
def test_cuts_cover_every_coordinate_once(lengths, parameters):
    code = GradientCode(tuple(Segment(np.eye(2), length=length) for length in lengths))
    cuts = code.cuts(parameters)
    assert (cuts[0], cuts[-1]) == (0, parameters)
    assert (np.diff(cuts) >= 0).all()
    assert (np.abs(np.diff(cuts) - code.shares * parameters) <= 1 + 1e-9 * parameters).all()


def test_counts_come_from_the_entries():
    segment = Segment(np.array([[1.0, 0, 0, 2], [0, 0, 3, 4]]), blocks=2)
    assert segment.support.toarray().tolist() == [[True, True], [True, True]]
    assert (segment.workers, segment.partitions) == (2, 2)
    assert segment.pairs.tolist() == [2, 2]
    one = Segment(np.array([[1.0, 0, 5, 0], [0, 0, 0, 0]]), blocks=2)
    assert one.support.toarray().tolist() == [[True, False], [False, False]]
    assert (one.pairs.tolist(), one.load.tolist(), one.replication.tolist()) == ([2, 0], [1, 0], [1, 0])


def test_several_segments_are_summed_up():
    code = two_segments()
    assert code.shares.tolist() == [0.75, 0.25]
    assert (code.load, code.replication, code.stragglers, code.blocks) == (2, 1, 0, 1)
    assert code.support.toarray().tolist() == [[True, True, False], [False, True, True], [False, False, True]]
    sent = code.encode(np.eye(3))
    assert [part.shape for part in sent] == [(3, 2), (3, 1)]
    assert "segments=2" in repr(code)
    assert "segments" not in repr(gcopt.families.uncoded(3))


def test_types_are_widened_and_complex_stays():
    assert GradientCode.from_matrix([[1, 2]]).dtype == np.float64
    assert GradientCode.from_matrix(np.ones((1, 2), np.float32)).dtype == np.float64
    assert GradientCode.from_matrix([[True]]).dtype == np.float64
    assert GradientCode.from_matrix([[1j]]).dtype == np.complex128
    assert GradientCode.from_matrix(sparse.coo_array([[1.0, 0.0]])).segments[0].encoding.nnz == 1


def test_stored_zeros_and_duplicates_do_not_count():
    doubled = sparse.coo_array(([1.0, 2.0, 1.0, -1.0], ([0, 0, 1, 1], [0, 0, 1, 1])), shape=(2, 2))
    segment = Segment(doubled)
    assert segment.encoding.toarray().tolist() == [[3.0, 0.0], [0.0, 0.0]]
    assert segment.load.tolist() == [1, 0]


def test_nothing_can_be_changed():
    given_matrix = np.eye(3)
    code = GradientCode.from_matrix(given_matrix)
    given_matrix[0, 0] = 7.0
    assert code.segments[0].encoding[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        code.segments[0].encoding.data[0] = 2.0
    with pytest.raises(AttributeError):
        code.family = "mine"
    with pytest.raises(TypeError):
        code.parameters["workers"] = 5
    changed = code.with_claims([Claim("load", 1.0, "counted")])
    assert (len(code.claims), len(changed.claims)) == (0, 1)
    assert changed.segments is code.segments


def test_codes_can_be_pickled_and_copied():
    code = gcopt.families.grouped(7, 2)
    for again in (pickle.loads(pickle.dumps(code)), copy.deepcopy(code)):
        assert (again.segments[0].encoding != code.segments[0].encoding).nnz == 0
        assert again.claims == code.claims
        assert dict(again.parameters) == dict(code.parameters)
        assert not again.segments[0].encoding.data.flags.writeable


@pytest.mark.parametrize(
    ("matrix", "options", "message"),
    [
        ([[1.0, np.nan]], {}, "holds NaN or infinity"),
        ([[1.0, np.inf]], {}, "holds NaN or infinity"),
        ([[1, 2], [3]], {}, "rows of unequal lengths"),
        ([1.0, 2.0], {}, r"has shape \(2,\)"),
        (np.zeros((0, 3)), {}, r"has shape \(0, 3\)"),
        (np.zeros((2, 2, 2)), {}, r"has shape \(2, 2, 2\)"),
        ([["a"]], {}, "numbers are expected"),
        ([[None]], {}, "numbers are expected"),
        (np.eye(3), {"blocks": 2}, "blocks is 2; it must divide the 3 columns"),
        (np.eye(3), {"blocks": 0}, "blocks is 0"),
        (np.eye(3), {"blocks": 1.5}, "blocks is 1.5"),
        (np.eye(3), {"stragglers": 3}, "stragglers is 3; an integer from 0 to 2"),
        (np.eye(3), {"stragglers": -1}, "stragglers is -1"),
        (np.eye(3), {"stragglers": 0.5}, "stragglers is 0.5"),
        (np.eye(3), {"length": 0.0}, "length is 0.0"),
        (np.eye(3), {"length": np.nan}, "length is nan"),
        (np.eye(3), {"length": np.inf}, "length is inf"),
        (np.eye(3), {"length": "long"}, "length is 'long'"),
        (np.eye(3), {"decoder": "magic"}, "one of least-squares, one-step, scaled, sum would work"),
    ],
)
def test_impossible_segments_are_refused_in_one_line(matrix, options, message):
    with pytest.raises(InputError, match=message) as caught:
        GradientCode.from_matrix(matrix, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        (Claim("exact", 0.0, "", stragglers=1, segment=2), "segment 2; there are 2"),
        (Claim("exact", 0.0, "", stragglers=3), "3 stragglers; there are 3 workers"),
        (Claim("load", np.nan, ""), "promises nan"),
    ],
)
def test_impossible_claims_are_refused(claims, message):
    with pytest.raises(InputError, match=message):
        two_segments(claims=(claims,))


def test_segments_must_agree_and_exist():
    with pytest.raises(InputError, match="segments is empty"):
        GradientCode(())
    with pytest.raises(InputError, match="segments disagree"):
        GradientCode((Segment(np.eye(2)), Segment(np.eye(3))))


@pytest.mark.parametrize(
    ("gradients", "message"),
    [
        (np.ones((2, 5)), r"shape \(2, 5\); \(3, d\) is expected"),
        (np.ones(3), r"shape \(3,\)"),
        (np.full((3, 2), np.nan), "NaN"),
        ([["a"]] * 3, "no numbers"),
    ],
)
def test_impossible_gradients_are_refused(gradients, message):
    with pytest.raises(InputError, match=message):
        two_segments().encode(gradients)


def test_claims_read_as_sentences():
    for kind in ("exact", "load", "replication", "noise", "unbiased"):
        assert kind in ("load", "replication") or "stragglers" in str(Claim(kind, 1.0, "", stragglers=2))
        assert str(Claim(kind, 1.0, "", stragglers=2, segment=1)).startswith("segment 1: ")
    assert str(Claim("speed", 2.5, "")) == "speed 2.5"


def test_frozen_matrix_leaves_the_original_alone():
    original = sparse.csr_array(np.array([[0.0, 1.0]]))
    original.data[0] = 3.0
    frozen = frozen_matrix(original)
    original.data[0] = 4.0
    assert frozen.toarray().tolist() == [[0.0, 3.0]]


def test_what_nobody_can_write_to_is_shared_and_everything_else_is_copied():
    matrix = sparse.csr_array(np.eye(3))
    assert not np.shares_memory(Segment(matrix).encoding.data, matrix.data)
    assert matrix.data.flags.writeable
    assert np.shares_memory(Segment(frozen(matrix)).encoding.data, matrix.data)
    with_zero = frozen(sparse.csr_array((np.array([1.0, 0.0]), np.array([0, 1]), np.array([0, 1, 2])), shape=(2, 2)))
    assert Segment(with_zero).encoding.nnz == 1
