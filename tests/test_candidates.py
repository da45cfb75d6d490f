"""Which codes are tried on a cluster."""

import pytest

from gcopt.candidates import candidates, references, usable
from gcopt.cluster import Cluster, Job
from gcopt.code import GradientCode
from gcopt.delays import Delay
from gcopt.families import FAMILIES, cyclic_mds
from gcopt.families._family import Family
from gcopt.families.cyclic_mds import cyclic_mds_matrix
from gcopt.goal import Goal

EXPONENTIAL = Delay("exponential", {"rate": 1.0})


def test_partitions_of_the_job_are_respected():
    cluster = Cluster(20, EXPONENTIAL, slowness=[1.0] * 10 + [2.0] * 10, job=Job(partitions=40))
    codes = list(candidates(cluster, Goal()))
    assert {code.partitions for code in codes} == {40}
    assert {code.family for code in codes} >= {"uncoded", "grouped", "fractional-repetition", "placement"}
    odd = list(candidates(cluster.replace(job=Job(partitions=33)), Goal()))
    assert {code.partitions for code in odd} == {33}
    few = list(candidates(Cluster(6, EXPONENTIAL, job=Job(partitions=4)), Goal()))
    assert {code.partitions for code in few} == {4}
    assert "uncoded" not in {code.family for code in few}


@pytest.mark.parametrize("family", [None, "grouped", "placement", "uncoded", "fractional-repetition"])
def test_partitions_may_be_a_setting(family):
    cluster = Cluster(6, EXPONENTIAL, slowness=[1, 1, 1, 1, 2, 2])
    codes = candidates(cluster, Goal(), family=family, settings={"partitions": 12})
    assert {code.partitions for code in codes} == {12}


def test_usable_looks_at_every_kind_of_group():
    assert usable(cyclic_mds(9, 4))
    assert usable(FAMILIES["ignore-stragglers"](9, 4))
    assert not usable(GradientCode.from_matrix(cyclic_mds_matrix(80, 40), stragglers=40))


def test_families_are_told_the_goal(monkeypatch):
    told = []

    def proposed(cluster, goal):
        told.append((cluster.workers, goal))
        return [{"workers": cluster.workers}]

    plain = FAMILIES["uncoded"]
    monkeypatch.setitem(FAMILIES._entries, "uncoded", Family(plain.name, plain.source, plain.function, proposed))
    goal = Goal("completion", deadline=3.0, seed=5)
    assert [code.workers for code in candidates(Cluster(4, EXPONENTIAL), goal, family="uncoded")] == [4]
    assert told == [(4, goal)]


@pytest.mark.parametrize(("workers", "partitions"), [(1, None), (6, None), (6, 12), (6, 7)])
def test_references_have_one_redundancy(workers, partitions):
    codes = list(references(Cluster(workers, EXPONENTIAL), Goal(), partitions=partitions))
    assert {len(code.segments) for code in codes} == {1}
    assert {code.partitions for code in codes} == {partitions or workers}


def test_a_family_that_takes_no_workers_may_be_asked_for_by_its_own_words():
    cluster = Cluster(13, Delay("exponential", {"rate": 1.0}))
    given = {"order": 3, "stragglers": 2}
    (code,) = candidates(cluster, Goal(), family="projective-plane", settings=given)
    assert (code.family, code.workers) == ("projective-plane", 13)
