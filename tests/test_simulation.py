"""When messages arrive and when the master may stop: by hand, against brute force, and repeated."""

import tracemalloc
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcopt import simulation, waiting
from gcopt.arrivals import arrivals, one_after_the_other
from gcopt.cluster import Cluster, Failures, Job, Network, Racks, Times, Trace
from gcopt.code import GradientCode, Segment
from gcopt.delays import Delay
from gcopt.errors import InputError
from gcopt.expectation import expected_time
from gcopt.families import FAMILIES
from gcopt.families.block_coordinate import quiet_levels
from gcopt.report.running import print_simulation
from gcopt.simulation import completed, mean_and_stderr, sample_iterations, simulate
from gcopt.waiting import Waiting, kth
from tests.helpers import least_squares

CODES = {
    "uncoded": {"workers": 5, "partitions": 7},
    "ignore-stragglers": {"workers": 5, "stragglers": 2},
    "fractional-repetition": {"workers": 6, "stragglers": 2},
    "cyclic-repetition": {"workers": 6, "stragglers": 2, "rng": 0},
    "cyclic-mds": {"workers": 6, "stragglers": 2},
    "grouped": {"workers": 7, "stragglers": 2},
    "placement": {"workers": 6, "stragglers": 1, "speeds": [1, 2, 1, 3, 1, 1], "rng": 0},
    "two-stage": {"workers": 5, "stragglers": 2, "alpha": 3.0},
    "block-coordinate": {"workers": 5, "allocation": [2, 1, 1, 0, 3]},
}
EXPONENTIAL = Delay("exponential", {"rate": 1.0})


def two_segments():
    """3 workers; 3/4 of the coordinates uncoded, 1/4 in two blocks with pairs 2, 4, 6."""
    blocks = np.zeros((3, 6))
    blocks[0, :2] = blocks[1, :4] = blocks[2] = 1.0
    return GradientCode((Segment(np.eye(3), length=3), Segment(blocks, blocks=2, length=1)))


def two_rounds():
    compute = np.array([[1.0, 2.0, 3.0], [0.0, 1.0, 1.0]])
    return Times(compute, np.array([[0.5, 0.0, 0.0]] * 2), np.array([[0.0, 10.0, 0.0], [0.0, 0.0, np.inf]]))


def by_hand(job, network, transfer):
    """The time model of the design, one worker and segment after the other (without the master's link)."""
    code, times = two_segments(), two_rounds()
    out = np.empty((2, 3, 2))
    for i in range(2):
        for j in range(3):
            work, sent = 0.0, 0.0
            for c, (share, blocks) in enumerate([(0.75, 1), (0.25, 2)]):
                length = share * job.parameters / blocks
                work += code.segments[c].pairs[j] * length
                ready = (
                    times.overhead[i, j] + times.stall[i, j] + times.compute[i, j] * job.unit * job.samples / 3 * work
                )
                sent = max(sent, ready) + 8 * length / network.bandwidth + transfer[i, j] * length / job.parameters
                out[i, j, c] = sent + network.latency
    return out


@pytest.mark.parametrize("network", [Network(), Network(latency=2.0), Network(bandwidth=16.0), Network(1.0, 3.0)])
@pytest.mark.parametrize("transfer", [np.zeros((2, 3)), np.array([[4.0, 0.0, 1.0], [40.0, 8.0, 2.0]])])
def test_arrivals_by_hand(network, transfer):
    job = Job(parameters=8, samples=6, unit=0.25)
    cluster = Cluster(3, EXPONENTIAL, network=network, job=job)
    found = arrivals(two_segments(), cluster, replace(two_rounds(), transfer=transfer))
    np.testing.assert_allclose(found, by_hand(job, network, transfer), rtol=1e-14)


def test_arrivals_in_numbers():
    """unit * samples / k = 1/2; segment 0: 6 coordinates, 1 pair each; segment 1: messages of 1 coordinate."""
    cluster = Cluster(3, EXPONENTIAL, job=Job(parameters=8, samples=6, unit=0.25))
    found = arrivals(two_segments(), cluster, two_rounds())
    assert found[0].tolist() == [[0.5 + 3, 0.5 + 4], [10 + 6, 10 + 10], [9, 18]]
    assert found[1].tolist() == [[0.5, 0.5], [3, 5], [np.inf, np.inf]]
    # three quarters and an eighth of it: the first worker's second message waits for its first
    found = arrivals(two_segments(), cluster, replace(two_rounds(), transfer=np.array([[8.0, 0.0, 8.0], [0.0] * 3])))
    assert found[0].tolist() == [[9.5, 10.5], [16, 20], [15, 19]]


