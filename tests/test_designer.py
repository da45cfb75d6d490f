"""The search over families: known optima, honest advice, settings that restrict, the same again from the same seed."""

import itertools
import re

import numpy as np
import pytest

from gcopt.clairvoyant import _given_up, clairvoyant_share, clairvoyant_time
from gcopt.cluster import Cluster, Failures, Job, Network, Racks, Trace
from gcopt.code import GradientCode, Segment
from gcopt.delays import Delay
from gcopt.design_result import Choice
from gcopt.designer import _decided, compare, design
from gcopt.errors import InfeasibleError, InputError
from gcopt.families import FAMILIES, block_coordinate, two_stage
from gcopt.goal import Goal
from gcopt.simulation import sample_iterations, simulate
from gcopt.solvers.order_statistics import exponential_means
from gcopt.solvers.result import Status

EXPONENTIAL = Delay("exponential", {"rate": 1.0})
DETERMINISTIC = Delay("deterministic", {"value": 1.0})
FEW = {"iterations": 500}


def published(n):
    """T = 50 + Exp(0.001) per unit of work, 20,000 parameters, 50 samples (Wang et al. 2022)."""
    return Cluster(n, Delay("shifted-exponential", {"rate": 0.001, "shift": 50.0}), job=Job(20_000, 50))


@pytest.mark.parametrize(("n", "single"), [(10, 1.5000e8), (20, 1.0000e8)])
def test_the_best_single_code_of_the_literature_is_found(n, single):
    """By count the best s gives min (M b / N) (s + 1) L E T_(N-s); repetition that decodes earlier is never slower."""
    means = exponential_means(n, 0.001, 50.0)
    by_count = [50 / n * (s + 1) * 20_000 * means[n - s - 1] for s in range(n)]
    assert min(by_count) == pytest.approx(single, rel=1e-4)
    counted = design(published(n), family="grouped", wait="count", **FEW)
    assert counted.best.value == pytest.approx(min(by_count), rel=1e-9)
    best = design(published(n), family="fractional-repetition", **FEW).best
    assert best.value <= min(by_count) * (1 + 1e-9)
    assert best.stderr == 0.0


def test_the_whole_search_is_at_least_as_good_as_each_family():
    result = design(published(10), **FEW)
    assert result.best.value <= 1.5e8 * (1 + 1e-9)
    assert result.best.gain == pytest.approx(result.uncoded / result.best.value)
    assert result.best.gain > 1.9
    assert result.bound <= result.best.value
    assert f"Run {result.best.code.family} with load 10" in result.advice
    assert {a.code.family for a in result.alternatives} >= {"uncoded", "grouped", "two-stage", "fractional-repetition"}
    finalists = [a.value for a in result.alternatives[1:6]]
    assert finalists == sorted(finalists)


def test_do_not_code_where_nothing_is_random():
    result = design(Cluster(6, DETERMINISTIC), **FEW)
    assert result.best.code.family == "uncoded"
    assert result.advice.startswith("Do not code")
    assert (result.best.value, result.best.gain) == (pytest.approx(1 / 6), pytest.approx(1.0))
    assert result.status == Status.OPTIMAL


def test_slow_workers_get_less_data_where_they_are_only_slow():
    """Speeds 1 and 1/4: equal shares wait for 4/8, shares by speed need 1 / 5."""
    cluster = Cluster(8, DETERMINISTIC, slowness=[1.0] * 4 + [4.0] * 4)
    result = design(cluster, **FEW)
    code = result.best.code
    assert (code.family, "speeds" in code.parameters) == ("uncoded", True)
    assert result.advice.startswith("Do not code. Give slower workers less data")
    assert result.uncoded == pytest.approx(0.5)
    assert result.bound >= 0.2 * (1 - 1e-9)
    assert result.best.value == pytest.approx(0.2, rel=0.03)
    load = code.segments[0].load
    assert load[:4].min() > 3 * load[4:].max()


def test_one_dead_worker_is_coded_around():
    """The last worker never answers: uncoded never ends, and the advice says so instead of a number."""
    times = np.ones((20, 6)) + 0.01 * np.random.default_rng(0).random((20, 6))
    times[1:, 5] = np.inf
    result = design(Cluster(6, Trace(times), failures=Failures(restart=1e9)), **FEW)
    assert result.best.code.stragglers >= 1
    assert result.best.value < 10.0
    assert result.best.gain > 1e6


