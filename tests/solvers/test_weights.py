"""Weights on a fixed assignment: against a general solver, against enumeration, and against what is published."""

from __future__ import annotations

from itertools import product

import cvxpy as cp
import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from gcopt.solvers._splitting import Marginals, spectral_norm
from gcopt.solvers.errors import InfeasibleError, InputError, LimitError
from gcopt.solvers.result import Status
from gcopt.solvers.weights import SpectralWeights, UnbiasedWeights
from tests.helpers import error_of, straggler_sets, worst_error
from tests.matrices import FANO, PETERSEN, circulant, plane

REGULAR = nx.to_numpy_array(nx.random_regular_graph(4, 24, seed=1))


def random_support(rng, n, k, density):
    """Every partition on a worker; workers may be idle."""
    support = rng.random((n, k)) < density
    support[rng.integers(0, n, k), np.arange(k)] = True
    return support


def spectral_by_a_general_solver(support, nonnegative):
    """The same program in the words of cvxpy; the rows that are empty are left out."""
    split = support / support.sum(axis=0)
    split = split[split.any(axis=1)]
    n, k = split.shape
    rows = split.sum(axis=1)
    W = cp.Variable((n, k), nonneg=nonnegative)
    scaled = cp.diag(rows**-0.5) @ W - np.outer(np.sqrt(rows), np.ones(k)) / k
    fixed = [cp.sum(W, axis=0) == 1, cp.sum(W, axis=1) == rows, cp.multiply(W, split == 0) == 0]
    problem = cp.Problem(cp.Minimize(cp.sigma_max(scaled)), fixed)
    problem.solve(solver=cp.CLARABEL)
    return problem.value**2


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_spectral_weights_are_those_of_a_general_solver(seed, nonnegative):
    rng = np.random.default_rng(seed)
    support = random_support(rng, int(rng.integers(4, 9)), int(rng.integers(4, 9)), 0.45)
    found = SpectralWeights(nonnegative, gap=1e-8).solve(support)
    assert found.value == pytest.approx(spectral_by_a_general_solver(support, nonnegative), rel=1e-5, abs=1e-7)
    assert found.status is Status.OPTIMAL


def check_spectral(found, support, nonnegative):
    weights = found.weights
    split = support / support.sum(axis=0)
    assert not weights[~support].any()
    assert weights.sum(axis=0) == pytest.approx(1.0, abs=1e-12)
    assert weights.sum(axis=1) == pytest.approx(split.sum(axis=1), abs=1e-12)
    assert not nonnegative or weights.min() >= 0.0
    assert found.bound <= found.value <= found.start * (1 + 1e-12) + 1e-15
    assert found.value == pytest.approx(spectral_norm(weights) ** 2, rel=1e-9)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 7), st.integers(1, 7), st.booleans())
def test_no_stragglers_hurt_spectral_weights_more_than_promised(seed, n, k, nonnegative):
    rng = np.random.default_rng(seed)
    support = random_support(rng, n, k, rng.uniform(0.2, 0.9))
    found = SpectralWeights(nonnegative, iterations=300).solve(support)
    check_spectral(found, support, nonnegative)
    rows = found.weights.sum(axis=1)
    for s in range(n + 1):
        assert worst_error(found.weights, s) <= found.error(s) + 1e-7
        for lost in straggler_sets(n, s):  # every responder counting the same, as the notes say
            heard = np.isin(np.arange(n), lost, invert=True)
            a = rows[heard].sum() / k
            if a > 1e-9:
                error = error_of(found.weights, heard[None] / a)
                assert error <= found.value * k * (1 - a) / a + 1e-7


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.booleans())
def test_no_weights_are_below_the_bound(seed, nonnegative):
    rng = np.random.default_rng(seed)
    support = random_support(rng, 6, 5, 0.6)
    found = SpectralWeights(nonnegative, iterations=int(rng.integers(0, 60))).solve(support)
    used = support.any(axis=1)
    split = (support / support.sum(axis=0))[used]
    step = np.where(support[used], rng.normal(size=split.shape), 0.0)
    step -= Marginals(support[used], np.ones(len(split))).fit(step)
    assert step.sum(axis=0) == pytest.approx(0.0, abs=1e-12)
    assert step.sum(axis=1) == pytest.approx(0.0, abs=1e-12)
    if nonnegative and step.min() < 0:
        step *= rng.random() * (-split[step < 0] / step[step < 0]).min()
    assert found.bound <= spectral_norm(split + step) ** 2 + 1e-12


@pytest.mark.parametrize("matrix", [FANO, PETERSEN, plane(3), circulant(9, 0, 1), np.kron(FANO, np.ones((1, 2)))])
def test_where_all_edges_are_alike_the_equal_split_is_proved_best(matrix):
    n, k = matrix.shape
    squares = np.linalg.svd(matrix, compute_uv=False) ** 2
    found = SpectralWeights().solve(matrix)
    assert found.value == pytest.approx(squares[1] / squares[0])
    assert found.bound == pytest.approx(squares[1] / squares[0], rel=1e-5)
    for s in range(n):  # bound C: k sigma2^2 s / (gamma delta (n - s) + sigma2^2 s)
        assert found.error(s) == pytest.approx(k * squares[1] * s / (squares[0] * (n - s) + squares[1] * s))