def test_the_master_takes_one_message_after_the_other():
    """Ready at 1, 1.5, 5 and 5.5, each taking 2: done at 3, 5, 7 and 9; what never comes holds up nothing."""
    cluster = Cluster(5, EXPONENTIAL, network=Network(master_bandwidth=4.0))
    code = GradientCode.from_matrix(np.eye(5))
    compute = 5 * np.array([[1.5, 5.0, 1.0, 5.5, 1.0]])
    times = Times(compute, np.zeros((1, 5)), np.array([[0, 0, 0, 0, np.inf]]))
    assert arrivals(code, cluster, times)[0, :, 0].tolist() == [5.0, 7.0, 3.0, 9.0, np.inf]


@given(st.lists(st.floats(0, 10), min_size=6, max_size=6), st.floats(0.1, 10), st.floats(0.1, 10))
def test_the_master_link_serves_in_order_of_arrival(ready, first, second):
    """Two segments with messages of different sizes, against a queue."""
    flat = np.array(ready).reshape(1, 3, 2)
    found = one_after_the_other(flat, np.array([first, second])).ravel()
    free, expected = 0.0, np.empty(6)
    for i in np.argsort(ready, kind="stable"):
        free = expected[i] = max(free, ready[i]) + (first, second)[i % 2]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_complex_messages_are_twice_as_long():
    nothing = np.zeros((1, 3))
    job = Job(parameters=5)
    for bandwidth, transfer, seconds in ((1.0, 0.0, 40.0), (np.inf, 3.0, 3.0), (1.0, 3.0, 43.0)):
        cluster = Cluster(3, EXPONENTIAL, network=Network(bandwidth=bandwidth), job=job)
        times = Times(nothing, nothing, nothing, nothing + transfer)
        real, complex_ = (arrivals(GradientCode.from_matrix(np.eye(3) * x), cluster, times) for x in (1, 1j))
        assert (real == seconds).all()
        assert (complex_ == 2 * seconds).all()


def test_code_and_cluster_must_agree():
    with pytest.raises(InputError, match="the code has 3 workers and the cluster 4"):
        simulate(FAMILIES["uncoded"](3), Cluster(4, EXPONENTIAL), iterations=2, rng=0)


@pytest.mark.parametrize("name", list(CODES))
def test_decodable_is_the_first_moment_at_which_least_squares_is_exact(name):
    code = FAMILIES[name](**CODES[name])
    arrived = np.random.default_rng(0).exponential(size=(25, code.workers, len(code.segments)))
    arrived[:5, 1] = np.inf
    found = Waiting(code).until(arrived)
    for c, segment in enumerate(code.segments):
        if segment.decoder == "scaled":
            continue
        matrix = segment.encoding.toarray()
        for i, row in enumerate(arrived[:, :, c]):
            order = np.argsort(row)
            late = [t for t in range(1, len(row)) if least_squares(matrix, order[t:])[0] > 1e-12 * segment.partitions]
            assert found[i, c] == row[order[max(late, default=0)]]


@pytest.mark.parametrize("name", list(CODES))
def test_count_is_an_order_statistic_and_never_sooner(name):
    code = FAMILIES[name](**CODES[name])
    arrived = np.random.default_rng(1).exponential(size=(200, code.workers, len(code.segments)))
    counted, decoded = Waiting(code, "count").until(arrived), Waiting(code).until(arrived)
    for c, segment in enumerate(code.segments):
        ordered = np.sort(arrived[:, :, c], axis=1)
        assert (counted[:, c] == ordered[:, code.workers - segment.stragglers - 1]).all()
    assert (decoded <= counted).all()
    if name in ("fractional-repetition", "grouped"):
        assert (decoded < counted).any()
    if name == "ignore-stragglers":
        assert (decoded == counted).all()


def test_what_cannot_be_exact_goes_by_count():
    code = GradientCode.from_matrix(np.eye(4)[:, :3] + 1, stragglers=2)
    never = GradientCode.from_matrix([[1.0, 2.0], [1.0, 3.0], [2.0, 5.0], [1.0, 2.5]], stragglers=1)
    lost = GradientCode.from_matrix([[1.0, 0.0], [2.0, 0.0]], stragglers=1)
    assert not Waiting(code).by_count(0)
    assert not Waiting(never).by_count(0)
    assert Waiting(lost).by_count(0)
    assert Waiting(lost).until(np.array([[[2.0], [1.0]]])).tolist() == [[1.0]]