def test_uncoded_that_never_ends_is_said_in_words():
    result = design(Cluster(20, EXPONENTIAL, failures=Failures(0.6)), **FEW)
    assert result.uncoded == np.inf
    assert "no iteration was ever completed" in result.advice
    assert "inf" not in result.advice
    assert result.best.value < np.inf


def test_times_without_a_mean():
    """Pareto with shape 0.9: uncoded has no mean and is not said to fail, a deadline works, one worker is refused."""
    heavy = Delay("pareto", {"shape": 0.9, "scale": 1.0})
    result = design(Cluster(4, heavy), settings={"stragglers": 3}, family="fractional-repetition", **FEW)
    assert result.best.value == pytest.approx(3.6 / 2.6)
    assert result.uncoded == np.inf
    assert "too long for any mean" in result.advice
    with pytest.raises(InfeasibleError, match="or ask for the objective 'completion'"):
        design(Cluster(1, heavy), **FEW)
    assert design(Cluster(1, heavy), iterations=4000, **by(2.0)).best.value == pytest.approx(1 - 2**-0.9, abs=0.04)


def test_settings_restrict():
    result = design(Cluster(6, EXPONENTIAL), settings={"stragglers": 2}, **FEW)
    assert {choice.code.parameters["stragglers"] for choice in result.alternatives} == {2}
    assert len({choice.code.family for choice in result.alternatives}) > 1
    one = design(Cluster(6, EXPONENTIAL), family="grouped", settings={"stragglers": 2}, **FEW)
    assert [choice.code.family for choice in one.alternatives] == ["grouped"]
    named = design(Cluster(6, EXPONENTIAL), family="cyclic-mds", settings={"stragglers": 2}, **FEW)
    assert named.best.code.load == 3


def test_the_user_may_fix_the_number_of_draws_and_the_winner_gets_all_of_them_otherwise():
    cluster = Cluster(5, EXPONENTIAL, slowness=[1, 1, 1, 2, 2])
    fixed = design(cluster, family="placement", settings={"stragglers": 1, "draws": 2}, **FEW)
    assert {choice.code.parameters["draws"] for choice in fixed.alternatives} == {2}
    assert design(cluster, family="placement", settings={"stragglers": 1}, **FEW).best.code.parameters["draws"] > 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "no-such"}, "no family is called 'no-such'; there are: .*block-coordinate"),
        ({"family": "grouped", "settings": {"stragler": 1}}, "grouped has no parameter 'stragler'; it takes: workers"),
        ({"settings": {"stragler": 1}}, "no family has a parameter 'stragler'"),
        ({"settings": {"workers": 5}}, "the settings ask for other workers than the cluster has; 6 would work"),
        ({"settings": {"partitions": 0}}, "partitions is 0"),
        ({"family": "fractional-repetition", "settings": {"stragglers": 3}}, "needs stragglers . 1 to divide workers"),
        ({"family": "cyclic-repetition"}, "missing a required argument: 'stragglers'"),
        ({"objective": "beauty"}, "objective is 'beauty'; runtime or completion or accuracy or bytes would work"),
        ({"wait": "forever"}, "wait is 'forever'; decodable or count would work"),
        ({"iterations": 10}, "iterations is 10; at least 100"),
        ({"objective": "completion"}, "deadline is missing; the objective 'completion' needs a positive number"),
        ({"objective": "completion", "deadline": 0}, "deadline is 0; a positive number is needed"),
        ({"deadline": 3.0}, "deadline is 3.0 and the objective 'runtime' has none; leave it out, or ask for"),
    ],
)
def test_impossible_requests_are_told_what_would_work(options, message):
    with pytest.raises(InputError, match=message):
        design(Cluster(6, EXPONENTIAL), **options)


def test_infeasible_requests():
    with pytest.raises(InfeasibleError, match="no candidate of any family fits stragglers=9"):
        design(Cluster(6, EXPONENTIAL), settings={"stragglers": 9})
    with pytest.raises(InputError, match="too much for double precision"):
        design(Cluster(80, EXPONENTIAL), family="cyclic-mds", settings={"stragglers": 40})
    with pytest.raises(InfeasibleError, match="ever completes an iteration"):
        design(Cluster(4, EXPONENTIAL, failures=Failures(1.0)), **FEW)


