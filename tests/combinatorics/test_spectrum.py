"""Second eigenvalues against dense arithmetic, by decomposition and by iteration."""

import networkx as nx
import numpy as np
import pytest
from scipy import sparse

from gcopt.combinatorics import spectrum
from gcopt.combinatorics.graphs.building import incidence
from gcopt.combinatorics.graphs.paley import paley
from gcopt.combinatorics.graphs.random_regular import random_regular
from gcopt.combinatorics.graphs.triangular import kneser
from gcopt.combinatorics.spectrum import second_eigenvalue, second_singular_bound, second_singular_squared
from gcopt.errors import InputError

CYCLE = nx.to_scipy_sparse_array(nx.cycle_graph(3000))


@pytest.mark.parametrize(
    "matrix",
    [
        incidence(random_regular(620, 3, 0)),
        incidence(random_regular(620, 3, 0)).T,
        random_regular(350, 6, 0),
        random_regular(620, 300, 0),
        incidence(kneser(5)),
        paley(13),
        sparse.block_diag([paley(5), paley(5)], format="csr"),
    ],
)
def test_it_is_that_of_a_dense_decomposition_and_never_less(matrix, monkeypatch):
    full = sparse.csr_array(matrix).toarray().astype(float)
    exact = np.linalg.svd(full, compute_uv=False)[1] ** 2
    for limit in (spectrum._DENSE, 1):
        monkeypatch.setattr(spectrum, "_DENSE", limit)
        found = second_singular_squared(matrix)
        assert exact * (1 - 1e-13) <= found <= exact * (1 + 2e-9)
        assert found == second_singular_squared(matrix)  # to the last bit
        assert found == second_singular_bound(matrix)


@pytest.mark.parametrize("graph", [nx.petersen_graph(), nx.complete_graph(6), nx.cubical_graph()])
def test_negative_second_eigenvalues_too(graph, monkeypatch):
    matrix = nx.to_numpy_array(graph)
    exact = np.linalg.eigvalsh(matrix)[-2]
    for limit in (spectrum._DENSE, 1):
        monkeypatch.setattr(spectrum, "_DENSE", limit)
        assert second_eigenvalue(lambda x: matrix @ x, len(matrix), matrix[0].sum()) == pytest.approx(exact, abs=1e-8)


def test_of_a_single_row_or_column_nothing_is_second():
    assert second_eigenvalue(lambda x: x, 1, 1.0) == 0.0
    assert second_singular_squared(np.ones((4, 1))) == second_singular_squared(np.ones((1, 4))) == 0.0
    assert second_singular_squared(np.ones((4, 6))) == pytest.approx(0.0, abs=1e-12)


def test_what_does_not_converge_soon_is_unknown_and_bounded_by_the_largest():
    assert second_singular_squared(CYCLE) is None
    assert second_singular_bound(CYCLE) == 4.0
    assert second_singular_squared(CYCLE, accuracy=1e-2) == pytest.approx(4.0, rel=1e-2)


def test_unequal_sums_are_refused():
    with pytest.raises(InputError, match="unequal row or column sums"):
        second_singular_squared(np.array([[1, 1], [1, 0]]))
