"""Graph assignments: the linear-time decoder against least squares and the numbers of the literature."""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from gcopt.averages import mean_error
from gcopt.code import Segment
from gcopt.decoding import Decoder, _graph_kernels, components
from gcopt.decoding.graph import Graph
from tests.decoding.cases import check, kinds
from tests.matrices import incidence

RANDOM = np.random.default_rng(0)


@st.composite
def graphs(draw):
    """Incidence of any graph, with trees, multiple edges, isolated vertices, rows and columns scaled, maybe complex."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    vertices = draw(st.integers(2, 9))
    shape = draw(st.sampled_from(["any", "bipartite", "tree", "multi"]))
    pairs = [(u, v) for u, v in combinations(range(vertices), 2) if shape != "bipartite" or (u + v) % 2]
    if shape == "tree":
        pairs = [(int(rng.integers(v)), v) for v in range(1, vertices)]
    edges = [pairs[i] for i in rng.integers(len(pairs), size=draw(st.integers(1, 14)))]
    if shape == "multi":
        edges = edges + edges
    matrix = np.zeros((len(edges), vertices))
    for e, (u, v) in enumerate(edges):
        matrix[e, u] = matrix[e, v] = 1.0
    scale = draw(st.sampled_from(["replication", "columns", "both", "complex"]))
    if scale == "replication":
        return matrix / np.maximum(1, matrix.sum(axis=0))
    matrix = matrix * rng.uniform(0.5, 2.0, vertices) * rng.choice([-1, 1], vertices)
    if scale == "both":
        matrix = matrix * rng.uniform(-2.0, -0.5, (len(edges), 1))
    elif scale == "complex":
        matrix = matrix * np.exp(2j * np.pi * rng.random(vertices)) * np.exp(2j * np.pi * rng.random((len(edges), 1)))
    return matrix


@settings(max_examples=150, deadline=None)
@given(graphs(), st.integers(0, 10**6))
def test_a_graph_decodes_as_least_squares_do(matrix, seed):
    decoder = Decoder(Segment(matrix))
    assert kinds(decoder) <= {"graph assignment", "repetition", "block design"}
    rng = np.random.default_rng(seed)
    for share in (1.0, 0.8, 0.6, 0.3, 0.0):
        check(decoder, rng.random(len(matrix)) < share)


@settings(max_examples=60, deadline=None)
@given(graphs(), st.integers(0, 10**6))
def test_the_error_without_coefficients_is_that_of_the_coefficients(matrix, seed):
    segment = Segment(matrix)
    for component in components(segment):
        rule = Graph(component.matrix, 1) if Graph.fits(component.matrix, 1) else component.rule
        heard = np.random.default_rng(seed).random(component.workers.size) < 0.6
        slack = 1e-12 * component.partitions.size
        assert abs(rule.error(heard) - rule.miss(rule.decode(heard))) <= 1e-9 * rule.error(heard) + slack


@pytest.mark.parametrize(
    ("graph", "s", "mean", "worst"),
    [
        (nx.complete_graph(4), 3, 0.4, 1.0),
        (nx.complete_graph(4), 4, 1.066667, 4 / 3),
        (nx.petersen_graph(), 3, 0.0263736, 1.0),
        (nx.petersen_graph(), 4, 0.105495, None),
        (nx.petersen_graph(), 5, 0.272172, 2.0),
    ],
)
def test_errors_over_all_sets(graph, s, mean, worst):
    (component,) = components(Segment(incidence(graph)))
    n = component.workers.size
    errors = [component.error(~np.isin(np.arange(n), lost)) for lost in combinations(range(n), s)]
    assert component.kind is Graph
    assert np.mean(errors) == pytest.approx(mean, rel=1e-5)
    assert worst is None or max(errors) == pytest.approx(worst)


@pytest.mark.parametrize(
    ("graph", "q", "value"),
    [
        (nx.complete_graph(4), 0.2, 0.01312),
        (nx.complete_graph(5), 0.2, 0.00223504),
        (nx.petersen_graph(), 0.1, 0.00121778),
    ],
)
def test_mean_error_of_independent_stragglers(graph, q, value):
    decoder = Decoder(Segment(incidence(graph)))
    found = mean_error(decoder, stragglers=0, probability=q, samples=2, rng=np.random.default_rng(0))
    assert found.exact
    assert found.value / len(graph) == pytest.approx(value, rel=1e-5)


def test_a_long_cycle_is_decoded_exactly_though_conjugate_gradients_stop_early():
    for length in (2000, 2001):
        decoder = Decoder(Segment(incidence(nx.cycle_graph(length)) / 2))
        whole = decoder(np.ones(length, dtype=bool))
        assert whole.error < 1e-20
        cut = np.arange(length) != 7
        assert decoder(cut).error == pytest.approx(length % 2 / length, abs=1e-15)


def test_ten_thousand_edges():
    graph = nx.random_regular_graph(4, 5000, seed=1)
    ends = np.array(graph.edges())
    rows = np.repeat(np.arange(10_000), 2)
    segment = Segment(sparse.csr_array((np.full(20_000, 0.25), (rows, ends.ravel())), shape=(10_000, 5000)))
    decoder = Decoder(segment)
    (component,) = decoder.components
    for share in (0.95, 0.6):
        heard = RANDOM.random(10_000) < share
        assert decoder(heard).error == pytest.approx(component.error(heard), rel=1e-9, abs=1e-9)
    assert component.needed is None
    assert len(component.teams) == 10_000


def test_many_small_graphs_are_decoded_together():
    one = incidence(nx.complete_graph(4)) / 3
    decoder = Decoder(Segment(sparse.csr_array(sparse.kron(sparse.eye_array(50), one))))
    heard = RANDOM.random(300) < 0.5
    single = Decoder(Segment(one))
    expected = sum(single(some).error for some in heard.reshape(50, 6))
    assert decoder(heard).error == pytest.approx(expected)
    assert len(decoder._parts) == 1


@pytest.mark.parametrize("edit", ["entry", "third", "lonely", "signs"])
def test_what_is_no_graph_is_not_taken_for_one(edit):
    matrix = incidence(nx.petersen_graph())
    if edit == "entry":
        matrix[3, np.flatnonzero(matrix[3])[0]] *= 1 + 1e-9
    elif edit == "third":
        matrix[3, np.flatnonzero(matrix[3] == 0)[0]] = 1.0
    elif edit == "lonely":
        matrix[3, np.flatnonzero(matrix[3])[0]] = 0.0
    else:
        matrix = nx.incidence_matrix(nx.petersen_graph(), oriented=True).toarray().T
    decoder = Decoder(Segment(matrix))
    assert kinds(decoder) == {"correction"}
    for share in (1.0, 0.8, 0.5):
        check(decoder, RANDOM.random(15) < share)


def test_kernels_are_plain_python_too():
    matrix = sparse.csr_array(incidence(nx.lollipop_graph(4, 3)))
    rule = Graph(matrix, 1)
    heard = np.array([True, True, False, True, True, True, False, True, True])
    given_ = (rule._ends, rule._start, rule._at, heard)
    forest = _graph_kernels.search(*given_)
    plain = _graph_kernels.search.py_func(*given_)
    for one, other in zip(forest, plain, strict=True):
        assert one.tolist() == other.tolist()
    sums = np.linspace(1.0, 2.0, matrix.shape[1])
    given_ = (rule._ends, heard, rule._cost, sums, 5, 1e-3)
    weights, other = _graph_kernels.smooth(*given_), _graph_kernels.smooth.py_func(*given_)
    np.testing.assert_allclose(weights, other, rtol=1e-12)
    _graph_kernels.settle(rule._ends, heard, *forest, sums, weights)
    _graph_kernels.settle.py_func(rule._ends, heard, *forest, sums, other)
    np.testing.assert_allclose(weights, other, rtol=1e-12)
    assert not weights[~heard].any()
