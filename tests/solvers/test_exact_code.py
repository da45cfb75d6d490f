"""Quiet exact codes: the noise and its derivatives against enumeration, placements, bounds, and what is found."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import block_diag

import gcopt
from gcopt.solvers._descent import minimise
from gcopt.solvers.errors import InputError, LimitError
from gcopt.solvers.exact_code import ExactCode
from gcopt.solvers.exact_code import _kernels as kernels
from gcopt.solvers.exact_code.bounds import least_noise, least_noise_on
from gcopt.solvers.exact_code.designs import design
from gcopt.solvers.exact_code.moves import imitate, shift, switch
from gcopt.solvers.exact_code.noise import descend, smooth_worst, subsets, worst
from gcopt.solvers.exact_code.parts import Free, Null, parts_of
from gcopt.solvers.exact_code.starts import starts
from gcopt.solvers.result import Status
from gcopt.solvers.searching import Search
from tests import helpers


def circle(n, copies):
    held = np.zeros((n, n), dtype=bool)
    for p in range(n):
        held[(p + np.arange(copies)) % n, p] = True
    return held


def repeated(held, times):
    return np.repeat(held, times, axis=0)


FEW_KINDS = np.array([[1, 1, 1, 0, 0], [1, 1, 0, 0, 1], [1, 1, 0, 1, 0], [0, 0, 1, 1, 1], [1, 1, 1, 1, 1]], dtype=bool)
PLACEMENTS = {
    "free": (FEW_KINDS, 1, [Free]),
    "null": (circle(5, 3), 2, [Null]),
    "more copies": (circle(5, 4), 2, [Null]),
    "unequal copies": (circle(5, 3) | np.eye(5, dtype=bool)[[0, 3, 2, 1, 4]], 2, [Null]),
    "teams": (repeated(circle(4, 3), 2), 5, [Null]),
    "groups": (block_diag(np.ones((3, 2)), circle(4, 3), FEW_KINDS).astype(bool), 2, [Free, Null, Null]),
}


def drawn(name, seed=0):
    holders, s, kinds = PLACEMENTS[name]
    parts, rng = parts_of(holders, s), np.random.default_rng(seed)
    assert [type(part) for part in parts] == kinds
    blank, unknown = np.zeros(holders.shape), np.full((s + 1, len(holders)), np.nan)
    return holders, s, parts, [part.recall(blank, unknown, rng) for part in parts]


def matrix(holders, parts, numbers):
    full = np.zeros(holders.shape)
    for part, mine in zip(parts, numbers, strict=True):
        part.fill(full, part.matrix(mine))
    return full


@pytest.mark.parametrize("name", PLACEMENTS)
def test_the_noise_is_that_of_enumeration(name):
    holders, s, parts, numbers = drawn(name)
    b = matrix(holders, parts, numbers)
    assert ((b != 0) == holders).all()
    assert helpers.worst_error(b, s) < 1e-12
    assert np.sqrt(worst(parts, numbers, s) / holders.shape[1]) == pytest.approx(helpers.worst_noise(b, s), rel=1e-6)


@pytest.mark.parametrize("name", PLACEMENTS)
def test_the_gradient_is_the_derivative_and_the_smooth_maximum_is_above(name):
    _, s, parts, numbers = drawn(name)
    cuts, flat, top = np.cumsum([part.count for part in parts])[:-1], np.concatenate(numbers), worst(parts, numbers, s)

    def smooth(flat):
        return smooth_worst(flat, parts, cuts, s, 8.0 / top)

    value, gradient = smooth(flat)
    assert top <= value <= 2.0 * top
    for direction in np.random.default_rng(1).standard_normal((4, flat.size)):
        ahead, behind = (smooth(flat + h * direction)[0] for h in (1e-6, -1e-6))
        assert (ahead - behind) / 2e-6 == pytest.approx(gradient @ direction, rel=1e-4, abs=1e-4 * top)


@pytest.mark.parametrize("name", PLACEMENTS)
def test_descent_lowers_the_worst_case_and_keeps_the_code_exact(name):
    holders, s, parts, numbers = drawn(name)
    found = descend(parts, numbers, s, 10)
    assert worst(parts, found, s) < worst(parts, numbers, s)
    assert helpers.worst_error(matrix(holders, parts, found), s) < 1e-12


def test_the_descent_reaches_the_minimum_of_a_curved_valley():
    def valley(x):
        ahead = x[1:] - x[:-1] ** 2
        gradient = np.concatenate([-400.0 * x[:-1] * ahead - 2.0 * (1.0 - x[:-1]), [0.0]])
        gradient[1:] += 200.0 * ahead
        return float(100.0 * ahead @ ahead + (1.0 - x[:-1]) @ (1.0 - x[:-1])), gradient

    np.testing.assert_allclose(minimise(valley, np.full(6, -0.5), 500), 1.0, atol=1e-3)
    start = np.array([-1.2, 1.0])
    assert valley(minimise(valley, start, 3))[0] < valley(start)[0]
    assert minimise(valley, np.ones(4), 10).tolist() == [1.0] * 4


def test_a_set_that_cannot_be_lost_has_infinite_noise():
    (part,) = parts_of(np.ones((2, 1), dtype=bool), 1)
    assert worst([part], [np.array([1.0, 0.0])], 1) == np.inf
    (part,) = parts_of(np.array([[1, 1], [1, 1], [1, 1]], dtype=bool)[:, :1], 2)
    assert worst([part], [np.ones(3)], 2) == pytest.approx(1.0)


def test_kernels_are_the_same_as_plain_python():
    rng = np.random.default_rng(3)
    a, root = rng.standard_normal(6), rng.standard_normal((6, 4))
    null, sets, weights = root @ root.T / 9.0, subsets(6, 3), rng.random(20)
    results = []
    for plain in (False, True):
        growths, pull, product = (
            function.py_func if plain else function for function in (kernels.growths, kernels.pull, kernels.product)
        )
        out, by_a, by_null = np.zeros(20), np.zeros(6), np.zeros((6, 6))
        growths(a, null, sets, out)
        pull(a, null, sets, weights, by_a, by_null)
        results.append([out, by_a, by_null, product(a, a[::-1].copy())])
    for compiled, plain in zip(*results, strict=True):
        np.testing.assert_allclose(compiled, plain, rtol=1e-9)
    inside = null[np.ix_(sets[0], sets[0])]
    assert results[0][0][0] == pytest.approx(a[sets[0]] @ np.linalg.solve(inside, a[sets[0]]))


@given(seed=st.integers(0, 10**6), move=st.sampled_from([switch, imitate]))
def test_moves_keep_loads_and_copies(seed, move):
    rng = np.random.default_rng(seed)
    before = circle(7, 3)
    after = before.copy()
    assert move(after, rng)
    assert (after != before).any()
    assert (after.sum(axis=0) == 3).all()
    assert (after.sum(axis=1) == 3).all()


def test_a_shift_goes_where_there_is_room():
    holders = circle(5, 2)
    assert shift(holders, np.array([0, 0, 1, 0, 0]), np.random.default_rng(0))
    assert holders.sum(axis=1)[2] == 3
    assert (holders.sum(axis=0) == 2).all()
    assert not shift(holders, np.zeros(5, dtype=np.int64), np.random.default_rng(0))


@given(seed=st.integers(0, 10**6), caps=st.sampled_from([[4] * 8, [2, 3, 4, 5, 6, 7, 3, 4], [8] * 8]))
def test_designs_keep_to_the_loads(seed, caps):
    held = design(np.array(caps), 8, 2, np.random.default_rng(seed))
    if held is not None:
        assert held.shape == (8, 8)
        assert held.sum(axis=0).min() >= 3
        assert (held.sum(axis=1) <= caps).all()
        assert held.dtype == bool


@pytest.mark.parametrize(
    ("n", "s", "k", "load"), [(7, 2, 7, 3), (9, 3, 18, 8), (8, 2, 8, 4), (6, 5, 6, 6), (11, 4, 11, 5)]
)
def test_starts_keep_to_the_loads(n, s, k, load):
    found = starts((load,) * n, k, s, 8)
    assert found
    for held in found:
        assert held.shape == (n, k)
        assert held.sum(axis=0).min() > s
        assert held.sum(axis=1).max() <= load


@pytest.mark.parametrize(
    "code",
    [
        gcopt.families.fractional_repetition(12, 2),
        gcopt.families.fractional_repetition(6, 2),
        gcopt.families.cyclic_mds(7, 2),
        gcopt.families.grouped(9, 3),
        gcopt.families.placement(6, 2, partitions=12, speeds=[1, 1, 1, 2, 2, 3], rng=0),
    ],
)
def test_no_code_is_below_the_bounds(code):
    s, matrix = code.stragglers, code.segments[0].encoding.toarray()
    noise = helpers.worst_noise(matrix, s)
    free = least_noise(code.segments[0].load, code.partitions, s)
    assert 0.3 * noise**0.5 < free <= least_noise_on(matrix != 0, s) + 1e-9
    assert least_noise_on(matrix != 0, s) <= noise * (1 + 1e-9)


def test_bounds_that_are_met():
    for n, s in ((4, 3), (5, 0)):
        assert least_noise(np.full(n, n), n, s) == pytest.approx(np.sqrt(1.0 / (n - s)))
    repetition = gcopt.families.fractional_repetition(12, 2).support.toarray()
    assert least_noise_on(repetition, 2) == pytest.approx(np.sqrt((2 + 12 / 3) / 12))


def test_groups_of_five_in_closed_form():
    # the lines of a regular pentagon: squared noise 11 for three neighbours, 4 - sqrt(5) for all; a triple has 1
    found = ExactCode(Search(seconds=0.0)).solve(13, 2, rng=0)
    assert found.value == pytest.approx(np.sqrt((11 + (4 - np.sqrt(5)) + 1) / 13), rel=1e-9)


@pytest.mark.parametrize(("n", "s", "below"), [(13, 4, 1.6), (16, 5, 1.01914), (20, 5, 0.93226)])
def test_the_start_beats_the_grouped_codes(n, s, below):
    found = ExactCode(Search(seconds=0.0)).solve(n, s, rng=0)
    assert found.bound < found.value < below
    assert found.encoding.dtype == np.float64
    assert ((found.encoding != 0).sum(axis=1) == s + 1).all()


def test_the_search_finds_better_and_its_moves_make_it_again():
    start = ExactCode(Search(seconds=0.0)).solve(11, 3, rng=2)
    found = ExactCode(Search(moves=[1, 12])).solve(11, 3, rng=2)
    half = ExactCode(Search(moves=[1, 5])).solve(11, 3, rng=2)
    again = ExactCode(Search(moves=found.moves)).solve(11, 3, rng=2, chains=half.chains)
    assert found.value < 0.95 * start.value
    assert found.status is Status.FEASIBLE
    assert again.encoding.tobytes() == found.encoding.tobytes()
    assert (found.seed, found.moves) == (2, (1, 12))
    assert found.value == pytest.approx(helpers.worst_noise(found.encoding, 3), rel=1e-7)
    assert helpers.worst_error(found.encoding, 3) < 1e-12


def test_more_load_makes_less_noise():
    values = [ExactCode(Search(moves=[1])).solve(8, 2, loads=load, rng=0) for load in (3, 4, 6, 8)]
    assert all(a.value >= b.value * (1 - 1e-9) for a, b in pairwise(values))
    assert values[0].value > 1.9 * values[1].value
    assert values[-1].status is Status.OPTIMAL
    assert values[-1].value == pytest.approx(np.sqrt(1 / 6))


def test_unequal_loads():
    loads = [2, 2, 3, 4, 6, 7]
    found = ExactCode(Search(moves=[3])).solve(6, 2, partitions=8, loads=loads, rng=0)
    assert ((found.encoding != 0).sum(axis=1) <= loads).all()
    assert found.value == pytest.approx(helpers.worst_noise(found.encoding, 2), rel=1e-7)


def test_a_given_placement_stays():
    held = circle(6, 4)
    found = ExactCode(Search(moves=[3])).solve(6, 2, holders=held.astype(int), rng=0)
    assert (found.encoding[~held] == 0).all()
    assert found.bound >= least_noise(np.full(6, 4), 6, 2)
    assert found.value == pytest.approx(helpers.worst_noise(found.encoding, 2), rel=1e-7)


def test_it_is_no_worse_than_a_code_that_is_given():
    known = gcopt.families.grouped(8, 5).segments[0].encoding.toarray()
    placement = gcopt.families.placement(8, 5, draws=1, rng=0).segments[0].encoding.toarray()
    alone = ExactCode(Search(moves=[0])).solve(8, 5, holders=circle(8, 6), rng=0)
    helped = ExactCode(Search(moves=[0])).solve(8, 5, holders=circle(8, 6), starts=[known, placement], rng=0)
    assert helped.value <= helpers.worst_noise(known, 5) * (1 + 1e-9) < alone.value


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((5, 5), {}, InputError, "fewer stragglers than workers"),
        ((5, -1), {}, InputError, "fewer stragglers than workers"),
        ((5, 1), {"partitions": 0}, InputError, "0 partitions"),
        ((5, 2), {"loads": 2}, InputError, "loads add up to 10; 3 copies of 5 partitions need 15"),
        ((5, 2), {"loads": 3.5}, InputError, "loads is 3.5; an integer"),
        ((5, 2), {"loads": [3, 3]}, InputError, "one for each of 5 workers"),
        ((5, 2), {"holders": np.eye(5)}, InputError, "holders has a partition on 1 workers"),
        ((5, 2), {"holders": np.ones((4, 5))}, InputError, r"holders has shape \(4, 5\)"),
        ((5, 2), {"holders": np.full((5, 5), 2)}, InputError, "of 0 and 1"),
        ((5, 2), {"holders": np.ones((5, 5)), "loads": 5}, InputError, "leave out partitions and loads"),
        ((5, 2), {"starts": [np.ones((5, 5))]}, InputError, "within the loads"),
        ((41, 20), {}, LimitError, "too many straggler sets"),
    ],
)
def test_impossible_requests_are_refused(arguments, options, error, message):
    with pytest.raises(error, match=message):
        ExactCode(Search(seconds=0.0)).solve(*arguments, **options)
