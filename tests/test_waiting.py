"""Waiting within a tolerance and by a deadline: by hand, and against going through the answers one by one."""

import numpy as np
import pytest

from gcopt.averages import mean_error
from gcopt.cluster import Cluster, Failures
from gcopt.decoding import Decoder
from gcopt.delays import Delay
from gcopt.errors import InputError
from gcopt.families import FAMILIES
from gcopt.inexact import decoded
from gcopt.report.running import print_simulation
from gcopt.simulation import simulate
from gcopt.waiting import Waiting
from tests.approximates import CODES, petersen

EXPONENTIAL = Delay("exponential", {"rate": 1.0})
RULES = {
    "tolerate": {"tolerate": 0.1},
    "tolerate-much": {"tolerate": 0.45},
    "tolerate-nothing": {"tolerate": 0.0},
    "deadline": {"wait": "deadline", "deadline": 0.7},
    "early": {"wait": "deadline", "deadline": 0.05},
    "both": {"wait": "deadline", "deadline": 0.7, "tolerate": 0.2},
    "count": {"wait": "count"},
}


def one_by_one(code, c, decoder, arrived, wait="decodable", tolerate=None, deadline=None):
    """The end of the wait for one segment and who was heard by then."""
    times = arrived[:, c]
    segment = code.segments[c]
    heard = np.zeros(code.workers, dtype=bool)
    order = [j for j in np.argsort(times, kind="stable") if np.isfinite(times[j])]
    enough = max(1e-12, (tolerate or 0.0) * (1 + 1e-6)) * segment.blocks * segment.partitions
    looks = not segment.is_linear or tolerate is not None
    now = np.inf
    for j in order:
        if deadline is not None and times[j] > deadline and heard.any():
            return max(now, deadline), heard
        heard[j], now = True, times[j]
        if wait == "count" and heard.sum() == code.workers - segment.stragglers:
            return now, heard
        if wait != "count" and looks and decoder(heard).error <= enough:
            return now, heard
        if heard.all():
            return now, heard
    if wait == "count":
        return np.inf, heard
    if not heard.any():
        return np.inf, heard
    return max(now, arrived[np.isfinite(arrived)].max() if deadline is None else deadline), heard


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", CODES)
def test_every_rule_is_what_going_through_the_answers_finds(name, rule):
    code = CODES[name]
    rng = np.random.default_rng(3)
    arrived = rng.exponential(size=(60, code.workers, len(code.segments)))
    arrived[:20][rng.random(arrived[:20].shape) < 0.4] = np.inf
    arrived[20:30] = np.round(arrived[20:30], 1)  # ties
    arrived[59] = np.inf
    waiting = Waiting(code, **RULES[rule])
    until, heard = waiting.until(arrived), waiting.heard(arrived)
    for c in range(len(code.segments)):
        decoder = Decoder(code.segments[c])
        for i in range(60):
            time, used = one_by_one(code, c, decoder, arrived[i], **RULES[rule])
            assert until[i, c] == time
            if np.isfinite(time):
                error = [decoder(one).error for one in (heard[i, c], used)]
                assert error[0] <= 1e-9 if error[1] <= 1e-9 else (heard[i, c] == used).all()


def test_who_may_be_missing_within_a_tolerance_that_is_met_exactly():
    """Four workers, one partition each: a quarter may be missing."""
    code = FAMILIES["uncoded"](4)
    times = np.array([[[3.0], [1.0], [4.0], [2.0]]])
    assert Waiting(code, tolerate=0.25).until(times).tolist() == [[3.0]]
    assert Waiting(code, tolerate=0.2499).until(times).tolist() == [[4.0]]


def test_nobody_by_the_deadline_means_the_first():
    code = petersen()
    times = np.arange(10, 20, dtype=float)[None, :, None]
    waiting = Waiting(code, "deadline", deadline=3.0)
    assert waiting.until(times).tolist() == [[10.0]]
    assert np.flatnonzero(waiting.heard(times)).tolist() == [0]


