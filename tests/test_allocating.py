"""From a cluster to an allocation, to a code, to real processes that are as fast as was promised."""

import numpy as np
import pytest

import gcopt
from gcopt import Cluster, GradientCode
from gcopt.allocating import Allocating, allocate, proposals
from gcopt.cluster import Failures, Job, Network
from gcopt.delays import Delay
from gcopt.errors import InfeasibleError, InputError
from gcopt.expectation import expected_time
from gcopt.families import block_coordinate
from gcopt.goal import Goal
from gcopt.simulation import simulate
from gcopt.training import train
from gcopt.training.problems import LeastSquares
from gcopt.waiting import Waiting

PUBLISHED = Delay("shifted-exponential", {"rate": 1e-3, "shift": 50.0})
COUNT = Goal(wait="count")


def cluster(workers: int = 10, **parts: object) -> Cluster:
    return Cluster(workers, PUBLISHED, job=Job(parameters=20000, samples=50), **parts)  # type: ignore[arg-type]


def code_of(found, workers) -> GradientCode:
    return block_coordinate(workers, found.x.tolist())


def test_an_ideal_cluster_gets_the_proved_optimum():
    found = allocate(cluster(), COUNT)
    assert found.value == pytest.approx(1.16916e8, rel=1e-5)
    assert (found.status.value, found.x.sum()) == ("optimal", 20000)
    assert expected_time(code_of(found, 10), cluster(), wait="count") == pytest.approx(found.value, rel=1e-4)


def test_constant_overhead_and_latency_only_shift_the_optimum():
    late = cluster(overhead=Delay("deterministic", {"value": 3e7}), network=Network(latency=1e7))
    assert allocate(late, COUNT).value == pytest.approx(allocate(cluster(), COUNT).value + 4e7, rel=1e-9)


def test_slowness_of_everybody_scales_the_optimum():
    slow = cluster(slowness=np.full(10, 2.0))
    assert allocate(slow, COUNT).value == pytest.approx(2 * allocate(cluster(), COUNT).value, rel=1e-9)


REAL = {
    "overhead": {"overhead": Delay("exponential", {"rate": 5e-8})},
    "unequal": {"slowness": np.linspace(1.0, 3.0, 10)},
    "narrow": {"network": Network(latency=1e5, bandwidth=5e-3)},
    "stalls": {"failures": Failures(0.02, recovery=1e8)},
    "transfer": {"transfer": Delay("exponential", {"rate": 2e-8})},
}


@pytest.mark.parametrize("wait", ["count", "decodable"])
@pytest.mark.parametrize("kind", REAL)
def test_what_is_promised_on_a_real_cluster_is_what_its_code_does(kind, wait):
    real = cluster(**REAL[kind])
    found = allocate(real, Goal(wait=wait))
    assert found.bound <= found.value
    measured = simulate(code_of(found, 10), real, iterations=20_000, wait=wait, rng=5)
    assert measured.mean == pytest.approx(found.value, abs=5 * np.hypot(found.stderr, measured.stderr))
    for n in range(10):
        single = simulate(block_coordinate(10, np.eye(10)[n].tolist()), real, iterations=4000, wait=wait, rng=5)
        assert found.value < single.mean + 5 * single.stderr


def test_early_decoding_is_used():
    """Repetition is known before n - s answers are in: waiting for that beats the optimum by count."""
    early, counted = allocate(cluster(), Goal()), allocate(cluster(), COUNT)
    assert early.value < 0.9 * counted.value
    assert early.bound <= early.value + 1e-9


def test_few_segments_cost_little_and_a_limited_load_more():
    best, four = allocate(cluster(), COUNT), allocate(cluster(), COUNT, segments=4, seconds=1.0)
    assert np.count_nonzero(four.x) <= 4
    assert best.value < four.value < 1.06 * best.value
    light = allocate(cluster(), COUNT, load=3)
    assert np.flatnonzero(light.x).max() <= 2
    assert light.value > best.value


def test_workers_that_may_never_answer_are_not_waited_for():
    lossy = cluster(failures=Failures(0.02))
    found = allocate(lossy, Goal())
    assert found.x[0] == 0
    assert np.isfinite(found.value)


def test_nothing_helps_where_iterations_are_never_done():
    with pytest.raises(InfeasibleError, match="recovery"):
        allocate(cluster(failures=Failures(0.9)), Goal())
    assert list(proposals(cluster(failures=Failures(0.9)), Goal())) == []


def test_a_deadline_over_before_the_begin():
    late = cluster(overhead=Delay("deterministic", {"value": 10.0}))
    with pytest.raises(InfeasibleError, match="over before anybody begins"):
        allocate(late, Goal("completion", deadline=5.0, wait="count"))
    with pytest.raises(InputError, match="segments is 11"):
        allocate(late, Goal(), segments=11)


