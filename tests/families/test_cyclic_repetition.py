import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcopt.errors import InputError
from gcopt.families import cyclic_repetition
from tests.helpers import dense, worst_error


@given(n=st.integers(1, 8), data=st.data())
def test_exact_for_every_set_with_the_least_possible_load(n, data):
    s = data.draw(st.integers(0, n - 1))
    code = cyclic_repetition(n, s, rng=data.draw(st.integers(0, 5)))
    segment = code.segments[0]
    assert worst_error(dense(code), s) < 1e-12 * n * max(1.0, np.linalg.norm(dense(code), 2) ** 2)
    assert segment.pairs.sum() == n * (s + 1)  # meets the density bound, Tandon et al. Theorem 1
    assert (segment.load == s + 1).all()
    assert (segment.replication == s + 1).all()


def test_rows_lie_in_the_null_space_of_h():
    n, s = 9, 3
    b = dense(cyclic_repetition(n, s, rng=4))
    assert (np.diag(b) == 1).all()
    assert np.linalg.matrix_rank(b, tol=1e-9) == n - s
    for i in range(n):
        assert set(np.flatnonzero(b[i])) == {(i + j) % n for j in range(s + 1)}


def test_the_seed_gives_the_same_bits():
    first = cyclic_repetition(10, 3, rng=7)
    again = cyclic_repetition(**first.parameters, rng=first.seed)
    other = cyclic_repetition(10, 3, rng=8)
    assert dense(first).tobytes() == dense(again).tobytes()
    assert dense(first).tobytes() != dense(other).tobytes()


def test_too_many_stragglers_are_refused():
    with pytest.raises(InputError, match="stragglers is 4"):
        cyclic_repetition(4, 4)
