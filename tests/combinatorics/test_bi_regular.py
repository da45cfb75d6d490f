"""Random assignments with equal row and column sums, counted and compared with all there are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from gcopt.combinatorics.bi_regular import bi_regular
from gcopt.combinatorics.graphs.random_regular import random_regular
from gcopt.errors import LimitError


@given(n=st.integers(1, 12), k=st.integers(1, 12), data=st.data())
@settings(deadline=None)
def test_a_random_regular_assignment_is_regular_simple_and_connected(n, k, data):
    load = data.draw(st.sampled_from([d for d in range(1, k + 1) if n * d % k == 0]))
    held = bi_regular(n, k, load, data.draw(st.integers(0, 9)))
    matrix = held.toarray()
    assert np.isin(matrix, (0, 1)).all()
    assert (matrix.sum(axis=1) == load).all()
    assert (matrix.sum(axis=0) == n * load // k).all()
    if load > 1 and n * load > k:
        graph = sparse.block_array([[None, held], [held.T, None]])
        assert connected_components(graph)[0] == 1


def test_all_small_regular_graphs_are_about_equally_likely():
    """There are 6 two-regular assignments of 3 and 90 of 4, of which 72 are connected (one cycle through all)."""
    rng = np.random.default_rng(5)
    for n, many in ((3, 6), (4, 72)):
        seen: dict[bytes, int] = {}
        for _ in range(50 * many):
            key = bi_regular(n, n, 2, rng).toarray().tobytes()
            seen[key] = seen.get(key, 0) + 1
        assert len(seen) == many
        assert min(seen.values()) > 20
        assert max(seen.values()) < 100


def test_the_same_seed_gives_the_same_matrix():
    first, again, other = (bi_regular(30, 20, 6, seed) for seed in (4, 4, 5))
    assert (first != again).nnz == 0
    assert (first != other).nnz > 0


def test_dense_ones_are_opposites_of_thin_ones():
    held = bi_regular(3000, 3000, 2997, 0)
    assert (np.diff(held.indptr) == 2997).all()
    assert (np.bincount(held.indices) == 2997).all()


@pytest.mark.parametrize("draw", [lambda: bi_regular(10_000, 10_000, 5000), lambda: random_regular(10_000, 5000)])
def test_too_many_ends_are_refused_at_once(draw):
    with pytest.raises(LimitError, match=r"is 5000; up to 1000 or from \d+ would work"):
        draw()
