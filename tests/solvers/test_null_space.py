import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcopt.families._matrices import from_holders, worst_noise
from gcopt.solvers._null_space_algebra import coefficients, encoding, greedy_sets, joined, smooth_worst, worst
from gcopt.solvers.errors import InputError
from gcopt.solvers.null_space import NullSpaceCode, straggler_sets
from gcopt.solvers.result import Status
from tests import helpers


def windows(n, s):
    return (np.arange(n)[:, None] + np.arange(s + 1)) % n


@given(n=st.integers(2, 8), data=st.data())
def test_c_times_b_is_all_ones(n, data):
    s = data.draw(st.integers(0, n - 1))
    holders = windows(n, s)
    c = np.random.default_rng(data.draw(st.integers(0, 9))).standard_normal((s + 1, n))
    b = np.zeros((n, n))
    b[holders, np.arange(n)[:, None]] = coefficients(c, holders)[..., 0]
    np.testing.assert_allclose(c @ b, 1.0, atol=1e-8)


@pytest.mark.parametrize(
    ("n", "s", "m", "copies"), [(5, 1, 1, 2), (7, 3, 1, 4), (6, 2, 2, 4), (6, 1, 3, 5), (5, 0, 2, 3)]
)
def test_worst_is_brute_force_and_the_gradient_is_its_derivative(n, s, m, copies):
    holders = windows(n, copies - 1)
    if copies > s + m:
        holders[0, -1] = n  # nobody
    sets, complete = straggler_sets(n, s, 1000, np.random.default_rng(0))
    c = np.random.default_rng(5).standard_normal((s + m, n))
    b = coefficients(c, holders, m)
    matrix = from_holders(b, holders, n)
    assert complete
    scaled = encoding(b, holders, n)
    scaled /= np.abs(scaled).max(axis=1, keepdims=True)
    np.testing.assert_allclose(matrix.toarray(), scaled, atol=1e-13)
    assert np.sqrt(worst(c, holders, sets, m)) == pytest.approx(helpers.worst_noise(matrix.toarray(), s, m), rel=1e-6)

    def smooth(flat):
        return smooth_worst(flat, c.shape, holders, sets, 8.0, m)

    value, gradient = smooth(c.ravel())
    for direction in np.random.default_rng(1).standard_normal((5, c.size)):
        ahead, behind = (smooth(c.ravel() + h * direction)[0] for h in (1e-6, -1e-6))
        assert (ahead - behind) / 2e-6 == pytest.approx(gradient @ direction, rel=1e-4, abs=1e-5)
    assert value >= np.log(worst(c, holders, sets, m)) - 1e-12


@pytest.mark.parametrize(("n", "s"), [(4, 2), (6, 2), (7, 3)])
def test_the_value_is_that_of_the_code_and_descent_beats_the_draws(n, s):
    holders = windows(n, s)
    found = NullSpaceCode().solve(holders, n, rng=0)
    matrix = from_holders(found.coefficients, holders, n)
    assert found.complete
    assert found.status is Status.FEASIBLE
    assert found.value == pytest.approx(helpers.worst_noise(matrix.toarray(), s), rel=1e-6)
    assert found.value < NullSpaceCode(refined=0).solve(holders, n, rng=0).value


def test_with_too_many_sets_the_worst_one_is_still_the_value():
    n, s = 10, 3
    found = NullSpaceCode(draws=5, refined=1, sets=30).solve(windows(n, s), n, rng=0)
    assert not found.complete
    assert found.value == pytest.approx(worst_noise(from_holders(found.coefficients, windows(n, s), n), s), rel=1e-6)


def test_a_given_start_is_ranked_with_the_draws():
    n, s = 7, 3
    best = np.random.default_rng(0)
    sets, _ = straggler_sets(n, s, 1000, best)
    starts = [best.standard_normal((s + 1, n)) for _ in range(200)]
    start = min(starts, key=lambda c: worst(c, windows(n, s), sets))
    found = NullSpaceCode(draws=1, refined=0).solve(windows(n, s), n, starts=[start], rng=3)
    assert found.value <= np.sqrt(worst(start, windows(n, s), sets)) * (1 + 1e-12)


def test_greedy_sets_are_distinct_workers_and_worse_than_the_usual_set():
    n, s = 14, 4
    c = np.random.default_rng(2).standard_normal((s + 1, n))
    sets, values = greedy_sets(c, windows(n, s))
    assert sets.shape == (n, s)
    assert all(len(set(row)) == s for row in sets.tolist())
    usual = [worst(c, windows(n, s), row[None]) for row in helpers.sampled_sets(n, s, 100)]
    assert worst(c, windows(n, s), sets) > np.median(usual)
    assert [worst(c, windows(n, s), row[None]) for row in sets] == pytest.approx(values, rel=1e-6)


def test_the_seed_gives_the_same_bits():
    first, again = (NullSpaceCode(draws=5).solve(windows(6, 2), 6, rng=9) for _ in range(2))
    assert first.coefficients.tobytes() == again.coefficients.tobytes()
    assert first.seed == 9


@pytest.mark.parametrize("option", ["steps", "sets", "operations"])
def test_impossible_options_are_named(option):
    with pytest.raises(InputError, match=f"{option} is 0"):
        NullSpaceCode(**{option: 0})


def test_without_draws_a_start_is_needed():
    with pytest.raises(InputError, match="starts is empty"):
        NullSpaceCode(draws=0).solve(windows(4, 1), 4)


def test_greedy_values_with_blocks_are_those_of_the_sets():
    n, s, m = 9, 3, 2
    null = np.random.default_rng(3).standard_normal((s, n))
    c = joined(np.random.default_rng(2).standard_normal((m, n)), null)
    sets, values = greedy_sets(c, windows(n, s + m - 1), m)
    assert [worst(c, windows(n, s + m - 1), row[None], m) for row in sets] == pytest.approx(values, rel=1e-6)
    matrix = encoding(coefficients(c, windows(n, s + m - 1), m), windows(n, s + m - 1), n)
    assert np.abs(null @ matrix).max() < 1e-10


def test_holders_of_too_small_a_rank_are_an_error():
    with pytest.raises(np.linalg.LinAlgError, match="too small a rank"):
        coefficients(np.ones((2, 3)), np.array([[0, 1, 2]]), 2)


def test_more_stragglers_and_blocks_than_copies_are_refused():
    with pytest.raises(InputError, match="stragglers is 3 with blocks = 2"):
        NullSpaceCode().solve(windows(6, 3), 6, stragglers=3, blocks=2)
