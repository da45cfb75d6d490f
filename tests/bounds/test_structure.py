"""What is read from a matrix is there, whatever the workers are called, and is not read where one entry is wrong."""

from itertools import product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcopt.bounds import structure as module
from gcopt.bounds.rows import patterns
from gcopt.bounds.structure import Structure, structure
from gcopt.bounds.ways import of_drawn, of_given, ways
from gcopt.code import Segment
from tests.bounds.codes import CUBE, PALEY, RAGGED, code, groups
from tests.matrices import FANO, PETERSEN, PLANE, circulant, incidence


def read(matrix):
    return Structure(Segment(np.asarray(matrix, dtype=float)))


def spoilt(matrix):
    """One worker swaps a partition for another, so that its load stays."""
    wrong = matrix.copy()
    wrong[0, [np.flatnonzero(wrong[0])[0], np.flatnonzero(wrong[0] == 0)[0]]] = [0.0, 1.0]
    return wrong


@pytest.mark.parametrize(
    ("matrix", "common"), [(FANO, 1), (PLANE, 1), (np.ones((3, 4)), 4), (circulant(11, 1, 3, 4, 5, 9), 2)]
)
def test_block_designs_are_found_in_any_order(matrix, common):
    rng = np.random.default_rng(0)
    shuffled = matrix[rng.permutation(len(matrix))][:, rng.permutation(matrix.shape[1])]
    assert read(matrix).design == read(shuffled).design == common


def test_spoilt_designs_are_not():
    for matrix in (FANO, PLANE):
        assert read(spoilt(matrix)).design is None
    # two rows exchange a partition: loads and replication stay equal, and 6 divides 3 x 2
    wrong = FANO.copy()
    first, second = (np.setdiff1d(np.flatnonzero(FANO[a]), np.flatnonzero(FANO[b]))[0] for a, b in ((0, 1), (1, 0)))
    wrong[0, [first, second]], wrong[1, [first, second]] = [0, 1], [1, 0]
    assert (read(wrong).load, read(wrong).replication) == (3, 3)
    assert read(wrong).design is None


@pytest.mark.parametrize(
    ("graph", "parameters"),
    [
        (nx.petersen_graph(), (3, 0, 1)),
        (nx.line_graph(nx.complete_graph(5)), (6, 3, 4)),
        (nx.complete_multipartite_graph(3, 3), (3, 0, 3)),
        (nx.disjoint_union(nx.complete_graph(3), nx.complete_graph(3)), (2, 1, 0)),
        (nx.cycle_graph(6), None),
        (nx.complete_graph(5), None),
        (nx.path_graph(4), None),
        (nx.frucht_graph(), None),
    ],
)
def test_strongly_regular_graphs(graph, parameters):
    assert read(nx.to_numpy_array(graph)).strongly_regular == parameters


def test_loops_make_no_strongly_regular_graph():
    assert read(PETERSEN + np.eye(10)).strongly_regular is None
    assert read(PETERSEN[::-1]).strongly_regular is None


@pytest.mark.parametrize("matrix", [PETERSEN, FANO, PALEY, incidence(nx.petersen_graph()), groups(2, 2, 3)])
def test_second_eigenvalue_against_the_whole_spectrum(matrix):
    expected = np.sort(np.linalg.eigvalsh(matrix.T @ matrix))[-2]
    assert read(matrix).second == pytest.approx(expected, abs=1e-9)
    assert read(RAGGED).second is None


def test_what_does_not_converge_is_unknown(monkeypatch):
    monkeypatch.setattr("gcopt.combinatorics.spectrum._DENSE", 1)
    monkeypatch.setattr("gcopt.combinatorics.spectrum._RESTARTS", 1)
    from gcopt.bounds import BOUNDS

    cycle = code(circulant(400, 0, 1))
    assert structure(cycle).second is None
    assert "does not converge" in BOUNDS["spectral"].applies(cycle, stragglers=1)


def test_graphs_of_workers():
    assert read(incidence(nx.petersen_graph())).expansion == pytest.approx(2.0)
    assert read(incidence(nx.complete_graph(5))).expansion == pytest.approx(5.0)
    assert read(incidence(nx.star_graph(3))).expansion is None
    assert read(np.vstack([incidence(nx.cycle_graph(5))] * 2)).graph is None  # every edge twice
    assert read(FANO).graph is None


def test_repetition():
    assert read(groups(3, 2, 4)).repetition == (2, 4)
    assert read(groups(3, 2, 4)[[5, 2, 0, 1, 3, 4]]).repetition == (2, 4)
    assert read(np.eye(3)).repetition == (1, 1)
    assert read(np.kron(np.eye(2), FANO)).repetition is None
    assert read(np.vstack([FANO, FANO])).repetition is None
    uneven = np.zeros((5, 4))
    uneven[:2, :2] = uneven[2:, 2:] = 1.0
    assert read(uneven).repetition is None


@pytest.mark.parametrize(
    ("matrix", "shifts"),
    [
        (circulant(8, 0, 1, 3), (1, 8)),
        (circulant(8, 0, 1, 3)[[3, 1, 0, 2, 7, 6, 5, 4]], (1, 8)),
        (np.hstack([circulant(5, 0, 1), circulant(5, 0, 2)]), None),
        (np.kron(circulant(3, 0, 1), circulant(3, 0, 1)), (3, 3)),
        (groups(3, 2, 4), (3, 4)),
        (PETERSEN, None),
        (RAGGED, None),
    ],
)
def test_cyclic_shifts(matrix, shifts):
    assert read(matrix).shifts == shifts