def test_the_same_seed_gives_the_same_design():
    cluster = Cluster(6, Delay("weibull", {"shape": 0.6, "scale": 1.0}), racks=Racks((0, 0, 0, 1, 1, 1), 0.5))
    once, again = (design(cluster, rng=3, **FEW).to_dict() for _ in range(2))
    assert {**once, "seconds": 0} == {**again, "seconds": 0}
    assert once["seed"] == 3
    assert design(cluster, rng=4, **FEW).best.value != once["value"]


def test_the_value_is_what_simulation_gives():
    cluster = Cluster(6, EXPONENTIAL, Delay("exponential", {"rate": 5.0}), racks=Racks((0, 0, 0, 1, 1, 1), 0.3))
    result = design(cluster, iterations=4000)
    drawn = simulate(result.best.code, cluster, iterations=20_000, rng=8)
    assert result.best.stderr > 0
    assert abs(drawn.mean - result.best.value) < 5 * np.hypot(drawn.stderr, result.best.stderr)


@pytest.mark.parametrize("restart", [0.0, 0.05, 1.0, np.inf])
def test_no_code_beats_the_bound(restart):
    """Also where it pays to give up iterations."""
    cluster = Cluster(
        6,
        EXPONENTIAL,
        Delay("exponential", {"rate": 10.0}),
        failures=Failures(0.2, np.inf, restart),
        network=Network(0.1),
    )
    bound = clairvoyant_time(cluster, [cluster.sample(20_000, rng=0)])
    assert bound > 0.1
    for code in (FAMILIES["uncoded"](6), FAMILIES["grouped"](6, 2), FAMILIES["grouped"](6, 5)):
        drawn = simulate(code, cluster, iterations=20_000, rng=1)
        assert bound <= drawn.mean + 5 * drawn.stderr


@pytest.mark.parametrize(
    "slow", [{"transfer": EXPONENTIAL}, {"network": Network(bandwidth=8.0)}], ids=["transfer", "bandwidth"]
)
def test_no_code_beats_the_bound_where_sending_takes_the_time(slow):
    """Six workers send the gradient's six sixths at best; codes with short messages do not beat it either."""
    cluster = Cluster(6, Delay("exponential", {"rate": 20.0}), **slow)
    bound = clairvoyant_time(cluster, [cluster.sample(20_000, rng=0)])
    plain = Cluster(6, cluster.compute)
    assert bound > 5 * clairvoyant_time(plain, [plain.sample(20_000, rng=0)])
    halves = GradientCode((Segment(np.tile(np.eye(2), (3, 1)), blocks=2),))
    for code in (FAMILIES["uncoded"](6), FAMILIES["grouped"](6, 5), halves):
        drawn = simulate(code, cluster, iterations=20_000, rng=1)
        assert bound <= drawn.mean + 5 * drawn.stderr


@pytest.mark.parametrize("restart", [0.0, 0.5, 3.0, np.inf])
def test_the_best_iterations_to_give_up_against_brute_force(restart):
    rng = np.random.default_rng(2)
    seconds, whole = rng.exponential(size=7), np.arange(7) < 2
    options = []
    for keep in itertools.product([True, False], repeat=5):
        kept = np.concatenate([[True, True], keep])
        cost = np.where(kept, seconds, restart).sum()
        options.append((cost / kept.sum(), kept))
    mean, kept = min(options, key=lambda option: option[0])
    spread = np.sqrt(np.sum((seconds[kept] - mean) ** 2) + (restart**2 * (~kept).sum() if not kept.all() else 0.0))
    assert _given_up(seconds, whole, restart) == pytest.approx(max(0.0, mean - 3 * spread / kept.sum()))
    assert _given_up(np.full(5, 2.0), np.ones(5, dtype=bool), restart) == pytest.approx(2.0)


def test_compare_gives_one_code_per_family():
    choices = compare(Cluster(6, EXPONENTIAL), **FEW)
    assert [c.value for c in choices] == sorted(c.value for c in choices)
    names = [c.code.family for c in choices]
    assert len(names) == len(set(names)) == 7
    uncoded = next(c for c in choices if c.code.family == "uncoded")
    assert uncoded.gain == pytest.approx(1.0)


def test_progress_is_told():
    told = []
    design(Cluster(4, EXPONENTIAL), tell=lambda *state: told.append(state), **FEW)
    done, total, note = zip(*told, strict=True)
    assert done == tuple(range(1, total[0] + 1))
    assert all(text.startswith("best so far: ") for text in note)


