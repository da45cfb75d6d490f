"""Training with approximate codes: rules, bias, what a run says of itself; on a virtual clock."""

from __future__ import annotations

import numpy as np
import pytest

from gcopt.averages import moments
from gcopt.cluster import Cluster, Failures
from gcopt.code import GradientCode
from gcopt.decoding import Decoder
from gcopt.delays import Delay
from gcopt.errors import InputError
from gcopt.families._approximate import approximate
from gcopt.report.running import print_training
from gcopt.training import train
from gcopt.training.debias import expected_factors
from gcopt.training.policy import Policy
from gcopt.training.problems import LeastSquares
from gcopt.training.schedule import Schedule
from gcopt.waiting import Waiting
from tests.approximates import CODES, petersen
from tests.test_waiting import RULES
from tests.training.cases import X, Y, descent, logistic

EXPONENTIAL = Delay("shifted-exponential", {"rate": 1.0, "shift": 0.3})
STEP = {"step": 0.5}


def cluster(n, **other):
    return Cluster(n, EXPONENTIAL, **other)


def run(code, **options):
    given = {"engine": "virtual", "cluster": cluster(code.workers), "iterations": 30, "rng": 0, **STEP, **options}
    return train(code, logistic(), **given)


def coefficients(code, responders):
    """R B of every iteration of one segment, shape (iterations, k)."""
    decoder = Decoder(code.segments[0])
    return np.array([np.real(decoder(heard).matrix @ code.segments[0].encoding)[0] for heard in responders[:, 0]])


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", CODES)
def test_a_run_takes_the_time_and_hears_the_workers_that_waiting_predicts(name, rule):
    """Stalled workers and repeated attempts included."""
    code, options = CODES[name], dict(RULES[rule])
    failures = Failures(0.5 if code.workers == 3 else 0.1, np.inf, 2.0)
    if "deadline" in options:
        options["deadline"] *= 0.3 * code.load / code.partitions * 3
    place = cluster(code.workers, failures=failures)
    result = run(code, cluster=place, iterations=120, evaluate_every=120, **options)
    waiting = Waiting(code, **options)
    schedule = Schedule(Policy(code, **options), place, 0)
    found = [schedule.arrivals(i) for i in range(120)]
    lost = np.array([2.0 * failed for _, failed in found])
    arrived = np.stack([times for times, _ in found]) - lost[:, None, None]
    assert np.allclose(result.durations, waiting.until(arrived).max(axis=1) + lost, rtol=1e-9, atol=1e-9)
    inexact = result.errors > 0
    assert (result.responders[inexact] == waiting.heard(arrived)[inexact]).all()
    if not waiting.gives_in:
        assert [f.iteration for f in result.failures] == np.flatnonzero(lost).tolist()
    assert not result.drift.drifted


def test_on_a_calm_cluster_ties_come_in_the_order_of_the_workers():
    code = petersen()
    result = run(code, cluster=None, iterations=2, tolerate=0.1)
    heard = Waiting(code, tolerate=0.1).heard(np.full((1, 10, 1), 0.3))
    assert (result.responders[0] == heard[0]).all()
    assert not heard.all()


def test_the_mean_of_a_run_is_that_of_the_moments():
    """Alike workers and n - s answers: all sets of three stragglers are equally likely."""
    code = petersen()
    result = run(code, iterations=3000, evaluate_every=3000)
    used = coefficients(code, result.responders)
    exact = moments(Decoder(code.segments[0]), stragglers=3, probability=None, samples=0, rng=np.random.default_rng(0))
    stderr = used.std(axis=0, ddof=1) / np.sqrt(3000)
    assert (np.abs(used.mean(axis=0) - exact.mean[0]) < 5 * stderr).all()
    found = result.estimate
    assert found.factor == pytest.approx(used.mean())
    assert found.bias == pytest.approx(np.mean((used.mean(axis=0) - 1) ** 2))
    assert found.variance == pytest.approx(used.var(axis=0).mean())
    assert found.worst_partition == used.mean(axis=0).argmin()
    assert found.worst_weight == pytest.approx(used.mean(axis=0).min())
    assert result.error["mean"] == pytest.approx(np.mean((used - 1) ** 2))
    assert result.error["max"] == pytest.approx(0.1)
    assert found.bias == pytest.approx(exact.bias / 10, abs=5e-4)
    assert (found.debiased, found.expected_factor) == (False, None)


