from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcopt.errors import InputError
from gcopt.families import FAMILIES, uncoded
from gcopt.families._speeds import sensible_stragglers, weighted_loads
from tests.helpers import claim, dense, worst_error, worst_noise


@given(n=st.integers(1, 12), per_worker=st.integers(1, 5))
def test_every_partition_is_on_exactly_one_worker(n, per_worker):
    code = uncoded(n, partitions=n * per_worker)
    assert (dense(code).sum(axis=0) == 1).all()
    assert (code.segments[0].load == per_worker).all()
    assert worst_error(dense(code), 0) < 1e-20
    assert worst_noise(dense(code), 0) == pytest.approx(claim(code, "noise"))


@given(
    speeds=st.lists(st.floats(0.01, 100), min_size=1, max_size=12),
    cap=st.integers(1, 50),
    fill=st.floats(0, 1),
)
def test_weighted_loads_share_everything_and_follow_the_speeds(speeds, cap, fill):
    v = np.array(speeds)
    total = int(fill * cap * len(v))
    loads = weighted_loads(total, v, cap)
    assert loads.sum() == total
    assert loads.min() >= 0
    assert loads.max() <= cap
    for a in range(len(v)):
        for b in range(len(v)):
            if loads[b] < cap and v[a] <= v[b]:  # the slower one never gets more than rounding allows
                assert loads[a] <= loads[b] + 1


@given(speeds=st.lists(st.floats(0.1, 10), min_size=1, max_size=12), total=st.integers(0, 60), cap=st.integers(5, 60))
def test_no_other_loads_are_done_sooner(speeds, total, cap):
    v = np.array(speeds)
    loads = weighted_loads(min(total, cap * len(v)), v, cap)
    last = (loads / v).max()
    anybody_else = np.where(loads < cap, (loads + 1) / v, np.inf).min()
    assert last <= anybody_else * (1 + 1e-9)  # whoever took over a partition would be later than the last one now


def test_partitions_are_contiguous():
    support = uncoded(3, speeds=[1, 2, 5]).segments[0].support.tocoo()
    assert support.row.tolist() == sorted(support.row.tolist())
    assert sorted(support.col.tolist()) == list(range(24))


def test_candidates_build_and_weigh_only_unequal_workers():
    def cluster(speeds, partitions=None):
        return SimpleNamespace(workers=len(speeds), speeds=np.array(speeds), job=SimpleNamespace(partitions=partitions))

    family = FAMILIES["uncoded"]
    assert len(list(family.candidates(cluster([1.0, 1.0, 1.0])))) == 1
    for partitions in (None, 2, 30):
        found = [family(**p) for p in family.candidates(cluster([0.5, 1.5, 1.0], partitions))]
        assert found
        assert partitions is None or {c.partitions for c in found} == {partitions}


def test_sensible_stragglers_thin_out():
    assert sensible_stragglers(40) == list(range(1, 40))
    many = sensible_stragglers(10_000)
    assert many[:8] == list(range(1, 9))
    assert many[-1] < 10_000
    assert len(many) < 50


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"workers": 0}, "workers is 0"),
        ({"workers": 4, "partitions": 3}, "at least 4"),
        ({"workers": 2, "speeds": [1.0, -1.0]}, r"speeds\[1\] is -1"),
        ({"workers": 2, "speeds": [1.0, float("nan")]}, r"speeds\[1\] is nan"),
        ({"workers": 2, "speeds": [1.0]}, "a list of 2 positive numbers"),
        ({"workers": 2, "speeds": "fast"}, "a list of 2 positive numbers"),
        ({"workers": 1, "speeds": True}, "a list of 1 positive numbers"),
    ],
)
def test_bad_parameters_say_what_would_work(parameters, words):
    with pytest.raises(InputError, match=words):
        uncoded(**parameters)
