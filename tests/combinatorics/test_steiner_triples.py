from itertools import combinations

import numpy as np
import pytest

from gcopt.combinatorics.steiner_triples import steiner_triples
from gcopt.errors import ImpossibleError


@pytest.mark.parametrize("v", [v for v in range(3, 100) if v % 6 in (1, 3)])
def test_every_pair_is_in_one_triple(v):
    matrix = steiner_triples(v).toarray()
    pairs = [pair for column in matrix.T for pair in combinations(np.flatnonzero(column).tolist(), 2)]
    assert set(matrix.sum(axis=0).tolist()) == {3}
    assert sorted(pairs) == list(combinations(range(v), 2))


@pytest.mark.parametrize("v", [1, 2, 5, 8, 11, 12])
def test_other_numbers_of_points_are_refused(v):
    with pytest.raises(
        ImpossibleError, match=rf"no Steiner triple system has {v} points \(Kirkman 1847\); 1 or 3 mod 6"
    ):
        steiner_triples(v)
