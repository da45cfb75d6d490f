"""Who is slow, who fails: real logs and logs with a known answer."""

from pathlib import Path

import numpy as np
import pytest

from gcopt.cluster import Failures
from gcopt.logs import read_log
from gcopt.workers import estimate_failures, estimate_slowness, report_workers, shared_variation, split_failures

REAL = Path(__file__).parents[1] / "gcopt/data/bytedance_llm_step_compute.npz"


def test_the_chronically_slow_worker_of_a_real_job():
    reports = report_workers(read_log(f"{REAL}:AR_step_rank_compute"))
    chronic = [w for w in reports if w.verdict == "chronic"]
    assert [w.worker for w in chronic] == [0]
    assert chronic[0].slowness == pytest.approx(2.35, abs=0.02)
    assert chronic[0].late == 1.0
    assert chronic[0].rank == 1.0
    assert chronic[0].to_dict()["verdict"] == "chronic"


def test_a_pipeline_imbalance_and_uneven_sequences_of_real_jobs():
    pipeline = report_workers(read_log(f"{REAL}:ST_step_rank_compute"))
    assert [w.worker for w in pipeline if w.verdict == "chronic"] == [6, 7]
    sequences = report_workers(read_log(f"{REAL}:SE_step_dprank_maxstage"))
    assert {w.verdict for w in sequences} == {"fine", "one-off"}


@pytest.mark.parametrize("rounds", [3, 30])
@pytest.mark.parametrize(
    "draw",
    [
        lambda g, shape: g.exponential(size=shape),
        lambda g, shape: g.pareto(1.1, size=shape) + 1.0,
        lambda g, shape: g.normal(100.0, 1.0, size=shape),
    ],
    ids=["exponential", "pareto", "normal"],
)
def test_an_even_cluster_has_no_slow_worker(draw, rounds):
    false_alarms = 0
    for seed in range(100):
        log = draw(np.random.default_rng(seed), (rounds, 16))
        false_alarms += bool((estimate_slowness(log) != 1.0).any())
    assert false_alarms <= 5


def test_slowness_is_recovered_though_all_are_slow_together():
    draws = np.random.default_rng(0)
    true = np.array([1.0, 1.0, 1.0, 1.0, 1.5, 3.0])
    log = np.exp(0.5 * draws.standard_normal((60, 1)) + 0.05 * draws.standard_normal((60, 6))) * true
    np.testing.assert_allclose(estimate_slowness(log), true, rtol=0.05)
    assert shared_variation(log) > 0.9


def test_too_little_to_tell():
    assert (estimate_slowness(np.array([[1.0, 9.0]])) == 1.0).all()
    assert (estimate_slowness(np.array([[1.0], [9.0]])) == 1.0).all()
    assert (estimate_slowness(np.array([[1.0, 0.0], [1.0, 0.0]])) == 1.0).all()


def test_independent_workers_share_nothing():
    assert shared_variation(np.random.default_rng(0).exponential(size=(200, 20))) < 0.02
    assert shared_variation(np.ones((5, 5))) == 0.0


def test_missing_answers_count_as_late():
    log = np.ones((10, 3))
    log[2, 1] = np.inf
    worker = report_workers(log)[1]
    assert (worker.late, worker.verdict, worker.median, worker.p95) == (0.1, "one-off", 1.0, 1.0)


def test_a_round_that_nobody_answered():
    log = np.random.default_rng(0).gamma(900.0, 0.001, (40, 4))
    log[7] = np.inf
    assert [w.late for w in report_workers(log)] == [0.025] * 4
    assert (estimate_slowness(log) == 1.0).all()
    assert shared_variation(log) < 0.2
    assert split_failures(log)[1].tolist() == [np.inf] * 4


def test_stalls_are_told_from_a_heavy_tail():
    draws = np.random.default_rng(0)
    log = draws.gamma(50.0, 0.02, (100, 20))
    log[[3, 50, 70], [0, 5, 5]] = [26.0, 38.0, np.inf]
    clean, extra = split_failures(log)
    assert np.isinf(clean).sum() == 3
    assert np.sort(extra) == pytest.approx([25.0, 37.0, np.inf], rel=0.02)
    heavy = draws.exponential(size=(100, 20))
    assert split_failures(heavy)[1].size == 0
    often = np.where(draws.random((100, 20)) < 0.1, 30.0, 1.0)
    assert split_failures(often)[1].size == 0


def test_recovery_is_infinite_if_most_never_came():
    assert estimate_failures(np.array([]), 100) == Failures()
    assert estimate_failures(np.array([20.0, np.inf, np.inf]), 100) == Failures(0.03, np.inf)
    assert estimate_failures(np.array([20.0, 30.0, np.inf]), 100) == Failures(0.03, 25.0)
