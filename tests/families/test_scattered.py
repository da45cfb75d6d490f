"""Bernoulli, stochastic block and soft-design codes: random assignments whose promises hold on average."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

import gcopt
from gcopt.errors import InputError
from gcopt.families import bernoulli, soft_design, stochastic_block
from gcopt.families._scattered import refilled, subsets
from tests.families.enumeration import errors, independent
from tests.helpers import dense

DRAWS = 400


def average(code):
    (claim,) = [c for c in code.claims if c.on_average and c.kind == "mean"]
    return claim.value


def exact_mean(code):
    (claim,) = [c for c in code.claims if c.kind == "mean" and not c.on_average]
    return claim.value


def over_draws(make):
    """Mean of the exact mean errors of many draws, and its standard error."""
    means = np.array([exact_mean(make(rng)) for rng in range(DRAWS)])
    return means.mean(), means.std(ddof=1) / np.sqrt(DRAWS)


def test_published_expectation_of_bernoulli_codes():
    code = bernoulli(20, 6, 4, decoder="scaled", rng=0)
    assert average(code) == pytest.approx(5.714286, abs=5e-7)
    found, stderr = over_draws(lambda rng: bernoulli(20, 6, 4, decoder="scaled", rng=rng))
    empty = 0.8**20
    assert abs(found - 20 * (5.714286 / 20 - empty) / (1 - empty)) < 4 * stderr
    assert abs(found - average(code)) < 0.1 * average(code)


def test_published_expectation_of_stochastic_block_codes():
    code = stochastic_block(20, 6, 4, 0.6, 0.1, decoder="scaled", rng=0)
    assert average(code) == pytest.approx(4.015595, abs=1e-6)
    found, stderr = over_draws(lambda rng: stochastic_block(20, 6, 4, 0.6, 0.1, decoder="scaled", rng=rng))
    empty = 0.4**5 * 0.9**15
    assert abs(found - 20 * (4.015595 / 20 - empty) / (1 - empty)) < 4 * stderr


MAKERS = {
    "bernoulli": lambda decoder, q, rng: bernoulli(9, 3, 2.5, 6, False, decoder, q, rng),
    "few copies": lambda decoder, q, rng: bernoulli(6, 2, 0.8, 6, False, decoder, q, rng),
    "regularised": lambda decoder, q, rng: bernoulli(9, 3, 1.2, 12, True, decoder, q, rng),
    "block": lambda decoder, q, rng: stochastic_block(9, 3, 3, 0.7, 0.2, 6, decoder, q, rng),
    "apart": lambda decoder, q, rng: stochastic_block(8, 3, 2, 0.5, 0.0, 8, decoder, q, rng),
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(("decoder", "q"), [("scaled", None), ("sum", 0.3)])
def test_the_promised_average_bounds_the_mean_over_draws(name, decoder, q):
    found, stderr = over_draws(lambda rng: MAKERS[name](decoder, q, rng))
    promised = average(MAKERS[name](decoder, q, 0))
    assert found < promised + 4 * stderr
    assert found > 0.7 * promised


@pytest.mark.parametrize("name", MAKERS)
def test_least_squares_is_never_worse_than_one_step(name):
    for rng in range(10):
        best, scaled = MAKERS[name]("least-squares", None, rng), MAKERS[name]("scaled", None, rng)
        np.testing.assert_array_equal(dense(best), dense(scaled))
        assert (errors(best, 3 if best.workers > 6 else 2) <= errors(scaled, 3 if best.workers > 6 else 2) + 1e-9).all()
        assert average(best) == average(scaled)


@pytest.mark.parametrize("name", MAKERS)
def test_the_mean_error_of_a_draw_is_exact(name):
    for rng in range(5):
        scaled = MAKERS[name]("scaled", None, rng)
        assert errors(scaled, scaled.stragglers).mean() == pytest.approx(exact_mean(scaled))
        summed = MAKERS[name]("sum", 0.3, rng)
        assert independent(summed, np.full(summed.workers, 0.3))[1] == pytest.approx(exact_mean(summed))


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(("decoder", "q"), [("least-squares", None), ("scaled", None), ("sum", 0.3)])
def test_verify_never_refutes(name, decoder, q):
    for rng in range(5):
        assert gcopt.verify(MAKERS[name](decoder, q, rng)).ok


def test_every_worker_holds_every_partition_equally_often():
    total = sum(bernoulli(6, 1, 2, 4, rng=rng).support.toarray().astype(int) for rng in range(600))
    expected = 600 * 0.5 / (1 - 0.5**6)  # given that somebody holds the partition
    assert (abs(total - expected) < 5 * np.sqrt(600 * 0.25)).all()


def test_communities_hold_what_they_should():
    total = sum(stochastic_block(6, 1, 3, 0.9, 0.2, rng=rng).support.toarray().astype(int) for rng in range(400))
    own = np.kron(np.eye(3), np.ones((2, 2)))
    assert (abs(total - 400 * np.where(own, 0.9, 0.2)) < 5 * np.sqrt(400 * 0.16) + 400 * 0.01).all()


def test_certain_blocks_are_fractional_repetition():
    code = stochastic_block(6, 2, 3, 1.0, 0.0, decoder="scaled")
    np.testing.assert_array_equal(code.support.toarray(), np.kron(np.eye(3), np.ones((2, 2))).astype(bool))
    assert average(code) == pytest.approx(1.2)


def test_regularised_workers_hold_at_most_twice_the_load_but_for_what_nobody_had():
    heavy = [int(bernoulli(40, 5, 1.5, 40, rng=rng).segments[0].load.max()) for rng in range(20)]
    code = bernoulli(40, 5, 4, 40, regularised=True, rng=1)
    assert max(heavy) > 3
    assert code.segments[0].load.max() <= 8 + 1
    assert code.segments[0].replication.min() >= 1


@given(load=st.floats(0.01, 5.0), seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=40)
def test_no_partition_is_without_a_worker(load, seed):
    assert bernoulli(4, 1, load, 5, rng=seed).replication >= 1
    assert bernoulli(4, 1, load, 5, True, rng=seed).replication >= 1


def test_partitions_drawn_again_are_distributed_as_if_they_had_been_drawn_until_somebody_holds_them():
    chance = np.array([0.1, 0.0, 0.3, 0.5])
    held = gcopt.code.frozen_matrix(np.eye(4, 1))
    empty = type(held)((4, 4000))
    drawn = refilled(empty, lambda _: chance, np.random.default_rng(0)).toarray()
    patterns = drawn.T @ [1, 2, 4, 8]
    codes = np.array([1, 4, 5, 8, 9, 12, 13])
    bits = codes[:, None] // [1, 2, 4, 8] % 2
    weights = np.prod(np.where(bits, chance, 1 - chance), axis=1)
    counts = np.array([(patterns == code).sum() for code in codes])
    assert counts.sum() == 4000
    assert chisquare(counts, 4000 * weights / weights.sum()).pvalue > 1e-4


def test_subsets_are_uniform():
    rows = subsets(np.random.default_rng(0), [2] * 6000, 4).toarray()
    counts = np.unique(rows @ [1, 2, 4, 8], return_counts=True)[1]
    assert len(counts) == 6
    assert chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize("s", range(6))
def test_a_soft_design_keeps_the_error_of_the_fano_plane_on_average(s):
    bound = [0, 1 / 4, 4 / 7, 1, 1.6, 2.5][s]
    found = []
    for rng in range(100):
        code = soft_design(7, s, 3, rng=rng)
        sets = errors(code, s)
        found.append(sets)
        assert sets.mean() <= bound + 1e-9
    for claim in code.claims[2:]:
        assert claim.value == pytest.approx(bound)
    assert (np.mean(found, axis=0) <= bound + 1e-9).all()


@pytest.mark.parametrize(("n", "k", "copies", "s"), [(6, 9, 2, 2), (8, 5, 3, 3), (5, 5, 5, 4), (4, 6, 1, 1)])
@pytest.mark.parametrize(("decoder", "q"), [("least-squares", None), ("scaled", None), ("sum", 0.3)])
def test_a_soft_design_of_any_size(n, k, copies, s, decoder, q):
    code = soft_design(n, s, copies, partitions=k, decoder=decoder, probability=q, rng=2)
    assert (code.segments[0].replication == copies).all()
    assert gcopt.verify(code).ok
    if decoder == "scaled":
        expected = k * (n - copies) * s / (copies * (n - s) * (n - 1))
        assert errors(code, s).mean() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: bernoulli(5, 2, 0), "load is 0; a number above 0 and at most 5"),
        (lambda: bernoulli(5, 2, 6), "load is 6; a number above 0 and at most 5"),
        (lambda: bernoulli(5, 2, float("nan")), "load is nan"),
        (lambda: bernoulli(5, 2, 2, decoder="sum"), "probability is missing"),
        (lambda: bernoulli(5, 2, 2, decoder="sum", probability=1.0), "probability is 1; below 1"),
        (lambda: bernoulli(5, 2, 2, decoder="sum", probability=-0.1), "probability is -0.1"),
        (lambda: stochastic_block(6, 2, 4, 0.5, 0.1), "communities is 4; a number that divides 6 workers"),
        (lambda: stochastic_block(6, 2, 3, 1.5, 0.1), "inside is 1.5"),
        (lambda: stochastic_block(6, 2, 3, 0.0, 0.0), "make one positive"),
        (lambda: soft_design(6, 2, 0), "replication is 0"),
        (lambda: soft_design(6, 2, 7), "replication is 7; an integer from 1 to 6"),
    ],
)
def test_bad_parameters_say_what_would_work(make, words):
    with pytest.raises(InputError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)