def test_pairwise_balance():
    assert read(CUBE).balanced
    assert read(np.ones((4, 3))).balanced
    assert not read(FANO).balanced
    assert not read(spoilt(CUBE[1:])).balanced


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_kronecker_products_are_taken_apart(seed):
    rng = np.random.default_rng(seed)
    left, right = (rng.integers(0, 2, rng.integers(1, 4, 2)).astype(float) for _ in range(2))
    left[0, 0] = right[0, 0] = 1.0
    product = np.kron(left, right)
    factors = read(product).factors
    if left.sum() > 1 and right.sum() > 1:
        assert factors is not None
    if factors is not None:
        first, second = (f.held.toarray() for f in factors)
        assert np.array_equal(np.kron(first, second), product)


def test_large_matrices_are_read_in_pieces(monkeypatch):
    monkeypatch.setattr(module, "_CHUNK", 20)
    assert read(FANO).design == 1
    assert read(PETERSEN).strongly_regular == (3, 0, 1)
    assert read(CUBE).balanced
    last = FANO.copy()
    last[[5, 6]] = last[[5, 5]]
    assert read(last).design is None


def test_stranding_takes_the_cheapest_partitions_and_all_stragglers():
    assert (~read(RAGGED).stranding(2)).nonzero()[0].tolist() == [0, 3]
    assert [int(read(FANO).stranding(s).sum()) for s in range(8)] == [7, 6, 5, 4, 3, 2, 1, 0]
    assert read(np.array([[1.0, 0.0], [0.0, 0.0]])).stranding(1).tolist() == [False, True]


def test_stranding_leaves_fewer_than_all_blocks_need():
    """Nine of the ten workers of a partition of the plane of order 9, as the tenth alone cannot tell two blocks."""
    singer = circulant(91, 0, 1, 3, 9, 27, 49, 56, 61, 77, 81)
    assert (read(singer).stranding(9) @ singer).min() == 1


@pytest.mark.parametrize(
    ("matrix", "found"),
    [
        (PETERSEN, True),
        (FANO[:, :6], True),
        (incidence(nx.petersen_graph()), True),
        (groups(2, 2, 3), True),
        (groups(10, 6, 6), True),
        (nx.to_numpy_array(nx.frucht_graph()), False),
        (incidence(nx.path_graph(4)), False),
        (np.hstack([circulant(5, 0, 1), circulant(5, 0, 1, 2)]), False),
        (RAGGED, False),
    ],
)
def test_symmetries_that_move_every_partition(matrix, found):
    rng = np.random.default_rng(0)
    shuffled = matrix[rng.permutation(len(matrix))][:, rng.permutation(matrix.shape[1])]
    assert read(matrix).transitive == read(shuffled).transitive == found


def test_copies_of_a_circulant():
    copies = np.vstack([circulant(5, 0, 1, 3)] * 2)
    assert read(copies[[3, 1, 0, 2, 4, 9, 8, 7, 6, 5]]).copies == 2
    assert [len(team) for team in read(copies).teams] == [2] * 5
    assert read(circulant(4, 0, 2)).copies is None  # every row twice, but of two rows
    assert read(np.vstack([copies, circulant(5, 0, 1, 2)])).copies is None
    assert read(np.vstack([circulant(4, 0, 1)[:2], circulant(4, 0, 2)[:2]])).copies is None


def test_rows_are_factors_times_one_combination():
    rng = np.random.default_rng(0)
    factors, shared = rng.standard_normal((7, 3)), rng.standard_normal((7, 7)) * FANO
    rows = (factors[:, :, None] * shared[:, None, :]).reshape(7, 21)
    found = Structure(Segment(rows, blocks=3)).rows
    assert (found.factors[:, :, None] * found.shared.toarray()[:, None, :]).reshape(7, 21) == pytest.approx(rows)
    assert not found.flat
    assert found.signs is None
    wrong = rows.copy()
    wrong[3, np.flatnonzero(wrong[3])[1]] *= 1.001
    assert Structure(Segment(wrong, blocks=3)).rows is None
    signs = np.sign(factors)
    plain = (signs[:, :, None] * 0.3 * FANO[:, None, :]).reshape(7, 21)
    found = Structure(Segment(plain, blocks=3)).rows
    assert found.flat
    assert np.array_equal(found.signs, signs)
    kept = found.kinds @ np.abs(patterns(3) @ patterns(3)[0])
    assert kept == np.abs(signs.sum(axis=1)).sum()


def test_factors_may_be_zero_and_workers_idle():
    rows = np.array([[0.0, 0, 1, 1], [0, 0, 0, 0], [2, 0, 0, 0]])
    found = Structure(Segment(rows, blocks=2)).rows
    assert found.factors.tolist() == [[0, 1], [0, 0], [2, 0]]
    assert found.signs is None
    assert found.independent([0, 2])
    assert not found.independent([0, 1])


@given(sizes=st.lists(st.integers(0, 4), min_size=1, max_size=4), data=st.data())
def test_ways_are_all_and_their_probabilities_add_up(sizes, data):
    chosen = data.draw(st.integers(0, sum(sizes)))
    found = ways(np.array(sizes), chosen)
    expected = {c for c in product(*(range(size + 1) for size in sizes)) if sum(c) == chosen}
    assert sorted(map(tuple, found.tolist())) == sorted(expected)
    assert of_given(np.array(sizes), found).sum() == pytest.approx(1.0)
    drawn = ways(np.full(len(sizes), chosen), chosen)
    assert of_drawn(drawn).sum() == pytest.approx(1.0)
    assert ways(np.full(40, 3), 30) is None


def test_a_code_is_read_once():
    petersen = code(PETERSEN)
    assert structure(petersen) is structure(petersen)
    assert structure(petersen).second is structure(petersen).second