def test_what_is_never_within_takes_all_that_comes():
    code = CODES["lost"]
    times = np.array([[[2.0], [np.inf], [1.0]]])
    assert Waiting(code, tolerate=0.1).until(times).tolist() == [[2.0]]
    assert Waiting(code, tolerate=0.0).kind(0) == "never"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tolerate": 1.0}, "tolerate is 1, which no answer at all would meet; a number from 0 to below 1"),
        ({"tolerate": -0.1}, "tolerate is -0.1; a number from 0 to 1"),
        ({"tolerate": float("nan")}, "tolerate is nan"),
        ({"tolerate": 0.1, "wait": "count"}, "tolerate is given and wait is 'count'"),
        ({"deadline": 2.0}, "deadline is 2.0 and wait is 'decodable'"),
        ({"wait": "deadline"}, "deadline is missing and wait is 'deadline'"),
        ({"wait": "deadline", "deadline": 0.0}, "deadline is 0.0; a positive number"),
        ({"wait": "deadline", "deadline": float("inf")}, "deadline is inf; a finite number"),
    ],
)
def test_numbers_that_are_no_rule_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        Waiting(petersen(), **options)


def test_the_error_of_a_simulation_is_the_mean_over_random_sets():
    """Alike workers: all sets of three stragglers are equally likely; the mean is 0.726407 of 10 partitions."""
    found = simulate(petersen(), Cluster(10, EXPONENTIAL), iterations=100, rng=0).error
    rng = np.random.default_rng(0)
    exact = mean_error(Decoder(petersen().segments[0]), stragglers=3, probability=None, samples=0, rng=rng)
    assert exact.value == pytest.approx(0.726407, abs=1e-6)
    assert abs(found.mean - exact.value / 10) < 5 * found.stderr
    assert found.max == pytest.approx(0.1)


@pytest.mark.parametrize("rule", ["tolerate", "deadline", "both"])
def test_a_simulation_reports_its_rule_and_never_an_error_above_the_tolerance(rule):
    options = RULES[rule]
    found = simulate(petersen(), Cluster(10, EXPONENTIAL), iterations=200, rng=0, **options)
    shown = found.to_dict()
    assert {key: shown[key] for key in options} == options
    assert set(shown["error"]) == {"mean", "stderr", "max"}
    assert 0 < shown["error"]["mean"] <= shown["error"]["max"] < 1
    if rule == "tolerate":
        assert shown["error"]["max"] <= 0.1 * (1 + 1e-6)
    assert found.expected is None
    assert found == simulate(petersen(), Cluster(10, EXPONENTIAL), iterations=200, rng=0, **options)


def test_a_smaller_tolerance_takes_longer():
    cluster = Cluster(10, EXPONENTIAL)
    means = [simulate(petersen(), cluster, iterations=500, tolerate=eps, rng=0).mean for eps in (0.5, 0.1, 0.02, 0.0)]
    assert means == sorted(means)
    assert len(set(means)) == 4


def test_exact_codes_have_no_error_and_say_nothing_of_it(capsys):
    cluster = Cluster(6, EXPONENTIAL)
    for wait in ("decodable", "count"):
        found = simulate(CODES["exact"], cluster, iterations=100, wait=wait, rng=0)
        assert found.error.to_dict() == {"mean": 0.0, "stderr": 0.0, "max": 0.0}
        print_simulation(found)
    assert "error" not in capsys.readouterr().out
    print_simulation(simulate(petersen(), Cluster(10, EXPONENTIAL), iterations=100, rng=0))
    assert "relative decoding error 0.07" in capsys.readouterr().out


def test_segments_count_by_their_lengths():
    cluster = Cluster(10, EXPONENTIAL)
    both = simulate(CODES["two-segments"], cluster, iterations=100, wait="count", rng=0)
    first, second = CODES["two-segments"].segments
    rng = np.random.default_rng(0)
    one, two = (
        mean_error(Decoder(s), stragglers=s.stragglers, probability=None, samples=0, rng=rng) for s in (first, second)
    )
    assert two.value == pytest.approx(0.0, abs=1e-12)
    assert abs(both.error.mean - one.value / 30) < 5 * both.error.stderr


def test_a_cluster_that_never_answers_has_no_error_to_report():
    dead = Cluster(10, EXPONENTIAL, failures=Failures(1.0, np.inf, 1.0))
    found = simulate(petersen(), dead, iterations=50, rng=0)
    assert found.error.mean == np.inf
    assert found.undecodable == 1.0


def test_factors_are_one_minus_the_error_for_least_squares():
    waiting = Waiting(petersen())
    heard = np.random.default_rng(0).random((200, 10)) > 0.3
    errors, factors = decoded(waiting, 0, heard)
    assert np.abs(1 - errors - factors).max() < 1e-12
    assert (errors > 0).any()