def test_a_deadline_is_met_more_often_than_by_the_fastest_on_average():
    deadline = 1.0e8
    goal = Goal("completion", deadline=deadline, wait="count")
    found, fastest = allocate(cluster(), goal), allocate(cluster(), COUNT)
    drawn = cluster().sample(20_000, rng=3)
    shares = [
        (gcopt.waiting.Waiting(code_of(one, 10), "count").finish(cluster(), drawn) <= deadline).mean()
        for one in (found, fastest)
    ]
    assert shares[0] == pytest.approx(found.value, abs=0.02)
    assert shares[0] > shares[1]
    assert found.bound >= found.value
    sampled = allocate(cluster(slowness=np.linspace(1.0, 1.001, 10)), goal)
    assert sampled.value == pytest.approx(found.value, abs=0.03)


def test_proposals_differ_in_their_segments_and_only_propose_what_can_be_built():
    made = list(proposals(cluster(), COUNT))
    assert [p["segments"] for p in made] == [2, 4, 8, 10]
    for proposal in made:
        code = block_coordinate(**proposal)
        assert len(code.segments) <= proposal["segments"]
    cut = cluster().replace(job=Job(parameters=20000, samples=50, partitions=7))
    assert list(proposals(cut, COUNT)) == []
    assert [p["allocation"] for p in proposals(Cluster(1, PUBLISHED), COUNT)] == [[1.0]]


def test_many_workers_are_looked_at_through_few_levels():
    many = Allocating(Cluster(64, PUBLISHED), Goal())
    assert many.diversities == [0, 1, 3, 7, 15, 31, 63]
    by_count = Allocating(Cluster(50, PUBLISHED), COUNT)
    assert len(by_count.diversities) <= 27
    assert {0, 49} <= set(by_count.diversities)


def test_real_processes_show_the_same_order():
    """Uncoded, the best single redundancy and block-coordinate, with the delays of a cluster, on real processes."""
    slow = Cluster(6, Delay("exponential", {"rate": 4.0}), job=Job(parameters=600, unit=1 / 600))
    best = block_coordinate(6, allocate(slow, Goal()).x.tolist())
    codes = [best, gcopt.families.fractional_repetition(6, 5), gcopt.families.uncoded(6)]
    draw = np.random.default_rng(0)
    problem = LeastSquares(draw.standard_normal((60, 600)), draw.standard_normal(60))
    options = {"iterations": 60, "step": 1e-3, "cluster": slow, "rng": 2}
    runs = [train(code, problem, delays=True, **options) for code in codes]
    means = [float(np.mean(run.durations)) for run in runs]
    assert means == sorted(means)
    for run in runs[1:]:
        assert np.abs(run.parameters - runs[0].parameters).max() < 1e-12


def test_the_value_knows_that_the_master_takes_messages_one_after_the_other():
    narrow = cluster(network=Network(master_bandwidth=1e-2))
    found = allocate(narrow, COUNT)
    again = simulate(code_of(found, 10), narrow, iterations=20_000, wait="count", rng=1)
    assert found.value == pytest.approx(again.mean, abs=5 * (found.stderr + again.stderr))


def test_what_is_sampled_is_not_called_proved():
    found = allocate(cluster(slowness=np.linspace(1.0, 3.0, 10)), Goal("completion", deadline=1e12, wait="count"))
    assert (found.value, found.status.value) == (1.0, "feasible")


def test_a_mean_that_is_infinite_has_no_standard_error():
    found = allocate(cluster(3, failures=Failures(0.06, recovery=np.inf)), Goal(wait="decodable"))
    assert (found.value, found.stderr, found.bound) == (np.inf, np.inf, None)
    assert "never end" in found.note


@pytest.mark.parametrize("deadline", [1.2e8, 2.4e8, 5e8])
def test_silence_of_some_workers_does_not_rule_levels_out_where_a_deadline_is_the_goal(deadline):
    failing = cluster(7, failures=Failures(0.05, recovery=np.inf))
    found = allocate(failing, Goal("completion", deadline=deadline, wait="count"))
    times = failing.sample(20_000, rng=1)
    alone = [Waiting(block_coordinate(7, one), "count").finish(failing, times) <= deadline for one in np.eye(7)]
    assert found.value > max(done.mean() for done in alone) - 0.01


@pytest.mark.parametrize("forward", [0.1, 0.7])
@pytest.mark.parametrize("wait", ["count", "decodable"])
def test_forward_passes_make_many_stretches_slow(forward, wait):
    """Each partition costs so much for every worker that takes stretches of its gradient, however short they are."""
    costly = cluster().replace(job=Job(parameters=20000, samples=50, forward=forward))
    found, free = allocate(costly, Goal(wait=wait)), allocate(cluster(), Goal(wait=wait))
    assert np.count_nonzero(found.x) < np.count_nonzero(free.x)
    assert found.value > free.value
    assert found.bound <= found.value
    measured = simulate(code_of(found, 10), costly, iterations=20_000, wait=wait, rng=5)
    assert measured.mean == pytest.approx(found.value, abs=5 * np.hypot(found.stderr, measured.stderr))
    wasted = simulate(code_of(free, 10), costly, iterations=20_000, wait=wait, rng=5)
    assert measured.mean < wasted.mean
