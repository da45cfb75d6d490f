import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gcopt
from gcopt.cluster import Network
from gcopt.decoding import Decoder
from gcopt.errors import ImpossibleError, InputError
from gcopt.families import FAMILIES, communication_efficient, grouped_mds
from gcopt.families.grouped_mds import least_mean, worst_loss
from gcopt.waiting import Waiting
from tests.helpers import claim, dense, errors, sampled_sets, worst_error, worst_noise


@pytest.mark.parametrize(
    ("n", "s", "mean", "worst"),
    [(6, 1, 0, 0), (6, 2, 1.2, 3), (6, 3, 3.3, 6), (6, 4, 6, 6), (9, 2, 0.75, 3), (9, 3, 2.142857142857143, 6)],
)
def test_means_and_worst_cases_of_loads_of_three_and_two_blocks(n, s, mean, worst):
    code = grouped_mds(n, 3, 2, stragglers=s)
    found = errors(dense(code), s, 2)
    assert found.mean() == pytest.approx(mean, abs=1e-12)
    assert found.max() == pytest.approx(worst, abs=1e-12)
    assert code.segments[0].approximate == (s > 1)
    if s > 1:
        assert (claim(code, "mean"), claim(code, "error")) == (pytest.approx(mean), pytest.approx(worst))
    assert all(check.status != "refuted" for check in gcopt.verify(code).checks)


@settings(max_examples=25, deadline=None)
@given(d=st.integers(1, 5), groups=st.integers(1, 3), data=st.data())
def test_the_error_is_what_each_group_lacks(d, groups, data):
    n, m = d * groups, data.draw(st.integers(1, d))
    s = data.draw(st.integers(0, n - 1))
    code = grouped_mds(n, d, m, stragglers=s, draws=1)
    for lost in sampled_sets(n, s, 5, seed=data.draw(st.integers(0, 99))):
        heard = np.isin(np.arange(n), lost, invert=True)
        lacks = np.maximum(0, m - heard.reshape(groups, d).sum(axis=1))
        assert Decoder(code.segments[0])(heard).error == pytest.approx(d * lacks.sum(), abs=1e-10)
    assert (code.segments[0].load == d).all()
    if s <= d - m:
        assert worst_error(dense(code), s, m) < 1e-18
    every = np.array([worst_loss(n, d, m, t) for t in range(n)])
    mean = np.array([least_mean(n, n, d, m, t) for t in range(n)])
    assert (mean <= every + 1e-12).all()


def test_any_m_answers_of_each_group_are_enough():
    code = grouped_mds(12, 4, 2)
    assert [part.needed for part in Decoder(code.segments[0]).components] == [2, 2, 2]
    times = np.arange(12.0)[None, :, None]  # the groups answer one after the other
    assert Waiting(code).until(times).tolist() == [[9.0]]
    assert grouped_mds(12, 12, 7).segments[0].partitions == 12
    assert Waiting(grouped_mds(12, 12, 7)).count(0) == 7


def test_the_noise_is_brute_force_and_below_that_of_cyclic_placement():
    code = grouped_mds(10, 5, 3)
    assert claim(code, "noise") == pytest.approx(worst_noise(dense(code), 2, 3), rel=1e-6)
    assert claim(code, "noise") < claim(communication_efficient(10, 2, 3), "noise")


def test_cut_partitions_multiply_the_promises():
    code = grouped_mds(6, 3, 2, stragglers=3, partitions=12)
    assert (claim(code, "mean"), claim(code, "error")) == (pytest.approx(6.6), 12)
    assert errors(dense(code), 3, 2).mean() == pytest.approx(6.6)


def test_candidates_are_the_divisors_and_all_exchanges():
    slow = gcopt.Cluster(6, gcopt.delays.Delay("exponential", {"rate": 1.0}), network=Network(bandwidth=1.0))
    found = list(FAMILIES["grouped-mds"].candidates(slow, None))
    assert {(c["load"], c["blocks"]) for c in found} == {(d, m) for d in (1, 2, 3, 6) for m in range(1, d + 1)}


@pytest.mark.parametrize(
    ("parameters", "error", "words"),
    [
        ({"load": 4, "blocks": 2}, ImpossibleError, "does not divide the 6 workers; 1, 2, 3, 6 would work"),
        ({"load": 3, "blocks": 4}, ImpossibleError, "blocks is 4; with load 3 at most 3"),
        ({"load": 7, "blocks": 1}, InputError, "load is 7"),
        ({"load": 3, "blocks": 0}, InputError, "blocks is 0"),
        ({"load": 3, "blocks": 2, "stragglers": 6}, InputError, "stragglers is 6"),
        ({"load": 3, "blocks": 2, "draws": 0}, InputError, "draws is 0"),
    ],
)
def test_bad_parameters_say_what_would_work(parameters, error, words):
    with pytest.raises(error, match=words):
        grouped_mds(6, **parameters)
