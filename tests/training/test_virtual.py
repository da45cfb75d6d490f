"""The virtual engine against plain numpy, against the simulation, and against itself."""

from __future__ import annotations

import numpy as np
import pytest

import gcopt
from gcopt.cluster import Cluster, Failures
from gcopt.delays import Delay
from gcopt.errors import GcoptWarning, InputError, TrainingError
from gcopt.simulation import simulate
from gcopt.training import train
from gcopt.training.optimizers import Momentum
from gcopt.training.policy import Policy
from gcopt.training.problems import FunctionProblem, LeastSquares
from gcopt.training.schedule import Schedule
from gcopt.waiting import Waiting
from tests.training.cases import X, Y, codes, descent, function, gradient, logistic, loss

CODES = codes()


def exponential(n, **other):
    return Cluster(n, Delay("shifted-exponential", {"rate": 1.0, "shift": 0.3}), **other)


@pytest.mark.parametrize("name", CODES)
def test_every_exact_code_is_gradient_descent(name):
    code = CODES[name]
    result = train(
        code, logistic(), engine="virtual", cluster=exponential(code.workers), iterations=40, step=0.5, rng=0
    )
    assert np.abs(result.parameters - descent(40, 0.5)).max() < 1e-9
    assert result.responders.shape == (40, len(code.segments), code.workers)
    assert result.final["loss"] == result.loss[-1] == pytest.approx(logistic().loss(descent(40, 0.5)))


@pytest.mark.parametrize("wait", ["decodable", "count"])
@pytest.mark.parametrize("name", ["fractional", "cyclic", "two-stage"])
def test_its_times_are_those_of_the_simulation(name, wait):
    code, cluster = CODES[name], exponential(6, transfer=Delay("exponential", {"rate": 1.0}))
    result = train(
        code, logistic(), engine="virtual", cluster=cluster, iterations=400, wait=wait, rng=5, evaluate_every=400
    )
    schedule = Schedule(Policy(code, wait), cluster, 5)
    arrived = np.stack([schedule.arrivals(i)[0] for i in range(400)])
    expected = Waiting(code, wait).until(arrived).max(axis=1)
    assert np.allclose(result.durations, expected, rtol=1e-9, atol=1e-9)
    assert result.seconds == pytest.approx(expected.sum())
    predicted = simulate(code, cluster, iterations=20_000, wait=wait, rng=1)
    spread = np.std(result.durations) / 20
    assert abs(np.mean(result.durations) - predicted.mean) < 5 * np.hypot(spread, predicted.stderr)
    assert not result.drift.drifted
    assert "as predicted" in result.drift.verdict


def test_decodable_is_never_slower_than_count():
    runs = [
        train(CODES["fractional"], logistic(), engine="virtual", cluster=exponential(6), iterations=50, wait=w, rng=2)
        for w in ("decodable", "count")
    ]
    assert np.all(np.array(runs[0].durations) <= np.array(runs[1].durations) + 1e-9)
    assert runs[0].seconds < runs[1].seconds


def test_without_a_cluster_a_partition_takes_one_kth_of_a_second():
    result = train(CODES["cyclic"], logistic(), engine="virtual", iterations=4)
    assert result.durations == pytest.approx([0.5] * 4)
    assert result.drift is None


def test_equal_seeds_give_equal_bits():
    runs = [
        train(CODES["cyclic"], logistic(), engine="virtual", cluster=exponential(6), iterations=15, batch=0.3, rng=seed)
        for seed in (1, 1, 2)
    ]
    assert runs[0].parameters.tobytes() == runs[1].parameters.tobytes()
    assert runs[0].time == runs[1].time
    assert runs[0].parameters.tobytes() != runs[2].parameters.tobytes()


def test_batches_are_the_same_rows_whatever_the_code():
    runs = [
        train(
            CODES[name],
            logistic(),
            engine="virtual",
            cluster=exponential(6),
            iterations=20,
            batch=0.25,
            step=0.5,
            rng=3,
        )
        for name in ("fractional", "cyclic", "complex", "two-stage")
    ]
    for run in runs[1:]:
        assert np.abs(run.parameters - runs[0].parameters).max() < 1e-9
    assert np.abs(runs[0].parameters - descent(20, 0.5)).max() > 1e-4