def test_a_debiased_run_says_what_it_used_after_the_division():
    code = petersen()
    plain, fair = run(code, iterations=50), run(code, iterations=50, debias=True)
    assert fair.responders.tobytes() == plain.responders.tobytes()
    used = coefficients(code, fair.responders) / fair.estimate.expected_factor
    assert fair.estimate.expected_factor == pytest.approx(0.9274, abs=0.004)
    assert fair.estimate.factor == pytest.approx(used.mean())
    assert fair.estimate.bias == pytest.approx(np.mean((used.mean(axis=0) - 1) ** 2))
    assert fair.estimate.variance == pytest.approx(used.var(axis=0).mean())
    assert fair.errors.tobytes() == plain.errors.tobytes()
    assert fair.parameters.tobytes() == run(code, iterations=50, debias=True).parameters.tobytes()


def test_a_bias_alike_for_all_is_removed_although_it_moves_the_fixed_point():
    """Three of four answers count 1/2 each: 1.5 times the gradient, which the penalty is not multiplied with."""
    code = approximate(np.ones((4, 4)), 1, decoder="sum", probability=0.5)
    biased, fair = (run(code, iterations=2000, evaluate_every=2000, debias=d) for d in (False, True))
    assert fair.estimate.expected_factor == pytest.approx(1.5)
    assert np.abs(fair.parameters - descent(2000, 0.5)).max() < 1e-10
    assert np.abs(biased.parameters - descent(2000, 0.5)).max() > 1e-2
    assert biased.estimate.factor == pytest.approx(1.5)
    assert biased.estimate.bias == pytest.approx(0.25)
    assert biased.estimate.variance == pytest.approx(0.0, abs=1e-12)
    assert fair.estimate.bias == pytest.approx(0.0, abs=1e-12)


