import numpy as np
import pytest

import gcopt
from gcopt.errors import ImpossibleError, InputError
from gcopt.families import hadamard_products, tight_frame
from tests.helpers import claim, dense, error_of, least_squares, sampled_sets

TRIPLES = {"family": "circulant", "workers": 26, "stragglers": 1, "shifts": [[0, 1, 4], [0, 2, 7]]}
SKOLEM = {"family": "steiner-triple", "workers": 13, "stragglers": 1}
GRAPH = {"family": "random-regular", "workers": 40, "stragglers": 1, "load": 3, "partitions": 20, "rng": 0}
FANO = {"family": "circulant", "workers": 7, "stragglers": 1, "shifts": [0, 1, 3]}


def products(code):
    """The vectors v_u that decode, from sum over the workers of a partition: v_u[j] = B[j, u, i] / sum of B^2."""
    blocks = dense(code).reshape(code.workers, code.blocks, code.partitions)
    return blocks / np.sum(blocks**2, axis=0)


@pytest.mark.parametrize(
    ("assignment", "vectors", "dual"),
    [
        (TRIPLES, "orbits", False),
        (TRIPLES, "signs", False),
        (SKOLEM, "signs", True),
        (SKOLEM, "gaussian", True),
        (GRAPH, "signs", False),
        (GRAPH, "gaussian", False),
    ],
)
def test_algorithm_1_decodes_exactly_with_its_own_vectors_when_everybody_answers(assignment, vectors, dual):
    code = hadamard_products(assignment, 2, 3, vectors=vectors, draws=3, dual=dual, rng=0)
    assert code.workers == 2 * code.partitions
    found = products(code)
    held = code.support.toarray()
    v = np.array([[found[j, u, held[j].argmax()] for j in range(code.workers)] for u in (0, 1)])
    np.testing.assert_allclose(found, held[:, None] * v.T[:, :, None], atol=1e-9 * np.abs(v).max())
    assert error_of(dense(code), v) < 1e-18
    if vectors != "gaussian":
        np.testing.assert_allclose(np.abs(v), 1.0)


def test_signs_keep_what_frames_promise_and_gaussian_vectors_have_the_smaller_mean():
    signs, gaussian = (hadamard_products(TRIPLES, 2, 2, vectors=v, rng=0) for v in ("signs", "gaussian"))
    reports = [gcopt.verify(code) for code in (signs, gaussian)]
    assert all(check.status == "proved" for report in reports for check in report.checks)
    assert {c.kind for c in signs.claims} == {"load", "replication", "exact", "error", "mean"}
    assert reports[0].segments[0].worst.upper <= claim(signs, "error")
    means = [report.segments[0].mean.value for report in reports]
    assert means[1] < 0.7 * means[0]


def test_orbits_are_a_tight_frame_written_otherwise():
    np.testing.assert_allclose(
        dense(hadamard_products(TRIPLES, 2, 1, vectors="orbits")), dense(tight_frame(TRIPLES, 2, 1))
    )


def test_more_draws_are_no_worse_on_the_sets_they_are_compared_on_and_repeat():
    one, many, again = (hadamard_products(GRAPH, 2, 8, draws=draws, rng=5) for draws in (1, 6, 6))
    np.testing.assert_array_equal(dense(many), dense(again))
    sets = sampled_sets(40, 8, 200)
    means = [np.mean([least_squares(dense(code), lost, 2)[0] for lost in sets]) for code in (one, many)]
    assert means[1] < 1.1 * means[0]


def test_three_blocks_and_more_workers_than_needed():
    graph = {"family": "random-regular", "workers": 24, "stragglers": 1, "load": 2, "partitions": 8, "rng": 0}
    code = hadamard_products(graph, 3, 1, draws=2, rng=0)
    assert gcopt.verify(code).ok
    assert least_squares(dense(code), (), 3)[0] < 1e-18


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda: hadamard_products(FANO, 0, 1), InputError, "blocks is 0"),
        (lambda: hadamard_products(FANO, 4, 1), InputError, "blocks = 3 would be the most"),
        (lambda: hadamard_products(FANO, 2, 1, rng=0), InputError, "nothing is left after 1: blocks = 1 would be"),
        (lambda: hadamard_products(FANO, 2, 1, vectors="ones"), InputError, "vectors is 'ones'; one of gaussian"),
        (lambda: hadamard_products(FANO, 2, 1, vectors="orbits"), InputError, "signs or gaussian would work"),
        (lambda: hadamard_products(FANO, 2, 1, vectors="signs"), ImpossibleError, "no multiple of 2"),
        (lambda: hadamard_products(TRIPLES, 3, 1, vectors="signs"), ImpossibleError, "no multiple of 4"),
        (lambda: hadamard_products(FANO, 2, 1, draws=0), InputError, "draws is 0"),
        (lambda: hadamard_products(FANO, 2, 7), InputError, "stragglers is 7"),
        (lambda: hadamard_products(3, 2, 1), InputError, "assignment is 3; a code, its file or"),
        (
            lambda: hadamard_products({"family": "matrix", "matrix": [[1, 0], [1, 0], [1, 0], [0, 1], [0, 1]]}, 3, 1),
            InputError,
            "partition 1 is on 2: blocks = 2",
        ),
    ],
)
def test_bad_parameters_say_what_would_work(make, kind, words):
    with pytest.raises(kind, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)
