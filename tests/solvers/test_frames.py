import numpy as np
import pytest

from gcopt.combinatorics.bi_regular import bi_regular
from gcopt.solvers.errors import InputError
from gcopt.solvers.frames import TightFrames


@pytest.mark.parametrize(("n", "k", "load", "m"), [(20, 8, 2, 2), (32, 8, 2, 3), (6, 3, 2, 1), (30, 10, 3, 2)])
def test_frames_are_tight_and_lengths_equal(n, k, load, m):
    held = bi_regular(n, k, load, rng=1)
    found = TightFrames().solve(held, m, rng=0)
    assert found.status == "optimal"
    h = found.vectors
    np.testing.assert_allclose(np.sum(h**2, axis=1), m, rtol=1e-10)
    for workers in held.toarray().T.astype(bool):
        np.testing.assert_allclose(h[workers].T @ h[workers], workers.sum() * np.eye(m), atol=1e-10)
    np.testing.assert_array_equal(h, TightFrames().solve(held, m, rng=0).vectors)


def test_what_cannot_be_is_not_found_and_the_residual_says_so():
    held = bi_regular(5, 5, 3, rng=0)
    found = TightFrames(starts=2, steps=50).solve(held, 2, rng=0)
    assert found.status == "limit"
    assert 1e-6 < found.value < 1.0
    h = found.vectors
    away = sum(np.sum((h[w].T @ h[w] - w.sum() * np.eye(2)) ** 2) for w in held.toarray().T.astype(bool))
    away += np.sum((np.sum(h**2, axis=1) - 2) ** 2)
    assert found.value == pytest.approx(away / (2 * 5 * 9 + 5 * 4))


def test_bad_options_are_refused():
    with pytest.raises(InputError, match="starts is 0"):
        TightFrames(starts=0)