def test_a_bias_that_is_not_alike_moves_the_fixed_point_and_no_factor_removes_it():
    """A worker that is always late: what the others weigh its partitions with decides where the run ends."""
    code, problem = petersen(), LeastSquares(X, Y)
    late = cluster(10, slowness=[1.0] * 9 + [1e6])
    options = {"cluster": late, "iterations": 4000, "evaluate_every": 4000, "deadline": 100.0, "rng": 0}
    results = [train(code, problem, engine="virtual", wait="deadline", debias=d, **options) for d in (False, True)]
    (weights,) = np.unique(coefficients(code, results[0].responders).round(9), axis=0)
    rows = np.repeat(weights, np.diff([i * 301 // 10 for i in range(11)]))
    crooked = np.linalg.solve((X.T * rows) @ X, (X.T * rows) @ Y)
    for result in results:
        assert np.abs(result.parameters - crooked).max() < 1e-9
        assert result.estimate.worst_partition == int(weights.round(6).argmin())
    assert np.abs(crooked - np.linalg.lstsq(X, Y, rcond=None)[0]).max() > 1e-3
    assert results[1].estimate.factor == pytest.approx(1.0)
    assert results[1].estimate.bias > 1e-3


def test_debiasing_a_deadline_gets_further_in_as_many_steps():
    """Least squares with 0.6 of the gradient, over small steps: what is lost is length alone."""
    code, problem = petersen(), LeastSquares(X, Y)
    options = {"engine": "virtual", "cluster": cluster(10), "wait": "deadline", "deadline": 0.12, "rng": 0}
    biased, fair = (train(code, problem, iterations=60, step=0.05, debias=d, **options) for d in (False, True))
    assert biased.estimate.factor < 0.75
    assert abs(fair.estimate.factor - 1) < 0.1
    best = problem.loss(np.linalg.lstsq(X, Y, rcond=None)[0])
    assert fair.loss[-1] - best < 0.8 * (biased.loss[-1] - best)


@pytest.mark.parametrize("name", ["scaled", "ignore-stragglers", "exact"])
def test_what_has_no_factor_is_left_alone_to_the_bit(name):
    plain, fair = run(CODES[name]), run(CODES[name], debias=True)
    assert fair.parameters.tobytes() == plain.parameters.tobytes()
    assert fair.estimate.expected_factor == 1.0


def test_expected_factors_of_known_stragglers():
    code = petersen()
    for waiting in (Waiting(code), Waiting(code, "deadline", deadline=1.0)):
        (found,) = expected_factors(waiting, None, 0.25, seed=0)
        exact = moments(
            Decoder(code.segments[0]), stragglers=0, probability=0.25, samples=0, rng=np.random.default_rng(0)
        )
        assert found == pytest.approx(exact.factor, rel=1e-12)
    assert expected_factors(Waiting(code), None, None, seed=0) == pytest.approx([1 - 0.0726407], abs=1e-7)
    (sum_,) = expected_factors(Waiting(CODES["sum"], "count"), None, None, seed=0)
    assert sum_ == pytest.approx(1.0)
    (half,) = expected_factors(Waiting(CODES["sum"], "count"), None, 0.65, seed=0)
    assert half == pytest.approx(0.5)


def test_without_a_cluster_all_orders_of_arrival_are_alike():
    (uniform,) = expected_factors(Waiting(petersen(), tolerate=0.1), None, None, seed=1)
    (drawn,) = expected_factors(Waiting(petersen(), tolerate=0.1), cluster(10), None, seed=2)
    assert uniform == pytest.approx(drawn, abs=0.004)
    assert 0.9 < uniform < 0.96


def test_a_division_by_next_to_nothing_is_refused():
    code = petersen()
    with pytest.raises(InputError, match="next to nothing of it is heard"):
        run(code, debias=True, probability=1.0)
    with pytest.raises(InputError, match="nothing says who answers by the deadline"):
        expected_factors(Waiting(code, "deadline", deadline=1.0), None, None, seed=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"wait": "partial", "debias": True}, "takes no tolerate, deadline or debias"),
        ({"wait": "partial", "tolerate": 0.1}, "takes no tolerate, deadline or debias"),
        ({"probability": 0.1}, "probability is given and debias is not"),
        ({"debias": True, "probability": 2.0}, "probability is 2.0"),
        ({"deadline": 1.0}, "deadline is 1.0 and wait is 'decodable'"),
        ({"wait": "count", "tolerate": 0.1}, "tolerate is given and wait is 'count'"),
    ],
)
def test_numbers_without_a_use_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        run(petersen(), **options)


def test_a_resumed_run_ends_with_the_same_bits_and_says_the_same(tmp_path):
    for options in ({"debias": True}, {"tolerate": 0.05}, {"wait": "deadline", "deadline": 0.2, "debias": True}):
        options = {"batch": 0.5, "optimizer": "nesterov", **options}
        whole = run(petersen(), **options)
        run(petersen(), iterations=13, checkpoint=tmp_path / "c.npz", **options)
        rest = run(petersen(), resume=tmp_path / "c.npz", **{**options, "rng": 99})
        assert rest.parameters.tobytes() == whole.parameters.tobytes()
        assert rest.errors.tobytes() == whole.errors.tobytes()
        assert rest.estimate == whole.estimate
        assert rest.durations == whole.durations


@pytest.mark.parametrize("other", [{}, {"debias": True, "probability": 0.2}, {"debias": True, "tolerate": 0.3}])
def test_a_run_debiased_in_another_way_is_refused(tmp_path, other):
    run(petersen(), iterations=3, checkpoint=tmp_path / "c.npz", debias=True)
    with pytest.raises(InputError, match="the checkpoint belongs to another debiasing"):
        run(petersen(), resume=tmp_path / "c.npz", **other)


