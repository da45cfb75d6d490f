"""Block designs: one weight for all responders, against least squares and the numbers of the literature."""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from gcopt.averages import mean_error, moments
from gcopt.code import Segment
from gcopt.decoding import Decoder, components
from gcopt.decoding.design import Design
from tests.decoding.cases import check, kinds
from tests.matrices import FANO, PLANE

AFFINE = np.array([[x == c if m == 3 else (m * x + c) % 3 == y for x in range(3) for y in range(3)]
                   for m in range(4) for c in range(3)], dtype=float)  # fmt: skip
DESIGNS = {
    "Fano": FANO,
    "Fano/3": FANO / 3,
    "complement": 1 - FANO,
    "plane of order 3": -2 * PLANE,
    "affine plane, workers are points": AFFINE.T,
    "all but one": np.ones((6, 6)) - np.eye(6),
    "complex": FANO * np.exp(0.4j),
    "two workers": np.array([[1.0, 2.0, 0.0], [0.0, 2.0, 1.0]]),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_a_design_decodes_as_least_squares_do(name):
    decoder = Decoder(Segment(DESIGNS[name]))
    assert kinds(decoder) == {"block design"}
    rng = np.random.default_rng(0)
    for share in (1.0, 0.9, 0.7, 0.5, 0.3, 0.0):
        heard = rng.random(len(DESIGNS[name])) < share
        check(decoder, heard)
        assert decoder.components[0].error(heard) == pytest.approx(decoder(heard).error, rel=1e-9, abs=1e-11)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 8), st.integers(0, 6), st.booleans(), st.integers(0, 10**6))
def test_any_rows_with_equal_angles_are_a_design(n, more, complex_, seed):
    """Columns orthogonal to the target may be anything that makes the Gram matrix a I + b J."""
    rng = np.random.default_rng(seed)
    square = np.linalg.qr(rng.standard_normal((n + more, n + more)) + 1j * complex_ * rng.standard_normal(()))[0]
    gram = rng.uniform(0.5, 2.0) * np.eye(n) + rng.uniform(-0.2 / n, 1.0)
    rows = np.linalg.cholesky(gram) @ square[:n]
    # turn the rows so that their sums are equal
    matrix = rows @ _turn(rows)
    segment = Segment(matrix if complex_ else matrix.real)
    assert kinds(Decoder(segment)) == {"block design"}
    for share in (1.0, 0.7, 0.4):
        check(Decoder(segment), rng.random(n) < share)


def _turn(rows):
    """Unitary U with equal sums of rows @ U: it takes a vector whose products with the rows are equal to the ones."""
    n, k = rows.shape
    equal = np.linalg.pinv(rows) @ np.ones(n)
    first = np.linalg.qr(np.column_stack([equal / np.linalg.norm(equal), np.eye(k)]))[0][:, :k]
    last = np.linalg.qr(np.column_stack([np.ones(k) / np.sqrt(k), np.eye(k)]))[0][:, :k]
    return first @ last.conj().T


def test_blocks_with_equal_sums():
    matrix = np.hstack([FANO, 2 * FANO])
    decoder = Decoder(Segment(matrix, blocks=2))
    assert kinds(decoder) == {"block design"}
    for count in range(8):
        check(decoder, np.arange(7) < count)


@pytest.mark.parametrize(
    ("matrix", "errors"),
    [(FANO, [0, 1 / 4, 4 / 7, 1, 1.6, 2.5, 4]), (PLANE, [0, 0.2, 3 / 7, 9 / 13, 1.0])],
)
def test_errors_of_every_set(matrix, errors):
    decoder = Decoder(Segment(matrix))
    n = len(matrix)
    for s, error in enumerate(errors):
        for lost in list(combinations(range(n), s))[:50]:
            heard = ~np.isin(np.arange(n), lost)
            assert decoder(heard).error == pytest.approx(error, abs=1e-12)
            assert decoder.components[0].error(heard) == pytest.approx(error, abs=1e-12)


def test_means_are_exact_for_any_size():
    n = 91
    squares = {0, 1, 3, 9, 27, 49, 56, 61, 77, 81}  # a difference set modulo 91
    plane = np.array([[(p - b) % n in squares for p in range(n)] for b in range(n)], dtype=float)
    decoder = Decoder(Segment(plane))
    rng = np.random.default_rng(0)
    assert kinds(decoder) == {"block design"}
    for s, value in ((9, 0.890110), (22, 2.538462)):
        found = mean_error(decoder, stragglers=s, probability=None, samples=2, rng=rng)
        assert found.exact
        assert found.value == pytest.approx(value, rel=1e-6)
        same = moments(decoder, stragglers=s, probability=None, samples=2, rng=rng)
        assert same.exact
        assert same.error.value == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("probability", [0.25, [0.1, 0.2, 0.3, 0.4, 0.5, 0.0, 0.9]])
def test_means_over_independent_stragglers_agree_with_enumeration(probability):
    decoder = Decoder(Segment(FANO))
    chances = np.broadcast_to(probability, 7)
    sets = [np.array([number >> j & 1 == 1 for j in range(7)]) for number in range(128)]
    weights = [np.prod(np.where(heard, 1 - chances, chances)) for heard in sets]
    expected = sum(w * decoder(heard).error for w, heard in zip(weights, sets, strict=True))
    estimate = sum(w * (decoder(heard).matrix @ FANO)[0] for w, heard in zip(weights, sets, strict=True))
    given_ = {"stragglers": 0, "probability": probability, "samples": 2, "rng": np.random.default_rng(0)}
    assert mean_error(decoder, **given_).value == pytest.approx(expected)
    found = moments(decoder, **given_)
    np.testing.assert_allclose(found.mean[0], estimate)
    assert found.error.value == pytest.approx(expected)


def test_independent_stragglers_of_the_fano_plane():
    """Identity E of the theory: alpha = 1 - E err / k."""
    found = moments(Decoder(Segment(FANO)), stragglers=0, probability=0.25, samples=2, rng=np.random.default_rng(0))
    assert found.factor == pytest.approx(0.9206346784)
    assert found.crooked < 1e-20


def test_one_answer_is_missing_from_a_repetition_of_any_size():
    decoder = Decoder(Segment(np.ones((300, 2))))
    rng = np.random.default_rng(0)
    found = mean_error(decoder, stragglers=0, probability=0.9, samples=2, rng=rng)
    assert found.exact
    assert found.value == pytest.approx(2 * 0.9**300)


@pytest.mark.parametrize("edit", ["entry", "sums", "overlap", "flat"])
def test_what_is_no_design_is_not_taken_for_one(edit):
    matrix = FANO.copy()
    if edit == "entry":
        matrix[6, np.flatnonzero(matrix[6])[0]] *= 1 + 1e-9
    elif edit == "sums":
        matrix[6] *= -1.0
    elif edit == "overlap":
        matrix = nx.to_numpy_array(nx.petersen_graph())
    else:  # B B^T = 3 I - J is singular
        matrix = np.array([[1.0, -1.0, 0.0], [0.0, 1.0, -1.0], [-1.0, 0.0, 1.0]])
    decoder = Decoder(Segment(matrix))
    assert not Design.fits(sparse.csr_array(matrix), 1)
    for share in (1.0, 0.8, 0.5):
        check(decoder, np.random.default_rng(1).random(len(matrix)) < share)


def test_how_many_workers_a_design_needs():
    assert [component.needed for component in components(Segment(FANO))] == [7]
    assert [component.needed for component in components(Segment(AFFINE.T))] == [9]
    assert [component.needed for component in components(Segment(np.hstack([FANO, np.eye(7)])))] == [None]