def test_petersen_with_every_responder_counting_the_same():
    found = SpectralWeights().solve(PETERSEN)
    tau = found.value  # lambda^2 / d^2 n s / (n - s), published
    assert [tau * 10 * s / (10 - s) for s in (1, 2, 3, 4)] == pytest.approx([0.493827, 1.111111, 1.904762, 2.962963])


def test_a_random_assignment_is_improved_by_its_weights():
    free, signed = SpectralWeights().solve(REGULAR), SpectralWeights(nonnegative=True).solve(REGULAR)
    assert free.start == pytest.approx(0.607717, abs=1e-6)
    assert (free.value, signed.value) == pytest.approx((0.550545, 0.550545), abs=1e-6)
    assert free.gap <= 1e-6
    assert signed.gap <= 1e-6
    assert free.error(4) < 0.92 * SpectralWeights(iterations=0).solve(REGULAR).error(4)
    again = SpectralWeights().solve(sparse.csr_array(REGULAR))
    assert np.array_equal(free.weights, again.weights)


def test_everybody_holding_everything_and_groups_that_share_nothing():
    everything = SpectralWeights().solve(np.ones((4, 3)))
    assert (everything.value, everything.bound, everything.error(3)) == (0.0, 0.0, 0.0)
    assert everything.status is Status.OPTIMAL
    assert everything.error(4) == 3.0
    groups = SpectralWeights().solve(np.kron(np.eye(3), np.ones((2, 2))))
    assert (groups.value, groups.bound) == pytest.approx((1.0, 1.0))
    assert groups.error(2) == pytest.approx(2.0)


def test_idle_workers_do_not_count_and_the_busiest_are_lost_first():
    support = np.vstack([np.ones((3, 4)), np.zeros((2, 4)), np.eye(4)])
    found = SpectralWeights().solve(support)
    assert not found.weights[3:5].any()
    check_spectral(found, support != 0, False)
    alone = SpectralWeights().solve(np.delete(support, [3, 4], axis=0))
    assert [found.error(s) for s in range(7)] == pytest.approx([alone.error(s) for s in range(7)], abs=1e-7)


@pytest.mark.parametrize("options", [{"seconds": 0.0}, {"iterations": 0}])
def test_without_time_the_equal_split_is_returned(options):
    found = SpectralWeights(**options).solve(REGULAR)
    assert np.array_equal(found.weights, REGULAR / 4)
    assert (found.value, found.bound, found.status, found.iterations) == (found.start, 0.0, Status.FEASIBLE, 0)


# unbiased weights


def variance_by_enumeration(encoding, chances, correlation):
    """Mean of |estimate - gradient|^2 for partial gradients with this Gram matrix, over all 2^n answers."""
    n, k = encoding.shape
    gram = np.full((k, k), correlation) + (1 - correlation) * np.eye(k)
    total = 0.0
    for answers in product([0.0, 1.0], repeat=n):
        heard = np.array(answers)
        off = heard @ encoding - 1
        total += np.prod(np.where(heard > 0, 1 - chances, chances)) * (off @ gram @ off)
    return total


def unbiased_by_a_general_solver(support, chances, correlation, nonnegative):
    w = chances / (1 - chances)
    alpha = cp.Variable(support.shape, nonneg=nonnegative)
    each = (1 - correlation) * cp.sum(cp.square(alpha), axis=1) + correlation * cp.square(cp.sum(alpha, axis=1))
    problem = cp.Problem(cp.Minimize(w @ each), [cp.sum(alpha, axis=0) == 1, cp.multiply(alpha, ~support) == 0])
    problem.solve(solver=cp.CLARABEL)
    return problem.value


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.95, 1.0])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_unbiased_weights_are_those_of_a_general_solver_and_vary_as_said(seed, correlation, nonnegative):
    rng = np.random.default_rng(seed)
    support = random_support(rng, 6, 7, 0.3)
    chances = rng.uniform(0.05, 0.8, 6)
    chances[rng.integers(0, 6)] *= seed > 0  # one that never straggles
    found = UnbiasedWeights(correlation, nonnegative).solve(support, probability=chances)
    expected = unbiased_by_a_general_solver(support, chances, correlation, nonnegative)
    assert found.value == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert found.value == pytest.approx(variance_by_enumeration(found.encoding, chances, correlation), abs=1e-9)
    assert found.value * (1 - 1e-6) <= found.bound <= found.value
    assert found.status is Status.OPTIMAL
    assert found.weights.sum(axis=0) == pytest.approx(1.0, abs=1e-12)
    assert not found.weights[~support].any()
    assert not nonnegative or found.weights.min() >= 0.0


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 9), st.sampled_from([0.0, 0.2, 0.7, 1.0]))
def test_no_unbiased_weights_are_below_the_bound(seed, n, k, correlation):
    rng = np.random.default_rng(seed)
    support = random_support(rng, n, k, rng.uniform(0.1, 1.0))
    chances = rng.random(n) * rng.integers(0, 2, n)
    found = UnbiasedWeights(correlation).solve(support, probability=chances)
    assert found.status is Status.OPTIMAL
    w = chances / (1 - chances)
    other = np.where(support, rng.exponential(size=(n, k)), 0.0)
    for alpha in (other / other.sum(axis=0), support / support.sum(axis=0)):
        cost = w @ ((1 - correlation) * (alpha**2).sum(axis=1) + correlation * alpha.sum(axis=1) ** 2)
        assert found.bound <= cost * (1 + 1e-9) + 1e-12