def test_checkpoints_older_than_errors_can_be_resumed(tmp_path):
    place = tmp_path / "c.npz"
    whole = run(petersen(), iterations=10)
    run(petersen(), iterations=5, checkpoint=place)
    with np.load(place) as file:
        content = {name: file[name] for name in file.files if not name.startswith(("errors", "excess", "factors"))}
    np.savez(place, **content)
    rest = run(petersen(), resume=place, iterations=10)
    assert rest.parameters.tobytes() == whole.parameters.tobytes()
    assert rest.errors[:5].max() == 0.0
    assert (rest.errors[5:] == whole.errors[5:]).all()


def test_a_replay_gives_the_same_bits_whatever_the_rule():
    first = run(petersen(), tolerate=0.05)
    for rule in ({"wait": "deadline", "deadline": 1e-9}, {"tolerate": 0.0}, {"wait": "count"}):
        again = run(petersen(), replay=first.responders, rng=5, **rule)
        assert again.parameters.tobytes() == first.parameters.tobytes()
        assert again.estimate == first.estimate


def test_segments_count_by_their_lengths():
    code = CODES["two-segments"]
    result = run(code, wait="count", iterations=40)
    assert (result.errors[:, 1] == 0).all()
    alone = run(petersen(), replay=result.responders[:, :1], iterations=40)
    assert result.error["mean"] == pytest.approx(alone.error["mean"] / 3)
    assert result.estimate.factor == pytest.approx((2 + alone.estimate.factor) / 3)
    assert result.estimate.variance == pytest.approx(alone.estimate.variance / 3)


def test_what_is_never_within_the_tolerance_is_counted(capsys):
    dead = cluster(10, failures=Failures(0.4, np.inf, 1.0))
    result = run(petersen(), cluster=dead, iterations=60, tolerate=0.02)
    beyond = (result.errors > 0.02 * (1 + 1e-6)).sum()
    assert 0 < beyond < 60
    assert result.to_dict()["error"]["beyond"] == result.beyond == beyond
    print_training(result, [])
    assert f"{beyond} of 60 iterations ended above the tolerance" in capsys.readouterr().out


def test_the_report_is_loud_where_it_must_be_and_silent_where_nothing_is_wrong(capsys):
    late = cluster(10, slowness=[1.0] * 9 + [1e6])
    print_training(run(petersen(), cluster=late, wait="deadline", deadline=1e3), [])
    shown = capsys.readouterr().out
    assert "THE GRADIENT WAS APPROXIMATE: mean relative error 0.018" in shown
    assert "on average it was 0.9818 times the gradient (--debias divides by what is expected)" in shown
    assert "COUNTED 0.818 ON AVERAGE: the run is biased towards the other data" in shown
    print_training(run(petersen(), iterations=5), [])
    calm = capsys.readouterr().out
    assert "all partitions counted alike, as far as 5 iterations can tell (least: partition" in calm
    assert "COUNTED" not in calm
    print_training(run(petersen(), debias=True), [])
    assert "times the gradient, after division by 0.9" in capsys.readouterr().out
    print_training(run(petersen(decoder="scaled"), iterations=60), [])
    assert "on average it was the gradient itself" in capsys.readouterr().out
    print_training(run(CODES["exact"], tolerate=0.0), [])
    assert "APPROXIMATE" not in capsys.readouterr().out


def test_the_dictionary_tells_bias_and_variance():
    found = run(petersen()).to_dict()
    assert set(found["error"]) == {"mean", "max", "beyond"}
    assert set(found["estimate"]) == {
        "factor", "bias", "variance", "worst_partition", "debiased", "expected_factor"
    }  # fmt: skip
    assert set(found["estimate"]["worst_partition"]) == {"partition", "weight"}
    exact = run(CODES["exact"]).to_dict()
    assert exact["error"] == {"mean": 0.0, "max": 0.0, "beyond": 0}
    assert exact["estimate"]["factor"] == 1.0
    assert exact["estimate"]["worst_partition"] is None


def test_partial_work_is_exact():
    result = run(GradientCode.from_matrix(np.ones((4, 4))), wait="partial", cluster=cluster(4))
    assert result.error["max"] == 0.0
    assert np.abs(result.parameters - descent(30, 0.5)).max() < 1e-9