def test_an_approximate_code_steps_with_what_it_decodes():
    code = gcopt.families.ignore_stragglers(6, 2)
    problem = logistic()
    result = train(code, problem, engine="virtual", cluster=exponential(6), iterations=1, step=1.0, rng=0)
    used = np.flatnonzero(result.responders[0, 0])
    assert used.size == 4
    windows = np.array([[i * 301 // 6, (i + 1) * 301 // 6] for i in used])
    expected = -problem.gradient(problem.initial(), windows, np.full(4, 1.5))
    assert np.allclose(result.parameters, expected, rtol=1e-12)


def test_undecodable_iterations_cost_a_restart_and_are_reported():
    cluster = exponential(6, failures=Failures(probability=0.2, restart=100.0))
    code = CODES["fractional"]
    result = train(
        code, logistic(), engine="virtual", cluster=cluster, iterations=150, step=0.5, rng=0, evaluate_every=150
    )
    repeated = [f for f in result.failures if f.kind == "undecodable"]
    assert repeated
    slow = np.flatnonzero(np.array(result.durations) > 100.0)
    assert slow.tolist() == [f.iteration for f in repeated]
    assert np.abs(result.parameters - descent(150, 0.5)).max() < 1e-9


@pytest.mark.parametrize(("restart", "attempts"), [(1.0, 1000), (np.inf, 1)])
def test_a_cluster_that_never_answers_ends_the_run(restart, attempts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cluster = exponential(6, failures=Failures(probability=1.0, restart=restart))
    with pytest.raises(TrainingError, match=f"too many workers of the cluster stalled in each of {attempts}") as caught:
        train(CODES["fractional"], logistic(), engine="virtual", cluster=cluster, rng=0)
    assert "gcopt-checkpoint-0-0.npz" in str(caught.value)
    assert (tmp_path / "gcopt-checkpoint-0-0.npz").exists()


def test_loss_and_time_begin_before_the_first_step():
    result = train(CODES["cyclic"], logistic(), engine="virtual", iterations=7, evaluate_every=3)
    assert result.evaluated == [0, 3, 6, 7]
    assert result.loss[0] == pytest.approx(np.log(2))
    assert result.time == pytest.approx([0.0, 1.5, 3.0, 3.5])


def test_a_drifted_cluster_is_noticed():
    slow, fast = (Cluster(6, Delay("deterministic", {"value": v})) for v in (3.0, 1.0))
    result = train(CODES["cyclic"], logistic(), engine="virtual", cluster=slow, iterations=5)
    from gcopt.training.result import drift

    assert drift(Policy(CODES["cyclic"]), fast, result.durations, 0).verdict.endswith("fit again")


def test_the_callback_sees_every_step():
    seen = []
    train(CODES["fractional"], logistic(), engine="virtual", iterations=4, evaluate_every=2, on_iteration=seen.append)
    assert [at.iteration for at in seen] == [1, 2, 3, 4]
    assert [at.loss is None for at in seen] == [True, False, True, False]
    assert {(at.engine, at.pids, at.ignored) for at in seen} == {("virtual", (), 4)}


def test_the_dictionary_has_the_promised_keys():
    found = train(CODES["cyclic"], logistic(), engine="virtual", cluster=exponential(6), iterations=3).to_dict()
    promised = {"schema", "engine", "iterations", "seconds", "loss", "time", "decode_seconds", "stragglers_ignored"}
    assert promised | {"failures", "final"} <= set(found)
    assert found["schema"] == "gcopt.train/1"
    assert {"loss", "accuracy"} <= set(found["final"])


def test_an_optimizer_object_is_left_alone():
    rule = Momentum(0.1)
    first, second = (
        train(CODES["cyclic"], logistic(), engine="virtual", iterations=5, optimizer=rule) for _ in range(2)
    )
    assert first.parameters.tobytes() == second.parameters.tobytes()
    assert rule.state() == {}


def test_a_function_of_the_users_own():
    result = train(CODES["complex"], function(), engine="virtual", iterations=5, step=0.1)
    w = np.zeros(11)
    for _ in range(5):
        w -= 0.1 * gradient(w, slice(None)) / 301
    assert np.allclose(result.parameters, w, rtol=1e-9)


def mean_gradient(w, rows):
    return gradient(w, rows) / (rows.stop - rows.start)


@pytest.mark.parametrize(
    ("problem", "code", "message"),
    [
        (function(mean_gradient), "cyclic", "not a sum over rows"),
        (FunctionProblem(gradient, loss, 301, 11, breaks=("dropout",)), "cyclic", "dropout"),
        (function(), "two-stage", "whole gradients"),
    ],
)
def test_problems_that_cannot_be_coded_are_refused(problem, code, message):
    with pytest.raises(InputError, match=message):
        train(CODES[code], problem, engine="virtual")


class Single(LeastSquares):
    def gradient(self, w, windows, coefficients):
        return super().gradient(w, windows, coefficients).astype(np.float32)


def test_single_precision_is_warned_about():
    with pytest.warns(GcoptWarning, match="float32"):
        train(CODES["cyclic"], Single(X, Y), engine="virtual", iterations=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "carrier-pigeon"}, "local, virtual"),
        ({"iterations": 0}, "iterations"),
        ({"step": -1.0}, "step"),
        ({"step": np.nan}, "step"),
        ({"batch": 0.0}, "fraction"),
        ({"optimizer": "magic"}, "sgd"),
        ({"optimizer": Momentum(0.1), "step": 0.1}, "one of them"),
        ({"wait": "long"}, "decodable, count, deadline or partial"),
        ({"cluster": exponential(5)}, "6 workers and the cluster 5"),
        ({"engine": "local", "delays": True}, "give cluster="),
        ({"replay": np.ones((3, 1, 6))}, r"replay has shape \(3, 1, 6\)"),
        ({"checkpoint": "/nowhere/at/all.npz"}, "existing folder"),
        ({"resume": "/nowhere/at/all.npz"}, "no such checkpoint"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(InputError, match=message):
        train(CODES["cyclic"], logistic(), **{"engine": "virtual", "iterations": 5, **options})


def test_a_step_that_is_far_too_long_ends_with_advice(tmp_path):
    problem = LeastSquares(X, Y)
    with pytest.raises(TrainingError, match="a smaller step may help"):
        train(CODES["cyclic"], problem, engine="virtual", step=1e200, checkpoint=tmp_path / "c.npz")
