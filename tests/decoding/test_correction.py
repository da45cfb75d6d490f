"""Codes without a structure that helps: the correction for missing workers against least squares."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcopt.code import Segment
from gcopt.decoding import Decoder
from gcopt.decoding.correction import Correction
from tests.decoding.cases import check, kinds
from tests.matrices import PETERSEN

SINGULAR = {
    "cube of dimension 4": nx.to_numpy_array(nx.hypercube_graph(4)),
    "square": nx.to_numpy_array(nx.grid_2d_graph(3, 4)),
    "star of paths": nx.to_numpy_array(nx.balanced_tree(3, 2)),
    "fewer partitions": np.random.default_rng(5).standard_normal((12, 3)) @ np.ones((3, 8)) + np.eye(12, 8),
    "path": nx.to_numpy_array(nx.path_graph(7)),
    "octahedron": nx.to_numpy_array(nx.octahedral_graph()),
    "random": nx.to_numpy_array(nx.random_regular_graph(4, 16, seed=3)),
}


@st.composite
def codes(draw):
    """Codes of full rank, of low rank, with fewer partitions than workers; sparse, weighted, complex, in blocks."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    n, k, blocks = draw(st.integers(2, 12)), draw(st.integers(2, 10)), draw(st.integers(1, 2))
    matrix = rng.standard_normal((n, blocks * k))
    if draw(st.booleans()):
        matrix = matrix + 1j * rng.standard_normal(matrix.shape)
    kind = draw(st.sampled_from(["dense", "sparse", "rank", "zero-one", "twins"]))
    if kind == "sparse":
        matrix = matrix * (rng.random(matrix.shape) < 0.4)
    elif kind == "rank":
        r = max(1, n // 2)
        matrix = rng.standard_normal((n, r)) @ matrix[:r]
    elif kind == "zero-one":
        matrix = (rng.random(matrix.shape) < 0.4).astype(float)
    else:
        matrix[n // 2 :] = 2.0 * matrix[: n - n // 2]
    return Segment(matrix, blocks=blocks)


@settings(max_examples=200, deadline=None)
@given(codes(), st.integers(0, 10**6))
def test_any_code_decodes_as_least_squares_do(segment, seed):
    decoder = Decoder(segment)
    rng = np.random.default_rng(seed)
    for share in (1.0, 0.9, 0.7, 0.5, 0.2, 0.0):
        check(decoder, rng.random(segment.workers) < share)


@pytest.mark.parametrize("name", SINGULAR)
def test_singular_codes_that_are_not_exact_need_no_plain_least_squares(name, monkeypatch):
    matrix = SINGULAR[name]
    decoder = Decoder(Segment(matrix))
    rules = [c.rule for c in decoder.components if c.kind is Correction]
    assert rules
    monkeypatch.setattr(Correction, "_plain", None)
    rng = np.random.default_rng(0)
    for _ in range(30):
        heard = np.ones(len(matrix), dtype=bool)
        heard[rng.choice(len(matrix), rng.integers(len(matrix) // 2), replace=False)] = False
        check(decoder, heard)


def test_numbers_of_the_petersen_graph():
    decoder = Decoder(Segment(PETERSEN))
    assert kinds(decoder) == {"correction"}
    rng = np.random.default_rng(0)
    errors = [decoder(~np.isin(np.arange(10), rng.choice(10, 3, replace=False))).error for _ in range(300)]
    assert max(errors) == pytest.approx(1.0)
    assert decoder(np.arange(10) > 0).error == pytest.approx(2 / 11)


def test_a_result_that_fails_its_check_is_replaced(monkeypatch):
    decoder = Decoder(Segment(PETERSEN))
    corrected = Correction._corrected
    monkeypatch.setattr(Correction, "_corrected", lambda self, missing: corrected(self, missing) + 1e-6)
    check(decoder, np.arange(10) > 2)
