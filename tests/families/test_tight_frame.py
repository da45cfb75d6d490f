from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import gcopt
from gcopt.averages import moments
from gcopt.combinatorics import spectrum
from gcopt.decoding import Decoder
from gcopt.errors import ImpossibleError, InputError, LimitError
from gcopt.families import _frame_claims, circulant, coset_graph, random_signs, tight_frame
from gcopt.families._frames import orbit_vectors, tight_vectors
from tests.helpers import claim, dense, least_squares, straggler_sets

COSET = {"family": "coset-graph", "partitions": 5, "copies": 2, "stragglers": 1, "generators": [0, 1, 3]}
FANO = {"family": "circulant", "workers": 7, "stragglers": 1, "shifts": [0, 1, 3]}
TRIPLES = {"family": "circulant", "workers": 26, "stragglers": 1, "shifts": [[0, 1, 4], [0, 2, 7]]}


def errors(code, s):
    return np.array([least_squares(dense(code), lost, code.blocks)[0] for lost in straggler_sets(code.workers, s)])


@pytest.mark.parametrize(
    ("s", "worst", "mean"), [(0, 0.0, 0.0), (1, 1 / 11, 1 / 11), (2, 0.5, 0.24631), (3, 1.4, None), (4, 2.0, None)]
)
def test_coset_graph_with_a_hadamard_matrix_for_each_residue(s, worst, mean):
    code = tight_frame(COSET, 2, s)
    found = errors(code, s)
    assert found.max() == pytest.approx(worst, abs=1e-12)
    assert mean is None or found.mean() == pytest.approx(mean, abs=1e-6)
    assert found.max() <= claim(code, "error") + 1e-12
    assert found.mean() <= claim(code, "mean") + 1e-12


@given(seed=st.integers(0, 20), s=st.integers(0, 5), m=st.integers(1, 2))
@settings(max_examples=12, deadline=None)
def test_bounds_hold_for_signs_on_random_graphs(seed, s, m):
    graph = {"family": "random-regular", "workers": 8, "partitions": 4, "load": 2, "stragglers": 1, "rng": seed}
    try:
        code = tight_frame(graph, m, s, frame="signs", rng=seed)
    except (ImpossibleError, LimitError):
        return
    found = errors(code, s)
    assert found.max() <= claim(code, "error") + 1e-9
    assert found.mean() <= claim(code, "mean") + 1e-9


def test_large_codes_have_the_same_bounds_by_iteration(monkeypatch):
    graph = {"family": "coset-graph", "partitions": 31, "copies": 2, "stragglers": 1, "load": 4}
    small = tight_frame(graph, 2, 5)
    for module in (_frame_claims, spectrum):
        monkeypatch.setattr(module, "_DENSE", 0)
    large = tight_frame(graph, 2, 5)
    assert claim(large, "error") == pytest.approx(claim(small, "error"))
    assert claim(large, "error") >= claim(small, "error")


def test_the_mean_estimate_is_a_multiple_of_the_gradient_by_symmetry():
    code = tight_frame(COSET, 2, 2)
    assert claim(code, "proportional") == pytest.approx(1 - 0.24631 / 10, abs=1e-6)
    crooked = tight_frame({"family": "matrix", "matrix": [[1, 0], [1, 0], [1, 1], [0, 1], [0, 1], [0, 1]]}, 2, 3)
    assert "proportional" not in {c.kind for c in crooked.claims}


def test_independent_stragglers_with_the_optimal_decoder_and_with_the_fixed_one():
    about = {"stragglers": 0, "probability": 0.25, "samples": 0, "rng": np.random.default_rng(0)}
    optimal = moments(Decoder(tight_frame(COSET, 2, 1).segments[0]), **about)
    assert optimal.factor == pytest.approx(0.952034, abs=5e-7)
    assert optimal.error.value == pytest.approx(0.479663, abs=5e-7)
    assert 10 * (1 / optimal.factor - 1) == pytest.approx(0.503830, abs=5e-7)
    assert optimal.crooked < 1e-20
    code = tight_frame(COSET, 2, 1, decoder="sum", probability=0.25)
    fixed = moments(Decoder(code.segments[0]), **about)
    assert fixed.bias < 1e-20
    assert fixed.error.value == pytest.approx(5 * 4 * 0.25 / (0.75 * 6))
    assert claim(code, "mean") == pytest.approx(1.111111, abs=5e-7)


def test_one_sign_pattern_in_32_makes_the_coset_graph_invertible_and_the_designed_one_does():
    held = coset_graph(5, 2, 1, generators=[0, 1, 3]).support.toarray().astype(float)
    signs = np.array(list(product([1.0, -1.0], repeat=10)))
    every = np.concatenate([np.broadcast_to(held, (1024, 10, 5)), signs[:, :, None] * held], axis=2)
    assert (np.abs(np.linalg.det(every)) > 1e-6).mean() == 1 / 32
    assert np.linalg.matrix_rank(dense(tight_frame(COSET, 2, 1))) == 10
    assert np.linalg.matrix_rank(dense(random_signs(COSET, 2, 1, epsilon=0.1, rng=0))) == 10


