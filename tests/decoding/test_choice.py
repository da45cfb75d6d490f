"""Which rule is chosen, how it is explained, and which workers say the same."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import gcopt
from gcopt.code import Segment
from gcopt.decoding import Decoder, components, residual
from gcopt.decoding.component import RULES
from gcopt.decoding.fixed import FIXED
from gcopt.decoding.teams import teams
from tests.matrices import FANO, PETERSEN, incidence


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        (np.ones((3, 4)), [(3, 4, "repetition", 1)]),
        (np.eye(5), [(1, 1, "repetition", 5)]),
        (FANO, [(7, 7, "block design", 1)]),
        (incidence(nx.petersen_graph()), [(15, 10, "graph assignment", 1)]),
        (PETERSEN, [(10, 10, "correction", 1)]),
        (
            sparse.block_diag(
                [FANO, np.ones((2, 2)), np.ones((2, 2)), incidence(nx.petersen_graph()), np.ones((2, 1))]
            ),
            [
                (15, 10, "graph assignment", 1),
                (7, 7, "block design", 1),
                (2, 2, "repetition", 2),
                (2, 1, "repetition", 1),
            ],
        ),
    ],
)
def test_rules_are_chosen_by_the_entries_and_explained(matrix, expected):
    decoder = Decoder(Segment(matrix))
    found = decoder.explain()
    assert [(one.workers, one.partitions, one.rule, one.components) for one in found] == expected
    assert all(one.why for one in found)
    # whoever is heard, components that are decoded together are not mixed up
    heard = np.random.default_rng(0).random(decoder.segment.workers) < 0.6
    apart = sum(component.error(heard[component.workers]) for component in decoder.components)
    assert decoder(heard).error == pytest.approx(apart, abs=1e-12)
    assert decoder.error(heard) == pytest.approx(apart, abs=1e-12)


@pytest.mark.parametrize("name", FIXED)
def test_fixed_decoders_are_named_by_the_code(name):
    (found,) = Decoder(Segment(FANO, decoder=name)).explain()
    assert (found.workers, found.partitions, found.rule) == (7, 7, name)


def test_names_differ():
    names = [rule.name for rule in (*RULES, *FIXED.values())]
    assert len(set(names)) == len(names)


def test_choosing_and_explaining_factors_nothing(monkeypatch):
    monkeypatch.setattr(np.linalg, "svd", None)
    decoder = Decoder(gcopt.families.cyclic_repetition(40, 3, rng=0).segments[0])
    assert [one.rule for one in decoder.explain()] == ["correction"]


def slow_teams(matrix):
    """Rows one by one, each compared with the first of every team."""
    found = []
    for j, row in enumerate(matrix):
        for team in found:
            like = matrix[team[0]]
            if (like != 0).tolist() == (row != 0).tolist():
                first = np.flatnonzero(row)[0]
                if np.allclose(row / row[first], like / like[first], rtol=1e-13, atol=0):
                    team.append(j)
                    break
        else:
            found.append([j])
    return found


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 12), st.integers(1, 5), st.booleans(), st.integers(0, 10**6))
def test_teams_are_rows_that_are_multiples_of_each_other(n, k, complex_, seed):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(-1, 3, (n, k)).astype(complex if complex_ else float)
    matrix[~matrix.any(axis=1), 0] = 1.0
    matrix = matrix * (rng.standard_normal((n, 1)) + 1j * complex_ * rng.standard_normal((n, 1)))
    matrix = matrix if complex_ else matrix.real
    assert [team.tolist() for team in teams(sparse.csr_array(matrix))] == slow_teams(matrix)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 2), st.booleans(), st.integers(0, 10**6))
def test_components_hold_the_entries_of_their_workers_and_partitions(blocks, complex_, seed):
    rng = np.random.default_rng(seed)
    n, k = rng.integers(1, 9, 2)
    matrix = rng.standard_normal((n, blocks * k)) * (rng.random((n, blocks * k)) < 0.2) * (1j if complex_ else 1)
    segment, rebuilt = Segment(matrix, blocks=blocks), np.zeros_like(matrix)
    for component in components(segment):
        columns = (np.arange(blocks)[:, None] * k + component.partitions).ravel()
        rebuilt[np.ix_(component.workers, columns)] = component.matrix.toarray()
        assert component.matrix.has_sorted_indices
    np.testing.assert_array_equal(rebuilt, matrix)


def test_the_residual_of_a_decoding_is_its_error():
    segment = Segment(np.random.default_rng(0).standard_normal((6, 8)), blocks=2)
    found = Decoder(segment)(np.arange(6) > 1)
    assert residual(segment, found.matrix) == pytest.approx(found.error)