def test_numbers_of_song_and_choi():
    chances = np.array([0.1, 0.2, 0.4, 0.5])
    w = chances / (1 - chances)
    found = UnbiasedWeights(1.0).solve(np.ones((4, 6)), probability=chances)
    assert found.value == pytest.approx(2.322581, abs=1e-6)
    assert found.weights.sum(axis=1) == pytest.approx([3.483871, 1.548387, 0.580645, 0.387097], abs=1e-6)
    assert w @ np.full(4, 1.5) ** 2 == pytest.approx(4.5625)
    # scheme II, a chain of load 1.5: of weights with a sign it is the best too
    chain = np.array([[1, 1, 1, 1, 0, 0], [0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 1]])
    for support, nonnegative in ((chain, True), (chain, False), (np.ones((4, 6)), True)):
        assert UnbiasedWeights(1.0, nonnegative).solve(support, probability=chances).value == pytest.approx(
            2.322581, abs=2e-6
        )
    # groups that share nothing cannot make up for each other
    apart = UnbiasedWeights(1.0).solve(np.kron(np.eye(2), np.ones((2, 3))), probability=chances)
    assert apart.value == pytest.approx(9 / (1 / w[0] + 1 / w[1]) + 9 / (1 / w[2] + 1 / w[3]))


def test_equal_workers_count_equally():
    found = UnbiasedWeights().solve(FANO, probability=0.3)
    assert found.value == pytest.approx(1.0, abs=1e-12)  # k q / ((1 - q) gamma)
    assert found.encoding == pytest.approx(FANO / 3 / 0.7)
    # the criterion with equal partial gradients: (3/7) (7/3 + 42/9), published; nothing is better by symmetry
    assert UnbiasedWeights(1.0).solve(FANO, probability=0.3).value == pytest.approx(3.0)


def test_workers_that_never_and_that_always_straggle():
    support = np.ones((4, 2))
    found = UnbiasedWeights(0.5, True).solve(support, probability=[0.0, 0.0, 1.0, 0.5])
    assert found.weights.tolist() == [[0.5, 0.5], [0.5, 0.5], [0.0, 0.0], [0.0, 0.0]]
    assert (found.value, found.bound, found.status) == (0.0, 0.0, Status.OPTIMAL)
    with pytest.raises(InfeasibleError, match="partition 1 is only on workers that always straggle"):
        UnbiasedWeights().solve(np.eye(2), probability=[0.5, 1.0])


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("correlation", [0.0, 0.5, 1.0 - 1e-6, 1.0])
def test_larger_problems_with_very_unequal_workers_are_proved_too(correlation, nonnegative):
    rng = np.random.default_rng(5)
    support = random_support(rng, 40, 50, 0.1)
    chances = np.where(rng.random(40) < 0.3, 0.999, 10.0 ** -rng.uniform(0.5, 5, 40))
    chances[:2] = 1e-300, 1.0
    support[2] = True
    found = UnbiasedWeights(correlation, nonnegative).solve(support, probability=chances)
    assert found.gap <= 1e-6
    assert found.status is Status.OPTIMAL


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: SpectralWeights(gap=np.nan), InputError, "gap is nan"),
        (lambda: SpectralWeights(nonnegative="no"), InputError, "nonnegative is 'no'"),
        (lambda: SpectralWeights(iterations=-1), InputError, "iterations is -1"),
        (lambda: SpectralWeights(seconds=np.nan), InputError, "seconds is nan"),
        (lambda: SpectralWeights().solve(np.ones(3)), InputError, "assignment has shape (3,)"),
        (lambda: SpectralWeights().solve([[1.0, np.nan]]), InputError, "assignment holds NaN"),
        (lambda: SpectralWeights().solve([["a"]]), InputError, "a matrix of numbers is needed"),
        (lambda: SpectralWeights().solve([[1, 0], [1, 0]]), InfeasibleError, "partition 1 is on no worker"),
        (lambda: SpectralWeights().solve(sparse.csr_array((6000, 6000))), LimitError, "assignment is 6000 x 6000"),
        (lambda: SpectralWeights().solve(np.eye(2)).error(3), InputError, "stragglers is 3; with 2 workers"),
        (lambda: UnbiasedWeights(1.5), InputError, "correlation is 1.5"),
        (lambda: UnbiasedWeights().solve(np.eye(2), probability=[0.5]), InputError, "or 2 of them"),
        (lambda: UnbiasedWeights().solve(np.eye(2), probability=np.nan), InputError, "probability holds nan"),
    ],
)
def test_impossible_input_is_refused_in_one_line(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
