from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcopt.errors import InputError
from gcopt.families import FAMILIES, cyclic_repetition, placement
from tests.helpers import claim, dense, least_squares, noises, sampled_sets, worst_error, worst_noise


@settings(max_examples=30, deadline=None)
@given(n=st.integers(2, 7), data=st.data())
def test_exact_for_every_set_of_any_placement(n, data):
    s = data.draw(st.integers(0, n - 1))
    k = data.draw(st.integers(1, 9))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    assignment = np.zeros((n, k), dtype=bool)
    for column in assignment.T:
        column[rng.choice(n, s + 1, replace=False)] = True
    code = placement(n, s, assignment=assignment, draws=5, rng=0)
    assert (code.segments[0].support.toarray() == assignment).all()
    assert worst_error(dense(code), s) < 1e-12 * k * max(1.0, worst_noise(dense(code), s) ** 2)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(2, 7), data=st.data())
def test_loads_follow_the_speeds_and_every_partition_has_its_copies(n, data):
    s = data.draw(st.integers(0, n - 1))
    speeds = data.draw(st.lists(st.floats(0.1, 10), min_size=n, max_size=n))
    code = placement(n, s, partitions=20, speeds=speeds, draws=1, rng=1)
    segment = code.segments[0]
    assert (segment.replication == s + 1).all()
    assert segment.load.sum() == 20 * (s + 1)
    order = np.argsort(speeds, kind="stable")
    assert (np.diff(segment.load[order]) >= -1).all()


def test_a_very_fast_worker_gets_everything_and_no_more():
    segment = placement(4, 1, partitions=8, speeds=[1, 1, 1, 5], rng=0).segments[0]
    assert sorted(segment.load.tolist()) == [2, 3, 3, 8]


@pytest.mark.parametrize(("n", "s"), [(13, 2), (13, 4)])
def test_the_promised_noise_is_brute_force_and_below_algorithm_2(n, s):
    code = placement(n, s, rng=0)
    worst = worst_noise(dense(code), s)
    assert claim(code, "noise") == pytest.approx(worst, rel=1e-6)
    rivals = [worst_noise(dense(cyclic_repetition(n, s, rng=seed)), s) for seed in range(10)]
    assert worst < min(rivals)


def test_typical_noise_is_far_below_algorithm_2():
    sets = sampled_sets(40, 5, 100)
    ours = np.median(noises(dense(placement(40, 5, draws=1, rng=0)), sets))
    theirs = np.median(noises(dense(cyclic_repetition(40, 5, rng=0)), sets))
    assert ours < theirs / 3


def test_forty_workers_decode_sampled_sets():
    b = dense(placement(40, 5, rng=0))
    assert max(least_squares(b, lost)[0] for lost in sampled_sets(40, 5, 300)) < 1e-12 * 40


def test_a_thousand_workers_stay_sparse():
    segment = placement(1000, 20, rng=0).segments[0]
    assert segment.encoding.nnz == 1000 * 21
    assert (segment.load == 21).all()
    dense_b = segment.encoding.toarray()
    a = np.zeros(1000)
    lost = sampled_sets(1000, 20, 1)[0]
    rest = np.setdiff1d(np.arange(1000), lost)
    a[rest] = np.linalg.lstsq(dense_b[rest].T, np.ones(1000), rcond=None)[0]
    assert np.linalg.norm(a @ dense_b - 1) < 1e-6


def test_the_seed_gives_the_same_bits():
    first = placement(9, 3, rng=5)
    again = placement(**first.parameters, rng=first.seed)
    assert dense(first).tobytes() == dense(again).tobytes()


def test_candidates_are_weighted_loads_and_what_grouped_cannot_have():
    def built(speeds, partitions):
        cluster = SimpleNamespace(workers=5, speeds=np.array(speeds), job=SimpleNamespace(partitions=partitions))
        return [FAMILIES["placement"](**p) for p in FAMILIES["placement"].candidates(cluster)]

    even, uneven = [1.0] * 5, [0.5, 1.0, 1.0, 1.0, 1.5]
    assert not built(even, None)
    assert [c.stragglers for c in built(even, 32)] == [1, 2, 3, 4]
    assert len(built(uneven, 30)) == 4
    found = built(uneven, 32)
    assert len(found) == 8
    assert {c.partitions for c in found} == {32}


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"stragglers": 4}, "stragglers is 4"),
        ({"stragglers": 1, "speeds": [1, 2, 3]}, "a list of 4 positive numbers"),
        ({"stragglers": 1, "speeds": [1, 2, 3, float("inf")]}, r"speeds\[3\] is inf"),
        ({"stragglers": 1, "draws": 0}, "draws is 0"),
        ({"stragglers": 1, "partitions": 2.5}, "partitions is 2.5"),
        ({"stragglers": 1, "assignment": [[1, 1], [1, 0], [0, 0], [0, 0]]}, "partition 1 on 1 workers"),
        ({"stragglers": 1, "assignment": [[1, 1], [1, 1]]}, r"shape \(2, 2\)"),
        ({"stragglers": 1, "assignment": "all"}, "assignment has shape"),
        ({"stragglers": 0, "assignment": [[2], [0], [0], [0]]}, "0 and 1"),
        ({"stragglers": 0, "assignment": [[float("nan")], [0], [0], [0]]}, "0 and 1"),
        ({"stragglers": 0, "assignment": np.eye(4), "partitions": 4}, "leave out"),
    ],
)
def test_bad_parameters_say_what_would_work(parameters, words):
    with pytest.raises(InputError, match=words):
        placement(4, **parameters)