@pytest.mark.parametrize(
    ("assignment", "blocks", "frame", "dual"),
    [
        (TRIPLES, 2, "orbits", False),
        ({"family": "coset-graph", "partitions": 4, "copies": 3, "stragglers": 1, "load": 3}, 3, "orbits", False),
        ({"family": "coset-graph", "partitions": 3, "copies": 5, "stragglers": 1, "load": 2}, 2, "orbits", False),
        ({"family": "affine-plane", "order": 4, "stragglers": 1}, 4, "orbits", True),
        ({"family": "steiner-triple", "workers": 13, "stragglers": 1}, 2, "signs", True),
        ({"family": "matrix", "matrix": np.kron(np.eye(2), np.ones((4, 1))).tolist()}, 3, "signs", False),
        (
            {"family": "random-regular", "workers": 20, "partitions": 8, "load": 2, "stragglers": 1, "rng": 0},
            2,
            "search",
            False,
        ),
        ({"family": "matrix", "matrix": [[1, 0], [1, 0], [1, 1], [0, 1], [0, 1], [0, 1]]}, 2, "auto", False),
    ],
)
def test_frames_are_tight_and_decode_exactly_and_verify_proves_all(assignment, blocks, frame, dual):
    code = tight_frame(assignment, blocks, 1, frame=frame, dual=dual, rng=0)
    assert errors(code, 0).max() < 1e-20
    report = gcopt.verify(code)
    assert {check.status for check in report.checks} == {"proved"}
    assert report.segments[0].worst.stragglers == 1
    if len({*code.segments[0].replication, *code.segments[0].load}) <= 2:
        assert {"error", "mean"} <= {check.claim.kind for check in report.checks}


@given(count=st.integers(1, 12), data=st.data())
@settings(max_examples=30, deadline=None)
def test_vectors_of_every_size_are_tight_and_of_equal_length(count, data):
    m = data.draw(st.integers(1, count))
    found = tight_vectors(count, m)
    np.testing.assert_allclose(found.T @ found, count * np.eye(m), atol=1e-10)
    np.testing.assert_allclose(np.sum(found**2, axis=1), m)


def test_rounds_are_seen_only_where_they_are():
    held = sparse.csr_array(circulant(26, 1, shifts=[[0, 1, 4], [0, 2, 7]]).support.astype(float))
    np.testing.assert_array_equal(orbit_vectors(held, 2)[[0, 13]], [[1, 1], [1, -1]])
    mixed = sparse.csr_array(held[np.roll(np.arange(26), 5)])
    assert orbit_vectors(mixed, 2) is None
    assert orbit_vectors(held, 4) is None


@pytest.mark.parametrize("decoder", ["scaled", "one-step", "sum"])
def test_fixed_decoders_keep_their_promises(decoder):
    q = 0.25 if decoder == "sum" else None
    code = tight_frame(COSET, 2, 2, decoder=decoder, probability=q)
    checks = gcopt.verify(code).checks
    assert {check.status for check in checks} == {"proved"}
    kinds = {check.claim.kind for check in checks}
    assert kinds == {"load", "replication", "error", "mean", "proportional" if decoder == "one-step" else "unbiased"}


def test_the_fixed_decoder_loses_no_more_than_with_signs_that_are_redrawn():
    designed = tight_frame(COSET, 2, 1, decoder="sum", probability=0.25)
    drawn = random_signs(COSET, 2, 1, decoder="sum", probability=0.25, rng=0)
    assert claim(designed, "mean") == pytest.approx(claim(drawn, "mean") * 2 * 0.25 / 1.25)


def test_a_designed_code_is_kept_by_files(tmp_path):
    code = tight_frame(COSET, 2, 1)
    again = gcopt.load(gcopt.save(code, tmp_path / "code.npz"))
    np.testing.assert_array_equal(dense(again), dense(code))
    np.testing.assert_array_equal(dense(tight_frame(**again.parameters, rng=again.seed)), dense(code))


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda: tight_frame(FANO, 0, 1), InputError, "blocks is 0"),
        (lambda: tight_frame(FANO, 4, 1), InputError, "partition 0 is on 3: blocks = 3 would be the most"),
        (lambda: tight_frame(FANO, 2, 1), LimitError, r"no tight frame .* more workers \(n >= 14\)"),
        (lambda: tight_frame(FANO, 2, 1, frame="orbits"), InputError, "not in 2 or more rounds"),
        (lambda: tight_frame(FANO, 2, 1, frame="signs"), ImpossibleError, "on 3 workers, no multiple of 2"),
        (lambda: tight_frame(FANO, 2, 1, frame="best"), InputError, "frame is 'best'; one of auto"),
        (lambda: tight_frame(FANO, 2, 7), InputError, "stragglers is 7"),
        (lambda: tight_frame(COSET, 2, 1, seconds=0), InputError, "seconds is 0"),
        (lambda: tight_frame(COSET, 2, 1, dual=1), InputError, "dual is 1"),
        (lambda: tight_frame("coset-graph", 2, 1), InputError, "assignment is 'coset-graph', a family"),
        (lambda: tight_frame(COSET, 2, 1, decoder="sum"), InputError, "probability is missing"),
        (
            lambda: tight_frame({**COSET, "copies": 3}, 3, 1, decoder="scaled"),
            InputError,
            r"entries other than \+-1",
        ),
        (
            lambda: tight_frame({"family": "matrix", "matrix": [[1.0], [0.0]]}, 1, 1, dual=True),
            InputError,
            "worker 1 without work",
        ),
    ],
)
def test_bad_parameters_say_what_would_work(make, kind, words):
    with pytest.raises(kind, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_all_sets_of_a_steiner_system_stay_below_what_is_promised():
    code = tight_frame(TRIPLES, 2, 2)
    worst = max(least_squares(dense(code), lost, 2)[0] for lost in combinations(range(26), 2) if lost[0] in (0, 13))
    assert worst <= claim(code, "error")
