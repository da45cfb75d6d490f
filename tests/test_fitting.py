"""From logs to clusters: recovered parameters, overhead, failures, honest refusals to fit."""

import json
from pathlib import Path

import numpy as np
import pytest

from gcopt.cluster import Cluster, Failures, Trace
from gcopt.delays import Delay
from gcopt.errors import InputError
from gcopt.fitting import fit

REAL = Path(__file__).parents[1] / "gcopt/data/bytedance_llm_step_compute.npz"
OVERHEAD = Delay("generalized-extreme-value", {"shape": 0.2, "location": 0.6, "scale": 0.05})


def log_of(cluster, rounds, load, seed=0):
    return cluster.sample(rounds, rng=seed).finish(load)


def test_a_cluster_comes_back_from_its_log():
    true = Cluster(8, Delay("shifted-exponential", {"rate": 0.5, "shift": 4.0}), slowness=[1.0] * 7 + [4.0])
    found = fit(log_of(true, 400, 1 / 8))
    assert found.fits_well
    assert found.cluster.compute.model == "shifted-exponential"
    assert found.cluster.compute.parameters["rate"] == pytest.approx(0.5, rel=0.1)
    assert found.cluster.compute.parameters["shift"] == pytest.approx(4.0, rel=0.03)
    assert found.cluster.slowness[:7].tolist() == [1.0] * 7
    assert found.cluster.slowness[7] == pytest.approx(4.0, rel=0.1)
    assert found.cluster.job.work == 1.0
    assert found.slowest[0] == pytest.approx(found.slowest[1], rel=0.05)
    assert any("worker 7 (" in note and "less work" in note for note in found.notes)


def test_the_load_of_the_log_counts():
    log = np.random.default_rng(0).exponential(size=(100, 5))
    whole, fifth = fit(log, load=1.0), fit(log)
    assert fifth.cluster.compute.mean == pytest.approx(5 * whole.cluster.compute.mean)
    assert fifth.loads == (0.2,)


def test_the_real_job_with_one_slow_worker():
    found = fit(f"{REAL}:AR_step_rank_compute")
    assert found.cluster.workers == 16
    assert found.rounds == 44
    assert [w.worker for w in found.workers if w.verdict == "chronic"] == [0]
    assert found.cluster.slowness[0] == pytest.approx(2.35, abs=0.02)
    assert found.slowest[1] == pytest.approx(found.slowest[0], rel=0.01)


def test_what_no_model_fits_is_kept_and_replayed(tmp_path):
    draws = np.random.default_rng(0)
    log = np.where(draws.random((200, 6)) < 0.5, 1.0, 3.0) + 0.01 * draws.random((200, 6))
    log[5, 2] = np.inf
    found = fit(log)
    assert not found.fits_well
    np.testing.assert_allclose(found.cluster.compute.times, 6 * log)
    assert found.cluster.failures == Failures()
    assert not found.cluster.compute.replay
    assert "does not fit" in found.notes[0]
    found.cluster.save(tmp_path / "c.toml")
    assert Cluster.load(tmp_path / "c.toml") == found.cluster
    assert isinstance(fit(log, model="best").cluster.compute, Delay)
    assert fit(log, model="gamma").cluster.compute.model == "gamma"
    assert fit(np.ones((5, 2)) + draws.random((5, 2)), model="trace").cluster.compute.times.shape == (5, 2)


def test_a_right_marginal_with_a_wrong_maximum_does_not_fit():
    draws = np.random.default_rng(0)
    together = np.repeat(1.0 + draws.exponential(size=(1000, 1)), 30, axis=1) * (1 + 0.001 * draws.random((1000, 30)))
    found = fit(together, model="best")
    assert found.ranking[0].distance <= found.threshold
    assert not found.fits_well
    assert found.correlation > 0.95
    assert any("slow together" in note for note in found.notes)
    assert any("until everybody is done" in note for note in found.notes)


def test_failures_are_estimated():
    draws = np.random.default_rng(0)
    log = 1.0 + draws.exponential(0.1, size=(500, 10))
    late = draws.random(log.shape) < 0.004
    found = fit(np.where(late, log + 30.0, log))
    assert found.cluster.failures.probability == late.mean()
    assert found.cluster.failures.recovery == pytest.approx(30.0, rel=0.01)
    assert found.fits_well
    never = fit(np.where(late, np.inf, log))
    assert never.cluster.failures == Failures(late.mean(), np.inf)
    assert never.to_dict()["failures"]["recovery"] is None


def test_overhead_and_unit_time_from_several_loads():
    true = Cluster(20, Delay("lognormal", {"sigma": 0.1, "scale": 2.0}), OVERHEAD, failures=Failures(0.002, 40.0))
    loads = [1.0, 0.0, 0.5]
    found = fit([log_of(true, 150, at, seed) for seed, at in enumerate(loads)], load=loads)
    assert found.loads == (0.0, 0.5, 1.0)
    assert found.fits_well
    assert found.cluster.overhead.model == "generalized-extreme-value"
    assert found.cluster.overhead.parameters["location"] == pytest.approx(0.6, rel=0.01)
    assert found.cluster.overhead.parameters["scale"] == pytest.approx(0.05, rel=0.1)
    assert found.cluster.compute.mean == pytest.approx(true.compute.mean, rel=0.02)
    assert found.cluster.failures.probability == pytest.approx(0.002, rel=0.5)
    assert found.cluster.failures.recovery == pytest.approx(40.0, rel=0.01)
    assert set(found.summary()) == {"models", "overhead", "workers"}


