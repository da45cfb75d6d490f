import numpy as np
import pytest

import gcopt
from gcopt.errors import InputError
from gcopt.families import circulant, coset_graph
from tests.families.enumeration import errors
from tests.helpers import claim


@pytest.mark.parametrize("s", [1, 2, 3])
def test_the_spectral_bound_holds_for_every_set(s):
    code = coset_graph(5, 2, s, generators=[0, 1, 3])
    assert (code.workers, code.partitions, code.load, code.replication) == (10, 5, 3, 6)
    singular = np.linalg.svd(code.support.toarray().astype(float), compute_uv=False)[1] ** 2
    assert claim(code, "error") == pytest.approx(5 * s * singular / (18 * (10 - s) + s * singular))
    assert errors(code, s).max() <= claim(code, "error") + 1e-9
    assert errors(code, s).mean() <= claim(code, "mean") + 1e-9


@pytest.mark.parametrize(("decoder", "q"), [("least-squares", None), ("one-step", None), ("sum", 0.2)])
def test_verify_refutes_nothing(decoder, q):
    code = coset_graph(6, 2, 2, load=3, decoder=decoder, probability=q)
    assert {check.status for check in gcopt.verify(code).checks} == {"proved"}


def test_generators_that_are_searched_for_are_noted_by_what_finds_them():
    code = coset_graph(27, 2, 5, load=5)
    assert code.parameters == {"partitions": 27, "copies": 2, "stragglers": 5, "load": 5, "decoder": "least-squares"}
    assert np.linalg.matrix_rank(code.support.toarray()[:27]) == 27


def test_rounds_of_a_circulant_make_a_cyclic_design_with_its_blocks_as_workers():
    code = circulant(26, 1, shifts=[[0, 1, 4], [0, 2, 7]])
    shared = (code.support.astype(int).T @ code.support.astype(int)).toarray()
    np.testing.assert_array_equal(shared, np.ones((13, 13)) + 5 * np.eye(13))
    assert claim(code, "error") == pytest.approx(13 * 5 / (18 * 25 + 5))
    assert errors(code, 1).max() <= claim(code, "error") + 1e-9


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: coset_graph(5, 2, 1), "either load or generators"),
        (lambda: coset_graph(5, 2, 1, load=2, generators=[0]), "either load or generators"),
        (lambda: coset_graph(5, 2, 1, load=6), "load is 6; an integer from 1 to 5"),
        (lambda: coset_graph(5, 2, 1, generators=[0, 5]), r"generators\[1\] is 5"),
        (lambda: coset_graph(5, 2, 1, generators=[1, -4]), "must differ modulo 5"),
        (lambda: coset_graph(5, 0, 1, load=2), "copies is 0"),
        (lambda: coset_graph(5, 2, 10, load=2), "stragglers is 10"),
        (lambda: circulant(7, 1, shifts=[[0, 1], [0, 2]]), "shifts has 2 lists, which do not divide the 7 workers"),
        (lambda: circulant(6, 1, shifts=[[0, 1], [0]]), r"lists of \[1, 2\] integers"),
        (lambda: circulant(6, 1, shifts=[[0, 1], 0]), r"shifts\[1\] is 0; a list"),
        (lambda: circulant(6, 1, shifts=[[0, 1], [0, 3]]), r"shifts\[1\]\[1\] is 3"),
    ],
)
def test_bad_parameters_say_what_would_work(make, words):
    with pytest.raises(InputError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)
