import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gcopt
from gcopt.averages import mean_error
from gcopt.decoding import Decoder
from gcopt.errors import InputError
from gcopt.families import coarsened, random_signs
from tests.helpers import dense, least_squares, sampled_sets


@given(
    n=st.integers(2, 14),
    k=st.integers(1, 14),
    m=st.integers(1, 3),
    data=st.data(),
)
@settings(max_examples=40, deadline=None)
def test_clusters_stay_together_within_the_load_and_differ_by_one(n, k, m, data):
    load, clusters = data.draw(st.integers(1, k)), data.draw(st.integers(1, k))
    if n * load < k * m or -(-k // clusters) > load or m > n:
        with pytest.raises(InputError, match="cannot hold"):
            coarsened(n, k, load, clusters, 0, blocks=m, draws=1, rng=0)
        return
    try:
        code = coarsened(n, k, load, clusters, 0, blocks=m, draws=1, rng=0)
    except InputError:  # clusters need not fit where partitions do
        return
    assert code.load <= load
    assert len(set(code.segments[0].replication)) == 1
    assert m <= code.replication <= n * load // k
    sizes = np.unique(dense(code)[:, :k], axis=1, return_counts=True)[1]
    assert sizes.size == clusters
    assert np.ptp(sizes) <= 1


def test_the_whole_load_is_used_where_sizes_allow_it():
    code = coarsened(90, 90, 10, 27, 22, blocks=2, draws=1, rng=0)
    assert (code.segments[0].load == 10).all()
    assert (code.segments[0].replication == 10).all()


@pytest.mark.parametrize(("m", "clusters", "s"), [(2, 8, 8), (1, 12, 9)])
def test_random_sets_decode_exactly_where_published_codes_lose_much(m, clusters, s):
    n = 32
    code = coarsened(n, n, 8, clusters, s, blocks=m, draws=3, rng=0)
    found = [least_squares(dense(code), lost, m)[0] for lost in sampled_sets(n, s, 60)]
    assert np.mean(found) < 0.1
    graph = {"family": "random-regular", "workers": n, "stragglers": s, "load": 8, "rng": 0}
    published = Decoder(random_signs(graph, m, s, rng=0).segments[0])
    about = {"stragglers": s, "probability": None, "samples": 60, "rng": np.random.default_rng(0)}
    assert mean_error(published, **about).value > max(0.3, 5 * np.mean(found))


@pytest.mark.parametrize(("s", "worst"), [(5, (6.0, 3.0)), (6, (12.0, 6.0))])
def test_what_an_adversary_takes_is_as_large_as_a_cluster(s, worst):
    for clusters, value in zip((4, 8), worst, strict=True):  # gamma - m + 1 = 5 workers for one block of a cluster
        code = coarsened(24, 24, 6, clusters, s, blocks=2, draws=5, rng=0)
        found = gcopt.verify(code, samples=50).segments[0].worst
        assert found.lower == pytest.approx(value)
        assert found.upper == pytest.approx(value)


def test_what_all_sets_show_is_promised_and_proved():
    code = coarsened(10, 8, 4, 3, 3, blocks=2, draws=2, rng=3)
    exact = coarsened(10, 8, 4, 4, 2, blocks=2, draws=5, rng=0)
    kinds = [[c.kind for c in one.claims] for one in (code, exact)]
    assert kinds == [["load", "replication", "exact", "mean"], ["load", "replication", "exact", "exact"]]
    assert all(check.status == "proved" for one in (code, exact) for check in gcopt.verify(one).checks)


def test_draws_repeat():
    one, same, other = (coarsened(12, 12, 4, 6, 3, blocks=2, rng=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(dense(one), dense(same))
    assert (dense(one) != dense(other)).any()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: coarsened(8, 8, 4, 0, 1), "clusters is 0"),
        (lambda: coarsened(8, 8, 4, 9, 1), "clusters is 9; an integer from 1 to 8"),
        (lambda: coarsened(8, 8, 3, 2, 1), "clusters is 2 and load 3; 8 workers cannot hold"),
        (lambda: coarsened(8, 8, 2, 8, 1, blocks=3), "cannot hold 3 copies"),
        (lambda: coarsened(8, 8, 9, 8, 1), "load is 9"),
        (lambda: coarsened(8, 8, 4, 4, 8), "stragglers is 8"),
        (lambda: coarsened(8, 8, 4, 4, 1, blocks=0), "blocks is 0"),
        (lambda: coarsened(8, 8, 4, 4, 1, draws=0), "draws is 0"),
    ],
)
def test_bad_parameters_say_what_would_work(make, words):
    with pytest.raises(InputError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)
