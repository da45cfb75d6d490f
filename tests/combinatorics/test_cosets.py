from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from gcopt.combinatorics.bi_regular import bi_regular, equal_columns
from gcopt.combinatorics.cosets import best_generators, coset_graph, spectrum, surely_invertible
from gcopt.combinatorics.spreading import spread


def singular(k, generators):
    circulant = coset_graph(k, 1, np.array(generators)).toarray()
    return np.linalg.svd(circulant.astype(float), compute_uv=False)


def test_workers_hold_what_the_definition_says():
    k, copies, generators = 5, 3, [0, 1, 3]
    held = coset_graph(k, copies, np.array(generators)).toarray()
    connections = {(b + h) % (k * copies) for b in generators for h in range(0, k * copies, k)}
    for y in range(k * copies):
        for i in range(k):
            assert held[y, i] == ((y - i) % (k * copies) in connections)


@pytest.mark.parametrize(("k", "load"), [(8, 3), (9, 4), (7, 5), (4, 1)])
def test_every_generating_set_is_invertible_where_proposition_1_says_so(k, load):
    assert surely_invertible(k, load)
    assert min(singular(k, sets)[-1] for sets in combinations(range(k), load)) > 1e-6


def test_the_hypothesis_matters():
    assert not surely_invertible(12, 5)
    assert singular(12, [0, 1, 2, 4, 10])[-1] < 1e-12


@pytest.mark.parametrize(("k", "load"), [(9, 3), (12, 5), (10, 7), (6, 6), (1, 1), (2, 1)])
def test_the_best_generators_are_the_best_of_all(k, load):
    found = best_generators(k, load)
    assert len(set(found.tolist())) == load
    seconds = [
        np.append(values, 0.0)[1] for sets in combinations(range(k), load) if (values := singular(k, sets))[-1] > 1e-9
    ]
    mine = singular(k, found)
    if seconds:
        assert mine[-1] > 1e-9
        assert np.append(mine, 0.0)[1] == pytest.approx(min(seconds), abs=1e-8)


def test_generators_of_large_graphs_are_searched_for_and_better_than_neighbours():
    found = best_generators(200, 6, rng=1)
    np.testing.assert_array_equal(found, best_generators(200, 6, rng=1))
    values = spectrum(200, np.stack([found, np.arange(6)]))
    assert values[0].min() > 1e-9
    assert values[0, 1:].max() < 0.6 * values[1, 1:].max()


@given(n=st.integers(1, 9), k=st.integers(1, 7), data=st.data())
@settings(max_examples=30, deadline=None)
def test_row_sums_are_given_and_column_sums_equal(n, k, data):
    copies = data.draw(st.integers(0, n))
    loads = np.full(n, copies * k // n) + (np.arange(n) < copies * k % n)
    found = equal_columns(loads, k, data.draw(st.integers(0, 5))).toarray()
    assert set(np.unique(found)) <= {0, 1}
    assert (found.sum(axis=0) == copies).all()
    np.testing.assert_array_equal(found.sum(axis=1), loads)


def test_spreading_keeps_all_sums_and_makes_pairs_share_less():
    drawn = sparse.csr_array(bi_regular(30, 12, 4, rng=0))
    kinds = np.repeat([0, 1], [5, 7])
    found = spread(drawn, kinds, rng=0)
    np.testing.assert_array_equal(found.sum(axis=0), drawn.sum(axis=0))
    for kind in (0, 1):
        here = np.flatnonzero(kinds == kind)
        np.testing.assert_array_equal(found[:, here].sum(axis=1), drawn[:, here].sum(axis=1))
    assert _cycles(found) < _cycles(drawn)
    assert _cycles(spread(drawn, np.zeros(12), rng=0)) <= _cycles(found)


def _cycles(held):
    shared = np.triu((held.T @ held).toarray(), 1)
    return int((shared * (shared - 1) // 2).sum())
