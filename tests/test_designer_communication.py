"""The search for the best load, stragglers and length of messages on clusters where sending takes a random time."""

import pytest

from gcopt.cluster import NOTHING, Cluster, Failures, Job, Network
from gcopt.delays import Delay
from gcopt.designer import design
from gcopt.expectation import expected_answers, expected_time
from gcopt.families._exchange import promising
from gcopt.goal import Goal
from gcopt.simulation import simulate
from gcopt.tabulating.communication_runtime import CLUSTERS, expected, one_by_one

FAMILY = {"family": "communication-efficient", "iterations": 2000}
SMALL = one_by_one(4, (2.0, 0.5), (0.2, 3.0))


def brute_force(cluster, **sizes):
    """The least expected time of n - s answers, and where."""
    pairs = [(d, m) for d in range(1, cluster.workers + 1) for m in range(1, d + 1)]
    fitting = [(d, m) for d, m in pairs if sizes in ({}, {"load": d}, {"blocks": m}, {"stragglers": d - m})]
    return min((expected(cluster, d, m), d, m) for d, m in fitting)


@pytest.mark.parametrize("cluster", [CLUSTERS["published"], SMALL], ids=["published", "small"])
def test_the_best_of_all_is_found(cluster):
    """Of dense matrices the winner is the best, or less than half a percent slower with less work."""
    found = design(cluster, **FAMILY, settings={"matrix": "gaussian"})
    value, load, blocks = brute_force(cluster)
    fastest = min(found.alternatives, key=lambda choice: choice.value)
    assert (fastest.code.load, fastest.code.blocks) == (load, blocks)
    assert fastest.value == pytest.approx(value, rel=1e-9)
    best = found.best
    assert best.code.load <= load
    assert value * (1 - 1e-9) <= best.value <= 1.005 * value
    assert best.value == pytest.approx(expected(cluster, best.code.load, best.code.blocks), rel=1e-9)
    assert best.stderr == 0.0
    assert found.bound < best.value < found.uncoded == pytest.approx(expected(cluster, 1, 1), rel=1e-9)


def test_zeros_of_a_matrix_save_work():
    """The time is that of the code that is returned, whose workers need not compute all blocks of what they hold."""
    cluster = CLUSTERS["published"]
    best = design(cluster, **FAMILY, settings={"blocks": 2}).best
    assert best.value == expected_time(best.code, cluster)
    assert best.value <= brute_force(cluster, blocks=2)[0] * (1 + 1e-9)
    needed = cluster.workers - best.code.stragglers
    (pairs,) = set(best.code.segments[0].pairs.tolist())
    delays = cluster.compute, pairs / 2, cluster.transfer, 0.5
    assert best.value == pytest.approx(expected_answers(*delays, workers=8, needed=needed), rel=1e-9)


@pytest.mark.parametrize("sizes", [{"load": 3}, {"blocks": 2}, {"stragglers": 1}])
def test_settings_restrict_the_search(sizes):
    found = design(SMALL, **FAMILY, settings={**sizes, "matrix": "gaussian"})
    value, load, blocks = brute_force(SMALL, **sizes)
    fastest = min(found.alternatives, key=lambda choice: choice.value)
    assert (fastest.code.load, fastest.code.blocks) == (load, blocks)
    assert fastest.value == pytest.approx(value, rel=1e-9)
    assert all(getattr(choice.code, key) == size for choice in found.alternatives for key, size in sizes.items())


def test_what_is_designed_is_what_is_simulated_also_where_workers_stall():
    cluster = SMALL.replace(failures=Failures(0.05, recovery=30.0))
    best = design(cluster, **FAMILY, settings={"blocks": 2}).best
    drawn = simulate(best.code, cluster, iterations=20_000, rng=3)
    assert best.value == drawn.expected
    assert abs(drawn.mean - best.value) < 4 * drawn.stderr


@pytest.mark.parametrize(("name", "fastest"), [("slow links", (7, 5)), ("fast links", (20, 1))])
def test_the_fastest_of_many_pairs_is_among_those_worth_a_try(name, fastest):
    """Also what one of load, blocks and stragglers leaves; where length does not matter there are no blocks."""
    cluster = CLUSTERS[name]
    pairs = promising(cluster)
    assert fastest in pairs[:3]
    assert len(pairs) == len(set(pairs)) < 80
    assert {1, 4, 9} <= {d for d, _ in pairs} & {m for _, m in pairs} & {d - m for d, m in pairs}
    assert {m for _, m in promising(cluster.replace(transfer=NOTHING))} == {1}
    assert max(m for _, m in promising(cluster.replace(transfer=NOTHING, network=Network(bandwidth=0.5)))) > 1


def test_the_pairs_for_a_deadline():
    """Ten seconds to send a whole message: with 2.5 seconds in all only messages five times shorter are in time."""
    constant = [Delay("deterministic", {"value": value}) for value in (0.01, 10.0)]
    cluster = Cluster(20, constant[0], transfer=constant[1], job=Job(samples=20))
    first = promising(cluster, Goal("completion", deadline=2.5))[:24]
    assert min(m for _, m in first) > 4


def test_by_the_command_line(gcopt, root):
    cluster = root / "examples" / "slow-links-20.toml"
    sizes = ("--set", "load=7", "--set", "stragglers=2", "--set", "matrix=gaussian")
    done = gcopt("design", cluster, "--family", "communication-efficient", *sizes, "--json", "-o", "code.npz")
    assert done.code == 0, done.err
    assert done.json["parameters"]["blocks"] == 5
    assert "more than 7 of 20 partitions, messages are 5 times shorter than the gradient and" in done.json["advice"]
    assert done.json["expected_runtime"] == pytest.approx(35.0778, abs=1e-4)
