"""Circulant and random regular assignments, and the bounds that regular assignments share."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.csgraph import connected_components

import gcopt
from gcopt.combinatorics.spectrum import second_singular_squared
from gcopt.errors import ImpossibleError, InputError
from gcopt.families import circulant, random_regular
from gcopt.families.random_regular import bi_regular
from tests.families.enumeration import errors
from tests.helpers import claim, dense

FANO = {"workers": 7, "shifts": [0, 1, 3]}


@pytest.mark.parametrize(("s", "value"), list(enumerate([0, 1 / 4, 4 / 7, 1, 1.6, 2.5, 4])))
def test_the_spectral_bound_is_the_error_of_every_set_of_a_block_design(s, value):
    code = circulant(stragglers=s, **FANO)
    np.testing.assert_allclose(errors(code, s), value, atol=1e-12)
    assert claim(code, "error") == pytest.approx(value)
    assert claim(code, "mean") == pytest.approx(value)


@pytest.mark.parametrize(("s", "value"), [(1, 0.2), (2, 3 / 7), (3, 9 / 13), (4, 1.0)])
def test_a_larger_difference_set(s, value):
    code = circulant(13, s, shifts=[0, 1, 3, 9])
    np.testing.assert_allclose(errors(code, s), value, atol=1e-12)
    assert claim(code, "error") == pytest.approx(value)


@given(n=st.integers(2, 9), data=st.data())
@settings(max_examples=30, deadline=None)
def test_the_fourier_transform_gives_the_second_singular_value_and_its_bounds_hold(n, data):
    shifts = data.draw(st.lists(st.integers(0, n - 1), min_size=1, unique=True))
    s = data.draw(st.integers(0, n - 1))
    best = circulant(n, s, shifts=shifts)
    singular = np.linalg.svd(dense(best) * len(shifts), compute_uv=False)
    assert second_singular_squared(best.support) == pytest.approx(singular[1] ** 2, abs=1e-9)
    lost = singular[1] ** 2 * s
    bound = n * lost / (len(shifts) ** 2 * (n - s) + lost) if lost else 0.0
    assert claim(best, "error") == pytest.approx(bound, abs=1e-9)
    assert errors(best, s).max() <= claim(best, "error") + 1e-9
    assert errors(best, s).mean() <= claim(best, "mean") + 1e-9
    scaled = circulant(n, s, shifts=shifts, decoder="scaled")
    assert errors(scaled, s).max() <= claim(scaled, "error") + 1e-9
    assert errors(scaled, s).mean() == pytest.approx(claim(scaled, "mean"), abs=1e-9)


def test_everybody_holding_everything_loses_nothing():
    for decoder in ("least-squares", "scaled"):
        assert claim(circulant(6, 5, load=6, decoder=decoder), "error") == 0.0
        assert claim(random_regular(6, 5, 6, decoder=decoder), "error") == 0.0


def test_neighbours_are_the_default_shifts():
    code = circulant(5, 1, load=2)
    assert code.support.toarray()[4].tolist() == [True, False, False, False, True]


@given(n=st.integers(1, 12), k=st.integers(1, 12), data=st.data())
@settings(deadline=None)
def test_a_random_regular_assignment_is_regular_simple_and_connected(n, k, data):
    load = data.draw(st.sampled_from([d for d in range(1, k + 1) if n * d % k == 0]))
    held = bi_regular(n, k, load, np.random.default_rng(data.draw(st.integers(0, 9))))
    matrix = held.toarray()
    assert np.isin(matrix, (0.0, 1.0)).all()
    assert (matrix.sum(axis=1) == load).all()
    assert (matrix.sum(axis=0) == n * load // k).all()
    if load > 1 and n * load > k:
        graph = sparse.block_array([[None, held], [held.T, None]])
        assert connected_components(graph)[0] == 1


def test_all_small_regular_graphs_are_about_equally_likely():
    """There are 6 two-regular assignments of 3 and 90 of 4, of which 72 are connected (one cycle through all)."""
    rng = np.random.default_rng(5)
    for n, many in ((3, 6), (4, 72)):
        seen: dict[bytes, int] = {}
        for _ in range(50 * many):
            key = bi_regular(n, n, 2, rng).toarray().tobytes()
            seen[key] = seen.get(key, 0) + 1
        assert len(seen) == many
        assert min(seen.values()) > 20
        assert max(seen.values()) < 100


@pytest.mark.parametrize("decoder", ["least-squares", "scaled"])
@pytest.mark.parametrize(
    ("n", "k", "load", "s"), [(8, 8, 3, 2), (9, 6, 4, 3), (6, 9, 3, 2), (6, 6, 6, 2), (7, 7, 5, 3)]
)
def test_verify_proves_or_samples_every_claim(n, k, load, s, decoder):
    code = random_regular(n, s, load, partitions=k, decoder=decoder, rng=1)
    assert errors(code, s).max() <= claim(code, "error") + 1e-9
    assert errors(code, s).mean() <= claim(code, "mean") + 1e-9
    statuses = {check.claim.kind: check.status for check in gcopt.verify(code).checks}
    assert statuses.pop("error") == "proved"
    assert set(statuses.values()) == {"proved"}


def test_the_same_seed_gives_the_same_code():
    a, b, other = (dense(random_regular(10, 2, 3, rng=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert (a != other).any()


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda: random_regular(10, 2, 4, partitions=6), ImpossibleError, "nearest that exist: load = 3"),
        (lambda: random_regular(5, 2, 3, partitions=6), ImpossibleError, "load = 6; partitions = 5"),
        (lambda: random_regular(5, 2, 0), InputError, "load is 0; an integer from 1 to 5"),
        (lambda: random_regular(5, 2, 6), InputError, "load is 6"),
        (lambda: random_regular(5, 5, 2), InputError, "stragglers is 5"),
        (lambda: random_regular(5, 2, 2, decoder="sum", probability=1.0), InputError, "probability is 1"),
        (lambda: circulant(5, 2), InputError, "either load or shifts"),
        (lambda: circulant(5, 2, load=2, shifts=[0]), InputError, "either load or shifts"),
        (lambda: circulant(5, 2, load=6), InputError, "load is 6"),
        (lambda: circulant(5, 2, shifts=[0, 5]), InputError, r"shifts\[1\] is 5"),
        (lambda: circulant(5, 2, shifts=[1, -4]), InputError, "must differ modulo the 5 workers"),
        (lambda: circulant(5, 2, shifts=[]), InputError, "list of different integers"),
        (lambda: circulant(5, 2, shifts="ab"), InputError, "list of different integers"),
    ],
)
def test_bad_parameters_say_what_would_work(make, kind, words):
    with pytest.raises(kind, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)
