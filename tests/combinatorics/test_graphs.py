"""Graphs against dense arithmetic and the numbers they are known for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from gcopt.combinatorics.graphs.building import complement, edges_of, from_edges, from_neighbours, incidence
from gcopt.combinatorics.graphs.catalogue import GRAPHS, existence, find, strongly_regular
from gcopt.combinatorics.graphs.margulis import margulis
from gcopt.combinatorics.graphs.nets import latin_square
from gcopt.combinatorics.graphs.paley import paley
from gcopt.combinatorics.graphs.parameters import Parameters, candidates, is_strongly_regular, ruled_out
from gcopt.combinatorics.graphs.ramanujan import is_bipartite, ramanujan, ramanujan_half
from gcopt.combinatorics.graphs.random_regular import best_of, random_regular
from gcopt.combinatorics.graphs.sporadic import shrikhande
from gcopt.combinatorics.graphs.triangular import kneser
from gcopt.combinatorics.spectrum import second_singular_squared
from gcopt.errors import ImpossibleError, UnknownError

SMALL = [known for known in strongly_regular(4, 85) if known.degree < known.vertices - 1 and known.degree]


def counted(matrix):
    """The four numbers of a strongly regular graph, counted pair by pair; None if it is none."""
    n, paths = len(matrix), matrix @ matrix
    apart = 1 - matrix - np.eye(n, dtype=int)
    found = [{int(x) for x in paths[where > 0]} for where in (np.eye(n), matrix, apart)]
    return (n, *(values.pop() for values in found)) if all(len(values) == 1 for values in found) else None


@pytest.mark.parametrize("known", SMALL, ids=str)
def test_strongly_regular_graphs_are_counted_pair_by_pair(known):
    graph = known.build()
    dense, p = graph.toarray(), known.parameters
    assert isinstance(graph, sparse.csr_array)
    assert (dense == dense.T).all()
    assert set(np.unique(dense)) == {0, 1}
    assert not dense.diagonal().any()
    assert counted(dense) == (p.vertices, p.degree, p.adjacent, p.apart)
    assert ruled_out(p) is None
    values = np.linalg.eigvalsh(dense)
    assert values[[-2, 0]] == pytest.approx(p.eigenvalues, abs=1e-9)
    assert second_singular_squared(graph) == pytest.approx(p.second, abs=1e-9)


@pytest.mark.parametrize(
    ("graph", "numbers"),
    [
        (kneser(5), (10, 3, 0, 1)),
        (paley(9), (9, 4, 1, 2)),
        (paley(13), (13, 6, 2, 3)),
        (paley(25), (25, 12, 5, 6)),
        (paley(49), (49, 24, 11, 12)),
        (latin_square(6, 3), (36, 15, 6, 6)),
    ],
)
def test_parameters_in_the_literature(graph, numbers):
    assert counted(graph.toarray()) == numbers


def test_names_give_the_sizes_in_the_literature():
    sizes = {name: [(k.vertices, k.degree) for k in named.known(name, 2, 64)] for name, named in GRAPHS.items()}
    assert sizes["hoffman-singleton"] == [(50, 7)]
    assert sizes["paley"] == [(q, (q - 1) // 2) for q in (5, 9, 13, 17, 25, 29, 37, 41, 49, 53, 61)]
    assert sizes["symplectic"] == [(15, 6), (63, 30), (40, 12)]
    assert sizes["hypercube"] == [(2, 1), (4, 2), (8, 3), (16, 4), (32, 5), (64, 6)]
    for name, named in GRAPHS.items():
        for known in named.known(name, 2, 30):
            graph = known.build()
            assert graph.shape == (known.vertices, known.vertices), known
            assert (graph.sum(axis=1) == known.degree).all(), known


@pytest.mark.parametrize("order", [2, 3, 4, 7, 8, 12, 21, 27])
def test_paley_graphs_of_other_orders_are_refused(order):
    with pytest.raises(ImpossibleError, match="prime power that is 1 mod 4"):
        paley(order)


def test_a_graph_with_two_edges_switched_is_not_strongly_regular():
    dense = paley(13).toarray()
    p = Parameters(13, 6, 2, 3)
    assert is_strongly_regular(sparse.csr_array(dense), p)
    assert not is_strongly_regular(sparse.csr_array(dense), Parameters(13, 6, 1, 3))
    edges = np.argwhere(dense)
    fours = ((a, b, c, d) for a, b in edges for c, d in edges if len({a, b, c, d}) == 4)
    a, b, c, d = next((a, b, c, d) for a, b, c, d in fours if not dense[a, c] and not dense[b, d])
    for x, y in ((a, b), (c, d), (a, c), (b, d)):
        dense[x, y] = dense[y, x] = 1 - dense[x, y]
    assert (dense.sum(axis=1) == 6).all()
    assert not is_strongly_regular(sparse.csr_array(dense), p)
    wrong = np.roll(np.eye(5, dtype=int), 1, axis=1) + np.roll(np.eye(5, dtype=int), 2, axis=1)  # a directed pentagon
    assert not is_strongly_regular(sparse.csr_array(wrong), Parameters(5, 2, 0, 1))


def test_more_classes_of_lines_than_known_are_refused():
    with pytest.raises(UnknownError, match="4 classes of lines on 6 x 6 points are not known here; 3 are"):
        latin_square(6, 4)


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ((10, 4, 1, 2), "paths of length two"),
        ((13, 4, 1, 1), "triangles"),
        ((21, 10, 4, 5), "two squares"),
        ((33, 16, 7, 8), "two squares"),
        ((16, 9, 4, 6), None),
        ((11, 4, 0, 2), "multiplicities"),
        ((28, 9, 0, 4), "absolute bound"),
        ((50, 21, 4, 12), "absolute bound"),
        ((154, 51, 8, 21), "Krein"),
        ((184, 48, 2, 16), "Krein"),
        ((99, 14, 1, 2), None),
        ((3250, 57, 0, 1), None),
        ((10, 9, 8, 0), "0 < d < n - 1"),
    ],
)
def test_theorems_that_rule_out_parameters(numbers, reason):
    found = ruled_out(Parameters(*numbers))
    assert (found is None) if reason is None else (reason in found)
    p = Parameters(*numbers).complement
    if 0 < p.degree < p.vertices - 1:
        assert (ruled_out(p) is None) == (reason is None)


def test_existence_is_yes_no_or_unknown_with_a_reason():
    yes = existence(16, 6, 2, 2)
    assert (yes.answer, yes.reason) == ("yes", "shrikhande is strongly regular with (16, 6, 2, 2)")
    unknown = existence(65, 32, 15, 16)
    assert unknown.answer == "unknown"
    assert "(65, 32, 15, 16) passes every condition known here" in unknown.reason
    no = existence(11, 3)
    assert no.answer == "no"
    assert no.nearest[0] == {"workers": 10, "load": 3}
    for near in (*no.nearest, *unknown.nearest):
        assert existence(near["workers"], near["load"]).answer == "yes"
    several = existence(12, 4)
    assert several.answer == "no"
    assert "mu = 0 is a union of cliques of 5 vertices" in several.reason


def test_what_is_built_passes_every_theorem_and_no_small_parameters_are_open_but_one():
    every = [p for n in range(5, 41) for d in range(2, n // 2 + 1) for p in candidates(n, d)]
    open_ones = [p for p in every if 0 < p.apart < p.degree and ruled_out(p) is None]
    left = [str(p) for p in open_ones if not find(p.vertices, p.degree, p.adjacent, p.apart)]
    assert left == ["(36, 14, 4, 6)"]  # it exists; only not here


@pytest.mark.parametrize("m", [1, 2, 3, 10, 18])
def test_margulis_graphs_are_symmetric_eight_regular_and_meet_the_bound_of_gabber_and_galil(m):
    graph = margulis(m)
    dense = graph.toarray()
    assert (dense == dense.T).all()
    assert (dense.sum(axis=1) == 8).all()
    rest = np.linalg.eigvalsh(dense)[:-1]
    assert np.abs(rest).max(initial=0.0) <= 5 * np.sqrt(2)


@pytest.mark.parametrize(("p", "q"), [(5, 13), (17, 13), (29, 13), (13, 17), (5, 29)])
def test_ramanujan_graphs_are_simple_and_meet_their_bound(p, q):
    half, graph = ramanujan_half(p, q), ramanujan(p, q)
    n = q * (q * q - 1) // 2
    assert graph.shape[0] == (2 * n if is_bipartite(p, q) else n)
    assert half.shape == (n, n)
    for matrix in (half, graph):
        assert (matrix.sum(axis=0) == p + 1).all()
        assert (matrix.sum(axis=1) == p + 1).all()
        assert (matrix.data == 1).all()
    assert not (graph != graph.T).nnz
    assert not graph.diagonal().any()
    assert second_singular_squared(half) <= 4 * p
    top = second_singular_squared(graph)
    assert top == pytest.approx((p + 1) ** 2) if is_bipartite(p, q) else top <= 4 * p


@pytest.mark.parametrize(("p", "q"), [(5, 5), (13, 5), (7, 13), (5, 11), (5, 9), (9, 13)])
def test_other_pairs_have_no_ramanujan_graph(p, q):
    with pytest.raises(ImpossibleError, match="two primes that are 1 mod 4"):
        ramanujan_half(p, q)


@settings(max_examples=60, deadline=None)
@given(n=st.integers(2, 40), data=st.data())
def test_random_regular_graphs_are_simple_regular_and_repeatable(n, data):
    d = data.draw(st.integers(0, n - 1).filter(lambda d: n * d % 2 == 0))
    seed = data.draw(st.integers(0, 1000))
    dense = random_regular(n, d, seed).toarray()
    assert (dense == dense.T).all()
    assert (dense.sum(axis=1) == d).all()
    assert dense.max() <= 1
    assert not dense.diagonal().any()
    assert (dense == random_regular(n, d, seed).toarray()).all()


def test_random_cubic_graphs_on_six_vertices_are_of_both_kinds_as_often_as_uniform_ones():
    """Of the 70 labelled cubic graphs on 6 vertices 10 are K_3,3, which has no triangle, and 60 are prisms."""
    draws = 700
    prisms = sum(bool(np.trace(np.linalg.matrix_power(random_regular(6, 3, s).toarray(), 3))) for s in range(draws))
    assert abs(prisms / draws - 6 / 7) < 5 * np.sqrt(6 / 49 / draws) + 0.05  # pairing with switches is nearly uniform


def test_large_random_regular_graphs():
    graph = random_regular(10_000, 10, 1)
    assert (np.diff(graph.indptr) == 10).all()
    assert (graph.data == 1).all()
    assert not (graph != graph.T).nnz


def test_graphs_that_cannot_be_regular_are_refused():
    with pytest.raises(ImpossibleError, match=r"7\.5 edges; 4 neighbours, or 6 vertices would work"):
        random_regular(5, 3)
    with pytest.raises(ImpossibleError, match="at most 4 neighbours, not 5"):
        random_regular(5, 5)


def test_the_best_of_many_is_the_best_of_each():
    streams = np.random.SeedSequence(7).spawn(6)
    values = [second_singular_squared(random_regular(30, 4, stream)) for stream in streams]
    graph, second = best_of(30, 4, 6, rng=7)
    assert second == pytest.approx(min(values))
    assert second_singular_squared(graph) == second
    assert max(values) > min(values)


def test_edges_incidence_and_complement_agree():
    graph = shrikhande()
    edges = edges_of(graph)
    assert len(edges) == 48
    assert (edges[:, 0] < edges[:, 1]).all()
    assert (from_edges(16, edges) != graph).nnz == 0
    ends = incidence(graph).toarray()
    assert (ends.sum(axis=1) == 2).all()
    assert (ends.T @ ends == 6 * np.eye(16, dtype=int) + graph.toarray()).all()
    assert (complement(graph) + graph).toarray().tolist() == (1 - np.eye(16, dtype=int)).tolist()
    assert from_neighbours([[1, 1], [0, 0]]).toarray().tolist() == [[0, 2], [2, 0]]
