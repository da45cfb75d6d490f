"""Means of the decoded gradient against plain enumeration."""

from itertools import product

import numpy as np
import pytest

import gcopt
from gcopt.averages import _sampled, mean_error, moments
from gcopt.code import GradientCode
from gcopt.decoding import Decoder
from gcopt.enumeration import Pace
from gcopt.errors import InputError
from tests.helpers import straggler_sets

MATRIX = np.array([[1, 2, 0, 0], [0, 0.5, 1, 0], [0, 0, 1, 1], [1, 0, 0, 3], [0.2, 0, 0.7, 0]], dtype=float)


def by_hand(decoder, probability):
    """Mean of the coefficients and of the error over all sets of responders."""
    segment = decoder.segment
    mean, error = np.zeros(segment.partitions), 0.0
    for heard in product((False, True), repeat=segment.workers):
        weight = np.prod(np.where(heard, 1 - np.asarray(probability), probability))
        found = decoder(heard)
        mean += weight * (found.matrix @ segment.encoding)[0]
        error += weight * found.error
    return mean, error


@pytest.mark.parametrize("rule", ["least-squares", "scaled", "sum"])
@pytest.mark.parametrize("probability", [0.3, [0.1, 0.5, 0.0, 0.25, 0.9]])
def test_independent_stragglers(rule, probability):
    decoder = Decoder(GradientCode.from_matrix(MATRIX, decoder=rule).segments[0])
    mean, error = by_hand(decoder, np.broadcast_to(probability, 5))
    given = {"stragglers": 0, "probability": probability, "samples": 2, "rng": np.random.default_rng(0)}
    found = moments(decoder, **given)
    assert found.exact
    np.testing.assert_allclose(found.mean[0], mean, atol=1e-12)
    assert found.error.value == pytest.approx(error, abs=1e-12)
    assert mean_error(decoder, **given).value == pytest.approx(error, abs=1e-12)
    assert found.bias + found.variance == pytest.approx(error)


@pytest.mark.parametrize("rule", ["least-squares", "scaled", "sum"])
@pytest.mark.parametrize("s", range(5))
def test_random_sets_of_stragglers(rule, s):
    decoder = Decoder(GradientCode.from_matrix(MATRIX, decoder=rule).segments[0])
    sets = [decoder([j not in lost for j in range(5)]) for lost in straggler_sets(5, s)]
    found = moments(decoder, stragglers=s, probability=None, samples=2, rng=np.random.default_rng(0))
    assert found.exact
    assert found.error.value == pytest.approx(np.mean([one.error for one in sets]), abs=1e-12)
    np.testing.assert_allclose(found.mean, np.mean([one.matrix @ MATRIX for one in sets], axis=0), atol=1e-12)


@pytest.mark.parametrize("rule", ["least-squares", "scaled", "sum"])
def test_sampling_agrees_with_the_exact_moments(rule):
    decoder = Decoder(GradientCode.from_matrix(np.kron(np.eye(4), MATRIX), decoder=rule).segments[0])

    rng = np.random.default_rng(1)
    exact = mean_error(decoder, stragglers=0, probability=0.2, samples=2, rng=rng)
    drawn = _sampled(decoder, 0, np.full(20, 0.2), 4000, rng, Pace(np.inf))
    assert abs(drawn.error.value - exact.value) < 5 * drawn.error.stderr
    assert not drawn.exact


def test_the_optimal_decoder_of_a_symmetric_code_is_off_by_one_factor():
    """Identity E of the theory: alpha = 1 - E err / k, and the rest is variance."""
    code = GradientCode.from_matrix(np.ones((5, 5)) - np.eye(5))
    decoder = Decoder(code.segments[0])
    found = moments(decoder, stragglers=0, probability=0.4, samples=2, rng=np.random.default_rng(0))
    assert found.factor == pytest.approx(1 - found.error.value / 5)
    assert found.crooked < 1e-20


@pytest.mark.parametrize("probability", [1.5, [0.1, 0.2], [0.1, 0.2, 0.3, -1], "often"])
def test_impossible_probabilities(probability):
    with pytest.raises(InputError, match="probability"):
        gcopt.verify(gcopt.families.uncoded(4), probability=probability)


@pytest.mark.parametrize("mean", [mean_error, moments])
def test_what_takes_too_long_is_sampled_from_as_many_sets_as_the_time_allows(mean):
    decoder = Decoder(GradientCode.from_matrix(MATRIX).segments[0])

    def found(**limit):
        drawn = mean(decoder, stragglers=2, probability=None, samples=50, rng=np.random.default_rng(0), **limit)
        return drawn if mean is mean_error else drawn.error

    assert (found().sets, found().exact) == (0, True)
    assert found(seconds=60.0).value == found().value
    hurried = found(seconds=0.0)
    assert (hurried.sets, hurried.exact) == (2, False)
    assert hurried.stderr > 0


def test_a_time_limit_that_suffices_changes_nothing():
    decoder = Decoder(gcopt.families.random_regular(60, 20, 4, rng=0).segments[0])
    drawn = [
        mean_error(decoder, stragglers=20, probability=None, samples=30, rng=np.random.default_rng(5), seconds=limit)
        for limit in (np.inf, 60.0)
    ]
    assert drawn[0] == drawn[1]
    assert drawn[0].sets == 30


def test_the_pace_of_steps_is_told_without_the_first(monkeypatch):
    """The first step takes 5 seconds and the others a tenth of one: 11 of them fit into 7 seconds, 101 do not."""
    clock = iter([0.0, 0.0, 5.0, *(5.0 + 0.1 * i for i in range(1, 40))])
    monkeypatch.setattr("gcopt.enumeration.time.perf_counter", lambda: next(clock))
    pace = Pace(7.0)
    assert [pace.too_slow(11) for _ in range(11)] == [False] * 11
    assert pace.too_slow(101)