def test_a_cluster_that_takes_no_time_is_no_division_by_zero():
    result = design(Cluster(3, Delay("deterministic", {"value": 0.0})), **FEW).to_dict()
    assert (result["value"], result["gap"], result["gain"], result["family"]) == (0.0, 0.0, 1.0, "uncoded")


def by(seconds):
    return {"objective": "completion", "deadline": seconds}


def test_the_most_iterations_by_a_deadline():
    """Six workers with a sixth of an Exp(1) each: uncoded meets t with (1 - e^{-6 t})^6."""
    result = design(Cluster(6, EXPONENTIAL), iterations=20_000, **by(0.5))
    exact = (1 - np.exp(-3.0)) ** 6
    assert result.uncoded == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20_000))
    assert result.uncoded < result.best.value <= result.bound <= 1
    assert result.best.gain == pytest.approx((1 - result.uncoded) / (1 - result.best.value))
    ranked = [choice.value for choice in result.alternatives[1:6]]
    assert ranked == sorted(ranked, reverse=True)
    drawn = sample_iterations(result.best.code, Cluster(6, EXPONENTIAL), iterations=20_000, wait="decodable", seed=9)
    assert np.mean(drawn <= 0.5) == pytest.approx(result.best.value, abs=5 * result.best.stderr)
    document = result.to_dict()
    assert (document["objective"], document["deadline"]) == ("completion", 0.5)
    assert document["expected_runtime"] == pytest.approx(drawn.mean(), rel=0.05)
    assert document["alternatives"][0]["value"] == document["value"]


def test_the_goal_decides_who_wins():
    """The least mean goes with nine stragglers; a late deadline is met most often with nineteen."""
    searched = {"family": "two-stage", "settings": {"alpha": 24.0}, "iterations": 5000}
    mean, late = design(published(20), **searched), design(published(20), **searched, **by(2e8))
    assert [found.best.code.parameters["stragglers"] for found in (mean, late)] == [9, 19]
    assert mean.best.expected_runtime < late.best.expected_runtime


def test_an_easy_deadline_needs_no_code():
    """All codes are always in time: the least work wins, and that is proved best."""
    result = design(Cluster(6, EXPONENTIAL), **FEW, **by(100.0))
    assert result.best.code.family == "uncoded"
    assert (result.best.value, result.bound, result.status) == (1.0, 1.0, Status.OPTIMAL)
    assert result.advice.endswith("more often than equal shares without redundancy (100% of the iterations).")
    assert result.best.expected_runtime == pytest.approx(sum(1 / i for i in range(1, 7)) / 6)


def test_a_deadline_nobody_meets_is_told_which_would_do():
    cluster = Cluster(6, Delay("shifted-exponential", {"rate": 1.0, "shift": 1.0}))
    words = r"deadline is 100 ms and no code that was tried ever met it; (\S+) seconds would be met half of the time"
    with pytest.raises(InfeasibleError, match=words) as caught:
        design(cluster, **FEW, **by(0.1))
    half = float(re.search(words, str(caught.value))[1])
    # codes that are made for that deadline may be better
    assert design(cluster, iterations=5000, **by(half)).best.value > 0.44
    with pytest.raises(InfeasibleError, match=words):
        compare(cluster, **FEW, **by(0.1))
    with pytest.raises(InfeasibleError, match="completes half of its iterations, however late"):
        design(Cluster(4, EXPONENTIAL, failures=Failures(1.0)), **FEW, **by(1.0))


def test_what_is_never_completed_misses_the_deadline():
    """Every worker is lost with probability 0.1: uncoded is in time with 0.9^4, one straggler of two pairs 0.99^2."""
    cluster = Cluster(4, DETERMINISTIC, failures=Failures(0.1, np.inf, 0.0))
    result = design(cluster, settings={"stragglers": 1}, family="fractional-repetition", iterations=20_000, **by(0.6))
    assert result.uncoded == pytest.approx(0.9**4, abs=0.015)
    assert result.best.value == pytest.approx(0.99**2, abs=0.005)
    assert result.best.expected_runtime == pytest.approx(0.5)
    assert "against 65" in result.advice


