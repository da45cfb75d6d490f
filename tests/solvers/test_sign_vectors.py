import numpy as np
import pytest

from gcopt.combinatorics.bi_regular import bi_regular
from gcopt.solvers.errors import InputError
from gcopt.solvers.sign_vectors import SignVectors


@pytest.mark.parametrize(("n", "k", "load", "count"), [(12, 6, 2, 2), (40, 20, 3, 2), (16, 4, 2, 4), (5, 5, 3, 1)])
def test_vectors_are_signs_and_orthogonal_on_every_partition(n, k, load, count):
    held = bi_regular(n, k, load, rng=0)
    found = SignVectors(seconds=20).solve(held, count, rng=0)
    assert (found.status, found.value, found.bound) == ("optimal", count, count)
    assert set(np.unique(found.vectors)) <= {-1.0, 1.0}
    for workers in held.toarray().T.astype(bool):
        mine = found.vectors[workers]
        np.testing.assert_allclose(mine.T @ mine, workers.sum() * np.eye(count))
    again = SignVectors(seconds=20).solve(held, count, rng=0)
    np.testing.assert_array_equal(found.vectors, again.vectors)


@pytest.mark.parametrize(
    ("held", "count", "reason"),
    [
        (np.ones((3, 2)), 2, "partition 0 is on 3 workers, no multiple of 2"),
        (np.ones((6, 2)), 3, "no multiple of 4"),
        (np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1]]), 2, "the 0/1 program for the second vector has no solution"),
    ],
)
def test_what_does_not_exist_is_said_to_be_proved(held, count, reason):
    found = SignVectors().solve(held, count, rng=0)
    assert found.status == "infeasible"
    assert reason in found.reason
    assert found.vectors.shape == (len(held), 1)


def test_a_limit_is_a_limit():
    found = SignVectors(seconds=1e-9).solve(bi_regular(12, 6, 2, rng=0), 2, rng=0)
    assert (found.status, found.value) == ("limit", 1.0)
    with pytest.raises(InputError, match="seconds is 0"):
        SignVectors(seconds=0)
