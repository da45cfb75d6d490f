from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcopt.errors import InputError
from gcopt.families import FAMILIES, cyclic_mds, fractional_repetition, grouped
from gcopt.families.grouped import INNER
from tests.helpers import claim, dense, least_squares, sampled_sets, worst_error, worst_noise


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 10), data=st.data(), inner=st.sampled_from(["auto", "cyclic-mds"]))
def test_exact_for_every_set_with_the_least_possible_load(n, data, inner):
    s = data.draw(st.integers(0, n - 1))
    code = grouped(n, s, inner=inner)
    segment = code.segments[0]
    assert worst_error(dense(code), s) < 1e-12 * n
    assert (segment.load == s + 1).all()
    assert (segment.replication == s + 1).all()
    assert claim(code, "noise") == pytest.approx(worst_noise(dense(code), s), rel=1e-6)
    if inner == "auto":
        assert code.dtype == np.float64


@pytest.mark.parametrize(
    ("n", "s", "sizes", "noise"),
    [(13, 2, [3, 3, 3, 4], 0.91986621), (13, 4, [6, 7], 2.36832880), (16, 5, [8, 8], 3.05642804)],
)
def test_published_noise_of_groups_with_cyclic_codes_inside(n, s, sizes, noise):
    code = grouped(n, s, inner="cyclic-mds")
    assert claim(code, "noise") == pytest.approx(noise, rel=1e-7)
    assert worst_noise(dense(code), s) == pytest.approx(noise, rel=1e-7)
    edges = np.cumsum([0, *sizes])
    for a, b in pairwise(edges):
        assert (dense(code)[a:b, :a] == 0).all()
        assert (dense(code)[a:b, b:] == 0).all()


@pytest.mark.parametrize(("n", "s"), [(13, 2), (13, 3), (13, 4), (16, 5), (17, 3)])
def test_groups_are_less_noisy_than_one_cyclic_code(n, s):
    assert claim(grouped(n, s), "noise") < worst_noise(dense(cyclic_mds(n, s)), s) / 2


def test_teams_make_the_noise_much_smaller():
    assert claim(grouped(16, 5), "noise") < claim(grouped(16, 5, inner="cyclic-mds"), "noise") / 2
    twins = dense(grouped(8, 5, groups=1))
    assert (twins[0::2] == twins[1::2]).all()


def test_where_s_plus_one_divides_it_is_fractional_repetition():
    code = grouped(12, 3)
    assert set(code.segments[0].encoding.data) == {1.0}
    assert claim(code, "noise") == pytest.approx(claim(fractional_repetition(12, 3), "noise"))
    assert sorted(map(tuple, dense(code))) == sorted(map(tuple, dense(fractional_repetition(12, 3))))


def test_the_number_of_groups_can_be_chosen():
    code = grouped(9, 2, groups=2)
    assert (dense(code)[:4, 4:] == 0).all()
    assert (dense(code)[4:, :4] == 0).all()


def test_the_same_code_every_time():
    first, again = grouped(11, 3), grouped(11, 3)
    assert dense(first).tobytes() == dense(again).tobytes()
    assert first.seed == 0


@pytest.mark.parametrize(("n", "s"), [(14, 10), (20, 16), (30, 11), (33, 12)])
def test_larger_groups_keep_their_digits(n, s):
    b = dense(grouped(n, s))
    assert b.dtype == np.float64
    assert max(least_squares(b, lost)[0] for lost in sampled_sets(n, s, 200)) < 1e-12 * n


def test_ten_thousand_workers():
    code = grouped(10_000, 99)
    assert code.segments[0].encoding.nnz == 10_000 * 100
    assert claim(code, "noise") == pytest.approx(np.sqrt((99 + 100) / 10_000))
    odd = grouped(10_050, 99)
    assert (odd.segments[0].load == 100).all()
    assert (odd.segments[0].replication == 100).all()


def test_candidates_are_few_and_build():
    family = FAMILIES["grouped"]
    cluster = SimpleNamespace(workers=6, speeds=np.ones(6), job=SimpleNamespace(partitions=None))
    assert [family(**p).stragglers for p in family.candidates(cluster)] == [1, 2, 3, 4, 5]
    large = SimpleNamespace(workers=1000, speeds=np.ones(1000), job=SimpleNamespace(partitions=1000))
    assert len(list(family.candidates(large))) < 40
    other = SimpleNamespace(workers=6, speeds=np.ones(6), job=SimpleNamespace(partitions=7))
    assert not list(family.candidates(other))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"workers": 4, "stragglers": 4}, "stragglers is 4"),
        ({"workers": 0, "stragglers": 0}, "workers is 0"),
        ({"workers": 9, "stragglers": 2, "groups": 4}, "groups is 4; an integer from 1 to 3"),
        ({"workers": 9, "stragglers": 2, "inner": "mds"}, "one of auto, cyclic-mds"),
    ],
)
def test_bad_parameters_say_what_would_work(parameters, words):
    with pytest.raises(InputError, match=words):
        grouped(**parameters)


@pytest.mark.parametrize(("n", "s"), [(20, 16), (30, 20), (14, 10)])
def test_real_codes_cost_little_against_complex_ones(n, s):
    sets = sampled_sets(n, s, 300)
    real, complex_ = (max(least_squares(dense(grouped(n, s, inner=i)), lost)[1] for lost in sets) for i in INNER)
    assert real < 4 * complex_
