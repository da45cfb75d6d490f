"""Allocations become codes: the times of the paper, every claim, the same training as without coding."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gcopt
from gcopt.candidates import usable
from gcopt.cluster import Cluster, Job, Times
from gcopt.delays import Delay
from gcopt.errors import InputError, TrainingError
from gcopt.expectation import expected_time
from gcopt.families import FAMILIES, block_coordinate, grouped, uncoded
from gcopt.families.block_coordinate import quiet_levels
from gcopt.simulation import simulate
from gcopt.training import train
from gcopt.waiting import Waiting
from tests.helpers import claim, dense, worst_error
from tests.training.cases import descent, logistic

WANG = [4783.8, 756.3, 423.2, 303.9, 246.2, 214.6, 196.8, 187.5, 184.3, 186.3]
WANG += [193.0, 205.1, 223.6, 250.8, 290.7, 351.3, 449.0, 625.0, 1023.4, 8905.4]
SIX = [0, 3, 2, 2, 1, 1, 2]  # seven workers, six segments, all of which can spare one worker


def wang():
    """Code and cluster of the paper's setting with N = 20, mu = 1e-3, t0 = 50, L = 2e4, M = 50."""
    delay = Delay("shifted-exponential", {"rate": 1e-3, "shift": 50.0})
    return block_coordinate(20, WANG), Cluster(20, delay, job=Job(parameters=20_000, samples=50))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([0, 0.5, 3]), min_size=1, max_size=7).filter(any))
def test_every_used_diversity_is_a_segment_that_keeps_its_promise(allocation):
    n = len(allocation)
    code = block_coordinate(n, allocation)
    used = np.flatnonzero(allocation)
    assert [s.stragglers for s in code.segments] == used.tolist()
    assert code.shares == pytest.approx(np.array(allocation)[used] / sum(allocation))
    for c, s in enumerate(used):
        assert code.segments[c].load.tolist() == [s + 1] * n
        assert worst_error(dense(code, c), s) < 1e-12 * n
        assert (claim(code, "load", c), claim(code, "replication", c)) == (s + 1, s + 1)
        assert claim(code, "noise", c) >= 0.1
    assert {(k.segment, k.stragglers) for k in code.claims if k.kind == "exact"} == set(enumerate(used))


def test_segments_are_the_single_codes_of_the_library():
    code = block_coordinate(7, SIX, rng=4)
    for segment in code.segments:
        alone = grouped(7, segment.stragglers, rng=4).segments[0]
        assert (segment.encoding != alone.encoding).nnz == 0
    assert (block_coordinate(5, [1, 0, 0, 0, 0]).segments[0].encoding != uncoded(5).segments[0].encoding).nnz == 0


def test_times_of_the_paper():
    """tau = (M b / N) max_n T_(N-n) z_n for every draw."""
    code, cluster = wang()
    times = cluster.sample(200, rng=0)
    z = np.cumsum(np.arange(1, 21) * np.array(WANG) * 20_000 / sum(WANG))
    tau = 50 / 20 * (np.sort(times.compute, axis=1)[:, ::-1] * z).max(axis=1)
    np.testing.assert_allclose(Waiting(code, "count").finish(cluster, times), tau, rtol=1e-12)
    assert (Waiting(code).finish(cluster, times) <= tau * (1 + 1e-12)).all()


def test_expected_time_of_the_published_optimum():
    """The certified optimum 7.04944e7 of this setting, exactly, and by simulation within four standard errors."""
    code, cluster = wang()
    result = simulate(code, cluster, iterations=40_000, wait="count", rng=1)
    assert result.expected == pytest.approx(7.04944e7, rel=2e-6)
    assert abs(result.mean - result.expected) <= 4 * result.stderr
    assert simulate(code, cluster, iterations=40_000, rng=1).mean < result.mean
    single = min(expected_time(grouped(20, s), cluster, wait="count") for s in range(1, 20))
    assert single == pytest.approx(1.0e8, rel=1e-4)


def test_the_virtual_engine_takes_the_expected_time():
    code = block_coordinate(7, [4, 3, 2, 2, 1, 1, 2])
    cluster = Cluster(7, Delay("shifted-exponential", {"rate": 1.0, "shift": 0.1}))
    result = train(code, logistic(), engine="virtual", iterations=400, cluster=cluster, wait="count", rng=5)
    seen = np.array(result.durations)
    assert abs(seen.mean() - expected_time(code, cluster, wait="count")) < 4 * seen.std() / 20


@pytest.mark.parametrize("engine", ["virtual", "local"])
@pytest.mark.parametrize("wait", ["decodable", "count"])
@pytest.mark.parametrize("allocation", [SIX, [5, 1e-9, 3, 2, 1e-12, 4, 1]], ids=["six", "some of no coordinate"])
def test_training_is_the_same_as_uncoded(engine, wait, allocation):
    code = block_coordinate(7, allocation)
    result = train(code, logistic(), engine=engine, iterations=20, step=0.5, wait=wait, rng=0)
    plain = train(uncoded(7), logistic(), engine="virtual", iterations=20, step=0.5, rng=0)
    assert np.abs(result.parameters - plain.parameters).max() < 1e-12
    assert np.abs(result.parameters - descent(20, 0.5)).max() < 1e-12