@pytest.mark.parametrize("deadline", [0.2, 0.3, 0.6])
def test_no_code_is_in_time_more_often_than_the_bound(deadline):
    cluster = Cluster(
        6, EXPONENTIAL, Delay("exponential", {"rate": 10.0}), failures=Failures(0.1), network=Network(0.1)
    )
    limit = clairvoyant_share(cluster, [cluster.sample(20_000, rng=0)], deadline)
    assert 0 < limit < 1
    for code in (FAMILIES["uncoded"](6), FAMILIES["grouped"](6, 2), FAMILIES["grouped"](6, 5)):
        drawn = sample_iterations(code, cluster, iterations=20_000, wait="decodable", seed=1)
        assert np.mean(drawn <= deadline) <= limit + 0.01


def test_one_worker_is_as_good_as_the_bound():
    """Nothing can be coded, and the bound is the probability itself."""
    cluster = Cluster(1, EXPONENTIAL)
    share = clairvoyant_share(cluster, [cluster.sample(100_000, rng=0)], 1.0)
    assert share == pytest.approx(1 - np.exp(-1), abs=0.01)


def test_the_same_seed_gives_the_same_completion_design():
    once, again = (design(Cluster(6, EXPONENTIAL), rng=3, **FEW, **by(0.4)).to_dict() for _ in range(2))
    assert {**once, "seconds": 0} == {**again, "seconds": 0}


def test_compare_by_a_deadline():
    choices = compare(Cluster(6, EXPONENTIAL), **FEW, **by(0.5))
    assert [c.value for c in choices] == sorted((c.value for c in choices), reverse=True)
    assert {c.code.family: c.gain for c in choices}["uncoded"] == pytest.approx(1.0)


def test_several_redundancies_say_what_they_gain_over_one():
    """With one, by count, at best 1.0000e8 seconds (Wang et al. 2022), also when only two-stage codes are searched."""
    result = design(published(20), family="two-stage", settings={"alpha": 24.0}, wait="count", iterations=4000)
    assert {choice.code.family for choice in result.alternatives} == {"two-stage"}
    assert result.best_single.value == pytest.approx(1.0e8, rel=1e-4)
    gain = result.best_single.value / result.best.value
    assert gain > 1.1
    assert result.over_single.startswith(f"{gain:.2f} times faster than the best code with one redundancy (")
    shown = result.to_dict()["best_single"]
    assert shown["value"] == result.best_single.value
    assert shown["parameters"]["stragglers"] == result.best_single.code.stragglers
    whole = design(published(20), **FEW)
    assert len(whole.best.code.segments) > 1
    assert whole.best_single in whole.alternatives
    assert len(whole.best_single.code.segments) == 1


def test_one_redundancy_is_compared_with_nothing():
    result = design(published(10), family="grouped", **FEW)
    assert (result.best_single, result.over_single, result.to_dict()["best_single"]) == (None, "", None)


def chosen(*entries):
    """Decide between codes of these values."""
    ranked = [Choice(code, value, 0.0, 1.0, value) for code, value in sorted(entries, key=lambda entry: entry[1])]
    return _decided(ranked, Goal()).code


def test_fewer_segments_win_where_speed_and_work_are_about_the_same():
    two, three = block_coordinate(6, [5, 5, 0, 0, 0, 0]), block_coordinate(6, [5.5, 4, 0.5, 0, 0, 0])
    heavy = block_coordinate(6, [4, 0, 6, 0, 0, 0])
    assert chosen((three, 1.0), (two, 1.004)) is two
    assert chosen((three, 1.0), (two, 1.006)) is two  # it stores half of the data
    assert chosen((three, 1.0), (two, 1.011)) is three
    assert chosen((three, 1.0), (heavy, 1.004)) is three
    assert chosen((heavy, 1.0), (three, 1.004)) is three
    assert chosen((heavy, 1.0), (three, 1.02)) is heavy
    assert chosen((two_stage(6, 1, 3.0), 1.0), (FAMILIES["uncoded"](6), 1.004)).family == "uncoded"


def test_an_approximate_code_that_is_asked_for_is_not_called_exact():
    cluster = Cluster.loads('[cluster]\nworkers = 13\n[cluster.compute]\nmodel = "exponential"\nrate = 1.0')
    found = design(cluster, family="paley", settings={"stragglers": 3}, iterations=1000)
    assert found.best.code.family == "paley"
    assert "an approximate gradient" in found.advice
    assert "can do without any" not in found.advice
