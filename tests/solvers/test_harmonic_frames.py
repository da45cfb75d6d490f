import numpy as np
import pytest

from gcopt.solvers._null_space_algebra import coefficients, encoding, greedy_sets
from gcopt.solvers.harmonic_frames import Frame, best_frames
from tests import helpers


def windows(n, d):
    return (np.arange(n)[:, None] + np.arange(d)) % n


@pytest.mark.parametrize("count", [1, 3])
def test_the_best_frames_decode_every_set_of_their_stragglers(count):
    n, s, m = 9, 2, 3
    for c in best_frames(windows(n, s + m), n, s, m, count=count):
        assert c.shape == (s + m, n)
        b = encoding(coefficients(c, windows(n, s + m), m), windows(n, s + m), n)
        assert helpers.worst_error(b, s, m) < 1e-16


def test_a_circle_has_so_many_frequencies_only():
    assert Frame(6, 1, 4, points=6, stride=1, offset=0).matrix() is not None
    assert Frame(6, 1, 4, points=6, stride=1, offset=1).matrix() is None


def test_the_best_are_sorted_and_far_below_random_ones():
    n, s, m = 16, 4, 4
    holders = windows(n, s + m)
    found = [greedy_sets(c, holders, m, 8)[1].max() ** 0.5 for c in best_frames(holders, n, s, m, count=3)]
    assert len(found) == 3
    assert found == sorted(found)
    rng = np.random.default_rng(0)
    random = [greedy_sets(rng.standard_normal((s + m, n)), holders, m, 8)[1].max() ** 0.5 for _ in range(20)]
    assert found[0] < min(random) / 20
    (quick,) = best_frames(holders, n, s, m, count=1)
    assert greedy_sets(quick, holders, m, 8)[1].max() ** 0.5 < min(random)


def test_another_order_of_the_workers_moves_the_columns():
    n, s, m = 7, 2, 2
    order = np.random.default_rng(1).permutation(n)
    place = np.argsort(order)
    (plain,) = best_frames(windows(n, 4), n, s, m, count=1)
    (moved,) = best_frames(place[windows(n, 4)], n, s, m, count=1, order=order)
    np.testing.assert_allclose(moved, plain[:, order])