def test_an_overhead_no_model_fits_is_kept():
    draws = np.random.default_rng(0)
    idle = np.where(draws.random((100, 10)) < 0.5, 1.0, 2.0)
    found = fit([idle, 3.0 + idle], load=[0.0, 1.0])
    assert not found.fits_well
    assert found.cluster.overhead == Trace(idle)
    assert found.cluster.compute.mean == pytest.approx(3.0, rel=0.02)


def test_loads_without_an_idle_one_give_a_constant_overhead():
    true = Cluster(10, Delay("gamma", {"shape": 9.0, "scale": 0.2}), Delay("deterministic", {"value": 0.5}))
    loads = [0.25, 1.0]
    found = fit([log_of(true, 500, at, seed) for seed, at in enumerate(loads)], load=loads)
    assert found.cluster.overhead.mean == pytest.approx(0.5, abs=0.03)
    assert found.cluster.compute.mean == pytest.approx(1.8, rel=0.03)
    assert found.overhead == ()


def test_slowness_is_of_the_computing_alone():
    slow = [1.0] * 9 + [3.0]
    true = Cluster(10, Delay("gamma", {"shape": 100.0, "scale": 0.02}), Delay("deterministic", {"value": 4.0}), slow)
    found = fit([log_of(true, 100, at, seed) for seed, at in enumerate((0.5, 1.0))], load=[0.5, 1.0])
    np.testing.assert_allclose(found.cluster.slowness, slow, rtol=0.1)


def test_logs_at_one_load_are_one_log():
    log = np.random.default_rng(0).exponential(size=(100, 4))
    assert fit([log[:50], log[50:]]).ranking == fit(log).ranking
    assert fit([log[:50], log[50:]], load=[0.5, 0.5]).rounds == 100


def test_what_is_found_can_be_printed_and_stored():
    found = fit(np.random.default_rng(0).exponential(size=(30, 3)))
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["workers"] == 3
    tables = found.summary()
    assert tables["models"][0] == ("model", "parameters", "distance")
    assert [row[0] for row in tables["workers"]] == ["worker", "0", "1", "2"]


@pytest.mark.parametrize(
    "log",
    [[[1.0]], [[0.0, 0.0]], [[2.0, 2.0], [2.0, 2.0]], [[1.0, 2.0, np.inf], [np.inf] * 3, [0.0, 3.0, 4.0]]],
    ids=["one time", "zeros", "constant", "gaps"],
)
def test_tiny_logs_give_a_cluster(log):
    found = fit(log)
    assert found.cluster.workers == len(log[0])
    assert np.isfinite(found.cluster.speeds).all()
    assert found.cluster.sample(5, rng=0).compute.shape == (5, len(log[0]))
    json.dumps(found.to_dict(), allow_nan=False)


def test_large_logs_are_thinned_without_harm():
    log = np.random.default_rng(0).gamma(3.0, size=(150, 150))
    best = fit(log, load=1.0).cluster.compute
    assert best.model == "gamma"
    assert best.parameters["shape"] == pytest.approx(3.0, rel=0.05)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"logs": np.ones((3, 2)), "load": 0.0}, "the overhead alone; add a log"),
        ({"logs": np.ones((3, 2)), "load": 2.0}, "load is 2.0; a number from 0 to 1"),
        ({"logs": np.ones((3, 2)), "load": float("nan")}, "load is nan"),
        ({"logs": np.ones((3, 2)), "load": [0.5, 1.0]}, "load has 2 entries; one for each of the 1 logs"),
        ({"logs": np.ones((3, 2)), "model": "gauss"}, "model is 'gauss'; one of shifted-exponential"),
        ({"logs": np.ones((3, 2)), "model": "gamma"}, "model gamma cannot be fitted to this log; these can: determ"),
        ({"logs": []}, "logs is empty"),
        ({"logs": np.full((2, 2), np.nan)}, "round 0, worker 0 is nan"),
        ({"logs": [np.ones((2, 2)), np.ones((2, 3))]}, "2, 3 workers; logs of one cluster have equally many"),
        ({"logs": [np.ones((2, 2)), np.ones((2, 2))], "load": [0.0, 1.0]}, "do not grow with the load"),
        ({"logs": "none.csv"}, "none.csv: no such file"),
    ],
)
def test_bad_input(arguments, words):
    with pytest.raises(InputError, match=words):
        fit(**arguments)


def test_times_of_any_size_are_fitted(tmp_path):
    log = tmp_path / "extreme.csv"
    log.write_text("1e300,1e300\n1e-300,2\n")
    assert fit(log).cluster.workers == 2