@given(st.lists(st.floats(0, 9), min_size=1, max_size=8), st.data())
def test_kth(values, data):
    k = data.draw(st.integers(1, len(values)))
    assert kth(np.array([values]), k)[0] == sorted(values)[k - 1]


def test_completed_iterations_pay_for_failed_ones():
    drawn = np.array([np.inf, 1.0, 2.0, np.inf, np.inf, 3.0, np.inf])
    assert completed(drawn, 10.0).tolist() == [11.0, 2.0, 23.0]
    assert completed(drawn, 0.0).tolist() == [1.0, 2.0, 3.0]
    assert completed(drawn, np.inf).tolist() == [np.inf, 2.0, np.inf]
    assert completed(np.array([np.inf]), 1.0).size == 0


def test_mean_and_stderr_are_never_nan():
    assert mean_and_stderr(np.array([])) == (np.inf, np.inf)
    assert mean_and_stderr(np.array([2.0])) == (2.0, np.inf)
    assert mean_and_stderr(np.array([1.0, np.inf])) == (np.inf, np.inf)


def test_undecodable_iterations_are_counted_and_charged():
    """Two groups of two: an iteration fails when a group loses both, 1 - (1 - q^2)^2."""
    q, restart = 0.3, 7.0
    cluster = Cluster(4, Delay("deterministic", {"value": 4.0}), failures=Failures(q, np.inf, restart))
    result = simulate(FAMILIES["fractional-repetition"](4, 1), cluster, iterations=40_000, rng=0)
    failing = 1 - (1 - q**2) ** 2
    assert result.undecodable == pytest.approx(failing, abs=5 * np.sqrt(failing / 40_000))
    assert abs(result.mean - (2.0 + restart * failing / (1 - failing))) < 5 * result.stderr
    assert result.expected is None


@pytest.mark.parametrize("restart", [0.0, 5.0, np.inf])
@pytest.mark.parametrize("probability", [0.4, 1.0])
def test_nothing_reported_is_nan(probability, restart):
    cluster = Cluster(4, EXPONENTIAL, failures=Failures(probability, np.inf, restart))
    report = simulate(FAMILIES["uncoded"](4), cluster, iterations=500, rng=0).to_dict()
    numbers = [report["mean"], report["stderr"], *report["quantiles"].values(), report["undecodable"]]
    assert not np.isnan(numbers).any()
    assert not np.isnan([list(point.values()) for point in report["completion"]]).any()
    if probability == 1.0:
        assert (report["mean"], report["undecodable"], report["completion"]) == (np.inf, 1.0, [])


def test_quantiles_and_completion_belong_together():
    result = simulate(FAMILIES["grouped"](7, 2), Cluster(7, EXPONENTIAL), iterations=5001, rng=0)
    seconds, levels = np.array(result.completion).T
    assert (np.diff(seconds) >= 0).all()
    assert (levels[0], levels[-1]) == (0.0, 1.0)
    assert result.quantiles["0.5"] == seconds[levels == 0.5][0]
    assert seconds[0] <= result.quantiles["0.5"] < result.quantiles["0.9"] < result.quantiles["0.99"] <= seconds[-1]


@pytest.mark.parametrize("wait", ["decodable", "count"])
def test_the_same_seed_gives_the_same_bits(wait):
    cluster = Cluster(5, EXPONENTIAL, racks=Racks((0, 0, 1, 1, 1), 0.5), failures=Failures(0.2, 3.0))
    code = FAMILIES["two-stage"](5, 2, 3.0)
    once, again = (simulate(code, cluster, iterations=300, wait=wait, rng=9) for _ in range(2))
    assert once == again
    assert once.seed == 9
    fresh = simulate(code, cluster, iterations=300, wait=wait)
    assert simulate(code, cluster, iterations=300, wait=wait, rng=fresh.seed) == fresh
    assert fresh != once


@pytest.mark.parametrize(
    "compute",
    [EXPONENTIAL, Delay("gamma", {"shape": 2.0, "scale": 1.0}), Trace(np.arange(1.0, 36.0).reshape(7, 5), replay=True)],
)
def test_chunks_do_not_change_the_result(monkeypatch, compute):
    cluster = Cluster(5, compute)
    code = FAMILIES["grouped"](5, 1)
    whole = sample_iterations(code, cluster, iterations=50, wait="decodable", seed=4)
    monkeypatch.setattr(simulation, "_CHUNK", 35)
    assert (sample_iterations(code, cluster, iterations=50, wait="decodable", seed=4) == whole).all()