def kill(progress):
    if progress.iteration == 5:
        os.kill(progress.pids[3], signal.SIGKILL)
        while Path(f"/proc/{progress.pids[3]}/stat").exists() and state(progress.pids[3]) not in "ZX":
            time.sleep(0.01)


def state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def test_a_killed_worker_is_spared_where_every_coordinate_tolerates_one():
    result = train(block_coordinate(7, SIX), logistic(), iterations=30, step=0.5, on_iteration=kill, rng=0)
    assert np.abs(result.parameters - descent(30, 0.5)).max() < 1e-12
    assert [(f.kind, f.worker) for f in result.failures] == [("died", 3)]
    assert not result.responders[6:, :, 3].any()


def test_a_killed_worker_ends_it_where_some_coordinates_need_everybody(tmp_path):
    code = block_coordinate(7, [1, *SIX[1:]])
    with pytest.raises(TrainingError, match="worker 3"):
        train(code, logistic(), iterations=30, on_iteration=kill, checkpoint=tmp_path / "c.npz")


def test_segments_without_coordinates_are_coded_and_decoded():
    code = block_coordinate(7, [5, 1e-9, 3, 2, 1e-12, 4, 1])
    for d in (0, 1, 3, 11):
        gradients = np.random.default_rng(d).standard_normal((7, d))
        found = gcopt.decode(code, code.encode(gradients), [True] * 7, parameters=d)
        np.testing.assert_allclose(found, gradients.sum(axis=0), atol=1e-12)
    assert code.cuts(11).tolist() == [0, 4, 4, 6, 7, 7, 10, 11]


@pytest.mark.parametrize(("workers", "count"), [(10, 10), (20, 20), (50, 24), (100, 34), (256, 36)])
def test_quiet_levels_can_be_used(workers, count):
    levels = quiet_levels(workers)
    assert (levels[0], levels[-1], len(levels)) == (0, workers - 1, count)
    assert set(levels) >= {s for s in range(workers) if workers % (s + 1) == 0}
    assert usable(block_coordinate(workers, [1.0 if s in levels else 0.0 for s in range(workers)]))


def test_more_workers_may_have_fewer_quiet_levels():
    assert quiet_levels(97) == (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 13, 17, 22, 28, 96)  # 97 is prime, 35 is too loud


def test_a_loud_diversity_is_named_with_its_neighbours():
    with pytest.raises(InputError, match=r"allocation\[30\] is positive.* 61 workers .*; 28 or 60 stragglers"):
        block_coordinate(61, [0.0] * 30 + [1.0] + [0.0] * 30)


def test_provenance_rebuilds_it_and_partitions_may_be_finer():
    code = block_coordinate(4, np.array([2.0, 1.0, 0.0, 1.0]), segments=3, partitions=8)
    assert code.parameters == {"workers": 4, "allocation": [2.0, 1.0, 0.0, 1.0], "segments": 3, "partitions": 8}
    assert [int(s.load.max()) for s in code.segments] == [2, 4, 8]
    again = FAMILIES["block-coordinate"](**code.parameters, rng=code.seed)
    assert again.shares.tolist() == code.shares.tolist()


@pytest.mark.parametrize(
    ("allocation", "message"),
    [
        ([1, 2], "allocation has 2 entries; a list of 3 numbers"),
        ([0, 0, 0], "allocation is all 0"),
        ([1, -1, 0], r"allocation\[1\] is -1; a number of at least 0"),
        ([1, float("nan"), 0], r"allocation\[1\] is nan"),
        ([1, float("inf"), 0], r"allocation\[1\] is inf"),
        ([1, "a", 0], r"allocation\[1\] is 'a'"),
        ("1,2,3", "allocation is '1,2,3'; a list of 3"),
        (np.ones((3, 3)), r"allocation\[0\] is "),
        (4, "allocation is 4; a list of 3"),
    ],
)
def test_impossible_allocations_are_refused(allocation, message):
    with pytest.raises(InputError, match=message):
        block_coordinate(3, allocation)


@pytest.mark.parametrize("segments", [1, 2])
def test_too_many_segments_are_refused(segments):
    with pytest.raises(InputError, match=f"3 positive entries; at most segments = {segments}"):
        block_coordinate(4, [1, 1, 0, 2], segments=segments)
    with pytest.raises(InputError, match="segments is 0"):
        block_coordinate(4, [1, 1, 0, 2], segments=0)


def test_a_slow_worker_counts_with_its_first_segments():
    """One worker is enough for the second half, done at 2; the slowest sends its first half, a third of it, at 6."""
    code = block_coordinate(3, [1, 0, 1])
    cluster = Cluster(3, Delay("deterministic", {"value": 1.0}))
    compute = np.array([[3.0, 9.0, 36.0]])
    times = Times(compute, np.zeros((1, 3)), np.zeros((1, 3)))
    assert Waiting(code).finish(cluster, times).tolist() == [6.0]