@pytest.mark.parametrize("wait", ["decodable", "count"])
@pytest.mark.parametrize("network", [Network(), Network(0.1, 3.0), Network(master_bandwidth=50.0)])
def test_slices_do_not_change_the_result(monkeypatch, wait, network):
    code = FAMILIES["block-coordinate"](6, [3, 2, 1, 1, 0, 2])
    cluster = Cluster(6, EXPONENTIAL, EXPONENTIAL, failures=Failures(0.1, 2.0), network=network)
    times = cluster.sample(50, rng=0)
    rule = Waiting(code, wait)
    whole = rule.until(arrivals(code, cluster, times)).max(axis=1)
    for entries in (1, 6 * 5 * 7, 10**9):
        monkeypatch.setattr(waiting, "_ENTRIES", entries)
        assert (rule.finish(cluster, times) == whole).all()


def test_many_segments_need_little_memory():
    """All arrival times together would be 96 MB."""
    levels = quiet_levels(50)
    code = FAMILIES["block-coordinate"](50, [float(s in levels) for s in range(50)])
    cluster = Cluster(50, EXPONENTIAL)
    times, rule = cluster.sample(10_000, rng=0), Waiting(code, "count")
    tracemalloc.start()
    try:
        rule.finish(cluster, times)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["uncoded", "cyclic-repetition", "block-coordinate"])
def test_where_a_count_is_known_it_is_what_least_squares_needs(name):
    code = FAMILIES[name](**CODES[name])
    rule, n = Waiting(code), code.workers
    for c, segment in enumerate(code.segments):
        if (count := rule.count(c)) is None:
            continue
        for size in range(n + 1):
            kept = [set(range(n)) - set(lost) for lost in combinations(range(n), n - size)]
            errors = [least_squares(segment.encoding.toarray(), set(range(n)) - rest)[0] for rest in kept if rest]
            assert all((error <= 1e-12 * n) == (size >= count) for error in errors)
    assert rule.count(0) == (5 if name in ("uncoded", "block-coordinate") else 4)
    assert Waiting(FAMILIES["fractional-repetition"](6, 2)).count(0) is None


def test_codes_are_compared_on_the_same_draws():
    cluster = Cluster(6, EXPONENTIAL)
    equal = [FAMILIES[name](6, 2) for name in ("fractional-repetition", "grouped")]
    first, second = (sample_iterations(c, cluster, iterations=100, wait="count", seed=1) for c in equal)
    assert (first == second).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), st.floats(0.1, 10), st.floats(0, 5))
def test_deterministic_cluster_needs_no_luck(n, value, overhead):
    cluster = Cluster(n, Delay("deterministic", {"value": value}), Delay("deterministic", {"value": overhead}))
    result = simulate(FAMILIES["uncoded"](n), cluster, iterations=3, rng=0)
    assert result.mean == pytest.approx(overhead + value / n)
    assert result.expected == pytest.approx(overhead + value / n, rel=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"iterations": 0}, "iterations is 0; an integer of at least 1"),
        ({"iterations": 2.5}, "iterations is 2.5"),
        ({"wait": "forever"}, "wait is 'forever'; decodable, count or deadline would work"),
        ({"rng": -1}, "rng is -1"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        simulate(FAMILIES["uncoded"](2), Cluster(2, EXPONENTIAL), **options)


def test_an_infinite_mean_is_called_so(capsys):
    cluster = Cluster(2, Delay("pareto", {"shape": 0.9, "scale": 1.0}))
    print_simulation(simulate(FAMILIES["uncoded"](2), cluster, iterations=100, rng=0))
    assert "the exact mean is infinite" in capsys.readouterr().out


def test_stretches_of_the_gradient_need_a_forward_pass_over_every_partition_they_touch():
    """Two workers, two stages: a half uncoded, a half on both; one unit of time per unit of work."""
    two, one = FAMILIES["two-stage"](2, 1, 3.0), FAMILIES["fractional-repetition"](2, 1)
    cluster = Cluster(2, Delay("deterministic", {"value": 1.0}), job=Job(forward=0.25))
    times = cluster.sample(1, rng=0)
    assert arrivals(two, cluster, times)[0].tolist() == [[(0.5 + 0.25) / 2, (1.5 + 0.5) / 2]] * 2
    assert arrivals(one, cluster, times)[0].tolist() == [[1.0]] * 2
    assert expected_time(two, cluster, wait="count") == pytest.approx(1.0)
